import { describe, expect, test } from 'vitest'
import * as g from './groups'
import { splitTop } from './language'
import type { Group } from './shapes'

const HOSTS: Group = {
  name: 'hosts',
  title: 'Hosts',
  kind: 'builtin',
  active: true,
  bucket_s: 30,
  topper_s: 300,
  topper_only: false,
  max_keys: 1000,
  meters: [
    { id: 0, name: 'Total', unit: 'Bps', type: 'rate', top: 50, bottom: 0 },
    { id: 3, name: 'Packets', unit: 'pps', type: 'rate', top: 0, bottom: 0 },
  ],
  space: { rows_seen: 1000, rows_stored: 50 },
}

test('the space that storing toppers only saves', () => {
  expect(g.saved(HOSTS)).toBeCloseTo(0.95)
  expect(g.saved({ ...HOSTS, space: undefined })).toBeNaN()
  expect(g.saved({ ...HOSTS, space: { rows_seen: 0, rows_stored: 0 } })).toBeNaN()
  expect(g.saved({ ...HOSTS, space: { rows_seen: 10, rows_stored: 12 } })).toBe(0)
})

test.each([
  ['builtin', 'builtin', false],
  ['filtered', 'builtin', false],
  ['filtered', 'console', true],
  ['keys', undefined, true],
])('a group of kind %s from %s is one’s own: %s', (kind, origin, want) =>
  expect(g.isOwn({ ...HOSTS, kind, origin })).toBe(want),
)

describe('settings', () => {
  const before = g.settingsOf(HOSTS)

  test('that are as they were change nothing', () => expect(g.changes(before, g.settingsOf(HOSTS))).toEqual({}))

  test('are told as far as they differ', () => {
    const after = {
      ...before,
      bucket: 60,
      topperOnly: true,
      meters: [before.meters[0]!, { id: 3, top: 20, bottom: 5 }],
    }
    expect(g.changes(before, after)).toEqual({
      bucket: '1m',
      topper_only: true,
      meters: [{ id: 3, top: 20, bottom: 5 }],
    })
  })

  test.each([
    [{}, ''],
    [{ bucket: 0 }, 'A bucket is'],
    [{ bucket: 1.5 }, 'A bucket is'],
    [{ bucket: 45 }, 'multiple of the bucket: 315 s'],
    [{ bucket: 600 }, 'multiple of the bucket: 600 s'],
    [{ maxKeys: NaN }, 'At least one key'],
    [{ meters: [{ id: 0, top: -1, bottom: 0 }] }, 'Toppers are'],
    [{ topperOnly: true, meters: [{ id: 0, top: 0, bottom: 3 }] }, 'only totals'],
  ])('%j: %s', (change, want) => {
    const fault = g.settingsFault({ ...before, ...change })
    if (want === '') expect(fault).toBe('')
    else expect(fault).toContain(want)
  })
})

describe('the definition of a group', () => {
  const draft = (change: Partial<g.GroupDraft>) => ({ ...g.EMPTY_DRAFT, name: 'mine', ...change })

  test('of own keys holds expressions and meters', () =>
    expect(g.bodyOf(draft({ keys: 'ipsource, or:vlan:[first:stack:.]', filter: 'vlan=5' }), splitTop)).toEqual({
      title: 'mine',
      kind: 'keys',
      bucket: '30s',
      topper: '5m',
      topper_only: false,
      max_keys: 100_000,
      keys: ['ipsource', 'or:vlan:[first:stack:.]'],
      filter: 'vlan=5',
      meters: [{ id: 0, name: 'Total', feed: 'bytes', unit: 'Bps', type: 'rate', top: 50 }],
    }))

  test('has what its kind needs and nothing else', () => {
    const names = (kind: string, change: Partial<g.GroupDraft> = {}) =>
      Object.keys(g.bodyOf(draft({ kind, ...change }), splitTop)).slice(6)
    expect(names('crosskey')).toEqual(['parents'])
    expect(names('filtered', { keyList: '443' })).toEqual(['parents', 'key_list'])
    expect(names('filtered', { keyList: '443', inverse: true })).toEqual(['parents', 'inverse_key_list'])
    expect(names('keyset')).toEqual(['parents', 'sets', 'only_sets'])
    expect(names('rule')).toEqual(['parents', 'rules'])
    expect(names('stat', { stat: { meter: 0, op: '<', value: '8M' } })).toEqual(['parents', 'stat'])
  })

  test('says what is missing', () => {
    expect(g.draftFault(draft({ kind: 'keys' }))).toBe('')
    expect(g.draftFault(draft({ kind: 'crosskey', parents: ['hosts', '', ''] }))).toContain('Choose')
    expect(g.draftFault(draft({ kind: 'filtered' }))).toContain('Which keys')
    expect(g.draftFault(draft({ kind: 'keyset' }))).toContain('A set needs')
    expect(g.draftFault(draft({ kind: 'rule' }))).toContain('A rule needs')
    expect(g.draftFault(draft({ kind: 'stat' }))).toContain('Which value')
  })

  test.each([
    ['', 'needed'],
    ['Hosts', '1 to 40'],
    ['a b', '1 to 40'],
    ['mine-2_b', ''],
  ])('the name %j: %s', (name, want) => expect(g.groupNameFault(name)).toContain(want))
})

test.each([
  ['10M', 10e6],
  ['6Kbps', 6000],
  ['2000', 2000],
  ['1.5 G', 1.5e9],
  ['many', NaN],
])('%s is %d', (text, want) => expect(g.magnified(text)).toBe(want))

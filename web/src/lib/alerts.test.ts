import { describe, expect, test } from 'vitest'
import * as a from './alerts'
import type { Group } from './shapes'

const hosts = {
  name: 'hosts',
  title: 'Hosts',
  meters: [{ id: 0, name: 'Total', unit: 'Bps', type: 'rate', top: 50, bottom: 0 }],
} as unknown as Group

const bare = (text: string) => text.replaceAll('\u202f', ' ')
const draft = (change: Partial<a.RuleDraft>) => ({ ...a.EMPTY_RULE, name: 'r', ...change })

describe('a rule', () => {
  test('comes back from what the server is told', () => {
    const d = draft({ high: '10Mbps', low: '8M', keys: '10.0.0.1~10.0.0.9', message: 'much' })
    expect(a.draftOf(a.ruleOf(d))).toEqual(d)
  })

  test('holds what its kind needs', () => {
    expect(a.ruleOf(draft({ high: '1M' }))).toEqual({
      name: 'r',
      group: 'hosts',
      keys: '*',
      meter: 0,
      kind: 'threshold',
      priority: 2,
      message: '',
      high: '1M',
      high_for: 3,
    })
    expect(a.ruleOf(draft({ kind: 'band' }))).toMatchObject({
      band: { baseline: 'week', weeks: 3, lower_margin: 20, sustained: 5 },
    })
    const fixed = a.ruleOf(draft({ kind: 'band', baseline: 'fixed', low: '5' }))
    expect(fixed).toMatchObject({ low: '5', band: { baseline: 'fixed', sustained: 5 } })
    expect(fixed.band).not.toHaveProperty('weeks')
  })

  test('keeps what the editor does not show', () => {
    const before = { ...a.ruleOf(draft({ kind: 'band' })), schedule: { hours: '09:00-18:00' } }
    before.band = { ...before.band, ...{ exclude_below: 5 } }
    const after = a.ruleOf({ ...a.draftOf(before), message: 'new' }, before)
    expect(after).toMatchObject({ schedule: { hours: '09:00-18:00' }, band: { exclude_below: 5 }, message: 'new' })
  })

  test.each([
    [10_000_000, '10M'],
    [1500, '1.5K'],
    [2000, '2K'],
    [1234.5, '1.2345K'],
    [999, '999'],
    [3e9, '3G'],
    ['10Mbps', '10Mbps'],
    [null, ''],
  ])('the limit %s is written %s', (v, want) => {
    const text = a.limitText(v)
    if (typeof v === 'number') expect(a.limit(text)).toBe(v)
    if (v !== 1234.5) expect(text).toBe(want)
  })

  test.each([
    [{ high: '10Mbps' }, ''],
    [{ name: '', high: '1' }, 'A name is needed'],
    [{}, 'Above which value'],
    [{ high: 'many' }, '"many" is no value'],
    [{ high: '10M', low: '20M' }, 'must be below'],
    [{ kind: 'band' }, ''],
    [{ kind: 'band', baseline: 'fixed' }, 'A band needs'],
    [{ kind: 'band', baseline: 'fixed', low: '3' }, ''],
  ])('%j: %s', (change, want) => {
    const fault = a.ruleFault(draft(change))
    if (want === '') expect(fault).toBe('')
    else expect(fault).toContain(want)
  })

  test.each([
    [
      { high: 1e6, high_for: 3, low: 5e5, low_for: 2 },
      'above 8.00 Mbit/s for 3 buckets, until below 4.00 Mbit/s for 2 buckets',
    ],
    [{ high: '10Mbps', high_for: 1 }, 'above 10Mbps'],
    [
      { kind: 'band', band: { baseline: 'day', lower_margin: 10, upper_margin: 30, sustained: 15 } },
      'not as the day before: \u221210 % to +30 % for 15 min',
    ],
    [{ kind: 'band', low: 5 }, 'outside 40 bit/s to \u221e'],
  ])('reads as a sentence: %j', (more, want) =>
    expect(
      bare(a.ruleText({ name: 'r', group: 'hosts', keys: '*', meter: 0, kind: 'threshold', ...more }, hosts)),
    ).toBe('Total of each key in Hosts ' + want),
  )
})

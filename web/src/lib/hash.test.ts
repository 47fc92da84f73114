import { describe, expect, test } from 'vitest'
import { DEFAULT_VIEW, formatHash, parseHash, type ViewState } from './hash'

const view = (change: Partial<ViewState>): ViewState => ({ ...DEFAULT_VIEW, ...change })

describe('a view', () => {
  test.each([
    [view({})],
    [view({ mode: 'sum', window: 900, search: 'spine', sort: 'name' })],
    [view({ page: 'definitions', flow: 'a/b c' })],
    [view({ page: 'definitions', draft: { keys: 'ipsource', filter: 'vlan=5' } })],
    [view({ page: 'groups' })],
    [view({ page: 'groups', name: 'hosts', params: { meter: '3', range: '6h' } })],
    [view({ page: 'groups', name: 'host_apps', key: 'C0.A8.01.02\\p-0016', mode: 'sum' })],
    [view({ page: 'groups', name: 'subnets', key: '10.0.0.0/8' })],
    [view({ page: 'groups', name: 'ümlaut & more', key: '100 %?#' })],
    [view({ page: 'sessions', name: '1700000000123456789', params: { q: 'ip=10.0.0.1,port=443' } })],
    [view({ page: 'sql', params: { query: 'select a\nfrom "b" where c > 1' } })],
    [view({ page: 'alerts', params: { tab: 'rules' } })],
    [view({ page: 'store' })],
  ])('comes back from its link: %j', (v) => expect(parseHash(formatHash(v))).toEqual(v))

  test('of a page that does not exist is the overview', () =>
    expect(parseHash('#/nothing/here?x=1')).toEqual(DEFAULT_VIEW))

  test('keeps no parameter without a value, none that is not one, none that is endless', () => {
    expect(formatHash(view({ page: 'groups', params: { range: '' } }))).toBe('#/groups')
    expect(parseHash('#/groups?__proto__!=1&meter=2').params).toEqual({ meter: '2' })
    expect(parseHash('#/sql?query=' + 'x'.repeat(30_000)).params).toEqual({})
  })

  test('with a broken escape is read as it stands', () => expect(parseHash('#/groups/a%zz').name).toBe('a%zz'))
})

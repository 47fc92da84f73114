import { describe, expect, test } from 'vitest'
import * as r from './range'

describe('a range in a link', () => {
  test('is left out when it is the usual one', () =>
    expect(r.rangeParams({ preset: '1h' })).toEqual({ range: '', from: '', to: '' }))

  test.each([[{ preset: '6h' as const }], [{ from: 1_700_000_100, to: 1_700_003_700 }]])('comes back: %j', (range) =>
    expect(r.parseRange(r.rangeParams(range))).toEqual(range),
  )

  test.each([
    [{}],
    [{ range: '5h' }],
    [{ from: '100' }],
    [{ from: '200', to: '100' }],
    [{ from: 'x', to: '100' }],
    [{ from: '-1', to: '100' }],
  ])('that makes no sense is the usual one: %j', (params) => expect(r.parseRange(params)).toEqual({ preset: '1h' }))

  test('is whole seconds that hold what was chosen', () =>
    expect(r.rangeParams({ from: 10.7, to: 20.2 })).toEqual({ range: '', from: '10', to: '21' }))
})

test('a question says where it begins, and where it ends unless that is now', () => {
  expect(r.rangeQuery({ preset: '7d' })).toEqual({ from: '-7d' })
  expect(r.rangeQuery({ from: 1, to: 2 })).toEqual({ from: '1', to: '2' })
})

test('a range moves by shares of its length and never beyond now', () => {
  expect(r.moved({ from: 100, to: 200 }, -1, 1000)).toEqual({ from: 0, to: 100 })
  expect(r.moved({ from: 100, to: 200 }, 0.5, 1000)).toEqual({ from: 150, to: 250 })
  expect(r.moved({ from: 850, to: 950 }, 1, 1000)).toEqual({ from: 900, to: 1000 })
  expect(r.moved({ preset: '1h' }, 0.5, 1e6)).toEqual({ preset: '1h' })
  expect(r.moved({ preset: '1h' }, -0.5, 1e6)).toEqual({ from: 1e6 - 5400, to: 1e6 - 1800 })
})

test('what an input of a moment holds is read back', () =>
  expect(r.parseLocal(r.localText(1_700_000_123))).toBe(1_700_000_123))

test('long ranges are asked for less often', () => {
  expect(r.refreshEvery({ preset: '15m' })).toBeLessThan(r.refreshEvery({ preset: '24h' }))
  expect(r.isLive({ preset: '15m' })).toBe(true)
  expect(r.isLive({ from: 1, to: 2 })).toBe(false)
})

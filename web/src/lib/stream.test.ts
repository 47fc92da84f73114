import { expect, test } from 'vitest'
import { ago, millis } from './moment'
import { SseParser } from './sse'
import { backoff, INITIAL, MAX_EVENTS, mergeEvents, reduce } from './stream'
import type { ThresholdEvent } from './types'

const event = (id: number, more: Partial<ThresholdEvent> = {}): ThresholdEvent => {
  return { id, at: id, threshold: 't', metric: 'm', limit: 1, value: 2, ...more }
}

test('messages may be cut anywhere', () => {
  const text = ': hello\n\nevent: tick\r\ndata: {"a":\r\ndata: 1}\r\n\r\nid: 7\ndata:plain\n\nevent: nothing\n\n'
  const want = [
    { event: 'tick', data: '{"a":\n1}', id: '' },
    { event: 'message', data: 'plain', id: '7' },
  ]
  for (let size = 1; size <= text.length; size++) {
    const p = new SseParser()
    const got = []
    for (let i = 0; i < text.length; i += size) got.push(...p.push(text.slice(i, i + size)))
    expect(got).toEqual(want)
  }
})

test('a line without an end is an error, not a full memory', () => {
  const p = new SseParser()
  expect(() => {
    for (let i = 0; i < 20; i++) p.push('x'.repeat(1 << 20))
  }).toThrow(/8 MiB/)
})

test('a tick replaces what is shown', () => {
  const tick = {
    at: 1_700_000_000_000,
    seq: 5,
    total: { bits: 8, bits_error: 1, packets: 2, packets_error: 1 },
    flows: { a: [{ key: 'x', keys: ['x'], value: 1, error: 0, exact: true }] },
    exporters: [],
    books: { difference: 0 },
  }
  const s = reduce(INITIAL, { type: 'tick', tick, now: 99 })
  expect(s).toMatchObject({ connection: 'live', seq: 5, at: 1_700_000_000_000, tickSeen: 99 })
  expect(s.flows.a).toHaveLength(1)
  expect(INITIAL.flows).toEqual({})
})

test('flows may come with their unit', () => {
  const s = reduce(INITIAL, { type: 'tick', tick: { flows: { a: { unit: 'B/s', flows: [] } } }, now: 1 })
  expect(s.flows.a).toEqual([])
  expect(s.units.a).toBe('B/s')
})

test.each([null, 7, 'x', [], { flows: null }, { flows: { a: 7 } }, { exporters: 'many' }])(
  'a tick that is wrong (%j) is left out',
  (tick) => expect(() => reduce(INITIAL, { type: 'tick', tick, now: 1 })).not.toThrow(),
)

test('a lost stream keeps what is shown and when it was lost', () => {
  let s = reduce(INITIAL, { type: 'tick', tick: { seq: 3 }, now: 10 })
  s = reduce(s, { type: 'lost', now: 20, retryAt: 21, trouble: { error: 'draining' } })
  s = reduce(s, { type: 'lost', now: 30, retryAt: 32, trouble: null })
  expect(s).toMatchObject({ connection: 'lost', lostAt: 20, retryAt: 32, attempts: 2, seq: 3 })
  expect(reduce(s, { type: 'open' })).toMatchObject({ connection: 'live', attempts: 0, lostAt: 0, trouble: null })
})

test('events are newest first, once each, the later word counting, and bounded', () => {
  let list = mergeEvents([], [event(1), event(3), event(2), null, 'x', {}])
  expect(list.map((e) => e.id)).toEqual([3, 2, 1])
  list = mergeEvents(list, [event(2, { end: 9 })])
  expect(list[1]!.end).toBe(9)
  list = mergeEvents(
    list,
    Array.from({ length: 500 }, (_, i) => event(i + 10)),
  )
  expect(list).toHaveLength(MAX_EVENTS)
  expect(list[0]!.id).toBe(509)
})

test('tries come slower and slower, up to a bound', () => {
  expect([0, 1, 2, 3, 4, 50].map((n) => backoff(n, 0))).toEqual([1000, 2000, 4000, 8000, 15000, 15000])
  expect(backoff(0, 1)).toBe(1200)
})

test('moments may come in several units', () => {
  const ms = Date.UTC(2026, 2, 9)
  for (const m of [ms, ms * 1e3, ms * 1e6, '2026-03-09T00:00:00Z']) expect(millis(m)).toBe(ms)
  for (const m of [null, undefined, '', 'soon']) expect(millis(m)).toBeNaN()
  expect(ago(250, ms)).toBe(250)
  expect(ago(ms - 5000, ms)).toBe(5000)
  expect(ago(undefined, ms)).toBeNaN()
})

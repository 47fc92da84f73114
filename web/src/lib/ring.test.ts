import { expect, test } from 'vitest'
import { KeyHistory } from './history'
import { Ring } from './ring'
import { barScale, errorBar, sparkPath } from './spark'
import type { ActiveFlow } from './types'

const flow = (key: string, value: number): ActiveFlow => ({ key, keys: [key], value, error: 0, exact: true })

test('a ring gives up the oldest', () => {
  const r = new Ring(3, 2)
  for (let i = 1; i <= 5; i++) r.push(i, i * 10)
  expect(r.length).toBe(3)
  expect(r.since(0)).toEqual([
    [3, 4, 5],
    [30, 40, 50],
  ])
  expect(r.since(4)).toEqual([
    [4, 5],
    [40, 50],
  ])
  expect(r.last(1)).toBe(50)
})

test('a point that was there already is replaced', () => {
  const r = new Ring(3, 2)
  r.push(1, 1)
  r.push(2, 2)
  r.push(2, 3)
  expect(r.since(0)).toEqual([
    [1, 2],
    [1, 3],
  ])
})

test('time that runs back begins anew', () => {
  const r = new Ring(9, 2)
  r.push(100, 1)
  r.push(101, 2)
  r.push(10, 3)
  expect(r.since(0)).toEqual([[10], [3]])
})

test('an empty ring has nothing', () => {
  const r = new Ring(3, 2)
  expect(r.since(0)).toEqual([[], []])
  expect(r.last(0)).toBeNaN()
})

test('a history keeps the values of each flow and leaves gaps', () => {
  const h = new KeyHistory(4, 10)
  h.add([flow('a', 1), flow('b', 9)])
  h.add([flow('b', 8)])
  h.add([flow('a', 3), flow('b', 7)])
  expect(h.of('a')).toEqual([1, NaN, 3])
  for (let i = 0; i < 9; i++) h.add([flow('b', i)])
  expect(h.of('b')).toEqual([5, 6, 7, 8])
  expect(h.of('a')).toEqual([])
  expect(h.of('nobody')).toEqual([])
})

test('what shows a history sees that it changed', () => {
  const h = new KeyHistory()
  h.add([flow('a', 1)])
  const before = h.of('a')
  h.add([flow('a', 2)])
  expect(h.of('a')).not.toBe(before)
  expect(before).toEqual([1])
})

test('a history is bounded whatever comes', () => {
  const h = new KeyHistory(60, 50)
  for (let i = 0; i < 2000; i++) h.add([flow('k' + i, i), flow('stays', i)])
  expect(h.size).toBeLessThanOrEqual(50)
  expect(h.of('stays')).toHaveLength(60)
})

test('a sparkline ends at the right edge and leaves gaps', () => {
  expect(sparkPath([0, 10], 59, 22, 60)).toBe('M58.0 21.0L59.0 1.0')
  expect(sparkPath([5, NaN, 5], 59, 22, 60)).toBe('M57.0 1.0h0.01M59.0 1.0h0.01')
  expect(sparkPath([], 59, 22, 60)).toBe('')
  expect(sparkPath([0, 0], 59, 22, 60)).toBe('M58.0 21.0L59.0 21.0')
})

test('an error bar stays inside its box', () => {
  expect(errorBar(50, 10, 100)).toEqual({ value: 0.5, low: 0.4, high: 0.6 })
  expect(errorBar(5, 10, 100)).toEqual({ value: 0.05, low: 0, high: 0.15 })
  expect(errorBar(5, 1, 0)).toEqual({ value: 0, low: 0, high: 0 })
  expect(
    barScale([
      { value: 5, error: 2 },
      { value: 6, error: NaN },
    ]),
  ).toBe(7)
})

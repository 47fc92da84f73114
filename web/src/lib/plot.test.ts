import { expect, test } from 'vitest'
import * as p from './plot'

test('lines lie on each other, and what is missing or below nothing takes no room', () => {
  expect(
    p.stack(
      [
        [1, 2, null],
        [10, null, -5],
        [100, 100],
      ],
      3,
    ),
  ).toEqual([
    [1, 2, 0],
    [11, 2, 0],
    [111, 102, 0],
  ])
  expect(p.stack([], 2)).toEqual([])
})

test('what is missing stays missing when values are scaled', () =>
  expect(p.scaled([1, null, NaN, 0], 8)).toEqual([8, null, null, 0]))

test('a band is never below nothing', () =>
  expect(p.band([10, 1, null], [2, 5, 1])).toEqual({ low: [8, 0, null], high: [12, 6, null] }))

test('marks of time say as much as is needed', () => {
  const noon = new Date(2026, 2, 9, 12, 30, 15).getTime() / 1000
  expect(p.timeMark(noon, 10)).toBe('12:30:15')
  expect(p.timeMark(noon, 300)).toBe('12:30')
  expect(p.timeMark(noon, 86_400)).toBe('03-09')
  expect(p.timeMark(new Date(2026, 2, 9).getTime() / 1000, 3600)).toBe('03-09')
  expect(p.timeText(noon, 60, noon * 1000)).toBe('12:30')
  expect(p.timeText(noon, 60, 0)).toBe('2026-03-09 12:30')
})

test('sums of a line', () => {
  expect(p.largest([null, 3, 8, null])).toBe(8)
  expect(p.largest([null])).toBeNaN()
  expect(p.average([4, null])).toBe(2)
  expect(p.average([])).toBeNaN()
  expect(p.lastOf([1, 2, null])).toBe(2)
  expect(p.lastOf([])).toBeNaN()
})

test('others are what is left of the total', () =>
  expect(
    p.rest(
      [10, 10, null],
      [
        [4, 4, 1],
        [null, 9, 1],
      ],
    ),
  ).toEqual([6, 0, null]))

import { expect, test } from 'vitest'
import { parseExact, pathOf } from './memory'

test('a path has its parts escaped and leaves out what is not said', () => {
  expect(pathOf(['groups', 'hosts', 'keys', 'C0.A8.01.02\\p-0016'])).toBe('groups/hosts/keys/C0.A8.01.02%5Cp-0016')
  expect(
    pathOf(['groups', 'subnets', 'keys', '10.0.0.0/8', 'series'], { meters: '0,1', step: '', to: undefined }),
  ).toBe('groups/subnets/keys/10.0.0.0%2F8/series?meters=0%2C1')
  expect(pathOf(['x'], { bottom: false, live: true, max: 0 })).toBe('x?live=true&max=0')
})

test('numbers that can be held stay numbers', () =>
  expect(parseExact('{"a":[1,2.5,-3,9007199254740991],"b":"12345678901234567890"}')).toEqual({
    a: [1, 2.5, -3, 9007199254740991],
    b: '12345678901234567890',
  }))

// Node tells the source text since version 21; before it, as in old browsers, the number is rounded.
test('an integer that a number cannot hold is kept as text where the source can be told', () => {
  const [n] = parseExact('[1700000000123456789]') as unknown[]
  expect(['1700000000123456789', 1700000000123456789]).toContain(n)
})

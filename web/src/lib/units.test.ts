import { expect, test } from 'vitest'
import * as u from './units'

const bare = (text: string) => text.replaceAll('\u202f', ' ')

test.each([
  [1e6, 'B/s', '8.00 Mbit/s'],
  [1e6, 'Bps', '8.00 Mbit/s'],
  [1e6, 'bytes', '1.00 MB'],
  [1e6, 'B', '1.00 MB'],
  [1500, 'pps', '1.50k packets/s'],
  [1500, 'conns', '1.50k conns'],
  [12, '1', '12'],
  [12, undefined, '12'],
  [null, 'B', '\u2013 B'],
])('%d %s is shown as %s', (value, unit, want) => expect(bare(u.amount(value, unit))).toBe(want))

test.each([
  [{ value: 1e6 }, 'exact'],
  [{ value: 1e6, stderr: 0, error: 0 }, 'exact'],
  [{ value: 1e6, stderr: 1e5 }, '\u00b10.80'],
  [{ value: 1e6, error: 1e5 }, '\u2264 +800 kbit/s'],
  [{ value: 1e6, stderr: 1e5, error: 1e5 }, '\u00b10.80, \u2264 +800 kbit/s'],
])('the error of %j is %s', (d, want) => expect(bare(u.doubt(d, 'B/s'))).toBe(want))

test('the error is also told in words', () => {
  expect(u.doubtSentence({ value: 1 }, 'B')).toBe('counted exactly')
  expect(bare(u.doubtSentence({ value: 1, stderr: 2000 }, 'B'))).toContain('one standard error is 2.00 kB')
})

test.each([
  [110, 100, '+10 %'],
  [97, 100, '\u22123.0 %'],
  [100, 100, '\u00b10 %'],
  [820, 100, '\u00d78.2'],
  [820, 1, '\u00d7820'],
  [5, 0, 'new'],
  [5, null, 'new'],
  [5, undefined, ''],
  [0, 0, ''],
  [null, 5, ''],
])('from %s to %s: %s', (value, previous, want) => expect(bare(u.change(value, previous))).toBe(want))

test.each([
  [30, '30 s'],
  [60, '1 min'],
  [90, '90 s'],
  [300, '5 min'],
  [3600, '1 h'],
  [86_400, '1 d'],
  [0, '\u2013'],
])('%d seconds are %s', (s, want) => expect(u.period(s)).toBe(want))

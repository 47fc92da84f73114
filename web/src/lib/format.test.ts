import { expect, test } from 'vitest'
import * as f from './format'

const bare = (text: string) => text.replaceAll('\u202f', ' ')

test.each([
  [0, 'bit/s', '0 bit/s'],
  [7, 'bit/s', '7 bit/s'],
  [0.5, 'bit/s', '0.500 bit/s'],
  [999, 'bit/s', '999 bit/s'],
  [999.7, 'bit/s', '1.00 kbit/s'],
  [1234, 'bit/s', '1.23 kbit/s'],
  [12345, 'bit/s', '12.3 kbit/s'],
  [123456, 'bit/s', '123 kbit/s'],
  [999_499, 'bit/s', '999 kbit/s'],
  [999_500, 'bit/s', '1.00 Mbit/s'],
  [1.234e9, 'bit/s', '1.23 Gbit/s'],
  [4.2e15, 'B', '4.20 PB'],
  [-1500, 'bit/s', '\u22121.50 kbit/s'],
  [24_680, 'packets/s', '24.7k packets/s'],
  [1e-9, '', '<0.001'],
  [0.0123, '', '0.0123'],
  [999.4, '', '999'],
  [NaN, 'bit/s', '\u2013 bit/s'],
  [3e20, 'bit/s', '300 Ebit/s'],
])('%d %s is shown as %s', (value, unit, want) => expect(bare(f.si(value, unit))).toBe(want))

test.each([
  [0, 'bit/s', '0'],
  [2e8, 'bit/s', '200 Mbit/s'],
  [20_000, 'packets/s', '20k'],
  [2500, 'packets/s', '2.5k'],
])('%d %s at an axis is %s', (value, unit, want) => expect(bare(f.mark(value, unit))).toBe(want))

test.each([
  [0, 5, true, 'exact'],
  [40e6, 1.23e9, false, '\u00b10.04'],
  [1.2e6, 1.23e6, false, '\u00b11.20'],
  [36e6, 162e6, false, '\u00b136.0'],
  [120e6, 162e6, false, '\u00b1120'],
  [1, 1e9, false, '\u00b1<0.01'],
  [5e9, 1e3, false, '\u00b15.00G'],
  [0, 10, false, '\u00b10'],
  [NaN, 10, false, ''],
])('an error of %d of %d', (error, value, exact, want) => expect(f.plusMinus(error, value, exact)).toBe(want))

test('an error beside a number that has the prefix has it too', () => {
  expect(f.plusMinus(2470, 22500, false, 'packets/s')).toBe('\u00b12.47k')
  expect(f.plusMinus(2470, 22500, false, 'bit/s')).toBe('\u00b12.47')
})

test.each([
  [0, '0 %'],
  [0.004, '<0.01 %'],
  [0.3, '0.30 %'],
  [12.34, '12.3 %'],
  [100, '100 %'],
  [NaN, '\u2013'],
])('%d percent', (value, want) => expect(bare(f.percent(value))).toBe(want))

test.each([
  [400, '0.4 s'],
  [-5, '0.0 s'],
  [12_900, '12 s'],
  [200_000, '3 min'],
  [7_500_000, '2 h 05 min'],
  [4 * 86400_000 + 3 * 3600_000, '4 d 3 h'],
  [NaN, '\u2013'],
])('%d ms take %s', (ms, want) => expect(f.duration(ms)).toBe(want))

test('counts have no unit', () => {
  expect(f.count(0)).toBe('0')
  expect(f.count(17)).toBe('17')
  expect(f.count(1_234_567)).toBe('1.23M')
})

test.each([
  ['bytes', 'B/s'],
  ['sum:ipbytes', 'B/s'],
  ['avg:ipbytes', 'B'],
  ['bps', 'bit/s'],
  ['frames', 'packets/s'],
  ['count:ipsource', ''],
  ['requests', '1/s'],
  [' max:vlan', ''],
])('the unit of %s is "%s"', (value, want) => expect(f.unitOfValue(value)).toBe(want))

test('bytes are shown as bits', () => {
  expect(f.shownUnit('B/s')).toEqual({ unit: 'bit/s', factor: 8 })
  expect(f.shownUnit('packets/s')).toEqual({ unit: 'packets/s', factor: 1 })
})

test('what the server says becomes a sentence', () => {
  expect(f.sentence('did you mean "first"?')).toBe('Did you mean "first"?')
  expect(f.sentence('weir is draining')).toBe('weir is draining.')
  expect(f.sentence(undefined)).toBe('')
})

// Numbers and times as the console shows them: three significant digits, SI prefixes, no locale.

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E']
const NARROW_SPACE = '\u202f'

/** A magnitude: the power of 1000 that value is shown in. */
export function magnitude(value: number): number {
  const abs = Math.abs(value)
  if (!(abs >= 999.5)) return 0
  // 999.7 shows as 1.00 k, so the border is where three digits would round up to four.
  const power = Math.max(0, Math.floor(Math.log10(abs) / 3))
  const rounds = Number((abs / 1000 ** power).toPrecision(3)) >= 1000
  return Math.min(PREFIXES.length - 1, power + (rounds ? 1 : 0))
}

/** Three significant digits of a number; all digits before the point of one above 999. */
export function digits(value: number): string {
  if (value === 0) return '0'
  const abs = Math.abs(value)
  if (abs < 0.001) return value < 0 ? '\u2212<0.001' : '<0.001'
  // Above 999 of the largest prefix, toPrecision would write an exponent.
  const text = abs < 999.5 ? abs.toPrecision(3) : abs.toFixed(0)
  return value < 0 ? '\u2212' + text : text
}

export interface Quantity {
  number: string
  unit: string
}

/** Whether a prefix belongs to the unit (Mbit/s) or, as with words, to the number (1.23k packets/s). */
function takesPrefix(unit: string): boolean {
  return /^(bit|B)\b/.test(unit)
}

/**
 * A value in its unit with an SI prefix, apart so that the unit can be shown smaller: {1.23, "Gbit/s"}. A prefix that
 * does not belong to the unit stands at the number: {1.23M, "packets/s"}.
 */
export function quantity(value: number, unit: string): Quantity {
  if (!Number.isFinite(value)) return { number: '\u2013', unit }
  const m = magnitude(value)
  const scaled = value / 1000 ** m
  const number = m === 0 && Number.isInteger(scaled) ? String(scaled) : digits(scaled)
  if (takesPrefix(unit)) return { number, unit: PREFIXES[m] + unit }
  return { number: number + PREFIXES[m], unit }
}

/** A value in its unit with an SI prefix: "1.23 Gbit/s". */
export function si(value: number, unit: string): string {
  const q = quantity(value, unit)
  return q.unit === '' ? q.number : q.number + NARROW_SPACE + q.unit
}

/** A value at an axis, where zeros after the point say nothing: "200 Mbit/s", "20k". */
export function mark(value: number, unit: string): string {
  if (value === 0) return '0'
  const m = magnitude(value)
  const number = String(Number((value / 1000 ** m).toPrecision(3)))
  return takesPrefix(unit) ? number + NARROW_SPACE + PREFIXES[m] + unit : number + PREFIXES[m]
}

/** A text of the server as a sentence: with a full stop, and large at its start except for our own name. */
export function sentence(text: string | undefined): string {
  const t = (text ?? '').trim()
  if (t === '') return ''
  const start = /^(weir\b|["'`])/.test(t) ? t : t[0]!.toUpperCase() + t.slice(1)
  return /[.!?]$/.test(start) ? start : start + '.'
}

/** A count without a unit: "1.23M", "17". */
export function count(value: number): string {
  return quantity(value, '').number
}

/**
 * The standard error of an estimate, in the magnitude of the estimate: "±0.04" beside 1.23 Gbit/s, "±0.04k" beside
 * 1.23k packets/s; "exact" for what was counted.
 */
export function plusMinus(error: number, value: number, exact: boolean, unit = 'bit/s'): string {
  if (exact) return 'exact'
  if (!Number.isFinite(error)) return ''
  const m = magnitude(value)
  const scaled = error / 1000 ** m
  const prefix = takesPrefix(unit) ? '' : PREFIXES[m]
  if (scaled === 0) return '\u00b10'
  if (scaled >= 1000) return '\u00b1' + count(error)
  if (scaled < 0.005) return '\u00b1<0.01' + prefix
  const text = scaled >= 100 ? scaled.toFixed(0) : scaled >= 10 ? scaled.toFixed(1) : scaled.toFixed(2)
  return '\u00b1' + text + prefix
}

/** A share of a hundred: "0", "0.02 %", "12.3 %". */
export function percent(value: number): string {
  if (!Number.isFinite(value)) return '\u2013'
  if (value === 0) return '0' + NARROW_SPACE + '%'
  if (value < 0.01) return '<0.01' + NARROW_SPACE + '%'
  const text = value >= 99.95 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
  return text + NARROW_SPACE + '%'
}

/** A length of time: "0.4 s", "12 s", "3 min", "2 h 05 min", "4 d 3 h". */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return '\u2013'
  const s = Math.max(0, ms) / 1000
  if (s < 1) return (Math.floor(s * 10) / 10).toFixed(1) + ' s'
  if (s < 60) return Math.floor(s) + ' s'
  const min = Math.floor(s / 60)
  if (min < 60) return min + ' min'
  const h = Math.floor(min / 60)
  if (h < 24) return h + ' h ' + String(min % 60).padStart(2, '0') + ' min'
  return Math.floor(h / 24) + ' d ' + (h % 24) + ' h'
}

/** The time of day of a moment in the browser's zone, 24 hours: "14:03:07". */
export function clock(ms: number, seconds = true): string {
  if (!Number.isFinite(ms)) return '\u2013'
  const d = new Date(ms)
  const two = (n: number) => String(n).padStart(2, '0')
  const text = two(d.getHours()) + ':' + two(d.getMinutes())
  return seconds ? text + ':' + two(d.getSeconds()) : text
}

/** The date of a moment in the browser's zone: "2026-03-09". */
export function day(ms: number): string {
  if (!Number.isFinite(ms)) return ''
  const d = new Date(ms)
  const two = (n: number) => String(n).padStart(2, '0')
  return d.getFullYear() + '-' + two(d.getMonth() + 1) + '-' + two(d.getDate())
}

/** What a value of the server is shown in, and what to multiply it with: bytes become bits. */
export function shownUnit(unit: string): { unit: string; factor: number } {
  if (unit === 'B/s') return { unit: 'bit/s', factor: 8 }
  if (unit === '1/s') return { unit: '/s', factor: 1 }
  if (unit === '1') return { unit: '', factor: 1 }
  return { unit, factor: 1 }
}

/** The unit that flows of a value come in: what the server told, except that it knows no word for packets. */
export function unitOf(told: string | undefined, value: string): string {
  const own = unitOfValue(value)
  return told === undefined || (told === '1/s' && own === 'packets/s') ? own : told
}

/** The unit of a definition's value, for answers that do not say it. */
export function unitOfValue(value: string): string {
  const text = value.trim()
  const i = text.indexOf(':')
  const modifier = i < 0 ? '' : text.slice(0, i)
  const attribute = i < 0 ? text : text.slice(i + 1)
  if (modifier === 'count') return ''
  const perSecond = modifier === '' || modifier === 'sum' || modifier === 'rate'
  if (/^(bps)$/.test(attribute)) return perSecond ? 'bit/s' : 'bit'
  if (/bytes$/i.test(attribute)) return perSecond ? 'B/s' : 'B'
  if (/^(frames|fps)$/.test(attribute)) return perSecond ? 'packets/s' : 'packets'
  return perSecond ? '1/s' : ''
}

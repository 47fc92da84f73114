// What values of meters are shown in. Meters count bytes; people read rates of bytes as bit/s.

import { plusMinus, quantity, si, type Quantity } from './format'

/** How a value of a meter is shown: in which unit, and what to multiply it with. */
export interface Shown {
  unit: string
  factor: number
}

const PLAIN = new Set(['', '1', 'count', 'none', 'number'])

/** The unit that values of a meter are shown in, from the unit that the server tells. */
export function shownOf(unit: string | undefined): Shown {
  const u = (unit ?? '').trim()
  if (/^(B\/s|bytes\/s|Bps|bytes per second)$/.test(u)) return { unit: 'bit/s', factor: 8 }
  if (/^(bit\/s|bits\/s|bps)$/.test(u)) return { unit: 'bit/s', factor: 1 }
  if (/^(B|bytes?)$/i.test(u)) return { unit: 'B', factor: 1 }
  if (/^(pps|packets\/s)$/i.test(u)) return { unit: 'packets/s', factor: 1 }
  if (/^(us|\u00b5s)$/.test(u)) return { unit: '\u00b5s', factor: 1 }
  if (u === '1/s' || u === 'count/s') return { unit: '/s', factor: 1 }
  if (PLAIN.has(u)) return { unit: '', factor: 1 }
  return { unit: u, factor: 1 }
}

/** A value of a meter in the unit that it is shown in: "12.3 Mbit/s". */
export function amount(value: number | null | undefined, unit: string | undefined): string {
  const shown = shownOf(unit)
  return si((value ?? NaN) * shown.factor, shown.unit)
}

/** The same, number and unit apart. */
export function amountParts(value: number | null | undefined, unit: string | undefined): Quantity {
  const shown = shownOf(unit)
  return quantity((value ?? NaN) * shown.factor, shown.unit)
}

/** What is known of a value's error. */
export interface Doubt {
  value: number
  /** One standard error, from sampling; 0 or absent when it was counted. */
  stderr?: number | null
  /** What the value may be short of at most, because the group was full; 0 or absent when nothing was dropped. */
  error?: number | null
}

/** The error of a value in few signs: "±0.2", "+1.2k at most", "exact". */
export function doubt(d: Doubt, unit: string | undefined): string {
  const shown = shownOf(unit)
  const parts = []
  if (d.stderr) parts.push(plusMinus(d.stderr * shown.factor, d.value * shown.factor, false, shown.unit))
  if (d.error) parts.push('\u2264 +' + si(d.error * shown.factor, shown.unit))
  return parts.length === 0 ? 'exact' : parts.join(', ')
}

/** The same as a sentence. */
export function doubtSentence(d: Doubt, unit: string | undefined): string {
  const parts = []
  if (d.stderr) parts.push(`estimated from samples, one standard error is ${amount(d.stderr, unit)}`)
  if (d.error) parts.push(`the group was full, up to ${amount(d.error, unit)} more is possible`)
  return parts.length === 0 ? 'counted exactly' : parts.join('; ')
}

/** By how much a value changed: "+12 %", "−3.4 %", "×8.2", "new", "". */
export function change(value: number | null | undefined, previous: number | null | undefined): string {
  if (value === null || value === undefined || previous === undefined) return ''
  if (previous === null || previous === 0) return value === 0 ? '' : 'new'
  const ratio = value / previous
  if (!Number.isFinite(ratio)) return ''
  if (ratio >= 3) return '\u00d7' + (ratio >= 100 ? ratio.toFixed(0) : ratio.toFixed(1))
  const share = (ratio - 1) * 100
  if (Math.abs(share) < 0.05) return '\u00b10\u202f%'
  const text = Math.abs(share) >= 10 ? Math.abs(share).toFixed(0) : Math.abs(share).toFixed(1)
  return (share < 0 ? '\u2212' : '+') + text + '\u202f%'
}

/** A number of seconds as a setting: "30 s", "5 min", "1 h". */
export function period(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds <= 0) return '\u2013'
  for (const [size, word] of [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
  ] as const) {
    if (seconds >= size && seconds % size === 0) return `${seconds / size} ${word}`
  }
  return `${seconds} s`
}

/** A number of bytes on a disk: "1.23 GB". */
export function bytes(n: number | null | undefined): string {
  return si(n ?? NaN, 'B')
}

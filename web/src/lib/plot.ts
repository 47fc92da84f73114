// What charts of the past draw: stacking, scales and marks of time, apart from the drawing itself.

import { clock, day } from './format'

/** One line of a chart. */
export interface Line {
  label: string
  values: readonly (number | null)[]
  /** The name of a colour token. */
  colour: string
  /** One standard error of each value. */
  stderr?: readonly (number | null)[]
  /** Drawn thin and broken: another period, a limit. */
  faint?: boolean
}

/** Values that lie on each other: each line with all lines before it added. What is missing counts as nothing. */
export function stack(lines: readonly (readonly (number | null)[])[], length: number): number[][] {
  const sums = new Array<number>(length).fill(0)
  return lines.map((values) => {
    for (let i = 0; i < length; i++) sums[i]! += Math.max(0, values[i] ?? 0)
    return sums.slice()
  })
}

/** Takes value by a factor; what is missing stays missing. */
export function scaled(values: readonly (number | null)[], factor: number): (number | null)[] {
  return values.map((v) => (v === null || v === undefined || !Number.isFinite(v) ? null : v * factor))
}

/** The lower and upper ends of a band of one standard error. */
export function band(
  values: readonly (number | null)[],
  stderr: readonly (number | null)[],
): { low: (number | null)[]; high: (number | null)[] } {
  const low: (number | null)[] = []
  const high: (number | null)[] = []
  values.forEach((v, i) => {
    const e = stderr[i] ?? 0
    low.push(v === null ? null : Math.max(0, v - e))
    high.push(v === null ? null : v + e)
  })
  return { low, high }
}

/** A moment at the axis of time: as much as tells it from its neighbours. */
export function timeMark(seconds: number, step: number): string {
  const ms = seconds * 1000
  if (step >= 86_400) return day(ms).slice(5)
  const time = clock(ms, step < 60)
  // Midnight is where the date changes.
  return clock(ms, false) === '00:00' && step >= 60 ? day(ms).slice(5) : time
}

/** A moment in full, as exact as points are apart. */
export function timeText(seconds: number, step: number, now = Date.now()): string {
  const ms = seconds * 1000
  const time = clock(ms, step < 60)
  return day(ms) === day(now) ? time : day(ms) + ' ' + time
}

/** The largest of the values; NaN when there is none. */
export function largest(values: readonly (number | null)[]): number {
  let top = NaN
  for (const v of values) if (v !== null && !(v <= top)) top = v
  return top
}

/** The average of the values that are there, with those that are missing as nothing. */
export function average(values: readonly (number | null)[]): number {
  if (values.length === 0) return NaN
  return values.reduce<number>((sum, v) => sum + (v ?? 0), 0) / values.length
}

/** What is left of the totals when the lines are taken away, never below nothing. */
export function rest(
  totals: readonly (number | null)[],
  lines: readonly (readonly (number | null)[])[],
): (number | null)[] {
  return totals.map((t, i) =>
    t === null ? null : Math.max(0, t - lines.reduce((sum, l) => sum + Math.max(0, l[i] ?? 0), 0)),
  )
}

/** The last value that is there. */
export function lastOf(values: readonly (number | null)[]): number {
  for (let i = values.length - 1; i >= 0; i--) if (values[i] !== null && values[i] !== undefined) return values[i]!
  return NaN
}

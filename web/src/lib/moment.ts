import type { Moment } from './types'

/**
 * Milliseconds since the epoch of a moment, whether the server wrote it as text or in milliseconds, microseconds or
 * nanoseconds: plain times of this century do not overlap in those units. NaN when it is none.
 */
export function millis(m: Moment | null | undefined): number {
  if (m === null || m === undefined || m === '') return NaN
  if (typeof m === 'string') return Date.parse(m)
  if (m > 1e17) return m / 1e6
  if (m > 1e14) return m / 1e3
  return m
}

/** How many milliseconds before now something was: the server may say how long ago or when. */
export function ago(ms: number | undefined, now: number): number {
  if (ms === undefined || !Number.isFinite(ms)) return NaN
  return ms > 1e11 ? Math.max(0, now - ms) : ms
}

/** The same, when a number below a hundred billion is in seconds, as answers about the past write it. */
export function instant(m: Moment | null | undefined): number {
  return typeof m === 'number' && Math.abs(m) < 1e11 ? m * 1000 : millis(m)
}

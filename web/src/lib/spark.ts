/**
 * The path of a sparkline in a box, newest value at the right edge, from zero up to the largest value. Values that are
 * not numbers leave a gap. Points are `points` to the width, so that a short history does not stretch.
 */
export function sparkPath(values: readonly number[], width: number, height: number, points: number): string {
  const top = Math.max(...values.filter(Number.isFinite), 0)
  const step = width / (points - 1)
  const first = width - (values.length - 1) * step
  let path = ''
  let pen = false
  values.forEach((v, i) => {
    if (!Number.isFinite(v)) {
      pen = false
      return
    }
    const x = (first + i * step).toFixed(1)
    const y = (height - 1 - (top > 0 ? v / top : 0) * (height - 2)).toFixed(1)
    path += (pen ? 'L' : 'M') + x + ' ' + y
    // A single point has no length: a dot is drawn by the round cap of a line of none.
    if (!pen && !Number.isFinite(values[i + 1])) path += 'h0.01'
    pen = true
  })
  return path
}

export interface Bar {
  /** Ends of the bar and of its error, as shares of the whole width. */
  value: number
  low: number
  high: number
}

/** A bar with the range of one standard error to either side, in shares of the scale. */
export function errorBar(value: number, error: number, scale: number): Bar {
  const share = (v: number) => (scale > 0 ? Math.min(1, Math.max(0, v / scale)) : 0)
  return { value: share(value), low: share(value - error), high: share(value + error) }
}

/** What the longest bar with its error needs, so that no whisker is cut. */
export function barScale(flows: readonly { value: number; error?: number }[]): number {
  return flows.reduce((top, f) => Math.max(top, f.value + (Number.isFinite(f.error) ? f.error! : 0)), 0)
}

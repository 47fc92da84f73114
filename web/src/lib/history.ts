import type { ActiveFlow } from './types'

const EMPTY: readonly number[] = []

/**
 * The last values of the flows of one definition, by key, for sparklines. It is bounded: at most `keys` flows with
 * `points` values each; a flow that has not been among the largest for `points` ticks is forgotten.
 */
export class KeyHistory {
  private readonly series = new Map<string, { values: number[]; seen: number }>()
  private tick = 0

  constructor(
    readonly points = 60,
    readonly keys = 400,
  ) {}

  /** Takes the flows of one more tick. A flow that is not among them is taken as NaN, which a sparkline leaves out. */
  add(flows: readonly ActiveFlow[]): void {
    this.tick++
    for (const f of flows) {
      const s = this.series.get(f.key)
      if (s === undefined) this.series.set(f.key, { values: [f.value], seen: this.tick })
      else {
        while (s.seen < this.tick - 1) {
          s.values.push(NaN)
          s.seen++
        }
        s.values.push(f.value)
        s.seen = this.tick
        if (s.values.length > this.points) s.values.splice(0, s.values.length - this.points)
        // The order of the map is the order of last use, so that the first is the one to give up.
        this.series.delete(f.key)
        this.series.set(f.key, s)
      }
    }
    this.forget()
  }

  /** A copy of the values of a flow, oldest first, at most `points`. What shows it sees by the copy that it changed. */
  of(key: string): readonly number[] {
    return this.series.get(key)?.values.slice() ?? EMPTY
  }

  get size(): number {
    return this.series.size
  }

  clear(): void {
    this.series.clear()
  }

  private forget(): void {
    for (const [key, s] of this.series) {
      if (this.series.size <= this.keys && this.tick - s.seen <= this.points) break
      this.series.delete(key)
    }
  }
}

/** A ring of points in time: a moment and one number for each column, the oldest given up first. */
export class Ring {
  readonly capacity: number
  private readonly columns: Float64Array[]
  private start = 0
  private count = 0

  /** A ring for at most capacity points of width numbers each; the first number is the moment, in seconds. */
  constructor(capacity: number, width: number) {
    this.capacity = capacity
    this.columns = Array.from({ length: width }, () => new Float64Array(capacity))
  }

  get length(): number {
    return this.count
  }

  /** Adds a point. One that is not later than the newest replaces it: a stream that was resumed may repeat a tick. */
  push(...point: number[]): void {
    if (this.count > 0 && point[0]! <= this.at(0, this.count - 1)) {
      // Time that runs back (a replay that starts over) makes what is there meaningless.
      if (this.at(0, this.count - 1) - point[0]! > 5) this.clear()
      else this.count--
    }
    if (this.count === this.capacity) {
      this.start = (this.start + 1) % this.capacity
      this.count--
    }
    const i = (this.start + this.count) % this.capacity
    this.columns.forEach((column, c) => (column[i] = point[c] ?? NaN))
    this.count++
  }

  /** Number i, 0 being the oldest, of a column. */
  at(column: number, i: number): number {
    return this.columns[column]![(this.start + i) % this.capacity]!
  }

  /** The newest number of a column, NaN when there is none. */
  last(column: number): number {
    return this.count === 0 ? NaN : this.at(column, this.count - 1)
  }

  /** A copy of the points not older than a moment, a plain array for each column. */
  since(moment: number): number[][] {
    let from = 0
    while (from < this.count && this.at(0, from) < moment) from++
    return this.columns.map((_, c) => Array.from({ length: this.count - from }, (_, i) => this.at(c, from + i)))
  }

  clear(): void {
    this.start = 0
    this.count = 0
  }
}

// The shapes of the REST interface (/api/v1) that the console uses.

/** How flows that several exporters saw are combined: the largest estimate of any, or all added up. */
export type Mode = 'max' | 'sum'

/** Milliseconds since the Unix epoch, or text that Date.parse reads. */
export type Moment = number | string

export interface Status {
  version: string
  started?: Moment
  uptime_ms?: number
  at?: Moment
  tick?: number
  lanes?: number
  listeners?: Listener[]
  exporters?: number
  datagrams?: number
  records?: number
  books?: Books
  replay?: boolean
}

export interface Listener {
  name: string
  address: string
  /** Datagrams that the kernel had no room for, and those that arrived and were not taken. */
  kernel_drops?: number
  refused?: number
}

/** Counters of what was received and what became of it; difference is 0 when nothing is missing. */
export interface Books {
  difference: number
  [name: string]: number
}

export interface Field {
  name: string
  type: string
  nested?: boolean
  doc?: string
}

export interface Func {
  name: string
  args: string
  doc?: string
}

export interface Schema {
  fields: Field[]
  functions: Func[]
  modifiers: { name: string; doc?: string }[]
}

export interface Definition {
  name: string
  keys: string
  value: string
  values?: string[]
  filter?: string
  n?: number
  t?: number
  fs?: string
  log?: boolean
  flowStart?: boolean
  activeTimeout?: number
  dropped?: boolean
  aggMode?: string
  ipfixCollectors?: string[]
  origin?: string
}

/** One of the largest flows of a definition now. */
export interface ActiveFlow {
  key: string
  keys: string[]
  value: number
  /** One standard error, in the unit of value; absent where the estimate has none (min, max, count, last). */
  error?: number
  /** The value was counted, not estimated from samples. */
  exact: boolean
  samples?: number
  exporter?: string
  datasource?: string
  /** How many exporters saw it. */
  n?: number
  values?: (string | number | null)[]
}

export interface Exporter {
  address: string
  name?: string
  kind: string
  datagrams: number
  datagrams_rate: number
  lost: number
  /** What is counted as lost: datagrams, flows or records. */
  loss_unit?: string
  lost_percent: number
  records: number
  records_rate: number
  readings?: number
  /** One packet in this many was sampled; 0 when not known, 1 when every packet was seen. */
  sampling_rate?: number
  /** How many milliseconds ago, or a moment; see lib/moment. */
  last_seen_ms?: number
  first_seen_ms?: number
}

export interface Total {
  bits: number
  bits_error: number
  packets: number
  packets_error: number
}

/** What the stream sends once a second. */
export interface Tick {
  at: Moment
  seq: number
  total: Total
  flows: Record<string, ActiveFlow[]>
  /** The unit of each definition's values. */
  units?: Record<string, string>
  /** The busiest exporters, and how many there are. */
  exporters: Exporter[]
  exporters_total?: number
  books: Books
}

export interface ThresholdEvent {
  id: number
  at: Moment
  threshold: string
  metric: string
  limit: number
  value: number
  error?: number
  exporter?: string
  datasource?: string
  key?: string
  values?: (string | number | null)[]
  end?: Moment | null
  peak?: number
}

export interface Threshold {
  name: string
  metric: string
  value: number
  byFlow?: boolean
  timeout?: number
  filter?: unknown
}

/** What the server thinks of a definition that it would take. */
export interface Warning {
  field: string
  position: number
  warning: string
}

/** The body of every answer that is an error. */
export interface Refusal {
  error: string
  field?: string
  /** Byte offset in the field, -1 for none. */
  position?: number
  hint?: string
}

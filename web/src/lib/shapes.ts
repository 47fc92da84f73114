// The shapes of the answers about counter groups, conversations, alerts and memory (/api/v1).

import type { Moment } from './types'

/** What every answer about the past says of itself. */
export interface Answer {
  tick?: number
  at?: Moment
  resolution_s?: number
  exact?: boolean
  combine?: string
}

export interface Meter {
  id: number
  name: string
  unit: string
  type: string
  type_id?: number
  /** How many of the largest and of the smallest keys are kept for each topper bucket. */
  top: number
  bottom: number
  description?: string
  /** The value expression of a meter of one's own group. */
  value?: string
}

export interface Group {
  name: string
  guid?: string
  title: string
  description?: string
  kind: string
  active: boolean
  bucket_s: number
  topper_s: number
  topper_only: boolean
  max_keys: number
  keys_live?: number
  origin?: string
  parents?: string[]
  /** What the parts of its keys are: host, app, ... */
  form?: string | string[]
  meters: Meter[]
  space?: { rows_seen: number; rows_stored: number }
  late?: number
  early?: number
  /** How often it was full, or how many keys were dropped for that. */
  full?: number | boolean
}

/** What a key is called. */
export interface Named {
  key: string
  readable?: string
  label?: string
}

export interface Topper extends Named {
  rank: number
  value: number
  error?: number | null
  stderr?: number | null
  /** Of the total, 0 to 1; null for meters that do not add up. */
  share?: number | null
  previous?: number | null
  /** 0 when it was not among the largest. */
  previous_rank?: number | null
}

export interface Toppers extends Answer {
  meter: number
  unit: string
  /** null for meters that do not add up. */
  total: number | null
  total_previous?: number | null
  others: number | null
  /** What of the others may belong to keys that are shown, at most. */
  others_error?: number | null
  toppers: Topper[]
  buckets?: number
}

export interface Trend extends Answer {
  unit?: string
  times: number[]
  /** Of all keys together. */
  total?: (number | null)[]
  series: (Named & { values: (number | null)[] })[]
}

export interface KeyRow extends Named {
  first?: Moment
  last?: Moment
}

export interface KeyDetails extends Named, Answer {
  description?: string
  attributes?: Record<string, string>
  first?: Moment
  last?: Moment
  now?: { meter: number; value: number | null; error?: number | null; stderr?: number | null }[]
}

export interface MeterSeries {
  meter: number
  name: string
  unit: string
  values: (number | null)[]
  stderr?: (number | null)[]
  previous?: (number | null)[]
}

export interface SeriesTotal {
  /** What was counted in all; null for meters that do not add up. */
  volume: number | null
  mean: number | null
  max: number | null
  /** Below which 95 of 100 points are. */
  p95: number | null
  latest: number | null
  /** The volume of the earlier range, or the mean. */
  previous?: number | null
}

export interface Series extends Answer {
  step_s: number
  times: number[]
  series: MeterSeries[]
  /** What meters came to over the range, by their ids. */
  totals?: Record<string, SeriesTotal>
  /** The last point is of a bucket that is still open. */
  open?: boolean
}

export interface Ranks extends Answer {
  times: number[]
  ranks: (number | null)[]
  values?: (number | null)[]
}

export interface PeerGroup {
  group: string
  title?: string
  part: number
  unit?: string
  /** Keys of the cross-key group, of which the key is the part. */
  toppers: Topper[]
}

export interface Hit extends Named {
  group: string
  title?: string
  last?: Moment
}

/** A conversation. A and Z are its ends; Z is the one with the lower port, normally the server. */
export interface Session {
  id: string
  key?: string
  exporter?: string
  first: Moment
  last: Moment
  duration_s?: number
  proto: number
  protocol?: string
  a_ip: string
  a_port: number
  z_ip: string
  z_port: number
  a_label?: string
  z_label?: string
  az_bytes: number
  za_bytes: number
  az_packets: number
  za_packets: number
  az_payload?: number
  za_payload?: number
  state?: number
  state_bits?: string[]
  /** Time of the TCP handshake in microseconds; 0 when it was not seen. */
  rtt_us?: number
  retransmissions?: number
  if_in?: number
  if_out?: number
  vlan?: number
  tos?: number
  a_as?: number
  z_as?: number
  tags?: string | string[]
  live?: boolean
  exact?: boolean
  samples?: number
  rate?: number
  stderr?: number
}

export interface Sessions extends Answer {
  sessions: Session[]
  scanned?: number
  more?: boolean
}

export interface SessionSum extends Named {
  /** The parts of the key. */
  keys?: string[]
  sessions: number
  bytes: number
  packets?: number
  share?: number
}

export interface AlertRule {
  name: string
  group: string
  keys: string
  meter: number
  kind: string
  high?: string | number | null
  high_for?: number
  low?: string | number | null
  low_for?: number
  band?: AlertBand
  priority?: number
  message?: string
  [more: string]: unknown
}

/** How a band gets its limits: fixed ones, or from the same time of the day before or of the weeks before. */
export interface AlertBand {
  baseline?: string
  weeks?: number
  /** In percent. */
  lower_margin?: number
  upper_margin?: number
  /** In minutes. */
  sustained?: number
}

export interface Alert extends Named {
  at: Moment
  since?: Moment
  rule: string
  kind?: string
  state: string
  group: string
  meter: number
  meter_name?: string
  unit?: string
  value: number | null
  /** Of what is going on: the value of the last bucket. */
  now?: number | null
  low?: number | null
  high?: number | null
  priority?: number
  message?: string
}

/** A value in a row of an SQL answer; integers beyond 2^53 come as their text. */
export type Cell = string | number | boolean | null | object

export interface SqlAnswer {
  columns: { name: string; type: string }[]
  rows: Cell[][]
  truncated?: boolean
  elapsed_ms?: number
}

export interface TableShape {
  name: string
  doc?: string
  columns: { name: string; type: string; unit?: string; doc?: string }[]
  rows?: number
  bytes?: number
  oldest?: Moment | null
  newest?: Moment | null
}

export interface StoreTable {
  name: string
  rows: number
  bytes: number
  oldest?: Moment | null
  newest?: Moment | null
  parts?: number
  retention_s?: number
}

export interface StoreStatus {
  path?: string
  engine?: string
  bytes?: number
  max_bytes?: number
  tables?: StoreTable[]
  faults?: { what: string; error: string; hint?: string; since?: Moment | null }[]
  journal?: { bytes?: number; max_bytes?: number; frames?: number }
  error?: string
  hint?: string
  error_since?: Moment | null
}

export interface Home {
  networks: string[]
  subnets: string[]
}

/** The key that stands for all keys of a group together. */
export const TOTALS = 'SYS:GROUP_TOTALS'

/** A key of a cross-key group without the part that is known anyway. */
export function without(k: Named, part: number): string {
  const rest = (text: string) =>
    text
      .split('\\')
      .filter((_, i) => i !== part)
      .join(' \u00b7 ')
  return k.label || rest(k.readable || k.key)
}

/** What a key is called where there is room for one name only. */
export function nameOf(k: Named): string {
  if (k.key === TOTALS) return 'all keys together'
  return k.label || k.readable || k.key
}

/** What a key is called besides its label. */
export function readableOf(k: Named): string {
  return k.label ? k.readable || k.key : ''
}

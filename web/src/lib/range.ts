// Stretches of time as the pages of the past show them, and as links and questions write them.

/** A stretch of time: one of the presets up to now, or between two moments in Unix seconds. */
export type Range = { preset: Preset } | { from: number; to: number }

export const PRESETS = ['15m', '1h', '6h', '24h', '7d', '30d'] as const
export type Preset = (typeof PRESETS)[number]

export const DEFAULT_PRESET: Preset = '1h'

const SECONDS: Record<Preset, number> = {
  '15m': 900,
  '1h': 3600,
  '6h': 21_600,
  '24h': 86_400,
  '7d': 604_800,
  '30d': 2_592_000,
}

/** What a period can be compared with. */
export const COMPARISONS = [
  { value: '', label: 'nothing' },
  { value: '-1h', label: 'an hour before' },
  { value: '-1d', label: 'the day before' },
  { value: '-7d', label: 'the week before' },
] as const

/** A range as parameters of a link; what is as usual is left out. */
export function rangeParams(r: Range): Record<string, string> {
  if ('preset' in r) return { range: r.preset === DEFAULT_PRESET ? '' : r.preset, from: '', to: '' }
  return { range: '', from: String(Math.floor(r.from)), to: String(Math.ceil(r.to)) }
}

/** Reads what rangeParams wrote; what makes no sense is the usual range. */
export function parseRange(params: Readonly<Record<string, string | undefined>>): Range {
  const from = Number(params.from)
  const to = Number(params.to)
  if (params.from && params.to && Number.isFinite(from) && Number.isFinite(to) && from >= 0 && from < to) {
    return { from, to }
  }
  const preset = PRESETS.find((p) => p === params.range)
  return { preset: preset ?? DEFAULT_PRESET }
}

/** The parameters from and to of a question to the server. */
export function rangeQuery(r: Range): { from: string; to?: string } {
  if ('preset' in r) return { from: '-' + r.preset }
  return { from: String(r.from), to: String(r.to) }
}

/** How long a range is, in seconds. */
export function rangeSeconds(r: Range): number {
  return 'preset' in r ? SECONDS[r.preset] : r.to - r.from
}

/** Whether a range grows with time: then it is asked for again and again. */
export function isLive(r: Range): boolean {
  return 'preset' in r
}

/** The ends of a range in Unix seconds, when now is the server's time. */
export function rangeEnds(r: Range, now: number): [number, number] {
  return 'preset' in r ? [now - SECONDS[r.preset], now] : [r.from, r.to]
}

/** The range moved by a share of its length into the past (negative) or the future. */
export function moved(r: Range, share: number, now: number): Range {
  const [from, to] = rangeEnds(r, now)
  const by = (to - from) * share
  if (to + by >= now) return 'preset' in r ? r : { from: now - (to - from), to: now }
  return { from: from + by, to: to + by }
}

/** How often a page asks again, in milliseconds: short ranges move fast, long ones do not. */
export function refreshEvery(r: Range): number {
  const s = rangeSeconds(r)
  return s <= 3600 ? 5000 : s <= 21_600 ? 15_000 : 60_000
}

/** A moment for an input of type datetime-local, in the browser's zone. */
export function localText(seconds: number): string {
  const d = new Date(seconds * 1000)
  const two = (n: number) => String(n).padStart(2, '0')
  return (
    `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}` +
    `T${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
  )
}

/** Reads what an input of type datetime-local holds: Unix seconds, NaN for none. */
export function parseLocal(text: string): number {
  return Math.floor(new Date(text).getTime() / 1000)
}

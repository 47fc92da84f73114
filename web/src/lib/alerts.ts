// Rules on meters as people read and write them.

import { si } from './format'
import type { AlertRule, Group } from './shapes'
import { shownOf } from './units'

export const PRIORITIES = [
  { value: 1, label: 'high' },
  { value: 2, label: 'medium' },
  { value: 3, label: 'low' },
] as const

/** A rule that is being written: texts of fields, as they are typed. */
export interface RuleDraft {
  name: string
  group: string
  keys: string
  meter: number
  kind: string
  high: string
  highFor: number
  low: string
  lowFor: number
  priority: number
  message: string
  baseline: string
  weeks: number
  lowerMargin: number
  upperMargin: number
  /** Minutes. */
  sustained: number
}

export const EMPTY_RULE: RuleDraft = {
  name: '',
  group: 'hosts',
  keys: '*',
  meter: 0,
  kind: 'threshold',
  high: '',
  highFor: 3,
  low: '',
  lowFor: 2,
  priority: 2,
  message: '',
  baseline: 'week',
  weeks: 3,
  lowerMargin: 20,
  upperMargin: 20,
  sustained: 5,
}

/** A limit as people write it: 10000000 is 10M. */
export function limitText(v: unknown): string {
  if (typeof v !== 'number') return text(v)
  for (const [size, letter] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'K'],
  ] as const) {
    if (Math.abs(v) >= size && Number.isInteger((v * 1000) / size)) return v / size + letter
  }
  return String(v)
}

const text = (v: unknown) => (v === null || v === undefined ? '' : String(v))
const number = (v: unknown, otherwise: number) => (typeof v === 'number' && Number.isFinite(v) ? v : otherwise)

/** A rule of the server as the editor holds it. */
export function draftOf(r: AlertRule): RuleDraft {
  return {
    name: r.name,
    group: r.group,
    keys: r.keys || '*',
    meter: r.meter,
    kind: r.kind,
    high: limitText(r.high),
    highFor: number(r.high_for, 1),
    low: limitText(r.low),
    lowFor: number(r.low_for, 1),
    priority: number(r.priority, 2),
    message: r.message ?? '',
    baseline: r.kind === 'band' ? r.band?.baseline || 'fixed' : EMPTY_RULE.baseline,
    weeks: number(r.band?.weeks, EMPTY_RULE.weeks),
    lowerMargin: number(r.band?.lower_margin, EMPTY_RULE.lowerMargin),
    upperMargin: number(r.band?.upper_margin, EMPTY_RULE.upperMargin),
    sustained: number(r.band?.sustained, EMPTY_RULE.sustained),
  }
}

/** The rule that the server is told, with what its kind needs; what the editor does not show stays as it was. */
export function ruleOf(d: RuleDraft, before?: AlertRule): AlertRule {
  const rule: AlertRule = {
    ...(before?.schedule ? { schedule: before.schedule } : {}),
    name: d.name,
    group: d.group,
    keys: d.keys.trim() || '*',
    meter: d.meter,
    kind: d.kind,
    priority: d.priority,
    message: d.message.trim(),
  }
  if (d.kind === 'threshold') {
    rule.high = d.high.trim()
    rule.high_for = d.highFor
    if (d.low.trim() !== '') {
      rule.low = d.low.trim()
      rule.low_for = d.lowFor
    }
    return rule
  }
  rule.band = { ...(before?.band ?? {}), baseline: d.baseline, sustained: d.sustained }
  if (d.baseline === 'fixed') {
    if (d.high.trim() !== '') rule.high = d.high.trim()
    if (d.low.trim() !== '') rule.low = d.low.trim()
    return rule
  }
  if (d.baseline === 'week') rule.band.weeks = d.weeks
  rule.band.lower_margin = d.lowerMargin
  rule.band.upper_margin = d.upperMargin
  return rule
}

/** What is wrong with a rule, '' when nothing is known to be; the server has the last word. */
export function ruleFault(d: RuleDraft): string {
  if (d.name.trim() === '') return 'A name is needed.'
  if (d.kind === 'threshold' && d.high.trim() === '') return 'Above which value? Write, for example, 10Mbps.'
  const fields = d.kind === 'threshold' || d.baseline === 'fixed' ? [d.high, d.low] : []
  for (const f of fields)
    if (f.trim() !== '' && Number.isNaN(limit(f))) return `"${f}" is no value. Write 10Mbps, 6K or 2000.`
  const [high, low] = [limit(d.high), limit(d.low)]
  if (fields.length > 0 && high <= low) return 'The lower limit must be below the upper one.'
  if (d.kind === 'band' && d.baseline === 'fixed' && d.high.trim() === '' && d.low.trim() === '') {
    return 'A band needs a lower or an upper limit.'
  }
  return ''
}

/** The number that a limit means, with K, M or G; NaN when it is none. */
export function limit(text: string): number {
  const m = /^\s*([\d.]+)\s*([kmgt]?)[a-z/]*\s*$/i.exec(text)
  return m === null ? NaN : Number(m[1]) * { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 }[m[2]!.toLowerCase()]!
}

/** What a rule watches, as a sentence. */
export function ruleText(r: AlertRule, group: Group | undefined): string {
  const meter = group?.meters.find((m) => m.id === r.meter)
  const keys = r.keys && r.keys !== '*' ? r.keys : 'each key'
  const what = `${meter?.name ?? 'meter ' + r.meter} of ${keys} in ${group?.title ?? r.group}`
  const value = (v: unknown) => {
    if (typeof v !== 'number') return text(v)
    const shown = shownOf(meter?.unit)
    return si(v * shown.factor, shown.unit)
  }
  const times = (n: number | undefined) => ((n ?? 1) > 1 ? ` for ${n} buckets` : '')
  if (r.kind === 'threshold') {
    const clear = text(r.low) === '' ? '' : `, until below ${value(r.low)}${times(r.low_for)}`
    return `${what} above ${value(r.high)}${times(r.high_for)}${clear}`
  }
  const band = r.band ?? {}
  const sustained = band.sustained ? ` for ${band.sustained} min` : ''
  if (band.baseline === 'day' || band.baseline === 'week') {
    const as = band.baseline === 'day' ? 'the day before' : `on this weekday (${number(band.weeks, 1)} weeks)`
    const margins = `\u2212${number(band.lower_margin, 20)} % to +${number(band.upper_margin, 20)} %`
    return `${what} not as ${as}: ${margins}${sustained}`
  }
  return `${what} outside ${value(r.low) || '\u2212\u221e'} to ${value(r.high) || '\u221e'}${sustained}`
}

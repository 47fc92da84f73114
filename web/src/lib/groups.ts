// Words and bodies for counter groups: what kinds there are, what they save, how a definition is written.

import type { Group, Meter } from './shapes'

/** The kinds of groups that a user can make, and what each is. */
export const KINDS: readonly { kind: string; title: string; doc: string; parents: number; most: number }[] = [
  {
    kind: 'keys',
    title: 'Own keys',
    doc: 'Keys and meters by expressions of the flow language.',
    parents: 0,
    most: 0,
  },
  {
    kind: 'crosskey',
    title: 'Cross-key',
    doc: 'Every combination of the keys of two or three groups, with the meters of the first.',
    parents: 2,
    most: 3,
  },
  {
    kind: 'filtered',
    title: 'Filtered',
    doc: 'A group again, but only of traffic that has certain keys of another group.',
    parents: 2,
    most: 2,
  },
  { kind: 'keyset', title: 'Sets of keys', doc: 'Keys of a group under the name of a set.', parents: 1, most: 1 },
  {
    kind: 'rule',
    title: 'By rules',
    doc: 'Keys of a group under the name of the first rule that fits.',
    parents: 1,
    most: 1,
  },
  {
    kind: 'stat',
    title: 'By value',
    doc: 'Keys of a group whose meter is above or below a value at the end of a bucket.',
    parents: 1,
    most: 1,
  },
]

const WORDS: Readonly<Record<string, string>> = {
  builtin: 'built in',
  keys: 'own keys',
  crosskey: 'cross-key',
  filtered: 'filtered',
  keyset: 'sets of keys',
  rule: 'by rules',
  stat: 'by value',
  script: 'script',
}

/** A word for the kind of a group. */
export function kindWord(kind: string): string {
  return WORDS[kind] ?? kind
}

/** Whether a user made the group and may delete it. */
export function isOwn(g: Group): boolean {
  return g.kind !== 'builtin' && g.origin !== 'builtin'
}

/** The share of rows that were not stored, because only toppers are; NaN when nothing is known. */
export function saved(g: Group): number {
  const s = g.space
  return s === undefined || s.rows_seen <= 0 ? NaN : Math.max(0, 1 - s.rows_stored / s.rows_seen)
}

/** A length of time as the server reads it: "30s", "5m". */
export function spanText(seconds: number): string {
  return seconds % 60 === 0 && seconds > 0 ? `${seconds / 60}m` : `${seconds}s`
}

/** What is changed of a group, as the settings drawer holds it. */
export interface Settings {
  active: boolean
  bucket: number
  topper: number
  topperOnly: boolean
  maxKeys: number
  meters: { id: number; top: number; bottom: number }[]
}

export function settingsOf(g: Group): Settings {
  return {
    active: g.active,
    bucket: g.bucket_s,
    topper: g.topper_s,
    topperOnly: g.topper_only,
    maxKeys: g.max_keys,
    meters: g.meters.map(({ id, top, bottom }) => ({ id, top: top ?? 0, bottom: bottom ?? 0 })),
  }
}

/** Only what differs, as the body of a change; empty when nothing does. */
export function changes(before: Settings, after: Settings): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  if (before.active !== after.active) body.active = after.active
  if (before.bucket !== after.bucket) body.bucket = spanText(after.bucket)
  if (before.topper !== after.topper) body.topper = spanText(after.topper)
  if (before.topperOnly !== after.topperOnly) body.topper_only = after.topperOnly
  if (before.maxKeys !== after.maxKeys) body.max_keys = after.maxKeys
  const meters = after.meters.filter(
    (m, i) => m.top !== before.meters[i]?.top || m.bottom !== before.meters[i]?.bottom,
  )
  if (meters.length > 0) body.meters = meters
  return body
}

/** What is wrong with settings, '' when nothing is known to be; the server has the last word. */
export function settingsFault(s: Settings): string {
  if (!(s.bucket >= 1 && s.bucket <= 3600 && Number.isInteger(s.bucket)))
    return 'A bucket is 1 to 3600 whole seconds.'
  if (!(s.topper >= s.bucket && s.topper % s.bucket === 0)) {
    const near = Math.max(1, Math.round(s.topper / s.bucket)) * s.bucket
    return `A topper bucket is a multiple of the bucket: ${near} s, for example.`
  }
  if (!(s.maxKeys >= 1)) return 'At least one key must be held.'
  if (s.meters.some((m) => !(m.top >= 0 && m.top <= 10_000 && m.bottom >= 0 && m.bottom <= 10_000))) {
    return 'Toppers are 0 to 10 000.'
  }
  if (s.topperOnly && s.meters.every((m) => m.top === 0)) return 'With no toppers, only totals would be stored.'
  return ''
}

/** A definition that is being written. */
export interface GroupDraft {
  name: string
  title: string
  description: string
  kind: string
  bucket: number
  topper: number
  topperOnly: boolean
  maxKeys: number
  keys: string
  filter: string
  meters: { name: string; feed: string; unit: string; type: string; top: number }[]
  parents: string[]
  keyList: string
  inverse: boolean
  sets: { name: string; keys: string }[]
  onlySets: boolean
  rules: { target: string; filter: string }[]
  stat: { meter: number; op: string; value: string }
}

export const EMPTY_DRAFT: GroupDraft = {
  name: '',
  title: '',
  description: '',
  kind: 'keys',
  bucket: 30,
  topper: 300,
  topperOnly: false,
  maxKeys: 100_000,
  keys: '',
  filter: '',
  meters: [{ name: 'Total', feed: 'bytes', unit: 'Bps', type: 'rate', top: 50 }],
  parents: ['hosts', 'apps', ''],
  keyList: '',
  inverse: false,
  sets: [{ name: '', keys: '' }],
  onlySets: false,
  rules: [{ target: '', filter: '' }],
  stat: { meter: 0, op: '>', value: '' },
}

/** A number with K, M or G behind it; NaN when it is none. */
export function magnified(text: string): number {
  const m = /^\s*([\d.]+)\s*([kmg]?)\s*\w*\s*$/i.exec(text)
  if (m === null) return NaN
  return Number(m[1]) * { '': 1, k: 1e3, m: 1e6, g: 1e9 }[m[2]!.toLowerCase()]!
}

/** The body of a definition, with what its kind needs and nothing else. split parts key expressions at commas. */
export function bodyOf(d: GroupDraft, split: (text: string) => string[]): Record<string, unknown> {
  const body: Record<string, unknown> = {
    title: d.title.trim() || d.name,
    kind: d.kind,
    bucket: spanText(d.bucket),
    topper: spanText(d.topper),
    topper_only: d.topperOnly,
    max_keys: d.maxKeys,
  }
  if (d.description.trim() !== '') body.description = d.description.trim()
  const kind = KINDS.find((k) => k.kind === d.kind)
  if (kind !== undefined && kind.most > 0) body.parents = d.parents.slice(0, kind.most).filter((p) => p !== '')
  switch (d.kind) {
    case 'keys':
      body.keys = split(d.keys).map((k) => k.trim())
      if (d.filter.trim() !== '') body.filter = d.filter.trim()
      body.meters = d.meters.map((m, id) => ({ id, ...m }))
      break
    case 'filtered':
      body[d.inverse ? 'inverse_key_list' : 'key_list'] = d.keyList.trim()
      break
    case 'keyset':
      body.sets = d.sets.filter((s) => s.name.trim() !== '' || s.keys.trim() !== '')
      body.only_sets = d.onlySets
      break
    case 'rule':
      body.rules = d.rules.filter((r) => r.target.trim() !== '' || r.filter.trim() !== '')
      break
    case 'stat':
      body.stat = { meter: d.stat.meter, op: d.stat.op, value: magnified(d.stat.value) }
  }
  return body
}

/** What is wrong with the name of a group, '' when nothing is. */
export function groupNameFault(name: string): string {
  if (name === '') return 'A name is needed.'
  return /^[a-z0-9_-]{1,40}$/.test(name) ? '' : 'A name has 1 to 40 of a-z, 0-9, _ and -.'
}

/** What is still missing in a definition before the server is asked; '' when nothing is. */
export function draftFault(d: GroupDraft): string {
  const kind = KINDS.find((k) => k.kind === d.kind)
  if (kind !== undefined && d.parents.slice(0, kind.parents).some((p) => p === '')) return 'Choose the groups.'
  if (d.kind === 'keys' && d.meters.length === 0) return 'At least one meter is needed.'
  if (d.kind === 'filtered' && d.keyList.trim() === '') return 'Which keys? Write, for example, 80,443.'
  if (d.kind === 'keyset' && !d.sets.some((s) => s.name.trim() && s.keys.trim()))
    return 'A set needs a name and keys.'
  if (d.kind === 'rule' && !d.rules.some((r) => r.filter.trim())) return 'A rule needs a filter.'
  if (d.kind === 'stat' && !Number.isFinite(magnified(d.stat.value))) return 'Which value? Write, for example, 10M.'
  return ''
}

/** The meter of a group that is shown; the first when there is none of this id. */
export function meterOf(g: Group | undefined, id: number): Meter | undefined {
  return g?.meters.find((m) => m.id === id) ?? g?.meters[0]
}

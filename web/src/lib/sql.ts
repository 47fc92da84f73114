// SQL as text: what its parts are, what may come next, and how its answers are shown.

import type { Cell, TableShape } from './shapes'

export const KEYWORDS = (
  'select from where group by order having limit offset as and or not in is null like between case when then else ' +
  'end join left on using with distinct union all asc desc count sum avg min max cast over partition describe show'
).split(' ')

const WORDS = new Set(KEYWORDS)

export interface SqlToken {
  kind: 'keyword' | 'string' | 'number' | 'comment'
  from: number
  to: number
}

/** Comments, texts, quoted names, numbers and words; what is not closed goes to the end. */
const PARTS = new RegExp(
  [
    /--[^\n]*/,
    /\/\*[\s\S]*?(?:\*\/|$)/,
    /'(?:[^']|'')*(?:'|$)/,
    /"(?:[^"]|"")*(?:"|$)/,
    /\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/,
    /[a-z_]\w*/,
  ]
    .map((part) => part.source)
    .join('|'),
  'gi',
)

/** The coloured parts of a query, in order. What is not closed goes to the end. */
export function sqlTokens(text: string): SqlToken[] {
  const out: SqlToken[] = []
  for (const m of text.matchAll(PARTS)) {
    const word = m[0]
    const from = m.index
    const to = from + word.length
    if (word.startsWith('--') || word.startsWith('/*')) out.push({ kind: 'comment', from, to })
    else if (word.startsWith("'")) out.push({ kind: 'string', from, to })
    else if (/^\d/.test(word)) out.push({ kind: 'number', from, to })
    else if (WORDS.has(word.toLowerCase())) out.push({ kind: 'keyword', from, to })
  }
  return out
}

export interface SqlProposal {
  name: string
  detail: string
  doc: string
  boost: number
}

/** Tables, and columns of the tables that the query names; of all tables when it names none. */
export function sqlProposals(text: string, tables: readonly TableShape[]): SqlProposal[] {
  const words = new Set(text.toLowerCase().match(/\w+/g) ?? [])
  const named = tables.filter((t) => words.has(t.name.toLowerCase()))
  const out: SqlProposal[] = tables.map((t) => ({ name: t.name, detail: 'table', doc: t.doc ?? '', boost: 1 }))
  const seen = new Set<string>()
  for (const t of named.length > 0 ? named : tables) {
    for (const c of t.columns) {
      if (seen.has(c.name)) continue
      seen.add(c.name)
      out.push({ name: c.name, detail: c.unit ? `${c.type}, ${c.unit}` : c.type, doc: c.doc ?? '', boost: 2 })
    }
  }
  return out
}

/** A value of an answer as text. */
export function cellText(v: Cell): string {
  if (v === null || v === undefined) return ''
  if (typeof v === 'object') return JSON.stringify(v)
  return String(v)
}

/** Whether a column holds numbers, which stand at the right. */
export function isNumeric(type: string): boolean {
  return /int|double|float|decimal|real|numeric/i.test(type) && !/\[\]|list|struct|map/i.test(type)
}

/** The first rows that are on the screen and how many, with some to either side. */
export function visibleRows(
  scrollTop: number,
  height: number,
  row: number,
  total: number,
): { first: number; last: number } {
  const spare = 12
  const first = Math.max(0, Math.floor(scrollTop / row) - spare)
  const last = Math.min(total, Math.ceil((scrollTop + height) / row) + spare)
  return { first: Math.min(first, total), last }
}

/** A first question about a table. */
export function sampleQuery(t: TableShape): string {
  const columns = t.columns.slice(0, 8).map((c) => c.name)
  const time = t.columns.find((c) => c.name === 'at' || c.name === 'last')
  return `select ${columns.join(', ')}\nfrom ${t.name}${time ? `\norder by ${time.name} desc` : ''}\nlimit 100`
}

/** A query with a name put where the caret is. */
export function joined(text: string, name: string): string {
  return text + (text === '' || /\s$/.test(text) ? '' : ' ') + name
}

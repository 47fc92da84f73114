import type { Schema } from './types'

/** Which of the three texts of a definition. */
export type Part = 'keys' | 'value' | 'filter'

export type TokenKind = 'name' | 'call' | 'operator' | 'punctuation' | 'literal' | 'quote'

export interface Token {
  kind: TokenKind
  from: number
  to: number
}

export interface Proposal {
  label: string
  /** What is put in; a function is followed by its colon. */
  insert: string
  kind: 'field' | 'function' | 'modifier'
  /** The type of a field or the arguments of a function. */
  detail: string
  doc: string
}

const NAME = /[A-Za-z0-9_.\-]/

/**
 * Splits a text of the flow language for colouring. It does not judge: what is wrong the server says. Compared values
 * of a filter and plain arguments of functions are literals.
 */
export function tokens(text: string, part: Part): Token[] {
  const list: Token[] = []
  let i = 0
  let compared = false
  while (i < text.length) {
    const c = text[i]!
    const from = i
    if (/\s/.test(c)) i++
    else if (c === '\\') {
      i = Math.min(text.length, i + 2)
      list.push({ kind: 'literal', from, to: i })
    } else if (c === "'") {
      i++
      list.push({ kind: 'quote', from, to: i })
    } else if (part === 'filter' && /[=!~]/.test(c)) {
      while (i < text.length && /[=!~]/.test(text[i]!)) i++
      list.push({ kind: 'operator', from, to: i })
      compared = true
    } else if (part === 'filter' && /[&|()]/.test(c)) {
      i++
      list.push({ kind: c === '&' || c === '|' ? 'operator' : 'punctuation', from, to: i })
      compared = false
    } else if (/[,:[\]]/.test(c)) {
      i++
      list.push({ kind: 'punctuation', from, to: i })
    } else {
      while (i < text.length && NAME.test(text[i]!)) i++
      if (i === from) i++
      const word = text.slice(from, i)
      // A word before a colon is a function, unless a colon before it makes it an argument.
      const calls = text[i] === ':' && text[from - 1] !== ':'
      const kind = compared || !/^[A-Za-z]/.test(word) ? 'literal' : calls ? 'call' : 'name'
      list.push({ kind, from, to: i })
    }
  }
  return list
}

/** Splits at commas that are in no bracket and not protected by a backslash. */
export function splitTop(text: string): string[] {
  if (text.trim() === '') return []
  const list: string[] = []
  let depth = 0
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '\\') i++
    else if (c === '[') depth++
    else if (c === ']') depth--
    else if (c === ',' && depth <= 0) {
      list.push(text.slice(from, i).trim())
      from = i + 1
    }
  }
  list.push(text.slice(from).trim())
  return list
}

export interface Place {
  /** Where the word that is being written begins. */
  from: number
  /** What may stand here: an expression, the operand of a modifier or function, or plain text (nothing to propose). */
  want: 'expression' | 'argument' | 'plain'
  /** The function whose argument this is. */
  call: string
  /** Which argument, from 0. */
  argument: number
}

/** What stands at a position: enough of a parser to know what may be written there. */
export function placeAt(text: string, position: number, part: Part): Place {
  interface Frame {
    words: string[]
    word: number
  }
  const stack: Frame[] = []
  let frame: Frame = { words: [], word: 0 }
  let compared = false
  let i = 0
  for (; i < position; i++) {
    const c = text[i]!
    if (c === '\\') i++
    else if (c === '[') {
      stack.push(frame)
      frame = { words: [], word: i + 1 }
    } else if (c === ']') {
      frame = stack.pop() ?? { words: [], word: i + 1 }
      frame.word = i + 1
    } else if (c === ':' && !compared) {
      frame.words.push(text.slice(frame.word, i).trim())
      frame.word = i + 1
    } else if (part === 'filter' && stack.length === 0 && /[=~!]/.test(c)) {
      compared = true
      frame = { words: [], word: i + 1 }
    } else if (part === 'filter' && stack.length === 0 && /[&|()]/.test(c)) {
      compared = false
      frame = { words: [], word: i + 1 }
    } else if (c === ',' && stack.length === 0) {
      frame = { words: [], word: i + 1 }
    } else if (c === "'" && frame.words.length === 0) {
      frame.word = i + 1
    }
  }
  const call = unquote(frame.words[0] ?? '')
  let from = Math.min(frame.word, position)
  while (from < position && /\s/.test(text[from]!)) from++
  const argument = Math.max(0, frame.words.length - 1)
  if (compared) return { from, want: 'plain', call: '', argument: 0 }
  return { from, want: frame.words.length === 0 ? 'expression' : 'argument', call, argument }
}

function unquote(text: string): string {
  return text.replace(/^'/, '').trim()
}

/** Whether an argument of a function is a key, by the function's description such as "KEY:DELIM:N". */
export function argumentIsKey(args: string, argument: number): boolean {
  const words = args.replace(/[[\]]/g, ':').split(/:+/).filter(Boolean)
  const word = argument < words.length ? words[argument]! : (words.findLast((w) => w !== '..') ?? '')
  if (/^(KEY|COND|THEN|ELSE|IFKEY)/i.test(word)) return true
  // "KEY1:KEY2[:KEY..]": more of the last.
  return argument >= words.length && /^KEY/i.test(words.at(-1) ?? '')
}

/** What may be written at a position, best first; null when nothing is worth proposing. */
export function proposals(
  text: string,
  position: number,
  part: Part,
  schema: Schema,
): { from: number; list: Proposal[] } | null {
  const place = placeAt(text, position, part)
  if (place.want === 'plain') return null
  const word = text.slice(place.from, position)
  const modifier = part === 'value' && schema.modifiers.some((m) => m.name === place.call)
  if (place.want === 'argument' && !modifier) {
    const f = schema.functions.find((f) => f.name === place.call)
    if (f === undefined || !argumentIsKey(f.args, place.argument)) return null
  }
  const list: Proposal[] = schema.fields.map((f) => {
    return { label: f.name, insert: f.name, kind: 'field', detail: typeName(f.type), doc: f.doc ?? '' }
  })
  const occurrence = /^(.*)\.(\d*)$/.exec(word)
  if (occurrence !== null && schema.fields.some((f) => f.name === occurrence[1] && f.nested)) {
    for (const n of ['1', '2', '3']) {
      const label = occurrence[1] + '.' + n
      list.push({ label, insert: label, kind: 'field', detail: 'further in', doc: `occurrence ${n} of the header` })
    }
  }
  if (place.want === 'expression') {
    if (part === 'value') {
      for (const m of schema.modifiers) {
        list.push({ label: m.name, insert: m.name + ':', kind: 'modifier', detail: 'modifier', doc: m.doc ?? '' })
      }
    }
    for (const f of schema.functions) {
      list.push({ label: f.name, insert: f.name + ':', kind: 'function', detail: f.args, doc: f.doc ?? '' })
    }
  }
  return { from: place.from, list }
}

/** A field's type; null is said of those whose type depends on the record, which is no word for people. */
function typeName(type: string): string {
  return type === 'null' ? '' : type
}

/** The description of the function whose arguments are being written, or of the word at a position. */
export function explain(
  text: string,
  position: number,
  part: Part,
  schema: Schema,
): { code: string; doc: string } | null {
  const place = placeAt(text, position, part)
  if (place.want === 'plain') return null
  let end = position
  while (end < text.length && NAME.test(text[end]!)) end++
  const word = unquote(text.slice(place.from, end)).replace(/\.\d+$/, '')
  const call = schema.functions.find((f) => f.name === (place.want === 'argument' ? place.call : word))
  const field = schema.fields.find((f) => f.name === word)
  if (field !== undefined && (call === undefined || place.want === 'argument')) {
    return { code: field.name, doc: [typeName(field.type), field.doc].filter(Boolean).join(': ') }
  }
  if (call !== undefined) return { code: `${call.name}:${call.args}`, doc: call.doc ?? '' }
  return null
}

/** The names in a text that are no field: they are always null, which is worth a warning. */
export function unknownNames(text: string, part: Part, schema: Schema): Token[] {
  const known = new Set(schema.fields.map((f) => f.name))
  const calls = new Set([...schema.functions, ...schema.modifiers].map((f) => f.name))
  return tokens(text, part).filter((t) => {
    if (t.kind !== 'name' || known.size === 0) return false
    const name = text.slice(t.from, t.to)
    if (known.has(name) || known.has(name.replace(/\.\d+$/, '')) || /^ie\d/.test(name)) return false
    const place = placeAt(text, t.from, part)
    if (place.want === 'expression') return true
    const f = schema.functions.find((f) => f.name === place.call)
    return f !== undefined && calls.has(place.call) && argumentIsKey(f.args, place.argument)
  })
}

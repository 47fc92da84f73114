// What is searched for among conversations, "ip=10.0.0.1,port=443", as terms that can be taken away one by one.

/** One term of a search. */
export interface Term {
  name: string
  value: string
}

/** The names of terms, and what each finds. */
export const TERMS: readonly { name: string; doc: string; example: string }[] = [
  { name: 'ip', doc: 'address of either end', example: '10.0.0.1' },
  { name: 'srcip', doc: 'address of the A end', example: '10.0.0.1' },
  { name: 'destip', doc: 'address of the Z end, normally the server', example: '10.0.0.1' },
  { name: 'ippair', doc: 'the addresses of both ends', example: '10.0.0.1|10.0.0.2' },
  { name: 'net24', doc: 'an end in this network of 24 bits', example: '10.0.0.0' },
  { name: 'net16', doc: 'an end in this network of 16 bits', example: '10.0.0.0' },
  { name: 'port', doc: 'port of either end', example: '443' },
  { name: 'srcport', doc: 'port of the A end', example: '40000' },
  { name: 'destport', doc: 'port of the Z end', example: '443' },
  { name: 'proto', doc: 'protocol', example: 'TCP' },
  { name: 'router', doc: 'address of the exporter', example: '192.0.2.1' },
  { name: 'ifin', doc: 'interface into the exporter', example: '3' },
  { name: 'ifout', doc: 'interface out of the exporter', example: '4' },
  { name: 'interface', doc: 'interface of the exporter, in or out', example: '3' },
  { name: 'tag', doc: 'a tag', example: 'voip' },
  { name: 'vlan', doc: 'outermost VLAN', example: '100' },
  { name: 'tos', doc: 'type of service', example: '184' },
  { name: 'state', doc: 'a bit of the state', example: 'SEEN_RST' },
  { name: 'minpackets', doc: 'at least so many packets, both directions', example: '1000' },
  { name: 'minrtt', doc: 'a round trip of at least so long', example: '100ms' },
  { name: 'minretrans', doc: 'at least so many segments sent again', example: '10' },
  { name: 'id', doc: 'number of the session', example: '1870088593878438967' },
  { name: 'key', doc: 'key of the session, the same for both directions', example: '06A:…' },
  { name: 'minbytes', doc: 'at least so many bytes, both directions', example: '1M' },
]

/** The terms of a text. A lone address or port is taken as a term of it. */
export function parseTerms(text: string): Term[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const cut = part.indexOf('=')
      if (cut >= 0) return { name: part.slice(0, cut).trim().toLowerCase(), value: part.slice(cut + 1).trim() }
      return { name: guessed(part), value: part }
    })
}

/** What a lone word is most likely meant as. */
function guessed(word: string): string {
  if (/^\d{1,5}$/.test(word)) return 'port'
  if (/^(tcp|udp|icmp6?|gre|esp|sctp)$/i.test(word)) return 'proto'
  if (/^[0-9a-f.:]+$/i.test(word) && /[.:]/.test(word)) return 'ip'
  return 'tag'
}

/** The text of terms, as the server reads it. */
export function termsText(terms: readonly Term[]): string {
  return terms.map((t) => `${t.name}=${t.value}`).join(',')
}

/** Adds a term; one of the same name is replaced, except where several make sense. */
export function withTerm(text: string, term: Term): string {
  const terms = parseTerms(text)
  if (terms.some((t) => t.name === term.name && t.value === term.value)) return termsText(terms)
  return termsText([...terms.filter((t) => t.name !== term.name), term])
}

/** Takes the term at a place away. */
export function withoutTerm(text: string, at: number): string {
  return termsText(parseTerms(text).filter((_, i) => i !== at))
}

/** What is wrong with a term, '' when nothing is known to be. */
export function termFault(t: Term): string {
  if (!TERMS.some((known) => known.name === t.name)) {
    return `"${t.name}" is no field. There are ${TERMS.map((k) => k.name).join(', ')}.`
  }
  return t.value === '' ? `${t.name} needs a value.` : ''
}

/** The terms that a text which is being written may go on with. */
export function termProposals(text: string): readonly (typeof TERMS)[number][] {
  const last = text
    .slice(text.lastIndexOf(',') + 1)
    .trim()
    .toLowerCase()
  if (last.includes('=')) return []
  return TERMS.filter((t) => t.name.startsWith(last))
}

/** Words for the bits of a conversation's state. */
const STATES: Readonly<Record<string, { word: string; doc: string; level?: 'warn' | 'bad' | 'ok' }>> = {
  SESS_SEEN_SYN: { word: 'SYN', doc: 'the first segment of the handshake was seen' },
  SESS_SEEN_SYN_ACK: { word: 'SYN-ACK', doc: 'the second segment of the handshake was seen' },
  SESS_SEEN_SYN_ACK_ACK: { word: 'established', doc: 'the handshake was complete', level: 'ok' },
  SESS_A_END_SERVER: { word: 'server at A', doc: 'the handshake went to the A end' },
  SESS_Z_END_SERVER: { word: 'server at Z', doc: 'the handshake went to the Z end, as is normal' },
  SESS_SEEN_FIN: { word: 'FIN', doc: 'an end said that it is done' },
  SESS_SEEN_RST: { word: 'reset', doc: 'an end broke it off', level: 'warn' },
  SESS_TIMEDOUT: { word: 'timed out', doc: 'it ended because nothing came any more' },
  SESS_ERROR: { word: 'cut short', doc: 'it was ended early: the table was full', level: 'bad' },
  SESS_INCOMPLETE: { word: 'incomplete', doc: 'one direction was not closed properly', level: 'warn' },
  SESS_TERMINATED: { word: 'closed', doc: 'it was closed properly', level: 'ok' },
}

const BITS = [
  'SESS_INIT',
  'SESS_SEEN_SYN',
  'SESS_SEEN_SYN_ACK',
  'SESS_SEEN_SYN_ACK_ACK',
  'SESS_A_END_SERVER',
  'SESS_Z_END_SERVER',
  'SESS_SEEN_FIN',
  'SESS_SEEN_RST',
  'SESS_TIMEDOUT',
  'SESS_ERROR',
  'SESS_INCOMPLETE',
  'SESS_TERMINATED',
]

export interface StateWord {
  word: string
  doc: string
  level: 'warn' | 'bad' | 'ok' | ''
}

/** The state of a conversation in words; names are those that the server tells, or else the bits are read. */
export function stateWords(names: readonly string[] | undefined, state: number | undefined): StateWord[] {
  const list = names ?? BITS.filter((_, i) => ((state ?? 0) & (1 << i)) !== 0)
  return list
    .map(
      (n) =>
        'SESS_' +
        n
          .toUpperCase()
          .replace(/^SESS_/, '')
          .replace(/[- ]/g, '_'),
    )
    .filter((n) => n !== 'SESS_INIT')
    .map((n) => {
      const known = STATES[n]
      if (known !== undefined) return { word: known.word, doc: known.doc, level: known.level ?? '' }
      return { word: n.slice(5).toLowerCase().replace(/_/g, ' '), doc: '', level: '' as const }
    })
}

/** How a conversation ended, or what it is doing, in one word; the rest is for details. */
export function stateSummary(words: readonly StateWord[], live: boolean): StateWord {
  for (const word of ['cut short', 'reset', 'incomplete', 'closed', 'timed out', 'established', 'SYN-ACK', 'SYN']) {
    if (live && word === 'timed out') continue
    const found = words.find((w) => w.word === word)
    if (found !== undefined) return found
  }
  return live ? { word: 'going on', doc: 'it still goes on', level: 'ok' } : { word: '\u2013', doc: '', level: '' }
}

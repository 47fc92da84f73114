import { expect, test } from 'vitest'
import { SCHEMA } from '../../dev/definitions.mjs'
import { DEFAULT_VIEW, formatHash, parseHash } from './hash'
import { filterOf, isPair, keyLabel, keyParts } from './keys'
import { argumentIsKey, explain, placeAt, proposals, splitTop, tokens, unknownNames, type Part } from './language'
import { portOf, snippets } from './snippets'
import { indexOfByte } from './utf8'

/** A text with the caret shown as "^". */
function at(marked: string): [string, number] {
  return [marked.replace('^', ''), marked.indexOf('^')]
}

function labels(marked: string, part: Part): string[] | null {
  const [text, position] = at(marked)
  const found = proposals(text, position, part, SCHEMA)
  return found && found.list.map((p) => p.label)
}

test('kinds of words', () => {
  const kinds = (text: string, part: Part) =>
    tokens(text, part)
      .map((t) => text.slice(t.from, t.to) + ' ' + t.kind)
      .filter((k) => !k.endsWith('punctuation'))
  expect(kinds('or:ipsource:ip6source,vlan', 'keys')).toEqual([
    'or call',
    'ipsource name',
    'ip6source name',
    'vlan name',
  ])
  expect(kinds("'vlan'!=5,6&mask:ipsource:8~10.*", 'filter')).toEqual([
    "' quote",
    'vlan name',
    "' quote",
    '!= operator',
    '5 literal',
    '6 literal',
    '& operator',
    'mask call',
    'ipsource name',
    '8 literal',
    '~ operator',
    '10. literal',
    '* literal',
  ])
  expect(kinds('null:[mask:ipsource:24]:\\,', 'keys')).toContain('mask call')
})

test('tokens cover any text without overlap', () => {
  for (const text of ['', '\\', "'", '[[:]', 'a=\\', 'äö=ü,\u{1f4a7}', 'a  =  b']) {
    let end = 0
    for (const t of tokens(text, 'filter')) {
      expect(t.from).toBeGreaterThanOrEqual(end)
      expect(t.to).toBeGreaterThan(t.from)
      end = t.to
    }
    expect(end).toBeLessThanOrEqual(text.length)
  }
})

test('keys are split at their commas only', () => {
  expect(splitTop('or:a:b, null:[x:y,z]:\\, ,c')).toEqual(['or:a:b', 'null:[x:y,z]:\\,', 'c'])
  expect(splitTop('  ')).toEqual([])
})

test.each([
  ['ip^', 'keys', { from: 0, want: 'expression' }],
  ['ipsource, ^', 'keys', { from: 10, want: 'expression' }],
  ['mask:ip^source:24', 'keys', { from: 5, want: 'argument', call: 'mask', argument: 0 }],
  ['mask:ipsource:^', 'keys', { from: 14, want: 'argument', call: 'mask', argument: 1 }],
  ['null:[or:a:b^]', 'keys', { from: 11, want: 'argument', call: 'or', argument: 1 }],
  ['null:[or:a:b]:^', 'keys', { from: 14, want: 'argument', call: 'null', argument: 1 }],
  ['avg:^', 'value', { from: 4, want: 'argument', call: 'avg', argument: 0 }],
  ['vlan=^', 'filter', { want: 'plain' }],
  ['vlan=5,^', 'filter', { want: 'plain' }],
  ['vlan=5&^', 'filter', { from: 7, want: 'expression' }],
  ["vlan=5|'ip^", 'filter', { from: 8, want: 'expression' }],
] as [string, Part, object][])('what may stand at %s', (marked, part, want) => {
  const [text, position] = at(marked)
  const place = placeAt(text, position, part)
  if (marked === 'vlan=5,^') expect(['plain', 'expression']).toContain(place.want)
  else expect(place).toMatchObject(want)
})

test('what is proposed', () => {
  expect(labels('^', 'keys')).toContain('ipsource')
  expect(labels('^', 'keys')).toContain('mask')
  expect(labels('^', 'keys')).not.toContain('avg')
  expect(labels('^', 'value')).toContain('avg')
  expect(labels('avg:^', 'value')).toContain('ipbytes')
  expect(labels('avg:^', 'value')).not.toContain('mask')
  expect(labels('mask:^', 'keys')).toContain('ipsource')
  expect(labels('mask:ipsource:^', 'keys')).toBeNull()
  expect(labels('nosuch:^', 'keys')).toBeNull()
  expect(labels('vlan=^', 'filter')).toBeNull()
  expect(labels('ipsource.^', 'keys')).toContain('ipsource.1')
  expect(labels('or:ipsource:ip6source:^', 'keys')).toContain('vlan')
})

test('which arguments are keys', () => {
  expect(argumentIsKey('KEY:DELIM:N', 0)).toBe(true)
  expect(argumentIsKey('KEY:DELIM:N', 1)).toBe(false)
  expect(argumentIsKey('KEY1:KEY2[:KEY..]', 7)).toBe(true)
  expect(argumentIsKey('KEY:SET1[:SET..]', 4)).toBe(false)
  expect(argumentIsKey('COND:VALUE:THEN:ELSE', 3)).toBe(true)
})

test('what is explained', () => {
  const said = (marked: string, part: Part) => explain(...at(marked), part, SCHEMA)?.code ?? ''
  expect(said('suffix:stack:^', 'keys')).toBe('suffix:KEY:DELIM:N')
  expect(said('suf^fix:stack:', 'keys')).toBe('suffix:KEY:DELIM:N')
  expect(said('ipsou^rce.1', 'keys')).toBe('ipsource')
  expect(said('vlan=^', 'filter')).toBe('')
})

test('unknown names are found, plain arguments are not', () => {
  const names = (text: string, part: Part) => unknownNames(text, part, SCHEMA).map((t) => text.slice(t.from, t.to))
  expect(names('ipsource.2,nosuch,first:stack:.:tcp:udp,ie15397_3', 'keys')).toEqual(['nosuch'])
  expect(names('mask:nosuch:24', 'keys')).toEqual(['nosuch'])
  expect(names('vlan=nosuch&other=1', 'filter')).toEqual(['other'])
  expect(names('avg:ipbytes', 'value')).toEqual([])
})

test('byte offsets become indexes', () => {
  expect(indexOfByte('abc', 2)).toBe(2)
  expect(indexOfByte('äbc', 2)).toBe(1)
  expect(indexOfByte('äbc', 1)).toBe(0)
  expect(indexOfByte('\u{1f4a7}x', 4)).toBe(2)
  expect(indexOfByte('€x', 3)).toBe(1)
  expect(indexOfByte('ab', 99)).toBe(2)
})

test('keys are shown with what is known of them', () => {
  const keys = 'or:tcpdestinationport:udpdestinationport,or:ipprotocol:ip6nexthdr'
  expect(keyParts(['443', '6'], keys)).toEqual([
    { text: '443', note: 'https' },
    { text: 'TCP', note: '' },
  ])
  expect(keyLabel(keyParts(['443', '6'], keys))).toBe('443 (https), TCP')
  expect(keyLabel([])).toBe('all traffic')
  expect(keyParts(['x'], '')).toEqual([{ text: 'x', note: '' }])
})

test('an arrow stands only between source and destination', () => {
  expect(isPair('or:ipsource:ip6source,or:ipdestination:ip6destination')).toBe(true)
  expect(isPair('ipsource,suffix:stack:.:2')).toBe(false)
  expect(isPair('ipsource')).toBe(false)
})

test('a filter for one flow', () => {
  expect(filterOf(['10.0.0.1', '443'], 'or:ipsource:ip6source,tcpdestinationport')).toBe(
    'or:ipsource:ip6source=10.0.0.1&tcpdestinationport=443',
  )
  expect(filterOf(["it's (a), b"], 'httpurl')).toBe("httpurl='it\\'s (a), b'")
})

test('a view survives its hash', () => {
  const view = {
    ...DEFAULT_VIEW,
    page: 'definitions' as const,
    mode: 'sum' as const,
    window: 900,
    search: 'a&b',
    draft: { keys: 'a,b', value: 'bytes', filter: 'x=1&y=%' },
  }
  expect(parseHash(formatHash(view))).toEqual(view)
  const named = { ...DEFAULT_VIEW, page: 'definitions' as const, flow: 'a/b c?d' }
  expect(parseHash(formatHash(named))).toEqual(named)
  expect(formatHash(DEFAULT_VIEW)).toBe('#/')
  expect(parseHash('#/nonsense?mode=x&window=7&sort=<b>')).toEqual(DEFAULT_VIEW)
  expect(parseHash('#/definitions/%zz').flow).toBe('%zz')
})

test('ports are taken from addresses', () => {
  expect(portOf('udp [::]:16343', 1)).toBe(16343)
  expect(portOf(undefined, 6343)).toBe(6343)
  const text = snippets('192.0.2.9', { sflow: 1, netflow: 2, ipfix: 3 })
    .map((s) => s.text)
    .join('\n')
  expect(text).toContain('192.0.2.9:2')
})

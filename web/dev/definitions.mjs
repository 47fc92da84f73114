// The standing definitions and a small part of the schema, and a judge of definitions that is good enough for tests.

const sources = 'or:ipsource:ip6source'
const destinations = 'or:ipdestination:ip6destination'

export const STANDING = [
  { name: 'console_sources', keys: sources, value: 'bytes' },
  { name: 'console_destinations', keys: destinations, value: 'bytes' },
  { name: 'console_pairs', keys: `${sources},${destinations}`, value: 'bytes' },
  {
    name: 'console_ports',
    keys: 'or:tcpdestinationport:udpdestinationport,or:ipprotocol:ip6nexthdr',
    value: 'bytes',
  },
  { name: 'console_total', keys: '', value: 'bytes' },
  { name: 'console_packets', keys: '', value: 'frames' },
].map((d) => ({ values: [], filter: '', n: 20, t: 2, fs: ',', log: false, aggMode: '', origin: 'config', ...d }))

const field = (name, type, nested, doc) => ({ name, type, nested, doc })

export const SCHEMA = {
  fields: [
    field('bps', 'integer', false, '8 times bytes: bits per second'),
    field('bytes', 'integer', false, 'length of the packet as sent, scaled by the sampling rate'),
    field('direction', 'text', false, 'ingress or egress'),
    field('dnsqname', 'text', false, 'name asked for in a DNS query'),
    field('frames', 'integer', false, '1 for a packet'),
    field('inputifindex', 'text', false, 'interface that the packet came in on'),
    field('ip6destination', 'address', true, 'IPv6 destination address'),
    field('ip6source', 'address', true, 'IPv6 source address'),
    field('ipbytes', 'integer', true, 'length in the IPv4 header'),
    field('ipdestination', 'address', true, 'IPv4 destination address'),
    field('ipprotocol', 'integer', true, 'IPv4 protocol number'),
    field('ip6nexthdr', 'integer', true, 'IPv6 protocol number after extension headers'),
    field('ipsource', 'address', true, 'IPv4 source address'),
    field('macdestination', 'mac', true, 'destination MAC address'),
    field('macsource', 'mac', true, 'source MAC address'),
    field('stack', 'text', false, 'names of the headers, outermost first: eth.ip.tcp'),
    field('tcpdestinationport', 'integer', true, 'TCP destination port'),
    field('tcpflags', 'bits', true, 'TCP flags, nine binary digits'),
    field('tcpsourceport', 'integer', true, 'TCP source port'),
    field('udpdestinationport', 'integer', true, 'UDP destination port'),
    field('udpsourceport', 'integer', true, 'UDP source port'),
    field('vlan', 'integer', true, 'VLAN id'),
  ],
  functions: [
    { name: 'country', args: 'KEY[:ATTR]', doc: 'the country code of an address' },
    { name: 'first', args: 'KEY:DELIM:TOKEN1[:TOKEN..]', doc: 'the first part of KEY that is one of the tokens' },
    { name: 'group', args: 'KEY:SET1[:SET..]', doc: 'the name of the group that holds the address' },
    { name: 'if', args: 'COND:VALUE:THEN:ELSE', doc: 'THEN when the text of COND is VALUE, otherwise ELSE' },
    { name: 'mask', args: 'KEY:BITS', doc: 'the network of an address, as address/bits' },
    { name: 'null', args: 'KEY[:TEXT]', doc: 'KEY, or TEXT when KEY is null' },
    { name: 'or', args: 'KEY1:KEY2[:KEY..]', doc: 'the first of the keys that is not null' },
    { name: 'prefix', args: 'KEY:DELIM:N', doc: 'the first N parts of KEY between DELIM' },
    { name: 'suffix', args: 'KEY:DELIM:N', doc: 'the last N parts of KEY between DELIM' },
  ],
  modifiers: [
    { name: 'sum', doc: 'units per second' },
    { name: 'rate', doc: 'units per second' },
    { name: 'avg', doc: 'the average over the records' },
    { name: 'count', doc: 'how many distinct values' },
    { name: 'max', doc: 'the largest' },
    { name: 'min', doc: 'the smallest' },
    { name: 'last', doc: 'the most recent' },
  ],
}

/** What is wrong with a definition, in the shape of the server's errors, or null. */
export function fault(d) {
  if (!d.value?.trim()) {
    return { error: 'missing', field: 'value', position: 0, hint: 'name a numeric attribute such as bytes or frames' }
  }
  for (const part of ['keys', 'value', 'filter']) {
    const text = d[part] ?? ''
    const at = (position, error, hint = '') => ({
      error,
      field: part,
      position: Buffer.byteLength(text.slice(0, position)),
      hint,
    })
    const open = text.lastIndexOf('[')
    if (open >= 0 && !text.includes(']', open)) return at(open, 'bracket without an end', 'write \\[ for a bracket')
    for (const m of text.matchAll(/(?<![:\w])([a-z]\w*):/g)) {
      const known = [...SCHEMA.functions, ...SCHEMA.modifiers].some((f) => f.name === m[1])
      if (!known) return at(m.index, `unknown function "${m[1]}"`, 'did you mean "first"?')
    }
    if (part === 'filter' && text && !/[=~]/.test(text)) {
      return at(text.length, 'no comparison', 'compare with =, !=, ~ or !~')
    }
  }
  return null
}

/** Names among the keys that are no attribute, in the shape of the server's warnings. */
export function oddities(d) {
  return (d.keys ?? '')
    .split(',')
    .filter((k) => /^[a-z]\w*$/.test(k) && !SCHEMA.fields.some((f) => f.name === k))
    .map((k) => ({
      field: 'keys',
      position: d.keys.indexOf(k),
      warning: `no field is called "${k}": it is always null`,
    }))
}

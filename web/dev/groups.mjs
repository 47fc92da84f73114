// The counter groups of the made-up network: their keys in raw and readable form, and their meters.

const two = (n) => n.toString(16).toUpperCase().padStart(2, '0')

/** The raw form of an IPv4 address. */
export const rawOf = (ip) =>
  ip
    .split('.')
    .map((n) => two(Number(n)))
    .join('.')

const ipOf = (raw) =>
  raw
    .split('.')
    .map((n) => parseInt(n, 16))
    .join('.')

/** Addresses of the made-up network. */
export const hosts = (n) =>
  Array.from({ length: n }, (_, i) =>
    i % 3 ? `10.${i % 7}.${(i * 37) % 200}.${((i * 91) % 250) + 1}` : `198.51.100.${i + 1}`,
  )

const SERVICES = { 443: 'https', 80: 'http', 53: 'domain', 22: 'ssh', 25: 'smtp', 5432: 'postgresql' }
const PORTS = [443, 80, 5432, 3260, 53, 22, 8080, 25, 123, 161, 993, 3389, 6443, 9092, 51820, 4789]
const portRaw = (p) => 'p-' + p.toString(16).toUpperCase().padStart(4, '0')
const portReadable = (raw) => {
  const port = parseInt(raw.slice(2), 16)
  return SERVICES[port] ?? 'Port-' + port
}

/** What users said of keys, by group and key. */
export const LABELS = new Map([
  [
    'hosts\n' + rawOf(hosts(2)[1]),
    { label: 'db1.example.net', description: 'The database of the shop', attributes: { rack: 'B4' } },
  ],
  ['hosts\n' + rawOf(hosts(5)[4]), { label: 'backup.example.net', description: '' }],
])

const rate = (id, name, scale, top, bottom = 0) => ({
  id,
  name,
  unit: 'Bps',
  type: 'rate',
  type_id: 4,
  top,
  bottom,
  scale,
})
const counter = (id, name, unit, scale, top) => ({
  id,
  name,
  unit,
  type: 'counter',
  type_id: 2,
  top,
  bottom: 0,
  scale,
})

const HOST_METERS = [
  rate(0, 'Total', 26e6, 50),
  rate(1, 'Received', 18e6, 10),
  rate(2, 'Transmit', 9e6, 10),
  { id: 3, name: 'Packets', unit: 'pps', type: 'rate', type_id: 4, top: 0, bottom: 0, scale: 31000 },
  { id: 4, name: 'Active TCP Conns', unit: 'conns', type: 'running', type_id: 8, top: 0, bottom: 0, scale: 900 },
  counter(5, 'Attacker alerts', 'alerts', 0, 10),
  rate(6, 'Homenet', 21e6, 20),
  rate(7, 'External', 8e6, 20),
  counter(8, 'TCP SYN sent', 'packets', 800, 10),
  counter(9, 'TCP SYN received', 'packets', 700, 10),
  counter(10, 'TCP SYN-ACK sent', 'packets', 640, 0),
  counter(11, 'TCP RST or FIN sent', 'packets', 610, 0),
  counter(12, 'Victim alerts', 'alerts', 0, 10),
]

const group = (name, title, form, keys, readable, meters, more = {}) => ({
  name,
  guid: '{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}',
  title,
  description: '',
  kind: 'builtin',
  active: true,
  bucket_s: 30,
  topper_s: 300,
  topper_only: false,
  max_keys: 100000,
  origin: 'builtin',
  parents: [],
  form,
  meters,
  late: 0,
  early: 0,
  full: 0,
  keys,
  readable,
  ...more,
})

const same = (key) => key

/** The groups. much: as many as a large network has, with long keys. */
export function GROUPS(much) {
  const ips = hosts(much ? 400 : 60)
  const raws = ips.map(rawOf)
  const ports = PORTS.map(portRaw)
  const v6 = Array.from({ length: much ? 80 : 8 }, (_, i) => '20010DB8' + '0'.repeat(20) + two(0) + two(i + 16))
  const v6Readable = (k) =>
    k
      .toLowerCase()
      .match(/.{4}/g)
      .join(':')
      .replace(/(:0000)+:/, '::')
  const cross = raws.slice(0, 20).flatMap((h) => ports.slice(0, 3).map((p) => h + '\\' + p))
  const list = [
    group('hosts', 'Hosts', ['host'], raws, ipOf, HOST_METERS, {
      topper_only: true,
      description: 'Every IPv4 address that sends or receives.',
    }),
    group('hosts_v6', 'HostsIPv6', ['host'], v6, v6Readable, HOST_METERS.slice(0, 4)),
    group('apps', 'Apps', ['app'], ports, portReadable, [
      rate(0, 'Total', 22e6, 50),
      counter(1, 'Security Alerts', 'alerts', 0, 10),
      rate(2, 'Into Homenet', 12e6, 50),
      rate(3, 'Out of Homenet', 6e6, 50),
      counter(4, 'Connections', 'conns', 300, 50),
    ]),
    group(
      'protocols',
      'Network Layer',
      ['protocol'],
      ['06', '11', '01', '2F'],
      (k) => ({ '06': 'TCP', 11: 'UDP', '01': 'ICMP', '2F': 'GRE' })[k] ?? k,
      [rate(0, 'Total', 40e6, 10), counter(1, 'Packets', 'packets', 4e5, 10)],
    ),
    group('aggregates', 'Aggregates', ['text'], ['TOTALBW', 'DIR_INTOHOME', 'DIR_OUTOFHOME', 'DIR_TRANSIT'], same, [
      rate(0, 'Total', 60e6, 0),
      { id: 1, name: 'Packets', unit: 'pps', type: 'rate', type_id: 4, top: 0, bottom: 0, scale: 80000 },
    ]),
    group(
      'subnets',
      'Subnets',
      ['subnet'],
      ['0A.01.00.00/18', '0A.02.00.00/18'],
      (k) => ipOf(k.split('/')[0]) + '/' + parseInt(k.split('/')[1], 16),
      [rate(0, 'Total', 9e6, 10)],
    ),
    group('country', 'Country', ['country'], ['DE', 'US', 'NL', 'FR', 'JP', 'XX'], same, [
      rate(0, 'Upload', 3e6, 30, 20),
      rate(1, 'Download', 9e6, 30, 20),
    ]),
    group('mac', 'MAC', ['mac'], [], same, [rate(0, 'Transmit', 1e6, 20), rate(1, 'Receive', 1e6, 20)], {
      active: false,
    }),
    group(
      'host_apps',
      'Hosts × Apps',
      ['host', 'app'],
      cross,
      (k) => ipOf(k.split('\\')[0]) + '\\' + portReadable(k.split('\\')[1]),
      HOST_METERS.slice(0, 4),
      {
        kind: 'crosskey',
        origin: 'rest',
        parents: ['hosts', 'apps'],
        full: 3,
        late: 12,
      },
    ),
  ]
  for (let i = 0; much && i < 30; i++) {
    list.push(
      group(
        'tenant_' + i,
        `Tenant ${i} with quite a long name of its own`,
        ['host'],
        raws.slice(i, i + 20),
        ipOf,
        HOST_METERS.slice(0, 3),
        {
          kind: 'filtered',
          origin: 'rest',
          parents: ['hosts', 'apps'],
          key_list: '443',
        },
      ),
    )
  }
  return list
}

/** The raw key that a text names in a group: raw, readable or a label. */
export function keyOf(g, text) {
  return g.keys.find((k) => k === text || g.readable(k) === text || LABELS.get(g.name + '\n' + k)?.label === text)
}

// The made-up past of the made-up network: counter groups, conversations, alerts and memory, as the REST interface
// tells of them. Every value is a function of group, key, meter and time: the same question has the same answer.

import { GROUPS, hosts, LABELS, rawOf } from './groups.mjs'
import { numbers } from './network.mjs'

export const DAY = 86_400
export const TOTALS = 'SYS:GROUP_TOTALS'
const PRESETS = { s: 1, m: 60, h: 3600, d: DAY, w: 7 * DAY }

const FIELDS = new RegExp(
  '^(ip|srcip|destip|port|srcport|destport|proto|tag|minbytes|router|net24|net16|ippair|ifin|ifout|interface|vlan|' +
    'tos|state|id|key)$',
)

/** A number in 0..1 that only depends on the text. */
function hash(text) {
  let h = 2166136261
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  return ((h ^ (h >>> 13)) >>> 0) / 4294967296
}

/** The value of a meter of a key at a moment, per second or per bucket. */
export function valueAt(group, key, meter, at) {
  const size = group.keys.indexOf(key)
  if (size < 0) return 0
  const scale = meter.scale / (size + 1) ** 0.95
  const swing = hash(group.name + key + meter.id)
  const daily = 1 + 0.5 * Math.sin(((at / DAY) * 2 + swing * 0.3) * Math.PI)
  const slow = 1 + 0.35 * Math.sin(at / (240 + swing * 900) + swing * 40)
  const noise = 0.8 + 0.4 * hash(key + meter.id + at)
  const value = scale * daily * slow * noise
  return meter.unit === 'Bps' ? value : Math.round(value)
}

function total(group, meter, at) {
  return group.keys.reduce((sum, k) => sum + valueAt(group, k, meter, at), 0) * 1.07
}

function totalsOf(values) {
  const known = values.filter((v) => v !== null).sort((a, b) => a - b)
  const sum = known.reduce((a, b) => a + b, 0)
  return {
    volume: sum,
    mean: sum / Math.max(1, values.length),
    max: known.at(-1) ?? null,
    p95: known[Math.floor(known.length * 0.95)] ?? null,
    latest: values.at(-1) ?? null,
  }
}

function moment(text, now, otherwise) {
  if (!text) return otherwise
  const back = /^-(\d+(?:\.\d+)?)([smhdw])$/.exec(text)
  if (back) return now - Number(back[1]) * PRESETS[back[2]]
  const seconds = Number(text)
  return Number.isFinite(seconds) ? seconds : Date.parse(text) / 1000
}

function spanOf(params, now, otherwise = 3600) {
  const to = moment(params.get('to'), now, now)
  return [moment(params.get('from'), now, to - otherwise), to]
}

function stepFor(from, to, bucket) {
  const length = to - from
  const step = length <= 6 * 3600 ? bucket : length <= 7 * DAY ? 300 : 3600
  return Math.max(step, bucket)
}

function timesOf(from, to, step) {
  const out = []
  for (let t = Math.floor(from / step) * step; t < to; t += step) out.push(t)
  return out
}

/** What a key is called. */
export const named = (group, key) => ({
  key,
  readable: key === TOTALS ? TOTALS : group.readable(key),
  label: LABELS.get(group.name + '\n' + key)?.label ?? '',
})

/** The answers of one made-up server. */
export class Past {
  constructor({ now, much = false, empty = false, seed = 7 }) {
    this.now = now
    this.groups = new Map(GROUPS(much).map((g) => [g.name, g]))
    if (empty) for (const g of this.groups.values()) g.keys = []
    this.rules = new Map([
      [
        'uplink_full',
        {
          name: 'uplink_full',
          group: 'hosts',
          keys: '*',
          meter: 0,
          kind: 'threshold',
          high: 24e6,
          high_for: 3,
          low: 16e6,
          low_for: 2,
          priority: 1,
          message: 'A host takes a large part of the uplink',
        },
      ],
      [
        'dns_band',
        {
          name: 'dns_band',
          group: 'apps',
          keys: 'p-0035',
          meter: 0,
          kind: 'band',
          band: { baseline: 'week', weeks: 3, lower_margin: 20, upper_margin: 30, sustained: 15 },
          priority: 2,
          message: 'Name resolution is not as usual',
        },
      ],
    ])
    this.home = { networks: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'], subnets: ['10.1.0.0/24'] }
    this.sessions = this.#conversations(numbers(seed), much ? 4000 : 260)
    this.storeError = null
  }

  #conversations(random, n) {
    const ports = [443, 80, 53, 22, 5432, 3260, 8080, 25]
    const inside = hosts(40)
    return Array.from({ length: n }, (_, i) => {
      const port = ports[Math.floor(random() ** 2 * ports.length)]
      const udp = port === 53
      const first = this.now - Math.floor(random() ** 2 * 7000) - 5
      const live = i % 9 === 0
      const duration = Math.min(this.now - first, Math.ceil(random() ** 3 * 1800))
      const bytes = Math.floor(2000 / (random() + 1e-4))
      const reset = !udp && i % 23 === 0
      const state = live ? (udp ? 1 : 0x2f) : udp ? 0x101 : reset ? 0x8af : 0x86f
      return {
        id: String((BigInt(first - 1577836800) << 33n) | BigInt(i * 7919)),
        key: `${udp ? '11' : '06'}A:…`,
        exporter: `192.0.2.${11 + (i % 4)}`,
        first: new Date(first * 1000).toISOString(),
        last: new Date((live ? this.now - (i % 4) : first + duration) * 1000).toISOString(),
        duration_s: live ? this.now - first : duration,
        proto: udp ? 17 : 6,
        protocol: udp ? 'UDP' : 'TCP',
        a_ip: inside[Math.floor(random() * inside.length)],
        a_port: 32768 + Math.floor(random() * 28000),
        z_ip: i % 7 ? `198.51.100.${1 + Math.floor(random() ** 2 * 60)}` : '2001:db8:0:1::53',
        z_port: port,
        az_bytes: Math.floor(bytes * 0.12),
        za_bytes: Math.floor(bytes * 0.88),
        az_packets: Math.ceil(bytes / 900),
        za_packets: Math.ceil(bytes / 700),
        az_payload: Math.floor(bytes * 0.1),
        za_payload: Math.floor(bytes * 0.8),
        state,
        rtt_us: udp || i % 5 === 4 ? 0 : Math.floor(300 + random() * 60_000),
        retransmissions: udp ? 0 : Math.floor(random() ** 6 * 40),
        if_in: 1 + (i % 5),
        if_out: 6 + (i % 3),
        vlan: i % 3 ? 0 : 100,
        tos: 0,
        tags: i % 11 ? [] : ['voip', 'office'],
        live,
        exact: i % 4 !== 2,
        samples: i % 4 === 2 ? 40 + (i % 200) : 0,
        rate: i % 4 === 2 ? 512 : 0,
      }
    })
  }

  /** What an answer says of itself. */
  about(more = {}) {
    return { tick: Math.floor(this.now), at: new Date(this.now * 1000).toISOString(), combine: 'sum', ...more }
  }

  describeGroup(g) {
    const { keys, readable: _, ...rest } = g
    return {
      ...rest,
      meters: g.meters.map(({ scale: _, ...m }) => m),
      keys_live: g.active ? keys.length * 37 : 0,
      space: g.active
        ? { rows_seen: keys.length * 9600, rows_stored: g.topper_only ? keys.length * 610 : keys.length * 9600 }
        : undefined,
    }
  }

  series(g, key, params) {
    const [from, to] = spanOf(params, this.now)
    const step = Number(params.get('step')) || stepFor(from, to, g.bucket_s)
    const times = timesOf(from, to, step)
    const volume = params.get('as') === 'volume'
    const back = params.get('compare') ? this.now - moment(params.get('compare'), this.now) : 0
    const wanted = (params.get('meters') ?? '0').split(',').map(Number)
    const sampled = g.name === 'hosts'
    const series = wanted.flatMap((id) => {
      const m = g.meters.find((m) => m.id === id)
      if (!m) return []
      const rated = m.unit === 'Bps' || m.unit === 'pps'
      const one = (t) => {
        const v = key === TOTALS ? total(g, m, t) : valueAt(g, key, m, t)
        return volume && rated ? v * step : v
      }
      const values = times.map((t) => (key !== TOTALS && hash(key + t + 'gap') < 0.01 ? null : one(t)))
      return [
        {
          meter: id,
          name: m.name,
          unit: rated ? (volume ? (m.unit === 'Bps' ? 'B' : 'packets') : m.unit === 'Bps' ? 'B/s' : m.unit) : m.unit,
          values,
          stderr: sampled ? values.map((v) => (v === null ? null : v * 0.05)) : undefined,
          previous: back ? times.map((t) => one(t - back)) : undefined,
        },
      ]
    })
    const open = to >= this.now
    const totals = Object.fromEntries(series.map((s) => [s.meter, totalsOf(s.values)]))
    return this.about({ step_s: step, resolution_s: step, exact: !sampled, times, series, totals, open })
  }

  ranked(g, id, from, to, bottom = false) {
    const m = g.meters.find((m) => m.id === id)
    const times = timesOf(from, to, stepFor(from, to, g.bucket_s) * 4)
    const list = g.keys.map((key) => ({
      key,
      value: times.reduce((sum, t) => sum + valueAt(g, key, m, t), 0) / Math.max(1, times.length),
    }))
    return list.sort((a, b) => (bottom ? a.value - b.value : b.value - a.value) || (a.key < b.key ? -1 : 1))
  }

  toppers(g, params) {
    const [from, to] = spanOf(params, this.now, g.topper_s)
    const id = Number(params.get('meter') ?? 0)
    const m = g.meters.find((m) => m.id === id)
    const max = Number(params.get('max') ?? 50)
    const rated = m.unit === 'Bps' || m.unit === 'pps'
    const width = params.get('as') === 'volume' && rated ? to - from : 1
    const unit = rated
      ? width === 1
        ? m.unit === 'Bps'
          ? 'B/s'
          : 'pps'
        : m.unit === 'Bps'
          ? 'B'
          : 'packets'
      : m.unit
    const back = params.get('compare') ? this.now - moment(params.get('compare'), this.now) : 0
    const before = back ? this.ranked(g, id, from - back, to - back) : []
    const all = this.ranked(g, id, from, to, params.get('bottom') === 'true')
    const sum = all.reduce((s, k) => s + k.value, 0) * 1.07
    const list = all.slice(0, m.top > 0 ? Math.min(max, m.top) : 0)
    return this.about({
      meter: id,
      unit,
      resolution_s: g.topper_s,
      total: sum * width,
      others: (sum - list.reduce((s, k) => s + k.value, 0)) * width,
      others_error: 0,
      buckets: Math.ceil((to - from) / g.topper_s),
      toppers: list.map((k, i) => {
        const was = before.findIndex((b) => b.key === k.key)
        return {
          rank: i + 1,
          ...named(g, k.key),
          value: k.value * width,
          error: i > 30 ? k.value * width * 0.04 : 0,
          stderr: g.name === 'hosts' ? k.value * width * 0.04 : 0,
          share: k.value / sum,
          ...(back && { previous: was < 0 || i === 3 ? null : before[was].value * width, previous_rank: was + 1 }),
        }
      }),
    })
  }

  trend(g, params) {
    const [from, to] = spanOf(params, this.now)
    const id = Number(params.get('meter') ?? 0)
    const m = g.meters.find((m) => m.id === id)
    const step = Math.max(g.topper_s, stepFor(from, to, g.bucket_s))
    const times = timesOf(from, to, step)
    const top = this.ranked(g, id, from, to).slice(0, Number(params.get('max') ?? 10))
    return this.about({
      unit: m.unit === 'Bps' ? 'B/s' : m.unit,
      step_s: step,
      resolution_s: step,
      times,
      total: times.map((t) => total(g, m, t)),
      series: top.map((k) => ({ ...named(g, k.key), values: times.map((t) => valueAt(g, k.key, m, t)) })),
    })
  }

  ranks(g, key, params) {
    const [from, to] = spanOf(params, this.now)
    const id = Number(params.get('meter') ?? 0)
    const step = Math.max(g.topper_s, (to - from) / 60)
    const times = timesOf(from, to, step)
    const places = times.map((t) => {
      const at = this.ranked(g, id, t, t + step).findIndex((k) => k.key === key)
      return at < 0 || at >= 20 ? null : at + 1
    })
    return this.about({ times, ranks: places, values: places.map(() => null) })
  }

  search(q, max) {
    const word = q.toLowerCase()
    const hits = []
    for (const g of this.groups.values()) {
      for (const key of g.keys) {
        const n = named(g, key)
        if ([key, n.readable, n.label].some((t) => t.toLowerCase().includes(word))) {
          hits.push({ group: g.name, title: g.title, ...n, last: new Date(this.now * 1000).toISOString() })
        }
        if (hits.length >= max) return hits
      }
    }
    return hits
  }

  findSessions(params) {
    const [from, to] = spanOf(params, this.now)
    const terms = (params.get('q') ?? '')
      .split(',')
      .filter(Boolean)
      .map((t) => t.split('='))
    const wrong = terms.find(([name]) => !FIELDS.test(name))
    if (wrong) return { wrong: wrong[0] }
    const live = params.get('live') ?? 'both'
    const fits = (s) =>
      terms.every(([name, value]) => {
        if (name === 'ip') return s.a_ip === value || s.z_ip === value
        if (name === 'srcip') return s.a_ip === value
        if (name === 'destip') return s.z_ip === value
        if (name === 'port') return [s.a_port, s.z_port].includes(Number(value))
        if (name === 'destport') return s.z_port === Number(value)
        if (name === 'proto') return s.protocol.toLowerCase() === value.toLowerCase()
        if (name === 'tag') return s.tags.includes(value)
        return true
      })
    const orders = {
      last: (s) => Date.parse(s.last),
      first: (s) => Date.parse(s.first),
      bytes: (s) => s.az_bytes + s.za_bytes,
      packets: (s) => s.az_packets + s.za_packets,
      duration: (s) => s.duration_s,
      rtt: (s) => s.rtt_us,
      retransmissions: (s) => s.retransmissions,
    }
    const by = orders[params.get('order') ?? 'last'] ?? orders.last
    const list = this.sessions
      .filter((s) => (live === 'only' ? s.live : live === 'no' ? !s.live : true))
      .filter((s) => Date.parse(s.last) / 1000 >= from && Date.parse(s.first) / 1000 <= to && fits(s))
      .sort((a, b) => by(b) - by(a))
    return { list }
  }

  aggregate(list, by, max) {
    const keys = {
      a_ip: (s) => [s.a_ip],
      z_ip: (s) => [s.z_ip],
      ip: (s) => [s.a_ip, s.z_ip],
      port: (s) => [String(s.z_port)],
      proto: (s) => [s.protocol],
      pair: (s) => [`${s.a_ip} ${s.z_ip}`],
    }
    const sums = new Map()
    for (const s of list) {
      for (const key of (keys[by] ?? keys.ip)(s)) {
        const sum = sums.get(key) ?? { key, readable: key, label: '', sessions: 0, bytes: 0, packets: 0 }
        sum.sessions++
        sum.bytes += s.az_bytes + s.za_bytes
        sum.packets += s.az_packets + s.za_packets
        sums.set(key, sum)
      }
    }
    return [...sums.values()].sort((a, b) => b.bytes - a.bytes).slice(0, max)
  }

  alerts() {
    const g = this.groups.get('hosts')
    return Array.from({ length: 14 }, (_, i) => ({
      at: new Date((this.now - 200 - i * 1900) * 1000).toISOString(),
      rule: i % 4 ? 'uplink_full' : 'dns_band',
      kind: i % 4 ? 'threshold' : 'band',
      state: i % 2 ? 'cleared' : 'fired',
      group: i % 4 ? 'hosts' : 'apps',
      ...(i % 4 ? named(g, g.keys[i % 3]) : { key: 'p-0035', readable: 'Port-53', label: 'domain' }),
      meter: 0,
      meter_name: 'Total',
      unit: 'B/s',
      value: i % 2 ? 14e6 : 26e6 + i * 1e5,
      low: 16e6,
      high: 24e6,
      priority: i % 4 ? 1 : 2,
      message: i % 4 ? 'A host takes a large part of the uplink' : 'Name resolution is not as usual',
    }))
  }

  tables() {
    const column = (name, type, unit, doc) => ({ name, type, unit, doc })
    const at = column('at', 'BIGINT', 'ns', 'when the bucket begins')
    const sizes = { rows: 1_240_000, bytes: 14_400_000, oldest: this.now - 9 * DAY, newest: this.now - 30 }
    return [
      {
        name: 'buckets',
        doc: 'meters of each key of each counter group, one row a bucket',
        columns: [
          column('grp', 'TEXT', '', 'short name of the counter group'),
          column('key', 'TEXT', '', 'the key in its raw form'),
          at,
          column('width', 'BIGINT', 's', 'how long the bucket is'),
          ...Array.from({ length: 8 }, (_, i) => column('m' + i, 'DOUBLE', '', `meter ${i} of the group`)),
        ],
        ...sizes,
      },
      {
        name: 'sessions',
        doc: 'conversations that are over, one row each',
        columns: [
          column('id', 'BIGINT', '', 'number of the session'),
          column('first', 'BIGINT', 'ns', 'first activity'),
          column('last', 'BIGINT', 'ns', 'last activity'),
          column('a_ip', 'TEXT', '', 'address of the A end'),
          column('z_ip', 'TEXT', '', 'address of the Z end'),
          column('z_port', 'BIGINT', '', 'port of the Z end'),
          column('az_bytes', 'BIGINT', 'bytes', 'sent by A'),
          column('za_bytes', 'BIGINT', 'bytes', 'sent by Z'),
        ],
        ...sizes,
        rows: 50_200_000,
        bytes: 1_100_000_000,
      },
      { name: 'toppers', doc: 'largest keys of each meter', columns: [column('grp', 'TEXT', '', ''), at], ...sizes },
      {
        name: 'alerts',
        doc: 'alerts on meters',
        columns: [at, column('rule', 'TEXT', '', 'name of the rule')],
        rows: 0,
        bytes: 0,
      },
    ]
  }

  sql(query, max) {
    if (!/^\s*(select|with|show|describe|explain)\b/i.test(query)) {
      return {
        error: 'only SELECT, WITH, DESCRIBE, SHOW and EXPLAIN are answered',
        field: 'query',
        hint: 'The store is read-only here.',
      }
    }
    const missing = /from\s+(nosuch\w*)/i.exec(query)
    if (missing) return { error: `no table "${missing[1]}"`, field: 'query', hint: 'GET /api/v1/tables lists them.' }
    const n = Math.min(max, /limit\s+(\d+)/i.exec(query) ? Number(/limit\s+(\d+)/i.exec(query)[1]) : 800)
    return {
      columns: [
        { name: 'at', type: 'BIGINT' },
        { name: 'key', type: 'VARCHAR' },
        { name: 'm0', type: 'DOUBLE' },
        { name: 'samples', type: 'BIGINT' },
      ],
      rows: Array.from({ length: n }, (_, i) => [
        1_700_000_000_123_456_789n + BigInt(i) * 30_000_000_000n,
        i % 17 ? rawOf(`10.0.0.${(i % 250) + 1}`) : null,
        hash('sql' + i) * 1e7,
        i,
      ]),
      truncated: n === max,
      elapsed_ms: 12.5,
    }
  }

  store() {
    const tables = this.tables().map(({ name, rows, bytes, oldest, newest }, i) => ({
      name,
      rows,
      bytes,
      oldest: rows ? oldest : null,
      newest: rows ? newest : null,
      parts: rows ? 12 + i : 0,
      retention_s: [30, 7, 90, 365][i] * DAY,
    }))
    return this.about({
      path: '/var/lib/weir',
      engine: 'parquet',
      bytes: tables.reduce((sum, t) => sum + t.bytes, 0),
      max_bytes: 20e9,
      tables,
      journal: { bytes: 4_200_000, max_bytes: 2_147_483_648, frames: 61 },
      ...this.storeError,
    })
  }
}

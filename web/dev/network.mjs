// A made-up network for development and tests: seeded, so that the same seed gives the same ticks.

/** A small generator of numbers in 0..1 (mulberry32); the same seed gives the same numbers. */
export function numbers(seed) {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const PORTS = [
  ['443', '6', 48],
  ['80', '6', 14],
  ['53', '17', 3],
  ['22', '6', 6],
  ['5432', '6', 9],
  ['3260', '6', 22],
  ['4789', '17', 17],
  ['51820', '17', 5],
  ['8080', '6', 4],
  ['6343', '17', 0.8],
  ['123', '17', 0.1],
  ['9092', '6', 11],
]

/** One made-up network. much: hundreds of exporters and long keys. */
export class Network {
  constructor({ seed = 7, much = false, start = Date.now() } = {}) {
    this.random = numbers(seed)
    this.much = much
    this.at = start
    this.seq = 0
    this.eventId = 0
    this.events = []
    this.hosts = this.#hosts(much ? 200 : 24)
    this.exporters = this.#exporters(much ? 420 : 5)
  }

  #hosts(n) {
    return Array.from({ length: n }, (_, i) => {
      const six = i % 5 === 3
      const hex = () =>
        Math.floor(this.random() * 65536)
          .toString(16)
          .toUpperCase()
      const long = this.much ? `:${hex()}:${hex()}:${hex()}:${hex()}` : ':'
      return {
        address: six
          ? `2001:DB8:${hex()}:${(i % 9) + 1}${long}:${(i + 16).toString(16).toUpperCase()}`
          : `${i % 2 ? '10.' + (i % 7) + '.' : '198.51.'}${(i * 37) % 200}.${((i * 91) % 250) + 1}`,
        weight: 4e6 / (i + 1) ** 0.9,
        phase: this.random() * 40,
        swing: 1,
      }
    })
  }

  #exporters(n) {
    const kinds = ['sflow', 'sflow', 'netflow9', 'ipfix', 'netflow5']
    return Array.from({ length: n }, (_, i) => ({
      address: n > 100 ? `10.250.${i >> 8}.${i & 255}` : `192.0.2.${i + 11}`,
      name: ['spine1', 'leaf1', 'border', 'dc2-core', ''][i % 5] + (n > 100 && i % 5 < 4 ? '-' + i : ''),
      kind: kinds[i % 5],
      datagrams: 120000 + i * 4000,
      datagrams_rate: 0,
      lost: 0,
      lost_percent: 0,
      records: 900000 + i * 30000,
      records_rate: 0,
      readings: i % 5 < 2 ? 4000 : 0,
      sampling_rate: [1000, 1000, 1, 100, 0][i % 5],
      last_seen_ms: 200,
      first_seen_ms: 86400000,
      ...(i % 17 === 2 && n > 100 ? { lost: 2000 + i * 70 } : {}),
      base: 40 + this.random() * 160,
      loss: i % 17 === 2 ? 0.016 : i % 11 === 4 ? 0.0004 : 0,
    }))
  }

  /** Moves on by one second and returns what happened: {tick, event}. */
  step() {
    this.at += 1000
    this.seq++
    const t = this.seq
    for (const h of this.hosts) {
      h.swing = Math.max(0.15, h.swing * 0.86 + 0.14 * (0.4 + 1.2 * this.random()))
      h.rate = h.weight * h.swing * (1 + 0.35 * Math.sin((t + h.phase) / 19))
    }
    const flood = t % 120 > 96 && t % 120 < 112
    if (flood) this.hosts[6].rate *= 9
    for (const e of this.exporters) this.#export(e)
    return this.#event(flood)
  }

  #export(e) {
    e.datagrams_rate = e.base * (0.9 + 0.2 * this.random())
    e.records_rate = e.datagrams_rate * 7.4
    e.datagrams += Math.round(e.datagrams_rate)
    e.records += Math.round(e.records_rate)
    if (e.loss > 0 && this.random() < 0.5) e.lost += Math.round(e.datagrams_rate * e.loss * 2)
    e.lost_percent = (100 * e.lost) / (e.datagrams + e.lost)
    e.last_seen_ms = Math.round(this.random() * 900)
  }

  #event(flood) {
    const h = this.hosts[6]
    if (flood && !this.open) {
      this.open = {
        id: ++this.eventId,
        at: this.at,
        threshold: 'flood',
        metric: 'ddos_target',
        limit: 2e6,
        value: h.rate,
        error: h.rate * 0.04,
        exporter: '192.0.2.12',
        datasource: '3',
        key: h.address,
        values: [],
        peak: h.rate,
      }
    } else if (this.open && !flood) {
      Object.assign(this.open, { end: this.at })
      const ended = this.open
      this.open = null
      return ended
    } else return null
    this.events.unshift(this.open)
    return this.open
  }

  /** The largest flows of a definition as the server would answer. */
  active(definition, max, mode) {
    const rows = this.#rows(definition)
      .sort((a, b) => b.value - a.value)
      .slice(0, max)
    const scale = mode === 'sum' ? 1.9 : 1
    return rows.map((r) => {
      const exact = r.exact ?? false
      const samples = exact ? 0 : Math.max(1, Math.round(r.value / 40000))
      const value = r.value * scale
      return {
        key: r.keys.join(','),
        keys: r.keys,
        value,
        error: exact ? 0 : value / Math.sqrt(samples),
        exact,
        samples,
        exporter: this.exporters[0].address,
        datasource: '3',
        n: mode === 'sum' ? 2 : 1,
        values: [],
      }
    })
  }

  #rows({ keys, value }) {
    const factor = /frames|fps/.test(value) ? 1 / 820 : 1
    const all = this.hosts.map((h, i) => ({ h, i, value: h.rate * factor }))
    if (keys === '') return [{ keys: [], value: all.reduce((s, r) => s + r.value, 0) }]
    if (/port/.test(keys)) {
      const total = all.reduce((s, r) => s + r.value, 0)
      return PORTS.map(([port, protocol, share], i) => ({
        keys: keys.startsWith('ipprotocol') ? [protocol, port] : [port, protocol],
        exact: i === 3,
        value: (total * share * (0.8 + 0.4 * this.hosts[i].swing)) / 140,
      }))
    }
    const other = (i) => this.hosts[(i * 7 + 5) % this.hosts.length].address
    const n = keys.split(',').length
    if (n > 1) return all.map((r) => ({ keys: [r.h.address, other(r.i)], value: r.value * 0.8 }))
    const destination = /destination/.test(keys)
    return all.map((r) => ({ keys: [destination ? other(r.i) : r.h.address], value: r.value, exact: r.i === 4 }))
  }

  /** What the stream sends for the names that were asked for. */
  tick(definitions, names, mode, max) {
    const bytes = this.active({ keys: '', value: 'bytes' }, 1, mode)[0]
    const frames = this.active({ keys: '', value: 'frames' }, 1, mode)[0]
    const flows = {}
    for (const name of names) if (definitions.has(name)) flows[name] = this.active(definitions.get(name), max, mode)
    return {
      at: this.at,
      seq: this.seq,
      flows,
      exporters: this.exporters.map(({ base, loss, ...e }) => e),
      total: {
        bits: bytes.value * 8,
        bits_error: bytes.error * 40,
        packets: frames.value,
        packets_error: frames.value * 0.03,
      },
      books: { difference: 0, received: this.seq * 500, decoded: this.seq * 500, malformed: 0, refused: 0 },
    }
  }
}

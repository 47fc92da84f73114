// A server with the REST interface that the console uses and a made-up network behind it, for development and tests:
// node dev/mock.mjs [--port 8018] [--scenario live|empty|much|error|readonly|token] [--warm SECONDS]

import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { answerPast } from './answers.mjs'
import { fault, oddities, SCHEMA, STANDING } from './definitions.mjs'
import { Past } from './memory.mjs'
import { Network } from './network.mjs'

const DIST = fileURLToPath(new URL('../dist/', import.meta.url))
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

/**
 * Starts the server and resolves to {url, close, cut, scenario, network, definitions, requests}. cut ends every open
 * stream; scenario may be set to another word at any time; every is the time between ticks in milliseconds; warm is
 * how many seconds of the past a new stream begins with.
 */
export function startMock({ port = 0, scenario = 'live', warm = 0, every = 1000, seed = 7 } = {}) {
  const mock = {
    scenario,
    warm,
    streams: new Set(),
    requests: [],
    thresholds: new Map([['flood', { metric: 'ddos_target', value: 2e6 }]]),
    definitions: new Map(STANDING.map((d) => [d.name, d])),
    network: new Network({ seed, much: scenario === 'much', start: Date.now() - warm * 1000 }),
  }
  mock.memory = new Past({
    now: Math.floor(Date.now() / 1000),
    much: scenario === 'much',
    empty: scenario === 'empty',
    seed,
  })
  mock.definitions.set('ddos_target', {
    ...STANDING[1],
    name: 'ddos_target',
    keys: 'ipdestination,udpsourceport',
    origin: 'rest',
  })
  for (let i = 0; scenario === 'much' && i < 60; i++) {
    mock.definitions.set('tenant_' + i, {
      ...STANDING[0],
      name: 'tenant_' + i,
      origin: 'rest',
      filter: 'vlan=' + (100 + i),
    })
  }
  const past = []
  for (let i = 0; i < warm; i++) {
    mock.network.step()
    past.push(mock.network.tick(mock.definitions, [...mock.definitions.keys()].slice(0, 7), 'max', 10))
  }
  mock.past = past
  const server = createServer((req, res) => answer(mock, req, res).catch((e) => json(res, 500, { error: String(e) })))
  const timer = setInterval(() => beat(mock), every)
  mock.cut = () => mock.streams.forEach((s) => s.res.destroy())
  mock.close = () => {
    clearInterval(timer)
    mock.cut()
    return new Promise((done) => server.close(done))
  }
  return new Promise((started) => {
    server.listen(port, '127.0.0.1', () => {
      mock.url = `http://127.0.0.1:${server.address().port}/html/index.html`
      started(mock)
    })
  })
}

function beat(mock) {
  if (mock.scenario === 'quiet') return
  const event = mock.scenario === 'empty' ? null : mock.network.step()
  for (const s of mock.streams) {
    s.res.write(sse('tick', tickFor(mock, s)))
    if (event) s.res.write(sse('threshold', event))
  }
}

function tickFor(mock, s) {
  if (mock.scenario === 'empty') {
    const none = { bits: 0, bits_error: 0, packets: 0, packets_error: 0 }
    return { at: Date.now(), seq: 0, total: none, flows: {}, exporters: [], books: { difference: 0 } }
  }
  return mock.network.tick(mock.definitions, s.names, s.mode, s.max)
}

const sse = (event, data) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

function json(res, status, body) {
  res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  res.end(body === undefined ? '' : JSON.stringify(body))
  return true
}

async function answer(mock, req, res) {
  const url = new URL(req.url, 'http://mock')
  if (!url.pathname.startsWith('/api/v1/')) return asset(url.pathname, res)
  mock.requests.push(req.method + ' ' + url.pathname)
  if (mock.scenario === 'error') {
    return json(res, 503, {
      error: 'weir is draining',
      field: '',
      position: -1,
      hint: 'It is being stopped or restarted.',
    })
  }
  if (mock.scenario === 'token' && req.headers.authorization !== 'Bearer secret') {
    return json(res, 401, {
      error: 'a token is needed',
      field: '',
      position: -1,
      hint: 'Send Authorization: Bearer TOKEN.',
    })
  }
  const path = url.pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent)
  const empty = mock.scenario === 'empty'
  switch (path[0]) {
    case 'status':
      return json(res, 200, status(mock, empty))
    case 'schema':
      return json(res, 200, SCHEMA)
    case 'flows':
      return flows(mock, req, res, url, path)
    case 'exporters':
      return json(res, 200, { exporters: empty ? [] : mock.network.exporters })
    case 'events':
      return json(res, 200, { events: empty ? [] : mock.network.events })
    case 'thresholds':
      return json(res, 200, { thresholds: empty ? [] : [...mock.thresholds].map(([name, t]) => ({ name, ...t })) })
    case 'stream':
      return stream(mock, url, res)
  }
  return (
    (await past(mock, req, res, url, path)) ??
    json(res, 404, { error: 'no such path', field: '', position: -1, hint: 'See /api/.' })
  )
}

/** Answers a question about the past; undefined when it is none. */
async function past(mock, req, res, url, path) {
  let text = ''
  for await (const piece of req) text += piece
  if (mock.scenario === 'readonly' && !['GET', 'HEAD'].includes(req.method) && path[0] !== 'sql') {
    return json(res, 403, { error: 'this server is read-only', field: '', position: -1, hint: '' })
  }
  if (mock.scenario === 'empty' && /^(search|sessions|alerts|alert-rules)$/.test(path[0])) {
    return json(res, 200, { hits: [], sessions: [], rows: [], alerts: [], rules: [] })
  }
  mock.memory.now = Math.floor(mock.network.at / 1000)
  const answer = answerPast(
    mock.memory,
    req.method,
    path,
    url.searchParams,
    text === '' ? undefined : JSON.parse(text),
  )
  if (answer === null) return undefined
  const format = url.searchParams.get('format')
  if (format && format !== 'json') {
    res.writeHead(200, { 'Content-Type': 'text/csv', 'Content-Disposition': `attachment; filename="weir.${format}"` })
    res.end('a,b\n1,2\n')
    return true
  }
  res.writeHead(answer.status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  // Integers beyond what a number holds are written as they are.
  const whole = JSON.stringify(answer.body, (_, v) => (typeof v === 'bigint' ? `#${v}#` : v)) ?? ''
  res.end(answer.status === 204 ? '' : whole.replace(/"#(\d+)#"/g, '$1'))
  return true
}

function status(mock, empty) {
  return {
    version: '0.1.0-dev',
    started: mock.network.at - 3600000,
    at: mock.network.at,
    tick: mock.network.seq,
    lanes: 2,
    listeners: [
      { name: 'sflow', address: 'udp :6343' },
      { name: 'netflow', address: 'udp :2055' },
      { name: 'ipfix', address: 'udp :4739' },
    ],
    exporters: empty ? 0 : mock.network.exporters.length,
    datagrams: empty ? 0 : 4e6,
    records: empty ? 0 : 3e7,
    books: { difference: 0 },
    replay: false,
  }
}

async function flows(mock, req, res, url, path) {
  const [, name, more] = path
  if (name === undefined) return json(res, 200, { flows: [...mock.definitions.values()] })
  if (more === 'active') {
    const mode = url.searchParams.get('mode') ?? 'max'
    const list = mock.network.active(mock.definitions.get(name), Number(url.searchParams.get('max') ?? 20), mode)
    return json(res, 200, { at: mock.network.at, mode, unit: 'B/s', flows: list })
  }
  if (req.method === 'DELETE') {
    mock.definitions.delete(name)
    return json(res, 204)
  }
  let text = ''
  for await (const piece of req) text += piece
  const definition = JSON.parse(text)
  const wrong = fault(definition)
  if (wrong) return json(res, 400, wrong)
  if (name === 'check') return json(res, 200, { ok: true, unit: 'B/s', warnings: oddities(definition) })
  if (mock.scenario === 'readonly') {
    return json(res, 403, {
      error: 'this server is read-only',
      field: '',
      position: -1,
      hint: 'Define flows in its configuration file.',
    })
  }
  mock.definitions.set(name, { ...STANDING[0], ...definition, name, origin: 'console' })
  return json(res, 204)
}

function stream(mock, url, res) {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  const s = {
    res,
    names: (url.searchParams.get('flows') ?? '').split(','),
    mode: url.searchParams.get('mode') ?? 'max',
    max: Number(url.searchParams.get('max') ?? 10),
  }
  res.write(': hello\n\n')
  for (const tick of mock.scenario === 'empty' ? [] : mock.past) res.write(sse('tick', tick))
  mock.past = []
  mock.streams.add(s)
  res.write(sse('tick', tickFor(mock, s)))
  res.on('close', () => mock.streams.delete(s))
}

async function asset(path, res) {
  if (path === '/' || path === '/html/') return res.writeHead(302, { Location: '/html/index.html' }).end()
  const name = normalize(path.replace(/^\/html\//, ''))
  try {
    if (name.startsWith('..')) throw new Error('outside')
    const body = gzipSync(await readFile(join(DIST, name)))
    res.writeHead(200, {
      'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream',
      'Content-Encoding': 'gzip',
      'Content-Security-Policy': POLICY,
    })
    res.end(body)
  } catch {
    res.writeHead(404).end('not found: build the console first (npm run build)')
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name, otherwise) => {
    const i = process.argv.indexOf('--' + name)
    return i < 0 ? otherwise : process.argv[i + 1]
  }
  const mock = await startMock({
    port: Number(option('port', 8018)),
    scenario: option('scenario', 'live'),
    warm: Number(option('warm', 0)),
  })
  console.log(mock.url)
}

// The REST interface of the made-up past: which question gets which answer of dev/memory.mjs.

import { keyOf, LABELS } from './groups.mjs'
import { DAY, named, TOTALS, valueAt } from './memory.mjs'

const refuse = (status, error, field = '', hint = '') => ({ status, body: { error, field, position: -1, hint } })
const ok = (body, status = 200) => ({ status, body })

/** Answers a question about the past, or null when it is none: {status, body}. */
export function answerPast(past, method, path, params, body) {
  switch (path[0]) {
    case 'groups':
      return groups(past, method, path.slice(1), params, body)
    case 'search':
      return ok(past.about({ hits: past.search(params.get('q') ?? '', Number(params.get('max') ?? 20)) }))
    case 'sessions':
      return sessions(past, path[1], params)
    case 'alert-rules':
      return rules(past, method, path[1], body)
    case 'alerts': {
      const list = past.alerts()
      if (path[1] === 'active') return ok(past.about({ alerts: list.slice(0, 1) }))
      const state = params.get('state')
      return ok(past.about({ alerts: list.filter((a) => !state || a.state === state), more: false }))
    }
    case 'sql': {
      const answer = past.sql(body?.query ?? '', body?.max ?? 1000)
      return answer.error ? refuse(400, answer.error, answer.field, answer.hint) : ok(answer)
    }
    case 'tables':
      return ok(past.about({ tables: past.tables() }))
    case 'store':
      return ok(past.store())
    case 'home':
      if (method === 'PUT') {
        const bad = [...body.networks, ...body.subnets].find((n) => !/^[0-9a-f.:]+\/\d+$/i.test(n))
        if (bad) return refuse(400, `"${bad}" is no network`, 'networks', 'Write it as 10.0.0.0/8.')
        past.home = body
        return ok(undefined, 204)
      }
      return ok(past.home)
  }
  return null
}

function groups(past, method, [name, what, key, more], params, body) {
  if (name === undefined)
    return ok(past.about({ groups: [...past.groups.values()].map((g) => past.describeGroup(g)) }))
  if (name === 'check') return checked(past, body) ?? ok({ ok: true })
  const g = past.groups.get(name)
  if (what === undefined && method !== 'GET') return changed(past, method, name, g, body)
  if (!g) return refuse(404, `no group "${name}"`, 'name', 'GET /api/v1/groups lists them.')
  if (what === undefined) return ok(past.about({ group: past.describeGroup(g) }))
  if (what === 'toppers') return ok(key === 'trend' ? past.trend(g, params) : past.toppers(g, params))
  if (what !== 'keys') return null
  if (key === undefined) {
    const q = (params.get('q') ?? '').toLowerCase()
    const max = Number(params.get('max') ?? 100)
    const from = Number(params.get('offset') ?? 0)
    const all = g.keys
      .map((k) => named(g, k))
      .filter((n) => Object.values(n).some((t) => t.toLowerCase().includes(q)))
    const list = all.slice(from, from + max).map((n) => ({ ...n, first: past.now - 9 * DAY, last: past.now - 20 }))
    return ok(past.about({ keys: list, more: all.length > from + max }))
  }
  return oneKey(past, method, g, key, more, params, body)
}

function oneKey(past, method, g, text, more, params, body) {
  const key = text === TOTALS ? text : keyOf(g, text)
  if (key === undefined)
    return refuse(404, `no key "${text}" in ${g.name}`, 'key', 'Keys may be raw, readable or a label.')
  if (more === 'series') return ok(past.series(g, key, params))
  if (more === 'ranks') return ok(past.ranks(g, key, params))
  if (more === 'peers') {
    const peers = ['hosts', 'apps', 'internal_hosts'].includes(g.name) ? ['host_apps'] : []
    return ok(
      past.about({
        groups: peers.map((p) => {
          const other = past.groups.get(g.name === 'apps' ? 'hosts' : 'apps')
          const { toppers, unit } = past.toppers(other, params)
          const cross = (a, b) => (g.name === 'apps' ? b + '\\' + a : a + '\\' + b)
          for (const t of toppers) {
            t.readable = cross(g.readable(key), t.readable)
            t.key = cross(key, t.key)
          }
          return {
            group: p,
            title: past.groups.get(p).title,
            part: g.name === 'apps' ? 1 : 0,
            unit,
            toppers: toppers.slice(0, 10),
          }
        }),
      }),
    )
  }
  const about = LABELS.get(g.name + '\n' + key) ?? {}
  if (method === 'PUT') {
    LABELS.set(g.name + '\n' + key, { ...about, ...body })
    return ok(undefined, 204)
  }
  return ok(
    past.about({
      ...named(g, key),
      description: about.description ?? '',
      attributes: about.attributes ?? {},
      first: new Date((past.now - 9 * DAY) * 1000).toISOString(),
      last: new Date((past.now - 4) * 1000).toISOString(),
      now: g.meters.map((m) => ({ meter: m.id, value: valueAt(g, key, m, past.now), error: 0, stderr: 0 })),
    }),
  )
}

function checked(past, body) {
  if (body.kind === 'crosskey' && (body.parents ?? []).some((p) => !past.groups.has(p))) {
    return refuse(
      400,
      `no group "${body.parents.find((p) => !past.groups.has(p))}"`,
      'parents',
      'GET /api/v1/groups lists them.',
    )
  }
  if (body.kind === 'keys' && /frst/.test((body.keys ?? []).join())) {
    return refuse(400, 'unknown function "frst"', 'keys', 'Is "first" meant?')
  }
  if (body.topper && body.bucket && seconds(body.topper) % seconds(body.bucket) !== 0) {
    return refuse(400, `topper ${body.topper}: a multiple of the bucket (${body.bucket})`, 'topper', '')
  }
  return null
}

const seconds = (text) => Number(/\d+/.exec(text)) * { s: 1, m: 60, h: 3600 }[/[smh]/.exec(text)?.[0] ?? 's']

function changed(past, method, name, g, body) {
  if (method === 'DELETE') {
    if (g?.kind === 'builtin') return refuse(409, `${name} is built in`, 'name', 'Set active to false instead.')
    past.groups.delete(name)
    return ok(undefined, 204)
  }
  const wrong = checked(past, body)
  if (wrong) return wrong
  const parent = past.groups.get(body.parents?.[0]) ?? past.groups.get('apps')
  const base = g ?? {
    ...parent,
    name,
    kind: body.kind,
    guid: '{11111111-0000-4000-8000-000000000001}',
    origin: 'rest',
    keys: parent.keys.slice(0, 12),
  }
  const { bucket, topper, meters, keys, ...rest } = body
  const next = { ...base, ...rest, name }
  if (keys) next.key_expressions = keys
  if (bucket) next.bucket_s = seconds(bucket)
  if (topper) next.topper_s = seconds(topper)
  if (meters) next.meters = base.meters.map((m) => ({ ...m, ...meters.find((x) => x.id === m.id), scale: m.scale }))
  if (next.topper_s % next.bucket_s !== 0) {
    return refuse(400, `topper ${topper}: a multiple of the bucket (${bucket})`, 'topper', '')
  }
  past.groups.set(name, next)
  return ok(undefined, 204)
}

function sessions(past, id, params) {
  if (id !== undefined && id !== 'aggregate') {
    const s = past.sessions.find((s) => s.id === id)
    return s
      ? ok(past.about({ session: s }))
      : refuse(404, 'no session of this number', 'id', 'It may be older than what is kept.')
  }
  const found = past.findSessions(params)
  if (found.wrong)
    return refuse(400, `unknown field "${found.wrong}"`, 'q', 'Fields are srcip, destip, ip, port, proto, tag, ...')
  const max = Number(params.get('max') ?? 100)
  if (id === 'aggregate') return ok(past.about({ rows: past.aggregate(found.list, params.get('by') ?? 'ip', max) }))
  return ok(
    past.about({ sessions: found.list.slice(0, max), scanned: past.sessions.length, more: found.list.length > max }),
  )
}

function rules(past, method, name, body) {
  if (name === undefined) return ok(past.about({ rules: [...past.rules.values()] }))
  if (method === 'DELETE') {
    past.rules.delete(name)
    return ok(undefined, 204)
  }
  if (method === 'PUT') {
    if (!past.groups.has(body.group))
      return refuse(400, `no group "${body.group}"`, 'group', 'GET /api/v1/groups lists them.')
    if (typeof body.high === 'string' && !/^[\d.]/.test(body.high)) {
      return refuse(400, `"${body.high}" is no number`, 'high', 'Write 10Mbps, 6K or 2000.')
    }
    past.rules.set(name, { ...body, name })
    return ok(undefined, 204)
  }
  return ok(past.rules.get(name))
}

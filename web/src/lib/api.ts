import type {
  ActiveFlow,
  Definition,
  Mode,
  Refusal,
  Schema,
  Status,
  Threshold,
  ThresholdEvent,
  Warning,
} from './types'

/** An answer of the server that is an error, or none at all (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly refusal: Refusal,
  ) {
    super(refusal.error)
  }
}

const NO_ANSWER: Refusal = { error: 'The server does not answer.', hint: 'Is weir running, and is the network up?' }

/** The error that a failed answer carries; one made up from its status when the body is not ours. */
export async function refusalOf(res: Response): Promise<Refusal> {
  try {
    const body = (await res.json()) as Partial<Refusal>
    if (typeof body.error === 'string') return { ...body, error: body.error }
  } catch {
    // Not JSON: something between the browser and weir answered.
  }
  return { error: `The server answered ${res.status}${res.statusText ? ' ' + res.statusText : ''}.` }
}

/** What a definition's body may hold: the server refuses names it does not know, and tells more than it takes. */
const BODY = [
  'keys',
  'value',
  'values',
  'filter',
  'n',
  't',
  'fs',
  'log',
  'flowStart',
  'activeTimeout',
  'dropped',
  'aggMode',
  'ipfixCollectors',
] as const

function bodyOf(d: Definition): Partial<Definition> {
  return Object.fromEntries(BODY.filter((name) => d[name] !== undefined).map((name) => [name, d[name]]))
}

/** The native REST interface. Every method throws an ApiError when the answer is not a success. */
export class Api {
  /** Sent as bearer token when not empty. */
  token = ''

  constructor(readonly base: URL) {}

  /** Opens the stream; the caller reads its body. */
  async stream(flows: readonly string[], mode: Mode, max: number, signal: AbortSignal): Promise<Response> {
    const query = new URLSearchParams({ flows: flows.join(','), mode, max: String(max) })
    return this.ask('GET', 'stream?' + query, undefined, { signal, headers: { Accept: 'text/event-stream' } })
  }

  async status(): Promise<Status> {
    return (await this.ask('GET', 'status')).json()
  }

  async schema(): Promise<Schema> {
    const s = (await (await this.ask('GET', 'schema')).json()) as Partial<Schema>
    const modifiers = (s.modifiers ?? []) as (string | { name: string; doc?: string })[]
    return {
      fields: s.fields ?? [],
      functions: s.functions ?? [],
      modifiers: modifiers.map((m) => (typeof m === 'string' ? { name: m } : m)),
    }
  }

  async flows(): Promise<Definition[]> {
    return ((await (await this.ask('GET', 'flows')).json()) as { flows?: Definition[] }).flows ?? []
  }

  async active(name: string, max: number, mode: Mode): Promise<{ unit?: string; flows: ActiveFlow[] }> {
    const query = new URLSearchParams({ max: String(max), mode })
    return (await this.ask('GET', `flows/${encodeURIComponent(name)}/active?` + query)).json()
  }

  /** Asks whether a definition is right, without defining it; gives what is worth a warning. */
  async check(d: Definition): Promise<Warning[]> {
    const answer = await (await this.ask('POST', 'flows/check', bodyOf(d))).json()
    return (answer as { warnings?: Warning[] }).warnings ?? []
  }

  async define(d: Definition, keepalive = false): Promise<void> {
    await this.ask('PUT', 'flows/' + encodeURIComponent(d.name), bodyOf(d), { keepalive })
  }

  async remove(name: string, keepalive = false): Promise<void> {
    await this.ask('DELETE', 'flows/' + encodeURIComponent(name), undefined, { keepalive })
  }

  async events(): Promise<ThresholdEvent[]> {
    return ((await (await this.ask('GET', 'events?max=100')).json()) as { events?: ThresholdEvent[] }).events ?? []
  }

  /** The thresholds; the server answers with a list or with an object by name. */
  async thresholds(): Promise<Threshold[]> {
    const body = (await (await this.ask('GET', 'thresholds')).json()) as { thresholds?: unknown }
    const list = body.thresholds ?? body
    if (Array.isArray(list)) return list as Threshold[]
    return Object.entries(list as Record<string, Omit<Threshold, 'name'>>).map(([name, t]) => ({ ...t, name }))
  }

  /** Asks anything of the interface; the path is below it. */
  async ask(method: string, path: string, body?: unknown, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (this.token !== '') headers.set('Authorization', 'Bearer ' + this.token)
    if (body !== undefined) headers.set('Content-Type', 'application/json')
    let res: Response
    try {
      res = await fetch(new URL(path, this.base), {
        ...init,
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: 'no-store',
      })
    } catch (e) {
      if (init.signal?.aborted) throw e
      throw new ApiError(0, NO_ANSWER)
    }
    if (!res.ok) throw new ApiError(res.status, await refusalOf(res))
    return res
  }
}

/** What to show for anything that was thrown. */
export function refusal(e: unknown): Refusal {
  if (e instanceof ApiError) return e.refusal
  return { error: e instanceof Error ? e.message : String(e) }
}

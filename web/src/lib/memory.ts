// The questions about counter groups, conversations, alerts and memory. Every one throws an ApiError when the answer is
// not a success.

import type { Api } from './api'
import { rangeQuery, type Range } from './range'
import type {
  Alert,
  AlertRule,
  Group,
  Hit,
  Home,
  KeyDetails,
  KeyRow,
  PeerGroup,
  Ranks,
  Series,
  Session,
  Sessions,
  SessionSum,
  SqlAnswer,
  StoreStatus,
  TableShape,
  Toppers,
  Trend,
} from './shapes'

/** Parameters of a question; empty ones are left out. */
export type Params = Record<string, string | number | boolean | undefined>

/** A path below api/v1 with parameters. */
export function pathOf(parts: readonly string[], params: Params = {}): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== '' && value !== false) query.set(name, String(value))
  }
  const text = query.toString()
  return parts.map(encodeURIComponent).join('/') + (text === '' ? '' : '?' + text)
}

/** Reads JSON; integers that a number cannot hold are kept as their text, where the browser can tell it. */
export function parseExact(text: string): unknown {
  const keep = (_: string, value: unknown, more?: { source?: string }) =>
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && more?.source
      ? more.source
      : value
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown)
}

/** How toppers and series are asked for. */
export interface Way {
  /** The average over time, or the sum. */
  as?: 'rate' | 'volume'
  /** How much earlier the period is that it is compared with: "-1d". */
  compare?: string
}

export class Memory {
  constructor(readonly api: Api) {}

  async groups(signal?: AbortSignal): Promise<Group[]> {
    return (await this.read<{ groups?: Group[] }>(['groups'], {}, signal)).groups ?? []
  }

  /** Changes some settings of a group. */
  async change(name: string, settings: Partial<Group>): Promise<void> {
    await this.api.ask('PATCH', pathOf(['groups', name]), settings)
  }

  async define(name: string, definition: Record<string, unknown>): Promise<void> {
    await this.api.ask('PUT', pathOf(['groups', name]), definition)
  }

  /** Asks whether a definition is right, without defining it. */
  async check(definition: Record<string, unknown>, signal?: AbortSignal): Promise<void> {
    await this.api.ask('POST', 'groups/check', definition, { signal })
  }

  async remove(name: string): Promise<void> {
    await this.api.ask('DELETE', pathOf(['groups', name]))
  }

  toppers(
    group: string,
    meter: number,
    range: Range,
    more: Way & { max?: number; bottom?: boolean },
    signal?: AbortSignal,
  ): Promise<Toppers> {
    return this.read(['groups', group, 'toppers'], { meter, ...rangeQuery(range), ...more }, signal)
  }

  trend(
    group: string,
    meter: number,
    range: Range,
    more: Way & { max?: number },
    signal?: AbortSignal,
  ): Promise<Trend> {
    return this.read(['groups', group, 'toppers', 'trend'], { meter, ...rangeQuery(range), ...more }, signal)
  }

  keys(
    group: string,
    q: string,
    max: number,
    offset: number,
    signal?: AbortSignal,
  ): Promise<{ keys?: KeyRow[]; more?: boolean }> {
    return this.read(['groups', group, 'keys'], { q, max, offset: offset || undefined }, signal)
  }

  key(group: string, key: string, signal?: AbortSignal): Promise<KeyDetails> {
    return this.read(['groups', group, 'keys', key], {}, signal)
  }

  async describe(
    group: string,
    key: string,
    about: { label: string; description: string; attributes?: Record<string, string> },
  ): Promise<void> {
    await this.api.ask('PUT', pathOf(['groups', group, 'keys', key]), about)
  }

  series(
    group: string,
    key: string,
    meters: readonly number[],
    range: Range,
    more: Way & { step?: string },
    signal?: AbortSignal,
  ): Promise<Series> {
    const params = { meters: meters.join(','), ...rangeQuery(range), ...more }
    return this.read(['groups', group, 'keys', key, 'series'], params, signal)
  }

  ranks(group: string, key: string, meter: number, range: Range, signal?: AbortSignal): Promise<Ranks> {
    return this.read(['groups', group, 'keys', key, 'ranks'], { meter, ...rangeQuery(range) }, signal)
  }

  async peers(group: string, key: string, range: Range, signal?: AbortSignal): Promise<PeerGroup[]> {
    const path = ['groups', group, 'keys', key, 'peers']
    return (await this.read<{ groups?: PeerGroup[] }>(path, rangeQuery(range), signal)).groups ?? []
  }

  async search(q: string, max: number, signal?: AbortSignal): Promise<Hit[]> {
    return (await this.read<{ hits?: Hit[] }>(['search'], { q, max }, signal)).hits ?? []
  }

  sessions(range: Range, params: Params, signal?: AbortSignal): Promise<Sessions> {
    return this.read(['sessions'], { ...rangeQuery(range), ...params }, signal)
  }

  async session(id: string, signal?: AbortSignal): Promise<Session> {
    const answer = await this.read<Session & { session?: Session }>(['sessions', id], {}, signal)
    return answer.session ?? answer
  }

  async sessionSums(range: Range, params: Params, signal?: AbortSignal): Promise<SessionSum[]> {
    const path = ['sessions', 'aggregate']
    return (await this.read<{ rows?: SessionSum[] }>(path, { ...rangeQuery(range), ...params }, signal)).rows ?? []
  }

  async rules(signal?: AbortSignal): Promise<AlertRule[]> {
    return (await this.read<{ rules?: AlertRule[] }>(['alert-rules'], {}, signal)).rules ?? []
  }

  async saveRule(rule: AlertRule): Promise<void> {
    const { name, ...body } = rule
    await this.api.ask('PUT', pathOf(['alert-rules', name]), body)
  }

  async removeRule(name: string): Promise<void> {
    await this.api.ask('DELETE', pathOf(['alert-rules', name]))
  }

  async alerts(range: Range, params: Params, signal?: AbortSignal): Promise<{ alerts: Alert[]; more: boolean }> {
    const answer = await this.read<{ alerts?: Alert[]; more?: boolean }>(
      ['alerts'],
      { ...rangeQuery(range), ...params },
      signal,
    )
    return { alerts: answer.alerts ?? [], more: answer.more ?? false }
  }

  async activeAlerts(signal?: AbortSignal): Promise<Alert[]> {
    return (await this.read<{ alerts?: Alert[] }>(['alerts', 'active'], { max: 500 }, signal)).alerts ?? []
  }

  async sql(query: string, max: number, signal?: AbortSignal): Promise<SqlAnswer> {
    const res = await this.api.ask('POST', 'sql', { query, max }, { signal })
    return parseExact(await res.text()) as SqlAnswer
  }

  /** The answer of a query as a file. */
  async sqlFile(query: string, max: number, format: string, signal?: AbortSignal): Promise<Blob> {
    return (await this.api.ask('POST', pathOf(['sql'], { format }), { query, max }, { signal })).blob()
  }

  async tables(signal?: AbortSignal): Promise<TableShape[]> {
    return (await this.read<{ tables?: TableShape[] }>(['tables'], {}, signal)).tables ?? []
  }

  store(signal?: AbortSignal): Promise<StoreStatus> {
    return this.read(['store'], {}, signal)
  }

  home(signal?: AbortSignal): Promise<Home> {
    return this.read(['home'], {}, signal)
  }

  async saveHome(home: Home): Promise<void> {
    await this.api.ask('PUT', 'home', home)
  }

  /** The address of an answer, for links. */
  url(parts: readonly string[], params: Params): string {
    return new URL(pathOf(parts, params), this.api.base).href
  }

  /** An answer as a file. */
  async file(parts: readonly string[], params: Params): Promise<Blob> {
    return (await this.api.ask('GET', pathOf(parts, params))).blob()
  }

  private async read<T>(parts: readonly string[], params: Params, signal?: AbortSignal): Promise<T> {
    return (await this.api.ask('GET', pathOf(parts, params), undefined, { signal })).json() as Promise<T>
  }
}

/** Gives a file to the user. */
export function download(file: Blob, name: string): void {
  const url = URL.createObjectURL(file)
  const a = document.createElement('a')
  a.href = url
  a.download = name
  a.click()
  // Not at once: some browsers have not begun to read it yet.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

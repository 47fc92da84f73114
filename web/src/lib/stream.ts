import { millis } from './moment'
import type { ActiveFlow, Books, Exporter, Refusal, ThresholdEvent, Tick, Total } from './types'

/** How many events the console keeps. */
export const MAX_EVENTS = 200

export type Connection = 'connecting' | 'live' | 'lost'

/** What the console knows from the stream. Never changed in place: reduce makes the next one. */
export interface StreamState {
  connection: Connection
  /** Why the stream was lost, as the server said it, if it did. */
  trouble: Refusal | null
  /** When the stream was lost and when it is tried again, in the browser's milliseconds. */
  lostAt: number
  retryAt: number
  attempts: number
  /** When the last tick came, in the browser's milliseconds; 0 before the first. */
  tickSeen: number
  at: number
  seq: number
  total: Total | null
  flows: Record<string, ActiveFlow[]>
  /** The unit of a flow's values, where the stream says it. */
  units: Record<string, string>
  exporters: Exporter[]
  /** How many exporters there are, told of or not. */
  exportersTotal: number
  books: Books | null
  /** Newest first, at most MAX_EVENTS, no id twice. */
  events: ThresholdEvent[]
}

export const INITIAL: StreamState = {
  connection: 'connecting',
  trouble: null,
  lostAt: 0,
  retryAt: 0,
  attempts: 0,
  tickSeen: 0,
  at: NaN,
  seq: 0,
  total: null,
  flows: {},
  units: {},
  exporters: [],
  exportersTotal: 0,
  books: null,
  events: [],
}

export type Action =
  | { type: 'open' }
  | { type: 'tick'; tick: unknown; now: number }
  | { type: 'threshold'; event: unknown }
  | { type: 'events'; events: unknown }
  | { type: 'lost'; now: number; retryAt: number; trouble: Refusal | null }

/** The state after an action. What a server of another version sends wrong is left out, never thrown. */
export function reduce(state: StreamState, action: Action): StreamState {
  switch (action.type) {
    case 'open':
      return { ...state, connection: 'live', trouble: null, attempts: 0, lostAt: 0, retryAt: 0 }
    case 'tick':
      return withTick(state, action.tick, action.now)
    case 'threshold':
      return { ...state, events: mergeEvents(state.events, [action.event]) }
    case 'events':
      return { ...state, events: mergeEvents(state.events, Array.isArray(action.events) ? action.events : []) }
    case 'lost':
      return {
        ...state,
        connection: 'lost',
        trouble: action.trouble,
        lostAt: state.connection === 'lost' ? state.lostAt : action.now,
        retryAt: action.retryAt,
        attempts: state.attempts + 1,
      }
  }
}

function withTick(state: StreamState, sent: unknown, now: number): StreamState {
  if (typeof sent !== 'object' || sent === null) return state
  const tick = sent as Partial<Tick>
  const flows: Record<string, ActiveFlow[]> = {}
  const units: Record<string, string> = { ...(tick.units ?? {}) }
  for (const [name, answer] of Object.entries(tick.flows ?? {})) {
    const { list, unit } = flowList(answer)
    flows[name] = list
    if (unit !== undefined) units[name] = unit
  }
  return {
    ...state,
    connection: 'live',
    tickSeen: now,
    at: millis(tick.at ?? NaN),
    seq: tick.seq ?? state.seq,
    total: tick.total ?? null,
    flows,
    units: { ...state.units, ...units },
    exporters: Array.isArray(tick.exporters) ? tick.exporters : state.exporters,
    exportersTotal: Math.max(tick.exporters_total ?? 0, tick.exporters?.length ?? 0),
    books: tick.books ?? state.books,
  }
}

/** The flows of a definition come as a list, or in an answer of their own that also says the unit. */
export function flowList(answer: unknown): { list: ActiveFlow[]; unit?: string } {
  if (Array.isArray(answer)) return { list: answer as ActiveFlow[] }
  if (typeof answer === 'object' && answer !== null) {
    const a = answer as { flows?: unknown; unit?: unknown }
    if (Array.isArray(a.flows)) {
      return { list: a.flows as ActiveFlow[], unit: typeof a.unit === 'string' ? a.unit : undefined }
    }
  }
  return { list: [] }
}

/** Adds events to a list that is newest first. A later word about an event (its end, its peak) replaces the earlier. */
export function mergeEvents(known: ThresholdEvent[], more: unknown[]): ThresholdEvent[] {
  const byId = new Map(known.map((e) => [e.id, e]))
  for (const e of more) {
    if (typeof e === 'object' && e !== null && typeof (e as ThresholdEvent).id === 'number') {
      byId.set((e as ThresholdEvent).id, e as ThresholdEvent)
    }
  }
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, MAX_EVENTS)
}

/** How long to wait before attempt number n (from 0), in ms: 1, 2, 4, 8, then 15 s, and up to a fifth more. */
export function backoff(attempt: number, random: number): number {
  return Math.min(15000, 1000 * 2 ** Math.min(attempt, 4)) * (1 + random / 5)
}

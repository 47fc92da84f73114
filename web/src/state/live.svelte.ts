import { ApiError, refusal, type Api } from '../lib/api'
import { KeyHistory } from '../lib/history'
import { Ring } from '../lib/ring'
import { SseParser, type Message } from '../lib/sse'
import { backoff, INITIAL, reduce, type Action, type StreamState } from '../lib/stream'
import type { Mode, Refusal } from '../lib/types'

/** The server sends a comment every 15 s: when nothing comes for this long, the connection is dead. */
const SILENCE_MS = 40_000

/** One point a second for the longest window. */
const POINTS = 901

/** Columns of the ring of totals. */
export const BITS = 1
export const BITS_ERROR = 2
export const PACKETS = 3
export const PACKETS_ERROR = 4

/** The stream of the server and what is remembered of it: it connects, and again when it was lost, until stopped. */
export class Live {
  state = $state.raw<StreamState>(INITIAL)
  /** Totals of the last quarter of an hour: seconds, bits and packets with their errors. */
  readonly totals = new Ring(POINTS, 5)
  private histories = new Map<string, KeyHistory>()
  private wanted: { flows: string[]; mode: Mode; max: number } | null = null
  private abort: AbortController | null = null
  private wake: (() => void) | null = null

  constructor(
    private readonly api: Api,
    private readonly opened: () => void,
  ) {}

  /** Asks for the flows of these definitions. It connects anew when that is not what is being read. */
  follow(flows: readonly string[], mode: Mode, max: number): void {
    const wanted = { flows: [...flows].sort(), mode, max }
    if (JSON.stringify(wanted) === JSON.stringify(this.wanted)) return
    // Estimates by another rule do not belong into the same chart.
    if (this.wanted !== null && this.wanted.mode !== mode) this.forget()
    this.wanted = wanted
    this.reconnect()
  }

  /** Tries again now. */
  reconnect(): void {
    this.abort?.abort()
    this.abort = new AbortController()
    if (this.wake !== null) this.wake()
    void this.run(this.abort.signal)
  }

  stop(): void {
    this.abort?.abort()
    this.wanted = null
  }

  /** The recent values of one flow, for a sparkline. */
  history(name: string, key: string): readonly number[] {
    return this.histories.get(name)?.of(key) ?? []
  }

  /** Forgets the past of one definition, because it is another one now. */
  forgetFlow(name: string): void {
    this.histories.delete(name)
  }

  private forget(): void {
    this.totals.clear()
    this.histories.clear()
  }

  private dispatch(action: Action): void {
    this.state = reduce(this.state, action)
  }

  private async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.wanted !== null) {
      const trouble = await this.read(signal)
      if (signal.aborted) return
      const wait = backoff(this.state.attempts, Math.random())
      this.dispatch({ type: 'lost', now: Date.now(), retryAt: Date.now() + wait, trouble })
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait)
        this.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.wake = null
    }
  }

  /** Reads one connection to its end and says why it ended; null when the server just ended it. */
  private async read(signal: AbortSignal): Promise<Refusal | null> {
    const mine = new AbortController()
    const end = () => mine.abort()
    signal.addEventListener('abort', end)
    let silence = setTimeout(end, SILENCE_MS)
    try {
      const { flows, mode, max } = this.wanted!
      const res = await this.api.stream(flows, mode, max, mine.signal)
      if (res.body === null) return { error: 'The server sent no stream.' }
      this.dispatch({ type: 'open' })
      this.opened()
      const reader = res.body.pipeThrough(new TextDecoderStream()).getReader()
      const parser = new SseParser()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return null
        clearTimeout(silence)
        silence = setTimeout(end, SILENCE_MS)
        if (signal.aborted) return null
        for (const message of parser.push(value)) this.take(message)
      }
    } catch (e) {
      if (mine.signal.aborted && !signal.aborted) return { error: 'Nothing came from the server for 40 seconds.' }
      return e instanceof ApiError ? e.refusal : e instanceof TypeError ? null : refusal(e)
    } finally {
      clearTimeout(silence)
      signal.removeEventListener('abort', end)
      mine.abort()
    }
  }

  private take(message: Message): void {
    let data: unknown
    try {
      data = JSON.parse(message.data)
    } catch {
      // One broken message is no reason to drop the stream; the next one replaces it.
      return
    }
    if (message.event === 'threshold') this.dispatch({ type: 'threshold', event: data })
    if (message.event === 'tick') {
      this.dispatch({ type: 'tick', tick: data, now: Date.now() })
      this.remember()
    }
  }

  private remember(): void {
    const { at, total, flows } = this.state
    if (total !== null && Number.isFinite(at)) {
      this.totals.push(at / 1000, total.bits, total.bits_error, total.packets, total.packets_error)
    }
    for (const [name, list] of Object.entries(flows)) {
      let history = this.histories.get(name)
      if (history === undefined) this.histories.set(name, (history = new KeyHistory()))
      history.add(list)
    }
    for (const name of this.histories.keys()) if (!(name in flows)) this.histories.delete(name)
  }

  /** Takes what was asked for besides the stream. */
  takeEvents(events: unknown): void {
    this.dispatch({ type: 'events', events })
  }
}

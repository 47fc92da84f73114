import { formatHash, parseHash, type Page, type ViewState } from '../lib/hash'
import { parseRange, rangeParams, type Range } from '../lib/range'

/** Settings that go along from one page of the past to another. */
const KEPT = ['range', 'from', 'to', 'as', 'compare'] as const

/** The view state, kept in the location's hash, so that a link brings back the view. */
export class View {
  state = $state.raw<ViewState>(parseHash(location.hash))
  paused = $state(false)
  /** The stretch of time that pages of the past show. */
  readonly range = $derived(parseRange(this.state.params))

  constructor() {
    window.addEventListener('hashchange', () => (this.state = parseHash(location.hash)))
  }

  /** Another page: a step that "back" takes back. */
  go(change: Partial<ViewState>): void {
    const hash = this.link(change)
    if (hash !== location.hash) location.hash = hash
  }

  /** Another setting of the same page: no step of its own. */
  set(change: Partial<ViewState>): void {
    this.state = { ...this.state, ...change }
    history.replaceState(null, '', formatHash(this.state))
  }

  /** The hash of a link that keeps the settings. */
  link(change: Partial<ViewState>): string {
    const next = { ...this.state, draft: {}, name: '', key: '', params: {}, ...change }
    // What was searched for on one page means nothing on the other.
    if (next.page !== this.state.page) next.search = ''
    return formatHash(next)
  }

  /** The hash of a link to a page of the past, with the stretch of time that is shown here. */
  to(page: Page, name = '', key = '', params: Record<string, string> = {}): string {
    const kept: Record<string, string> = {}
    for (const p of KEPT) if (this.state.params[p]) kept[p] = this.state.params[p]
    return this.link({ page, name, key, params: { ...kept, ...params } })
  }

  /** A setting of a page of the past; otherwise when there is none. */
  param(name: string, otherwise = ''): string {
    return this.state.params[name] ?? otherwise
  }

  /** Changes settings of the page; '' takes one away. No step of its own. */
  put(change: Record<string, string>): void {
    this.set({ params: { ...this.state.params, ...change } })
  }

  /** Changes settings as a step that "back" takes back. */
  step(change: Record<string, string>): void {
    const { page, name, key, params } = this.state
    this.go({ page, name, key, params: { ...params, ...change } })
  }

  /** Shows another stretch of time. */
  show(range: Range): void {
    this.step(rangeParams(range))
  }
}

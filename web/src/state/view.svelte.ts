import { formatHash, parseHash, type ViewState } from '../lib/hash'

/** The view state, kept in the location's hash, so that a link brings back the view. */
export class View {
  state = $state.raw<ViewState>(parseHash(location.hash))
  paused = $state(false)

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
    const next = { ...this.state, draft: {}, ...change }
    // What was searched for on one page means nothing on the other.
    if (next.page !== this.state.page) next.search = ''
    return formatHash(next)
  }
}

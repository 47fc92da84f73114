import { refusal } from '../lib/api'
import type { Refusal } from '../lib/types'

/**
 * An answer of the server that a page shows: the last one stays while the next is on its way, and a question that is
 * overtaken by another one is given up.
 */
export class Asked<T> {
  answer = $state.raw<T | null>(null)
  /** Why the last question failed; null when it did not. */
  trouble = $state.raw<Refusal | null>(null)
  busy = $state(false)
  /** The answer is that of another question than the one that is being asked, or that failed. */
  stale = $state(false)
  /** When the last answer came, in the browser's milliseconds. */
  since = $state(0)
  private abort: AbortController | null = null

  /** Asks. fresh: it is another question, whose answer has nothing to do with the one that is shown. */
  async ask(question: (signal: AbortSignal) => Promise<T>, fresh = false): Promise<void> {
    this.abort?.abort()
    const mine = new AbortController()
    this.abort = mine
    if (fresh) this.stale = true
    this.busy = true
    try {
      const answer = await question(mine.signal)
      if (this.abort !== mine) return
      this.answer = answer
      this.trouble = null
      this.stale = false
      this.since = Date.now()
    } catch (e) {
      if (this.abort !== mine || mine.signal.aborted) return
      this.trouble = refusal(e)
    } finally {
      if (this.abort === mine) this.busy = false
    }
  }

  /** Gives up what is being asked. */
  stop(): void {
    this.abort?.abort()
    this.abort = null
    this.busy = false
  }
}

/**
 * Runs work every so many milliseconds while the page is visible and paused is not true, and once when it becomes
 * visible again. Returns what ends it.
 */
export function every(ms: number, paused: () => boolean, work: () => void): () => void {
  let last = Date.now()
  const run = () => {
    if (document.hidden || paused()) return
    last = Date.now()
    work()
  }
  const seen = () => {
    if (!document.hidden && Date.now() - last >= ms) run()
  }
  const timer = setInterval(run, ms)
  document.addEventListener('visibilitychange', seen)
  return () => {
    clearInterval(timer)
    document.removeEventListener('visibilitychange', seen)
  }
}

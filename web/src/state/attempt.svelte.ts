import { refusal } from '../lib/api'
import type { Refusal } from '../lib/types'

/** A change that the server is asked for: that it is under way, and why it was refused. */
export class Attempt {
  busy = $state(false)
  trouble = $state.raw<Refusal | null>(null)

  /** Does the work, and then what follows when it was not refused. */
  async run(work: () => Promise<void>, done: () => void): Promise<void> {
    this.busy = true
    this.trouble = null
    try {
      await work()
      done()
    } catch (e) {
      this.trouble = refusal(e)
    } finally {
      this.busy = false
    }
  }
}

import { ApiError, refusal, type Api } from '../lib/api'
import type { StoreStatus } from '../lib/shapes'
import type { Definition, Refusal, Schema, Status, Threshold } from '../lib/types'

/** Names of definitions that the console makes for a preview begin with this. They are not shown in lists. */
export const PREVIEW = 'console_preview_'

/** What the console knows of the server besides the stream. */
export class Server {
  status = $state.raw<Status | null>(null)
  schema = $state.raw<Schema>({ fields: [], functions: [], modifiers: [] })
  /** What is stored; null when nothing is, or nothing is known. */
  store = $state.raw<StoreStatus | null>(null)
  definitions = $state.raw<Definition[]>([])
  thresholds = $state.raw<Threshold[]>([])
  /** The last question that failed, until one succeeds. */
  trouble = $state.raw<Refusal | null>(null)
  /** The server wants a token, or another one. */
  locked = $state(false)
  /** The definitions were read at least once. */
  loaded = $state(false)

  constructor(readonly api: Api) {}

  /** Asks for everything again. */
  async refresh(): Promise<void> {
    await this.attempt(async () => {
      const [status, definitions] = await Promise.all([this.api.status(), this.api.flows()])
      this.status = status
      this.takeDefinitions(definitions)
      this.thresholds = await this.api.thresholds()
      if (this.schema.fields.length === 0) this.schema = await this.api.schema()
    })
    if (this.trouble === null) await this.refreshStore()
  }

  async refreshStatus(): Promise<void> {
    await this.attempt(async () => {
      this.status = await this.api.status()
    })
    await this.refreshStore()
  }

  /** A server without a store refuses, which is no trouble. */
  private async refreshStore(): Promise<void> {
    try {
      this.store = (await (await this.api.ask('GET', 'store')).json()) as StoreStatus
    } catch {
      this.store = null
    }
  }

  async refreshDefinitions(): Promise<void> {
    await this.attempt(async () => this.takeDefinitions(await this.api.flows()))
  }

  definition(name: string): Definition | undefined {
    return this.definitions.find((d) => d.name === name)
  }

  private takeDefinitions(list: Definition[]): void {
    this.definitions = list.filter((d) => !d.name.startsWith(PREVIEW)).sort((a, b) => (a.name < b.name ? -1 : 1))
    this.loaded = true
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.trouble = null
      this.locked = false
    } catch (e) {
      this.locked = e instanceof ApiError && e.status === 401
      // No answer at all is what the stream's own message says.
      this.trouble = e instanceof ApiError && e.status === 0 ? null : refusal(e)
    }
  }
}

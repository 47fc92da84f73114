import type { Server } from '../state/server.svelte'
import type { View } from '../state/view.svelte'
import type { Memory } from './memory'

/** What every page of the past is given. */
export interface PageProps {
  memory: Memory
  view: View
  server: Server
  theme: string
  /** The time of the data, in milliseconds. */
  now: number
  onpause: () => void
}

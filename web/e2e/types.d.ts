declare module '*/dev/mock.mjs' {
  export interface Mock {
    url: string
    scenario: string
    requests: string[]
    definitions: Map<string, { name: string; keys: string; value: string; filter: string }>
    network: { step(): unknown; events: unknown[]; eventId: number; at: number }
    memory: {
      groups: Map<string, { [name: string]: unknown; meters: unknown[] }>
      home: { networks: string[] }
      storeError: object | null
    }
    streams: Set<{ res: { write(text: string): void } }>
    cut(): void
    close(): Promise<void>
  }
  export function startMock(options?: {
    port?: number
    scenario?: string
    warm?: number
    every?: number
    seed?: number
  }): Promise<Mock>
}

declare module '*/browser.mjs' {
  import type { Browser, BrowserContext, Page } from 'playwright-core'
  export const CHROMIUM: string
  export const MISSING: string
  export function launch(): Promise<Browser>
  export function open(
    browser: Browser,
    options?: {
      width?: number
      height?: number
      colorScheme?: 'light' | 'dark'
      reducedMotion?: 'reduce' | 'no-preference'
    },
  ): Promise<{ context: BrowserContext; page: Page; outside: string[]; errors: string[] }>
}

declare module '*/real.mjs' {
  /** Why there is no program to test; empty when there is one. */
  export const NO_WEIR: string
  export interface Weir {
    /** Of the console. */
    url: string
    /** Of the server, with a slash at its end. */
    origin: string
    log(): string
    /** Ends it and answers with its exit code. */
    close(): Promise<number | null>
  }
  export function startWeir(...command: string[]): Promise<Weir>
}

import { ApiError, refusal, type Api } from '../lib/api'
import type { Definition, Refusal, Warning } from '../lib/types'
import { PREVIEW } from './server.svelte'
import { stored } from './stored'

/** How long writing must rest before the server is asked, in milliseconds. */
const REST_MS = 350

const EMPTY: Definition = { name: '', keys: '', value: 'bytes', filter: '', n: 10, t: 2, aggMode: '' }

/**
 * A definition that is being written: what is wrong with it, as the server says, and a preview. The preview of what is
 * not saved is a definition of its own on the server, named so that it can be told apart, and removed when it is no
 * longer looked at.
 */
export class Draft {
  now = $state<Definition>({ ...EMPTY })
  original = $state.raw<Definition | null>(null)
  fault = $state.raw<Refusal | null>(null)
  /** What the server finds odd in a definition that it takes. */
  warnings = $state.raw<Warning[]>([])
  /** What is not about the text: no answer, no right to define. */
  trouble = $state.raw<Refusal | null>(null)
  busy = $state(false)
  /** The name of the definition whose flows are the preview; '' for none. */
  watched = $state('')

  readonly dirty = $derived(this.original === null || !same(this.now, this.original))
  readonly nameFault = $derived(nameFault(this.now.name))
  readonly savable = $derived(this.dirty && this.fault === null && this.nameFault === '' && !this.busy)

  private readonly previewName: string
  private previewing = false
  private timer: ReturnType<typeof setTimeout> | undefined
  private asked = 0

  constructor(
    private readonly api: Api,
    /** The definition of this name is another one now. */
    private readonly onredefined: (name: string) => void,
  ) {
    // The same name after a reload, so that it is used again instead of left behind.
    const saved = stored('session', 'preview')
    let id = saved.read()
    if (!/^[a-z0-9]{8}$/.test(id)) {
      id = Math.floor(Math.random() * 36 ** 8)
        .toString(36)
        .padStart(8, '0')
      saved.write(id)
    }
    this.previewName = PREVIEW + id
  }

  /** Opens a definition of the server, or a new one with some of its texts given. */
  open(d: Definition | null, given: Partial<Definition> = {}): void {
    this.original = d
    this.now = { ...EMPTY, ...given, ...(d ?? {}) }
    this.fault = null
    this.warnings = []
    this.trouble = null
    this.endPreview()
    if (d === null) this.changed()
    else this.watched = d.name
  }

  /** Must be called after each change of now. */
  changed(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.judge(), REST_MS)
  }

  async save(): Promise<boolean> {
    if (!this.savable) return false
    this.busy = true
    const saved = { ...$state.snapshot(this.now) }
    try {
      await this.api.define(saved)
      this.onredefined(saved.name)
      this.original = saved
      this.trouble = null
      this.endPreview()
      this.watched = saved.name
      return true
    } catch (e) {
      this.take(e)
      return false
    } finally {
      this.busy = false
    }
  }

  async remove(): Promise<boolean> {
    if (this.original === null) return false
    try {
      await this.api.remove(this.original.name)
      return true
    } catch (e) {
      this.take(e)
      return false
    }
  }

  /** Takes the preview away from the server; nothing is looked at any more. */
  close(): void {
    clearTimeout(this.timer)
    this.endPreview()
  }

  private async judge(): Promise<void> {
    const mine = ++this.asked
    const draft = $state.snapshot(this.now)
    try {
      const warnings = await this.api.check(draft)
      if (mine !== this.asked) return
      this.warnings = warnings
      this.fault = null
      this.trouble = null
      if (this.original !== null && !this.dirty) {
        this.endPreview()
        this.watched = this.original.name
        return
      }
      // Preview only: nothing is logged or sent on for it.
      const { n, ipfixCollectors: _, ...rest } = draft
      await this.api.define({ ...rest, name: this.previewName, n: Math.max(10, n ?? 0), log: false })
      if (mine !== this.asked) {
        if (!this.previewing) void this.api.remove(this.previewName).catch(() => {})
        return
      }
      this.previewing = true
      this.onredefined(this.previewName)
      this.watched = this.previewName
    } catch (e) {
      if (mine === this.asked) this.take(e)
    }
  }

  private take(e: unknown): void {
    const r = refusal(e)
    const inText = e instanceof ApiError && e.status === 400 && /^(keys|value|filter)$/.test(r.field ?? '')
    this.fault = inText ? r : null
    this.warnings = []
    this.trouble = inText ? null : r
    if (inText) this.watched = ''
  }

  private endPreview(): void {
    this.asked++
    this.watched = ''
    if (!this.previewing) return
    this.previewing = false
    // The page may be going away: the request has to outlive it. That it failed nobody could be told.
    this.api.remove(this.previewName, true).catch(() => {})
  }
}

/** What is wrong with a name, '' when nothing is. */
export function nameFault(name: string): string {
  if (name === '') return 'A name is needed to save it.'
  if (new TextEncoder().encode(name).length > 256) return 'A name has at most 256 bytes.'
  if (name.startsWith(PREVIEW)) return 'Names with this beginning are for previews.'
  return ''
}

const COMPARED = ['name', 'keys', 'value', 'filter', 'n', 't', 'log', 'aggMode', 'dropped'] as const

function same(a: Definition, b: Definition): boolean {
  return COMPARED.every((name) => (a[name] || '') === (b[name] || ''))
}

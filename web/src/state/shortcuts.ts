/** One key, or two one after another ("g o"), and what it does. */
export interface Shortcut {
  keys: string
  does: string
  run(): void
}

const SEQUENCE_MS = 1200

/**
 * Listens for shortcuts, except while something is being written or a dialog is open. enabled is asked every time,
 * because single keys must be possible to turn off (WCAG 2.1.4). Returns what ends the listening.
 */
export function listen(shortcuts: readonly Shortcut[], enabled: () => boolean): () => void {
  let before = ''
  let since = 0
  const pressed = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || !enabled() || isWriting(e.target)) return
    if (document.querySelector('dialog[open]') !== null) return
    const pair = e.timeStamp - since < SEQUENCE_MS ? before + ' ' + e.key : ''
    const hit = shortcuts.find((s) => s.keys === pair) ?? shortcuts.find((s) => s.keys === e.key)
    before = hit === undefined ? e.key : ''
    since = e.timeStamp
    if (hit === undefined) return
    e.preventDefault()
    hit.run()
  }
  window.addEventListener('keydown', pressed)
  return () => window.removeEventListener('keydown', pressed)
}

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName))
  )
}

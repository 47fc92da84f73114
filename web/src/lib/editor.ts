// The CodeMirror editor of one text of a definition: colours, completion and the mark under a fault.

import { autocompletion, completionKeymap, startCompletion, type CompletionContext } from '@codemirror/autocomplete'
import { history, historyKeymap, standardKeymap } from '@codemirror/commands'
import { EditorState, Prec, StateEffect, StateField, type Extension } from '@codemirror/state'
import { Decoration, EditorView, keymap, placeholder, type DecorationSet } from '@codemirror/view'
import { proposals, tokens, unknownNames, type Part } from './language'
import type { Schema } from './types'

export interface EditorOptions {
  parent: HTMLElement
  text: string
  part: Part
  label: string
  hint: string
  /** The id of the element that describes the text's fault. */
  describedBy: string
  schema: () => Schema
  onchange: (text: string) => void
  oncaret: (position: number) => void
  onsave: () => void
}

/** Marks the character at an index as the place of a fault; null takes the mark away. */
const setFault = StateEffect.define<number | null>()
const schemaChanged = StateEffect.define<null>()

const faultField = StateField.define<number | null>({
  create: () => null,
  update(at, tr) {
    for (const e of tr.effects) if (e.is(setFault)) return e.value
    return at === null ? null : tr.changes.mapPos(at)
  },
})

/** Counts the schemas, so that colours are made again for another one. */
const schemaField = StateField.define<number>({
  create: () => 0,
  update: (n, tr) => (tr.effects.some((e) => e.is(schemaChanged)) ? n + 1 : n),
})

/** Makes an editor; destroy it when its element goes. */
export function createEditor(o: EditorOptions): EditorView {
  return new EditorView({
    parent: o.parent,
    state: EditorState.create({ doc: o.text, extensions: extensions(o) }),
  })
}

function extensions(o: EditorOptions): Extension[] {
  return [
    history(),
    faultField,
    schemaField,
    EditorView.decorations.compute(['doc', faultField, schemaField], (state) => decorate(state, o)),
    autocompletion({ override: [(c) => complete(c, o)], icons: false, maxRenderedOptions: 60 }),
    Prec.highest(
      keymap.of([
        {
          key: 'Mod-Enter',
          run: () => {
            o.onsave()
            return true
          },
        },
      ]),
    ),
    // A text is one line: Enter only takes a proposal.
    keymap.of([...completionKeymap, { key: 'Enter', run: () => true }, ...standardKeymap, ...historyKeymap]),
    EditorState.transactionFilter.of((tr) => (tr.newDoc.lines > 1 ? [tr, flatten(tr.newDoc.toString())] : tr)),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({
      'aria-label': o.label,
      'aria-describedby': o.describedBy,
      'aria-multiline': 'false',
      spellcheck: 'false',
      autocapitalize: 'off',
    }),
    EditorView.updateListener.of((u) => {
      if (u.docChanged) o.onchange(u.state.doc.toString())
      if (u.docChanged || u.selectionSet) o.oncaret(u.state.selection.main.head)
      // After "name:" or "[" the next proposals are wanted at once.
      const input = u.transactions.some((tr) => tr.isUserEvent('input.complete'))
      if (input && u.state.sliceDoc(0, u.state.selection.main.head).endsWith(':')) startCompletion(u.view)
    }),
    placeholder(o.hint),
    editorLook,
  ]
}

/** Replaces line ends, which pasted text may have, by spaces. */
function flatten(text: string): { changes: { from: number; to: number; insert: string }; sequential: true } {
  return { changes: { from: 0, to: text.length, insert: text.replace(/\s*\n\s*/g, ' ') }, sequential: true }
}

function decorate(state: EditorState, o: EditorOptions): DecorationSet {
  const text = state.doc.toString()
  const marks = tokens(text, o.part).map((t) => Decoration.mark({ class: 'tok-' + t.kind }).range(t.from, t.to))
  for (const t of unknownNames(text, o.part, o.schema())) {
    const title = 'weir knows no attribute of this name: it is always null'
    marks.push(Decoration.mark({ class: 'tok-unknown', attributes: { title } }).range(t.from, t.to))
  }
  const at = state.field(faultField)
  if (at !== null && at < text.length) marks.push(Decoration.mark({ class: 'fault' }).range(at, at + 1))
  return Decoration.set(marks, true)
}

function complete(c: CompletionContext, o: EditorOptions) {
  const found = proposals(c.state.doc.toString(), c.pos, o.part, o.schema())
  if (found === null) return null
  if (!c.explicit && found.from === c.pos && c.state.sliceDoc(c.pos - 1, c.pos) !== ':') return null
  return {
    from: found.from,
    validFor: /^[\w.]*$/,
    options: found.list.map((p) => ({
      label: p.label,
      apply: p.insert,
      detail: p.detail,
      type: p.kind,
      info: p.doc || undefined,
      // Offsets of headers are many and seldom meant.
      boost: p.label.endsWith('_offset') ? -2 : p.kind === 'field' ? 0 : -1,
    })),
  }
}

/** Shows the mark at an index, or takes it away. */
export function markFault(view: EditorView, at: number | null): void {
  view.dispatch({ effects: setFault.of(at) })
}

/** Colours again, because the schema came. */
export function recolour(view: EditorView): void {
  view.dispatch({ effects: schemaChanged.of(null) })
}

/** Replaces the whole text from outside, without a step that undo takes back to another definition. */
export function replaceText(view: EditorView, text: string): void {
  if (view.state.doc.toString() === text) return
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } })
}

/** How editors look. */
export const editorLook = EditorView.theme({
  '&': { fontSize: '13px', color: 'var(--ink)', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px' },
  '.cm-content': { padding: '6px 0', caretColor: 'var(--ink)' },
  '.cm-line': { padding: '0 10px' },
  '.cm-placeholder': { color: 'var(--ink-3)' },
  '.tok-call': { color: 'var(--second)' },
  '.tok-name': { color: 'var(--accent)' },
  '.tok-operator': { color: 'var(--ink)', fontWeight: '700' },
  '.tok-punctuation, .tok-quote': { color: 'var(--ink-3)' },
  '.tok-literal': { color: 'var(--ink)' },
  '.tok-unknown': { textDecoration: 'underline dotted var(--warn)', textUnderlineOffset: '3px' },
  '.fault': {
    backgroundColor: 'var(--bad-soft)',
    textDecoration: 'underline wavy var(--bad)',
    textDecorationSkipInk: 'none',
    textUnderlineOffset: '3px',
  },
  '.cm-tooltip': {
    border: '1px solid var(--line-strong)',
    borderRadius: '6px',
    backgroundColor: 'var(--raised)',
    color: 'var(--ink)',
    boxShadow: 'var(--shadow)',
    overflow: 'hidden',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '12px', maxHeight: '240px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': {
    display: 'flex',
    justifyContent: 'space-between',
    gap: '16px',
    padding: '2px 8px',
    lineHeight: '20px',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    backgroundColor: 'var(--accent-soft)',
    color: 'var(--ink)',
  },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-completionDetail': { color: 'var(--ink-2)', fontStyle: 'normal', fontSize: '11px' },
  '.cm-tooltip.cm-completionInfo': {
    padding: '6px 10px',
    maxWidth: '280px',
    fontFamily: 'var(--font)',
    fontSize: '12px',
    lineHeight: '16px',
  },
})

// The editor of SQL: colours of words, strings and numbers, and completion of tables and columns.

import { autocompletion, completionKeymap, type CompletionContext } from '@codemirror/autocomplete'
import { history, historyKeymap, standardKeymap } from '@codemirror/commands'
import { EditorState, Prec } from '@codemirror/state'
import { Decoration, EditorView, keymap, placeholder } from '@codemirror/view'
import { editorLook } from './editor'
import type { TableShape } from './shapes'
import { KEYWORDS, sqlProposals, sqlTokens } from './sql'

export interface SqlEditorOptions {
  parent: HTMLElement
  text: string
  tables: () => readonly TableShape[]
  onchange: (text: string) => void
  onrun: () => void
}

/** Makes an editor; destroy it when its element goes. */
export function createSqlEditor(o: SqlEditorOptions): EditorView {
  const run = () => {
    o.onrun()
    return true
  }
  return new EditorView({
    parent: o.parent,
    state: EditorState.create({
      doc: o.text,
      extensions: [
        history(),
        EditorView.decorations.compute(['doc'], (state) =>
          Decoration.set(
            sqlTokens(state.doc.toString()).map((t) =>
              Decoration.mark({ class: 'sql-' + t.kind }).range(t.from, t.to),
            ),
          ),
        ),
        autocompletion({ override: [(c) => complete(c, o)], icons: false, maxRenderedOptions: 60 }),
        Prec.highest(keymap.of([{ key: 'Mod-Enter', run }])),
        keymap.of([...completionKeymap, ...standardKeymap, ...historyKeymap]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          'aria-label': 'SQL query',
          spellcheck: 'false',
          autocapitalize: 'off',
        }),
        EditorView.updateListener.of((u) => {
          if (u.docChanged) o.onchange(u.state.doc.toString())
        }),
        placeholder('select key, sum(m0) from buckets group by key order by 2 desc limit 20'),
        editorLook,
        EditorView.theme({
          '.sql-keyword': { color: 'var(--second)', fontWeight: '600' },
          '.sql-string': { color: 'var(--ok)' },
          '.sql-number': { color: 'var(--accent)' },
          '.sql-comment': { color: 'var(--ink-3)' },
          '.cm-content': { minHeight: '96px' },
        }),
      ],
    }),
  })
}

function complete(c: CompletionContext, o: SqlEditorOptions) {
  const word = c.matchBefore(/[\w.]*/)
  if (word === null || (word.from === word.to && !c.explicit)) return null
  const options = sqlProposals(c.state.doc.toString(), o.tables()).map((p) => ({
    label: p.name,
    detail: p.detail,
    info: p.doc || undefined,
    boost: p.boost,
  }))
  return {
    from: word.from,
    validFor: /^\w*$/,
    options: [...options, ...KEYWORDS.map((label) => ({ label, detail: '', info: undefined, boost: -2 }))],
  }
}

// An editor of YAML, or a reader of it: CodeMirror, coloured by the names of styles/tokens.css. What is typed is completed from a schema
// where one is given; what is no YAML is marked.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { codeFolding, foldGutter, indentOnInput } from '@codemirror/language'
import { type Diagnostic, linter, lintGutter } from '@codemirror/lint'
import { unifiedMergeView } from '@codemirror/merge'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view'
import { load, YAMLException } from 'js-yaml'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { colouring } from './colouring.ts'
import { completions } from './completion.ts'
import type { Schemas } from './schemas.ts'
import './editor.css'

interface YamlEditorProps {
  readonly label: string
  /** What stands in it at first, and whenever this changes. */
  readonly text: string
  readonly readOnly?: boolean
  /** Shown against this one: what is new, and what is gone. */
  readonly against?: string
  readonly schemas?: Schemas | undefined
  readonly onChange?: (text: string) => void
}

export function YamlEditor({ label, text, readOnly = false, against, schemas, onChange }: YamlEditorProps) {
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const [completing] = useState(() => new Compartment())
  const changed = useEffectEvent((now: string) => onChange?.(now))
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new text goes into the editor that is there, below.
  useEffect(() => {
    const extensions: Extension[] = [
      lineNumbers(),
      codeFolding(),
      foldGutter(),
      drawSelection(),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
      yaml(),
      colouring,
      keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap]),
    ]
    // Read-only, but still a stop of the Tab key with a cursor, so that it can be read and copied from by keyboard.
    if (readOnly) extensions.push(EditorState.readOnly.of(true))
    else {
      extensions.push(history(), indentOnInput(), closeBrackets(), highlightActiveLine(), lintGutter(), linter(faults))
      extensions.push(EditorView.updateListener.of(update => update.docChanged && changed(update.state.doc.toString())))
      extensions.push(completing.of([]))
    }
    if (against !== undefined) {
      extensions.push(
        unifiedMergeView({ original: against, mergeControls: false, collapseUnchanged: { margin: 3, minSize: 6 } }),
      )
    }
    const made = new EditorView({ doc: text, extensions, parent: place.current! })
    view.current = made
    return () => made.destroy()
  }, [label, readOnly, against])
  // Schemas come when one may be typing already.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new editor needs them too.
  useEffect(() => {
    const completion = schemas ? autocompletion({ override: [completions(schemas)] }) : []
    view.current?.dispatch({ effects: completing.reconfigure(completion) })
  }, [schemas, label, readOnly, against])
  useEffect(() => {
    const shown = view.current
    if (shown === null || shown.state.doc.toString() === text) return
    shown.dispatch({ changes: { from: 0, to: shown.state.doc.length, insert: text } })
  }, [text])
  return <div className="yaml-editor" ref={place} />
}

/** Where the text is no YAML. */
function faults({ state: { doc } }: EditorView): Diagnostic[] {
  try {
    load(doc.toString())
    return []
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    const line = doc.line(Math.min((error.mark?.line ?? 0) + 1, doc.lines))
    return [{ from: line.from, to: line.to, severity: 'error', message: error.reason ?? error.message }]
  }
}

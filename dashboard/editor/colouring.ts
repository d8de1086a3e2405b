// Colours YAML by what the parser has found: keys, quoted text, numbers and words, comments. Each is a class of editor.css.

import { syntaxTree } from '@codemirror/language'
import type { Range } from '@codemirror/state'
import { Decoration, type DecorationSet, type EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view'

const marks = {
  key: Decoration.mark({ class: 'yaml-key' }),
  text: Decoration.mark({ class: 'yaml-text' }),
  value: Decoration.mark({ class: 'yaml-value' }),
  comment: Decoration.mark({ class: 'yaml-comment' }),
}

const literal = /^(true|false|null|~|-?\d[\d.eE+-]*)$/

export const colouring = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet

    constructor(view: EditorView) {
      this.decorations = coloured(view)
    }

    update(update: ViewUpdate): void {
      if (update.docChanged || update.viewportChanged || syntaxTree(update.state) !== syntaxTree(update.startState)) {
        this.decorations = coloured(update.view)
      }
    }
  },
  { decorations: plugin => plugin.decorations },
)

function coloured(view: EditorView): DecorationSet {
  const found: Range<Decoration>[] = []
  for (const { from, to } of view.visibleRanges) {
    syntaxTree(view.state).iterate({
      from,
      to,
      enter: node => {
        const mark = markOf(node.name, node.node.parent?.name, () => view.state.sliceDoc(node.from, node.to))
        if (mark && node.to > node.from) found.push(mark.range(node.from, node.to))
        return node.name !== 'Key'
      },
    })
  }
  return Decoration.set(found, true)
}

function markOf(name: string, parent: string | undefined, text: () => string): Decoration | undefined {
  if (name === 'Key') return marks.key
  if (name === 'Comment') return marks.comment
  if (name === 'QuotedLiteral' || name === 'BlockLiteral') return marks.text
  if (name === 'Literal' && parent !== 'Key') return literal.test(text()) ? marks.value : undefined
  return undefined
}

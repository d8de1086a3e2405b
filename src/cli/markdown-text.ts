// Prose of a lesson for a terminal: Markdown's paragraphs, lists, quotes, code and tables, wrapped to its width, with colours where
// there are any. Plain text in a pipe.

import { paint } from './output.ts'

export function markdownText(markdown: string, width = Math.min(process.stdout.columns ?? 80, 96)): string {
  return markdown
    .split(/\n{2,}/)
    .map(block => blockText(block, width))
    .join('\n\n')
}

function blockText(block: string, width: number): string {
  const lines = block.split('\n')
  const [, heading] = /^#+ (.*)$/.exec(lines[0]!) ?? []
  if (heading !== undefined)
    return [paint('bold', heading), ...(lines[1] ? [blockText(lines.slice(1).join('\n'), width)] : [])].join('\n')
  // Tables and what is indented are shown as they are.
  if (/^(\|| {4})/.test(lines[0]!)) return block
  const items: { head: string; text: string[] }[] = []
  for (const line of lines) {
    const [, indent = '', mark, text = ''] = /^( *)([-*]|\d+\.|>) +(.*)$/.exec(line) ?? []
    const last = items.at(-1)
    if (mark !== undefined && !(mark === '>' && last?.head.endsWith('> ')))
      items.push({ head: `${indent}${mark === '*' ? '-' : mark} `, text: [text] })
    else if (last === undefined) items.push({ head: '', text: [line.trim()] })
    else last.text.push((mark === '>' ? text : line).trim())
  }
  return items.map(({ head, text }) => wrapped(head, text.join(' '), width)).join('\n')
}

/** Lines after the first stand below its text. */
function wrapped(head: string, text: string, width: number): string {
  const room = Math.max(20, width - head.length)
  const lines: string[] = []
  let line = ''
  for (const word of wordsOf(text)) {
    if (line !== '' && bare(line).length + 1 + bare(word).length > room) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines.map((each, index) => (index === 0 ? head : ' '.repeat(head.length)) + inline(each)).join('\n')
}

/** Code and what is emphasised stay in one line, so that they can be coloured. */
function wordsOf(text: string): string[] {
  return text.match(/(?:[^\s`*]|`[^`]*`|\*\*[^*]+\*\*|\*)+/g) ?? ['']
}

const bare = (text: string): string => text.replace(/`([^`]*)`|\*\*([^*]+)\*\*/g, '$1$2')

function inline(text: string): string {
  return text
    .replace(/\[([^\]]+)\]\(([^)]+)\)/g, (_, words: string, target: string) =>
      /^https?:/.test(target) ? `${words} (${target})` : words,
    )
    .replace(/`([^`]*)`|\*\*([^*]+)\*\*/g, (_, code?: string, strong?: string) =>
      code === undefined ? paint('bold', strong ?? '') : paint('cyan', code),
    )
}

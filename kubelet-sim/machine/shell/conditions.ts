// `[[ … ]]`: words in it are not split, `==` matches a pattern, `=~` a regular expression.

import type { Step } from '../wait.ts'
import { expandPattern, expandText } from './expansion.ts'
import { ShellFault } from './faults.ts'
import { compareNumbers, fileTest, unaryTest } from './file-tests.ts'
import { compilePattern, matches } from './patterns.ts'
import type { Shell } from './shell.ts'
import type { Condition, Word } from './syntax.ts'

export function* judge(shell: Shell, condition: Condition): Step<boolean> {
  switch (condition.kind) {
    case 'and':
      return (yield* judge(shell, condition.left)) && (yield* judge(shell, condition.right))
    case 'or':
      return (yield* judge(shell, condition.left)) || (yield* judge(shell, condition.right))
    case 'not':
      return !(yield* judge(shell, condition.operand))
    case 'unary':
      return unaryTest(shell, condition.operator, yield* expandText(shell, condition.operand))
    case 'binary':
      return yield* binary(shell, condition)
  }
}

function* binary(shell: Shell, { operator, left, right }: Extract<Condition, { kind: 'binary' }>): Step<boolean> {
  const text = yield* expandText(shell, left)
  if (operator === '=~') return yield* matchesExpression(shell, text, right)
  if (operator === '=' || operator === '==' || operator === '!=') {
    const pattern = yield* expandPattern(shell, right)
    return matches(compilePattern(pattern), text) === (operator !== '!=')
  }
  const other = yield* expandText(shell, right)
  if (operator === '<') return text < other
  if (operator === '>') return text > other
  if (/^-(?:nt|ot|ef)$/.test(operator)) return fileTest(shell, text, operator, other)
  return compareNumbers(shell.number(text), operator, shell.number(other))
}

const longest = 10_000

/** POSIX extended; its groups become BASH_REMATCH. */
function* matchesExpression(shell: Shell, text: string, word: Word): Step<boolean> {
  let source = ''
  for (const part of word.parts) {
    const own = yield* expandText(shell, { parts: [part] })
    source += part.quoted ? own.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : own
  }
  let found: RegExpExecArray | null
  try {
    found = new RegExp(extended(source), 'u').exec(text.slice(0, longest))
  } catch (error) {
    if (error instanceof SyntaxError) throw new ShellFault(`invalid regular expression \`${source}'`, 2)
    throw error
  }
  if (found === null) return false
  shell.variables.put('BASH_REMATCH', { value: new Map(found.map((group, index) => [index, group ?? ''])) })
  return true
}

const named: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  digit: '0-9',
  lower: 'a-z',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\s',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
}

/** As JavaScript writes it: named classes are spelled out, and in brackets a backslash is one. */
function extended(source: string): string {
  return source.replace(
    /\[(\^?)(\]?(?:\[:\w+:\]|[^\]])*)\]|\\(.)/g,
    (whole, not: string | undefined, set: string | undefined, escaped: string | undefined) => {
      if (escaped !== undefined)
        return /[\w\s]/.test(escaped) && !/[bBdDsSwW]/.test(escaped)
          ? escaped
          : /[.*+?^${}()|[\]\\/-]/.test(escaped) || /[bBdDsSwW]/.test(escaped)
            ? whole
            : escaped
      if (set === undefined) return whole
      const body = set.replace(/\[:(\w+):\]|[\\[\]]/g, (one: string, name: string | undefined) =>
        name === undefined ? `\\${one}` : (named[name] ?? ''),
      )
      return `[${not ?? ''}${body}]`
    },
  )
}

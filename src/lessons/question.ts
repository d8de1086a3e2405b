// A question block of a lesson, YAML: what is asked, and how the cluster is looked at to know whether it is so. Called by parse.ts.

import { load } from 'js-yaml'
import { type Command, parseCommands } from './command-line.ts'
import { LessonError, type Question } from './lesson.ts'

const known = ['ask', 'check', 'expect', 'answer', 'hint', 'solution', 'why'] as const

/** Throws LessonError; `line` is that of the text's first. */
export function parseQuestion(text: string, line: number): Question {
  const value = readYaml(text, line)
  const at = (key: string): number => {
    const index = text.split('\n').findIndex(each => each.startsWith(`${key}:`))
    return line + Math.max(0, index)
  }
  for (const key of Object.keys(value)) {
    if (!(known as readonly string[]).includes(key))
      throw new LessonError(at(key), `"${key}" is not part of a question: ${known.join(', ')}`)
  }
  const word = (key: (typeof known)[number]): string => {
    const given = value[key]
    if (typeof given !== 'string' || given.trim() === '')
      throw new LessonError(at(key), `a question has "${key}", a text`)
    return given.trim()
  }
  const commands = (key: 'check' | 'answer' | 'solution'): readonly Command[] => {
    const found = parseCommands(word(key), at(key))
    if (found.length === 0) throw new LessonError(at(key), `"${key}" has no command`)
    return found
  }
  const isTask = value.check !== undefined
  if (isTask === (value.answer !== undefined))
    throw new LessonError(line, 'a question has either "check" (with "expect") or "answer"')
  if (!isTask && value.expect !== undefined) throw new LessonError(at('expect'), '"expect" belongs to "check"')
  return {
    kind: isTask ? 'task' : 'answer',
    ask: word('ask'),
    check: commands(isTask ? 'check' : 'answer'),
    ...(isTask ? { expect: word('expect') } : {}),
    hints: hintsOf(value.hint, at('hint')),
    solution: commands('solution'),
    why: word('why'),
  }
}

function hintsOf(value: unknown, line: number): string[] {
  const hints = Array.isArray(value) ? value : [value]
  if (!hints.every(hint => typeof hint === 'string' && hint.trim() !== ''))
    throw new LessonError(line, 'a question has "hint", a text or several')
  return hints.map(hint => (hint as string).trim())
}

/** A mapping. Throws LessonError. */
export function readYaml(text: string, line: number): Record<string, unknown> {
  let value: unknown
  try {
    value = load(text)
  } catch (error) {
    const { reason, mark } = error as { reason?: string; mark?: { line: number } }
    throw new LessonError(line + (mark?.line ?? 0), `this is no YAML: ${reason ?? (error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new LessonError(line, 'here stands a mapping, "key: value"')
  return value as Record<string, unknown>
}

// Reads a page of docs/lessons/ into a Lesson. The page is Markdown that any forge shows: a heading of settings, an
// introduction, a step under each ##, and questions under the last. Strict: what would not be played as it reads is refused
// with its line. The format is told in docs/lessons/README.md.

import { parseCommands } from './command-line.ts'
import { type ClusterSettings, type Commands, type Lesson, LessonError, type Part, type Step } from './lesson.ts'
import { parseQuestion, readYaml } from './question.ts'

/** Throws LessonError. `file` is the name of the page, `07-probes.md`. */
export function parseLesson(file: string, text: string): Lesson {
  const [, number, name] = /^(\d+)-([a-z0-9-]+)\.md$/.exec(file) ?? []
  if (number === undefined) throw new LessonError(1, `a lesson's file is named such as 07-probes.md, not "${file}"`)
  const lines = text.replaceAll('\r\n', '\n').split('\n')
  const end = lines.indexOf('---', 1)
  if (lines[0] !== '---' || end < 0) throw new LessonError(1, 'a lesson begins with its settings between two lines ---')
  const settings = settingsOf(lines.slice(1, end).join('\n'))
  const sections = sectionsOf(lines, end + 1)
  const [before, ...steps] = sections
  const last = steps.pop()
  if (last?.title !== questionsTitle)
    throw new LessonError(last?.line ?? lines.length, `the last ## is "${questionsTitle}"`)
  const questions = last.blocks.filter(isFence).map(fence => {
    if (fence.language !== 'question') throw new LessonError(fence.line, 'here stand question blocks only')
    return parseQuestion(fence.text, fence.line + 1)
  })
  if (questions.length === 0) throw new LessonError(last.line, 'there is no question')
  if (steps.length === 0) throw new LessonError(last.line, 'there is no step before the questions')
  for (const fence of before!.blocks.filter(isFence))
    throw new LessonError(fence.line, 'blocks stand in steps, not in the introduction')
  const { title, minutes, ...cluster } = settings
  const introduction = before!.blocks.map(({ text }) => text).join('\n\n')
  return {
    number: Number(number),
    name: name!,
    title,
    minutes,
    cluster,
    introduction: introduction.replace(/^# .*\n+/, ''),
    steps: steps.map(stepOf),
    questions,
  }
}

const questionsTitle = 'Questions'

interface Section {
  readonly title: string
  readonly line: number
  readonly blocks: readonly Block[]
}
interface Text {
  readonly type: 'text'
  readonly line: number
  readonly text: string
}
interface Fence {
  readonly type: 'fence'
  readonly line: number
  readonly language: string
  /** What stands behind the language. */
  readonly words: readonly string[]
  readonly text: string
}
type Block = Text | Fence

const isFence = (block: Block): block is Fence => block.type === 'fence'

/** The first is what stands before the first ##. */
function sectionsOf(lines: readonly string[], from: number): Section[] {
  const sections: { title: string; line: number; blocks: Block[] }[] = [{ title: '', line: from + 1, blocks: [] }]
  let prose: string[] = []
  let proseLine = from + 1
  const endProse = (): void => {
    const text = prose.join('\n').trim()
    if (text !== '') sections.at(-1)!.blocks.push({ type: 'text', line: proseLine, text })
    prose = []
  }
  for (let index = from; index < lines.length; index++) {
    const line = lines[index]!
    const [, title] = /^## +(.+?) *$/.exec(line) ?? []
    const [, ticks, words] = /^(```+)(.*)$/.exec(line) ?? []
    if (title !== undefined) {
      endProse()
      sections.push({ title, line: index + 1, blocks: [] })
    } else if (ticks !== undefined) {
      endProse()
      const close = lines.findIndex((each, at) => at > index && each.startsWith(ticks))
      if (lines[close] !== ticks) throw new LessonError(index + 1, `the block that begins with ${ticks} does not end`)
      const [language = '', ...rest] = words!.trim().split(/\s+/)
      const text = lines.slice(index + 1, close).join('\n')
      sections.at(-1)!.blocks.push({ type: 'fence', line: index + 1, language, words: rest, text })
      index = close
    } else {
      if (prose.length === 0) proseLine = index + 1
      prose.push(line)
    }
  }
  endProse()
  return sections
}

function stepOf({ title, line, blocks }: Section): Step {
  const parts: Part[] = []
  let isOutputAllowed = false
  for (const block of blocks) {
    if (block.type === 'text') parts.push({ type: 'prose', text: block.text })
    else if (block.language === 'output') {
      const before = parts.at(-1)
      if (!isOutputAllowed || before?.type !== 'commands')
        throw new LessonError(block.line, 'an output block stands right behind a block of commands')
      parts[parts.length - 1] = { ...before, output: block.text }
    } else parts.push(partOf(block))
    isOutputAllowed = isFence(block) && block.language === 'sh'
  }
  if (parts.length === 0) throw new LessonError(line, `the step "${title}" is empty`)
  return { title, parts }
}

function partOf({ language, words, text, line }: Fence): Part {
  if (language === 'sh') return commandsOf(words, text, line)
  if (language === 'question') throw new LessonError(line, `questions stand under "## ${questionsTitle}", at the end`)
  const [word = '', ...more] = words
  const [, name] = /^file=(.+)$/.exec(word) ?? []
  if (name === undefined || more.length > 0)
    throw new LessonError(line, `a block is sh, output, question, or a file: \`\`\`${language || 'yaml'} file=web.yaml`)
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)?$/.test(name))
    throw new LessonError(line, `"${name}" is no name of a file in the learner's folder`)
  return { type: 'file', name, language, text: `${text}\n` }
}

function commandsOf(words: readonly string[], text: string, line: number): Commands {
  const unknown = words.find(word => word !== 'fails')
  if (unknown !== undefined) throw new LessonError(line, `behind sh can stand "fails", not "${unknown}"`)
  const commands = parseCommands(text, line + 1)
  if (commands.length === 0) throw new LessonError(line, 'there is no command in this block')
  return { type: 'commands', line, commands, fails: words.includes('fails') }
}

interface Settings extends ClusterSettings {
  readonly title: string
  readonly minutes: number
}

function settingsOf(text: string): Settings {
  const value = readYaml(text, 2)
  const known = ['title', 'minutes', 'nodes', 'seed', 'delays', 'history']
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw new LessonError(2, `"${key}" is no setting of a lesson: ${known.join(', ')}`)
  }
  const { title, minutes } = value
  if (typeof title !== 'string' || title === '') throw new LessonError(2, 'a lesson has a title')
  const number = (key: string, given: unknown, least: number): number => {
    if (typeof given !== 'number' || !Number.isFinite(given) || given < least)
      throw new LessonError(2, `"${key}" is a number from ${least}`)
    return given
  }
  return {
    title,
    minutes: number('minutes', minutes, 1),
    nodes: number('nodes', value.nodes ?? 3, 0),
    seed: number('seed', value.seed ?? 7, 0),
    delays: number('delays', value.delays ?? 1, 0),
    history: number('history', value.history ?? 4096, 1),
  }
}

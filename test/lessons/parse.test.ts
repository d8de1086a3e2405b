// The format of lessons: what a page says becomes what is played, and a slip in it is told with its line.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LessonError } from '../../src/lessons/lesson.ts'
import { parseLesson } from '../../src/lessons/parse.ts'

const question = [
  '```question',
  'ask: Is it?',
  'check: kubectl get pods',
  'expect: "yes"',
  'hint: Look.',
  'solution: kubectl get pods',
  'why: So.',
  '```',
]
const page = [
  '---',
  'title: A lesson',
  'minutes: 5',
  '---',
  '',
  '# A lesson',
  '',
  'Before.',
  '',
  '## One',
  '',
  'Some *words*.',
  '',
  '```yaml file=web.yaml',
  'kind: Pod',
  '```',
  '```sh',
  'kubectl apply -f web.yaml',
  'POD=$(kubectl get pods -o name)   # kept',
  '```',
  '```output',
  '…',
  '```',
  '',
  'After.',
  '## Questions',
  ...question,
]
const parsed = (lines: readonly string[]) => parseLesson('07-probes.md', lines.join('\n'))
const faultOf = (lines: readonly string[]): string => {
  try {
    parsed(lines)
  } catch (error) {
    if (error instanceof LessonError) return error.message
    throw error
  }
  return 'none'
}
/** The page with a line in place of another, which is 1 at the top. */
const withLine = (number: number, ...lines: string[]): string[] => page.toSpliced(number - 1, 1, ...lines)

test('a page is settings, an introduction, steps of prose, files and commands, and questions', () => {
  const lesson = parsed(page)
  expect(lesson).toMatchObject({ number: 7, name: 'probes', title: 'A lesson', minutes: 5, introduction: 'Before.' })
  expect(lesson.cluster).toEqual({ nodes: 3, seed: 7, delays: 1, history: 4096 })
  const [step] = lesson.steps
  expect(step?.parts.map(({ type }) => type)).toEqual(['prose', 'file', 'commands', 'prose'])
  expect(step?.parts[1]).toEqual({ type: 'file', name: 'web.yaml', language: 'yaml', text: 'kind: Pod\n' })
  expect(step?.parts[2]).toMatchObject({ line: 17, fails: false, output: '…' })
  expect(lesson.questions[0]).toMatchObject({
    kind: 'task',
    ask: 'Is it?',
    expect: 'yes',
    hints: ['Look.'],
    why: 'So.',
  })
  expect(parseLesson('07-probes.md', page.join('\r\n')).steps[0]?.parts).toHaveLength(4)
})

describe('what would not be played as it reads is refused with its line', () => {
  test.each<[name: string, lines: readonly string[], fault: string]>([
    ['no settings', page.slice(4), 'line 1: a lesson begins with its settings between two lines ---'],
    ['settings that are no YAML', withLine(2, 'title: [', 'more: }'), 'line 3: this is no YAML: '],
    ['a slip in a setting', withLine(3, 'minute: 5'), 'line 2: "minute" is no setting of a lesson: title, minutes'],
    ['no time', withLine(3, 'nodes: 2'), 'line 2: "minutes" is a number from 1'],
    ['a block without an end', withLine(16), 'line 14: the block that begins with ``` does not end'],
    [
      'a block of nothing known',
      withLine(14, '```yaml'),
      'line 14: a block is sh, output, question, or a file: ```yaml file=',
    ],
    [
      'a file outside of the folder',
      withLine(14, '```yaml file=../web.yaml'),
      'line 14: "../web.yaml" is no name of a file',
    ],
    [
      "a program that is not a lesson's",
      withLine(18, 'rm -rf x'),
      'line 18: a command begins with kubectl, kubesim, curl, node, not "rm"',
    ],
    ['a pipe', withLine(18, 'kubectl get pods | head'), "line 18: a pipe is not part of a lesson's commands"],
    [
      'a redirection',
      withLine(19, '', 'kubectl get pods > x'),
      "line 20: a redirection is not part of a lesson's commands",
    ],
    ['a quote that does not end', withLine(18, "kubectl get 'pods"), 'line 18: a quote is not closed'],
    ['a word behind sh', withLine(17, '```sh quietly'), 'line 17: behind sh can stand "fails", not "quietly"'],
    [
      'an output of nothing',
      withLine(25, 'After.', '```output', '```'),
      'line 26: an output block stands right behind a block of commands',
    ],
    ['a block in the introduction', withLine(8, '```sh', 'kubectl get pods', '```'), 'line 8: blocks stand in steps'],
    ['no questions', page.slice(0, 25), 'line 10: the last ## is "Questions"'],
    ['an empty list of questions', page.slice(0, 26), 'line 26: there is no question'],
    [
      'commands among the questions',
      withLine(27, '```sh', 'kubectl get pods', '```', '```question'),
      'line 27: here stand question blocks only',
    ],
    ['a question without a check', withLine(29), 'line 28: a question has either "check" (with "expect") or "answer"'],
    ['a question without an explanation', withLine(33), 'line 28: a question has "why", a text'],
    ['a slip in a question', withLine(31, 'hints: Look.'), 'line 31: "hints" is not part of a question'],
    ['a check that is no command', withLine(29, 'check: true'), 'line 28: a question has either'],
  ])('%s', (_, lines, fault) => {
    expect(faultOf(lines)).toContain(
      fault === 'line 28: a question has either' ? 'line 29: a question has "check"' : fault,
    )
  })

  test('the name of the file', () => {
    expect(() => parseLesson('probes.md', page.join('\n'))).toThrow('named such as 07-probes.md, not "probes.md"')
  })
})

test('whatever is left out, put in or turned round, a page is either read or refused with a line of its own', () => {
  const line = fc.oneof(
    fc.constantFrom(...page),
    fc.string(),
    fc.constantFrom('```', '````', '---', '## ', '"', '$(', '\\'),
  )
  const edits = fc.array(fc.tuple(fc.nat(page.length), fc.nat(2), fc.array(line, { maxLength: 2 })), { maxLength: 4 })
  fc.assert(
    fc.property(edits, all => {
      const lines = all.reduce((before, [at, gone, come]) => before.toSpliced(at, gone, ...come), page)
      const fault = faultOf(lines)
      const [, at] = /^line (\d+): ./.exec(fault) ?? []
      expect(fault === 'none' || (Number(at) >= 1 && Number(at) <= lines.join('\n').split('\n').length + 1)).toBe(true)
    }),
  )
})

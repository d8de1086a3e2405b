// The commands of lessons: the part of the shell's language that there is, and what they are held to print.

import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Command, parseCommands } from '../../src/lessons/command-line.ts'
import { isAsExpected } from '../../src/lessons/expected-output.ts'

const words = ({ words }: Command): string[] =>
  words.map(word => word.map(piece => ('text' in piece ? piece.text : `<${piece.name}>`)).join(''))

test.each<[text: string, wanted: string[]]>([
  [`kubectl get pods`, ['kubectl', 'get', 'pods']],
  [`kubectl  get \\\n    pods # all of them`, ['kubectl', 'get', 'pods']],
  [
    `kubectl get -o 'jsonpath={.items[0].metadata.name}{"\\n"}'`,
    ['kubectl', 'get', '-o', 'jsonpath={.items[0].metadata.name}{"\\n"}'],
  ],
  [`kubectl patch pod/"$POD" -p "{\\"a\\": \\"$A\\"}"`, ['kubectl', 'patch', 'pod/<POD>', '-p', '{"a": "<A>"}']],
  [
    `kubectl exec web -- sh -c 'echo a; echo b > x' ''`,
    ['kubectl', 'exec', 'web', '--', 'sh', '-c', 'echo a; echo b > x', ''],
  ],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
  ['kubectl label node-1 a\\ b=${C}d', ['kubectl', 'label', 'node-1', 'a b=<C>d']],
  [
    `kubectl annotate pod x a="it's
two lines"`,
    ['kubectl', 'annotate', 'pod', 'x', "a=it's\ntwo lines"],
  ],
])('%s', (text, wanted) => {
  const commands = parseCommands(text)
  expect(commands.map(words)).toEqual([wanted])
})

test('several commands, names they keep, and what goes on beside', () => {
  const commands = parseCommands(
    '# first\nPOD=$(kubectl get pods -o name)\n\nkubectl delete $POD\nnode greeter.mjs &\n',
  )
  expect(commands.map(({ keeps, isBeside, text }) => [keeps, isBeside, text])).toEqual([
    ['POD', false, 'POD=$(kubectl get pods -o name)'],
    [undefined, false, 'kubectl delete $POD'],
    [undefined, true, 'node greeter.mjs &'],
  ])
})

test('words are those that a shell makes of the same text', { timeout: 60_000 }, () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'a',
      'b c',
      "'x  y'",
      '"p q"',
      '\\ ',
      '""',
      "''",
      '=',
      '{}',
      ',',
      '"it\'s"',
      "'a\"b'",
      '"\\""',
      '"\\\\"',
      '\\\\',
      '-',
      '/',
      '\\\n',
      '%s',
      '"$HOME_NOT"',
    ),
    fc.constantFrom(' ', '  '),
  )
  const lines = fc
    .sample(fc.array(piece, { maxLength: 8 }), { numRuns: 200, seed: 7 })
    .map(pieces => `kubectl ${pieces.join('')}`)
  // One shell for all of them: each line prints its words.
  const script = lines
    .map(
      line =>
        `show() { for word; do printf '<%s>' "$word"; done; printf '\\036'; }\n${line.replace('kubectl', 'show')}`,
    )
    .join('\n')
  const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' })
  const ours = lines.map(line =>
    words(parseCommands(line)[0]!)
      .slice(1)
      .map(word => `<${word.replaceAll('<HOME_NOT>', '')}>`)
      .join(''),
  )
  expect(ours).toEqual(stdout.split('\x1e').slice(0, -1))
})

test.each<[text: string, fault: string]>([
  ['kubectl get pods)', 'line 1: a parenthesis is not part of what stands here'],
  ['A=$(kubectl get pods &)', 'line 1: an & is not part of what stands here'],
  ['A=$(kubectl get pods', 'line 1: $( is not closed on its line'],
  ['kubectl get $(kubectl get pods)', 'line 1: $( ) stands only behind a variable'],
  ['kubectl get pods & kubectl get nodes', 'line 1: nothing can follow an &'],
  ['kubectl get pods &', 'line 1: only "node" can go on beside the rest, not "kubectl"'],
  ['kubectl get \f\u00a0pods;', "line 1: a semicolon is not part of a lesson's commands"],
  ['kubectl get pods\n\n  kubectl get *', 'line 3: an asterisk outside of quotes is not part'],
])('%j is refused', (text, fault) => {
  expect(() => parseCommands(text)).toThrow(fault)
})

test('whatever is typed is either read or refused', () => {
  const piece = fc.constantFrom('kubectl', 'A=$(', ')', '&', '"', "'", '$', '$A', '\\', '\n', ' ', '\f', '#', '|', 'x')
  fc.assert(
    fc.property(fc.array(piece), pieces => {
      try {
        parseCommands(pieces.join(''))
      } catch (error) {
        expect((error as Error).message).toMatch(/^line \d+: /)
      }
    }),
  )
})

test.each<[pattern: string, printed: string, fits: boolean]>([
  ['a   b', 'a b\n', true],
  ['a b', 'a c', false],
  ['web-…   1/1   Running …', 'web-5d-x   1/1     Running   0   2s', true],
  ['web-… 1/1', 'web-5d 1/1 x', false],
  ['…a…b…', 'xxaxxbxx', true],
  ['…a…b…', 'xxbxxaxx', false],
  ['ab…ba', 'aba', false],
  ['…\nb\n…', 'a\na\nb\nc', true],
  ['…\nb\n…', 'b', true],
  ['…\nb', 'a\nb\nc', false],
  ['a\n…\nb\n…\nb', 'a\nb', false],
  ['a\n…\nb\n…\nb', 'a\nb\nb', true],
])('%j and %j', (pattern, printed, fits) => {
  expect(isAsExpected(pattern, printed)).toBe(fits)
})

test('what was printed fits itself, and itself with any piece left open', () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'b', '-', '1'), minLength: 1 })
  fc.assert(
    fc.property(fc.array(line, { minLength: 1 }), fc.nat(), fc.nat(), (lines, one, other) => {
      const text = lines.join('\n')
      const [from, to] = [one % (text.length + 1), other % (text.length + 1)].sort((a, b) => a - b) as [number, number]
      expect(isAsExpected(text, text)).toBe(true)
      const isInLine = !text.slice(from, to).includes('\n')
      if (isInLine) expect(isAsExpected(`${text.slice(0, from)}…${text.slice(to)}`, `${text}`)).toBe(true)
    }),
  )
})

// diff (unified, as busybox prints it) and cmp.

import type { Process } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { optionsOf } from './options.ts'
import { openInput, readAll } from './text-streams.ts'
import { baseName, joined, numberOf, pathOf, ToolError, tool, UsageError } from './tool.ts'

interface Differing {
  readonly context: number
  readonly brief: boolean
  readonly same: boolean
  readonly recursive: boolean
  readonly absent: boolean
  readonly normal: (line: string) => string
  readonly skipsBlank: boolean
}

const tooMuch = 20_000

export const diff = tool(
  '[-abBdiNqrTstw] [-L LABEL] [-S FILE] [-U LINES] FILE1 FILE2',
  function* (process) {
    const options = optionsOf(process, 'abBdiNqrTstwuU:L:S:', {
      brief: 'q',
      recursive: 'r',
      'new-file': 'N',
      unified: 'u',
      'ignore-case': 'i',
      'ignore-all-space': 'w',
      'ignore-space-change': 'b',
      label: 'L',
    })
    const [one, other, ...more] = options.words
    if (one === undefined || other === undefined || more.length > 0) throw new UsageError('')
    const how: Differing = {
      context: numberOf(options.value('U') ?? '3'),
      brief: options.has('q'),
      same: options.has('s'),
      recursive: options.has('r'),
      absent: options.has('N'),
      normal: line => {
        let text = options.has('i') ? line.toLowerCase() : line
        if (options.has('w')) text = text.replace(/\s+/g, '')
        else if (options.has('b')) text = text.replace(/\s+/g, ' ').trimEnd()
        return text
      },
      skipsBlank: options.has('B'),
    }
    const names = [one, other] as [string, string]
    for (const [index, name] of names.entries()) {
      if (name === '-' || !isFolder(process, name) || isFolder(process, names[1 - index]!)) continue
      names[index] = joined(name, baseName(names[1 - index]!))
    }
    if (names.every(name => name !== '-' && isFolder(process, name))) return yield* folders(process, ...names, how)
    return yield* two(process, ...names, options.values('L'), how)
  },
  2,
)

function isFolder({ files, cwd }: Process, name: string): boolean {
  const path = pathOf({ cwd }, name)
  return files.exists(path) && files.stat(path).kind === 'directory'
}

function* folders(process: Process, one: string, other: string, how: Differing): Step<number> {
  const { files } = process
  const [left, right] = [files.list(pathOf(process, one)), files.list(pathOf(process, other))]
  let code = 0
  for (const name of [...new Set([...left, ...right])].sort()) {
    const [a, b] = [joined(one, name), joined(other, name)]
    const [inLeft, inRight] = [left.includes(name), right.includes(name)]
    if (!inLeft || !inRight) {
      code = 1
      if (how.absent && !isFolder(process, inLeft ? a : b)) {
        yield* two(process, inLeft ? a : '/dev/null', inRight ? b : '/dev/null', [], how)
      } else yield* process.print(`Only in ${inLeft ? one : other}: ${name}\n`)
    } else if (isFolder(process, a) && isFolder(process, b)) {
      if (how.recursive) code = Math.max(code, yield* folders(process, a, b, how))
      else yield* process.print(`Common subdirectories: ${a} and ${b}\n`)
    } else code = Math.max(code, yield* two(process, a, b, [], how))
  }
  return code
}

function* contentOf(process: Process, name: string): Step<Buffer> {
  try {
    const stream = openInput(process, name)
    const bytes = yield* readAll(process, stream)
    stream.close()
    return bytes
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw new ToolError(`can't stat '${name}': ${error.message}`, 2)
  }
}

function* two(process: Process, one: string, other: string, labels: readonly string[], how: Differing): Step<number> {
  const [a, b] = [yield* contentOf(process, one), yield* contentOf(process, other)]
  const isSame = a.equals(b)
  if (isSame || how.brief || a.includes(0) || b.includes(0)) {
    if (isSame && how.same) yield* process.print(`Files ${one} and ${other} are identical\n`)
    if (!isSame) yield* process.print(`Files ${one} and ${other} differ\n`)
    return isSame ? 0 : 1
  }
  const [left, right] = [linesOf(a), linesOf(b)]
  if (left.length > tooMuch || right.length > tooMuch) throw new ToolError('files this long are not compared', 2)
  const changes = yield* changesOf(process, left.map(how.normal), right.map(how.normal))
  const hunks = hunksOf(changes, how.context, left, right, how.skipsBlank)
  if (hunks.length === 0) return 0
  const head = `--- ${labels[0] ?? one}\n+++ ${labels[1] ?? labels[0] ?? other}\n`
  yield* process.print(Buffer.from(head + hunks.join(''), 'latin1'))
  return 1
}

/** With a line's end, where it has one. */
function linesOf(bytes: Buffer): readonly string[] {
  return bytes.toString('latin1').match(/[^\n]*\n|[^\n]+/g) ?? []
}

interface Change {
  readonly kind: ' ' | '-' | '+'
  readonly left: number
  readonly right: number
}

/** Myers' shortest way from one to the other. */
function* changesOf(process: Process, left: readonly string[], right: readonly string[]): Step<readonly Change[]> {
  const most = left.length + right.length
  const trace: Int32Array[] = []
  let furthest = new Int32Array(2 * most + 3)
  search: for (let distance = 0; distance <= most; distance++) {
    process.allocate(distance * 8)
    trace.push(furthest.slice(most - distance, most + distance + 3))
    const next = furthest.slice()
    for (let diagonal = -distance; diagonal <= distance; diagonal += 2) {
      const at = most + 1 + diagonal
      const down = diagonal === -distance || (diagonal !== distance && furthest[at - 1]! < furthest[at + 1]!)
      let x = down ? furthest[at + 1]! : furthest[at - 1]! + 1
      while (x < left.length && x - diagonal < right.length && left[x] === right[x - diagonal]) x++
      next[at] = x
      if (x >= left.length && x - diagonal >= right.length) break search
    }
    furthest = next
    yield* process.pause()
  }
  const changes: Change[] = []
  let [x, y] = [left.length, right.length]
  for (let distance = trace.length - 1; distance >= 0; distance--) {
    const known = trace[distance]!
    const value = (diagonal: number) => known[diagonal + distance + 1]!
    const diagonal = x - y
    const down = diagonal === -distance || (diagonal !== distance && value(diagonal - 1) < value(diagonal + 1))
    const before = down ? diagonal + 1 : diagonal - 1
    const fromX = distance === 0 ? 0 : value(before)
    const fromY = distance === 0 ? 0 : fromX - before
    while (x > fromX && y > fromY) changes.push({ kind: ' ', left: --x, right: --y })
    if (distance > 0) {
      if (down) changes.push({ kind: '+', left: x, right: --y })
      else changes.push({ kind: '-', left: --x, right: y })
    }
  }
  return changes.reverse()
}

function hunksOf(
  changes: readonly Change[],
  context: number,
  left: readonly string[],
  right: readonly string[],
  skipsBlank: boolean,
): readonly string[] {
  const hunks: string[] = []
  const isChange = ({ kind }: Change) => kind !== ' '
  for (let at = 0; at < changes.length; ) {
    const first = changes.findIndex((change, index) => index >= at && isChange(change))
    if (first < 0) break
    let last = first
    for (let index = first; index < changes.length && index - last <= 2 * context; index++) {
      if (isChange(changes[index]!)) last = index
    }
    const part = changes.slice(Math.max(at, first - context), last + 1 + context)
    at = last + 1
    const texts = part.map(change => ({
      ...change,
      text: change.kind === '+' ? right[change.right]! : left[change.left]!,
    }))
    if (skipsBlank && texts.every(({ kind, text }) => kind === ' ' || text.trim() === '')) continue
    const range = (side: 'left' | 'right', other: string) => {
      const own = part.filter(({ kind }) => kind !== other)
      const start = own.length === 0 ? part[0]![side] : own[0]![side] + 1
      return own.length === 1 ? `${start}` : `${start},${own.length}`
    }
    const lines = texts.map(({ kind, text }) =>
      text.endsWith('\n') ? kind + text : `${kind}${text}\n\\ No newline at end of file\n`,
    )
    hunks.push(`@@ -${range('left', '+')} +${range('right', '-')} @@\n${lines.join('')}`)
  }
  return hunks
}

export const cmp = tool(
  '[-ls] [-n NUM] FILE1 [FILE2]',
  function* (process) {
    const options = optionsOf(process, 'lsn:', { silent: 's', quiet: 's', verbose: 'l' })
    const [one, other = '-'] = options.words
    if (one === undefined) throw new UsageError('')
    const read = function* (name: string): Step<Buffer> {
      try {
        const stream = openInput(process, name)
        const bytes = yield* readAll(process, stream)
        stream.close()
        return bytes
      } catch (error) {
        if (!(error instanceof SystemError)) throw error
        throw new ToolError(`can't open '${name}': ${error.message}`, 2)
      }
    }
    const most = options.value('n')
    const cut = (bytes: Buffer) => (most === undefined ? bytes : bytes.subarray(0, numberOf(most)))
    const [a, b] = [cut(yield* read(one)), cut(yield* read(other))]
    let [line, code] = [1, 0]
    for (let at = 0; at < Math.min(a.length, b.length); at++) {
      if (a[at] !== b[at]) {
        code = 1
        if (options.has('s')) return 1
        if (!options.has('l')) {
          yield* process.print(`${one} ${other} differ: char ${at + 1}, line ${line}\n`)
          return 1
        }
        yield* process.print(
          `${String(at + 1).padStart(4)} ${a[at]!.toString(8).padStart(3)} ${b[at]!.toString(8).padStart(3)}\n`,
        )
      }
      if (a[at] === 10) line++
    }
    if (a.length === b.length) return code
    if (!options.has('s')) yield* process.complain(`cmp: EOF on ${a.length < b.length ? one : other}\n`)
    return 1
  },
  2,
)

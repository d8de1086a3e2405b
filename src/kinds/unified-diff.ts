// The difference of two texts as a unified diff with three lines of context: what a refused update of a pod shows
// (apimachinery/pkg/util/diff/diff.go). Called only when there is something to refuse.

const context = 3

interface Line {
  readonly sign: ' ' | '-' | '+'
  readonly text: string
}

export function unifiedDiff(before: string, after: string): string {
  const lines = align(before.split('\n'), after.split('\n'))
  const changed = lines.flatMap((line, index) => (line.sign === ' ' ? [] : [index]))
  const hunks: string[] = []
  for (let at = 0; at < changed.length; ) {
    const first = changed[at]!
    let last = first
    while (at < changed.length && changed[at]! <= last + 2 * context + 1) last = changed[at++]!
    hunks.push(hunk(lines, Math.max(0, first - context), Math.min(lines.length, last + context + 1)))
  }
  return hunks.join('')
}

function hunk(lines: readonly Line[], start: number, end: number): string {
  const count = (from: number, to: number, missing: '-' | '+'): number =>
    lines.slice(from, to).filter(line => line.sign !== missing).length
  const range = (missing: '-' | '+'): string => {
    const length = count(start, end, missing)
    const first = count(0, start, missing) + (length === 0 ? 0 : 1)
    return length === 1 ? `${first}` : `${first},${length}`
  }
  const body = lines.slice(start, end).map(line => `${line.sign}${line.text}\n`)
  return `@@ -${range('+')} +${range('-')} @@\n${body.join('')}`
}

/** The longest common subsequence of lines, between the equal beginning and the equal end. */
function align(one: readonly string[], other: readonly string[]): Line[] {
  let start = 0
  while (start < one.length && start < other.length && one[start] === other[start]) start++
  let tail = 0
  while (tail < one.length - start && tail < other.length - start && one.at(-1 - tail) === other.at(-1 - tail)) tail++
  const left = one.slice(start, one.length - tail)
  const right = other.slice(start, other.length - tail)
  const width = right.length + 1
  const lengths = new Uint32Array((left.length + 1) * width)
  for (let row = left.length - 1; row >= 0; row--) {
    for (let column = right.length - 1; column >= 0; column--) {
      lengths[row * width + column] =
        left[row] === right[column]
          ? lengths[(row + 1) * width + column + 1]! + 1
          : Math.max(lengths[(row + 1) * width + column]!, lengths[row * width + column + 1]!)
    }
  }
  const lines: Line[] = one.slice(0, start).map(text => ({ sign: ' ', text }))
  let row = 0
  let column = 0
  while (row < left.length || column < right.length) {
    if (row < left.length && column < right.length && left[row] === right[column]) {
      lines.push({ sign: ' ', text: left[row++]! })
      column++
    } else if (
      column >= right.length ||
      (row < left.length && lengths[(row + 1) * width + column]! >= lengths[row * width + column + 1]!)
    ) {
      lines.push({ sign: '-', text: left[row++]! })
    } else lines.push({ sign: '+', text: right[column++]! })
  }
  for (const text of one.slice(one.length - tail)) lines.push({ sign: ' ', text })
  return lines
}

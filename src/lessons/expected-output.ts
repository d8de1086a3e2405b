// Whether what commands printed is what a lesson shows: line by line, blanks counting as one; … in a line stands for anything,
// a line of … alone for any lines. Called by play.ts.

const anything = '…'

export function isAsExpected(pattern: string, printed: string): boolean {
  return fits(linesOf(pattern), linesOf(printed))
}

function linesOf(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map(line => line.trim().replace(/\s+/g, ' '))
}

/** How far each pattern's line can reach is kept, so that many … cost no more than lines × lines. */
function fits(patterns: readonly string[], lines: readonly string[]): boolean {
  let reached = new Set([0])
  for (const pattern of patterns) {
    const next = new Set<number>()
    if (pattern === anything) {
      const least = Math.min(...reached)
      for (let index = least; index <= lines.length; index++) next.add(index)
    } else {
      const line = lineFits(pattern)
      for (const index of reached) if (index < lines.length && line(lines[index]!)) next.add(index + 1)
    }
    if (next.size === 0) return false
    reached = next
  }
  return reached.has(lines.length)
}

function lineFits(pattern: string): (line: string) => boolean {
  const [first, ...rest] = pattern.split(anything) as [string, ...string[]]
  const last = rest.pop()
  if (last === undefined) return line => line === first
  return line => {
    if (line.length < first.length + last.length || !line.startsWith(first) || !line.endsWith(last)) return false
    let at = first.length
    for (const piece of rest) {
      const found = line.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
    }
    return at <= line.length - last.length
  }
}

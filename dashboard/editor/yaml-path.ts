// Where one is in a YAML text, told from the indentation of its lines: what is being typed is not yet YAML, so no parser can say.
// Called by completion.ts. Lines count from 0.

/** Names of fields; a number stands for an item of a list. */
export type YamlPath = readonly (string | number)[]

/** The names that lead to a field which begins at this column of this line. */
export function pathAt(lines: readonly string[], at: number, indent: number): YamlPath {
  const path: (string | number)[] = []
  let column = indent
  // "- " of the same line opens items that are not yet in the lines above.
  const dashes = /^(\s*)((?:- )*)/.exec(lines[at] ?? '')!
  for (let end = dashes[1]!.length + dashes[2]!.length; end > dashes[1]!.length && end <= column; end -= 2) {
    path.unshift(0)
    column = end - 2
  }
  let isItem = path.length > 0
  for (let index = at - 1; index >= 0 && (column > 0 || isItem); index--) {
    const found = /^(\s*)((?:- )*)([^\s#:][^:]*)?(:?)/.exec(lines[index]!)!
    const [, blank = '', marks = '', name] = found
    if (marks === '' && (name === undefined || name === '')) continue
    const start = blank.length
    const field = start + marks.length
    if (name !== undefined && (field < column || (isItem && field <= column && marks === ''))) {
      path.unshift(name.trim().replace(/^["']|["']$/g, ''))
      column = field
      isItem = false
    }
    if (marks !== '' && start < column) {
      for (let mark = field - 2; mark >= start; mark -= 2) {
        path.unshift(0)
        column = mark
        isItem = true
      }
    }
  }
  return path
}

/** The fields that stand beside one already. */
export function siblings(lines: readonly string[], at: number, indent: number): ReadonlySet<string> {
  const names = new Set<string>()
  const look = (step: 1 | -1): void => {
    for (let index = at + step; index >= 0 && index < lines.length; index += step) {
      const [, blank = '', marks = '', name = ''] = /^(\s*)((?:- )*)([\w.$/-]*)/.exec(lines[index]!)!
      if (name === '') continue
      const field = blank.length + marks.length
      if (step === 1 && (field < indent || (marks !== '' && field === indent))) return
      if (field === indent) names.add(name)
      if (step === -1 && blank.length < indent) return
    }
  }
  if (!/^\s*- /.test(lines[at] ?? '')) look(-1)
  look(1)
  return names
}

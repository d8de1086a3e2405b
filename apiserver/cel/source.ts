// What Kubernetes' expressions may say and the library's grammar has no word for, said in words that it has: objects by
// type (`Object.spec{replicas: 3}`) become maps, and `matches` another function.
// Called by compiler.ts. Lines and columns stay as near as they can.

interface Token {
  readonly kind: 'name' | 'text' | 'space' | 'other'
  readonly text: string
}

/** `matches` of the library is JavaScript's; this one is linear (library/regex.ts). */
export const matchesName = 'matches_re2'
/** Wraps the map that stands for an object: its type, and what it is made of. */
export const objectName = 'kubernetes_object'

export function rewritten(source: string): string {
  const tokens = tokenize(source)
  const out: string[] = []
  /** What each open brace is: an object's, whose keys are bare names, or any other bracket. */
  const open: ('object' | 'other')[] = []
  let atKey = false
  for (let at = 0; at < tokens.length; at++) {
    const { kind, text } = tokens[at]!
    if (kind === 'name' && text === 'matches' && isCall(tokens, at) && previous(tokens, at) === '.') {
      out.push(matchesName)
      continue
    }
    const type = kind === 'name' && previous(tokens, at) !== '.' ? objectTypeAt(tokens, at) : undefined
    if (type !== undefined) {
      out.push(`${objectName}(${JSON.stringify(type.name)}, {`)
      open.push('object')
      atKey = true
      at = type.brace
      continue
    }
    if (kind === 'other') {
      if (text === '{' || text === '(' || text === '[') {
        open.push('other')
        atKey = false
      } else if (text === '}' || text === ')' || text === ']') {
        const was = open.pop()
        out.push(was === 'object' ? '})' : text)
        atKey = false
        continue
      } else if (text === ',' && open.at(-1) === 'object') atKey = true
    }
    if (atKey && kind === 'name' && open.at(-1) === 'object') {
      out.push(JSON.stringify(text))
      atKey = false
      continue
    }
    out.push(text)
  }
  return out.join('')
}

/** `Object`, `Object.spec.template` or `JSONPatch`, when a brace follows. */
function objectTypeAt(
  tokens: readonly Token[],
  at: number,
): { readonly name: string; readonly brace: number } | undefined {
  const first = tokens[at]!.text
  if (first !== 'Object' && first !== 'JSONPatch') return undefined
  let name = first
  let next = at + 1
  for (;;) {
    while (tokens[next]?.kind === 'space') next++
    const { text } = tokens[next] ?? { text: '' }
    if (text === '{') return { name, brace: next }
    if (text !== '.') return undefined
    next++
    while (tokens[next]?.kind === 'space') next++
    if (tokens[next]?.kind !== 'name') return undefined
    name += `.${tokens[next]!.text}`
    next++
  }
}

function isCall(tokens: readonly Token[], at: number): boolean {
  let next = at + 1
  while (tokens[next]?.kind === 'space') next++
  return tokens[next]?.text === '('
}

function previous(tokens: readonly Token[], at: number): string | undefined {
  let before = at - 1
  while (tokens[before]?.kind === 'space') before--
  return tokens[before]?.text
}

const token =
  /\/\/[^\n]*|\s+|[rRbB]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|[A-Za-z_][A-Za-z0-9_]*|[\s\S]/g

function tokenize(source: string): Token[] {
  return [...source.matchAll(token)].map(([text]) => {
    if (/^(?:\s|\/\/)/.test(text)) return { kind: 'space', text }
    if (/^[rRbB]{0,2}["']/.test(text) && text.length > 1) return { kind: 'text', text }
    return { kind: /^[A-Za-z_]/.test(text) ? 'name' : 'other', text }
  })
}

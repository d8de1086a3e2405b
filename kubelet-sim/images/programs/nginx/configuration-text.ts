// The text of nginx' configuration: words, blocks and includes, with the place of each directive, and nginx' own words for what
// it cannot read (src/core/ngx_conf_file.c).

import type { FileSystem } from '../../../machine/file-system.ts'
import { SystemError } from '../../../machine/system-error.ts'

/** What nginx would not start with; the message is nginx' own, without its level. */
export class ConfigurationFault extends Error {
  override readonly name = 'ConfigurationFault'
}

export interface Directive {
  readonly name: string
  readonly args: readonly string[]
  readonly file: string
  readonly line: number
  readonly block?: readonly Directive[]
}

export const mainFile = '/etc/nginx/nginx.conf'

export const placeOf = ({ file, line }: { readonly file: string; readonly line: number }): string =>
  `in ${file}:${line}`

/** All of it, with what is included in the place of each include. */
export function readConfiguration(files: FileSystem, path = mainFile): readonly Directive[] {
  return parse(textOf(files, path, ''), path).flatMap(directive => withIncludes(files, directive))
}

function withIncludes(files: FileSystem, directive: Directive): readonly Directive[] {
  const { name, args, block } = directive
  if (name === 'include' && block === undefined && args.length === 1) {
    return included(files, args[0]!).flatMap(path =>
      parse(textOf(files, path, ` ${placeOf(directive)}`), path).flatMap(each => withIncludes(files, each)),
    )
  }
  return block === undefined ? [directive] : [{ ...directive, block: block.flatMap(each => withIncludes(files, each)) }]
}

function textOf(files: FileSystem, path: string, place: string): string {
  try {
    return files.readText(path)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    const why = error.errno === 'EACCES' ? '13: Permission denied' : '2: No such file or directory'
    throw new ConfigurationFault(`open() "${path}" failed (${why})${place}`)
  }
}

/** A pattern that fits nothing includes nothing. */
function included(files: FileSystem, pattern: string): readonly string[] {
  const whole = pattern.startsWith('/') ? pattern : `/etc/nginx/${pattern}`
  // Its types are known anyway.
  if (whole === '/etc/nginx/mime.types' && !files.exists(whole)) return []
  const slash = whole.lastIndexOf('/')
  const [folder, name] = [whole.slice(0, slash), whole.slice(slash + 1)]
  if (!name.includes('*')) return [whole]
  if (!files.exists(folder)) return []
  const [before = '', after = ''] = name.split('*')
  return files
    .list(folder)
    .filter(each => each.startsWith(before) && each.endsWith(after) && !each.startsWith('.'))
    .map(each => `${folder}/${each}`)
}

const tokens =
  /(\s+|#[^\n]*)|("(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*')|([{};])|((?:[^\s{};"'#\\]|\\.|\$\{\w+\})(?:[^\s{};\\]|\\.|\$\{\w+\})*)|([\s\S])/g

export function parse(text: string, file: string): readonly Directive[] {
  const stack: { readonly directives: Directive[]; readonly opened: Omit<Directive, 'block'> | undefined }[] = [
    { directives: [], opened: undefined },
  ]
  let words: string[] = []
  let line = 1
  const fault = (why: string): never => {
    throw new ConfigurationFault(`${why} in ${file}:${line}`)
  }
  const taken = (): Omit<Directive, 'block'> => {
    const [name = '', ...args] = words
    words = []
    return { name, args, file, line }
  }
  for (const [token, blank, quoted, mark, , other] of text.matchAll(tokens)) {
    const top = stack.at(-1)!
    if (mark === ';') {
      if (words.length === 0) fault('unexpected ";"')
      top.directives.push(taken())
    } else if (mark === '{') {
      if (words.length === 0) fault('unexpected "{"')
      stack.push({ directives: [], opened: taken() })
    } else if (mark === '}') {
      if (words.length > 0 || top.opened === undefined) fault('unexpected "}"')
      stack.pop()
      stack.at(-1)!.directives.push({ ...top.opened!, block: top.directives })
    } else if (other !== undefined) fault('unexpected end of file, expecting """')
    else if (quoted !== undefined) words.push(unescaped(token.slice(1, -1)))
    else if (blank === undefined) words.push(unescaped(token))
    for (const letter of token) if (letter === '\n') line++
  }
  if (words.length > 0) fault('unexpected end of file, expecting ";" or "}"')
  if (stack.length > 1) fault('unexpected end of file, expecting "}"')
  return stack[0]!.directives
}

const letters: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

/** A backslash before anything else than these stays: it is a regular expression's. */
const unescaped = (text: string): string =>
  text.replace(/\\([nrt"'\\])/g, (_, letter: string) => letters[letter] ?? letter)

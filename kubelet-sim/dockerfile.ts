// Reads a Dockerfile, and beside it the script it starts, for what a container of that image would do: which ports it
// listens on, what it answers, what it prints. Called by `kubesim image build`. Nothing is built or run; RUN is taken as
// done. A Python script is read for Flask and FastAPI routes that return a literal text, and for its `port=`.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseImageName } from '../src/kinds/image-name.ts'
import { understand } from './command.ts'
import { catalogImage, type Image } from './images.ts'

/** `file` defaults to Dockerfile in the build context; rejects with ENOENT (and its path) when there is none. */
export async function readDockerfile(context: string, name: string, file?: string): Promise<Image> {
  const text = await readFile(file ?? join(context, 'Dockerfile'), 'utf8')
  const stage = parseDockerfile(text)
  const scripts = new Map<string, string>()
  for (const path of scriptsOf(stage)) {
    try {
      scripts.set(path, await readFile(join(context, path), 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return imageOf(name, stage, scripts)
}

/** A Dockerfile that cannot be read: the message names the line. */
export class DockerfileError extends Error {
  override readonly name = 'DockerfileError'
}

/** What the last stage of a Dockerfile sets. */
export interface Stage {
  from: string
  ports: number[]
  env: Record<string, string>
  labels: Record<string, string>
  entrypoint?: string[]
  command?: string[]
  workdir?: string
  /** [from in the context, to in the image] */
  copies: [string, string][]
}

export function parseDockerfile(text: string): Stage {
  const args: Record<string, string> = {}
  const stages = new Map<string, Stage>()
  let stage: Stage | undefined
  for (const { line, number } of logicalLines(text)) {
    const [, word = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(line) ?? []
    const instruction = word.toUpperCase()
    if (instruction === 'ARG') {
      for (const [key, value] of pairs(rest, args)) args[key] ??= value
      continue
    }
    if (instruction === 'FROM') {
      stage = fromStage(expand(rest, args), stages, number)
      continue
    }
    if (stage === undefined) throw new DockerfileError(`Dockerfile line ${number}: ${instruction} comes before FROM`)
    apply(stage, instruction, rest, args, number)
  }
  if (stage === undefined) throw new DockerfileError('the Dockerfile has no FROM')
  return stage
}

function fromStage(rest: string, stages: Map<string, Stage>, number: number): Stage {
  const [base, as, name] = rest.split(/\s+/).filter(word => !word.startsWith('--'))
  if (base === undefined) throw new DockerfileError(`Dockerfile line ${number}: FROM needs an image`)
  const earlier = stages.get(base.toLowerCase())
  const stage: Stage = earlier ? structuredClone(earlier) : { from: base, ports: [], env: {}, labels: {}, copies: [] }
  if (as?.toUpperCase() === 'AS' && name !== undefined) stages.set(name.toLowerCase(), stage)
  return stage
}

const without = new Set(['RUN', 'USER', 'VOLUME', 'SHELL', 'STOPSIGNAL', 'HEALTHCHECK', 'ONBUILD', 'MAINTAINER'])

function apply(stage: Stage, instruction: string, rest: string, args: Record<string, string>, number: number): void {
  const known = { ...args, ...stage.env }
  switch (instruction) {
    case 'EXPOSE':
      for (const word of expand(rest, known).split(/\s+/)) {
        const port = Number.parseInt(word, 10)
        if (port > 0 && !word.endsWith('/udp') && !stage.ports.includes(port)) stage.ports.push(port)
      }
      return
    case 'ENV':
      for (const [key, value] of pairs(rest, known)) stage.env[key] = value
      return
    case 'LABEL':
      for (const [key, value] of pairs(rest, known)) stage.labels[key] = value
      return
    case 'WORKDIR':
      stage.workdir = expand(rest, known)
      return
    case 'CMD':
      stage.command = commandWords(rest, number)
      return
    case 'ENTRYPOINT':
      stage.entrypoint = commandWords(rest, number)
      delete stage.command
      return
    case 'COPY':
    case 'ADD': {
      const words = rest.startsWith('[') ? commandWords(rest, number) : rest.split(/\s+/)
      const paths = words.filter(word => !word.startsWith('--'))
      // What comes from another stage is no file of the context.
      if (words.some(word => word.startsWith('--from'))) return
      const to = paths.pop() ?? '.'
      for (const from of paths) stage.copies.push([from, to])
      return
    }
    default:
      if (!without.has(instruction)) {
        throw new DockerfileError(`Dockerfile line ${number}: unknown instruction: ${instruction}`)
      }
  }
}

/** The exec form is JSON; the shell form is run by a shell. */
function commandWords(rest: string, number: number): string[] {
  if (!rest.startsWith('[')) return ['/bin/sh', '-c', rest]
  try {
    const words: unknown = JSON.parse(rest)
    if (Array.isArray(words) && words.every(word => typeof word === 'string')) return words
  } catch {
    // Docker takes a list that is not JSON for the shell form; nobody means that.
  }
  throw new DockerfileError(`Dockerfile line ${number}: not a list of strings in JSON: ${rest}`)
}

/** Lines with their continuations joined, comments and blank lines left out. */
function logicalLines(text: string): { line: string; number: number }[] {
  const found: { line: string; number: number }[] = []
  let open: { line: string; number: number } | undefined
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*#/.test(raw) || (open === undefined && raw.trim() === '')) continue
    const continued = /\\\s*$/.test(raw)
    const part = raw.replace(/\\\s*$/, '').trim()
    if (open) open.line = `${open.line} ${part}`.trim()
    else open = { line: part, number: index + 1 }
    if (!continued) {
      found.push(open)
      open = undefined
    }
  }
  if (open) found.push(open)
  return found
}

/** `a=b "c=d e" f='g'`, or the old `NAME the rest`. */
function pairs(rest: string, known: Readonly<Record<string, string>>): [string, string][] {
  const found: [string, string][] = []
  for (const match of rest.matchAll(/("[^"]*"|[\w.\-/]+)=("(?:[^"\\]|\\.)*"|'[^']*'|(?:[^\s\\]|\\.)*)/g)) {
    found.push([unquote(match[1]!, known), unquote(match[2]!, known)])
  }
  if (found.length > 0) return found
  const [, key, value = ''] = /^(\S+)\s*([\s\S]*)$/.exec(rest) ?? []
  return key === undefined ? [] : [[key, unquote(value, known)]]
}

function unquote(text: string, known: Readonly<Record<string, string>>): string {
  if (text.startsWith("'")) return text.slice(1, -1)
  const inner = text.startsWith('"') ? text.slice(1, -1) : text
  return expand(inner.replace(/\\(.)/g, '$1'), known)
}

function expand(text: string, known: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))/g,
    (_, braced?: string, fallback?: string, bare?: string) => known[braced ?? bare ?? ''] ?? fallback ?? '',
  )
}

/** The scripts of the context that the command may start, most likely first. */
export function scriptsOf(stage: Stage): string[] {
  const argv = [...(stage.entrypoint ?? []), ...(stage.command ?? [])]
  const words = argv.flatMap(word => word.split(/\s+/))
  const names = words.filter(word => word.endsWith('.py')).map(word => word.slice(word.lastIndexOf('/') + 1))
  // uvicorn and gunicorn name a module: app.main:app
  for (const word of words) {
    const module = /^([A-Za-z_][\w.]*):[A-Za-z_]\w*(\(\))?$/.exec(word)?.[1]
    if (module) names.push(`${module.replaceAll('.', '/')}.py`)
  }
  if (words.some(word => word === 'flask')) names.push(stage.env.FLASK_APP ?? 'app.py', 'app.py')
  const folders = stage.copies.map(([from]) => from.replace(/^\.\//, '').replace(/\/$/, ''))
  const found = new Set<string>()
  for (const name of names) {
    found.add(name)
    for (const folder of folders)
      if (folder !== '' && folder !== '.' && !folder.endsWith('.py')) found.add(`${folder}/${name}`)
    for (const folder of folders) if (folder.endsWith(`/${name}`)) found.add(folder)
  }
  return [...found]
}

/** The image that a stage and the scripts it starts amount to. */
export function imageOf(name: string, stage: Stage, scripts: ReadonlyMap<string, string>): Image {
  const baseName = parseImageName(stage.from)
  const base = baseName && catalogImage(baseName)
  const app = [...scripts.values()].map(readPython).find(read => read !== undefined)
  const argv = [
    ...(stage.entrypoint ?? base?.entrypoint ?? []),
    ...(stage.command ?? (stage.entrypoint ? [] : (base?.command ?? []))),
  ]
  const ports = portsOf(stage, argv, app)
  const inherits = stage.command === undefined && stage.entrypoint === undefined
  const own = app ?? (inherits ? base : undefined)
  const routes = own?.routes
  const prints = app ? startLines(argv, scripts, ports[0]) : inherits ? base?.prints : undefined
  return {
    name,
    ...(ports.length > 0 ? { ports } : inherits && base?.ports ? { ports: base.ports } : {}),
    ...(Object.keys(stage.env).length > 0 ? { env: stage.env } : {}),
    ...(stage.entrypoint
      ? { entrypoint: stage.entrypoint }
      : inherits && base?.entrypoint
        ? { entrypoint: base.entrypoint }
        : {}),
    ...(argv.length > 0 && !stage.entrypoint ? { command: argv } : stage.command ? { command: stage.command } : {}),
    ...(stage.workdir ? { workdir: stage.workdir } : {}),
    ...(Object.keys(stage.labels).length > 0 ? { labels: stage.labels } : {}),
    ...(routes && Object.keys(routes).length > 0 ? { routes } : {}),
    ...(own?.body ? { body: own.body } : {}),
    ...(prints && prints.length > 0 ? { prints } : {}),
    ...(inherits && base?.tcp ? { tcp: true } : {}),
    size: (base?.size ?? 120_000_000) + 12_000_000,
  }
}

function portsOf(stage: Stage, argv: readonly string[], app: PythonApp | undefined): number[] {
  if (understand(argv, stage.env) !== undefined) return []
  const text = argv.join(' ')
  const asked = /--?(?:port|p)[= ](\d+)/.exec(text) ?? /(?:--bind|-b|--listen)[= ]\S*?:?(\d+)(?:\s|$)/.exec(text)
  if (asked) return [Number(asked[1])]
  if (/\buvicorn\b/.test(text) || /\bgunicorn\b/.test(text)) return stage.ports.length > 0 ? stage.ports : [8000]
  if (app?.port !== undefined) return [app.port]
  return stage.ports.length > 0 ? stage.ports : app ? [app.framework === 'flask' ? 5000 : 8000] : []
}

interface PythonApp {
  readonly framework: 'flask' | 'fastapi'
  readonly routes: Readonly<Record<string, string>>
  readonly body?: undefined
  readonly port: number | undefined
}

/** Routes whose function returns a literal; undefined when the script is no web application. */
export function readPython(source: string): PythonApp | undefined {
  const framework = /\bFlask\(/.test(source) ? 'flask' : /\bFastAPI\(/.test(source) ? 'fastapi' : undefined
  if (framework === undefined) return undefined
  const routes: Record<string, string> = {}
  const heads =
    /@\w+\.(?:route|get|post)\(\s*(["'])(.*?)\1[^\n]*\)\s*\n(?:@[^\n]*\n)*(?:async\s+)?def\s+\w+\([^\n]*:\s*\n/g
  for (const head of source.matchAll(heads)) {
    const body = source.slice(head.index + head[0].length).split(/\n(?=\S)/)[0] ?? ''
    const returned = /(?:^|\n)\s+return\s+([\s\S]*?)(?=\n\s*\n|\n\S|\n\s+(?:def|@)|$)/.exec(body)?.[1]?.trim()
    if (returned !== undefined) routes[head[2]!] = literalOf(returned) ?? ''
  }
  const port = /\bport\s*=\s*(?:int\([^\n]*?["']?(\d{2,5})["']?\s*\)+|(\d{2,5}))/.exec(source)
  return { framework, routes, port: port ? Number(port[1] ?? port[2]) : undefined }
}

/** A Python string, or a dict or jsonify(...) of plain values as its JSON; undefined for what has to be computed. */
function literalOf(expression: string): string | undefined {
  const text =
    /^(?:[rub]?)(?:"""([\s\S]*?)"""|'''([\s\S]*?)'''|"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)')(?:\s*,\s*\d+)?$/.exec(
      expression,
    )
  if (text) return (text[1] ?? text[2] ?? text[3] ?? text[4] ?? '').replace(/\\n/g, '\n').replace(/\\(["'\\])/g, '$1')
  const dict = /^(?:jsonify\()?(\{[\s\S]*?\})\)?(?:\s*,\s*\d+)?$/.exec(expression)?.[1]
  if (dict === undefined) return undefined
  try {
    return JSON.stringify(
      JSON.parse(
        dict
          .replace(/'/g, '"')
          .replace(/\bTrue\b/g, 'true')
          .replace(/\bFalse\b/g, 'false')
          .replace(/\bNone\b/g, 'null')
          .replace(/,\s*\}/g, '}'),
      ),
    )
  } catch {
    return undefined
  }
}

function startLines(argv: readonly string[], scripts: ReadonlyMap<string, string>, port = 0): string[] {
  if (/\b(uvicorn|gunicorn)\b/.test(argv.join(' '))) {
    return [
      'INFO:     Application startup complete.',
      `INFO:     Uvicorn running on http://0.0.0.0:${port} (Press CTRL+C to quit)`,
    ]
  }
  const module = [...scripts.keys()][0]?.replace(/^.*\//, '').replace(/\.py$/, '') ?? 'app'
  return [
    ` * Serving Flask app '${module}'`,
    ' * Debug mode: off',
    ' * Running on all addresses (0.0.0.0)',
    ` * Running on http://127.0.0.1:${port}`,
  ]
}

// kubeconfig files of the user: read one, put a context into it and take it out again. Nothing else of it changes, not even
// its spacing: entries are spliced into the text, at the places where a YAML parser says they stand.

import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  type Document,
  isMap,
  isSeq,
  type Node,
  type Pair,
  parse,
  parseDocument,
  type Scalar,
  stringify,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { type Access, entries, replaceFile } from './kubeconfig.ts'

/** The current context of a kubeconfig, or the one named. Throws an Error that names the file and what is wrong with it. */
export function readKubeconfig(file: string, context?: string): Access {
  const fail = (why: string): never => {
    throw new Error(`kubeconfig ${file}: ${why}`)
  }
  let config: Kubeconfig
  try {
    config = (parse(readFileSync(file, 'utf8')) ?? {}) as Kubeconfig
  } catch (error) {
    return fail(
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : String(error).split('\n')[0]!,
    )
  }
  const name = context ?? config['current-context']
  if (!name) return fail('no context is current; name one')
  const found = config.contexts?.find(each => each.name === name)?.context ?? fail(`there is no context "${name}"`)
  const cluster =
    config.clusters?.find(each => each.name === found.cluster)?.cluster ??
    fail(`there is no cluster "${found.cluster}"`)
  const user = config.users?.find(each => each.name === found.user)?.user ?? {}
  const data = (inline: string | undefined, path: string | undefined): string | undefined => {
    if (inline) return Buffer.from(inline, 'base64').toString()
    return path ? readFileSync(resolve(dirname(file), path), 'utf8') : undefined
  }
  return {
    server: cluster.server ?? fail(`cluster "${found.cluster}" has no server`),
    ca: data(cluster['certificate-authority-data'], cluster['certificate-authority']),
    cert: data(user['client-certificate-data'], user['client-certificate']),
    key: data(user['client-key-data'], user['client-key']),
    token: user.token ?? data(undefined, user.tokenFile),
    insecure: cluster['insecure-skip-tls-verify'],
  }
}

/** Which of several files (KUBECONFIG's) a new context goes to, as kubectl chooses: the first that is there, else the last. */
export function kubeconfigToMergeInto(files: readonly string[]): string {
  return files.find(file => existsSync(file)) ?? files.at(-1)!
}

/** Puts cluster, user and context of this name into the file and makes the context current, as kind and minikube do. */
export function mergeKubeconfig(file: string, name: string, access: Access): void {
  edit(file, before => {
    const { cluster, user } = entries(access)
    let text = before
    for (const [key, value] of Object.entries({ apiVersion: 'v1', kind: 'Config' })) {
      if (!parsed(text).has(key)) text = withScalar(text, key, value)
    }
    text = withEntry(text, 'clusters', { name, cluster })
    text = withEntry(text, 'users', { name, user })
    text = withEntry(text, 'contexts', { name, context: { cluster: name, user: name } })
    return withScalar(text, 'current-context', name)
  })
}

/** Puts them in without making the context current. */
export function addContext(file: string, name: string, access: Access): void {
  edit(file, before => {
    const { cluster, user } = entries(access)
    const text = withEntry(withEntry(before, 'clusters', { name, cluster }), 'users', { name, user })
    return withEntry(text, 'contexts', { name, context: { cluster: name, user: name } })
  })
}

/** Whether a context of this name leads there. */
export function leadsTo(file: string, name: string, server: string): boolean {
  return namesIn(file, 'contexts').includes(name) && readKubeconfig(file, name).server === server
}

/** Takes a context out, and those of its past: `NAME@REVISION`. */
export function removeWithPast(file: string, name: string): void {
  for (const each of namesIn(file, 'contexts')) {
    if (each === name || (/^@\d+$/.test(each.slice(name.length)) && each.startsWith(name)))
      removeFromKubeconfig(file, each)
  }
  removeFromKubeconfig(file, name)
}

function namesIn(file: string, list: string): string[] {
  const found = listIn(parsed(readFileSync(file, 'utf8')), list)
  return (found?.items ?? []).map(item => String(item?.get?.('name') ?? ''))
}

/** Takes what `mergeKubeconfig` put in out again; a current context of this name becomes none. */
export function removeFromKubeconfig(file: string, name: string): void {
  edit(file, before => {
    let text = before
    for (const list of ['clusters', 'users', 'contexts']) text = withoutEntry(text, list, name)
    return parsed(text).get('current-context') === name ? withScalar(text, 'current-context', '') : text
  })
}

interface Kubeconfig {
  readonly 'current-context'?: string
  readonly contexts?: readonly { name: string; context?: { cluster: string; user: string } }[]
  readonly clusters?: readonly {
    name: string
    cluster?: {
      server?: string
      'certificate-authority'?: string
      'certificate-authority-data'?: string
      'insecure-skip-tls-verify'?: boolean
    }
  }[]
  readonly users?: readonly {
    name: string
    user?: {
      token?: string
      tokenFile?: string
      'client-certificate'?: string
      'client-certificate-data'?: string
      'client-key'?: string
      'client-key-data'?: string
    }
  }[]
}

// ---- splices: each takes a text and gives one that differs in one place

interface Entry {
  readonly name: string
  readonly [key: string]: unknown
}

/** The entry in place of the one of its name, or after the last. */
function withEntry(text: string, list: string, entry: Entry): string {
  const document = parsed(text)
  const found = listIn(document, list)
  if (found === undefined || found.items.length === 0) return withFirst(text, list, entry)
  if (found.flow) {
    return throughDocument(text, document, () => {
      const index = indexIn(found, entry.name)
      if (index < 0) found.add(document.createNode(entry))
      else found.set(index, document.createNode(entry))
    })
  }
  const index = indexIn(found, entry.name)
  const place = placeOf(text, found.items.at(index)!)
  const item = block(entry, place.indent)
  if (index >= 0) return `${text.slice(0, place.from)}${item}${text.slice(place.to)}`
  const head = text.slice(0, place.to)
  return `${head}${head.endsWith('\n') ? '' : '\n'}${item}${text.slice(place.to)}`
}

function withoutEntry(text: string, list: string, name: string): string {
  const document = parsed(text)
  const found = listIn(document, list)
  const index = found === undefined ? -1 : indexIn(found, name)
  if (found === undefined || index < 0) return text
  if (found.flow) return throughDocument(text, document, () => found.delete(index))
  const { from, to } = placeOf(text, found.items[index]!)
  if (found.items.length > 1) return text.slice(0, from) + text.slice(to)
  const colon = behindColon(text, memberOf(document, list)!)
  return `${text.slice(0, colon)} []${text.slice(colon, from)}${text.slice(to)}`
}

/** The entry as the only one of a list that is empty, null or not there. */
function withFirst(text: string, list: string, entry: Entry): string {
  const document = parsed(text)
  if (isFlow(document)) return throughDocument(text, document, () => document.set(list, document.createNode([entry])))
  const member = memberOf(document, list)
  if (member === undefined) return withMember(text, document, `${list}:\n${block(entry, '')}`)
  const colon = behindColon(text, member)
  const [from, to] = valueIn(member) ?? [colon, colon]
  const line = lineEnd(text, to)
  const rest = text.slice(to, line).replace(/\n$/, '')
  return `${text.slice(0, from).trimEnd()}${rest}\n${block(entry, '')}${text.slice(line)}`
}

/** A member of the whole with a plain value, where it stands or at the end. */
function withScalar(text: string, key: string, value: string): string {
  const document = parsed(text)
  if (document.get(key) === value) return text
  if (isFlow(document)) return throughDocument(text, document, () => document.set(key, value))
  const member = memberOf(document, key)
  const words = stringify(value, yaml11).trimEnd()
  if (member === undefined) return withMember(text, document, `${key}: ${words}\n`)
  const place = valueIn(member)
  if (place !== undefined) return text.slice(0, place[0]) + words + text.slice(place[1])
  const colon = behindColon(text, member)
  return `${text.slice(0, colon)} ${words}${text.slice(colon)}`
}

/** Lines of a new member, behind the last there is: what is commented at the end of the file stays at its end. */
function withMember(text: string, { contents }: Document, lines: string): string {
  const at = contents?.range ? lineEnd(text, contents.range[1] - 1) : text.length
  const head = text.slice(0, at)
  return `${head}${head === '' || head.endsWith('\n') ? '' : '\n'}${lines}${text.slice(at)}`
}

type Member = Pair<Scalar<string>, Node | null>

function memberOf({ contents }: Document, key: string): Member | undefined {
  return (contents as YAMLMap<Scalar<string>, Node | null> | null)?.items.find(each => each.key.value === key)
}

function behindColon(text: string, { key }: Member): number {
  return text.indexOf(':', key.range![1]) + 1
}

/** Where a member's value stands; undefined when nothing does. */
function valueIn({ value }: Member): readonly [from: number, to: number] | undefined {
  const range = value?.range
  return range && range[1] > range[0] ? [range[0], range[1]] : undefined
}

/** Whole lines of an item of a block list, and how far its dash is indented. */
function placeOf(text: string, item: Node): { from: number; to: number; indent: string } {
  const [start, end] = item.range!
  const dash = text.lastIndexOf('-', start - 1)
  const from = text.lastIndexOf('\n', dash) + 1
  return { from, to: lineEnd(text, end - 1), indent: text.slice(from, dash) }
}

/** Just behind the line that holds the character at `index`. */
function lineEnd(text: string, index: number): number {
  const newline = text.indexOf('\n', index)
  return newline < 0 ? text.length : newline + 1
}

function block(entry: Entry, indent: string): string {
  return stringify([entry], { ...yaml11, lineWidth: 0, indentSeq: false })
    .split('\n')
    .map(line => (line === '' ? '' : indent + line))
    .join('\n')
}

/** Go reads YAML 1.1, in which more words need quotes. */
const yaml11 = { version: '1.1' } as const

const isFlow = (document: Document): boolean => (document.contents as YAMLMap | null)?.flow === true

/** For files in flow style: written anew, since there are no lines to put something between. JSON stays JSON. */
function throughDocument(text: string, document: Document, change: () => void): string {
  change()
  try {
    JSON.parse(text)
  } catch {
    return document.toString({ lineWidth: 0 })
  }
  return `${JSON.stringify(document.toJS(), null, 2)}\n`
}

function listIn(document: Document, list: string): YAMLSeq<YAMLMap> | undefined {
  const found = document.get(list)
  return isSeq<YAMLMap>(found) ? found : undefined
}

function indexIn(list: YAMLSeq<YAMLMap>, name: string): number {
  return list.items.findIndex(item => item?.get?.('name') === name)
}

function parsed(text: string): Document {
  const document = parseDocument(text)
  if (document.errors.length > 0) throw new Error(document.errors[0]!.message.split('\n')[0])
  if (document.contents !== null && !isMap(document.contents)) throw new Error('it holds no mapping')
  return document as unknown as Document
}

/** One change of a file under client-go's lock (`FILE.lock`). */
function edit(named: string, change: (before: string) => string): void {
  // A link stays one, and what it leads to is changed.
  const file = existsSync(named) ? realpathSync(named) : named
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const lock = `${named}.lock`
  try {
    writeFileSync(lock, '', { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new Error(
      `${lock} is there: another program is changing the file, or left the lock behind; delete it if none is`,
    )
  }
  try {
    const before = existsSync(file) ? readFileSync(file, 'utf8') : ''
    let after: string
    try {
      after = change(before)
      parsed(after)
    } catch (cause) {
      throw new Error(`${named} cannot be changed: ${(cause as Error).message}`, { cause })
    }
    if (after !== before) replaceFile(file, after)
  } finally {
    rmSync(lock, { force: true })
  }
}

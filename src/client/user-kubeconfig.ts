// kubeconfig files of the user: read one, put a context into it and take it out again. Nothing else of it changes: the file
// is edited as a document, so that comments, order and what we do not know stay as they are.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Document, parse, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'
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

/** Puts cluster, user and context of this name into the file and makes the context current, as kind and minikube do. */
export function mergeKubeconfig(file: string, name: string, access: Access): void {
  edit(file, document => {
    const { cluster, user } = entries(access)
    for (const [key, value] of Object.entries({ apiVersion: 'v1', kind: 'Config' })) {
      if (!document.has(key)) document.set(key, value)
    }
    put(document, 'clusters', { name, cluster })
    put(document, 'users', { name, user })
    put(document, 'contexts', { name, context: { cluster: name, user: name } })
    document.set('current-context', name)
  })
}

/** Takes what `mergeKubeconfig` put in out again; a current context of this name becomes none. */
export function removeFromKubeconfig(file: string, name: string): void {
  edit(file, document => {
    for (const list of ['clusters', 'users', 'contexts']) {
      const entry = indexOf(document, list, name)
      if (entry !== undefined) document.deleteIn([list, entry])
    }
    if (document.get('current-context') === name) document.set('current-context', '')
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

function indexOf(document: Document, list: string, name: string): number | undefined {
  const items = (document.get(list) as YAMLSeq<YAMLMap> | undefined)?.items ?? []
  const index = items.findIndex(item => item?.get?.('name') === name)
  return index < 0 ? undefined : index
}

function put(
  document: Document,
  list: string,
  entry: { readonly name: string } & Readonly<Record<string, unknown>>,
): void {
  const index = indexOf(document, list, entry.name)
  if (index !== undefined) document.setIn([list, index], document.createNode(entry))
  else if ((document.get(list) as YAMLSeq | undefined)?.items?.length)
    document.addIn([list], document.createNode(entry))
  else document.set(list, document.createNode([entry]))
}

/** One change of a file under client-go's lock (`FILE.lock`), written beside and renamed, so that no reader sees half of it. */
function edit(file: string, change: (document: Document) => void): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const lock = `${file}.lock`
  try {
    writeFileSync(lock, '', { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new Error(
      `${lock} is there: another program is changing the file, or left the lock behind; delete it if none is`,
    )
  }
  try {
    let before = ''
    try {
      before = readFileSync(file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    const document = parseDocument(before)
    if (document.errors.length > 0)
      throw new Error(`${file} is not valid YAML: ${document.errors[0]!.message.split('\n')[0]}`)
    if (document.contents === null) document.contents = document.createNode({}) as never
    change(document as unknown as Document)
    // Long lines stay whole: a folded certificate would be another diff of the user's file.
    const after = document.toString({ lineWidth: 0 })
    if (after !== before) replaceFile(file, after)
  } finally {
    rmSync(lock, { force: true })
  }
}

// kubectl's words and flags taken apart, for all of its commands alike.

import { Failure } from './failure.ts'

export interface Words {
  readonly rest: readonly string[]
  /** What stands after `--`. */
  readonly after: readonly string[]
  has(name: string): boolean
  /** The last one given; undefined: none. */
  value(name: string): string | undefined
  /** All that were given, those with commas taken apart. */
  values(name: string): readonly string[]
}

const switches: ReadonlySet<string> = new Set([
  ...['all', 'all-containers', 'all-namespaces', 'client', 'dry-run', 'follow', 'force', 'force-conflicts', 'help'],
  ...['ignore-not-found', 'insecure-skip-tls-verify', 'list', 'no-headers', 'now', 'overwrite', 'prefix', 'previous'],
  ...['quiet', 'recursive', 'server-side', 'show-kind', 'show-labels', 'show-managed-fields', 'timestamps', 'validate'],
  ...['wait', 'watch', 'watch-only', 'save-config', 'cascade', 'prune', 'record'],
])

const valued: ReadonlySet<string> = new Set([
  ...[
    'certificate-authority',
    'container',
    'context',
    'current-replicas',
    'field-manager',
    'field-selector',
    'filename',
  ],
  ...[
    'for',
    'from',
    'from-file',
    'from-literal',
    'grace-period',
    'image',
    'kubeconfig',
    'label-columns',
    'limit-bytes',
  ],
  ...[
    'as',
    'as-group',
    'namespace',
    'output',
    'patch',
    'patch-file',
    'replicas',
    'request-timeout',
    'schedule',
    'selector',
  ],
  ...['server', 'since', 'since-time', 'sort-by', 'subresource', 'tail', 'timeout', 'token', 'type', 'v', 'chunk-size'],
  ...['kustomize', 'revision', 'resource-version', 'template', 'user', 'cluster'],
])

const short: Readonly<Record<string, string>> = {
  A: 'all-namespaces',
  L: 'label-columns',
  R: 'recursive',
  c: 'container',
  f: 'filename',
  h: 'help',
  k: 'kustomize',
  l: 'selector',
  n: 'namespace',
  o: 'output',
  p: 'patch',
  q: 'quiet',
  s: 'server',
  v: 'v',
  w: 'watch',
}

/** `-f` and `-p` are other words to `logs`. */
const ofLogs: Readonly<Record<string, string>> = { ...short, f: 'follow', p: 'previous' }

export function wordsOf(words: readonly string[]): Words {
  const command = words.find(word => !word.startsWith('-'))
  const letters = command === 'logs' ? ofLogs : short
  const given: { readonly name: string; readonly value: string }[] = []
  const rest: string[] = []
  let at = 0
  const next = (shown: string): string => {
    const value = words[++at]
    if (value === undefined) throw new Failure(`error: flag needs an argument: ${shown}`)
    return value
  }
  for (; at < words.length && words[at] !== '--'; at++) {
    const word = words[at]!
    const long = /^--([^=]+)(?:=(.*))?$/s.exec(word)
    if (long) {
      const [, name, value] = long as unknown as [string, string, string | undefined]
      if (switches.has(name)) given.push({ name, value: value ?? 'true' })
      else if (valued.has(name)) given.push({ name, value: value ?? next(word) })
      else throw new Failure(`error: unknown flag: --${name}\nSee 'kubectl ${command ?? ''} --help' for usage.`)
    } else if (/^-[A-Za-z]/.test(word)) {
      const name = letters[word[1]!]
      if (name === undefined) {
        throw new Failure(`error: unknown shorthand flag: '${word[1]}' in ${word}\nSee 'kubectl --help' for usage.`)
      }
      if (switches.has(name)) given.push({ name, value: 'true' })
      else
        given.push({ name, value: word.length > 2 ? word.slice(2).replace(/^=/, '') : next(`'${word[1]}' in ${word}`) })
    } else rest.push(word)
  }
  const value = (name: string) => given.findLast(each => each.name === name)?.value
  return {
    rest,
    after: words.slice(at + 1),
    has: name => (value(name) ?? 'false') !== 'false',
    value,
    values: name => given.filter(each => each.name === name).flatMap(each => each.value.split(',')),
  }
}

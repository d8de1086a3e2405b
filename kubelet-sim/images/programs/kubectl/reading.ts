// kubectl get, logs, version and api-resources: what only reads. Words: k8s.io/kubectl/pkg/cmd.

import type { Step } from '../../../machine/wait.ts'
import { durationOf } from '../go.ts'
import { type Command, type Placed, type Run, targetsOf, wantedIn } from './command.ts'
import { Failure, Refusal } from './failure.ts'
import { valuesAt } from './json-path.ts'
import { aligned, formatOf, listOf, type Table, tableText } from './printing.ts'
import { apiVersionOf, pathOf, type Resource, resourceNamed, shown } from './resources.ts'

const tables = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

export const get: Run = function* (command) {
  const { process, words, server } = command
  const wanted = yield* wantedIn(command, command.rest)
  const format = formatOf(words)
  if (words.has('watch') || words.has('watch-only')) return yield* watched(command, wanted)
  const output = words.value('output')
  if (format || output === 'name' || words.has('sort-by')) {
    const items: any[] = []
    const refusals: Refusal[] = []
    for (const each of wanted) {
      try {
        const found = yield* server.ask({ path: placeOf(each), query: selectors(command, each) })
        const kind = { apiVersion: apiVersionOf(each.resource), kind: each.resource.kind }
        items.push(...(each.name === undefined ? found.items.map((item: any) => ({ ...kind, ...item })) : [found]))
      } catch (error) {
        if (!isPassable(error)) throw error
        if (!words.has('ignore-not-found')) refusals.push(error)
      }
    }
    sort(items, words.value('sort-by'))
    if (output === 'name') {
      for (const item of items) yield* process.print(`${shown(kindOf(command, item), item.metadata.name)}\n`)
    } else if (format) {
      const isOne = wanted.length === 1 && wanted[0]!.name !== undefined
      if (!isOne || items.length > 0) yield* process.print(format(isOne ? items[0] : listOf(items)))
    } else throw new Failure("error: kubesim's kubectl in a container sorts only what it prints with -o")
    for (const { message } of refusals) yield* process.complain(`${message}\n`)
    return refusals.length > 0 ? 1 : 0
  }
  return yield* tabulated(command, wanted)
}

function* tabulated(command: Command, wanted: readonly Placed[]): Step<number> {
  const { process, words, server } = command
  let [printed, code] = [0, 0]
  const types = new Set(wanted.map(({ resource }) => resource))
  for (const { resource, rows } of yield* tablesOf(command, wanted)) {
    if (rows instanceof Refusal) {
      yield* process.complain(`${rows.message}\n`)
      code = 1
      continue
    }
    if (rows.rows.length === 0) continue
    if (printed++ > 0) yield* process.print('\n')
    yield* process.print(tableText(rows, optionsOf(command, resource, types.size > 1)))
  }
  if (printed > 0 || code > 0 || words.has('ignore-not-found')) return code
  const isEverywhere = words.has('all-namespaces') || !wanted.some(({ resource }) => resource.isNamespaced)
  yield* process.complain(`No resources found${isEverywhere ? '' : ` in ${server.namespace} namespace.`}\n`)
  return 0
}

/** One for each type: several names of it are rows of the same. */
function* tablesOf(command: Command, wanted: readonly Placed[]): Step<{ resource: Resource; rows: Table | Refusal }[]> {
  const found: { resource: Resource; rows: Table | Refusal }[] = []
  for (const each of wanted) {
    try {
      const query = selectors(command, each)
      const table: Table = yield* command.server.ask({ path: placeOf(each), accept: tables, query })
      const last = found.at(-1)
      if (last?.resource === each.resource && !(last.rows instanceof Refusal)) {
        last.rows = { ...last.rows, rows: [...last.rows.rows, ...table.rows] }
      } else found.push({ resource: each.resource, rows: table })
    } catch (error) {
      if (!isPassable(error)) throw error
      if (!command.words.has('ignore-not-found')) found.push({ resource: each.resource, rows: error })
    }
  }
  return found
}

function* watched(command: Command, wanted: readonly Placed[]): Step<number> {
  const { process, words, server } = command
  const [one, ...more] = wanted
  if (one === undefined || more.length > 0) {
    throw new Failure('error: you may only specify a single resource type')
  }
  const { resource, namespace, name } = one
  const path = pathOf(resource, namespace)
  const fieldSelector = name === undefined ? words.value('field-selector') : `metadata.name=${name}`
  const query = { fieldSelector, labelSelector: words.value('selector') }
  const format = formatOf(words)
  const options = optionsOf(command, resource, false)
  const accept = format ? 'application/json' : tables
  const first = yield* server.ask({ path, query, accept })
  let columns: Table['columnDefinitions'] = first.columnDefinitions ?? []
  if (!words.has('watch-only')) {
    if (format) for (const item of first.items) yield* process.print(format(item))
    else if (first.rows.length > 0) yield* process.print(tableText(first, options))
  }
  let isHeaded = first.rows?.length > 0
  const { resourceVersion } = first.metadata
  yield* server.watch({ path, accept, query: { ...query, resourceVersion } }, function* ({ object }) {
    if (format) yield* process.print(format(object))
    else {
      columns = object.columnDefinitions ?? columns
      const table = { columnDefinitions: columns, rows: object.rows }
      yield* process.print(tableText(table, { ...options, withHeaders: options.withHeaders && !isHeaded }))
      isHeaded = true
    }
    return false
  })
  return 0
}

const placeOf = ({ resource, namespace, name }: Placed): string => pathOf(resource, namespace, name)

function selectors({ words }: Command, { name }: Placed) {
  if (name !== undefined) return {}
  return { labelSelector: words.value('selector'), fieldSelector: words.value('field-selector') }
}

/** What does not keep the other objects from being shown. */
function isPassable(error: unknown): error is Refusal {
  return error instanceof Refusal && ['NotFound', 'Forbidden'].includes(error.reason)
}

function kindOf({ resources }: Command, { apiVersion, kind }: { apiVersion: string; kind: string }): Resource {
  return resources.find(each => each.kind === kind && apiVersionOf(each) === apiVersion)!
}

function optionsOf({ words }: Command, resource: Resource, isMixed: boolean) {
  return {
    isWide: words.value('output') === 'wide',
    withHeaders: !words.has('no-headers'),
    withNamespace: words.has('all-namespaces') && resource.isNamespaced,
    withLabels: words.has('show-labels'),
    prefix: isMixed || words.has('show-kind') ? resource : undefined,
  }
}

function sort(items: any[], by: string | undefined): void {
  if (by === undefined) return
  const key = (item: unknown): any => valuesAt(by, item)[0] ?? ''
  items.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
}

export const logs: Run = function* (command) {
  const { process, words, server, rest, resources } = command
  const pods = resourceNamed(resources, 'pods')
  let names = rest.slice(0, 1)
  const selector = words.value('selector') ?? (rest[0]?.includes('/') ? yield* selectorOf(command, rest[0]) : undefined)
  if (selector !== undefined) {
    const { items } = yield* server.ask({ path: pathOf(pods, server.namespace), query: { labelSelector: selector } })
    names = items.map(({ metadata }: any) => metadata.name)
    if (words.value('selector') === undefined) names = names.slice(0, 1)
    if (names.length === 0) throw new Failure(`No resources found in ${server.namespace} namespace.`, 0)
  } else if (rest[0]?.includes('/')) names = [rest[0].slice(rest[0].indexOf('/') + 1)]
  if (names.length === 0)
    throw new Failure(
      "error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
    )
  const since = words.value('since')
  const tail = words.value('tail') ?? (words.value('selector') === undefined ? '-1' : '10')
  for (const name of names) {
    let containers: (string | undefined)[] = [words.value('container') ?? rest[1]]
    if (words.has('all-containers')) {
      const { spec } = yield* server.ask({ path: pathOf(pods, server.namespace, name) })
      containers = [...(spec.initContainers ?? []), ...spec.containers].map(({ name }: { name: string }) => name)
    }
    for (const container of containers) {
      const query = {
        container,
        follow: words.has('follow') ? 'true' : undefined,
        previous: words.has('previous') ? 'true' : undefined,
        timestamps: words.has('timestamps') ? 'true' : undefined,
        tailLines: Number(tail) < 0 ? undefined : tail,
        sinceSeconds: since === undefined ? undefined : String(Math.round((durationOf(since) ?? 0) / 1000)),
        limitBytes: words.value('limit-bytes'),
      }
      const response = yield* server.open({ path: pathOf(pods, server.namespace, name, 'log'), query, accept: '*/*' })
      for (let part = yield* response.read(); part !== undefined; part = yield* response.read())
        yield* process.print(part)
      response.close()
    }
  }
  return 0
}

/** Of a workload's pods; undefined: it is a pod. */
function* selectorOf(command: Command, word: string): Step<string | undefined> {
  const [target] = yield* targetsOf(command, [word])
  const labels = target!.object.spec?.selector?.matchLabels ?? target!.object.spec?.selector
  if (target!.object.kind === 'Pod' || typeof labels !== 'object') return undefined
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
}

export const version: Run = function* ({ process, words, server }) {
  yield* process.print('Client Version: v1.36.0\nKustomize Version: v5.7.1\n')
  if (words.has('client')) return 0
  const { gitVersion } = yield* server.ask({ path: '/version' })
  yield* process.print(`Server Version: ${gitVersion}\n`)
  return 0
}

export const apiResources: Run = function* ({ process, words, resources }) {
  const lines = resources
    .filter(({ verbs }) => verbs.length > 0)
    .map(each => [each.plural, each.shortNames.join(','), apiVersionOf(each), String(each.isNamespaced), each.kind])
  const head = ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND']
  yield* process.print(aligned(words.has('no-headers') ? lines : [head, ...lines]))
  return 0
}

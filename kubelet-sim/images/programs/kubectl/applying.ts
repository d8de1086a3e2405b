// kubectl apply, create and replace: objects made as files or words say. Client-side apply keeps what was applied last in its
// annotation and takes away what is no longer there. Words: k8s.io/kubectl/pkg/cmd/{apply,create,replace}.

import type { Step } from '../../../machine/wait.ts'
import { type Command, dryRunOf, type Run } from './command.ts'
import { Failure, Refusal } from './failure.ts'
import { objectsIn } from './manifests.ts'
import { formatOf } from './printing.ts'
import { pathOf, type Resource, resourceNamed, resourceOfKind, shown } from './resources.ts'
import { textAt } from './server.ts'

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

export const apply: Run = function* (command) {
  if (command.words.value('kustomize') !== undefined)
    throw new Failure("error: kubesim's kubectl in a container has no -k yet")
  if (command.words.has('prune')) throw new Failure("error: kubesim's kubectl in a container has no --prune yet")
  return yield* eachIn(command, command.words.has('server-side') ? appliedByServer : applied)
}

export const replace: Run = command =>
  eachIn(command, function* (_, { resource, path, object }) {
    const now = yield* command.server.ask({ path: `${path}/${object.metadata.name}` })
    const metadata = {
      ...object.metadata,
      resourceVersion: object.metadata.resourceVersion ?? now.metadata.resourceVersion,
    }
    const query = { ...written(command), fieldManager: 'kubectl-replace' }
    const body = { ...object, metadata }
    const answer = yield* command.server.ask({ method: 'PUT', path: pathOfObject(path, object), query, body })
    return { resource, answer, done: 'replaced' }
  })

interface Given {
  readonly resource: Resource
  /** Of the collection. */
  readonly path: string
  readonly object: any
}

interface Outcome {
  readonly resource: Resource
  readonly answer: any
  readonly done: string
}

const pathOfObject = (path: string, { metadata }: any): string => `${path}/${encodeURIComponent(metadata.name)}`

function* eachIn(command: Command, deed: (command: Command, given: Given) => Step<Outcome>): Step<number> {
  const { process, words } = command
  const files = words.values('filename')
  if (files.length === 0) throw new Failure('error: must specify one of -f and -k')
  let code = 0
  for (const object of yield* objectsIn(process, files, words.has('recursive'))) {
    try {
      yield* told(command, yield* deed(command, givenOf(command, object)))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      yield* process.complain(`${error.message}\n`)
      code = 1
    }
  }
  return code
}

function givenOf({ resources, server, words }: Command, object: any): Given {
  const resource = resourceOfKind(resources, object.apiVersion, object.kind)
  const named = words.value('namespace')
  const own = object.metadata?.namespace
  if (resource.isNamespaced && named !== undefined && own !== undefined && own !== named) {
    throw new Failure(
      `error: the namespace from the provided object "${own}" does not match the namespace "${named}". You must pass '--namespace=${own}' to perform this operation.`,
    )
  }
  const namespace = resource.isNamespaced ? (own ?? server.namespace) : undefined
  const metadata = { ...object.metadata, ...(namespace === undefined ? {} : { namespace }) }
  return { resource, path: pathOf(resource, namespace), object: { ...object, metadata } }
}

function* told(command: Command, { resource, answer, done }: Outcome): Step<void> {
  const { process, words } = command
  const format = formatOf(words)
  if (format) return yield* process.print(format(answer))
  const name = shown(resource, answer.metadata.name)
  const dry = dryRunOf(command)
  const suffix = dry === undefined ? '' : dry === 'server' ? ' (server dry run)' : ' (dry run)'
  yield* process.print(words.value('output') === 'name' ? `${name}\n` : `${name} ${done}${suffix}\n`)
}

function written(command: Command) {
  return { dryRun: dryRunOf(command) === undefined ? undefined : 'All', fieldValidation: 'Strict' }
}

function* appliedByServer(command: Command, { resource, path, object }: Given): Step<Outcome> {
  const { server, words } = command
  const force = words.has('force-conflicts') ? 'true' : undefined
  const query = { ...written(command), fieldManager: words.value('field-manager') ?? 'kubectl', force }
  const type = 'application/apply-patch+yaml'
  const answer = yield* server.ask({ method: 'PATCH', path: pathOfObject(path, object), query, type, body: object })
  return { resource, answer, done: 'serverside-applied' }
}

function* applied(command: Command, { resource, path, object }: Given): Step<Outcome> {
  const { server } = command
  const query = { ...written(command), fieldManager: 'kubectl-client-side-apply' }
  const wanted = withAnnotation(object)
  let now: any
  try {
    now = yield* server.ask({ path: pathOfObject(path, object) })
  } catch (error) {
    if (!(error instanceof Refusal) || error.reason !== 'NotFound') throw error
    const answer = yield* server.ask({ method: 'POST', path, query, body: wanted })
    return { resource, answer, done: 'created' }
  }
  const before = JSON.parse(now.metadata.annotations?.[lastApplied] ?? '{}')
  // Lists of built-in kinds are merged by their keys; of others they are taken whole.
  const isBuiltin = !resource.group.includes('.') || resource.group.endsWith('.k8s.io')
  const body = changesOf(before, wanted, now, isBuiltin)
  if (body === undefined) return { resource, answer: now, done: 'unchanged' }
  const type = isBuiltin ? 'application/strategic-merge-patch+json' : 'application/merge-patch+json'
  const answer = yield* server.ask({ method: 'PATCH', path: pathOfObject(path, object), query, type, body })
  const isSame = answer.metadata.resourceVersion === now.metadata.resourceVersion
  return { resource, answer, done: isSame ? 'unchanged' : 'configured' }
}

function withAnnotation(object: any): any {
  const { [lastApplied]: _, ...annotations } = object.metadata.annotations ?? {}
  const bare = { ...object, metadata: { ...object.metadata, annotations } }
  const text = `${JSON.stringify(bare)}\n`
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [lastApplied]: text } } }
}

/** What is to be changed: what differs from what is there, and null for what was applied before and is no longer wanted. */
function changesOf(before: any, wanted: any, now: any, isBuiltin: boolean): any {
  if (!isMap(wanted)) return JSON.stringify(wanted) === JSON.stringify(now) ? undefined : wanted
  const changes: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(wanted)) {
    const there = isMap(now) ? now[key] : undefined
    const past = isMap(before) ? before[key] : undefined
    if (isBuiltin && areNamed(value) && areNamed(there ?? [])) {
      const list = changedItems(areNamed(past) ? past : [], value, there ?? [])
      if (list.length > 0) changes[key] = list
    } else if (isMap(value) && isMap(there)) {
      const inner = changesOf(past, value, there, isBuiltin)
      if (inner !== undefined) changes[key] = inner
    } else if (JSON.stringify(value) !== JSON.stringify(there)) changes[key] = value
  }
  if (isMap(before)) {
    for (const key of Object.keys(before)) {
      if (!Object.hasOwn(wanted, key) && isMap(now) && Object.hasOwn(now, key)) changes[key] = null
    }
  }
  return Object.keys(changes).length > 0 ? changes : undefined
}

/** Of a list that is merged by name. */
function changedItems(before: readonly Named[], wanted: readonly Named[], now: readonly Named[]): Named[] {
  const changed = wanted.flatMap(item => {
    const there = now.find(({ name }) => name === item.name)
    const past = before.find(({ name }) => name === item.name)
    const inner = there === undefined ? item : changesOf(past, item, there, true)
    return inner === undefined ? [] : [{ ...inner, name: item.name }]
  })
  const dropped = before.filter(
    ({ name }) => !wanted.some(each => each.name === name) && now.some(each => each.name === name),
  )
  return [...changed, ...dropped.map(({ name }) => ({ $patch: 'delete', name }))]
}

interface Named {
  readonly name: string
  readonly [field: string]: unknown
}

const isMap = (value: any): value is Record<string, any> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const areNamed = (value: any): value is readonly Named[] =>
  Array.isArray(value) && value.every(item => isMap(item) && typeof item.name === 'string') && value.length > 0

export const create: Run = function* (command) {
  const { rest, words } = command
  if (rest.length === 0) {
    return yield* eachIn(command, (_, given) => made(command, given))
  }
  const object = objectOf(command, rest)
  const whole = object instanceof Function ? yield* object() : object
  if (dryRunOf(command) === 'client') {
    const resource = resourceOfKind(command.resources, whole.apiVersion, whole.kind)
    yield* told(command, { resource, answer: whole, done: 'created' })
    return 0
  }
  if (words.value('filename') !== undefined) throw new Failure('error: unexpected -f beside a type')
  yield* told(command, yield* made(command, givenOf(command, whole)))
  return 0
}

function* made(command: Command, { resource, path, object }: Given): Step<Outcome> {
  const query = { ...written(command), fieldManager: 'kubectl-create' }
  const answer = yield* command.server.ask({ method: 'POST', path, query, body: object })
  return { resource, answer, done: 'created' }
}

function objectOf(command: Command, [type, ...names]: readonly string[]): any {
  const metadata = { name: names.at(-1) }
  if (metadata.name === undefined) throw new Failure('error: exactly one NAME is required, got 0')
  switch (type) {
    case 'namespace':
    case 'ns':
      return { apiVersion: 'v1', kind: 'Namespace', metadata }
    case 'serviceaccount':
    case 'sa':
      return { apiVersion: 'v1', kind: 'ServiceAccount', metadata }
    case 'configmap':
    case 'cm':
      return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: dataOf(command) }
    case 'secret': {
      if (names[0] !== 'generic') break
      const encoded = Object.entries(dataOf(command)).map(([key, value]) => [
        key,
        Buffer.from(value).toString('base64'),
      ])
      return {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata,
        type: command.words.value('type') ?? 'Opaque',
        data: Object.fromEntries(encoded),
      }
    }
    case 'job':
      return () => jobFrom(command, metadata)
  }
  throw new Failure(
    `error: kubesim's kubectl in a container has no "create ${[type, ...names.slice(0, -1)].join(' ')}" yet`,
  )
}

function dataOf({ process, words }: Command): Record<string, string> {
  const data: Record<string, string> = {}
  for (const each of words.values('from-literal')) {
    const equals = each.indexOf('=')
    if (equals < 1) throw new Failure(`error: invalid literal source ${each}, expected key=value`)
    data[each.slice(0, equals)] = each.slice(equals + 1).replace(/^(["'])(.*)\1$/s, '$2')
  }
  for (const each of words.values('from-file')) {
    const [key, file = key] = each.split('=') as [string, string?]
    const text = textAt(process, file)
    if (text === undefined) throw new Failure(`error: error reading ${file}: no such file or directory`)
    data[each.includes('=') ? key : file.slice(file.lastIndexOf('/') + 1)] = text
  }
  return data
}

/** A run of a CronJob by hand. */
function* jobFrom(command: Command, metadata: { name: string | undefined }): Step<any> {
  const from = command.words.value('from')
  const [type, name] = from?.split('/') ?? []
  if (type === undefined || name === undefined) {
    const image = command.words.value('image')
    if (image === undefined) throw new Failure('error: either --image or --from must be specified')
    const container = {
      name: metadata.name,
      image,
      ...(command.words.after.length > 0 ? { command: command.words.after } : {}),
    }
    const template = { spec: { containers: [container], restartPolicy: 'Never' } }
    return { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { template } }
  }
  const resource = resourceNamed(command.resources, type)
  if (resource.kind !== 'CronJob') throw new Failure(`error: from must be an existing cronjob`)
  const cronJob = yield* command.server.ask({ path: pathOf(resource, command.server.namespace, name) })
  const { uid } = cronJob.metadata
  const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name, uid, controller: true }
  const { metadata: inner = {}, spec } = cronJob.spec.jobTemplate
  const annotations = { 'cronjob.kubernetes.io/instantiate': 'manual', ...inner.annotations }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...metadata, labels: inner.labels, annotations, ownerReferences: [owner] },
    spec,
  }
}

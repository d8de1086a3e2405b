// kubectl delete, scale, patch, label, annotate, set image, cordon: what changes objects that are there. Words:
// k8s.io/kubectl/pkg/cmd.

import { load } from 'js-yaml'
import type { Step } from '../../../machine/wait.ts'
import { durationOf } from '../go.ts'
import { type Command, dryRunOf, type Run, type Target, targetsOf, wantedIn } from './command.ts'
import { Failure, Refusal } from './failure.ts'
import { pathOf, type Resource, shown } from './resources.ts'
import { textAt } from './server.ts'

const types = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const

function* patched(
  command: Command,
  { path }: Pick<Target, 'path'>,
  type: keyof typeof types,
  body: unknown,
): Step<any> {
  const dryRun = dryRunOf(command) === undefined ? undefined : 'All'
  const query = { dryRun, fieldManager: command.words.value('field-manager') ?? `kubectl-${command.words.rest[0]}` }
  return yield* command.server.ask({ method: 'PATCH', path, query, type: types[type], body })
}

function* say(command: Command, resource: Resource, name: string, what: string): Step<void> {
  const { process, words } = command
  const isBare = words.value('output') === 'name'
  const dry = dryRunOf(command)
  const suffix = dry === undefined ? '' : dry === 'server' ? ' (server dry run)' : ' (dry run)'
  yield* process.print(isBare ? `${shown(resource, name)}\n` : `${shown(resource, name)} ${what}${suffix}\n`)
}

export const remove: Run = function* (command) {
  const { process, words, server, rest } = command
  const isAll = words.has('all') || words.value('selector') !== undefined || words.value('field-selector') !== undefined
  const wanted = yield* wantedIn(command, rest)
  if (!isAll && wanted.some(({ name }) => name === undefined)) {
    throw new Failure('error: resource(s) were provided, but no name was specified')
  }
  const targets = isAll
    ? (yield* targetsOf(command)).map(({ resource, object: { metadata } }) => ({
        resource,
        name: metadata.name as string,
        namespace: resource.isNamespaced ? (metadata.namespace as string) : undefined,
      }))
    : wanted
  if (targets.length === 0) {
    yield* process.print('No resources found\n')
    return 0
  }
  const cascade = words.value('cascade')
  const propagationPolicy = cascade === 'orphan' ? 'Orphan' : cascade === 'foreground' ? 'Foreground' : 'Background'
  const grace = words.value('grace-period') ?? (words.has('now') ? '1' : words.has('force') ? '0' : undefined)
  const body = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy,
    ...(grace === undefined || Number(grace) < 0 ? {} : { gracePeriodSeconds: Number(grace) }),
  }
  let code = 0
  const gone: { resource: Resource; name: string; namespace: string | undefined; uid: string | undefined }[] = []
  for (const { resource, name, namespace } of targets) {
    try {
      const answer = yield* server.ask({ method: 'DELETE', path: pathOf(resource, namespace, name), body })
      const where = namespace === undefined ? '' : ` from ${namespace} namespace`
      const how = words.has('force') ? 'force deleted' : 'deleted'
      const isBare = words.value('output') === 'name'
      yield* process.print(isBare ? `${shown(resource, name!)}\n` : `${kindWords(resource)} "${name}" ${how}${where}\n`)
      gone.push({ resource, name: name!, namespace, uid: answer.metadata?.uid ?? answer.details?.uid })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (error.reason === 'NotFound' && words.has('ignore-not-found')) continue
      yield* process.complain(`${error.message}\n`)
      code = 1
    }
  }
  if ((words.value('wait') ?? 'true') === 'true') for (const each of gone) yield* untilGone(command, each)
  return code
}

const kindWords = ({ singular, group }: Resource): string => (group === '' ? singular : `${singular}.${group}`)

function* untilGone(
  { server, words, process }: Command,
  {
    resource,
    name,
    namespace,
    uid,
  }: { resource: Resource; name: string; namespace: string | undefined; uid: string | undefined },
): Step<void> {
  const path = pathOf(resource, namespace)
  const query = { fieldSelector: `metadata.name=${name}` }
  const { items, metadata } = yield* server.ask({ path, query })
  if (items.length === 0 || (uid !== undefined && items[0].metadata.uid !== uid)) return
  const timeout = durationOf(words.value('timeout') ?? '0s')
  const due = timeout ? process.clock.now() + timeout : undefined
  let isGone = false
  const from = { ...query, resourceVersion: metadata.resourceVersion }
  yield* server.watch({ path, query: from, due }, ({ type }) => {
    isGone = type === 'DELETED'
    return isGone
  })
  if (!isGone && due !== undefined && process.clock.now() >= due) {
    throw new Failure(`error: timed out waiting for the condition on ${resource.plural}/${name}`)
  }
}

export const scale: Run = function* (command) {
  const { words } = command
  const replicas = Number(words.value('replicas') ?? Number.NaN)
  if (!Number.isInteger(replicas) || replicas < 0) {
    throw new Failure('error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0')
  }
  const current = words.value('current-replicas')
  const targets = yield* targetsOf(command)
  if (targets.length === 0) throw new Failure('error: no objects passed to scale')
  for (const { resource, path, object } of targets) {
    const { name } = object.metadata
    if (!resource.subresources.includes('scale')) {
      throw new Failure(`Error from server (NotFound): the server could not find the requested resource`)
    }
    if (current !== undefined && Number(current) >= 0 && object.spec.replicas !== Number(current)) {
      throw new Failure(`error: Expected replicas to be ${current}, was ${object.spec.replicas}`)
    }
    yield* patched(command, { path: `${path}/scale` }, 'merge', { spec: { replicas } })
    yield* say(command, resource, name, 'scaled')
  }
  return 0
}

export const patch: Run = function* (command) {
  const { words, process } = command
  const file = words.value('patch-file')
  const text = words.value('patch') ?? (file === undefined ? undefined : textAt(process, file))
  if (text === undefined) throw new Failure('error: must specify -p to patch')
  const type = words.value('type') ?? 'strategic'
  if (!Object.hasOwn(types, type)) {
    throw new Failure(`error: --type must be one of [json merge strategic], not "${type}"`)
  }
  let body: unknown
  try {
    body = load(text)
  } catch (error) {
    throw new Failure(`error: unable to parse "${text}": ${(error as Error).message.split('\n')[0]}`)
  }
  const subresource = words.value('subresource')
  for (const { resource, path, object } of yield* targetsOf(command)) {
    const at = subresource === undefined ? path : `${path}/${subresource}`
    const after = yield* patched(command, { path: at }, type as keyof typeof types, body)
    const isSame = after.metadata?.resourceVersion === object.metadata.resourceVersion
    yield* say(command, resource, object.metadata.name, isSame ? 'patched (no change)' : 'patched')
  }
  return 0
}

export const label: Run = command => marked(command, 'labels')
export const annotate: Run = command => marked(command, 'annotations')

function* marked(command: Command, field: 'labels' | 'annotations'): Step<number> {
  const { process, words, rest } = command
  const isMark = (word: string) => /=|[^/]-$/.test(word)
  const first = rest.findIndex(isMark)
  const marks = first < 0 ? [] : rest.slice(first)
  const what = field.slice(0, -1)
  if (marks.length === 0 && !words.has('list')) throw new Failure(`error: at least one ${what} update is required`)
  const wanted = Object.fromEntries(
    marks.map(mark => {
      const equals = mark.indexOf('=')
      return equals < 0 ? [mark.replace(/-$/, ''), null] : [mark.slice(0, equals), mark.slice(equals + 1)]
    }),
  ) as Record<string, string | null>
  for (const { resource, path, object } of yield* targetsOf(command, first < 0 ? rest : rest.slice(0, first))) {
    const { name } = object.metadata
    const now: Record<string, string> = object.metadata[field] ?? {}
    for (const [key, value] of Object.entries(wanted)) {
      if (value === null || now[key] === undefined || now[key] === value || words.has('overwrite')) continue
      throw new Failure(
        field === 'labels'
          ? `error: '${key}' already has a value (${now[key]}), and --overwrite is false`
          : `error: --overwrite is false but found the following declared annotation(s): '${key}' already has a value (${now[key]})`,
      )
    }
    for (const [key, value] of Object.entries(wanted)) {
      if (value === null && now[key] === undefined) yield* process.complain(`${what} "${key}" not found.\n`)
    }
    const isSame = Object.entries(wanted).every(([key, value]) => (now[key] ?? null) === value)
    if (!isSame) yield* patched(command, { path }, 'merge', { metadata: { [field]: wanted } })
    const removes = Object.values(wanted).every(value => value === null)
    const done = field === 'annotations' ? 'annotated' : removes ? 'unlabeled' : 'labeled'
    yield* say(command, resource, name, isSame && field === 'labels' ? 'not labeled' : done)
  }
  return 0
}

export const set: Run = function* (command) {
  const [what, ...rest] = command.rest
  if (what !== 'image') throw new Failure(`error: kubesim's kubectl in a container has no "set ${what ?? ''}" yet`)
  const images = rest.filter(word => word.includes('='))
  if (images.length === 0) throw new Failure('error: at least one image update is required')
  const targets = yield* targetsOf(
    command,
    rest.filter(word => !word.includes('=')),
  )
  for (const { resource, path, object } of targets) {
    const inner = templateOf(object)
    const containers = new Map<string, string>()
    for (const each of images) {
      const [name, image] = each.split(/=(.*)/s) as [string, string]
      const names: string[] = inner.containers.map(({ name }: { name: string }) => name)
      for (const known of name === '*' ? names : [name]) {
        if (!names.includes(known)) throw new Failure(`error: unable to find container named "${known}"`)
        containers.set(known, image)
      }
    }
    const spec = { containers: [...containers].map(([name, image]) => ({ name, image })) }
    const body =
      object.kind === 'Pod'
        ? { spec }
        : object.kind === 'CronJob'
          ? { spec: { jobTemplate: { spec: { template: { spec } } } } }
          : { spec: { template: { spec } } }
    yield* patched(command, { path }, 'strategic', body)
    yield* say(command, resource, object.metadata.name, 'image updated')
  }
  return 0
}

function templateOf({ kind, spec }: any): any {
  if (kind === 'Pod') return spec
  return kind === 'CronJob' ? spec.jobTemplate.spec.template.spec : spec.template.spec
}

export const cordon: Run = command => schedulable(command, true)
export const uncordon: Run = command => schedulable(command, false)

function* schedulable(command: Command, unschedulable: boolean): Step<number> {
  for (const { resource, path, object } of yield* targetsOf(command, ['nodes', ...command.rest])) {
    const isSo = (object.spec.unschedulable ?? false) === unschedulable
    if (!isSo) yield* patched(command, { path }, 'strategic', { spec: { unschedulable: unschedulable || null } })
    const what = unschedulable ? 'cordoned' : 'uncordoned'
    yield* say(command, resource, object.metadata.name, isSo ? `already ${what}` : what)
  }
  return 0
}

// Subresources that are objects of their own: scale as a window on replicas, binding as the one way to a node (eviction is
// in eviction.ts). Called by registry.ts. Status and finalize are the object itself, and in write.ts.

import type { Binding, Pod, Scale } from '../../generated/types.ts'
import { setCondition } from '../../src/api/conditions.ts'
import {
  ApiError,
  badRequest,
  conflict,
  type FieldError,
  internalError,
  invalid,
  invalidValue,
  notFound,
  notSupported,
  required,
  type Status,
} from '../../src/api/errors.ts'
import { freeze, draft as thaw } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject, Ref } from '../../src/api/meta.ts'
import type { Patch, WriteOptions } from '../../src/client/client.ts'
import type { ScaleRules } from '../../src/kinds/kind.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { type ManagedEntries, noEntries } from '../apply/managed-fields.ts'
import { etcdKey, keyOf } from '../storage/keys.ts'
import type { Stored } from '../storage/storage.ts'
import { admitted } from './acting.ts'
import { applyPatch } from './apply-patch.ts'
import { type Collection, readingOf } from './collection.ts'
import { matchName } from './metadata.ts'
import { get } from './read.ts'
import type { Reading, RequestInfo, Wrote } from './registry.ts'
import { decodeBody } from './validate.ts'
import { type Body, change, type Owners, otherUid } from './write.ts'

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' }
const bindingKind = { group: '', version: 'v1', kind: 'Binding' }

// ---- scale (pkg/registry/apps/deployment/storage/storage.go, ScaleREST)

export function readScale(collection: Collection, ref: Ref): Reading {
  const { object } = get(collection, ref, undefined)
  const rules = rulesOf(collection)
  if (rules.replicas(object as never) === undefined) {
    throw internalError(`the spec replicas field ${JSON.stringify(rules.replicasPath)} does not exist`)
  }
  return readingOf(freeze(scaleOf(rules, object)) as Frozen<KubeObject>)
}

export async function updateScale(
  collection: Collection,
  ref: Ref,
  body: unknown,
  options: WriteOptions,
  info: RequestInfo,
): Promise<Wrote> {
  const scale = decodeScale(body, options, info)
  matchName(scale, ref)
  return changeScale(collection, ref, options, info, () => scale)
}

export async function patchScale(
  collection: Collection,
  ref: Ref,
  patch: Patch,
  options: WriteOptions,
  info: RequestInfo,
): Promise<Wrote> {
  return changeScale(collection, ref, options, info, (present, old) => {
    const { replicasPath, replicas } = rulesOf(collection)
    const scale = decodeScale(applyPatch(undefined, present as Frozen<Scale>, patch), options, info)
    matchName(scale, ref)
    if (scale.spec?.replicas === undefined && replicas(old as never) === undefined) {
      throw badRequest(`the spec replicas field ${JSON.stringify(replicasPath)} cannot be empty`)
    }
    return scale
  })
}

/** `make` gets the Scale as it is, and who owns what of the object. */
export async function changeScale(
  collection: Collection,
  ref: Ref,
  options: WriteOptions,
  info: RequestInfo,
  make: (present: Scale, old: Frozen<KubeObject>, owners: ManagedEntries) => Scale,
  owners?: Owners,
): Promise<Wrote> {
  const { kind, ownership } = collection
  const rules = rulesOf(collection)
  const made = (old: Frozen<Body>, current: Stored): Body => {
    const scale = make(scaleOf(rules, old), old, owners === undefined ? noEntries : ownership.entriesOf(current))
    checkReplicas(scale)
    const { uid, resourceVersion } = scale.metadata
    if (uid && uid !== old.metadata.uid) throw otherUid(collection, current, uid)
    if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) {
      const why = 'the object has been modified; please apply your changes to the latest version and try again'
      throw conflict(kind, ref.name, why)
    }
    const draft = thaw(old) as Body
    rules.setReplicas(draft, scale.spec?.replicas ?? 0)
    return draft
  }
  const wrote = await change(collection, ref, options, info, 'scale', made, owners)
  return { ...wrote, reading: readingOf(freeze(scaleOf(rules, wrote.reading.object)) as Frozen<KubeObject>) }
}

function rulesOf({ kind }: Collection): ScaleRules<any> {
  if (kind.scale === undefined) throw new Error(`${kind.resource} cannot be scaled, and the door should know`)
  return kind.scale
}

function scaleOf(rules: ScaleRules<any>, object: Frozen<KubeObject>): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const replicas = rules.replicas(object as never)
  const selector = rules.selector(object as never)
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      ...(uid ? { uid } : {}),
      ...(resourceVersion ? { resourceVersion } : {}),
      ...(creationTimestamp ? { creationTimestamp } : {}),
    },
    // A zero is left out, as Go's JSON has it.
    spec: replicas ? { replicas } : {},
    status: { replicas: rules.statusReplicas(object as never), ...(selector ? { selector } : {}) },
  }
}

function decodeScale(body: unknown, options: WriteOptions, info: RequestInfo): Scale {
  return decodeBody(scaleKind, body, options.fieldValidation ?? 'Warn', info.warn) as unknown as Scale
}

function checkReplicas({ metadata, spec }: Scale): void {
  const replicas = spec?.replicas ?? 0
  if (replicas >= 0) return
  const about = { group: 'autoscaling', plural: 'scales', kind: 'Scale' }
  throw invalid(about, metadata.name, [invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0')])
}

// ---- binding (pkg/registry/core/pod/storage/storage.go, BindingREST)

const topologyLabels = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone']

export async function bind(
  collection: Collection,
  ref: Ref,
  body: unknown,
  options: WriteOptions,
  info: RequestInfo,
): Promise<Wrote> {
  const sent = decodeBody(bindingKind, body, options.fieldValidation ?? 'Warn', info.warn) as unknown as Binding
  const binding = await admitted(collection, ref, 'binding', sent, options, info)
  if (binding.metadata.name !== ref.name) throw badRequest('name in URL does not match name in Binding object')
  checkTarget(binding)
  const { kind, env, storage } = collection
  const { uid, resourceVersion, annotations, labels } = binding.metadata
  const about = { ...kind, plural: 'pods/binding' }
  await storage.write(
    collection.keyOf(ref),
    (current, present) => {
      if (current === undefined) throw notFound(kind, ref.name)
      if (uid && uid !== current.object.metadata.uid) throw otherUid(collection, current, uid)
      if (resourceVersion && resourceVersion !== current.object.metadata.resourceVersion) {
        throw conflict(
          kind,
          ref.name,
          otherVersion(etcdKey(kind, current.key), resourceVersion, current.object.metadata.resourceVersion),
        )
      }
      const old = current.object as Frozen<Pod>
      if (old.metadata.deletionTimestamp !== undefined) {
        throw conflict(about, ref.name, `pod ${ref.name} is being deleted, cannot be assigned to a host`)
      }
      if (old.spec.nodeName) {
        throw conflict(
          about,
          ref.name,
          `pod ${ref.name} is already assigned to node ${JSON.stringify(old.spec.nodeName)}`,
        )
      }
      if (old.spec.schedulingGates?.length) {
        throw conflict(about, ref.name, `pod ${ref.name} has non-empty .spec.schedulingGates`)
      }
      if (options.dryRun) return { keep: true }
      const pod = thaw(old) as Pod
      pod.spec.nodeName = binding.target.name!
      if (annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations }
      const node = present.get(keyOf(Nodes, { name: binding.target.name! }))?.object
      const topology = topologyLabels.filter(label => node?.metadata.labels?.[label] !== undefined)
      if (labels || topology.length > 0) {
        pod.metadata.labels = { ...pod.metadata.labels, ...labels }
        for (const label of topology) pod.metadata.labels[label] = node!.metadata.labels![label]!
      }
      pod.status.conditions ??= []
      setCondition(pod.status.conditions, { type: 'PodScheduled', status: 'True' }, env.clock.now())
      delete pod.status.nominatedNodeName
      return { put: pod }
    },
    info.cause,
  )
  return done()
}

function checkTarget({ metadata, target }: Binding): void {
  const faults: FieldError[] = []
  if (target?.kind && target.kind !== 'Node') faults.push(notSupported('target.kind', target.kind, ['Node', '<empty>']))
  if (!target?.name) faults.push(required('target.name'))
  if (faults.length > 0) throw invalid({ group: '', plural: 'bindings', kind: 'Binding' }, metadata.name, faults)
}

const otherVersion = (key: string, asked: string, found: string | undefined): string =>
  `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ` +
  `Precondition failed: ResourceVersion in precondition: ${asked}, ResourceVersion in object meta: ${found}`

/** What a binding and an eviction are answered with. */
export function done(): Wrote {
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
  return { reading: readingOf(status as unknown as Frozen<KubeObject>), code: 201 }
}

/**
 * A subresource that the kind does not have is a path that is not there. Its details are empty but there, as those of
 * apimachinery's NewGenericServerResponse: kubectl looks into them.
 */
export function noSuchPath(): ApiError {
  return new ApiError('NotFound', noSuchPathMessage, {})
}

export function isNoSuchPath({ reason, message }: ApiError): boolean {
  return reason === 'NotFound' && message === noSuchPathMessage
}

const noSuchPathMessage = 'the server could not find the requested resource'

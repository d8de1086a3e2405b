// One draft's way to a decision: create, update and patch, on the main resource and on its status. Called by registry.ts
// and subresources.ts. All of it happens in one storage turn, so what is checked is still true when it is written:
// patch → decode → metadata → defaults → prepare → admission → validation → admission's check → put.

import {
  ApiError,
  alreadyExists,
  badRequest,
  conflict,
  type FieldError,
  forbidden,
  hasReason,
  internalError,
  invalid,
  invalidValue,
  isAlreadyExists,
  notFound,
  staleObject,
} from '../../src/api/errors.ts'
import { freeze, draft as thaw } from '../../src/api/freeze.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen, KubeObject, Ref } from '../../src/api/meta.ts'
import type { Patch, WriteOptions } from '../../src/client/client.ts'
import type { Subresource } from '../../src/kinds/kind.ts'
import { validateObjectMeta } from '../../src/kinds/object-meta.ts'
import { type AdmissionRequest, NotYet } from '../admission/admission.ts'
import { type ManagedEntries, noEntries } from '../apply/managed-fields.ts'
import { etcdKey } from '../storage/keys.ts'
import type { AlsoPut, Decision, Present, Stored } from '../storage/storage.ts'
import { applyPatch } from './apply-patch.ts'
import { type Collection, readingOf, wholeObject } from './collection.ts'
import { dropDuplicateOwners, matchName, matchNamespace, stampNew, stampUpdate } from './metadata.ts'
import { generatedName, generateNameAttempts } from './names.ts'
import type { RequestInfo, Wrote } from './registry.ts'
import { verifySignature } from './signatures.ts'
import { type Awaiting, eachTurn, inTurns, type Turns } from './turns.ts'
import { decode } from './validate.ts'

export type Body = KubeObject & Record<string, unknown>

export async function create(
  collection: Collection,
  body: unknown,
  namespace: string | undefined,
  options: WriteOptions,
  info: RequestInfo,
): Promise<Wrote> {
  const { kind, env } = collection
  const draft = decode(kind, body, options.fieldValidation ?? 'Warn', info.warn) as Body
  const { metadata } = draft
  if (kind.custom?.isEnding) {
    const why = 'create not allowed while custom resource definition is terminating'
    throw forbidden(kind, metadata.name ?? '', why)
  }
  if (kind.namespaced && !namespace && !metadata.namespace) {
    throw badRequest('an empty namespace may not be set during creation')
  }
  matchNamespace(kind, metadata, namespace || metadata.namespace)
  if (metadata.resourceVersion && metadata.resourceVersion !== '0') {
    throw new ApiError('InternalError', 'resourceVersion should not be set on objects to be created')
  }
  delete metadata.resourceVersion
  const base = metadata.name ? undefined : metadata.generateName
  metadata.name ||= ''
  if (!base) return createNamed(collection, draft, undefined, options, info)
  for (let attempt = 1; ; attempt++) {
    metadata.name = generatedName(base, env.random)
    try {
      return await createNamed(collection, draft, base, options, info)
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      if (attempt < generateNameAttempts) continue
      const sentence = `${error.message}, the server was not able to generate a unique name for the object`
      throw new ApiError('AlreadyExists', sentence, { ...error.details, retryAfterSeconds: 1 })
    }
  }
}

/**
 * `base`: the name was made from it, so nothing has been done to the draft when the name turns out to be taken. `applied`: who
 * owns what, when the object comes of an apply.
 */
export async function createNamed(
  collection: Collection,
  first: Body,
  base: string | undefined,
  options: WriteOptions,
  info: RequestInfo,
  applied?: ManagedEntries,
): Promise<Wrote> {
  const { kind, env, ownership } = collection
  let draft = first
  let managed = applied ?? noEntries
  const key = collection.keyOf(draft.metadata)
  const written = await inTurns(collection, key, info, (current, present, turns) => {
    draft = (turns?.draft as Body | undefined) ?? draft
    const { metadata } = draft
    if (current !== undefined && base !== undefined) throw alreadyExists(kind, metadata.name)
    const { managedFields } = metadata
    if (turns?.draft === undefined) stampNew(metadata, kind, env)
    dropDuplicateOwners(metadata, info.warn)
    kind.defaults?.(draft)
    if (turns?.draft === undefined) {
      managed = applied ?? ownership.created(draft, managedFields, options, info)
    }
    const context = { now: env.clock.now(), operation: 'create', user: info.user, verify: verifySignature } as const
    kind.prepare?.(draft, undefined, context)
    const request = requestOf(collection, draft, undefined, undefined, options, info, present, base)
    for (const plugin of collection.admission) plugin.admit?.(draft, request)
    const mutating = turns && askMutating(collection, turns, draft, request)
    if (mutating) return mutating
    refuseFaults(collection, draft, undefined, kind.validate?.(draft, undefined, context))
    for (const plugin of collection.admission) plugin.check?.(draft as Frozen<KubeObject>, request)
    const validating = turns && askValidating(turns, draft, request)
    if (validating) return validating
    tellAdmitted(collection, draft, 'create', info)
    const also = charge(collection, draft, request)
    if (current !== undefined) throw exists(collection, current)
    for (const text of kind.warnings?.(draft, undefined) ?? []) info.warn(text)
    if (options.dryRun) return { keep: true }
    return putting(collection.toStore(draft, undefined), also, ownership.textOf(managed))
  })
  if (options.dryRun) {
    const text = ownership.textOf(managed) ?? undefined
    return { reading: readingOf(freeze(draft) as Frozen<KubeObject>, text), code: 201 }
  }
  return { reading: collection.reading(written.stored), code: 201 }
}

function exists({ kind }: Collection, current: Stored): ApiError {
  const { name, deletionTimestamp } = current.object.metadata
  const error = alreadyExists(kind, name)
  if (deletionTimestamp === undefined) return error
  return new ApiError('AlreadyExists', `object is being deleted: ${error.message}`, error.details)
}

export function update(
  collection: Collection,
  ref: Ref,
  body: unknown,
  options: WriteOptions,
  info: RequestInfo,
  subresource?: Subresource,
): Promise<Wrote> {
  const { kind } = collection
  const sent = decode(kind, body, options.fieldValidation ?? 'Warn', info.warn) as Body
  matchNamespace(kind, sent.metadata, ref.namespace)
  matchName(sent, ref)
  const made = eachTurn(collection, sent)
  if (kind.createOnUpdate && subresource === undefined && collection.storage.get(collection.keyOf(ref)) === undefined) {
    return createdByUpdate(collection, made(), options, info, () => update(collection, ref, body, options, info))
  }
  return change(collection, ref, options, info, subresource, (old, current) => {
    const draft = made()
    const { uid } = draft.metadata
    if (uid && uid !== old.metadata.uid) throw otherUid(collection, current, uid)
    requireVersion(collection, draft, old)
    return draft
  })
}

/** A PUT to a name that is not there, of a kind that lets one create so (Store.Update in pkg/registry/generic/registry/store.go). */
async function createdByUpdate(
  collection: Collection,
  draft: Body,
  options: WriteOptions,
  info: RequestInfo,
  again: () => Promise<Wrote>,
): Promise<Wrote> {
  const { uid, name } = draft.metadata
  if (uid)
    throw conflict(
      collection.kind,
      name,
      otherUidSentence(etcdKey(collection.kept, collection.keyOf(draft.metadata)), uid, ''),
    )
  delete draft.metadata.resourceVersion
  try {
    return await createNamed(collection, draft, undefined, options, info)
  } catch (error) {
    // Somebody else was a moment earlier: it is an update after all.
    if (!isAlreadyExists(error)) throw error
    return again()
  }
}

export function patch(
  collection: Collection,
  ref: Ref,
  patch: Patch,
  options: WriteOptions,
  info: RequestInfo,
  subresource?: Subresource,
): Promise<Wrote> {
  const { kind } = collection
  return change(collection, ref, options, info, subresource, (old, current) => {
    const shown = speaksOfOwners(patch) ? wholeObject({ object: old, managedFields: current.managedFields }) : old
    const patched = applyPatch(kind, shown, patch)
    const draft = decodePatched(collection, patched, options, info)
    matchNamespace(kind, draft.metadata, ref.namespace)
    matchName(draft, ref)
    requireVersion(collection, draft, old)
    return draft
  })
}

/** Only then does a patch have to see the managed fields. */
function speaksOfOwners({ type, body }: Patch): boolean {
  if (type === 'json') return JSON.stringify(body).includes('/metadata')
  return (body as { metadata?: { managedFields?: unknown } } | null)?.metadata?.managedFields !== undefined
}

const strictError = 'strict decoding error: '

/** What is at fault in the outcome of a patch is the patch (endpoints/handlers/patch.go). */
export function decodePatched({ kind }: Collection, patched: unknown, options: WriteOptions, info: RequestInfo): Body {
  const ownFaults = info.strictFaults ?? []
  try {
    const decoded = decode(kind, patched, options.fieldValidation ?? 'Warn', info.warn) as Body
    if (ownFaults.length === 0) return decoded
    throw badRequest(strictError)
  } catch (error) {
    if (!hasReason(error, 'BadRequest')) throw error
    const strict = error.message.indexOf(strictError)
    const others = strict < 0 ? '' : error.message.slice(strict + strictError.length)
    const why = strict < 0 ? error.message : strictError + [...ownFaults, ...(others ? [others] : [])].join(', ')
    throw invalid({ group: '', plural: '', kind: '' }, '', [invalidValue('patch', JSON.stringify(patched), why)])
  }
}

/** Who owns what of a draft, when it is not the writer who owns what he changed. */
export type Owners = (current: Stored) => ManagedEntries

/** One change to an object that exists: `make` gives the draft, from what is stored; it is the caller's to change. */
export async function change(
  collection: Collection,
  ref: Ref,
  options: WriteOptions,
  info: RequestInfo,
  subresource: Subresource | undefined,
  make: (old: Frozen<Body>, current: Stored) => Body,
  owners?: Owners,
): Promise<Wrote> {
  let outcome: Frozen<KubeObject> | undefined
  let managed: Managed | undefined
  const written = await inTurns(collection, collection.keyOf(ref), info, (current, present, turns) => {
    if (current === undefined) throw notFound(collection.kind, ref.name)
    const old = collection.shown(current.object) as Frozen<Body>
    const draft = (turns?.draft as Body | undefined) ?? make(old, current)
    if (turns?.draft === undefined) managed = undefined
    const track = (given: unknown): Managed => {
      managed ??= managedOf(collection, current, old, draft, given, owners, options, info, subresource)
      return managed
    }
    const made = decideChange(collection, draft, old, present, options, info, subresource, turns, track)
    if ('awaiting' in made) return made
    const isStale = 'keep' in made && collection.isStale(current)
    const decision = isStale ? { put: collection.toStore(draft, old) } : made
    if (options.dryRun || 'remove' in decision) outcome = freeze(draft) as Frozen<KubeObject>
    return options.dryRun ? { keep: true } : decision
  })
  if (outcome === undefined) return { reading: collection.reading(written.stored), code: 200 }
  return { reading: readingOf(outcome, managed?.text() ?? undefined), code: 200 }
}

interface Managed {
  isSame(): boolean
  text(): string | null
}

function managedOf(
  { ownership }: Collection,
  current: Stored,
  old: Frozen<Body>,
  draft: Body,
  given: unknown,
  owners: Owners | undefined,
  options: WriteOptions,
  info: RequestInfo,
  subresource: Subresource | undefined,
): Managed {
  const before = ownership.entriesOf(current)
  const after = owners?.(current) ?? ownership.changed(old, draft, before, given, subresource, options, info)
  return {
    isSame: () => ownership.isSame(before, after),
    text: () => ownership.textOf(after),
  }
}

function decideChange(
  collection: Collection,
  draft: Body,
  old: Frozen<Body>,
  present: Present,
  options: WriteOptions,
  info: RequestInfo,
  subresource: Subresource | undefined,
  turns: Turns | undefined,
  track: (given: unknown) => Managed,
): Decision | Awaiting {
  const { kind, env } = collection
  const { managedFields } = draft.metadata
  stampUpdate(draft.metadata, old.metadata)
  dropDuplicateOwners(draft.metadata, info.warn)
  kind.defaults?.(draft)
  const managed = track(managedFields)
  keepOtherParts(collection, draft, old, subresource)
  const { user } = info
  const context = { now: env.clock.now(), operation: 'update', subresource, user, verify: verifySignature } as const
  kind.prepare?.(draft, old, context)
  const request = requestOf(collection, draft, old, subresource, options, info, present, undefined)
  for (const plugin of collection.admission) plugin.admit?.(draft, request)
  const mutating = turns && askMutating(collection, turns, draft, request)
  if (mutating) return mutating
  const isSameSpec = hasSameSpec(draft, old)
  // Nobody changes the draft from here on, unless it comes back for another turn.
  if (turns === undefined) shareParts(draft, old, isSameSpec)
  countGeneration(collection, draft, old, isSameSpec)
  refuseFaults(collection, draft, old, kind.validate?.(draft, old, context))
  for (const plugin of collection.admission) plugin.check?.(draft as Frozen<KubeObject>, request)
  const validating = turns && askValidating(turns, draft, request)
  if (validating) return validating
  tellAdmitted(collection, draft, 'update', info)
  for (const text of kind.warnings?.(draft, old) ?? []) info.warn(text)
  if (isFinalized(draft, old)) return { remove: true }
  // A change of times alone is none (endpoints/handlers/fieldmanager/equality.go).
  const isSame = isSameSpec && jsonEqual(draft.metadata, old.metadata) && jsonEqual(draft.status, old.status)
  if (isSame && managed.isSame()) return { keep: true }
  return putting(collection.toStore(draft, old), charge(collection, draft, request), managed.text())
}

function tellAdmitted({ kind, env }: Collection, draft: Body, verb: 'create' | 'update', info: RequestInfo): void {
  if (!env.traffic.isWatched) return
  const { name, namespace } = draft.metadata
  const { user, cause } = info
  const object = { resource: kind.resource, namespace, name }
  env.traffic.tell({ step: 'admission', user: user.name, by: cause?.by ?? '', verb, object })
}

/** What is to be written together with the object. */
function charge({ admission }: Collection, draft: Body, request: AdmissionRequest): readonly AlsoPut[] | undefined {
  let all: readonly AlsoPut[] | undefined
  for (const plugin of admission) {
    const also = plugin.charge?.(draft as Frozen<KubeObject>, request)
    if (also?.length) all = all ? [...all, ...also] : also
  }
  return all
}

function putting(put: KubeObject, also: readonly AlsoPut[] | undefined, managedFields: string | null): Decision {
  return also ? { put, also, managedFields } : { put, managedFields }
}

/** Who stands outside and completes drafts; its own result is decoded as a body is. */
function askMutating({ kind }: Collection, turns: Turns, draft: Body, request: AdmissionRequest): Awaiting | undefined {
  const ask = turns.round.mutate(draft as Frozen<KubeObject>, request)
  if (ask === undefined) return undefined
  turns.draft = draft
  return {
    awaiting: async () => {
      const mutated = await ask()
      if (mutated === undefined) return
      try {
        turns.draft = decode(kind, mutated, 'Ignore', () => {}) as Body
      } catch (error) {
        throw internalError((error as Error).message)
      }
    },
  }
}

function askValidating(turns: Turns, draft: Body, request: AdmissionRequest): Awaiting | undefined {
  const awaiting = turns.round.validate(draft as Frozen<KubeObject>, request)
  if (awaiting === undefined) return undefined
  turns.draft = draft
  return { awaiting }
}

/** The main resource leaves the status alone, the status subresource everything else (each kind's two strategies upstream). */
function keepOtherParts(
  { kind }: Collection,
  draft: Body,
  old: Frozen<Body>,
  subresource: Subresource | undefined,
): void {
  // What an approval may change of the status, CertificateSigningRequests say themselves.
  if (subresource !== 'status' && subresource !== 'approval') {
    if (kind.subresources?.includes('status')) keepPart(draft, old, 'status')
    return
  }
  for (const part of new Set([...Object.keys(draft), ...Object.keys(old)])) {
    if (!isOutsideSpec(part)) keepPart(draft, old, part)
  }
  if (subresource === 'approval') return
  if (kind.custom !== undefined) {
    for (const part of new Set([...Object.keys(draft.metadata), ...Object.keys(old.metadata)])) {
      keepPart(draft.metadata, old.metadata, part)
    }
    return
  }
  keepPart(draft.metadata, old.metadata, 'ownerReferences')
  keepPart(draft.metadata, old.metadata, 'finalizers')
}

function keepPart(draft: object, old: object, part: string): void {
  const value = (old as Record<string, unknown>)[part]
  if (value === undefined) delete (draft as Record<string, unknown>)[part]
  else (draft as Record<string, unknown>)[part] = thaw(value)
}

const isOutsideSpec = (part: string): boolean =>
  part === 'status' || part === 'metadata' || part === 'kind' || part === 'apiVersion'

function hasSameSpec(draft: Body, old: Frozen<Body>): boolean {
  for (const part of Object.keys(draft)) {
    if (!isOutsideSpec(part) && !jsonEqual(draft[part], old[part])) return false
  }
  for (const part of Object.keys(old)) {
    if (!isOutsideSpec(part) && draft[part] === undefined && old[part] !== undefined) return false
  }
  return true
}

/** What did not change is the same object as before, so that nobody has to look into it again: to freeze it, or to judge it. */
function shareParts(draft: Body, old: Frozen<Body>, isSameSpec: boolean): void {
  for (const part of Object.keys(draft)) {
    if (typeof draft[part] !== 'object' || part === 'metadata') continue
    if (part === 'status' ? jsonEqual(draft.status, old.status) : isSameSpec) draft[part] = old[part]
  }
}

/** The generation counts what is asked for, not what is so. A kind's `prepare` may have counted already. */
function countGeneration({ kind }: Collection, draft: Body, old: Frozen<Body>, isSameSpec: boolean): void {
  if (kind.hasGeneration === false || kind.hasGeneration === 'uncounted') return
  // A custom object without the subresource has a status like any other of its fields (customresource/strategy.go).
  const isStatusCounted = kind.custom !== undefined && !kind.subresources?.includes('status')
  if (isSameSpec && !(isStatusCounted && !jsonEqual(draft.status, old.status))) return
  const before = old.metadata.generation ?? 0
  if ((draft.metadata.generation ?? 0) <= before) draft.metadata.generation = before + 1
}

/** Nobody wants to hold an object any more that is being deleted, and its time is up (Store.ShouldDeleteDuringUpdate). */
export function isFinalized(draft: KubeObject, old: Frozen<KubeObject>): boolean {
  if (draft.metadata.finalizers?.length || old.metadata.deletionTimestamp === undefined) return false
  if (old.metadata.deletionGracePeriodSeconds) return false
  const { spec } = draft as { spec?: { finalizers?: readonly string[] } }
  return draft.kind !== 'Namespace' || !spec?.finalizers?.length
}

export function requireVersion({ kind }: Collection, draft: Body, old: Frozen<Body>): void {
  const { resourceVersion, name } = draft.metadata
  if (resourceVersion && resourceVersion !== '0') {
    if (resourceVersion !== old.metadata.resourceVersion) throw staleObject(kind, name)
  } else if (kind.unconditionalUpdate === false) {
    const fault = invalidValue('metadata.resourceVersion', 0, 'must be specified for an update')
    throw invalid({ ...kind, kind: kind.plural }, name, [fault])
  }
}

/** As storage.Preconditions words it, with the storage error around it that upstream lets through. */
export function otherUid({ kind, kept }: Collection, current: Stored, uid: string): ApiError {
  const { metadata } = current.object
  return conflict(kind, metadata.name, otherUidSentence(etcdKey(kept, current.key), uid, metadata.uid ?? ''))
}

const otherUidSentence = (key: string, asked: string, found: string): string =>
  `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ` +
  `Precondition failed: UID in precondition: ${asked}, UID in object meta: ${found}`

export function requestOf(
  { kind }: Collection,
  object: Frozen<KubeObject>,
  old: Frozen<KubeObject> | undefined,
  subresource: Subresource | undefined,
  options: WriteOptions,
  info: RequestInfo,
  present: Present,
  base: string | undefined,
): AdmissionRequest {
  return {
    kind,
    operation: old === undefined ? 'CREATE' : 'UPDATE',
    namespace: object.metadata.namespace,
    name: base ?? object.metadata.name,
    subresource,
    user: info.user,
    dryRun: options.dryRun ?? false,
    options,
    old,
    present,
    warn: info.warn,
    annotate: info.annotate,
  }
}

function refuseFaults(
  { kind }: Collection,
  draft: Body,
  old: Frozen<Body> | undefined,
  kindFaults: readonly FieldError[] | undefined,
): void {
  const faults = validateObjectMeta(draft as Frozen<KubeObject>, old, kind)
  if (faults.length === 0 && !kindFaults?.length) return
  throw invalid(kind, draft.metadata.name, [...faults, ...(kindFaults ?? [])])
}

const patience = 1500

/** Runs a request; when it came a moment too early and may wait, once more as soon as what it needs is there. */
export async function whenReady<T>(collection: Collection, info: RequestInfo, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof NotYet) || info.mayWait !== true) throw error
    await appears(collection, error.key)
    return await run()
  }
}

/** Resolves when something is at the key, or after a moment. */
function appears({ storage, env }: Collection, key: string): Promise<void> {
  return new Promise(resolve => {
    if (storage.get(key) !== undefined) return resolve()
    const done = (): void => {
      stopTimer()
      stopListening()
      resolve()
    }
    const stopTimer = env.wall.after(patience, done)
    const stopListening = storage.subscribe(key, storage.revision, events => {
      if (events.some(event => event.key === key)) done()
    })
  })
}

// Server-side apply as a verb: the configuration is looked at, merged and owned (apiserver/apply/), and what comes of it goes
// the way of every other draft. An object that is not there is created. Called by registry.ts. Rules and words:
// apiserver pkg/endpoints/handlers/patch.go (applyPatcher) and apimachinery pkg/util/managedfields/internal.

import type { Scale } from '../../generated/types.ts'
import { ApiError, badRequest, conflict, hasReason, isAlreadyExists } from '../../src/api/errors.ts'
import { draft as thaw } from '../../src/api/freeze.ts'
import type { KubeObject, Ref } from '../../src/api/meta.ts'
import type { WriteOptions } from '../../src/client/client.ts'
import type { Subresource } from '../../src/kinds/kind.ts'
import { schemaNodeOf } from '../../src/kinds/schemas.ts'
import { type Applied, apply, type Conflict } from '../apply/applying.ts'
import { faultsIn } from '../apply/check.ts'
import { allowedByLastApplied, withLastApplied } from '../apply/last-applied.ts'
import { type ManagedEntries, noEntries } from '../apply/managed-fields.ts'
import { ownersOfReplicas, ownersOfScale } from '../apply/scale-owners.ts'
import { shownPath } from '../apply/steps.ts'
import type { Versions, Writer } from '../apply/tracking.ts'
import { isMembers, type Members } from '../apply/typed.ts'
import type { Collection } from './collection.ts'
import { matchName, matchNamespace } from './metadata.ts'
import type { RequestInfo, Wrote } from './registry.ts'
import { changeScale } from './subresources.ts'
import { decode, decodeBody } from './validate.ts'
import { type Body, change, createNamed, requireVersion } from './write.ts'

export async function applyToObject(
  collection: Collection,
  ref: Ref,
  body: unknown,
  options: WriteOptions,
  info: RequestInfo,
  subresource: Subresource | undefined,
): Promise<Wrote> {
  const { kind, ownership, storage } = collection
  let entries: ManagedEntries = noEntries
  const ask: Asked = {
    versions: ownership.versions,
    gvk: { group: kind.group, version: kind.version, kind: kind.kind },
    writer: ownership.writer(subresource, options, info),
    force: options.force ?? false,
  }
  const made = (live: Members, before: ManagedEntries): Body => {
    const outcome = applied(ask, live, body, before)
    entries = outcome.entries
    const draft = decodeMerged(collection, outcome.object ?? live, body as Members)
    matchNamespace(kind, draft.metadata, ref.namespace)
    matchName(draft, ref)
    return draft
  }
  const changed = (): Promise<Wrote> =>
    change(
      collection,
      ref,
      options,
      info,
      subresource,
      (old, current) => {
        const draft = made(old as Members, ownership.entriesOf(current))
        requireVersion(collection, draft, old)
        return draft
      },
      () => entries,
    )
  if (subresource !== undefined) return changed()
  for (let attempt = 0; ; attempt++) {
    const isThere = attempt === 0 ? storage.get(collection.keyOf(ref)) !== undefined : attempt % 2 === 1
    try {
      if (isThere) return await changed()
      const draft = made(ownership.empty, noEntries)
      const { uid } = draft.metadata
      if (uid)
        throw conflict(
          kind,
          ref.name,
          `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
        )
      delete draft.metadata.resourceVersion
      return await createNamed(collection, draft, undefined, options, info, entries)
    } catch (error) {
      // Somebody else was quicker, the one way or the other.
      const isOther = isThere ? hasReason(error, 'NotFound') && isAbsent(collection, ref) : isAlreadyExists(error)
      if (!isOther || attempt >= mostAttempts) throw error
    }
  }
}

const mostAttempts = 5

const isAbsent = ({ storage, keyOf }: Collection, ref: Ref): boolean => storage.get(keyOf(ref)) === undefined

interface Asked {
  readonly versions: Versions
  readonly gvk: { readonly group: string; readonly version: string; readonly kind: string }
  readonly writer: Writer
  readonly force: boolean
}

/** Throws what is wrong with the configuration, or in whose way it is. */
function applied(
  { versions, gvk, writer, force }: Asked,
  live: Members,
  body: unknown,
  before: ManagedEntries,
): Applied {
  if (body !== null && body !== undefined && !isMembers(body)) {
    const found = Array.isArray(body) ? 'array' : typeof body === 'boolean' ? 'bool' : typeof body
    throw badRequest(
      'error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ' +
        `${found} into Go value of type map[string]interface {}`,
    )
  }
  const config = (body ?? {}) as Members
  const given = typeOf(config)
  if (given !== gvkText(gvk)) throw badRequest(`invalid object type: ${given}`)
  const metadata = isMembers(config.metadata) ? config.metadata : {}
  if (metadata.managedFields !== undefined && metadata.managedFields !== null) {
    throw badRequest('metadata.managedFields must be nil')
  }
  const faults = faultsIn(versions.type, config)
  if (faults !== undefined) {
    throw ApiError.plain(`failed to create typed patch object (${nameOf(metadata)}; ${given}): ${faults}`)
  }
  let outcome = apply(versions, live, config, before, writer, force)
  if ('conflicts' in outcome && writer.manager === 'kubectl') {
    const allowed = allowedByLastApplied(versions, live)
    const rest = outcome.conflicts.filter(({ path }) => allowed?.has(path) !== true)
    outcome = rest.length > 0 ? { conflicts: rest } : apply(versions, live, config, before, writer, true)
  }
  if ('conflicts' in outcome) throw conflictError(outcome.conflicts)
  if (writer.manager !== 'kubectl') return outcome
  return { ...outcome, object: withLastApplied(outcome.object ?? live, config) }
}

function typeOf({ apiVersion, kind }: Members): string {
  const text = typeof apiVersion === 'string' ? apiVersion : ''
  const slash = text.indexOf('/')
  const [group, version] = slash < 0 ? ['', text] : [text.slice(0, slash), text.slice(slash + 1)]
  return gvkText({ group, version, kind: typeof kind === 'string' ? kind : '' })
}

const gvkText = ({ group, version, kind }: Asked['gvk']): string => `${group}/${version}, Kind=${kind}`

const nameOf = ({ namespace, name }: Members): string => `${namespace ?? ''}/${name ?? ''}`

/** apimachinery/pkg/util/managedfields/internal/conflict.go. */
function conflictError(conflicts: readonly Conflict[]): ApiError {
  const causes = conflicts.map(each => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${managerText(each)}`,
    field: shownPath(each.path),
  }))
  const [first] = conflicts
  if (conflicts.length === 1) {
    const message = `Apply failed with 1 conflict: conflict with ${managerText(first!)}: ${shownPath(first!.path)}`
    return new ApiError('Conflict', message, { causes })
  }
  const lines: string[] = []
  let last: Conflict['with'] | undefined
  for (const each of conflicts) {
    if (each.with !== last) lines.push(`conflicts with ${managerText(each)}:`)
    last = each.with
    lines.push(`- ${shownPath(each.path)}`)
  }
  return new ApiError('Conflict', `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`, { causes })
}

function managerText({ with: { manager, operation, apiVersion, subresource } }: Conflict): string {
  const name = JSON.stringify(manager) + (subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`)
  return operation === 'Update' ? `${name} using ${apiVersion}` : name
}

/** What cannot be decoded now is at fault in its values; fields and sorts have been looked at. */
function decodeMerged({ kind }: Collection, merged: Members, config: Members): Body {
  try {
    return decode(kind, thaw(merged), 'Ignore', () => {}) as Body
  } catch (error) {
    if (!hasReason(error, 'BadRequest')) throw error
    const why = error.message.replace(/^.* cannot be handled as a [^:]*: /, '')
    const metadata = isMembers(config.metadata) ? config.metadata : {}
    throw ApiError.plain(
      `failed to convert new object (${nameOf(metadata)}; ${typeOf(config)}) to proper version: ${why}`,
    )
  }
}

// ---- scale: the owners of the replicas, as owners of the Scale, and back (apimachinery/pkg/util/managedfields/scalehandler.go)

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' }

export function applyScale(
  collection: Collection,
  ref: Ref,
  body: unknown,
  options: WriteOptions,
  info: RequestInfo,
): Promise<Wrote> {
  const { kind, ownership } = collection
  const type = schemaNodeOf(scaleKind)
  const versions: Versions = {
    apiVersion: 'autoscaling/v1',
    type,
    convert: (object, apiVersion) => (apiVersion === 'autoscaling/v1' ? { type, object } : undefined),
  }
  const writer = { ...ownership.writer('scale', options, info), without: new Set(['status']) }
  const ask: Asked = { versions, gvk: scaleKind, writer, force: options.force ?? false }
  let entries: ManagedEntries = noEntries
  return changeScale(
    collection,
    ref,
    options,
    info,
    (present, _old, before) => {
      const outcome = applied(ask, present as unknown as Members, body, ownersOfScale(before))
      entries = ownersOfReplicas(before, outcome.entries, kind.apiVersion)
      const scale = decodeBody(scaleKind, thaw(outcome.object ?? present), 'Ignore', () => {}) as unknown as Scale
      matchName(scale as KubeObject, ref)
      return scale
    },
    () => entries,
  )
}

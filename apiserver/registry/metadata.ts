// Metadata: what the server alone writes and what an update does not change. Called by write.ts; what is at fault in
// metadata, src/kinds/object-meta.ts says. Rules: k8s.io/apiserver pkg/registry/rest/{meta,create,update}.go.

import { badRequest } from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen, KubeObject, ObjectMeta, OwnerReference, Ref } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { Env } from '../../src/env/env.ts'
import type { Kind } from '../../src/kinds/kind.ts'

export const foregroundFinalizer = 'foregroundDeletion'
export const orphanFinalizer = 'orphan'

/** A new object's identity; whatever a client said of it is not heard. */
export function stampNew(metadata: ObjectMeta, kind: Kind<any>, env: Env): void {
  metadata.uid = env.random.uid()
  metadata.creationTimestamp = rfc3339(env.clock.now())
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  delete metadata.selfLink
  delete metadata.managedFields
  if (kind.hasGeneration === false) delete metadata.generation
  else metadata.generation = 1
}

/** Puts back what no update changes. A uid that was given stays, to be found at fault when it is another's. */
export function stampUpdate(metadata: ObjectMeta, old: Frozen<ObjectMeta>): void {
  metadata.uid ||= old.uid!
  keepOld(metadata, old, 'resourceVersion')
  keepOld(metadata, old, 'creationTimestamp')
  keepOld(metadata, old, 'deletionTimestamp')
  keepOld(metadata, old, 'deletionGracePeriodSeconds')
  keepOld(metadata, old, 'generation')
  delete metadata.selfLink
  delete metadata.managedFields
}

function keepOld<Key extends keyof ObjectMeta>(metadata: ObjectMeta, old: Frozen<ObjectMeta>, key: Key): void {
  if (old[key] === undefined) delete metadata[key]
  else metadata[key] = old[key] as ObjectMeta[Key]
}

/** The namespace of the object is that of the request: taken from it, or the same (rest.EnsureObjectNamespaceMatchesRequestNamespace). */
export function matchNamespace(kind: Kind<any>, metadata: ObjectMeta, namespace: string | undefined): void {
  if (!kind.namespaced) delete metadata.namespace
  else if (!metadata.namespace && namespace) metadata.namespace = namespace
  else if (metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
}

/** The name of the object is that in the URL (endpoints/handlers/rest.go, checkName). */
export function matchName(object: KubeObject, ref: Ref): void {
  const { name } = object.metadata
  if (!name) {
    throw badRequest(`the name of the object (${ref.name} based on URL) was undeterminable: name must be provided`)
  }
  if (name !== ref.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${ref.name})`)
  }
}

/** Owners named twice count once; the user is told. */
export function dropDuplicateOwners(metadata: ObjectMeta, warn: (text: string) => void): void {
  const owners = metadata.ownerReferences
  if (owners === undefined || owners.length < 2) return
  const kept: OwnerReference[] = []
  const dropped: string[] = []
  for (const owner of owners) {
    if (kept.some(each => jsonEqual(each, owner))) dropped.push(owner.uid)
    else kept.push(owner)
  }
  if (dropped.length === 0) return
  metadata.ownerReferences = kept
  warn(
    '.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject ' +
      `such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${dropped.join(', ')}`,
  )
}

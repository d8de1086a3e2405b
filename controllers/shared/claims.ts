// Claims: which children are an owner's – those it controls and still selects, and orphans it selects, which it adopts;
// what it controls but selects no longer, it lets go. Rules: pkg/controller/controller_ref_manager.go.

import { hasReason, isNotFound } from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Selector } from '../../src/api/labels.ts'
import type { Frozen, KubeObject, Ref } from '../../src/api/meta.ts'
import { controllerOf, ownerReference } from '../../src/api/owners.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import type { Context } from '../../src/runtime/controller.ts'

export interface Claimant<C extends KubeObject> {
  readonly owner: Frozen<KubeObject>
  readonly kind: Kind<any>
  readonly children: Kind<C>
  readonly selector: Selector
  /** Which orphans are worth having. */
  adopts?(child: Frozen<C>): boolean
}

/** The owner's children among the candidates, adopting and releasing on the way. */
export async function claim<C extends KubeObject>(
  claimant: Claimant<C>,
  candidates: readonly Frozen<C>[],
  context: Context,
): Promise<readonly Frozen<C>[]> {
  const { owner, selector, adopts } = claimant
  const { uid, deletionTimestamp } = owner.metadata
  const mine: Frozen<C>[] = []
  let mayAdopt: Promise<void> | undefined
  for (const child of candidates) {
    const controller = controllerOf(child)
    const isSelected = selector.matches(child.metadata.labels)
    if (controller !== undefined) {
      if (controller.uid !== uid) continue
      if (isSelected) mine.push(child)
      else if (deletionTimestamp === undefined) await release(claimant, child, context)
      continue
    }
    if (!isSelected || deletionTimestamp !== undefined || child.metadata.deletionTimestamp !== undefined) continue
    if (adopts !== undefined && !adopts(child)) continue
    mayAdopt ??= checkOwner(claimant, context)
    await mayAdopt
    const adopted = await adopt(claimant, child, context)
    if (adopted !== undefined) mine.push(adopted)
  }
  return mine
}

/** The owner must be there and alive when asked directly, or the garbage collector's work would be undone. */
async function checkOwner({ owner, kind }: Claimant<any>, context: Context): Promise<void> {
  const { uid, namespace, name } = owner.metadata
  const fresh: Frozen<KubeObject> = await context.client.of(kind).get({ name, namespace })
  if (fresh.metadata.uid !== uid) {
    throw new Error(`original ${kind.kind} ${namespace}/${name} is gone: got uid ${fresh.metadata.uid}, wanted ${uid}`)
  }
  if (fresh.metadata.deletionTimestamp !== undefined) {
    throw new Error(`${namespace}/${name} has just been deleted at ${fresh.metadata.deletionTimestamp}`)
  }
}

async function adopt<C extends KubeObject>(
  { owner, kind, children }: Claimant<C>,
  child: Frozen<C>,
  context: Context,
): Promise<Frozen<C> | undefined> {
  const reference = ownerReference(owner, kind)
  const ownerReferences = [...(child.metadata.ownerReferences ?? []), reference]
  const body = {
    metadata: { uid: child.metadata.uid, resourceVersion: child.metadata.resourceVersion, ownerReferences },
  }
  try {
    return await context.client.of(children).patch(child.metadata, { type: 'merge', body })
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function release<C extends KubeObject>(
  { owner, children }: Claimant<C>,
  child: Frozen<C>,
  context: Context,
): Promise<void> {
  const ownerReferences = (child.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid)
  const { uid, resourceVersion } = child.metadata
  const body = { metadata: { uid, resourceVersion, ownerReferences: ownerReferences.length ? ownerReferences : null } }
  try {
    await context.client.of(children).patch(child.metadata, { type: 'merge', body })
  } catch (error) {
    // Gone, or another object by now: either way it is not ours any more.
    if (!isNotFound(error) && !hasReason(error, 'Invalid')) throw error
  }
}

/** An index of objects that nobody controls, by namespace: whoever adopts adds it to his lister. */
export const orphanIndex = 'orphans'
export function orphanKeys(object: Frozen<KubeObject>): readonly string[] {
  const { namespace } = object.metadata
  return namespace !== undefined && controllerOf(object) === undefined ? [namespace] : []
}

/** The controlling owner of a child, when it is of the kind. */
export function ownerRef(kind: Kind<any>, child: Frozen<KubeObject>): Ref | undefined {
  const owner = controllerOf(child)
  if (owner === undefined || owner.kind !== kind.kind || owner.apiVersion !== kind.apiVersion) return undefined
  return { name: owner.name, namespace: child.metadata.namespace }
}

/** Whether labels or owners changed: the only things by which a claim is decided. */
export function claimChanged(now: Frozen<KubeObject>, before: Frozen<KubeObject>): boolean {
  return !jsonEqual(now.metadata.labels, before.metadata.labels) || controllerOf(now)?.uid !== controllerOf(before)?.uid
}

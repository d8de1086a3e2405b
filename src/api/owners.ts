// Who owns whom: the one reference that is the controller's, and how to make it. Ownership is by uid, never by name.

import type { Frozen, KubeObject, OwnerReference } from './meta.ts'

/** The reference to the object's controlling owner, of which there is at most one. */
export function controllerOf(object: Frozen<KubeObject>): Frozen<OwnerReference> | undefined {
  const references = object.metadata.ownerReferences
  if (references === undefined) return undefined
  for (const reference of references) if (reference.controller === true) return reference
  return undefined
}

/** A reference by which `owner` controls what carries it (metav1.NewControllerRef). */
export function ownerReference(
  owner: Frozen<KubeObject>,
  kind: { readonly apiVersion: string; readonly kind: string } = owner,
): OwnerReference {
  const { name, uid } = owner.metadata
  if (uid === undefined) throw new Error(`${kind.kind} ${name} has no uid yet and cannot own anything`)
  return { apiVersion: kind.apiVersion, kind: kind.kind, name, uid, controller: true, blockOwnerDeletion: true }
}

/** Whether any reference, controlling or not, names this owner. */
export function isOwnedBy(object: Frozen<KubeObject>, owner: Frozen<KubeObject>): boolean {
  const { uid } = owner.metadata
  return uid !== undefined && (object.metadata.ownerReferences?.some(reference => reference.uid === uid) ?? false)
}

/** Whether the owner is the object's controller (metav1.IsControlledBy). */
export function isControlledBy(object: Frozen<KubeObject>, owner: Frozen<KubeObject>): boolean {
  const { uid } = owner.metadata
  return uid !== undefined && controllerOf(object)?.uid === uid
}

// The owner graph: every object of the cluster with owners or dependents, by uid, as the caches show them. Called by the
// garbage collector. An owner that is named and not seen is there as a virtual node until it is found or known to be absent.
// Rules: pkg/controller/garbagecollector/{graph,graph_builder}.go.

import type { Frozen, KubeObject, OwnerReference, Ref } from '../../src/api/meta.ts'
import type { Kind } from '../../src/kinds/kind.ts'

export const foregroundFinalizer = 'foregroundDeletion'
export const orphanFinalizer = 'orphan'

export interface GraphNode {
  readonly uid: string
  readonly apiVersion: string
  readonly kind: string
  ref: Ref
  /** Named by a dependent, but not seen yet. */
  isVirtual: boolean
  isBeingDeleted: boolean
  /** Being deleted in the foreground: it goes after its dependents. */
  isDeletingDependents: boolean
  owners: readonly Frozen<OwnerReference>[]
  readonly dependents: Map<string, GraphNode>
}

interface Misplaced {
  readonly dependent: GraphNode
  readonly owner: Frozen<OwnerReference>
}

/** What a change asks for: nodes to look at, and dependents that name an owner of another namespace. */
export interface Effect {
  readonly attempt: readonly string[]
  readonly misplaced: readonly Misplaced[]
}

const nothing: Effect = { attempt: [], misplaced: [] }
const nobody: readonly Frozen<OwnerReference>[] = Object.freeze([])

export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>()

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid)
  }

  get size(): number {
    return this.#nodes.size
  }

  /** Owners that are named and have not been seen, of one kind, whatever its version. */
  unseen({ group, kind }: Kind<any>): string[] {
    return [...this.#nodes.values()]
      .filter(node => node.isVirtual && node.kind === kind && node.apiVersion.startsWith(`${group}/`))
      .map(({ uid }) => uid)
  }

  put(kind: Kind<any>, object: Frozen<KubeObject>): Effect {
    const { metadata } = object
    const uid = metadata.uid!
    const owners = metadata.ownerReferences ?? nobody
    const isBeingDeleted = metadata.deletionTimestamp !== undefined
    const isDeletingDependents = isBeingDeleted && metadata.finalizers?.includes(foregroundFinalizer) === true
    const isOrphaning = isBeingDeleted && metadata.finalizers?.includes(orphanFinalizer) === true
    let node = this.#nodes.get(uid)
    if (
      node !== undefined &&
      !node.isVirtual &&
      !isBeingDeleted &&
      !node.isBeingDeleted &&
      sameOwners(node.owners, owners)
    ) {
      return nothing
    }

    const attempt = new Set<string>()
    const misplaced: Misplaced[] = []
    if (node === undefined) {
      node = blank(uid, kind.apiVersion, kind.kind, metadata)
      this.#nodes.set(uid, node)
    } else if (node.isVirtual) {
      // Now that it is known where the owner really is, those who looked for it elsewhere can be told.
      for (const dependent of node.dependents.values()) {
        const owner = dependent.owners.find(reference => reference.uid === uid)
        if (owner === undefined || isReachable(metadata, dependent.ref)) continue
        misplaced.push({ dependent, owner })
        attempt.add(dependent.uid)
      }
    }
    node.ref = { name: metadata.name, namespace: metadata.namespace }
    node.isVirtual = false

    if (!sameOwners(node.owners, owners)) this.#relink(node, owners, attempt, misplaced)
    const startsForeground = isDeletingDependents && !node.isDeletingDependents
    node.isBeingDeleted = isBeingDeleted
    node.isDeletingDependents = isDeletingDependents
    if (startsForeground) for (const dependent of node.dependents.keys()) attempt.add(dependent)
    if (isDeletingDependents || isOrphaning) attempt.add(uid)
    return { attempt: [...attempt], misplaced }
  }

  /** The object is gone: its dependents have lost an owner, and an owner that waits for it may go on. */
  remove(uid: string): Effect {
    const node = this.#nodes.get(uid)
    if (node === undefined) return nothing
    this.#nodes.delete(uid)
    const attempt = new Set<string>(node.dependents.keys())
    for (const { uid: owner } of node.owners) {
      const ownerNode = this.#nodes.get(owner)
      if (ownerNode === undefined) continue
      ownerNode.dependents.delete(uid)
      if (ownerNode.isDeletingDependents) attempt.add(owner)
      if (ownerNode.isVirtual && ownerNode.dependents.size === 0) this.#nodes.delete(owner)
    }
    return { attempt: [...attempt], misplaced: [] }
  }

  #relink(
    node: GraphNode,
    owners: readonly Frozen<OwnerReference>[],
    attempt: Set<string>,
    misplaced: Misplaced[],
  ): void {
    for (const { uid, blockOwnerDeletion } of node.owners) {
      const still = owners.find(reference => reference.uid === uid)
      const owner = this.#nodes.get(uid)
      if (owner === undefined) continue
      const letsGo = blockOwnerDeletion === true && still?.blockOwnerDeletion !== true
      if (letsGo && owner.isDeletingDependents) attempt.add(uid)
      if (still === undefined) owner.dependents.delete(node.uid)
    }
    for (const reference of owners) {
      let owner = this.#nodes.get(reference.uid)
      if (owner === undefined) {
        const ref = { name: reference.name, namespace: node.ref.namespace }
        owner = blank(reference.uid, reference.apiVersion, reference.kind, ref)
        this.#nodes.set(reference.uid, owner)
        attempt.add(reference.uid)
      } else if (!owner.isVirtual && !isReachable(owner.ref, node.ref)) {
        if (!owner.dependents.has(node.uid)) misplaced.push({ dependent: node, owner: reference })
        attempt.add(node.uid)
      } else if (owner.isDeletingDependents) {
        attempt.add(node.uid)
      }
      owner.dependents.set(node.uid, node)
    }
    node.owners = owners
  }
}

function blank(uid: string, apiVersion: string, kind: string, ref: Ref): GraphNode {
  return {
    uid,
    apiVersion,
    kind,
    ref: { name: ref.name, namespace: ref.namespace },
    isVirtual: true,
    isBeingDeleted: false,
    isDeletingDependents: false,
    owners: nobody,
    dependents: new Map(),
  }
}

/** An owner is of the dependent's namespace, or of none. */
function isReachable(owner: Ref, dependent: Ref): boolean {
  return !owner.namespace || owner.namespace === dependent.namespace
}

function sameOwners(one: readonly Frozen<OwnerReference>[], other: readonly Frozen<OwnerReference>[]): boolean {
  return (
    one === other ||
    (one.length === other.length &&
      one.every(
        ({ uid, blockOwnerDeletion }, at) =>
          uid === other[at]!.uid && (blockOwnerDeletion ?? false) === (other[at]!.blockOwnerDeletion ?? false),
      ))
  )
}

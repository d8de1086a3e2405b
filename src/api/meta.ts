// The words every object shares. Pure types; the concrete kinds' types are generated (generated/types.ts).

/** Who owns an object; at most one of them is its `controller`. */
export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface ManagedFieldsEntry {
  manager?: string
  operation?: string
  apiVersion?: string
  time?: string
  fieldsType?: string
  fieldsV1?: object
  subresource?: string
}

/** What every object has beside its own fields; times are RFC 3339, in UTC. */
export interface ObjectMeta {
  name: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
  finalizers?: string[]
  managedFields?: ManagedFieldsEntry[]
  selfLink?: string
}

/** What all objects of the API have in common. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
}

/** Names one object of a known kind; `namespace` is absent for cluster-scoped kinds. */
export interface Ref {
  readonly name: string
  readonly namespace?: string | undefined
}

/** What is read from the store or a cache: shared, deeply frozen. `draft()` makes a copy that may be changed. */
export type Frozen<T> = T extends (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T

type NewMeta = Omit<ObjectMeta, 'name'> & { name?: string }

/** What a client hands to `create`: the server fills in the rest. */
export type NewObject<T extends KubeObject> = Omit<T, 'metadata' | 'status'> & { metadata: NewMeta } & (T extends {
    status: infer Status
  }
    ? { status?: Status }
    : unknown)

// A kind is a value: from its declaration follow routes, discovery, OpenAPI, validation, tables, the typed client and
// the patch rules. `defineKind` is called once a kind, in that kind's own file; kinds/index.ts lists them.

import type { JSONSchemaProps } from '../../generated/types.ts'
import { badRequest, type FieldError } from '../api/errors.ts'
import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import { QuantityError } from '../api/quantity.ts'
import type { Millis } from '../env/clock.ts'
import type { SchemaNode } from './schemas.ts'

export type Subresource =
  | 'status'
  | 'approval'
  | 'scale'
  | 'ephemeralcontainers'
  | 'resize'
  | 'binding'
  | 'eviction'
  | 'token'
  | 'log'
  | 'proxy'
  | 'finalize'
  | 'exec'
  | 'attach'
  | 'portforward'

/** One column of `kubectl get`. */
export interface Column<T extends KubeObject> {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  /** `name`, or what a custom kind says of its column. */
  readonly format?: string
  readonly description?: string
  /** 0 (the default) is always shown; more only with `-o wide`. */
  readonly priority?: number
  /** `null` is shown as such: what a custom object has nothing for. */
  readonly value: (object: Frozen<T>, now: Millis) => string | number | boolean | null | undefined
}

/** What a scalable kind tells the `scale` subresource. */
export interface ScaleRules<T extends KubeObject> {
  /** Undefined where a custom object does not say. */
  replicas(object: Frozen<T>): number | undefined
  /** Where it would say so, in the words of upstream's refusal: `.spec.replicas`. */
  readonly replicasPath?: string
  setReplicas(draft: T, replicas: number): void
  statusReplicas(object: Frozen<T>): number
  /** The label selector in its text form, as in autoscaling/v1 Scale.status.selector. */
  selector(object: Frozen<T>): string
}

/** What the rules of a kind may know of the request. */
export interface WriteContext {
  readonly now: Millis
  readonly operation: 'create' | 'update'
  readonly subresource?: Subresource | undefined
  /** Who writes. */
  readonly user?: Writer | undefined
  readonly verify?: VerifySignature | undefined
}

export interface Writer {
  readonly name: string
  readonly uid?: string | undefined
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined
}

/**
 * Why a signature does not hold; undefined: it does. `publicKey` is DER of a SubjectPublicKeyInfo; `algorithm` an object
 * identifier, or `proof`: what kubelets sign with the key of a pod's certificate.
 */
export type VerifySignature = (
  publicKey: Uint8Array,
  algorithm: string,
  data: Uint8Array,
  signature: Uint8Array,
) => string | undefined

/**
 * What a kind brings along that came at run time, where a built-in one has it in generated/. Made by apiserver/custom/ from
 * a CustomResourceDefinition, one for each version that is served.
 */
export interface CustomShape {
  /** `com.example.stable.v1.CronTab` */
  readonly definition: string
  /** Of its lists: `CronTabList`, unless its definition says otherwise. */
  readonly listKind: string
  /** Of the API, as its definition has it; undefined when it has none. */
  readonly schema: Frozen<JSONSchemaProps> | undefined
  /** In which its objects are stored: `stable.example.com/v1`. */
  readonly storedVersion: string
  /** By which of its fields it can be selected: `spec.color`. */
  readonly selectableFields: readonly string[]
  /** Its definition is being deleted: nothing new is made. */
  readonly isEnding: boolean
  /** In which versions objects may be stored, this one's own or another's that somebody outside has to convert. */
  readonly isConvertedOutside: boolean
  /** What patches and server-side apply ask of its lists. Made when first asked for. */
  node(): SchemaNode
  /** Takes out of a body what the schema does not have and says which fields those were: `spec.foo`. */
  prune(body: Record<string, unknown>): readonly string[]
  /** A stored object, whatever its version, as this version has it now; the object itself when that is the same. */
  fromStored(stored: Frozen<KubeObject>): Frozen<KubeObject>
  /** What to store for an object of this version. */
  toStored(draft: KubeObject): KubeObject
}

/** What is said of a kind. Of one's own kind, which a CustomResourceDefinition defines, the first seven and `columns: []` are enough. */
export interface KindSpec<T extends KubeObject> {
  readonly group: string
  readonly version: string
  readonly kind: T['kind']
  readonly plural: string
  readonly singular: string
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly namespaced: boolean
  /** Only of kinds that came at run time. */
  readonly custom?: CustomShape
  /** The kind in which objects of this one are kept, when it is a second served version of another. */
  readonly storedAs?: {
    readonly kind: Kind<any>
    /** The stored object as this version shows it; pure. */
    fromStored(stored: Frozen<any>): T
    /** What to store for an object of this version; `old` is what is stored now. Pure. */
    toStored(object: Frozen<T>, old: Frozen<any> | undefined): KubeObject
  }
  readonly subresources?: readonly Subresource[]
  readonly scale?: ScaleRules<T>
  readonly columns: readonly Column<T>[]
  /** What field selectors may ask, beyond metadata.name and metadata.namespace. */
  readonly fields?: Readonly<Record<string, (object: Frozen<T>) => string | undefined>>
  /** Fields (of `fields`) by which lists and watches are often asked for: kept as an index. */
  readonly indexedFields?: readonly string[]
  /**
   * False for kinds without spec/status, which have no generation (ConfigMap, Event, Lease …); `uncounted` where it is 1 and
   * stays so. Default: true.
   */
  readonly hasGeneration?: boolean | 'uncounted'
  /** Why a name (or a `generateName`, its trailing dash masked) cannot be one. Default: a DNS-1123 subdomain. */
  readonly nameRule?: (name: string, object: Frozen<T>) => readonly string[]
  /** Said to whoever comes by HTTP, in any verb: that the kind is deprecated, and what to use instead. */
  readonly deprecation?: string
  /** Verbs not served, e.g. Binding-like kinds. Default: none. */
  readonly withoutVerbs?: readonly string[]
  /** Seconds of grace on delete, when the request asks for so many or names none; 0 or absent: removed at once. */
  readonly gracePeriod?: (object: Frozen<T>, asked?: number | undefined) => number
  /** False: an update must carry the resourceVersion it started from (upstream's AllowUnconditionalUpdate). Default: true. */
  readonly unconditionalUpdate?: boolean
  /** What becomes of an object when its deletion is asked for the first time, before finalizers are looked at. */
  beginEnding?(draft: T, now: Millis): void
  /** True: a PUT to a name that is not there creates (upstream's AllowCreateOnUpdate). Default: false. */
  readonly createOnUpdate?: boolean
  /** The propagation a delete has when the request names none. Default: Background. */
  readonly defaultPropagation?: 'Background' | 'Orphan' | 'Foreground'
  /** What has to be loaded before an object of this kind can be judged; writes wait for it. */
  load?(): Promise<void>
  /** Fill what was left out, as upstream's defaults.go does. Runs on every write. */
  defaults?(draft: T): void
  /** Undo what a user may not set, and keep derived fields; pure. Runs after defaults. */
  prepare?(draft: T, old: Frozen<T> | undefined, context: WriteContext): void
  /** What a schema cannot say; all faults at once, in upstream's words and field paths. */
  validate?(next: Frozen<T>, old: Frozen<T> | undefined, context: WriteContext): FieldError[]
  /** Warnings for the user (`Warning:` header), e.g. of deprecated fields. */
  warnings?(next: Frozen<T>, old: Frozen<T> | undefined): string[]
}

/** A declared kind. As a value it is also the token by which clients ask: `client.of(Pods)`. */
export interface Kind<T extends KubeObject = KubeObject> extends KindSpec<T> {
  /** `apps/v1`, or `v1` for the core group. */
  readonly apiVersion: string
  /** `deployments.apps`, or `pods` for the core group: as errors and RBAC name it. */
  readonly resource: string
  /** The URL of the collection, `/apis/apps/v1/namespaces/default/deployments`, or of one object in it. */
  path(where?: { namespace?: string | undefined; name?: string | undefined }, subresource?: string): string
}

/** A kind as a value, by which clients and controllers ask for its objects: `client.of(Websites)`. */
export function defineKind<T extends KubeObject>(spec: KindSpec<T>): Kind<T> {
  const apiVersion = spec.group === '' ? spec.version : `${spec.group}/${spec.version}`
  const root = spec.group === '' ? `/api/${spec.version}` : `/apis/${spec.group}/${spec.version}`
  const { defaults } = spec
  return Object.freeze({
    ...spec,
    ...(defaults ? { defaults: (draft: T) => decoded(spec, () => defaults(draft)) } : {}),
    apiVersion,
    resource: spec.group === '' ? spec.plural : `${spec.plural}.${spec.group}`,
    path(where: { namespace?: string | undefined; name?: string | undefined } = {}, subresource?: string): string {
      const namespace = spec.namespaced && where.namespace ? `/namespaces/${encodeURIComponent(where.namespace)}` : ''
      const name = where.name === undefined ? '' : `/${encodeURIComponent(where.name)}`
      return `${root}${namespace}/${spec.plural}${name}${subresource ? `/${subresource}` : ''}`
    },
  })
}

/** A quantity that is none cannot be decoded, which upstream answers with 400, before any rule is asked. */
function decoded({ kind, version }: { kind: string; version: string }, fill: () => void): void {
  try {
    fill()
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${error.message}`)
  }
}

/** For `storedAs`: another version of a kind with the very same fields. */
export function sameInVersion(kind: Kind<any>, version: string): NonNullable<KindSpec<any>['storedAs']> {
  const apiVersion = kind.group === '' ? version : `${kind.group}/${version}`
  return {
    kind,
    fromStored: stored => ({ ...stored, apiVersion }),
    toStored: object => ({ ...object, apiVersion: kind.apiVersion }) as KubeObject,
  }
}

/** The reference of an object of a kind: what `get` and `delete` take. */
export function refOf(object: Frozen<KubeObject>): Ref {
  return { name: object.metadata.name, namespace: object.metadata.namespace }
}

/** Of what a list of the kind is called. */
export function listKindOf({ kind, custom }: Kind<any>): string {
  return custom?.listKind ?? `${kind}List`
}

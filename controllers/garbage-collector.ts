// Garbage collector: what has owners goes when the last of them has gone; an owner deleted in the foreground goes after its
// dependents; one deleted as an orphan-maker leaves them behind. That an owner is absent is asked of the server itself,
// never concluded from a cache. Upstream: pkg/controller/garbagecollector/garbagecollector.go.

import type { CustomResourceDefinition } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import type { Frozen, KubeObject, OwnerReference, Ref } from '../src/api/meta.ts'
import { CustomResourceDefinitions, definedKind } from '../src/kinds/customresourcedefinition.ts'
import { Events } from '../src/kinds/event.ts'
import type { Kind } from '../src/kinds/kind.ts'
import { type Context, type ControllerSpec, defineController, type Wake } from '../src/runtime/controller.ts'
import { type Effect, foregroundFinalizer, type GraphNode, OwnerGraph, orphanFinalizer } from './shared/owner-graph.ts'

type Objects = readonly Frozen<KubeObject>[]

/** How many owners known to be absent are remembered. */
const absentLimit = 500

/** `kinds`: all that are served. Events are left out, as upstream: they own nothing, and their time is over by itself. */
export function garbageCollector(kinds: readonly Kind<any>[]): ControllerSpec {
  const watched = kinds.filter(kind => kind.storedAs === undefined && kind !== Events)
  return defineController({
    name: 'garbage-collector-controller',
    ...new Collector(watched).spec(),
    workers: 20,
  })
}

class Collector {
  readonly #builtIn: readonly Kind<any>[]
  /** The kinds that users have defined, by the names of their definitions; `following` ends it. */
  readonly #defined = new Map<
    string,
    { readonly kind: Kind<any>; readonly uid: string; readonly following: Promise<() => Objects> }
  >()
  #graph = new OwnerGraph()
  readonly #absent = new Set<string>()

  constructor(kinds: readonly Kind<any>[]) {
    this.#builtIn = kinds
  }

  /** Its keys are uids, as names of no namespace. */
  spec(): Pick<ControllerSpec, 'wakes' | 'start' | 'work'> {
    return {
      wakes: this.#builtIn.map(kind => this.#wake(kind)),
      start: () => {
        this.#graph = new OwnerGraph()
        this.#defined.clear()
      },
      work: ({ name: uid }, context) => this.#work(uid, context),
    }
  }

  #wake(kind: Kind<any>): Wake<KubeObject> {
    return {
      kind,
      keys: (now, before, context) => {
        const effects: Effect[] = []
        if (before !== undefined && before.metadata.uid !== now?.metadata.uid) {
          this.#noteAbsent(before.metadata.uid!)
          effects.push(this.#graph.remove(before.metadata.uid!))
        }
        if (now !== undefined) effects.push(this.#graph.put(kind, now))
        if (kind === CustomResourceDefinitions) this.#followDefined(now, before, context)
        return effects.flatMap(effect => this.#keys(effect, context))
      },
    }
  }

  /** A definition has come, changed or gone: what it defines is followed as long as it is served, in the version it is stored in. */
  #followDefined(now: Frozen<KubeObject> | undefined, before: Frozen<KubeObject> | undefined, context: Context): void {
    const { name } = (now ?? before!).metadata
    const kind = now && definedKind(now as unknown as Frozen<CustomResourceDefinition>)
    const uid = now?.metadata.uid ?? ''
    const known = this.#defined.get(name)
    if (known && kind && known.uid === uid && known.kind.apiVersion === kind.apiVersion) return
    this.#defined.delete(name)
    const left = known?.following.then(stop => stop())
    // Whatever a definition leaves in the cache when it goes is gone as well.
    if (kind === undefined) void left?.then(objects => this.#forget(objects, context))
    else this.#defined.set(name, { kind, uid, following: this.#follow(kind, left, context) })
  }

  async #follow(kind: Kind<any>, left: Promise<Objects> | undefined, context: Context): Promise<() => Objects> {
    const stop = await context.follow(this.#wake(kind))
    if (left !== undefined) {
      const lister = context.lister(kind)
      this.#forget(
        (await left).filter(({ metadata }) => lister.get(refFor(kind, metadata))?.metadata.uid !== metadata.uid),
        context,
      )
    }
    // Until now nobody could say whether these are absent.
    for (const owner of this.#graph.unseen(kind)) context.wake({ name: owner })
    return stop
  }

  #forget(objects: readonly Frozen<KubeObject>[], context: Context): void {
    for (const { metadata } of objects) {
      this.#noteAbsent(metadata.uid!)
      for (const uid of this.#graph.remove(metadata.uid!).attempt) context.wake({ name: uid })
    }
  }

  #keys({ attempt, misplaced }: Effect, context: Context): readonly Ref[] {
    for (const { dependent, owner } of misplaced) {
      const kind = this.#kindOf(dependent)
      const object: Frozen<KubeObject> | undefined = kind && context.lister(kind).get(refFor(kind, dependent.ref))
      if (object === undefined) continue
      const namespace = object.metadata.namespace ?? ''
      const who = `[${owner.apiVersion}/${owner.kind}, namespace: ${namespace}, name: ${owner.name}, uid: ${owner.uid}]`
      const message = `ownerRef ${who} does not exist in namespace ${JSON.stringify(namespace)}`
      context.event(object, 'Warning', 'OwnerRefInvalidNamespace', message)
    }
    return attempt.map(uid => ({ name: uid }))
  }

  async #work(uid: string, context: Context): Promise<void> {
    const node = this.#graph.get(uid)
    if (node === undefined) return
    const kind = this.#kindOf(node)
    // Nobody here knows such objects, so nobody can say that this one is absent.
    if (kind === undefined) return
    const object = context.lister(kind).get(refFor(kind, node.ref)) ?? (await this.#live(kind, node, context))
    if (object === undefined || object.metadata.uid !== uid) {
      this.#conclude(node, context)
    } else if (object.metadata.deletionTimestamp !== undefined) {
      if (object.metadata.finalizers?.includes(orphanFinalizer)) await this.#orphan(kind, node, object, context)
      else if (object.metadata.finalizers?.includes(foregroundFinalizer)) {
        await this.#goAfterDependents(kind, node, object, context)
      }
    } else if (object.metadata.ownerReferences?.length) {
      await this.#judge(kind, node, object, context)
    }
  }

  async #live(
    kind: Kind<any>,
    { ref }: Pick<GraphNode, 'ref'>,
    { client }: Context,
  ): Promise<Frozen<KubeObject> | undefined> {
    if (kind.namespaced && !ref.namespace) return undefined
    try {
      return await client.of(kind).get(refFor(kind, ref))
    } catch (error) {
      if (!isNotFound(error)) throw error
      return undefined
    }
  }

  /** The object does not exist: as if its deletion had been seen. */
  #conclude(node: GraphNode, context: Context): void {
    this.#noteAbsent(node.uid)
    for (const uid of this.#graph.remove(node.uid).attempt) context.wake({ name: uid })
  }

  /** Keep it, cut it off from owners that are gone, or delete it: as its owners are. */
  async #judge(kind: Kind<any>, node: GraphNode, object: Frozen<KubeObject>, context: Context): Promise<void> {
    const { solid, dangling, waiting } = await this.#classify(object, context)
    if (solid > 0) {
      const lost = [...dangling, ...waiting]
      if (lost.length > 0) await this.#cutOff(kind, object, lost, context)
      return
    }
    if (dangling.length + waiting.length === 0) return
    let propagationPolicy: 'Orphan' | 'Foreground' | 'Background' = 'Background'
    if (waiting.length > 0 && node.dependents.size > 0) {
      const isCircle = [...node.dependents.values()].some(dependent => dependent.isDeletingDependents)
      if (isCircle) await this.#unblock(kind, object, context)
      propagationPolicy = 'Foreground'
    } else if (object.metadata.finalizers?.includes(orphanFinalizer)) propagationPolicy = 'Orphan'
    else if (object.metadata.finalizers?.includes(foregroundFinalizer)) propagationPolicy = 'Foreground'
    const { uid } = object.metadata
    context.log.debug(
      { [kind.kind.toLowerCase()]: object.metadata.name, propagationPolicy },
      'deleting, its owners are gone',
    )
    await this.#ignoreGone(
      context.client.of(kind).delete(object.metadata, { propagationPolicy, preconditions: { uid } }),
    )
  }

  async #classify(
    object: Frozen<KubeObject>,
    context: Context,
  ): Promise<{ readonly solid: number; readonly dangling: string[]; readonly waiting: string[] }> {
    let solid = 0
    const dangling: string[] = []
    const waiting: string[] = []
    for (const reference of object.metadata.ownerReferences ?? []) {
      const owner = await this.#owner(reference, object.metadata.namespace, context)
      if (owner === 'unknown') solid++
      else if (owner === undefined) dangling.push(reference.uid)
      else if (owner.metadata.deletionTimestamp && owner.metadata.finalizers?.includes(foregroundFinalizer)) {
        waiting.push(reference.uid)
      } else solid++
    }
    return { solid, dangling, waiting }
  }

  async #owner(
    reference: Frozen<OwnerReference>,
    namespace: string | undefined,
    context: Context,
  ): Promise<Frozen<KubeObject> | 'unknown' | undefined> {
    const kind = this.#kindOf(reference)
    // Of a kind that is not served, or – for an object of no namespace – in a namespace that nobody can name.
    if (kind === undefined || (kind.namespaced && !namespace)) return 'unknown'
    const ref = refFor(kind, { name: reference.name, namespace })
    const cached: Frozen<KubeObject> | undefined = context.lister(kind).get(ref)
    if (cached?.metadata.uid === reference.uid) return cached
    if (this.#absent.has(reference.uid)) return undefined
    const live = await this.#live(kind, { ref }, context)
    if (live?.metadata.uid === reference.uid) return live
    return undefined
  }

  async #goAfterDependents(
    kind: Kind<any>,
    node: GraphNode,
    object: Frozen<KubeObject>,
    context: Context,
  ): Promise<void> {
    const blocking = [...node.dependents.values()].filter(dependent =>
      dependent.owners.some(({ uid, blockOwnerDeletion }) => uid === node.uid && blockOwnerDeletion === true),
    )
    if (blocking.length === 0) return this.#removeFinalizer(kind, object, foregroundFinalizer, context)
    for (const dependent of blocking) {
      if (!dependent.isDeletingDependents) context.wake({ name: dependent.uid })
    }
  }

  async #orphan(kind: Kind<any>, node: GraphNode, object: Frozen<KubeObject>, context: Context): Promise<void> {
    const dependents = [...node.dependents.values()]
    await Promise.all(
      dependents.map(async dependent => {
        const dependentKind = this.#kindOf(dependent)
        if (dependentKind === undefined) return
        await this.#ignoreGone(
          this.#patchOwners(dependentKind, dependent.ref, dependent.uid, [node.uid], null, context),
        )
      }),
    )
    await this.#removeFinalizer(kind, object, orphanFinalizer, context)
  }

  async #cutOff(kind: Kind<any>, object: Frozen<KubeObject>, uids: readonly string[], context: Context): Promise<void> {
    const { uid } = object.metadata
    await this.#ignoreGone(this.#patchOwners(kind, object.metadata, uid!, uids, null, context))
  }

  /**
   * Takes some owners off an object, or changes something of them. What users have defined has no strategic merge, so its
   * owners are written whole, upon the object as it is now (garbagecollector/patch.go).
   */
  async #patchOwners(
    kind: Kind<any>,
    ref: Ref,
    uid: string,
    owners: readonly string[],
    change: Partial<OwnerReference> | null,
    { client }: Context,
  ): Promise<unknown> {
    const resource = client.of(kind)
    if (this.#builtIn.includes(kind)) {
      const ownerReferences = owners.map(owner =>
        change ? { uid: owner, ...change } : { $patch: 'delete', uid: owner },
      )
      return resource.patch(ref, { type: 'strategic', body: { metadata: { uid, ownerReferences } } })
    }
    const { metadata } = (await resource.get(refFor(kind, ref))) as Frozen<KubeObject>
    if (metadata.uid !== uid) return
    const present = metadata.ownerReferences ?? []
    const left = change
      ? present.map(owner => (owners.includes(owner.uid) ? { ...owner, ...change } : owner))
      : present.filter(owner => !owners.includes(owner.uid))
    const ownerReferences = left.length > 0 ? left : null
    const body = { metadata: { uid, resourceVersion: metadata.resourceVersion, ownerReferences } }
    return resource.patch(ref, { type: 'merge', body })
  }

  /** In a circle of owners nobody could go first: this one stops holding up its owners. */
  async #unblock(kind: Kind<any>, object: Frozen<KubeObject>, context: Context): Promise<void> {
    const references = (object.metadata.ownerReferences ?? []).filter(({ blockOwnerDeletion }) => blockOwnerDeletion)
    if (references.length === 0) return
    const owners = references.map(({ uid }) => uid)
    const { uid } = object.metadata
    const change = { blockOwnerDeletion: false }
    await this.#ignoreGone(this.#patchOwners(kind, object.metadata, uid!, owners, change, context))
  }

  async #removeFinalizer(
    kind: Kind<any>,
    { metadata }: Frozen<KubeObject>,
    finalizer: string,
    { client }: Context,
  ): Promise<void> {
    const finalizers = metadata.finalizers?.filter(each => each !== finalizer) ?? []
    const { resourceVersion } = metadata
    const body = { metadata: { resourceVersion, finalizers: finalizers.length > 0 ? finalizers : null } }
    await this.#ignoreGone(client.of(kind).patch(metadata, { type: 'merge', body }))
  }

  async #ignoreGone(write: Promise<unknown>): Promise<void> {
    try {
      await write
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  #kindOf({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): Kind<any> | undefined {
    const isOfGroup = (each: Kind<any>): boolean => each.kind === kind && each.group === groupOf(apiVersion)
    const exact = this.#builtIn.find(each => each.kind === kind && each.apiVersion === apiVersion)
    const builtIn = exact ?? this.#builtIn.find(isOfGroup)
    if (builtIn !== undefined) return builtIn
    for (const defined of this.#defined.values()) if (isOfGroup(defined.kind)) return defined.kind
    return undefined
  }

  #noteAbsent(uid: string): void {
    this.#absent.add(uid)
    if (this.#absent.size <= absentLimit) return
    for (const oldest of this.#absent) {
      this.#absent.delete(oldest)
      return
    }
  }
}

const groupOf = (apiVersion: string): string => apiVersion.slice(0, Math.max(0, apiVersion.indexOf('/')))

function refFor(kind: Kind<any>, { name, namespace }: Ref): Ref {
  return kind.namespaced ? { name, namespace } : { name }
}

// Custom resources: follows the definitions in the store, keeps their status, and has the registry serve what they define –
// from the moment they are established until they are gone, and from the first moment after a restart. Made by
// apiserver/server.ts; hears of a definition before whoever wrote it has his answer.

import type { CustomResourceDefinition } from '../../generated/types.ts'
import { draft } from '../../src/api/freeze.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { createEnding } from '../../src/env/ending.ts'
import type { Env } from '../../src/env/env.ts'
import { CustomResourceDefinitions, cleanupFinalizer, isEstablished } from '../../src/kinds/customresourcedefinition.ts'
import type { Registry } from '../registry/registry.ts'
import { prefixOf } from '../storage/keys.ts'
import type { Decision, Present, Storage } from '../storage/storage.ts'
import { type Conversion, renaming } from './conversion.ts'
import { nextStatus, withCondition } from './crd-status.ts'
import { type CustomKinds, customKinds } from './custom-kind.ts'
import { deleteInstances } from './instances.ts'
import type { SchemaLoader } from './schema-loader.ts'

type Crd = Frozen<CustomResourceDefinition>

export interface CustomResources {
  /** Resolves when the objects of kinds that are there from the start can be read. */
  readonly ready: Promise<void>
  close(): void
}

interface Served {
  readonly crd: Crd
  readonly kinds: CustomKinds
}

const cause = { by: 'apiextensions-apiserver' }

const prefix = prefixOf(CustomResourceDefinitions)

export function createCustomResources(
  env: Env,
  storage: Storage,
  registry: Registry,
  loader: SchemaLoader,
  conversionOf: (crd: Crd) => Conversion = () => renaming,
): CustomResources {
  const ending = createEnding()
  const served = new Map<string, Served>()
  const working = new Set<string>()
  const again = new Set<string>()
  const log = env.log.child({ component: 'custom-resources' })

  /** Brings what is served to what the store says; at once, and before anybody who wrote it goes on. */
  function serve(name: string): void {
    const crd = storage.get(prefix + name)?.object as Crd | undefined
    const before = served.get(name)
    if (crd === undefined || !isEstablished(crd) || isBuiltIn(crd)) {
      if (before === undefined) return
      served.delete(name)
      registry.replace(before.kinds.served, [])
      return
    }
    if (before !== undefined && isSame(before.crd, crd)) {
      const isEnding = crd.metadata.deletionTimestamp !== undefined
      if (before.kinds.isEnding === isEnding) return
      before.kinds.isEnding = isEnding
      // The same kinds; but discovery says less of them.
      registry.replace([], [])
      return
    }
    const kinds = customKinds(crd, conversionOf(crd), schema => loader.schemas.compile(schema))
    served.set(name, { crd, kinds })
    registry.replace(before?.kinds.served ?? [], kinds.served)
    log.info({ customresourcedefinition: name, versions: kinds.served.length }, 'serving')
  }

  /** A kind that the server has itself is not given away. */
  function isBuiltIn({ spec }: Crd): boolean {
    return registry.kinds.some(
      ({ group, plural, custom }) => custom === undefined && group === spec.group && plural === spec.names.plural,
    )
  }

  /** One at a time for each definition; what happens meanwhile is looked at after it. */
  function wake(name: string): void {
    if (ending.signal.aborted) return
    if (working.has(name)) {
      again.add(name)
      return
    }
    working.add(name)
    settle(name)
      .catch(error => {
        if (!ending.signal.aborted)
          log.warn({ customresourcedefinition: name, error }, 'a definition could not be kept')
      })
      .finally(() => {
        working.delete(name)
        if (again.delete(name)) wake(name)
      })
  }

  async function settle(name: string): Promise<void> {
    const key = prefix + name
    for (;;) {
      const crd = storage.get(key)?.object as Crd | undefined
      if (crd === undefined) return
      if (crd.metadata.deletionTimestamp !== undefined) {
        if (crd.metadata.finalizers?.includes(cleanupFinalizer)) await finalize(name, crd)
        return
      }
      let wrote = false
      await storage.write(
        key,
        (current, present) => {
          const decision = decide(current?.object as Crd | undefined, present)
          wrote = 'put' in decision
          return decision
        },
        cause,
      )
      if (!wrote) return
    }
  }

  function decide(crd: Crd | undefined, present: Present): Decision {
    if (crd === undefined || crd.metadata.deletionTimestamp !== undefined) return { keep: true }
    const group = [...present.list(prefix)]
      .map(({ object }) => object as Crd)
      .filter(({ spec }) => spec.group === crd.spec.group)
    const next = nextStatus(crd, group, env.clock.now())
    return next === undefined ? { keep: true } : { put: next }
  }

  async function finalize(name: string, crd: Crd): Promise<void> {
    if (isBuiltIn(crd)) {
      return letGo(name, 'OverlappingBuiltInResource', 'instances overlap with built-in resources in storage')
    }
    if (!isEstablished(crd)) return letGo(name, 'NeverEstablished', 'resource was never established')
    await tell(name, 'InstanceDeletionInProgress', 'CustomResource deletion is in progress')
    const instances = prefixOf({ group: crd.spec.group, plural: crd.spec.names.plural })
    // The store is quiet while somebody holds them, and nobody need wait for that.
    if (await deleteInstances(env, storage, instances, ending.signal)) {
      return letGo(name, 'InstanceDeletionCompleted', 'removed all instances')
    }
    if (ending.signal.aborted) return
    const why = 'could not confirm zero CustomResources remaining: context deadline exceeded'
    await tell(name, 'InstanceDeletionCheck', why)
    again.add(name)
  }

  async function tell(name: string, reason: string, message: string): Promise<void> {
    await storage.write(
      prefix + name,
      current => {
        const crd = current?.object as Crd | undefined
        if (crd === undefined) return { keep: true }
        const next = withCondition(crd, { type: 'Terminating', status: 'True', reason, message }, env.clock.now())
        return next === undefined ? { keep: true } : { put: next }
      },
      cause,
    )
  }

  async function letGo(name: string, reason: string, message: string): Promise<void> {
    const condition = { type: 'Terminating', status: 'False', reason, message }
    await storage.write(
      prefix + name,
      current => {
        const crd = current?.object as Crd | undefined
        if (crd === undefined) return { keep: true }
        const next = withCondition(crd, condition, env.clock.now()) ?? (draft(crd) as CustomResourceDefinition)
        const finalizers = (next.metadata.finalizers ?? []).filter(finalizer => finalizer !== cleanupFinalizer)
        if (finalizers.length === 0) return { remove: true }
        next.metadata.finalizers = finalizers
        return { put: next }
      },
      cause,
    )
  }

  const stop = storage.subscribe(prefix, storage.revision, events => {
    for (const { key, type, stored } of events) {
      const name = key.slice(prefix.length)
      serve(name)
      wake(name)
      const { group } = (stored.object as Crd).spec
      if (type === 'ADDED') continue
      // A name may have become free.
      for (const { object } of storage.list(prefix)) {
        if ((object as Crd).spec.group === group && object.metadata.name !== name) wake(object.metadata.name)
      }
    }
  })
  for (const { object } of storage.list(prefix)) serve(object.metadata.name)
  for (const { object } of storage.list(prefix)) wake(object.metadata.name)

  return {
    ready: served.size > 0 ? loader.load() : Promise.resolve(),
    close() {
      ending.abort()
      stop()
    },
  }
}

/** Nothing has changed that its kinds are made of. */
function isSame(one: Crd, other: Crd): boolean {
  return (
    one.metadata.uid === other.metadata.uid &&
    jsonEqual(one.spec, other.spec) &&
    jsonEqual(one.status.acceptedNames, other.status.acceptedNames)
  )
}

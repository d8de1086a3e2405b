// Own writes: a client that remembers what was written through it, so that the manager can wait until the caches have
// seen it. A stale cache then cannot make a sixth pod. Called by the manager, anew for each turn of a key.

import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import type { Client, ResourceClient } from '../client/client.ts'
import type { Kind } from '../kinds/kind.ts'
import type { Informer, Informers } from './informer.ts'

export interface OwnWrites {
  readonly client: Client
  /** Runs once, when every cache has seen what was written; at once when nothing was. */
  whenSeen(run: () => void): void
}

/** Only the given kinds are waited for: nobody here reads the others. */
export function trackWrites(client: Client, informers: Informers, kinds: readonly Kind<any>[]): OwnWrites {
  const revisions = new Map<Informer<any>, number>()
  const deletions: { readonly informer: Informer<any>; readonly ref: Ref; readonly uid: string }[] = []
  const wrap = (inner: Client): Client => ({
    of<T extends KubeObject>(kind: Kind<T>): ResourceClient<T> {
      const plain = inner.of(kind)
      if (!kinds.includes(kind)) return plain
      return remembering(plain, informers.of(kind))
    },
    as: component => wrap(inner.as(component)),
    because: cause => wrap(inner.because?.(cause) ?? inner),
  })

  function remembering<T extends KubeObject>(plain: ResourceClient<T>, informer: Informer<T>): ResourceClient<T> {
    const wrote = <R>(result: R): R => {
      const revision = Number(
        (result as { metadata?: { resourceVersion?: string } } | undefined)?.metadata?.resourceVersion,
      )
      if (revision > (revisions.get(informer) ?? 0)) revisions.set(informer, revision)
      return result
    }
    const deleted = (before: Frozen<T> | undefined): void => {
      if (before?.metadata.uid === undefined) return
      deletions.push({ informer, ref: before.metadata, uid: before.metadata.uid })
    }
    return {
      get: ref => plain.get(ref),
      list: options => plain.list(options),
      watch: options => plain.watch(options),
      read: (ref, subresource) => plain.read(ref, subresource),
      create: (object, options) => plain.create(object, options).then(wrote),
      update: (object, options) => plain.update(object, options).then(wrote),
      updateStatus: (object, options) => plain.updateStatus(object, options).then(wrote),
      patch: (ref, patch, subresource, options) => plain.patch(ref, patch, subresource, options).then(wrote),
      // A binding or an eviction answers with a Status, which has no revision: nothing to wait for.
      act: <R>(ref: Ref, subresource: string, body: object, method?: 'POST' | 'PUT') =>
        plain.act<R>(ref, subresource, body, method).then(wrote),
      async delete(ref, options) {
        const before = informer.get(ref)
        await plain.delete(ref, options)
        if (!options?.dryRun) deleted(before)
      },
      deleteCollection: (options, how) => plain.deleteCollection(options, how),
    }
  }

  return {
    client: wrap(client),
    whenSeen(run) {
      let left = revisions.size + deletions.length
      if (left === 0) {
        run()
        return
      }
      const one = (): void => {
        left--
        if (left === 0) run()
      }
      for (const [informer, revision] of revisions) informer.whenSeen(revision, one)
      for (const { informer, ref, uid } of deletions) informer.whenDeleted(ref, uid, one)
    },
  }
}

// What a failed expectation prints below its own words: what the object waits for and what happened to it. Called by cluster.ts,
// and by matchers.ts for objects that a test's cluster gave.

import { keyOf } from '../../apiserver/storage/keys.ts'
import type { CoreV1Event } from '../../generated/types.ts'
import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import { chainText, happeningText } from '../cli/timeline-text.ts'
import type { Cluster } from '../cluster.ts'
import { Events } from '../kinds/index.ts'
import type { Kind } from '../kinds/kind.ts'
import { timeline } from '../timeline.ts'
import { whyOf } from '../why/chain.ts'
import { whyNot } from '../why/why-not.ts'

export function explanation(cluster: Cluster, kind: Kind<any>, { name, namespace }: Ref): string {
  const { findings } = whyNot(cluster, kind, { name, namespace })
  const { items } = timeline(cluster.storage, {
    resource: kind.resource,
    name,
    ...(namespace ? { namespace } : {}),
    limit: 10,
  })
  const chain = whyOf(cluster.storage, keyOf(kind, { name, namespace }))?.chain ?? []
  return [
    ...findings.map(({ about, what, waitsFor }) => `${about}: ${what}: waits for ${waitsFor}`),
    ...(chain.length > 1 ? ['why it is there:', ...chain.map(item => chainText(item).trimEnd())] : []),
    'what happened to it:',
    ...items.map(item => happeningText(item, false).trimEnd()),
  ].join('\n')
}

const from = new WeakMap<object, { readonly cluster: Cluster; readonly kind: Kind<any> }>()

/** Remembers where an object is from, so that more can be said of it. */
export function given<T extends KubeObject>(object: Frozen<T>, cluster: Cluster, kind: Kind<T>): Frozen<T> {
  from.set(object, { cluster, kind })
  return object
}

/** Empty for an object that no cluster gave, or that is there no more. */
export function explanationOf(object: KubeObject): string {
  const known = from.get(object)
  try {
    return known === undefined ? '' : explanation(known.cluster, known.kind, object.metadata)
  } catch {
    return ''
  }
}

/** What was said of it, oldest first; undefined for an object that no cluster gave. */
export function eventsAbout(object: KubeObject): readonly Frozen<CoreV1Event>[] | undefined {
  const { uid } = object.metadata
  return from
    .get(object)
    ?.cluster.server.registry.of(Events)
    .list({})
    .items.map(item => item.object as unknown as Frozen<CoreV1Event>)
    .filter(({ involvedObject }) => involvedObject.uid === uid)
}

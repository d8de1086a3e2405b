// What a failed expectation prints below its own words: what the object waits for and what happened to it. Called by cluster.ts,
// and by matchers.ts for objects that a test's cluster gave.

import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import { happeningText } from '../cli/timeline-text.ts'
import type { Cluster } from '../cluster.ts'
import type { Kind } from '../kinds/kind.ts'
import { timeline } from '../timeline.ts'
import { whyNot } from '../why/why-not.ts'

export function explanation(cluster: Cluster, kind: Kind<any>, { name, namespace }: Ref): string {
  const { findings } = whyNot(cluster, kind, { name, namespace })
  const { items } = timeline(cluster.storage, {
    resource: kind.resource,
    name,
    ...(namespace ? { namespace } : {}),
    limit: 10,
  })
  return [
    ...findings.map(({ about, what, waitsFor }) => `${about}: ${what}: waits for ${waitsFor}`),
    'what happened to it:',
    ...items.map(item => happeningText(item, false).trimEnd()),
  ].join('\n')
}

const from = new WeakMap<object, () => string>()

/** Remembers where an object is from, so that more can be said of it. */
export function given<T extends KubeObject>(object: Frozen<T>, cluster: Cluster, kind: Kind<T>): Frozen<T> {
  from.set(object, () => explanation(cluster, kind, object.metadata))
  return object
}

/** Empty for an object that no cluster gave, or that is there no more. */
export function explanationOf(object: object): string {
  try {
    return from.get(object)?.() ?? ''
  } catch {
    return ''
  }
}

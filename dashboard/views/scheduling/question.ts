// The question that the form makes of its words: of a pod that is there, or a new one, with changes of it and of nodes. Throws
// WrongWords.

import type { Pod } from '../../../generated/types.ts'
import { type NodeWords, nodeChange, type PodWords, podChanges } from '../../../src/api/what-if-words.ts'
import type { SchedulingQuestion } from '../../../src/own/scheduling.ts'

/** `pod` undefined: a new one, in the namespace. */
export function questionOf(
  pod: Pod | undefined,
  namespace: string,
  podForm: PodWords,
  nodeForms: ReadonlyMap<string, NodeWords>,
  at: number | undefined,
): SchedulingQuestion {
  const container = pod?.spec.containers[0]?.name ?? 'main'
  const changes = podChanges(podForm, container)
  const nodes = [...nodeForms].flatMap(([name, form]) => nodeChange(name, form))
  const which: SchedulingQuestion =
    pod === undefined
      ? { manifest: newPod(namespace) }
      : { pod: { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name ?? '' } }
  return {
    ...which,
    ...(changes && { changes }),
    ...(nodes.length > 0 && { nodes }),
    ...(at !== undefined && { at: String(at) }),
  }
}

const newPod = (namespace: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'new', namespace: namespace || 'default' },
  spec: { containers: [{ name: 'main', image: 'nginx' }] },
})

// metrics.k8s.io: what pods and nodes take, asked anew each time of who measures it (src/client/resource-usage.ts). Called by
// registry.ts. Wording and shape: kubernetes-sigs/metrics-server, pkg/api/pod.go and node.go.

import { ApiError, isNotFound, methodNotSupported } from '../../src/api/errors.ts'
import { everyField, parseFieldSelector } from '../../src/api/fields.ts'
import { freeze } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { NodeLike, PodLike } from '../../src/client/node-client.ts'
import type { NodeUsage, PodUsage, ResourceUsage } from '../../src/client/resource-usage.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { NodeMetricsKind, PodMetricsKind } from '../../src/kinds/resource-metrics.ts'
import { readingOf } from './collection.ts'
import type { Reading, ResourceRegistry } from './registry.ts'

export function podMetricsRegistry(pods: ResourceRegistry, usage: ResourceUsage): ResourceRegistry {
  return metricsRegistry(PodMetricsKind, pods, usage, object => {
    const measured = usage.pod(object as unknown as PodLike)
    return measured && { ...headOf(object, measured), containers: measured.containers.map(containerOf) }
  })
}

export function nodeMetricsRegistry(nodes: ResourceRegistry, usage: ResourceUsage): ResourceRegistry {
  return metricsRegistry(NodeMetricsKind, nodes, usage, object => {
    const measured = usage.node(object as unknown as NodeLike)
    return measured && { ...headOf(object, measured), usage: amounts(measured) }
  })
}

function metricsRegistry(
  kind: Kind<any>,
  of: ResourceRegistry,
  usage: ResourceUsage,
  measure: (object: Frozen<KubeObject>) => object | undefined,
): ResourceRegistry {
  const refuse = (action: string) => (): never => {
    throw methodNotSupported(kind, action)
  }
  const rejects = (action: string) => async (): Promise<never> => refuse(action)()
  const readingFor = ({ object }: Reading): Reading | undefined => {
    const measured = measure(object)
    if (measured === undefined) return undefined
    const { apiVersion } = kind
    return readingOf(freeze({ apiVersion, kind: kind.kind, ...measured }) as unknown as Frozen<KubeObject>)
  }
  return {
    kind,
    async ready(read) {
      await usage.refresh?.()
      return read()
    },
    get(ref) {
      const name = ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`
      try {
        const reading = readingFor(of.get(ref))
        if (reading !== undefined) return reading
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
      // By a name of its own, which is none of discovery's.
      const resource = kind.kind.toLowerCase()
      const details = { name, group: kind.group, kind: resource }
      throw new ApiError('NotFound', `${resource}.${kind.group} "${name}" not found`, details)
    },
    list({ namespace, labelSelector, fieldSelector }) {
      const fields = fieldSelector ? parseFieldSelector(fieldSelector) : everyField
      const items = of
        .list({ namespace, labelSelector })
        .items.filter(({ object: { metadata } }) =>
          fields.matches(field =>
            field === 'metadata.name'
              ? metadata.name
              : field === 'metadata.namespace'
                ? (metadata.namespace ?? '')
                : undefined,
          ),
        )
        .map(readingFor)
        .filter(reading => reading !== undefined)
      return { items, resourceVersion: '' }
    },
    watch: refuse('watch'),
    create: rejects('create'),
    update: rejects('update'),
    patch: rejects('patch'),
    delete: rejects('delete'),
    deleteCollection: rejects('deletecollection'),
    readSubresource: refuse('get'),
    act: rejects('create'),
  }
}

function headOf({ metadata }: Frozen<KubeObject>, { at, window }: PodUsage | NodeUsage): object {
  const { name, namespace, labels } = metadata
  const creationTimestamp = rfc3339(at)
  return {
    metadata: { name, ...(namespace ? { namespace } : {}), ...(labels ? { labels } : {}), creationTimestamp },
    timestamp: rfc3339(at),
    window: `${window / 1000}s`,
  }
}

const containerOf = ({ name, cpu, memory }: PodUsage['containers'][number]) => ({
  name,
  usage: amounts({ cpu, memory }),
})

const amounts = ({ cpu, memory }: { cpu: number; memory: number }) => ({
  cpu: cpu === 0 ? '0' : `${cpu}n`,
  memory: `${Math.ceil(memory / 1024)}Ki`,
})

// Static pods: those a kubelet has from a folder, not from the API. What the API shows of one is its mirror, which the kubelet
// makes, and makes again whenever somebody takes it away (pkg/kubelet/pod/mirror_client.go, pkg/kubelet/config/common.go).
// Here the mirror is what lives: when it is deleted its containers end with it, and those of the next are new.

import { createHash } from 'node:crypto'
import type { Node, Pod } from '../generated/types.ts'
import { isAlreadyExists, isNotFound } from '../src/api/errors.ts'
import type { Frozen, NewObject } from '../src/api/meta.ts'
import { rfc3339 } from '../src/api/time.ts'
import { Nodes, Pods } from '../src/kinds/index.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { isSilent, isSimulated } from './nodes.ts'

const source = 'kubernetes.io/config.source'
const hash = 'kubernetes.io/config.hash'
const mirror = 'kubernetes.io/config.mirror'
const seen = 'kubernetes.io/config.seen'

export interface StaticPod {
  readonly node: string
  readonly manifest: Frozen<Pod>
}

/** Where they come from. */
export interface StaticPods {
  all(): readonly StaticPod[]
  onChange(signal: AbortSignal, wake: () => void): void
}

export function staticPods(given: StaticPods): ControllerSpec<Node> {
  return defineController<Node>({
    name: 'kubelet-static-pods',
    source: 'kubelet',
    reads: [Nodes],
    wakes: [
      { kind: Nodes, keys: (now, before) => (now && !before ? [{ name: now.metadata.name }] : []) },
      {
        kind: Pods,
        keys: (now, before) => (now === undefined && isMirror(before!) ? [{ name: before!.spec.nodeName ?? '' }] : []),
      },
    ],
    start(context) {
      given.onChange(context.signal, () => {
        for (const { metadata } of context.lister(Nodes).list()) context.wake({ name: metadata.name })
      })
    },
    async work({ name }, { lister, client, clock }) {
      const node = lister(Nodes).get({ name })
      if (node === undefined || !isSimulated(node) || isSilent(node)) return
      const wanted = new Map<string, NewObject<Pod>>()
      for (const { node: on, manifest } of given.all()) {
        if (on !== name) continue
        const made = mirrorOf(manifest, node, rfc3339(clock.now()))
        wanted.set(`${made.metadata.namespace}/${made.metadata.name}`, made)
      }
      const there = new Set<string>()
      for (const pod of (lister(Pods).by('node', name) as readonly Frozen<Pod>[]).filter(isMirror)) {
        const key = `${pod.metadata.namespace}/${pod.metadata.name}`
        const own = wanted.get(key)
        there.add(key)
        if (own?.metadata.annotations?.[hash] === pod.metadata.annotations?.[hash]) continue
        if (pod.metadata.deletionTimestamp !== undefined) continue
        await client.of(Pods).delete(pod.metadata).catch(unless(isNotFound))
      }
      for (const [key, pod] of wanted) {
        if (!there.has(key)) await client.of(Pods).create(pod).catch(unless(isAlreadyExists))
      }
    },
  })
}

const isMirror = ({ metadata }: Frozen<Pod>): boolean => metadata.annotations?.[mirror] !== undefined

function mirrorOf({ metadata, spec }: Frozen<Pod>, node: Frozen<Node>, now: string): NewObject<Pod> {
  const digest = createHash('md5')
    .update(JSON.stringify([metadata, spec, node.metadata.name]))
    .digest('hex')
  const { serviceAccountName: _, ...own } = spec
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${metadata.name}-${node.metadata.name}`.toLowerCase(),
      namespace: metadata.namespace ?? 'default',
      ...(metadata.labels ? { labels: { ...metadata.labels } } : {}),
      annotations: { ...metadata.annotations, [source]: 'file', [hash]: digest, [mirror]: digest, [seen]: now },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Node', name: node.metadata.name, uid: node.metadata.uid ?? '', controller: true },
      ],
    },
    spec: {
      ...own,
      nodeName: node.metadata.name,
      enableServiceLinks: own.enableServiceLinks ?? true,
      tolerations: [...(own.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }],
    },
  } as unknown as NewObject<Pod>
}

const unless = (isFine: (error: unknown) => boolean) => (error: unknown) => {
  if (!isFine(error)) throw error
}

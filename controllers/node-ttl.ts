// How long a kubelet may keep ConfigMaps and Secrets before it asks again: the more nodes there are, the longer, with some
// overlap so that it does not swing. Upstream: pkg/controller/ttl/ttl_controller.go.

import type { Node } from '../generated/types.ts'
import { Nodes } from '../src/kinds/node.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'

const annotation = 'node.alpha.kubernetes.io/ttl'

/** From so many nodes down to so many: seconds. */
const boundaries = [
  { least: 0, most: 100, seconds: 0 },
  { least: 90, most: 500, seconds: 15 },
  { least: 450, most: 1000, seconds: 30 },
  { least: 900, most: 2000, seconds: 60 },
  { least: 1800, most: Number.POSITIVE_INFINITY, seconds: 300 },
]

export function nodeTtlController(): ControllerSpec<Node> {
  let step = 0
  return defineController<Node>({
    name: 'node-ttl-controller',
    source: 'ttl-controller',
    for: Nodes,
    start() {
      step = 0
    },
    async reconcile({ metadata }, { client, lister }) {
      const count = lister(Nodes).list().length
      while (count > boundaries[step]!.most) step++
      while (count < boundaries[step]!.least) step--
      const seconds = String(boundaries[step]!.seconds)
      if (metadata.annotations?.[annotation] === seconds) return
      const body = { metadata: { uid: metadata.uid, annotations: { [annotation]: seconds } } }
      await client.of(Nodes).patch(metadata, { type: 'strategic', body })
    },
  })
}

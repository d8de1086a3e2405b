// Gives every node a range for its pods. Simulated nodes take theirs as they register (kubelet-sim/heartbeat.ts), since their
// addresses follow from it; this is for all others. Upstream: pkg/controller/nodeipam/ipam/range_allocator.go.

import type { Node } from '../generated/types.ts'
import { Nodes } from '../src/kinds/node.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'

const simulated = 'kubesim.dev/node'
const ranges = 256

/** `isDualStack`: each gets a range of IPv6 as well. */
export function nodeIpamController(isDualStack = false): ControllerSpec<Node> {
  /** By node: given, and perhaps not seen yet in what is read here. */
  const given = new Map<string, string>()
  return defineController<Node>({
    name: 'node-ipam-controller',
    source: 'cidrAllocator',
    for: Nodes,
    wakes: [
      {
        kind: Nodes,
        // A range is free again: whoever waits looks anew.
        keys: (now, before, { lister }) =>
          now !== undefined || !before?.spec.podCIDR
            ? []
            : lister(Nodes)
                .list()
                .filter(({ spec }) => !spec.podCIDR)
                .map(({ metadata }) => metadata),
      },
    ],
    concerns: ({ metadata, spec }) => !spec.podCIDR && metadata.annotations?.[simulated] === undefined,
    async reconcile(node, { client, lister, event }) {
      const { name, resourceVersion } = node.metadata
      for (const other of given.keys()) {
        const known = lister(Nodes).get({ name: other })
        if (other === name || known === undefined || known.spec.podCIDR) given.delete(other)
      }
      const taken = new Set([
        ...given.values(),
        ...lister(Nodes)
          .list()
          .flatMap(({ spec }) => [spec.podCIDR, ...(spec.podCIDRs ?? [])]),
      ])
      for (let index = 1; index < ranges; index++) {
        const cidr = `10.244.${index}.0/24`
        if (taken.has(cidr)) continue
        given.set(name, cidr)
        const second = isDualStack ? [`fd00:10:244:${index.toString(16)}::/64`] : []
        const body = { metadata: { resourceVersion }, spec: { podCIDR: cidr, podCIDRs: [cidr, ...second] } }
        await client.of(Nodes).patch(node.metadata, { type: 'merge', body })
        return
      }
      event(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`)
    },
  })
}

// What kubelets of another process measure, as an API server learns it.

import { expect, test } from 'vitest'
import type { Node } from '../generated/types.ts'
import { ApiError } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import { Nodes } from '../src/kinds/index.ts'
import { usageWherever } from '../src/remote-usage.ts'
import { virtualRoom } from './kubelet-sim/room.ts'

test('it is what they say themselves, asked once in each quarter of a minute', async () => {
  await using room = await virtualRoom({ pullDelay: 0, startDelay: 0, count: 2 })
  await room.env.clock.advance(1000)
  const annotations = { 'kubesim.dev/cpu': '300m', 'kubesim.dev/memory': '256Mi' }
  const pod = await room.run('web', 'node-1', {}, { annotations })
  let asked = 0
  const nodes = (await room.client.of(Nodes).list({})).items as readonly Frozen<Node>[]
  const usage = usageWherever({
    env: room.env,
    local: { pod: () => undefined, node: () => undefined },
    isHere: () => false,
    kubelets: {
      proxyNode(node, request) {
        asked++
        if (node.metadata.name === 'node-2') throw new ApiError('ServiceUnavailable', 'nobody answers')
        return room.nodes.nodeClient.proxyNode(node, request)
      },
    },
    nodes: () => nodes,
  })
  expect(usage.pod(pod)).toBeUndefined()
  await usage.refresh!()
  // It has not run for a whole span yet.
  expect([usage.pod(pod), usage.node(nodes[0]!)?.memory]).toEqual([undefined, (380 + 256) * 2 ** 20])
  await room.env.clock.advance(31_000)
  await usage.refresh!()
  await usage.refresh!()
  expect(usage.pod(pod)).toMatchObject({
    window: 15_000,
    containers: [{ name: 'web', cpu: 300_000_000, memory: 256 * 2 ** 20 }],
  })
  expect(usage.pod(pod)).toEqual(room.nodes.usage.pod(await room.pod('web')))
  expect([usage.node(nodes[0]!)?.cpu, usage.node(nodes[1]!)]).toEqual([342_000_000, undefined])
  expect(asked).toBe(4)
})

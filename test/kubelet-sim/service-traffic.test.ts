// Services to the letter: which endpoint a connection gets, on which node's table, from where, and as whom it is seen.

import { describe, expect, test } from 'vitest'
import type { Endpoint, EndpointSlice, Service } from '../../generated/types.ts'
import { drive } from '../../kubelet-sim/network/drive.ts'
import { originOutside } from '../../kubelet-sim/network/routes.ts'
import type { SimulatedRequest } from '../../src/client/node-client.ts'
import { EndpointSlices, Nodes, Services } from '../../src/kinds/index.ts'
import { get, textOf, virtualRoom } from './room.ts'

const web = { name: 'web', namespace: 'default' }

/** web-0 on node-1, web-1 on node-2, web-2 on node-3, a client on each. */
async function three(spec: Partial<Service['spec']> = {}) {
  const room = await virtualRoom({ pullDelay: 0, startDelay: 0, count: 3, zones: ['a', 'b'] })
  const { client, env, nodes } = room
  for (const index of [0, 1, 2]) {
    await room.run(`web-${index}`, `node-${index + 1}`)
    await room.run(`client-${index}`, `node-${index + 1}`)
  }
  await room.serve('web', spec, ['web-0', 'web-1', 'web-2'])
  const sockets = await Promise.all(
    [0, 1, 2].map(async index => nodes.network.socketsFor({ pod: await room.pod(`client-${index}`) })),
  )
  const patchSlice = async (change: (endpoint: Endpoint, index: number) => object) => {
    const ref = { name: 'web-1', namespace: 'default' }
    const { endpoints = [] } = (await client.of(EndpointSlices).get(ref)) as EndpointSlice
    const body = { endpoints: endpoints.map((each, index) => ({ ...each, ...change(each, index) })) }
    await client.of(EndpointSlices).patch(ref, { type: 'merge', body })
    await env.activity.idle()
  }
  return {
    room,
    sockets,
    patchSlice,
    /** Who answers the client on node-`node`, or what that met within two seconds. */
    async from(node: number, host = '10.96.7.1', port = 80, request: SimulatedRequest = get()) {
      const asking = drive(env, sockets[node - 1]!.request({ host, port }, request, { timeout: 2000 })).then(
        ({ headers }) => headers['x-kubesim-pod'],
        ({ errno }: { errno: string }) => errno,
      )
      await env.clock.advance(2000)
      return asking
    },
    async outside(host: string, port: number) {
      const asking = nodes.network.ask(originOutside('203.0.113.7'), host, port, get(), { timeout: 2000 }).then(
        ({ headers }) => headers['x-kubesim-pod'],
        ({ errno }: { errno: string }) => errno,
      )
      await env.clock.advance(2000)
      return asking
    },
    /** The clients that a pod's log names. */
    async clientsOf(pod: string) {
      const text: string[] = []
      const signal = new AbortController().signal
      for await (const chunk of nodes.nodeClient.logs(await room.pod(pod), { signal })) text.push(chunk)
      return [...text.join('').matchAll(/^(\S+) - - \[/gm)].map(([, client]) => client)
    },
    [Symbol.asyncDispose]: () => room[Symbol.asyncDispose](),
  }
}

const nodePort = (port: number) => [{ port: 80, protocol: 'TCP', targetPort: 80, nodePort: port }]

test('internalTrafficPolicy Local: each node has its own pods only; with none of them, silence', async () => {
  await using net = await three({ internalTrafficPolicy: 'Local' })
  expect([await net.from(1), await net.from(2), await net.from(3)]).toEqual(['web-0', 'web-1', 'web-2'])
  await net.patchSlice((_, index) => (index === 1 ? { conditions: { ready: false } } : {}))
  expect(await net.from(2)).toBe('ETIMEDOUT')
  await net.patchSlice(() => ({ conditions: { ready: false } }))
  expect(await net.from(2)).toBe('ECONNREFUSED')
})

test('a port the Service does not have is refused, an address no Service has is silent', async () => {
  await using net = await three()
  expect([await net.from(1, '10.96.7.1', 81), await net.from(1, '10.96.99.99')]).toEqual(['ECONNREFUSED', 'ETIMEDOUT'])
})

test('node ports: from pods and from outside, through any node; masqueraded, unless the policy is Local', async () => {
  await using net = await three({ type: 'NodePort', ports: nodePort(30_080) })
  const [one] = [net.room.nodes.plan.node(1).address]
  const answers = [await net.outside(one, 30_080), await net.outside(one, 30_080), await net.outside(one, 30_080)]
  expect(answers.sort()).toEqual(['web-0', 'web-1', 'web-2'])
  expect((await net.clientsOf('web-1')).at(-1)).toBe(one)
  expect((await net.clientsOf('web-0')).at(-1)).toBe('10.244.1.1')
  expect(await net.from(2, one, 30_080)).toMatch(/^web-/)

  await net.room.client.of(Services).patch(web, { type: 'merge', body: { spec: { externalTrafficPolicy: 'Local' } } })
  await net.room.env.activity.idle()
  expect([await net.outside(one, 30_080), await net.outside(one, 30_080)]).toEqual(['web-0', 'web-0'])
  expect((await net.clientsOf('web-0')).at(-1)).toBe('203.0.113.7')
  // What pods send to it is taken as if each node had all endpoints (the short circuit of pkg/proxy/iptables/proxier.go).
  const inside = [await net.from(1, one, 30_080), await net.from(1, one, 30_080), await net.from(1, one, 30_080)]
  expect(inside.sort()).toEqual(['web-0', 'web-1', 'web-2'])
})

test('external addresses and load balancers: from outside and, without leaving, from pods', async () => {
  await using net = await three({ type: 'LoadBalancer', ports: nodePort(30_081), externalIPs: ['198.51.100.9'] })
  const body = { status: { loadBalancer: { ingress: [{ ip: '198.51.100.10', ipMode: 'VIP' }] } } }
  await net.room.client.of(Services).patch(web, { type: 'merge', body }, 'status')
  await net.room.env.activity.idle()
  for (const host of ['198.51.100.9', '198.51.100.10']) {
    expect([await net.from(1, host), await net.outside(host, 80)]).toEqual([
      expect.stringMatching(/^web-/),
      expect.stringMatching(/^web-/),
    ])
  }
  expect(await net.from(1, '198.51.100.11')).toBe('ENETUNREACH')
  // Cluster addresses mean nothing outside.
  expect(await net.outside('10.96.7.1', 80)).toBe('ETIMEDOUT')
})

test('healthCheckNodePort tells a load balancer which nodes have endpoints', async () => {
  await using net = await three({
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 31_999,
    ports: nodePort(30_082),
  })
  await net.patchSlice((_, index) => (index === 0 ? {} : { conditions: { ready: false } }))
  const { network, plan } = net.room.nodes
  const ask = (node: number) => network.ask(originOutside('203.0.113.7'), plan.node(node).address, 31_999, get())
  const [one, two] = [await ask(1), await ask(2)]
  expect([one.status, one.headers['x-load-balancing-endpoint-weight'], two.status]).toEqual([200, '1', 503])
  expect(JSON.parse(textOf(one))).toEqual({
    service: { namespace: 'default', name: 'web' },
    localEndpoints: 1,
    serviceProxyHealthy: true,
  })
})

describe('hints', () => {
  test('PreferSameNode before PreferSameZone before all; an endpoint without a hint unmakes them', async () => {
    await using net = await three()
    const zones = ['a', 'b', 'a']
    await net.patchSlice((_, index) => ({ hints: { forZones: [{ name: zones[index]! }] } }))
    expect([await net.from(2), await net.from(2)]).toEqual(['web-1', 'web-1'])
    expect([await net.from(1), await net.from(1)].sort()).toEqual(['web-0', 'web-2'])
    await net.patchSlice((_, index) => ({
      hints: { forZones: [{ name: zones[index]! }], forNodes: [{ name: `node-${index + 1}` }] },
    }))
    expect([await net.from(1), await net.from(1), await net.from(3)]).toEqual(['web-0', 'web-0', 'web-2'])
    await net.patchSlice((_, index) => (index === 0 ? { hints: null } : {}))
    expect([await net.from(1), await net.from(1), await net.from(1)].sort()).toEqual(['web-0', 'web-1', 'web-2'])
  })

  test('nobody in the zone: everyone', async () => {
    await using net = await three()
    await net.patchSlice(() => ({ hints: { forZones: [{ name: 'a' }] } }))
    expect([await net.from(2), await net.from(2), await net.from(2)].sort()).toEqual(['web-0', 'web-1', 'web-2'])
    await net.room.client
      .of(Nodes)
      .patch(
        { name: 'node-2' },
        { type: 'merge', body: { metadata: { labels: { 'topology.kubernetes.io/zone': null } } } },
      )
    await net.room.env.activity.idle()
    expect(await net.from(2)).toMatch(/^web-/)
  })
})

test('session affinity is kept for each client on its node, and ends when the endpoint does', async () => {
  await using net = await three({ sessionAffinity: 'ClientIP' })
  const first = await net.from(1)
  expect([await net.from(1), await net.from(1)]).toEqual([first, first])
  const index = Number(String(first).slice(-1))
  await net.patchSlice((_, each) => (each === index ? { conditions: { ready: false } } : {}))
  const second = await net.from(1)
  expect(second).not.toBe(first)
  await net.patchSlice(() => ({ conditions: { ready: true } }))
  expect(await net.from(1)).toBe(second)
})

test('a pod that reaches itself by its Service is seen as its node', async () => {
  await using net = await three()
  await net.patchSlice((_, index) => ({ conditions: { ready: index === 0 } }))
  const sockets = net.room.nodes.network.socketsFor({ pod: await net.room.pod('web-0') })
  await drive(net.room.env, sockets.request({ host: 'web', port: 80 }, get()))
  expect((await net.clientsOf('web-0')).at(-1)).toBe('10.244.1.1')
})

test('host ports lead to the pod on its node, and the host network is the node itself', async () => {
  await using net = await three()
  await net.room.run('edge', 'node-2', {
    containers: [{ name: 'web', image: 'nginx', ports: [{ containerPort: 80, hostPort: 8088 }] }],
  })
  await net.room.run('host', 'node-3', {
    hostNetwork: true,
    containers: [{ name: 'web', image: 'nginx', ports: [{ containerPort: 80, hostPort: 80 }] }],
  })
  const [one, two, last] = [1, 2, 3].map(index => net.room.nodes.plan.node(index).address)
  expect([await net.from(1, two, 8088), await net.outside(two!, 8088), await net.from(1, one, 8088)]).toEqual([
    'edge',
    'edge',
    'ECONNREFUSED',
  ])
  expect([await net.from(1, last, 80), await net.outside(last!, 80)]).toEqual(['host', 'host'])
})

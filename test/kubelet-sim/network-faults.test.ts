// Latency, loss and cuts between places, and the way each packet took.

import { expect, test } from 'vitest'
import { drive } from '../../kubelet-sim/network/drive.ts'
import { NetworkPolicies, Nodes } from '../../src/kinds/index.ts'
import { testCluster } from '../support/cluster.ts'
import { get, virtualRoom } from './room.ts'

async function two() {
  const room = await virtualRoom({ pullDelay: 0, startDelay: 0 })
  await room.run('web', 'node-1')
  await room.run('client', 'node-2')
  await room.serve('web', {}, ['web'])
  const { env, nodes } = room
  const sockets = nodes.network.socketsFor({ pod: await room.pod('client') })
  return {
    room,
    env,
    sockets,
    network: nodes.network,
    /** What came of a request, and after how many milliseconds. */
    async ask(timeout = 60_000, host = '10.244.1.2'): Promise<[string | number, number]> {
      const start = env.clock.now()
      let end = 0
      const asking = drive(env, sockets.request({ host, port: 80 }, get(), { timeout })).then(
        ({ status }) => status,
        ({ errno }: { errno: string }) => errno,
      )
      void asking.then(() => {
        end = env.clock.now()
      })
      await env.clock.advance(timeout)
      return [await asking, end - start]
    },
    [Symbol.asyncDispose]: () => room[Symbol.asyncDispose](),
  }
}

test('latency between two nodes: a trip for the connection, a trip for the request; none within a node', async () => {
  await using net = await two()
  expect(await net.ask()).toEqual([200, 0])
  const heal = net.network.faults.set({ between: [{ node: 'node-1' }, { node: 'node-2' }], latency: 50 })
  expect(await net.ask()).toEqual([200, 200])
  expect(net.network.traces.last()?.hops).toContainEqual({
    at: 'pod default/client – pod default/web',
    kind: 'link',
    what: '50 ms',
  })
  expect(
    await drive(net.env, net.room.nodes.network.socketsFor({ pod: await net.room.pod('web') }).ping('web', 1000)),
  ).toBeLessThan(1)
  heal()
  expect(await net.ask()).toEqual([200, 0])
})

test('bytes arrive late and in order, though the latency changes meanwhile', async () => {
  await using net = await two()
  const { env, network } = net
  const web = network.socketsFor({ pod: await net.room.pod('web') })
  const listener = web.listen(9000)
  const heal = network.faults.set({ between: [{ pod: 'web' }, {}], latency: 100 })
  const connecting = drive(env, net.sockets.connect({ host: '10.244.1.2', port: 9000 }))
  await env.clock.advance(200)
  const client = await connecting
  const server = await drive(env, listener.accept())
  await drive(env, client.write(Buffer.from('first ')))
  heal()
  await drive(env, client.write(Buffer.from('second')))
  let text = ''
  const reading = (async () => {
    while (text.length < 12) text += Buffer.from((await drive(env, server.read())) ?? []).toString()
  })()
  await env.clock.advance(99)
  expect(text).toBe('')
  await env.clock.advance(1)
  await reading
  expect(text).toBe('first second')
})

test('a partition: silence both ways, until it heals; what waits gets through', async () => {
  await using net = await two()
  const heal = net.network.faults.set({ between: [{ node: 'node-1' }, { node: 'node-2' }], cut: true })
  expect(await net.ask(5000)).toEqual(['ETIMEDOUT', 5000])
  const waiting = drive(net.env, net.sockets.request({ host: '10.244.1.2', port: 80 }, get()))
  await net.env.clock.advance(2000)
  heal()
  await net.env.clock.advance(1000)
  expect((await waiting).status).toBe(200)
})

test('loss: connections get through late, datagrams sometimes not at all', async () => {
  await using net = await two()
  net.network.faults.set({ between: [{ pod: 'web' }, { pod: 'client' }], loss: 0.2 })
  const times: number[] = []
  for (let count = 0; count < 20; count++) {
    const [status, time] = await net.ask()
    expect(status).toBe(200)
    times.push(time)
  }
  expect(times.some(time => time === 0)).toBe(true)
  expect(times.some(time => time >= 1000)).toBe(true)
  const web = net.network.socketsFor({ pod: await net.room.pod('web') })
  const port = web.bind(53)
  let received = 0
  void (async () => {
    for (;;) {
      await drive(net.env, port.receive())
      received++
    }
  })().catch(() => {})
  const out = net.sockets.bind(0)
  for (let count = 0; count < 40; count++) out.send({ host: '10.244.1.2', port: 53 }, Buffer.from('x'))
  await net.env.activity.idle()
  expect(received).toBeGreaterThan(20)
  expect(received).toBeLessThan(40)
})

test('a node cut off from the API server is lost to it, and answers all the same', async () => {
  await using cluster = await testCluster({ nodes: 2, delays: 0 })
  const { network } = cluster.cluster.nodes
  const heal = network.faults.set({ between: [{ node: 'node-1' }, { controlPlane: true }], cut: true })
  await cluster.advance('1m')
  const ready = () => cluster.get(Nodes, 'node-1').status.conditions?.find(({ type }) => type === 'Ready')?.status
  expect(ready()).toBe('Unknown')
  expect(network.isDead('node-1')).toBe(false)
  heal()
  await cluster.advance('20s')
  expect(ready()).toBe('True')
})

test('a trace tells whose table, which rule, which endpoint, which policy', async () => {
  await using net = await two()
  await net.ask(1000, 'web')
  expect(net.network.traces.last()).toMatchObject({
    from: 'pod default/client',
    to: '10.96.7.1:80',
    end: 'pod default/web',
    hops: [
      { at: 'node node-2', kind: 'table', what: 'default/web:80 → 10.244.1.2:80' },
      { at: 'pod default/web', kind: 'end', what: 'container web answers on 80' },
    ],
  })
  await net.room.client.of(NetworkPolicies).create({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'deny', namespace: 'default' },
    spec: { podSelector: {}, policyTypes: ['Ingress'] },
  })
  await net.env.activity.idle()
  await net.ask(1000, 'web')
  expect(net.network.traces.last()).toMatchObject({
    end: 'given up',
    hops: [
      { kind: 'table' },
      {
        at: 'pod default/web',
        kind: 'policy',
        what: 'default/deny isolates it for ingress, and no rule allows from pod default/client on 80/TCP: drop',
      },
    ],
  })
})

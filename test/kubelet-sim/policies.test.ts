// NetworkPolicies at both ends of each connection, for programs and for what is only told alike; what they refuse is dropped.

import { expect, test } from 'vitest'
import type { NetworkPolicy } from '../../generated/types.ts'
import type { Address } from '../../kubelet-sim/machine/sockets.ts'
import { drive } from '../../kubelet-sim/network/drive.ts'
import { originOfNode } from '../../kubelet-sim/network/routes.ts'
import { Namespaces, NetworkPolicies, Pods } from '../../src/kinds/index.ts'
import { get, virtualRoom } from './room.ts'

const image = (port: number, name?: string) => ({
  containers: [
    { name: 'web', image: 'nginx', ports: [{ containerPort: port, ...(name ? { name } : {}) }] },
    {
      name: 'two',
      image: 'hashicorp/http-echo',
      args: ['-listen=:8080', '-text=two'],
      ports: [{ containerPort: 8080 }],
    },
  ],
})

/** db on node-1; web on node-2; other/web in another namespace on node-2. */
async function three() {
  const room = await virtualRoom({ pullDelay: 0, startDelay: 0 })
  const { client, nodes, env } = room
  await client.of(Namespaces).create({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'other', labels: { team: 'b' } },
    spec: {},
    status: {},
  })
  await room.run('db', 'node-1', image(80, 'http'), { labels: { app: 'db' } })
  await room.run('web', 'node-2', image(80), { labels: { app: 'web' } })
  await room.run('web', 'node-2', image(80), { namespace: 'other', labels: { app: 'web' } })
  await room.serve('db', {}, ['db'])
  const sockets = async (name: string, namespace = 'default') =>
    nodes.network.socketsFor({ pod: await client.of(Pods).get({ name, namespace }) })
  const from = { web: await sockets('web'), db: await sockets('db'), other: await sockets('web', 'other') }
  return {
    room,
    async policy(name: string, spec: Partial<NetworkPolicy['spec']>) {
      const metadata = { name, namespace: 'default' }
      await client.of(NetworkPolicies).create({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata,
        spec: { podSelector: {}, ...spec },
      })
      await env.activity.idle()
    },
    /** `200`, or what it met within two seconds. */
    async ask(who: keyof typeof from, to: Partial<Address> = {}) {
      const address = { host: '10.244.1.2', port: 80, ...to }
      const asking = drive(env, from[who].request(address, get(), { timeout: 2000 })).then(
        ({ status }) => status,
        (error: { errno: string }) => error.errno,
      )
      await env.clock.advance(2000)
      return asking
    },
    from,
    [Symbol.asyncDispose]: () => room[Symbol.asyncDispose](),
  }
}

const db = { matchLabels: { app: 'db' } }

test('default deny: selected pods get nothing, others all; what comes from the own node is let in', async () => {
  await using net = await three()
  expect([await net.ask('web'), await net.ask('other')]).toEqual([200, 200])
  await net.policy('deny', { podSelector: db, policyTypes: ['Ingress'] })
  expect([await net.ask('web'), await net.ask('other'), await net.ask('web', { host: 'db' })]).toEqual([
    'ETIMEDOUT',
    'ETIMEDOUT',
    'ETIMEDOUT',
  ])
  // A policy for what comes in says nothing of what goes out, or of answers.
  expect(await net.ask('db', { host: '10.244.2.2' })).toBe(200)
  expect(await net.ask('db', { host: 'localhost' })).toBe(200)
  const { network } = net.room.nodes
  expect((await network.ask(originOfNode(network, 'node-1'), '10.244.1.2', 80, get())).status).toBe(200)
  // A closed port is as silent as an open one.
  expect(await net.ask('web', { port: 81 })).toBe('ETIMEDOUT')
})

test('policies add up: one by pods of the namespace, one by namespaces, one by both', async () => {
  await using net = await three()
  await net.policy('by-pods', {
    podSelector: db,
    ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }],
  })
  expect([await net.ask('web'), await net.ask('other')]).toEqual([200, 'ETIMEDOUT'])
  await net.policy('by-both', {
    podSelector: db,
    ingress: [
      { from: [{ namespaceSelector: { matchLabels: { team: 'b' } }, podSelector: { matchLabels: { app: 'else' } } }] },
    ],
  })
  expect(await net.ask('other')).toBe('ETIMEDOUT')
  await net.policy('by-namespace', {
    podSelector: db,
    ingress: [{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'nothing' } } }] }],
  })
  expect(await net.ask('other')).toBe('ETIMEDOUT')
  await net.policy('by-label', {
    podSelector: db,
    ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'b' } } }] }],
  })
  expect(await net.ask('other')).toBe(200)
})

test('ports by number, range and name', async () => {
  await using net = await three()
  await net.policy('number', { podSelector: db, ingress: [{ ports: [{ port: 8080 }] }] })
  expect([await net.ask('web'), await net.ask('web', { port: 8080 })]).toEqual(['ETIMEDOUT', 200])
  await net.policy('range', { podSelector: db, ingress: [{ ports: [{ port: 70, endPort: 79 }] }] })
  expect(await net.ask('web')).toBe('ETIMEDOUT')
  await net.policy('udp', { podSelector: db, ingress: [{ ports: [{ port: 80, protocol: 'UDP' }] }] })
  expect(await net.ask('web')).toBe('ETIMEDOUT')
  await net.policy('name', { podSelector: db, ingress: [{ ports: [{ port: 'http' }] }] })
  expect(await net.ask('web')).toBe(200)
})

test('blocks of addresses, less exceptions', async () => {
  await using net = await three()
  await net.policy('block', {
    podSelector: db,
    ingress: [{ from: [{ ipBlock: { cidr: '10.244.2.0/24', except: ['10.244.2.3/32'] } }] }],
  })
  expect([await net.ask('web'), await net.ask('other')]).toEqual([200, 'ETIMEDOUT'])
})

test('egress: the name server too has to be allowed', async () => {
  await using net = await three()
  await net.policy('deny', { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'] })
  expect([await net.ask('web'), await net.ask('other')]).toEqual(['ETIMEDOUT', 200])
  await net.policy('to-db', {
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Egress'],
    egress: [{ to: [{ podSelector: db }], ports: [{ port: 80 }] }],
  })
  expect([await net.ask('web'), await net.ask('web', { host: 'db' })]).toEqual([200, 'ETIMEDOUT'])
  const { env } = net.room
  const asking = expect(drive(env, net.from.web.lookup('db'))).rejects.toThrow('Temporary failure in name resolution')
  await env.clock.advance(10_000)
  await asking
  await net.policy('dns', {
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [
      {
        to: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
            podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
          },
        ],
        ports: [{ port: 53, protocol: 'UDP' }],
      },
    ],
  })
  expect(await net.ask('web', { host: 'db' })).toBe(200)
})

test('who waits gets through once the policy is gone; what is connected stays so when one comes', async () => {
  await using net = await three()
  const { room, from } = net
  const { env } = room
  const listener = from.db.listen(9000)
  const connection = await drive(env, from.web.connect({ host: '10.244.1.2', port: 9000 }))
  const other = await drive(env, listener.accept())
  await net.policy('deny', { podSelector: db })
  await drive(env, connection.write(new Uint8Array([1])))
  expect(await drive(env, other.read())).toEqual(new Uint8Array([1]))
  const waiting = drive(env, from.web.connect({ host: '10.244.1.2', port: 9000 }))
  await env.clock.advance(2000)
  await room.client.of(NetworkPolicies).delete({ name: 'deny', namespace: 'default' })
  await env.clock.advance(1000)
  expect((await waiting).remote.port).toBe(9000)
})

test('ping follows policies, but no ports', async () => {
  await using net = await three()
  const { env } = net.room
  const ping = async () => {
    const pinging = drive(env, net.from.web.ping('10.244.1.2', 1000))
    await env.clock.advance(1000)
    return (await pinging) !== undefined
  }
  expect(await ping()).toBe(true)
  await net.policy('ports', { podSelector: db, ingress: [{ ports: [{ port: 80 }] }] })
  expect(await ping()).toBe(false)
  await net.policy('all', { podSelector: db, ingress: [{}] })
  expect(await ping()).toBe(true)
})

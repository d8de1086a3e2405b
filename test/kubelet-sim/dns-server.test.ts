// The cluster's names on a real loopback port: asked by node's own resolver, and as bytes.

import dgram from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import net from 'node:net'
import { expect, test } from 'vitest'
import { openDnsServer } from '../../kubelet-sim/network/dns-server.ts'
import { realEnv } from '../../src/env/real-env.ts'
import { EndpointSlices } from '../../src/kinds/index.ts'
import { openRoom } from './room.ts'

async function served() {
  const room = await openRoom(realEnv({ logLevel: 'silent', seed: 1 }), { pullDelay: 0, startDelay: 0 })
  await room.run('db-0', 'node-1', { hostname: 'db-0', subdomain: 'db' })
  await room.serve('web', { ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }, ['db-0'])
  await room.serve(
    'db',
    { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'pg', port: 5432, protocol: 'TCP' }] },
    [],
  )
  const server = await openDnsServer(room.nodes.network, 0)
  const resolver = new Resolver({ timeout: 2000, tries: 1 })
  resolver.setServers([server.place])
  return {
    room,
    server,
    resolver,
    port: Number(server.place.split(':')[1]),
    async [Symbol.asyncDispose]() {
      await server.close()
      await room[Symbol.asyncDispose]()
    },
  }
}

test('addresses, services, names backwards, texts; what is not there', async () => {
  await using dns = await served()
  const { resolver } = dns
  expect(await resolver.resolve4('web.default.svc.cluster.local', { ttl: true })).toEqual([
    { address: '10.96.7.1', ttl: 30 },
  ])
  expect(await resolver.resolveSrv('_http._tcp.web.default.svc.cluster.local')).toEqual([
    { name: 'web.default.svc.cluster.local', port: 80, priority: 0, weight: 100 },
  ])
  expect(await resolver.reverse('10.96.7.1')).toEqual(['web.default.svc.cluster.local'])
  expect(await resolver.resolveTxt('dns-version.cluster.local')).toEqual([['1.1.0']])
  await expect(resolver.resolve4('nothing.default.svc.cluster.local')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  await expect(resolver.resolve6('web.default.svc.cluster.local')).rejects.toMatchObject({ code: 'ENODATA' })
  await expect(resolver.resolve4('example.com')).rejects.toMatchObject({ code: 'ENOTFOUND' })
})

test('an answer too large for a datagram comes by TCP', async () => {
  await using dns = await served()
  const endpoints = Array.from({ length: 60 }, (_, index) => ({
    addresses: [`10.244.1.${index + 10}`],
    conditions: { ready: true },
  }))
  await dns.room.client
    .of(EndpointSlices)
    .patch({ name: 'db-1', namespace: 'default' }, { type: 'merge', body: { endpoints } })
  await dns.room.env.activity.idle()
  expect(await dns.resolver.resolve4('db.default.svc.cluster.local')).toHaveLength(60)
})

test('bytes that are no question are let be, and the next is answered', async () => {
  await using dns = await served()
  const socket = dgram.createSocket('udp4')
  socket.send(Buffer.from('nonsense'), dns.port, '127.0.0.1')
  const half = net.connect(dns.port, '127.0.0.1')
  half.write(Buffer.from([0, 4, 1, 2, 3, 4]))
  await new Promise(resolve => half.once('close', resolve))
  expect(await dns.resolver.resolve4('web.default.svc.cluster.local')).toEqual(['10.96.7.1'])
  socket.close()
})

// Real sockets on the loopback, asked by node's own HTTP client. Linux only: elsewhere nodes have no address of their own.

import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { ingressCertificate } from '../../apiserver/http/certificates.ts'
import { issue } from '../../apiserver/http/x509.ts'
import { toIngress } from '../../kubelet-sim/network/ingress.ts'
import { Listeners, type Wanted } from '../../kubelet-sim/network/listeners.ts'
import { reachableUrls } from '../../kubelet-sim/network/reachable.ts'
import { realEnv } from '../../src/env/real-env.ts'
import { EndpointSlices, IngressClasses, Ingresses, Secrets, Services } from '../../src/kinds/index.ts'
import { openRoom } from './room.ts'

interface Answer {
  readonly status: number | undefined
  readonly pod: string | undefined
  readonly text: string
}

function ask(address: string, port: number, path = '/', host?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = host ? { host } : {}
    http
      .get({ host: address, port, path, agent: false, headers }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', chunk => {
          text += chunk
        })
        response.on('end', () =>
          resolve({ status: response.statusCode, pod: response.headers['x-kubesim-pod'] as string, text }),
        )
      })
      .on('error', reject)
  })
}

async function freePort(address: string): Promise<number> {
  const server = net.createServer().listen(0, address)
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

describe.skipIf(process.platform !== 'linux')('listeners', () => {
  // Its own corner of 127.0.0.0/8, so that several runs on one machine keep out of each other's way.
  const port = 20_000 + (process.pid % 40_000)

  test('a node port answers on every node, a load balancer on its own address; refused when nobody is ready', async () => {
    await using room = await openRoom(realEnv({ logLevel: 'silent', seed: 1 }), {
      listen: true,
      port,
      pullDelay: 0,
      startDelay: 0,
      ingressPort: 0,
    })
    for (const index of [0, 1, 2]) await room.run(`web-${index}`, `node-${1 + (index % 2)}`)
    const ports = [{ port: 8080, protocol: 'TCP', targetPort: 80, nodePort: 31_080 }]
    await room.serve('web', { type: 'LoadBalancer', ports }, ['web-0', 'web-1', 'web-2'])
    const [one, two] = [room.nodes.plan.node(1).address, room.nodes.plan.node(2).address]
    const external = room.nodes.plan.loadBalancers[0]!
    await room.client
      .of(Services)
      .patch(
        { name: 'web', namespace: 'default' },
        { type: 'merge', body: { status: { loadBalancer: { ingress: [{ ip: external }] } } } },
        'status',
      )
    await room.env.activity.idle()

    const pods = await Promise.all([1, 2, 3].map(async () => (await ask(one, 31_080)).pod))
    expect(pods.sort()).toEqual(['web-0', 'web-1', 'web-2'])
    expect((await ask(two, 31_080)).text).toMatch(/Welcome to nginx![\s\S]*<\/html>\n$/)
    expect(await ask(external, 8080)).toMatchObject({ status: 200 })
    const service = await room.client.of(Services).get({ name: 'web', namespace: 'default' })
    expect(reachableUrls(service, one)).toEqual([`http://${external}:8080`])

    room.nodes.silence('node-2')
    await room.env.activity.idle()
    await expect(ask(two, 31_080)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    room.nodes.revive('node-2')
    await room.client.of(EndpointSlices).delete({ name: 'web-1', namespace: 'default' })
    await room.env.activity.idle()
    await expect(ask(one, 31_080)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await expect(ask(external, 8080)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('the ingress listens while a class is there', async () => {
    await using room = await openRoom(realEnv({ logLevel: 'silent', seed: 1 }), {
      listen: true,
      port,
      pullDelay: 0,
      startDelay: 0,
      ingressPort: 0,
      count: 1,
    })
    await room.run('web-0', 'node-1')
    await room.serve('web', {}, ['web-0'])
    expect(room.nodes.ingress).toBeUndefined()
    await room.client.of(IngressClasses).create({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'nginx' },
      spec: { controller: 'k8s.io/ingress-nginx' },
    })
    await room.client.of(Ingresses).create({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        rules: [
          {
            host: 'flask-app.local',
            http: {
              paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }],
            },
          },
        ],
      },
    })
    await room.env.activity.idle()
    const at = Number(room.nodes.ingress?.split(':')[1])
    expect(await ask('127.0.0.1', at, '/', 'flask-app.local')).toMatchObject({ status: 200, pod: 'web-0' })
    expect(await ask('127.0.0.1', at)).toMatchObject({ status: 404, text: 'default backend - 404' })
    await room.client.of(IngressClasses).delete({ name: 'nginx' })
    await room.env.activity.idle()
    await expect(ask('127.0.0.1', at)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('the ingress speaks TLS with the certificate of the host that is named, and sends plain requests on to it', async () => {
    const env = realEnv({ logLevel: 'silent', seed: 1 })
    await using room = await openRoom(env, {
      listen: true,
      port,
      pullDelay: 0,
      startDelay: 0,
      ingressPort: 0,
      ingressCertificate: () => ingressCertificate(env),
      count: 1,
    })
    await room.run('web-0', 'node-1')
    await room.serve('web', {}, ['web-0'])
    const { client } = room
    await client.of(IngressClasses).create({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'nginx' },
      spec: { controller: 'k8s.io/ingress-nginx' },
    })
    const now = env.clock.now()
    const pair = issue({
      subject: { commonName: 'secure.local' },
      use: 'server',
      names: ['secure.local', '*.wild.local'],
      serial: Buffer.from([1, 2, 3]),
      notBefore: now - 1000,
      notAfter: now + 3_600_000,
    })
    await client.of(Secrets).create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'secure', namespace: 'default' },
      type: 'kubernetes.io/tls',
      data: {
        'tls.crt': Buffer.from(pair.cert).toString('base64'),
        'tls.key': Buffer.from(pair.key).toString('base64'),
      },
    })
    const backend = { service: { name: 'web', port: { number: 80 } } }
    const rule = (host: string) => ({ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } })
    await client.of(Ingresses).create({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        tls: [{ hosts: ['secure.local', '*.wild.local'], secretName: 'secure' }],
        rules: ['secure.local', '*.wild.local', 'plain.local'].map(rule),
      },
    })
    await room.env.activity.idle()
    const [plain, secure] = room.nodes.ingressPlaces.map(place => Number(place.split(':')[1]))
    const get = (host: string) =>
      new Promise<{ status: number | undefined; pod: unknown; name: unknown }>((resolve, reject) => {
        const options = {
          host: '127.0.0.1',
          port: secure,
          servername: host,
          headers: { host },
          rejectUnauthorized: false,
        }
        https
          .get({ ...options, agent: false }, response => {
            const { subject } = (response.socket as TLSSocket).getPeerCertificate()
            response.resume()
            response.on('end', () =>
              resolve({ status: response.statusCode, pod: response.headers['x-kubesim-pod'], name: subject.CN }),
            )
          })
          .on('error', reject)
      })
    expect(await get('secure.local')).toEqual({ status: 200, pod: 'web-0', name: 'secure.local' })
    expect(await get('a.wild.local')).toEqual({ status: 200, pod: 'web-0', name: 'secure.local' })
    const fake = 'Kubernetes Ingress Controller Fake Certificate'
    expect(await get('plain.local')).toEqual({ status: 200, pod: 'web-0', name: fake })
    expect(await get('nobody.local')).toEqual({ status: 404, pod: undefined, name: fake })
    expect((await ask('127.0.0.1', plain!, '/', 'plain.local')).status).toBe(200)
    const sent = await toIngress(
      room.nodes.network,
      { method: 'GET', path: '/x?y=1', headers: { host: 'secure.local' }, body: new Uint8Array() },
      '127.0.0.1',
    )
    expect([sent.status, sent.headers.location]).toEqual([308, 'https://secure.local/x?y=1'])
    expect((await ask('127.0.0.1', plain!, '/', 'secure.local')).status).toBe(308)
  })

  test('a port that is taken is replaced, and both the events and the Service tell', async () => {
    const address = `127.${(port >> 8) & 255}.${port & 255}.11`
    const taken = net.createServer().listen(0, address)
    await new Promise(resolve => taken.once('listening', resolve))
    const { port: nodePort } = taken.address() as net.AddressInfo
    await using room = await openRoom(realEnv({ logLevel: 'silent', seed: 1 }), {
      listen: true,
      port,
      pullDelay: 0,
      startDelay: 0,
      count: 1,
    })
    await room.run('web-0', 'node-1')
    await room.serve('web', { type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', targetPort: 80, nodePort }] }, [
      'web-0',
    ])
    await room.env.activity.idle()
    const service = await room.client.of(Services).get({ name: 'web', namespace: 'default' })
    const [url] = reachableUrls(service, address)
    const instead = Number(url?.split(':').at(-1))
    expect(instead).not.toBe(nodePort)
    expect(await ask(address, instead)).toMatchObject({ status: 200, pod: 'web-0' })
    expect(await room.events('web')).toEqual([
      `PortUnavailable: ${address}:${nodePort} cannot be listened on (EADDRINUSE): ${address}:${instead} answers instead`,
    ])
    await new Promise(resolve => taken.close(resolve))
  })

  test('what speaks no HTTP is accepted and closed with the first bytes', async () => {
    await using room = await openRoom(realEnv({ logLevel: 'silent', seed: 1 }), {
      listen: true,
      port,
      pullDelay: 0,
      startDelay: 0,
      count: 1,
    })
    await room.run('collector', 'node-1', {
      containers: [{ name: 'collector', image: 'fluent/fluentd', ports: [{ containerPort: 24_224 }] }],
    })
    const ports = [{ port: 24_224, protocol: 'TCP', targetPort: 24_224, nodePort: 31_379 }]
    await room.serve('collector', { type: 'NodePort', ports }, ['collector'], 24_224)
    const socket = net.connect(31_379, room.nodes.plan.node(1).address)
    const received = await new Promise<string>((resolve, reject) => {
      let text = ''
      socket.on('connect', () => socket.write('PING\r\n'))
      socket.on('data', chunk => {
        text += chunk
      })
      socket.on('close', () => resolve(text))
      socket.on('error', reject)
    })
    expect(received).toBe('')
  })

  test('two owners of one port: the second gets another', async () => {
    const listeners = new Listeners()
    const port = await freePort('127.0.0.1')
    const to = (text: string): Wanted => ({
      address: '127.0.0.1',
      port,
      connect: () => ({ answer: async () => ({ status: 200, headers: {}, body: Buffer.from(text) }) }),
    })
    const [first] = await listeners.sync('a', [to('a')])
    const [second] = await listeners.sync('b', [to('b')])
    expect([first?.port, first?.fault]).toEqual([port, undefined])
    expect(second?.fault).toBe('EADDRINUSE')
    expect((await ask('127.0.0.1', second!.port)).text).toBe('b')
    expect((await listeners.sync('b', [to('c')]))[0]?.port).toBe(second?.port)
    await listeners.sync('b', [])
    await expect(ask('127.0.0.1', second!.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await listeners.closeAll()
  })
})

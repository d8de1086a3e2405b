// Upstream's conformance items about pods that reach pods, by their names (test/e2e/common/network/networking.go): agnhost's
// netexec on two nodes, asked by another through its /dial, and by the nodes themselves.

import { expect, test } from 'vitest'
import { drive } from '../../kubelet-sim/network/drive.ts'
import { Pods } from '../../src/kinds/index.ts'
import { service } from '../support/objects.ts'
import { serving, type Talking, talking } from './talking.ts'

const netexec = (name: string, node: string) =>
  serving(
    name,
    {},
    {
      nodeName: node,
      containers: [
        {
          name: 'webserver',
          image: 'registry.k8s.io/e2e-test-images/agnhost:2.53',
          args: ['netexec', '--http-port=8083', '--udp-port=8081'],
          ports: [{ containerPort: 8083 }, { containerPort: 8081, protocol: 'UDP' }],
        },
      ],
    },
  )

async function netservers(): Promise<Talking> {
  const net = await talking()
  await net.run(
    netexec('netserver-0', 'node-1'),
    netexec('netserver-1', 'node-2'),
    netexec('test-container-pod', 'node-1'),
  )
  return net
}

const request = (path: string) => ({ method: 'GET', path, headers: {}, body: new Uint8Array() })

async function dial(net: Talking, target: string, protocol: 'http' | 'udp'): Promise<unknown> {
  const port = protocol === 'http' ? 8083 : 8081
  const path = `/dial?request=hostname&protocol=${protocol}&host=${net.addressOf(target)}&port=${port}&tries=1`
  const to = { host: net.addressOf('test-container-pod'), port: 8083 }
  const asking = drive(net.env, net.sockets('test-container-pod').request(to, request(path), { timeout: 10_000 }))
  await net.advance('10s')
  return JSON.parse(Buffer.from((await asking).body).toString())
}

test('[sig-network] Networking Granular Checks: Pods should function for intra-pod communication: http [NodeConformance]', async () => {
  await using net = await netservers()
  for (const name of ['netserver-0', 'netserver-1'])
    expect(await dial(net, name, 'http')).toEqual({ responses: [name] })
})

test('[sig-network] Networking Granular Checks: Pods should function for intra-pod communication: udp [NodeConformance]', async () => {
  await using net = await netservers()
  for (const name of ['netserver-0', 'netserver-1']) expect(await dial(net, name, 'udp')).toEqual({ responses: [name] })
})

test('[sig-network] Networking Granular Checks: Pods should function for node-pod communication: http [LinuxOnly] [NodeConformance]', async () => {
  await using net = await netservers()
  const host = net.cluster.nodes.network.socketsFor({ node: 'node-1' })
  for (const name of ['netserver-0', 'netserver-1']) {
    const asking = drive(net.env, host.request({ host: net.addressOf(name), port: 8083 }, request('/hostname')))
    await net.advance('1s')
    expect(Buffer.from((await asking).body).toString()).toBe(name)
  }
})

test('[sig-network] Networking Granular Checks: Pods should function for node-pod communication: udp [LinuxOnly] [NodeConformance]', async () => {
  await using net = await netservers()
  const host = net.cluster.nodes.network.socketsFor({ node: 'node-1' })
  for (const name of ['netserver-0', 'netserver-1']) {
    const to = { host: net.addressOf(name), port: 8081 }
    const asking = drive(net.env, host.exchange(to, Buffer.from('hostname'), 2000))
    await net.advance('2s')
    expect(Buffer.from((await asking) ?? []).toString()).toBe(name)
  }
})

/** agnhost's porter, which tells of the request it got, with a Service before it (test/e2e/network/proxy.go). */
async function porter(): Promise<Talking> {
  const net = await talking()
  await net.run(
    serving(
      'agnhost',
      { app: 'porter' },
      {
        containers: [
          {
            name: 'agnhost',
            image: 'registry.k8s.io/e2e-test-images/agnhost:2.53',
            args: ['porter', '--json-response'],
            env: [{ name: 'SERVE_PORT_80', value: 'foo' }],
            ports: [{ containerPort: 80 }],
          },
        ],
      },
    ),
  )
  await net.apply(service('e2e-proxy-test-service', 'porter', { ports: [{ port: 80, protocol: 'TCP' }] }))
  await net.advance('2s')
  return net
}

async function proxied(net: Talking, path: string): Promise<void> {
  const { nodeClient } = net.cluster.nodes
  const ref = { name: 'e2e-proxy-test-service', namespace: 'default' }
  for (const method of ['DELETE', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'GET', 'HEAD']) {
    const asked = { method, path: `${path}?method=${method}`, headers: {}, body: new Uint8Array() }
    for (const answer of [
      nodeClient.proxyPod(net.get(Pods, 'agnhost'), undefined, asked),
      nodeClient.proxyService(ref, undefined, asked),
    ]) {
      const { status, body } = await answer
      expect(status).toBe(200)
      if (method !== 'HEAD') {
        expect(JSON.parse(Buffer.from(body).toString())).toEqual({ Method: method, Body: 'foo' })
      }
    }
  }
}

test('[sig-network] Proxy version v1 A set of valid responses are returned for both pod and service Proxy', async () => {
  await using net = await porter()
  await proxied(net, '/')
})

test('[sig-network] Proxy version v1 A set of valid responses are returned for both pod and service ProxyWithPath', async () => {
  await using net = await porter()
  await proxied(net, '/some/path/with/GET')
})

// Upstream's conformance items about Services and who answers behind them, by their names (test/e2e/network/service.go,
// service_latency.go, hostport.go).

import { describe, expect, test } from 'vitest'
import type { Endpoints, Service } from '../../generated/types.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import { EndpointSlices, EndpointsKind, Nodes, Pods, Services } from '../../src/kinds/index.ts'
import { service } from '../support/objects.ts'
import { inDefault, serving, type Talking, talking } from './talking.ts'

const three = ['one', 'two', 'three']

/** Three pods of one label behind a Service, and a client. */
async function served(spec: Partial<Service['spec']> = {}): Promise<Talking> {
  const net = await talking()
  await net.run(...three.map(name => serving(name, { app: 'affinity' })), 'client')
  await net.apply(service('affinity', 'affinity', { ports: [{ port: 80, protocol: 'TCP' }], ...spec }))
  await net.advance('2s')
  return net
}

const specOf = (net: Talking, name: string) => net.get(Services, name).spec as Frozen<Service['spec']>
const patch = (net: Talking, name: string, spec: object) =>
  net.client.of(Services).patch(inDefault(name), { type: 'merge', body: { spec } })
const nodeAddresses = (net: Talking) =>
  net.list(Nodes).map(({ status }) => status.addresses!.find(({ type }) => type === 'InternalIP')!.address)

async function answers(net: Talking, host: string, port: number, count = 9): Promise<string[]> {
  const all: string[] = []
  for (let each = 0; each < count; each++) all.push(await net.answer('client', host, port))
  return [...new Set(all)].sort()
}

describe('who answers', () => {
  test('[sig-network] Services should be able to create a functioning NodePort service', async () => {
    await using net = await served({ type: 'NodePort' })
    const { clusterIP, ports } = specOf(net, 'affinity')
    expect(await answers(net, 'affinity', 80)).toEqual([...three].sort())
    expect(await answers(net, clusterIP!, 80)).toEqual([...three].sort())
    for (const address of nodeAddresses(net)) {
      expect(await answers(net, address, ports![0]!.nodePort!)).toEqual([...three].sort())
    }
  })

  test('[sig-network] Services should have session affinity work for service with type clusterIP [LinuxOnly]', async () => {
    await using net = await served({ sessionAffinity: 'ClientIP' })
    expect(await answers(net, specOf(net, 'affinity').clusterIP!, 80)).toHaveLength(1)
  })

  test('[sig-network] Services should have session affinity work for NodePort service [LinuxOnly]', async () => {
    await using net = await served({ type: 'NodePort', sessionAffinity: 'ClientIP' })
    const port = specOf(net, 'affinity').ports![0]!.nodePort!
    expect(await answers(net, nodeAddresses(net)[0]!, port)).toHaveLength(1)
  })

  test('[sig-network] Services should be able to switch session affinity for service with type clusterIP [LinuxOnly]', async () => {
    await using net = await served({ sessionAffinity: 'ClientIP' })
    const { clusterIP } = specOf(net, 'affinity')
    expect(await answers(net, clusterIP!, 80)).toHaveLength(1)
    await patch(net, 'affinity', { sessionAffinity: 'None' })
    expect((await answers(net, clusterIP!, 80)).length).toBeGreaterThan(1)
    await patch(net, 'affinity', { sessionAffinity: 'ClientIP' })
    expect(await answers(net, clusterIP!, 80)).toHaveLength(1)
  })

  test('[sig-network] Services should be able to switch session affinity for NodePort service [LinuxOnly]', async () => {
    await using net = await served({ type: 'NodePort', sessionAffinity: 'ClientIP' })
    const [address] = nodeAddresses(net)
    const port = specOf(net, 'affinity').ports![0]!.nodePort!
    expect(await answers(net, address!, port)).toHaveLength(1)
    await patch(net, 'affinity', { sessionAffinity: 'None' })
    expect((await answers(net, address!, port)).length).toBeGreaterThan(1)
    await patch(net, 'affinity', { sessionAffinity: 'ClientIP' })
    expect(await answers(net, address!, port)).toHaveLength(1)
  })

  test('[sig-network] HostPort validates that there is no conflict between pods with same hostPort but different hostIP and protocol [LinuxOnly]', async () => {
    await using net = await talking({ nodes: 1 })
    const [address] = nodeAddresses(net)
    const at = (name: string, hostIP: string, protocol: string) =>
      serving(
        name,
        {},
        {
          containers: [
            { name: 'main', image: 'nginx', ports: [{ containerPort: 80, hostPort: 54_323, hostIP, protocol }] },
          ],
        },
      )
    await net.run(at('pod1', '127.0.0.1', 'TCP'), at('pod2', address!, 'TCP'), at('pod3', address!, 'UDP'), 'client')
    expect(net.pods().every(({ spec }) => spec.nodeName === 'node-1')).toBe(true)
    expect(await net.answer('client', address!, 54_323)).toBe('pod2')
  })
})

describe('types', () => {
  const externalName = { type: 'ExternalName', externalName: 'affinity.example.com', clusterIP: null, selector: null }

  async function becoming(from: Partial<Service['spec']>, to: object): Promise<Talking> {
    const net = await served(from)
    await patch(net, 'affinity', to)
    await net.advance('2s')
    return net
  }

  test('[sig-network] Services should be able to change the type from ExternalName to ClusterIP', async () => {
    const from = {
      type: 'ExternalName',
      externalName: 'affinity.example.com',
      ports: [],
      selector: { app: 'affinity' },
    }
    await using net = await becoming(from, {
      type: 'ClusterIP',
      externalName: null,
      ports: [{ port: 80, protocol: 'TCP' }],
    })
    const { clusterIP } = specOf(net, 'affinity')
    expect(await answers(net, 'affinity', 80)).toEqual([...three].sort())
    expect(await answers(net, clusterIP!, 80)).toEqual([...three].sort())
  })

  test('[sig-network] Services should be able to change the type from ExternalName to NodePort', async () => {
    const from = {
      type: 'ExternalName',
      externalName: 'affinity.example.com',
      ports: [],
      selector: { app: 'affinity' },
    }
    await using net = await becoming(from, {
      type: 'NodePort',
      externalName: null,
      ports: [{ port: 80, protocol: 'TCP' }],
    })
    const port = specOf(net, 'affinity').ports![0]!.nodePort!
    expect(await answers(net, 'affinity', 80)).toEqual([...three].sort())
    for (const address of nodeAddresses(net)) expect(await answers(net, address, port)).toEqual([...three].sort())
  })

  test('[sig-network] Services should be able to change the type from ClusterIP to ExternalName', async () => {
    await using net = await becoming({}, externalName)
    expect(specOf(net, 'affinity')).not.toHaveProperty('clusterIP')
    expect(await net.names('client', 'affinity.default.svc.cluster.local', 'CNAME')).toEqual(['affinity.example.com'])
  })

  test('[sig-network] Services should be able to change the type from NodePort to ExternalName', async () => {
    await using net = await becoming({ type: 'NodePort' }, externalName)
    expect(specOf(net, 'affinity')).not.toHaveProperty('clusterIP')
    expect(specOf(net, 'affinity').ports?.[0]?.nodePort).toBeUndefined()
    expect(await net.names('client', 'affinity.default.svc.cluster.local', 'CNAME')).toEqual(['affinity.example.com'])
  })
})

describe('endpoints', () => {
  const placesOf = (net: Talking, name: string) =>
    (net.get(EndpointsKind, name).subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
      addresses.flatMap(({ targetRef }) => ports.map(({ port }) => `${targetRef?.name}:${port}`)),
    )
  const remove = async (net: Talking, name: string) => {
    await net.client.of(Pods).delete(inDefault(name), { gracePeriodSeconds: 0 })
    await net.advance('2s')
  }

  test('[sig-network] Services should serve a basic endpoint from pods', async () => {
    await using net = await talking()
    await net.apply(service('endpoint-test2', 'web', { ports: [{ port: 80, protocol: 'TCP' }] }))
    expect(placesOf(net, 'endpoint-test2')).toEqual([])
    await net.run(serving('pod1', { app: 'web' }), 'client')
    expect(placesOf(net, 'endpoint-test2')).toEqual(['pod1:80'])
    expect(await answers(net, 'endpoint-test2', 80)).toEqual(['pod1'])
    await net.run(serving('pod2', { app: 'web' }))
    expect(placesOf(net, 'endpoint-test2').sort()).toEqual(['pod1:80', 'pod2:80'])
    expect(await answers(net, 'endpoint-test2', 80)).toEqual(['pod1', 'pod2'])
    await remove(net, 'pod1')
    expect(await answers(net, 'endpoint-test2', 80)).toEqual(['pod2'])
    await remove(net, 'pod2')
    expect(placesOf(net, 'endpoint-test2')).toEqual([])
    expect(await net.answer('client', 'endpoint-test2')).toBe('ECONNREFUSED')
  })

  const named = (name: string, port: string, number: number) =>
    serving(
      name,
      { app: 'multi' },
      {
        containers: [
          {
            name: 'main',
            image: 'hashicorp/http-echo',
            args: [`-listen=:${number}`, `-text=${name}`],
            ports: [{ name: port, containerPort: number }],
          },
        ],
      },
    )

  test('[sig-network] Services should serve multiport endpoints from pods', async () => {
    await using net = await talking()
    const ports = ['portname1', 'portname2'].map((name, index) => ({
      name,
      port: 80 + index,
      protocol: 'TCP',
      targetPort: name,
    }))
    await net.apply(service('multi-endpoint-test', 'multi', { ports }))
    expect(placesOf(net, 'multi-endpoint-test')).toEqual([])
    await net.run(named('pod1', 'portname1', 100), 'client')
    expect(placesOf(net, 'multi-endpoint-test')).toEqual(['pod1:100'])
    await net.run(named('pod2', 'portname2', 101))
    expect(placesOf(net, 'multi-endpoint-test').sort()).toEqual(['pod1:100', 'pod2:101'])
    expect([await answers(net, 'multi-endpoint-test', 80), await answers(net, 'multi-endpoint-test', 81)]).toEqual([
      ['pod1'],
      ['pod2'],
    ])
    await remove(net, 'pod1')
    expect(placesOf(net, 'multi-endpoint-test')).toEqual(['pod2:101'])
    expect(await net.answer('client', 'multi-endpoint-test', 80)).toBe('ECONNREFUSED')
    expect(await net.answer('client', 'multi-endpoint-test', 81)).toBe('pod2')
  })

  test('[sig-network] Services should serve endpoints on same port and different protocols', async () => {
    await using net = await talking()
    const ports = (protocols: readonly string[]) =>
      protocols.map(protocol => ({ name: protocol.toLowerCase(), port: 80, protocol, targetPort: 80 }))
    const container = {
      name: 'main',
      image: 'nginx',
      ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }],
    }
    await net.run(serving('pod1', { app: 'both' }, { containers: [container] }), 'client')
    const heard = net.sockets('pod1').bind(80)
    await net.apply(service('multiprotocol-test', 'both', { ports: ports(['TCP', 'UDP']) }))
    await net.advance('2s')
    const { clusterIP } = specOf(net, 'multiprotocol-test')
    const say = async () => {
      const out = net.sockets('client').bind(0)
      out.send({ host: clusterIP!, port: 80 }, Buffer.from('hello'))
      const receiving = heard.receive()
      const { done, value } = receiving.next()
      receiving.return(undefined as never)
      out.close()
      return done === true && Buffer.from((value as unknown as { bytes: Uint8Array }).bytes).toString()
    }
    expect([await net.answer('client', clusterIP!), await say()]).toEqual(['pod1', 'hello'])
    await patch(net, 'multiprotocol-test', { ports: ports(['TCP']) })
    await net.advance('2s')
    expect([await net.answer('client', clusterIP!), await say()]).toEqual(['pod1', false])
    await patch(net, 'multiprotocol-test', { ports: ports(['UDP']) })
    await net.advance('2s')
    expect([await net.answer('client', clusterIP!), await say()]).toEqual(['ECONNREFUSED', 'hello'])
  })

  test('[sig-network] Service endpoints latency should not be very high', async () => {
    await using net = await talking()
    await net.run(serving('svc-latency', { app: 'latency' }))
    const times: number[] = []
    for (let index = 0; index < 100; index++) {
      const start = net.env.clock.now()
      await net.apply(service(`latency-svc-${index}`, 'latency'))
      await net.until(() =>
        net
          .list(EndpointSlices, { 'kubernetes.io/service-name': `latency-svc-${index}` })
          .some(({ endpoints }) => (endpoints?.length ?? 0) > 0),
      )
      times.push(net.env.clock.now() - start)
    }
    times.sort((one, other) => one - other)
    // Upstream's bounds: 20 s for half of them, 50 s for 99 of a hundred.
    expect(times[50]).toBeLessThan(20_000)
    expect(times[99]).toBeLessThan(50_000)
  })
})

describe('objects', () => {
  test('[sig-network] Services should provide secure master service', async () => {
    await using net = await talking({ nodes: 0 })
    expect(specOf(net, 'kubernetes').ports).toMatchObject([{ name: 'https', port: 443, protocol: 'TCP' }])
  })

  test('[sig-network] Services should find a service from listing all namespaces', async () => {
    await using net = await talking({ nodes: 0 })
    const { items } = await net.client.of(Services).list()
    expect(items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toContain('default/kubernetes')
  })

  test('[sig-network] Services should delete a collection of services', async () => {
    await using net = await talking({ nodes: 0 })
    const labels = { 'e2e-test': 'collection' }
    for (const name of ['e2e-svc-a', 'e2e-svc-b', 'e2e-svc-c']) {
      const made = service(name, 'none')
      await net.apply(name === 'e2e-svc-c' ? made : { ...made, metadata: { ...made.metadata, labels } })
    }
    expect(net.list(Services, labels)).toHaveLength(2)
    await net.client.of(Services).deleteCollection({ namespace: 'default', labelSelector: 'e2e-test=collection' })
    await net.advance('1s')
    expect(net.list(Services, labels)).toEqual([])
    expect(net.get(Services, 'e2e-svc-c').metadata.name).toBe('e2e-svc-c')
  })

  test('[sig-network] Services should complete a service status lifecycle', async () => {
    await using net = await talking({ nodes: 0 })
    const services = net.client.of(Services)
    const labels = { 'test-service-static': 'true' }
    const made = service('test-service', 'none', { type: 'LoadBalancer' })
    await net.apply({ ...made, metadata: { ...made.metadata, labels } })
    const ingress = [{ ip: '203.0.113.1' }]
    const body = { metadata: { annotations: { patchedstatus: 'true' } }, status: { loadBalancer: { ingress } } }
    const patched = await services.patch(inDefault('test-service'), { type: 'merge', body }, 'status')
    expect(patched.status.loadBalancer?.ingress).toMatchObject(ingress)
    const condition = {
      type: 'StatusUpdate',
      status: 'True',
      reason: 'E2E',
      message: 'Set from e2e test',
      lastTransitionTime: '2024-01-01T00:00:00Z',
    }
    await net.advance('1s')
    const current = await services.get(inDefault('test-service'))
    const updated = await services.updateStatus({
      ...current,
      status: { ...current.status, conditions: [condition] },
    } as Service)
    expect(updated.status.conditions).toMatchObject([{ type: 'StatusUpdate', reason: 'E2E' }])
    expect((await services.get(inDefault('test-service'))).status.conditions).toHaveLength(1)
    const relabelled = await services.patch(inDefault('test-service'), {
      type: 'strategic',
      body: { metadata: { labels: { 'test-service': 'patched' } } },
    })
    expect(relabelled.metadata.labels).toEqual({ ...labels, 'test-service': 'patched' })
    await services.delete(inDefault('test-service'))
    await net.advance('1s')
    expect(net.list(Services, labels)).toEqual([])
  })

  test('[sig-network] Services should test the lifecycle of an Endpoint', async () => {
    await using net = await talking({ nodes: 0 })
    const endpoints = net.client.of(EndpointsKind)
    const made: NewObject<Endpoints> = {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'testservice', namespace: 'default', labels: { 'test-endpoint-static': 'true' } },
      subsets: [{ addresses: [{ ip: '10.0.0.24' }], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }],
    }
    const created = await endpoints.create(made)
    expect((await endpoints.list({ labelSelector: 'test-endpoint-static=true' })).items).toHaveLength(1)
    const updated = await endpoints.update({
      ...created,
      metadata: { ...created.metadata, labels: { ...created.metadata.labels, 'test-service': 'updated' } },
    } as unknown as Endpoints)
    expect(updated.metadata.labels).toMatchObject({ 'test-service': 'updated' })
    const subsets = [{ addresses: [{ ip: '10.0.0.25' }], ports: [{ name: 'http-test', port: 8080, protocol: 'TCP' }] }]
    const patched = await endpoints.patch(inDefault('testservice'), { type: 'strategic', body: { subsets } })
    expect(patched.subsets).toEqual(subsets)
    await endpoints.deleteCollection({ namespace: 'default', labelSelector: 'test-endpoint-static=true' })
    expect((await endpoints.list({ labelSelector: 'test-endpoint-static=true' })).items).toEqual([])
  })
})

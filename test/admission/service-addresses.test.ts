// Cluster IPs and node ports. pkg/registry/core/service/storage/{alloc,storage}.go, ipallocator and portallocator.

import { describe, expect, test } from 'vitest'
import type { Service } from '../../generated/types.ts'
import { Services } from '../../src/kinds/index.ts'
import { inDefault, refusal, testServer } from '../registry/harness.ts'

const where = { namespace: 'default' }

async function cluster() {
  const server = await testServer()
  const { of, info } = server
  const create = async (name: string, spec: object): Promise<Service> => {
    const body = { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } }
    const { reading } = await of(Services).create(body, where, {}, info)
    return reading.object as unknown as Service
  }
  const patch = async (name: string, spec: object): Promise<Service> => {
    const { reading } = await of(Services).patch(inDefault(name), { type: 'merge', body: { spec } }, {}, info)
    return reading.object as unknown as Service
  }
  const update = async (name: string, spec: object): Promise<Service> => {
    const body = { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } }
    const { reading } = await of(Services).update(inDefault(name), body, {}, info)
    return reading.object as unknown as Service
  }
  const remove = (name: string) => of(Services).delete(inDefault(name), {}, info)
  return { ...server, create, patch, update, remove }
}

describe('cluster IP', () => {
  test('a free one of 10.96.0.0/12 is given', async () => {
    const { create } = await cluster()
    const { spec } = await create('web', {})
    expect(spec.clusterIP).toMatch(/^10\.(9[6-9]|10\d|11[01])\.\d+\.\d+$/)
    expect(spec).toMatchObject({
      clusterIPs: [spec.clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    })
  })

  test('many at once get each their own', async () => {
    const { create } = await cluster()
    const names = Array.from({ length: 50 }, (_, index) => `s-${index}`)
    const services = await Promise.all(names.map(name => create(name, { type: 'NodePort' })))
    expect(new Set(services.map(({ spec }) => spec.clusterIP)).size).toBe(50)
    expect(new Set(services.map(({ spec }) => spec.ports![0]!.nodePort)).size).toBe(50)
  })

  test('one that is asked for is given, and not twice; it is free again when its Service is gone', async () => {
    const { create, remove } = await cluster()
    const clusterIP = '10.96.0.10'
    expect((await create('dns', { clusterIP })).spec.clusterIPs).toEqual([clusterIP])
    const error = await refusal(create('other', { clusterIP }))
    expect(error).toMatchObject({ reason: 'Invalid', code: 422 })
    expect(error.message).toBe(
      'Service "other" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
    )
    await remove('dns')
    await create('other', { clusterIP })
  })

  test('the cluster’s own is nobody else’s, and another network’s nobody’s', async () => {
    const { create } = await cluster()
    expect((await refusal(create('a', { clusterIP: '10.96.0.1' }))).message).toContain(
      'provided IP is already allocated',
    )
    expect((await refusal(create('a', { clusterIP: '192.168.0.1' }))).message).toContain(
      'failed to allocate IP 192.168.0.1: the provided IP (192.168.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/12',
    )
  })

  test('headless has none, ExternalName neither', async () => {
    const { create } = await cluster()
    const headless = await create('a', { clusterIP: 'None', selector: { app: 'a' } })
    expect(headless.spec).toMatchObject({ clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4'] })
    const external = await create('b', { type: 'ExternalName', externalName: 'example.com', ports: undefined })
    expect(external.spec.clusterIP).toBeUndefined()
    expect(external.spec.ipFamilies).toBeUndefined()
  })

  test('sending the manifest again keeps what was given', async () => {
    const { create, update } = await cluster()
    const first = await create('web', { type: 'NodePort' })
    const second = await update('web', { type: 'NodePort', selector: { app: 'web' } })
    expect(second.spec.clusterIP).toBe(first.spec.clusterIP)
    expect(second.spec.ports![0]!.nodePort).toBe(first.spec.ports![0]!.nodePort)
  })

  test('two families are more than this cluster has', async () => {
    const { create } = await cluster()
    expect((await refusal(create('a', { ipFamilyPolicy: 'RequireDualStack' }))).message).toContain(
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    )
    expect((await refusal(create('a', { ipFamilies: ['IPv6'] }))).message).toContain(
      'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    )
    expect((await create('a', { ipFamilyPolicy: 'PreferDualStack' })).spec.ipFamilies).toEqual(['IPv4'])
  })
})

describe('node ports', () => {
  test('each port of a NodePort or LoadBalancer Service gets one; those of a ClusterIP Service none', async () => {
    const { create } = await cluster()
    const two = () => [
      { name: 'http', port: 80 },
      { name: 'https', port: 443 },
    ]
    for (const type of ['NodePort', 'LoadBalancer']) {
      const { spec } = await create(type.toLowerCase(), { type, ports: two() })
      for (const { nodePort } of spec.ports!) {
        expect(nodePort).toBeGreaterThanOrEqual(30000)
        expect(nodePort).toBeLessThanOrEqual(32767)
      }
      expect(spec.ports![0]!.nodePort).not.toBe(spec.ports![1]!.nodePort)
    }
    expect((await create('inner', { ports: two() })).spec.ports!.every(({ nodePort }) => nodePort === undefined)).toBe(
      true,
    )
    const none = { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false }
    expect((await create('bare', none)).spec.ports![0]!.nodePort).toBeUndefined()
  })

  test('one that is asked for is given, and not twice', async () => {
    const { create, patch } = await cluster()
    const asking = { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }
    expect((await create('web', asking)).spec.ports![0]!.nodePort).toBe(30080)
    const taken = 'spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated'
    expect((await refusal(create('other', asking))).message).toBe(`Service "other" is invalid: ${taken}`)
    await create('other', { type: 'NodePort' })
    expect((await refusal(patch('other', asking))).message).toBe(`Service "other" is invalid: ${taken}`)
    const far = { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }
    expect((await refusal(create('far', far))).message).toBe(
      'Service "far" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    )
  })

  test('the same port over TCP and UDP shares one', async () => {
    const { create } = await cluster()
    const ports = [
      { name: 'tcp', port: 53, protocol: 'TCP' },
      { name: 'udp', port: 53, protocol: 'UDP' },
    ]
    const { spec } = await create('dns', { type: 'NodePort', ports })
    expect(spec.ports![0]!.nodePort).toBe(spec.ports![1]!.nodePort)
  })

  test('a change of type gives, and gives back', async () => {
    const { create, patch } = await cluster()
    const first = await create('web', { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] })
    const inner = await patch('web', { type: 'ClusterIP' })
    expect(inner.spec.ports![0]!.nodePort).toBeUndefined()
    expect(inner.spec.externalTrafficPolicy).toBeUndefined()
    expect(inner.spec.clusterIP).toBe(first.spec.clusterIP)
    await create('other', { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] })
    const outer = await patch('web', { type: 'LoadBalancer' })
    expect(outer.spec.ports![0]!.nodePort).toBeGreaterThanOrEqual(30000)
    expect(outer.spec.allocateLoadBalancerNodePorts).toBe(true)
    const named = await patch('web', { type: 'ExternalName', externalName: 'example.com' })
    expect(named.spec.clusterIP).toBeUndefined()
    const again = await patch('web', { type: 'ClusterIP', externalName: null })
    expect(again.spec.clusterIP).toMatch(/^10\./)
  })

  test('a load balancer with local traffic gets a port for its health check', async () => {
    const { create, patch } = await cluster()
    const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }
    const { spec } = await create('web', local)
    expect(spec.healthCheckNodePort).toBeGreaterThanOrEqual(30000)
    expect(spec.healthCheckNodePort).not.toBe(spec.ports![0]!.nodePort)
    const wide = await patch('web', { externalTrafficPolicy: 'Cluster' })
    expect(wide.spec.healthCheckNodePort).toBeUndefined()
    const asking = { ...local, healthCheckNodePort: spec.ports![0]!.nodePort }
    expect((await refusal(create('other', asking))).message).toBe(
      `Internal error occurred: failed to allocate requested HealthCheck NodePort ${spec.ports![0]!.nodePort}: provided port is already allocated`,
    )
  })
})

test('from the same seed, the same addresses', async () => {
  const one = await (await cluster()).create('web', { type: 'NodePort' })
  const other = await (await cluster()).create('web', { type: 'NodePort' })
  expect(one.spec).toEqual(other.spec)
})

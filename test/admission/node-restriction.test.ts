// NodeRestriction (plugin/pkg/admission/noderestriction/admission.go), TaintNodesByCondition, PodTopologyLabels: what nodes may
// do, and what they give and get.

import { describe, expect, test } from 'vitest'
import type { RequestInfo } from '../../apiserver/registry/registry.ts'
import type { Node, Pod } from '../../generated/types.ts'
import { Leases, Nodes, PersistentVolumeClaims, Pods } from '../../src/kinds/index.ts'
import { inDefault, refusal, type TestServer, testServer } from '../registry/harness.ts'
import { leastObject } from '../registry/least-objects.ts'

const kubelet = (name: string): RequestInfo => ({
  user: { name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] },
  warn: () => {},
})

async function world(): Promise<TestServer & { uid: string }> {
  const server = await testServer()
  const { reading } = await server.of(Nodes).create(leastObject(Nodes, 'a'), {}, {}, kubelet('a'))
  return { ...server, uid: reading.object.metadata.uid! }
}

const why = async (work: Promise<unknown>): Promise<string> => {
  const { message, code } = await refusal(work)
  expect(code).toBe(403)
  return message.slice(message.indexOf('forbidden: ') + 'forbidden: '.length)
}

const merge = (body: object) => ({ type: 'merge', body }) as const

describe('a node', () => {
  test('registers itself and no other, without labels that steer pods', async () => {
    const { of } = await world()
    const create = (node: string, metadata: object, as = node) =>
      of(Nodes).create({ ...leastObject(Nodes, node), metadata: { name: node, ...metadata } }, {}, {}, kubelet(as))
    expect(await why(create('b', {}, 'c'))).toBe('node "c" is not allowed to modify node "b"')
    const labels = { 'kubernetes.io/hostname': 'b', 'example.com/free': 'yes', 'node.kubernetes.io/kind': 'x' }
    const steering = { 'node-restriction.kubernetes.io/secure': 'yes', 'kubernetes.io/role': 'master' }
    expect(await why(create('b', { labels: { ...labels, ...steering } }))).toBe(
      'node "b" is not allowed to set the following labels: kubernetes.io/role, node-restriction.kubernetes.io/secure',
    )
    await create('b', { labels })
  })

  test('changes its own status and harmless labels, neither taints nor others', async () => {
    const { of } = await world()
    const patch = (body: object, as = 'a', subresource?: 'status') =>
      of(Nodes).patch({ name: 'a' }, merge(body), {}, kubelet(as), subresource)
    await patch({ status: { phase: 'Running' } }, 'a', 'status')
    await patch({ metadata: { labels: { 'example.com/free': 'yes' } } })
    expect(await why(patch({ spec: { taints: [] } }))).toBe('node "a" is not allowed to modify taints')
    expect(await why(patch({ metadata: { labels: { 'kubernetes.io/role': 'master' } } }))).toBe(
      'is not allowed to modify labels: kubernetes.io/role',
    )
    expect(await why(patch({}, 'b'))).toBe('node "b" is not allowed to modify node "a"')
    expect(await why(of(Nodes).delete({ name: 'a' }, {}, kubelet('b')))).toBe(
      'node "b" is not allowed to modify node "a"',
    )
    await of(Nodes).delete({ name: 'a' }, {}, kubelet('a'))
  })

  test('whose name cannot be told may nothing', async () => {
    const { of } = await world()
    expect(await why(of(Nodes).delete({ name: 'a' }, {}, kubelet('')))).toBe(
      'could not determine node from user "system:node:"',
    )
  })

  test('makes mirror pods of its own, that refer to nothing', async () => {
    const { of, uid } = await world()
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'a', uid, controller: true }
    const annotations = { 'kubernetes.io/config.mirror': 'x' }
    const create = (metadata: object, spec: object) => {
      const pod = leastObject(Pods, 'static')
      Object.assign(pod.metadata, metadata)
      Object.assign(pod.spec, spec)
      return of(Pods).create(pod, { namespace: 'default' }, {}, kubelet('a'))
    }
    const mine = { annotations, ownerReferences: [owner] }
    expect(await why(create({}, { nodeName: 'a' }))).toBe(
      'pod does not have "kubernetes.io/config.mirror" annotation, node "a" can only create mirror pods',
    )
    expect(await why(create(mine, { nodeName: 'b' }))).toBe(
      'node "a" can only create pods with spec.nodeName set to itself',
    )
    expect(await why(create({ annotations }, { nodeName: 'a' }))).toBe(
      'node "a" can only create pods with an owner reference set to itself',
    )
    const other = { ...owner, uid: 'other' }
    expect(await why(create({ annotations, ownerReferences: [other] }, { nodeName: 'a' }))).toBe(
      `node a UID mismatch: expected other got ${uid}`,
    )
    const volumes = [{ name: 's', secret: { secretName: 's' } }]
    expect(await why(create(mine, { nodeName: 'a', volumes }))).toBe(
      'node "a" can not create pods that reference secrets',
    )
    await create(mine, { nodeName: 'a' })
  })

  test('speaks for the pods that are bound to it, and for no others', async () => {
    const { of, info } = await world()
    for (const [name, nodeName] of [['mine', 'a'] as const, ['other', 'b'] as const]) {
      const pod = leastObject(Pods, name)
      pod.spec.nodeName = nodeName
      await of(Pods).create(pod, { namespace: 'default' }, {}, info)
    }
    const status = (name: string, body: object) =>
      of(Pods).patch(inDefault(name), merge(body), {}, kubelet('a'), 'status')
    await status('mine', { status: { phase: 'Running' } })
    expect(await why(status('other', { status: { phase: 'Running' } }))).toBe(
      'node "a" can only update pod status for pods with spec.nodeName set to itself',
    )
    expect(await why(status('mine', { metadata: { labels: { a: 'b' } } }))).toBe(
      'node "a" cannot update labels through pod status',
    )
    expect(await why(of(Pods).patch(inDefault('mine'), merge({}), {}, kubelet('a')))).toBe(
      'unexpected operation "UPDATE", node "a" can only create and delete mirror pods',
    )
    const gone = (name: string) => of(Pods).delete(inDefault(name), { gracePeriodSeconds: 0 }, kubelet('a'))
    expect(await why(gone('other'))).toBe('node "a" can only delete pods with spec.nodeName set to itself')
    await gone('mine')
  })

  test('renews its own lease, and touches claims only where they grow', async () => {
    const { of, info } = await world()
    const lease = (name: string, namespace: string) =>
      of(Leases).create(leastObject(Leases, name, namespace), { namespace }, {}, kubelet('a'))
    expect(await why(lease('a', 'default'))).toBe('can only access leases in the "kube-node-lease" system namespace')
    expect(await why(lease('b', 'kube-node-lease'))).toBe(
      'can only access node lease with the same name as the requesting node',
    )
    await lease('a', 'kube-node-lease')
    await of(PersistentVolumeClaims).create(
      leastObject(PersistentVolumeClaims, 'c'),
      { namespace: 'default' },
      {},
      info,
    )
    const claim = (body: object, subresource?: 'status') =>
      of(PersistentVolumeClaims).patch(inDefault('c'), merge(body), {}, kubelet('a'), subresource)
    expect(await why(claim({}))).toBe('may only update PVC status')
    expect(await why(claim({ status: { phase: 'Lost' } }, 'status'))).toBe(
      'node "a" is not allowed to update fields other than status.capacity and status.conditions',
    )
    await claim({ status: { capacity: { storage: '2Gi' } } }, 'status')
  })
})

test('a new node takes no pods until it has said that it is ready', async () => {
  const { of, info } = await testServer()
  const taints = async (name: string, rest: object = {}) => {
    const { reading } = await of(Nodes).create({ ...leastObject(Nodes, name), ...rest }, {}, {}, info)
    return (reading.object as unknown as Node).spec.taints
  }
  const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
  expect(await taints('a')).toEqual([taint])
  expect(await taints('b', { spec: { taints: [taint] } })).toEqual([taint])
  const conditions = [{ type: 'Ready', status: 'True' }]
  expect(await taints('c', { status: { conditions } })).toBeUndefined()
})

test('a pod that is made on its node has the zone and region of it', async () => {
  const { of, info } = await testServer()
  const labels = { 'topology.kubernetes.io/zone': 'z1', 'topology.kubernetes.io/region': 'r1', other: 'x' }
  await of(Nodes).create({ ...leastObject(Nodes, 'a'), metadata: { name: 'a', labels } }, {}, {}, info)
  const pod = leastObject(Pods, 'web')
  pod.spec.nodeName = 'a'
  const { reading } = await of(Pods).create(pod, { namespace: 'default' }, {}, info)
  const { other: _, ...topology } = labels
  expect((reading.object as unknown as Pod).metadata.labels).toEqual(topology)
})

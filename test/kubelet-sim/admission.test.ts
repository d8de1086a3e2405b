// What a kubelet does not take (pkg/kubelet/lifecycle/predicate.go, pkg/kubelet/sysctl).

import { expect, test } from 'vitest'
import type { PodSpec } from '../../generated/types.ts'
import { Nodes } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

const here = (name: string, spec: Partial<PodSpec>) => pod(name, { nodeName: 'node-1', ...spec })
const cpu = (amount: string): Partial<PodSpec> => ({
  containers: [{ name: 'main', image: 'nginx', resources: { requests: { cpu: amount } } }],
})
const port = (hostPort: number): Partial<PodSpec> => ({
  containers: [{ name: 'main', image: 'nginx', ports: [{ containerPort: 80, hostPort }] }],
})

async function refusal(cluster: TestCluster, name: string, spec: Partial<PodSpec>): Promise<string> {
  await cluster.apply(here(name, spec))
  await cluster.advance('5s')
  const { status } = cluster.pods().find(({ metadata }) => metadata.name === name)!
  if (status.phase !== 'Failed') return status.phase ?? ''
  expect(cluster.events(name)).toEqual([`${status.reason}: ${status.message?.replace('Pod was rejected: ', '')}`])
  expect(status.message).toMatch(/^Pod was rejected: /)
  expect(status.containerStatuses).toBeUndefined()
  return `${status.reason}: ${status.message}`
}

test('what no scheduler has placed must fit and belong there', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  expect(await refusal(cluster, 'one', cpu('6'))).toBe('Running')
  expect(await refusal(cluster, 'two', cpu('3'))).toBe(
    "OutOfcpu: Pod was rejected: Node didn't have enough resource: cpu, requested: 3000, used: 6000, capacity: 8000",
  )
  expect(
    await refusal(cluster, 'gpu', {
      containers: [
        {
          name: 'main',
          image: 'nginx',
          resources: { limits: { 'example.com/gpu': '1' }, requests: { 'example.com/gpu': '1' } },
        },
      ],
    }),
  ).toBe(
    "OutOfexample.com/gpu: Pod was rejected: Node didn't have enough resource: example.com/gpu, requested: 1, used: 0, capacity: 0",
  )
  expect(await refusal(cluster, 'elsewhere', { nodeSelector: { disk: 'ssd' } })).toBe(
    "NodeAffinity: Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  )
  expect(await refusal(cluster, 'web', port(8080))).toBe('Running')
  expect(await refusal(cluster, 'again', port(8080))).toBe(
    "NodePorts: Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  )
  const taints = [{ key: 'maintenance', effect: 'NoExecute' }]
  await cluster.client.of(Nodes).patch({ name: 'node-1' }, { type: 'merge', body: { spec: { taints } } })
  expect(await refusal(cluster, 'tainted', {})).toBe(
    "TaintToleration: Pod was rejected: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
  )
})

test('sysctls', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const sysctl = (name: string, more: Partial<PodSpec> = {}): Partial<PodSpec> => ({
    securityContext: { sysctls: [{ name, value: '1' }] },
    ...more,
  })
  expect(await refusal(cluster, 'safe', sysctl('kernel.shm_rmid_forced'))).toBe('Running')
  expect(await refusal(cluster, 'slashes', sysctl('net/ipv4/tcp_syncookies'))).toBe('Running')
  expect(await refusal(cluster, 'unsafe', sysctl('kernel.msgmax'))).toBe(
    'SysctlForbidden: Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted',
  )
})

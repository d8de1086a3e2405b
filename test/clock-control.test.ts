// The cluster's clock in hand, in virtual time: pause, step, advance.

import { expect, test } from 'vitest'
import { type Change, ClockControl, type Step } from '../src/clock-control.ts'
import { ReplicaSets } from '../src/kinds/replicaset.ts'
import { testCluster } from './support/cluster.ts'
import { deployment } from './support/objects.ts'

const wrote = ({ work, writes }: Step): string =>
  [
    work === undefined ? '-' : `${work.controller}/${work.key}`,
    ...writes
      .filter(({ resource }) => resource !== 'events')
      .map(({ type, resource, name }) => `${type} ${resource} ${name.replace(/-[a-z0-9]{5}$/, '-*')}`),
  ].join(' ')

const isLease = ({ resource }: Change): boolean => resource === 'leases.coordination.k8s.io'

async function steps(clock: ClockControl, count: number): Promise<string[]> {
  const told: string[] = []
  for (let step = 0; step < count; step++) told.push(wrote(await clock.step()))
  return told
}

test('paused, a request is answered and nothing else happens; a step is one reconcile, one binding, one stage', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const clock = new ClockControl(cluster.env, cluster.cluster.storage)
  clock.pause()
  await cluster.apply(deployment('web', { replicas: 2 }))
  expect(cluster.list(ReplicaSets)).toEqual([])
  expect(clock.status()).toMatchObject({
    paused: true,
    waiting: [{ controller: 'deployment-controller', kind: 'Deployment', key: 'default/web' }],
  })
  const told = await steps(clock, 8)
  expect(
    told.map(line => line.replace(/web-[a-z0-9]{6,}/g, 'web-*').replace(/(kubelet\S+)-[a-z0-9]{5} /, '$1-* ')),
  ).toEqual([
    'deployment-controller/default/web ADDED replicasets.apps web-* MODIFIED deployments.apps web',
    'replicaset-controller/default/web-* ADDED pods web-*-* ADDED pods web-*-* MODIFIED replicasets.apps web-*',
    'deployment-controller/default/web MODIFIED deployments.apps web',
    'kube-scheduler/turn MODIFIED pods web-*-*',
    'replicaset-controller/default/web-* MODIFIED replicasets.apps web-*',
    'deployment-controller/default/web MODIFIED deployments.apps web',
    'kube-scheduler/turn MODIFIED pods web-*-*',
    'kubelet/default/web-*-* MODIFIED pods web-*-*',
  ])
  expect(cluster.pods().map(({ spec }) => spec.nodeName)).toEqual(['node-1', 'node-1'])
  clock.resume()
  await cluster.until(() => cluster.pods().every(({ status }) => status.phase === 'Running'))
})

test('with nothing ready a step moves time to what happens next, and heartbeats are nothing', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const clock = new ClockControl(cluster.env, cluster.cluster.storage)
  await cluster.apply(deployment('web'))
  clock.pause()
  const kubelet: Step[] = []
  while (kubelet.length < 2) {
    const step = await clock.step()
    if (step.work?.controller === 'kubelet') kubelet.push(step)
  }
  expect(kubelet[0]!.waited).toBeGreaterThan(0)
  const later: Step[] = []
  while (later.length < 10) later.push(await clock.step())
  expect(Math.max(...later.map(({ waited }) => waited))).toBeGreaterThan(10_000)
  expect(later.filter(({ work, writes }) => work === undefined && writes.every(isLease))).toEqual([])
  expect(cluster.pods()[0]!.status.phase).toBe('Running')
})

test('an advance of a paused cluster does all that was due, in order, and pauses it again', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const clock = new ClockControl(cluster.env, cluster.cluster.storage)
  clock.pause()
  await cluster.apply(deployment('web'))
  const from = cluster.env.clock.now()
  const advanced = await clock.advance(60_000)
  expect(cluster.env.clock.now() - from).toBe(60_000)
  expect(advanced).toMatchObject({ whole: true, to: '2024-01-01T00:01:00.000Z' })
  expect(cluster.pods()[0]!.status.phase).toBe('Running')
  expect(clock.status()).toMatchObject({ paused: true, waiting: [] })
  await cluster.apply(deployment('late'))
  expect(cluster.list(ReplicaSets)).toHaveLength(1)
})

test('one move at a time; who leaves an advance leaves time where it is', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const clock = new ClockControl(cluster.env, cluster.cluster.storage)
  const leaving = new AbortController()
  const moving = clock.advance(86_400_000, { signal: leaving.signal })
  expect(() => clock.pause()).toThrow('the clock is being moved to 2024-01-02T00:00:00.000Z')
  await expect(clock.advance(1)).rejects.toThrow('wait until it is there')
  leaving.abort()
  expect((await moving).whole).toBe(false)
  expect(() => clock.setSpeed(2)).toThrow('virtual time has no speed')
  await expect(clock.advance(-1)).rejects.toThrow('more than nothing')
})

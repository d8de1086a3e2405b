// Volumes that are an image: it is pulled before the container that mounts it is made (kuberuntime_manager.go getImageVolumes).

import { expect, test } from 'vitest'
import type { PodSpec } from '../../generated/types.ts'
import { busybox, podOf, runs } from '../conformance/in-pods.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

const mounting = (image: { reference: string; pullPolicy?: string }): Partial<PodSpec> => ({
  containers: [
    { name: 'main', image: busybox, command: ['sleep', '1d'], volumeMounts: [{ name: 'model', mountPath: '/model' }] },
    { name: 'other', image: busybox, command: ['sleep', '1d'] },
  ],
  volumes: [{ name: 'model', image }],
})
const pulls = (cluster: TestCluster) =>
  cluster.events('pod-under-test').filter(text => /^(Pull|Failed|BackOff|ErrImage)/.test(text))
const waiting = (cluster: TestCluster) => podOf(cluster).status.containerStatuses?.[0]?.state?.waiting

test('it is pulled first, and told of the pod', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  await cluster.apply(pod('pod-under-test', mounting({ reference: 'nginx:1.27' })))
  await runs(cluster)
  expect(pulls(cluster)[0]).toBe('Pulling: Pulling image "nginx:1.27"')
  expect(pulls(cluster)).toContainEqual(expect.stringMatching(/^Pulled: Successfully pulled image "nginx:1.27" in /))
  expect(pulls(cluster).filter(text => text.includes('busybox')).length).toBeGreaterThan(0)
})

test('what cannot be pulled holds up the container that mounts it, and no other', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  await cluster.apply(pod('pod-under-test', mounting({ reference: 'registry.example.com/models/does-not-exist:v1' })))
  await cluster.advance('5s')
  expect(waiting(cluster)?.reason).toBe('ImagePullBackOff')
  expect(waiting(cluster)?.message).toMatch(
    /^Back-off pulling image "registry.example.com\/models\/does-not-exist:v1": ErrImagePull: /,
  )
  expect(podOf(cluster).status.containerStatuses?.[1]?.state?.running).toBeDefined()
  expect(pulls(cluster)).toContain('BackOff: Back-off pulling image "registry.example.com/models/does-not-exist:v1"')
})

test('what shall never be pulled has to be there', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  await cluster.apply(pod('pod-under-test', mounting({ reference: 'nginx:1.27', pullPolicy: 'Never' })))
  await cluster.advance('5s')
  expect(waiting(cluster)).toEqual({
    reason: 'ErrImageNeverPull',
    message: 'Container image "nginx:1.27" is not present with pull policy of Never',
  })
})

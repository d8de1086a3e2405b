// What a pod refers to and is not there holds it up, in a kubelet's words: pkg/volume/{configmap,secret,projected,csi},
// pkg/kubelet/volumemanager, pkg/kubelet/kubelet_pods.go.

import { expect, test } from 'vitest'
import type { ConfigMap, PodSpec, Secret, Volume } from '../../generated/types.ts'
import type { NewObject } from '../../src/api/meta.ts'
import { PersistentVolumeClaims, Pods } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'
import { claim, volume } from '../support/storage.ts'
import { LivingPod, podOf } from './live.ts'

const map = (name: string, data: Record<string, string> = {}) =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data }) as NewObject<ConfigMap>
const secret = (name: string, stringData: Record<string, string> = {}) =>
  ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, stringData }) as NewObject<Secret>
const mounts = (...volumes: Volume[]): Partial<PodSpec> => ({ volumes })
const env = (container: Partial<PodSpec['containers'][number]>): Partial<PodSpec> => ({
  containers: [{ name: 'main', image: 'nginx', ...container }],
})
const state = (cluster: TestCluster, name: string) => {
  const { phase, podIP, containerStatuses } = cluster.get(Pods, name).status
  const waiting = containerStatuses?.[0]?.state?.waiting
  return [phase, podIP !== undefined, waiting?.reason, waiting?.message].filter(part => part !== undefined)
}
const said = (cluster: TestCluster, name: string) =>
  cluster.events(name).filter(line => !/^(Scheduled|Pull|Created|Started)/.test(line))

test('a pod whose ConfigMap is missing is without sandbox until it is there, looked for ever more rarely', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(pod('web', mounts({ name: 'config', configMap: { name: 'settings' } })))
  await cluster.advance('10s')
  expect(state(cluster, 'web')).toEqual(['Pending', false, 'ContainerCreating'])
  const ready = cluster.get(Pods, 'web').status.conditions!.find(({ type }) => type === 'PodReadyToStartContainers')
  expect(ready!.status).toBe('False')
  expect(said(cluster, 'web')).toEqual([
    'FailedMount: MountVolume.SetUp failed for volume "config" : configmap "settings" not found',
  ])
  // At 0, 0.5, 1.5, 3.5 and 7.5 s; the next is at 15.5 s.
  await cluster.apply(map('settings'))
  await cluster.advance('5s')
  expect(state(cluster, 'web')).toEqual(['Pending', false, 'ContainerCreating'])
  await cluster.until(() => cluster.get(Pods, 'web').status.phase === 'Running', '12s')
  expect(cluster.get(Pods, 'web').status.podIP).toBeDefined()
})

test('what is optional, what is a key, and what is one of several', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const items = [{ key: 'absent', path: 'file' }]
  await cluster.apply(
    map('here', { present: 'yes' }),
    secret('hidden', { present: 'yes' }),
    pod('optional', mounts({ name: 'a', configMap: { name: 'nowhere', optional: true } })),
    pod('optional-key', mounts({ name: 'a', secret: { secretName: 'hidden', items, optional: true } })),
    pod('map-key', mounts({ name: 'a', configMap: { name: 'here', items } })),
    pod('secret-key', mounts({ name: 'a', secret: { secretName: 'hidden', items } })),
    pod('secret', mounts({ name: 'a', secret: { secretName: 'nowhere' } })),
    pod(
      'projected',
      mounts({ name: 'all', projected: { sources: [{ configMap: { name: 'x' } }, { secret: { name: 'y' } }] } }),
    ),
    pod(
      'certificate',
      mounts({
        name: 'all',
        projected: {
          sources: [
            {
              podCertificate: {
                signerName: 'example.com/mine',
                keyType: 'ED25519',
                credentialBundlePath: 'bundle.pem',
              },
            },
          ],
        },
      }),
    ),
    pod('csi', mounts({ name: 'a', csi: { driver: 'inline.example.com' } })),
  )
  await cluster.advance('20s')
  expect(state(cluster, 'optional')[0]).toBe('Running')
  expect(state(cluster, 'optional-key')[0]).toBe('Running')
  const failed = (name: string, fault: string) => [
    `FailedMount: MountVolume.SetUp failed for volume "${name}" : ${fault}`,
  ]
  expect(said(cluster, 'map-key')).toEqual(failed('a', 'configmap references non-existent config key: absent'))
  expect(said(cluster, 'secret-key')).toEqual(failed('a', 'references non-existent secret key: absent'))
  expect(said(cluster, 'secret')).toEqual(failed('a', 'secret "nowhere" not found'))
  expect(said(cluster, 'projected')).toEqual(failed('all', '[configmap "x" not found, secret "y" not found]'))
  expect(said(cluster, 'certificate')).toEqual(
    failed('all', 'kubesim makes no pod certificates (signer example.com/mine)'),
  )
  const unregistered = 'driver name inline.example.com not found in the list of registered CSI drivers'
  expect(said(cluster, 'csi')).toEqual(
    failed('a', `kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: ${unregistered}`),
  )
})

test('an environment of what is not there is CreateContainerConfigError, and is made once it is', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const key = (name: string) => ({ env: [{ name: 'A', valueFrom: { configMapKeyRef: { name, key: 'a' } } }] })
  const hidden = { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'hidden', key: 'a' } } }] }
  await cluster.apply(
    map('here', { b: 'c' }),
    secret('hidden', { b: 'c' }),
    pod('map', env(key('late'))),
    pod('key', env(key('here'))),
    pod('secret-key', env(hidden)),
    pod('all', env({ envFrom: [{ secretRef: { name: 'late' } }] })),
    pod('optional', env({ envFrom: [{ configMapRef: { name: 'late', optional: true } }] })),
  )
  await cluster.advance('25s')
  const error = (message: string) => ['Pending', true, 'CreateContainerConfigError', message]
  expect(state(cluster, 'map')).toEqual(error('configmap "late" not found'))
  expect(state(cluster, 'key')).toEqual(error("couldn't find key a in ConfigMap default/here"))
  expect(state(cluster, 'secret-key')).toEqual(error("couldn't find key a in Secret default/hidden"))
  expect(state(cluster, 'all')).toEqual(error('secret "late" not found'))
  expect(state(cluster, 'optional')[0]).toBe('Running')
  expect(said(cluster, 'map')).toEqual(['Failed: Error: configmap "late" not found'])
  await cluster.apply(map('late', { a: '1' }), secret('late'))
  await cluster.advance('15s')
  expect([state(cluster, 'map')[0], state(cluster, 'all')[0]]).toEqual(['Running', 'Running'])
})

test('a claim that is missing or waits for its volume holds the pod up, and lets it go', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const data = mounts({ name: 'data', persistentVolumeClaim: { claimName: 'data' } })
  await cluster.apply(pod('web', { ...data, nodeName: 'node-1' }))
  await cluster.advance('1s')
  const which = 'unmounted volumes=[data], unattached volumes=[], failed to process volumes=[data]'
  const failed = `FailedMount: Unable to attach or mount volumes: ${which}: error processing PVC default/data`
  expect(said(cluster, 'web')).toEqual([
    `${failed}: failed to fetch PVC from API server: persistentvolumeclaims "data" not found`,
  ])
  await cluster.apply(claim('data'))
  await cluster.advance('12s')
  expect(said(cluster, 'web')).toContain(`${failed}: PVC is not bound`)
  expect(state(cluster, 'web')).toEqual(['Pending', false, 'ContainerCreating'])
  await cluster.apply(volume('disk'))
  await cluster.advance('3s')
  expect(cluster.get(PersistentVolumeClaims, 'data').status.phase).toBe('Bound')
  expect(state(cluster, 'web')[0]).toBe('Running')
})

test('a pod that waits can be deleted', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(pod('waits', mounts({ name: 'config', configMap: { name: 'nowhere' } })))
  await cluster.advance('10s')
  await cluster.client.of(Pods).delete({ name: 'waits', namespace: 'default' })
  await cluster.advance('1s')
  expect(cluster.pods()).toEqual([])
})

test('a pod that runs is not held up when its kubelet begins anew and the ConfigMap is gone since', () => {
  const living = new LivingPod(podOf({ containers: [{ name: 'app', image: 'nginx' }] })).live(20)
  living.forget().missing = { obstacle: { kind: 'set-up', message: 'gone' }, pullSecrets: [], faults: new Map() }
  living.lines.length = 0
  expect(living.live(600).lines).toEqual([])
  expect(living.status.phase).toBe('Running')
})

test('a secret for pulling that is missing is told of, and the image pulled without it', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const imagePullSecrets = [{ name: 'here' }, { name: 'one' }, { name: 'two' }]
  await cluster.apply(secret('here'), pod('web', { imagePullSecrets }))
  await cluster.until(() => state(cluster, 'web')[0] === 'Running', '30s')
  expect(said(cluster, 'web')).toEqual([
    'FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (one, two); attempting to pull the image may not succeed.',
  ])
})

test('a hostPath that is not what its type says holds the pod up; what its type makes is made', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const at = (path: string, type: string) => mounts({ name: 'host', hostPath: { path, type } })
  await cluster.apply(
    pod('directory', at('/srv/none', 'Directory')),
    pod('file', at('/etc', 'File')),
    pod('socket', at('/run/docker.sock', 'Socket')),
    pod('there', at('/var/log', 'Directory')),
    pod('runtime', at('/run/containerd/containerd.sock', 'Socket')),
    pod('made', at('/srv/new', 'DirectoryOrCreate')),
    pod('any', at('/srv/any', '')),
  )
  await cluster.advance('5s')
  const words = 'MountVolume.SetUp failed for volume "host" : hostPath type check failed'
  expect(said(cluster, 'directory')).toEqual([`FailedMount: ${words}: /srv/none is not a directory`])
  expect(said(cluster, 'file')).toEqual([`FailedMount: ${words}: /etc is not a file`])
  expect(said(cluster, 'socket')).toEqual([`FailedMount: ${words}: /run/docker.sock is not a socket file`])
  for (const name of ['there', 'runtime', 'made', 'any'])
    expect([name, state(cluster, name)[0]]).toEqual([name, 'Running'])
})

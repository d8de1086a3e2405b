// Volumes as a kubelet mounts them, seen by the programs of a container.

import { describe, expect, test } from 'vitest'
import type { Pod } from '../../../generated/types.ts'
import { busyboxLayer } from '../../../kubelet-sim/machine/files/base-layers.ts'
import type { ContainerFiles } from '../../../kubelet-sim/machine/files/container-files.ts'
import { SystemError } from '../../../kubelet-sim/machine/system-error.ts'
import { VolumeManager } from '../../../kubelet-sim/machine/volumes/volume-manager.ts'
import type { Frozen } from '../../../src/api/meta.ts'
import { ConfigMaps, Pods, Secrets } from '../../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../../support/cluster.ts'
import { certificate } from '../../support/trust-anchor.ts'

type Spec = Partial<Pod['spec']>

async function running(
  cluster: TestCluster,
  spec: Spec,
  metadata: Partial<Pod['metadata']> = {},
): Promise<Frozen<Pod>> {
  const containers = spec.containers ?? [{ name: 'app', image: 'busybox', command: ['sleep', '1d'] }]
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', ...metadata },
    spec: { ...spec, containers },
  })
  await cluster.advance('10s')
  return cluster.get(Pods, metadata.name ?? 'web')
}

function managerOf(cluster: TestCluster): VolumeManager {
  return new VolumeManager({
    env: cluster.env,
    client: cluster.client,
    allocatable: { cpu: '4', memory: '8Gi', 'ephemeral-storage': '100Gi' },
    imageLayer: () => ({ files: { '/data/of-image': 'yes\n' } }),
    addressOf: () => '192.168.49.2',
  })
}

function filesOf(manager: VolumeManager, pod: Frozen<Pod>, index = 0): Promise<ContainerFiles> {
  const container = pod.spec.containers[index]!
  const user = { uid: 0, gid: 0, groups: [] }
  const wanted = { pod, container, restart: 0, image: undefined, startedAt: 0, env: new Map([['NAME', 'one']]), user }
  return manager.filesOf(wanted, busyboxLayer)
}

const app = (volumeMounts: NonNullable<Pod['spec']['containers'][number]['volumeMounts']>) => ({
  name: 'app',
  image: 'busybox',
  command: ['sleep', '1d'],
  volumeMounts,
})

const configMap = (name: string, data: Record<string, string>, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
  ...more,
})

const modeOf = (files: ContainerFiles, path: string) => files.stat(path).mode.toString(8)

function errno(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof SystemError) return error.errno
    throw error
  }
  return 'none'
}

describe('volumes of a pod', () => {
  test('the service account is at its place: token, ca.crt, namespace, and the token is renewed before it ends', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    await cluster.apply(configMap('kube-root-ca.crt', { 'ca.crt': '-----BEGIN CERTIFICATE-----\n' }))
    const pod = await running(cluster, {})
    const manager = managerOf(cluster)
    const files = await filesOf(manager, pod)
    const place = '/var/run/secrets/kubernetes.io/serviceaccount'
    expect(files.list(place)).toEqual(expect.arrayContaining(['..data', 'ca.crt', 'namespace', 'token']))
    expect(files.readText(`${place}/namespace`)).toBe('default')
    expect(files.readText(`${place}/ca.crt`)).toMatch(/BEGIN CERTIFICATE/)
    const first = files.readText(`${place}/token`)
    expect(JSON.parse(Buffer.from(first.split('.')[1]!, 'base64url').toString())).toMatchObject({
      'kubernetes.io': { pod: { name: 'web', uid: pod.metadata.uid }, serviceaccount: { name: 'default' } },
    })
    expect(errno(() => files.write(`${place}/token`, 'x'))).toBe('EROFS')
    await cluster.advance('50m')
    expect(files.readText(`${place}/token`)).not.toBe(first)
    manager.close()
  })

  test('a ConfigMap: modes, items, the ..data folder, and all files change at once at the next sync', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    await cluster.apply(configMap('conf', { one: '1', two: '2' }, { binaryData: { raw: 'AAH/' } }))
    const pod = await running(cluster, {
      volumes: [
        { name: 'all', configMap: { name: 'conf' } },
        {
          name: 'some',
          configMap: { name: 'conf', defaultMode: 0o400, items: [{ key: 'two', path: 'sub/second', mode: 0o640 }] },
        },
        { name: 'none', configMap: { name: 'not-there', optional: true } },
      ],
      containers: [
        app([
          { name: 'all', mountPath: '/all' },
          { name: 'all', mountPath: '/etc/one.conf', subPath: 'one' },
          { name: 'some', mountPath: '/some' },
          { name: 'none', mountPath: '/none' },
        ]),
      ],
    })
    const manager = managerOf(cluster)
    const files = await filesOf(manager, pod)
    expect(files.list('/all').filter(name => !name.startsWith('..2'))).toEqual(['..data', 'one', 'raw', 'two'])
    expect(files.readlink('/all/one')).toBe('..data/one')
    expect(files.readlink('/all/..data')).toMatch(/^\.\.\d{4}(_\d\d){5}\.\d+$/)
    expect([...files.read('/all/raw')]).toEqual([0, 1, 255])
    expect([modeOf(files, '/all'), modeOf(files, '/all/one'), modeOf(files, '/some/sub/second')]).toEqual([
      '777',
      '644',
      '640',
    ])
    expect(files.readText('/etc/one.conf')).toBe('1')
    expect(files.list('/none').filter(name => !name.startsWith('..'))).toEqual([])
    expect(errno(() => files.write('/all/one', 'x'))).toBe('EROFS')

    const before = files.readlink('/all/..data')
    const body = { data: { one: 'changed', two: null, three: '3' } }
    await cluster.client.of(ConfigMaps).patch({ name: 'conf', namespace: 'default' }, { type: 'merge', body })
    expect(files.readText('/all/one')).toBe('1')
    await cluster.advance('61s')
    expect(files.readText('/all/one')).toBe('changed')
    expect(files.list('/all').filter(name => !name.startsWith('..'))).toEqual(['one', 'raw', 'three'])
    expect(files.readlink('/all/..data')).not.toBe(before)
    expect(files.list('/all')).not.toContain(before)
    // A part of a volume is never updated.
    expect(files.readText('/etc/one.conf')).toBe('1')
    await cluster.client.of(ConfigMaps).delete({ name: 'conf', namespace: 'default' })
    await cluster.advance('2m')
    expect(files.readText('/all/one')).toBe('changed')
    manager.close()
  })

  test('a Secret with an fsGroup is readable by the group', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    await cluster.client.of(Secrets).create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'key', namespace: 'default' },
      stringData: { password: 'swordfish' },
    })
    const pod = await running(cluster, {
      securityContext: { fsGroup: 2000, runAsUser: 1000 },
      volumes: [
        { name: 'key', secret: { secretName: 'key', defaultMode: 0o400 } },
        { name: 'scratch', emptyDir: {} },
      ],
      containers: [
        app([
          { name: 'key', mountPath: '/key' },
          { name: 'scratch', mountPath: '/scratch' },
        ]),
      ],
    })
    const files = await filesOf(managerOf(cluster), pod)
    expect(files.stat('/key/password')).toMatchObject({ mode: 0o440, uid: 0, gid: 2000 })
    expect(files.stat('/scratch')).toMatchObject({ mode: 0o2777, gid: 2000 })
    const member = files.as({ uid: 1000, gid: 1000, groups: [2000] })
    expect(member.readText('/key/password')).toBe('swordfish')
    member.write('/scratch/x', '')
    expect(files.stat('/scratch/x')).toMatchObject({ uid: 1000, gid: 2000 })
    const token = '/var/run/secrets/kubernetes.io/serviceaccount/token'
    expect(files.stat(token)).toMatchObject({ uid: 1000, gid: 2000, mode: 0o640 })
  })

  test('an emptyDir is shared by the containers of a pod and by nobody else; in memory it has its size', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    const volumes = [
      { name: 'shared', emptyDir: {} },
      { name: 'fast', emptyDir: { medium: 'Memory', sizeLimit: '1Ki' } },
    ]
    const mounts = [
      { name: 'shared', mountPath: '/cache' },
      { name: 'shared', mountPath: '/var/part', subPathExpr: 'of/$(NAME)' },
      { name: 'fast', mountPath: '/fast' },
    ]
    const containers = [app(mounts), { ...app([{ name: 'shared', mountPath: '/in', readOnly: true }]), name: 'other' }]
    const pod = await running(cluster, { volumes, containers })
    const second = await running(cluster, { volumes, containers }, { name: 'second' })
    const manager = managerOf(cluster)
    const files = await filesOf(manager, pod)
    const other = await filesOf(manager, pod, 1)
    const stranger = await filesOf(manager, second)
    files.write('/cache/x', 'hello')
    files.write('/var/part/y', 'deep')
    expect(other.readText('/in/x')).toBe('hello')
    expect(other.readText('/in/of/one/y')).toBe('deep')
    expect(errno(() => other.write('/in/x', ''))).toBe('EROFS')
    expect(stranger.list('/cache')).toEqual(['of'])
    expect(modeOf(files, '/cache')).toBe('777')
    expect(errno(() => files.write('/fast/big', 'x'.repeat(2000)))).toBe('ENOSPC')
    expect(manager.podDisk(pod.metadata.uid!)!.use.volumes).toEqual([
      { name: 'shared', used: 9, isMemory: false },
      { name: 'fast', used: 0, isMemory: true },
    ])
    // A container that is started again finds what it left.
    expect((await filesOf(manager, pod)).readText('/cache/x')).toBe('hello')
    manager.forget(pod.metadata.uid!)
    expect(manager.podDisk(pod.metadata.uid!)).toBeUndefined()
  })

  test('the downward API tells of labels and limits, and follows labels', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    const pod = await running(
      cluster,
      {
        volumes: [
          {
            name: 'info',
            projected: {
              sources: [
                {
                  downwardAPI: {
                    items: [
                      { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
                      { path: 'name', fieldRef: { fieldPath: 'metadata.name' }, mode: 0o400 },
                      {
                        path: 'cpu',
                        resourceFieldRef: { containerName: 'app', resource: 'limits.cpu', divisor: '1m' },
                      },
                      { path: 'memory', resourceFieldRef: { containerName: 'app', resource: 'limits.memory' } },
                    ],
                  },
                },
              ],
            },
          },
        ],
        containers: [
          { ...app([{ name: 'info', mountPath: '/info' }]), resources: { limits: { cpu: '250m', memory: '64Mi' } } },
        ],
      },
      { labels: { app: 'web' } },
    )
    const manager = managerOf(cluster)
    const files = await filesOf(manager, pod)
    expect(files.readText('/info/labels')).toBe('app="web"')
    expect(modeOf(files, '/info/name')).toBe('400')
    expect([files.readText('/info/cpu'), files.readText('/info/memory')]).toEqual(['250', '67108864'])
    await cluster.client
      .of(Pods)
      .patch(
        { name: 'web', namespace: 'default' },
        { type: 'merge', body: { metadata: { labels: { tier: 'front' } } } },
      )
    await cluster.advance('61s')
    expect(files.readText('/info/labels')).toBe('app="web"\ntier="front"')
    manager.close()
  })

  test('a persistent volume keeps its data for the next pod, a hostPath for its node', async () => {
    await using cluster = await testCluster({ nodes: 2 })
    await cluster.apply({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace: 'default' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    })
    const spec: Spec = {
      nodeName: 'node-1',
      volumes: [
        { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'host', hostPath: { path: '/var/lib/mine', type: 'DirectoryOrCreate' } },
        { name: 'logs', hostPath: { path: '/var/log' } },
      ],
      containers: [
        app([
          { name: 'data', mountPath: '/data' },
          { name: 'host', mountPath: '/host' },
          { name: 'logs', mountPath: '/logs', readOnly: true },
        ]),
      ],
    }
    const manager = managerOf(cluster)
    const first = await filesOf(manager, await running(cluster, spec))
    first.write('/data/x', 'kept')
    first.write('/host/y', 'too')
    expect(first.list('/logs')).toEqual(['containers', 'pods', 'syslog'])
    await cluster.client.of(Pods).delete({ name: 'web', namespace: 'default' }, { gracePeriodSeconds: 0 })
    const second = await filesOf(manager, await running(cluster, spec, { name: 'second' }))
    expect(second.readText('/data/x')).toBe('kept')
    expect(second.readText('/host/y')).toBe('too')
    const elsewhere = await filesOf(manager, await running(cluster, { ...spec, nodeName: 'node-2' }, { name: 'third' }))
    expect(elsewhere.list('/host')).toEqual([])
    expect(second.mounts().find(({ path }) => path === '/data')).toMatchObject({ size: 2 ** 30, used: 4 })
  })

  test('the words of a hostPath that is not what its type says', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    const disk = managerOf(cluster).diskOf('node-1')
    expect(disk.fault('/nothing', 'Directory')).toBe('hostPath type check failed: /nothing is not a directory')
    expect(disk.fault('/etc', 'File')).toBe('hostPath type check failed: /etc is not a file')
    expect(disk.fault('/etc', 'FileOrCreate')).toBe('hostPath type check failed: /etc is not a file')
    expect(disk.fault('/run/docker.sock', 'Socket')).toBe(
      'hostPath type check failed: /run/docker.sock is not a socket file',
    )
    expect([disk.fault('/etc', 'Directory'), disk.fault('/nothing', ''), disk.fault('/x', 'FileOrCreate')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test('what the kubelet writes: hosts with aliases, hostname, resolv.conf, a termination log; a read-only root', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    const pod = await running(cluster, {
      hostname: 'front',
      subdomain: 'team',
      hostAliases: [{ ip: '1.2.3.4', hostnames: ['foo', 'bar'] }],
      dnsConfig: { searches: ['example.org'], options: [{ name: 'ndots', value: '2' }] },
      volumes: [{ name: 'image', image: { reference: 'data:1' } }],
      containers: [
        { ...app([{ name: 'image', mountPath: '/from' }]), securityContext: { readOnlyRootFilesystem: true } },
        { ...app([]), name: 'other' },
      ],
    })
    const manager = managerOf(cluster)
    const files = await filesOf(manager, pod)
    const ip = pod.status.podIP
    expect(files.readText('/etc/hosts')).toMatch(/^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n/)
    expect(files.readText('/etc/hosts')).toContain(`${ip}\tfront.team.default.svc.cluster.local\tfront\n`)
    expect(files.readText('/etc/hosts')).toMatch(/\n# Entries added by HostAliases\.\n1\.2\.3\.4\tfoo\tbar\n$/)
    expect(files.readText('/etc/hostname')).toBe('front\n')
    expect(files.readText('/etc/resolv.conf')).toBe(
      'search default.svc.cluster.local svc.cluster.local cluster.local example.org\nnameserver 10.96.0.10\noptions ndots:2\n',
    )
    expect(errno(() => files.write('/tmp/x', ''))).toBe('EROFS')
    files.write('/dev/termination-log', 'last words')
    files.append('/etc/hosts', '9.9.9.9\tmine\n')
    const other = await filesOf(manager, pod, 1)
    expect(other.readText('/etc/hosts')).toMatch(/9\.9\.9\.9\tmine\n$/)
    expect(other.readText('/dev/termination-log')).toBe('')
    other.write('/tmp/x', '')
    expect(files.readText('/from/data/of-image')).toBe('yes\n')
    expect(errno(() => files.write('/from/data/of-image', ''))).toBe('EROFS')
  })

  test('a cluster trust bundle, by name and by signer', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    const one = certificate('ca', 'one')
    const other = certificate('ca', 'another')
    const bundle = (name: string, trustBundle: string, labels: Record<string, string>) => ({
      apiVersion: 'certificates.k8s.io/v1beta1',
      kind: 'ClusterTrustBundle',
      metadata: { name: `example.com:signer:${name}`, labels },
      spec: { signerName: 'example.com/signer', trustBundle },
    })
    await cluster.apply(bundle('one', one, { live: 'yes' }), bundle('other', other, { live: 'no' }))
    const sources = [
      { clusterTrustBundle: { name: 'example.com:signer:other', path: 'by-name.pem' } },
      {
        clusterTrustBundle: {
          signerName: 'example.com/signer',
          labelSelector: { matchLabels: { live: 'yes' } },
          path: 'by-signer.pem',
        },
      },
    ]
    const pod = await running(cluster, {
      volumes: [{ name: 'trust', projected: { sources } }],
      containers: [app([{ name: 'trust', mountPath: '/trust' }])],
    })
    const manager = managerOf(cluster)
    const files = await filesOf(manager, pod)
    expect(files.readText('/trust/by-name.pem').trim()).toBe(other.trim())
    expect(files.readText('/trust/by-signer.pem').trim()).toBe(one.trim())
    manager.close()
  })
})

// pkg/controller/volume/persistentvolume/{binder,provision,delete,recycle}_test.go, on the world as it comes out.

import { expect, test } from 'vitest'
import { claimProtectionController } from '../../controllers/claim-protection.ts'
import { volumeBinder } from '../../controllers/volume-binder.ts'
import { volumeProtectionController } from '../../controllers/volume-protection.ts'
import { volumeProvisioner } from '../../controllers/volume-provisioner.ts'
import { ApiError } from '../../src/api/errors.ts'
import { PersistentVolumeClaims, PersistentVolumes, Pods, StorageClasses } from '../../src/kinds/index.ts'
import { testCluster } from '../support/cluster.ts'
import { type ControlPlane, type ControlPlaneOptions, controlPlane, podStarter } from '../support/control-plane.ts'
import { Faults } from '../support/faulty-client.ts'
import { pod } from '../support/objects.ts'
import { claim, storageClass, volume } from '../support/storage.ts'

const world = (options: ControlPlaneOptions = {}) =>
  controlPlane(
    [volumeBinder(), volumeProvisioner(), claimProtectionController(), volumeProtectionController(), podStarter()],
    options,
  )

const claims = async (plane: ControlPlane, ...objects: ReturnType<typeof claim>[]) => {
  for (const each of objects) await plane.create(PersistentVolumeClaims, each)
  await plane.settle()
}
const volumes = async (plane: ControlPlane, ...objects: ReturnType<typeof volume>[]) => {
  for (const each of objects) await plane.create(PersistentVolumes, each)
  await plane.settle()
}
const claimed = (plane: ControlPlane) =>
  Object.fromEntries(
    plane
      .list(PersistentVolumeClaims)
      .map(({ metadata, spec, status }) => [metadata.name, `${status.phase} ${spec.volumeName ?? ''}`.trim()]),
  )
const phases = (plane: ControlPlane) =>
  Object.fromEntries(plane.list(PersistentVolumes).map(({ metadata, status }) => [metadata.name, status.phase]))
const drop = async (plane: ControlPlane, name: string) => {
  await plane.client.of(PersistentVolumeClaims).delete({ name, namespace: 'default' })
  await plane.settle()
}

test('a claim is bound to the smallest volume that is large enough', async () => {
  await using plane = await world()
  await volumes(plane, volume('large', '10Gi'), volume('fitting', '2Gi'), volume('small', '500Mi'))
  expect(phases(plane)).toEqual({ large: 'Available', fitting: 'Available', small: 'Available' })
  await claims(plane, claim('data', '1Gi'))
  expect(claimed(plane)).toEqual({ data: 'Bound fitting' })
  expect(phases(plane)).toEqual({ large: 'Available', fitting: 'Bound', small: 'Available' })
  const bound = plane.get(PersistentVolumeClaims, 'data')
  expect(bound.metadata.annotations).toEqual({
    'pv.kubernetes.io/bind-completed': 'yes',
    'pv.kubernetes.io/bound-by-controller': 'yes',
  })
  expect(bound.status).toEqual({ phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '2Gi' } })
  const taken = plane.get(PersistentVolumes, 'fitting')
  expect(taken.metadata.annotations).toEqual({ 'pv.kubernetes.io/bound-by-controller': 'yes' })
  expect(taken.spec.claimRef).toMatchObject({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    namespace: 'default',
    name: 'data',
    uid: bound.metadata.uid,
  })
})

test('one that finds none waits and says so, and has a volume as soon as there is one', async () => {
  await using plane = await world()
  await claims(plane, claim('data'))
  await plane.seconds(31)
  expect(claimed(plane)).toEqual({ data: 'Pending' })
  expect(plane.events('data')).toEqual([
    'FailedBinding: no persistent volumes available for this claim and no storage class is set (x3)',
  ])
  await volumes(plane, volume('late'))
  expect(claimed(plane)).toEqual({ data: 'Bound late' })
})

test('class, access modes, volume mode, selector and attributes class have to fit', async () => {
  await using plane = await world()
  const shared = ['ReadWriteMany', 'ReadWriteOnce']
  await volumes(
    plane,
    volume('of-a-class', '1Gi', { storageClassName: 'fast' }),
    volume('read-only', '1Gi', { accessModes: ['ReadOnlyMany'] }),
    volume('block', '1Gi', { volumeMode: 'Block' }),
    volume('labelled', '1Gi', { accessModes: shared }, { disk: 'ssd' }),
  )
  await claims(
    plane,
    claim('exclusive', '1Gi', { accessModes: ['ReadWriteOncePod'] }),
    claim('fast', '1Gi', { storageClassName: 'fast' }),
    claim('raw', '1Gi', { volumeMode: 'Block' }),
    claim('reader', '1Gi', { accessModes: ['ReadOnlyMany'] }),
    claim('spinning', '1Gi', { selector: { matchLabels: { disk: 'hdd' } } }),
    claim('ssd', '1Gi', { selector: { matchLabels: { disk: 'ssd' } } }),
  )
  expect(claimed(plane)).toEqual({
    exclusive: 'Pending',
    fast: 'Bound of-a-class',
    raw: 'Bound block',
    reader: 'Bound read-only',
    spinning: 'Pending',
    ssd: 'Bound labelled',
  })
})

test('a volume kept for a claim is for nobody else, and is taken however large it is', async () => {
  await using plane = await world()
  const claimRef = { namespace: 'default', name: 'mine' }
  await volumes(plane, volume('kept', '100Gi', { claimRef }), volume('free', '1Gi'))
  expect(phases(plane)).toEqual({ kept: 'Available', free: 'Available' })
  await claims(plane, claim('other', '50Gi'), claim('mine', '1Gi'))
  expect(claimed(plane)).toEqual({ mine: 'Bound kept', other: 'Pending' })
  const { metadata, spec } = plane.get(PersistentVolumes, 'kept')
  expect(metadata.annotations).toBeUndefined()
  expect(spec.claimRef!.uid).toBe(plane.get(PersistentVolumeClaims, 'mine').metadata.uid)
})

test('a claim that names its volume gets that or none, and is told why', async () => {
  await using plane = await world()
  await claims(plane, claim('early', '1Gi', { volumeName: 'mine' }))
  await volumes(
    plane,
    volume('mine'),
    volume('small', '1Mi'),
    volume('modes', '1Gi', { accessModes: ['ReadOnlyMany'] }),
  )
  await claims(
    plane,
    claim('taken', '1Gi', { volumeName: 'mine' }),
    claim('greedy', '1Gi', { volumeName: 'small' }),
    claim('writer', '1Gi', { volumeName: 'modes' }),
    claim('classy', '1Mi', { volumeName: 'small', storageClassName: 'fast' }),
    claim('nowhere', '1Mi', { volumeName: 'missing' }),
  )
  expect(claimed(plane)).toEqual({
    classy: 'Pending small',
    early: 'Bound mine',
    greedy: 'Pending small',
    nowhere: 'Pending missing',
    taken: 'Pending mine',
    writer: 'Pending modes',
  })
  expect(plane.get(PersistentVolumeClaims, 'early').metadata.annotations).toEqual({
    'pv.kubernetes.io/bind-completed': 'yes',
  })
  const said = ['taken', 'greedy', 'writer', 'classy', 'nowhere'].flatMap(name => plane.events(name))
  expect(said).toEqual([
    'FailedBinding: volume "mine" already bound to a different claim.',
    'VolumeMismatch: Cannot bind to requested volume "small": requested PV is too small',
    'VolumeMismatch: Cannot bind to requested volume "modes": incompatible accessMode',
    'VolumeMismatch: Cannot bind to requested volume "small": storageClassName does not match',
  ])
})

test('without its claim a volume is released: kept, deleted or failed as its policy and source have it', async () => {
  await using plane = await world()
  const policy = (persistentVolumeReclaimPolicy: string) => ({ persistentVolumeReclaimPolicy })
  await volumes(
    plane,
    volume('a-kept', '1Gi', policy('Retain')),
    volume('b-deleted', '2Gi', policy('Delete')),
    volume('c-elsewhere', '3Gi', { ...policy('Delete'), hostPath: { path: '/data' } }),
    volume('d-foreign', '4Gi', {
      ...policy('Delete'),
      hostPath: undefined as never,
      csi: { driver: 'd.example.com', volumeHandle: 'x' },
    }),
  )
  for (const size of ['1', '2', '3', '4']) await claims(plane, claim(`claim-${size}`, `${size}Gi`))
  expect(Object.values(phases(plane))).toEqual(['Bound', 'Bound', 'Bound', 'Bound'])
  for (const size of ['1', '2', '3', '4']) await drop(plane, `claim-${size}`)
  expect(phases(plane)).toEqual({ 'a-kept': 'Released', 'c-elsewhere': 'Failed', 'd-foreign': 'Failed' })
  expect(plane.get(PersistentVolumes, 'c-elsewhere').status.message).toBe(
    'host_path deleter only supports /tmp/.+ but received provided /data',
  )
  expect(plane.events('d-foreign')).toEqual([
    'VolumeFailedDelete: error getting deleter volume plugin for volume "d-foreign": no deletable volume plugin matched',
  ])
  // A new claim of the same name is not the old one.
  await claims(plane, claim('claim-1', '1Gi'))
  expect(claimed(plane)).toEqual({ 'claim-1': 'Pending' })
})

test('a recycled volume is scrubbed by a pod and offered again', async () => {
  await using plane = await world()
  await volumes(plane, volume('old', '3Gi', { persistentVolumeReclaimPolicy: 'Recycle' }))
  await claims(plane, claim('first'))
  await drop(plane, 'first')
  expect(phases(plane)).toEqual({ old: 'Released' })
  const scrubber = plane.get(Pods, 'recycler-for-old')
  expect([scrubber.spec.activeDeadlineSeconds, scrubber.spec.volumes![0]!.hostPath!.path]).toEqual([150, '/tmp/data'])
  await plane.patch(Pods, 'recycler-for-old', { status: { phase: 'Succeeded' } }, 'status')
  await plane.settle()
  expect([phases(plane), plane.events('old')]).toEqual([{ old: 'Available' }, ['VolumeRecycled: Volume recycled']])
  expect([plane.get(PersistentVolumes, 'old').spec.claimRef, plane.list(Pods)]).toEqual([undefined, []])
  await claims(plane, claim('second'))
  expect(claimed(plane)).toEqual({ second: 'Bound old' })
})

test('a bound claim whose volume is gone, or has another claim, is lost', async () => {
  await using plane = await world()
  await volumes(plane, volume('one'))
  await claims(plane, claim('data'))
  await plane.client.of(PersistentVolumes).delete({ name: 'one' })
  await plane.patch(PersistentVolumes, 'one', { metadata: { finalizers: null } })
  await plane.settle()
  expect(claimed(plane)).toEqual({ data: 'Lost one' })
  expect(plane.events('data')).toEqual([
    'ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
  ])
  const elsewhere = { namespace: 'default', name: 'other', uid: 'another' }
  await volumes(plane, volume('two'))
  await claims(plane, claim('misled'))
  await plane.patch(PersistentVolumes, 'two', { spec: { claimRef: elsewhere } })
  await plane.settle()
  expect(plane.events('misled')).toEqual([])
  await plane.patch(PersistentVolumeClaims, 'misled', { metadata: { labels: { look: 'again' } } })
  await plane.settle()
  expect(plane.events('misled')).toEqual([
    'ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly',
  ])
})

test('the default class makes a volume for a claim that says nothing, and deletes it afterwards', async () => {
  await using plane = await world()
  await claims(plane, claim('data', '5Gi', { storageClassName: undefined as never }))
  const bound = plane.get(PersistentVolumeClaims, 'data')
  const name = `pvc-${bound.metadata.uid}`
  expect(claimed(plane)).toEqual({ data: `Bound ${name}` })
  expect(bound.metadata.annotations).toEqual({
    'pv.kubernetes.io/bind-completed': 'yes',
    'pv.kubernetes.io/bound-by-controller': 'yes',
    'volume.beta.kubernetes.io/storage-provisioner': 'kubesim.dev/simulated',
    'volume.kubernetes.io/storage-provisioner': 'kubesim.dev/simulated',
  })
  expect(plane.events('data').sort()).toEqual([
    "ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'kubesim.dev/simulated' " +
      'or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is ' +
      'running and correctly registered.',
    'Provisioning: External provisioner is provisioning volume for claim "default/data"',
    `ProvisioningSucceeded: Successfully provisioned volume ${name}`,
  ])
  expect(plane.get(PersistentVolumes, name)).toMatchObject({
    metadata: { annotations: { 'pv.kubernetes.io/provisioned-by': 'kubesim.dev/simulated' } },
    spec: {
      capacity: { storage: '5Gi' },
      storageClassName: 'standard',
      persistentVolumeReclaimPolicy: 'Delete',
      hostPath: { path: '/tmp/hostpath-provisioner/default/data' },
    },
    status: { phase: 'Bound' },
  })
  await drop(plane, 'data')
  expect(plane.list(PersistentVolumes)).toEqual([])
})

test('a provisioner that nobody is, a class that is not there, and the words of the classes that make none', async () => {
  await using plane = await world()
  await plane.create(StorageClasses, storageClass('theirs', 'ebs.csi.aws.com'))
  await plane.create(StorageClasses, storageClass('local', 'kubernetes.io/no-provisioner'))
  await claims(
    plane,
    claim('a', '1Gi', { storageClassName: 'theirs' }),
    claim('b', '1Gi', { storageClassName: 'nobodys' }),
    claim('c', '1Gi', { storageClassName: 'local' }),
    claim('d', '1Gi', { storageClassName: 'standard', selector: { matchLabels: { a: 'b' } } }),
  )
  await plane.seconds(16)
  expect(claimed(plane)).toEqual({ a: 'Pending', b: 'Pending', c: 'Pending', d: 'Pending' })
  expect(plane.events('a')[0]).toMatch(/^ExternalProvisioning: .* 'ebs.csi.aws.com' or manually .* \(x2\)$/)
  expect(plane.events('b')).toEqual(['ProvisioningFailed: storageclass.storage.k8s.io "nobodys" not found (x2)'])
  expect(plane.events('c')).toEqual([
    'ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner (x2)',
  ])
  expect(plane.events('d')).toContain(
    'ProvisioningFailed: failed to provision volume with StorageClass "standard": claim.Spec.Selector is not supported',
  )
  // Somebody makes it by hand after all.
  await volumes(plane, volume('made', '1Gi', { storageClassName: 'theirs' }))
  expect(claimed(plane)).toMatchObject({ a: 'Bound made' })
})

test('a claim of a class that waits is bound once the scheduler has chosen a node for its pod', async () => {
  await using plane = await world()
  const waits = { volumeBindingMode: 'WaitForFirstConsumer' }
  await plane.create(StorageClasses, storageClass('local', 'csi.kubesim.dev', waits))
  await volumes(plane, volume('free', '1Gi', { storageClassName: 'local' }))
  await claims(plane, claim('data', '1Gi', { storageClassName: 'local' }))
  expect(plane.events('data')).toEqual([
    'WaitForFirstConsumer: waiting for first consumer to be created before binding',
  ])
  const data = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }]
  await plane.create(Pods, pod('web', { volumes: data }))
  await plane.seconds(16)
  expect(plane.events('data')).toContain('WaitForPodScheduled: waiting for pod web to be scheduled')
  expect(claimed(plane)).toEqual({ data: 'Pending' })
  const annotations = { 'volume.kubernetes.io/selected-node': 'node-9' }
  await plane.patch(PersistentVolumeClaims, 'data', { metadata: { annotations } })
  await plane.settle()
  expect(plane.events('data')).toContain(
    'ProvisioningFailed: error getting selected node "node-9": node "node-9" not found',
  )
  expect(plane.get(PersistentVolumeClaims, 'data').metadata.annotations).not.toHaveProperty(
    'volume.kubernetes.io/selected-node',
  )
})

test('a default class that comes later is given to claims that named none, not to those that want none', async () => {
  await using plane = await world()
  await plane.client.of(StorageClasses).delete({ name: 'standard' })
  await claims(plane, claim('open', '1Gi', { storageClassName: undefined as never }), claim('none'))
  expect(claimed(plane)).toEqual({ none: 'Pending', open: 'Pending' })
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
  await plane.create(StorageClasses, storageClass('new', 'csi.kubesim.dev', {}, annotations))
  await plane.settle()
  expect(plane.get(PersistentVolumeClaims, 'open').spec.storageClassName).toBe('new')
  expect(claimed(plane).open).toMatch(/^Bound pvc-/)
  expect(claimed(plane).none).toBe('Pending')
  expect(plane.list(PersistentVolumes)[0]!.spec.csi).toMatchObject({ driver: 'csi.kubesim.dev' })
})

test('whatever write fails, every claim is bound in the end, and no volume to two', async () => {
  const faults = new Faults()
  let calls = 0
  faults.refuse = verb => {
    if (verb !== 'update' && verb !== 'updateStatus' && verb !== 'create') return
    if (++calls % 3 === 0) throw new ApiError('InternalError', 'the server is tired')
  }
  await using plane = await world({ through: client => faults.wrap(client) })
  for (let at = 1; at <= 6; at++) {
    await plane.create(PersistentVolumes, volume(`static-${at}`))
    await plane.create(PersistentVolumeClaims, claim(`static-${at}`))
    await plane.create(PersistentVolumeClaims, claim(`dynamic-${at}`, '1Gi', { storageClassName: 'standard' }))
  }
  await plane.settle()
  await plane.seconds(120)
  const bound = plane.list(PersistentVolumeClaims)
  expect(bound.map(({ status }) => status.phase)).toEqual(Array(12).fill('Bound'))
  expect(new Set(bound.map(({ spec }) => spec.volumeName)).size).toBe(12)
  for (const { metadata, spec } of bound) {
    expect(plane.get(PersistentVolumes, spec.volumeName!).spec.claimRef!.uid).toBe(metadata.uid)
  }
  expect(plane.list(PersistentVolumes).length).toBe(12)
})

test('watches that break and a binder that is stopped between any two writes lose nothing', async () => {
  const faults = new Faults()
  let left = Number.POSITIVE_INFINITY
  faults.refuse = verb => {
    if ((verb === 'update' || verb === 'updateStatus' || verb === 'create') && --left < 0) {
      throw new ApiError('ServiceUnavailable', 'gone away')
    }
  }
  for (let writes = 0; writes < 8; writes++) {
    left = Number.POSITIVE_INFINITY
    await using plane = await world({ through: client => faults.wrap(client) })
    left = writes
    await plane.create(PersistentVolumes, volume('static', '1Gi'))
    await plane.create(PersistentVolumeClaims, claim('one'))
    await plane.create(PersistentVolumeClaims, claim('two', '1Gi', { storageClassName: 'standard' }))
    await plane.seconds(1)
    for (const name of ['persistentvolume-binder-controller', 'volume-provisioner']) await plane.manager.stop(name)
    faults.breakWatches()
    left = Number.POSITIVE_INFINITY
    for (const name of ['persistentvolume-binder-controller', 'volume-provisioner']) await plane.manager.resume(name)
    await plane.seconds(60)
    expect([writes, Object.values(claimed(plane)).map(words => words.split(' ')[0])]).toEqual([
      writes,
      ['Bound', 'Bound'],
    ])
    expect(Object.values(phases(plane))).toEqual(['Bound', 'Bound'])
  }
})

test('in a whole cluster a recycled volume is scrubbed on a node and claimed again', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(volume('old', '1Gi', { persistentVolumeReclaimPolicy: 'Recycle' }), claim('first'))
  await cluster.client.of(PersistentVolumeClaims).delete({ name: 'first', namespace: 'default' })
  await cluster.until(() => cluster.get(PersistentVolumes, 'old').status.phase === 'Available', '2m')
  await cluster.apply(claim('second'))
  expect(cluster.get(PersistentVolumeClaims, 'second').spec.volumeName).toBe('old')
  await cluster.advance('1m')
  expect(cluster.pods()).toEqual([])
})

test("what is written for minikube and kind finds its volumes, kind's on the node of the pod", async () => {
  await using cluster = await testCluster({ nodes: 2 })
  const waits = { volumeBindingMode: 'WaitForFirstConsumer' }
  await cluster.apply(
    storageClass('fast', 'k8s.io/minikube-hostpath'),
    storageClass('local-path', 'rancher.io/local-path', waits),
    claim('one', '1Gi', { storageClassName: 'fast' }),
    claim('two', '1Gi', { storageClassName: 'local-path' }),
  )
  const phase = (name: string) => cluster.get(PersistentVolumeClaims, name).status.phase
  expect([phase('one'), phase('two')]).toEqual(['Bound', 'Pending'])
  await cluster.apply(pod('web', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'two' } }] }))
  await cluster.until(() => cluster.get(Pods, 'web').status.phase === 'Running', '1m')
  const { volumeName = '' } = cluster.get(PersistentVolumeClaims, 'two').spec
  const { spec } = cluster.get(PersistentVolumes, volumeName)
  expect(spec.hostPath).toEqual({
    path: `/var/local-path-provisioner/${volumeName}_default_two`,
    type: 'DirectoryOrCreate',
  })
  expect(spec.nodeAffinity!.required!.nodeSelectorTerms[0]!.matchExpressions![0]!.values).toEqual([
    cluster.get(Pods, 'web').spec.nodeName,
  ])
})

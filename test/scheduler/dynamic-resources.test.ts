// DynamicResources: claims and the devices they get (plugins/dynamicresources, k8s.io/dynamic-resource-allocation, 1.36),
// alone and in a whole cluster.
import { describe, expect, test } from 'vitest'
import { isReady } from '../../controllers/shared/pods.ts'
import type { RefusalReasons } from '../../scheduler/plugin.ts'
import { dynamicResourcesWith } from '../../scheduler/plugins/dynamic-resources.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { createDeviceSelectors } from '../../src/device-selectors.ts'
import { DeviceClasses, Nodes, ResourceClaims, ResourceSlices } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { testCluster } from '../support/cluster.ts'
import { pod as podObject } from '../support/objects.ts'
import { listerOf, node, pod, verdicts, world } from './world.ts'

const selectors = createDeviceSelectors()
await selectors.load()
const rule = dynamicResourcesWith(selectors)
const driver = 'gpu.example.com'
const gpu = (name: string, more: object = {}) => ({
  name,
  attributes: {
    model: { string: 'a100' },
    index: { int: Number(name.slice(-1)) },
    'example.com/numa': { int: 0 },
    driverVersion: { version: '1.2.3' },
  },
  capacity: { memory: { value: '40Gi' } },
  ...more,
})
const slice = (nodeName: string, devices: object[], more: object = {}) => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceSlice',
  metadata: { name: `${nodeName}-slice` },
  spec: { driver, nodeName, pool: { name: nodeName, generation: 1, resourceSliceCount: 1 }, devices, ...more },
})
const deviceClass = (expression = `device.driver == "${driver}"`) => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'DeviceClass',
  metadata: { name: 'gpu' },
  spec: { selectors: [{ cel: { expression } }] },
})
const exactly = (more: object = {}, name = 'r') => ({
  name,
  exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1, ...more },
})
const claim = (name: string, devices: object = { requests: [exactly()] }, status: object = {}) => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaim',
  metadata: { name, namespace: 'default', uid: `claim-${name}` },
  spec: { devices },
  status,
})
const cel = (expression: string) => ({ selectors: [{ cel: { expression } }] })
const using = (name: string, ...claims: string[]) =>
  pod(name, { spec: { resourceClaims: claims.map(each => ({ name: each, resourceClaimName: each })) } })

type Objects = { claims?: object[]; slices?: object[]; classes?: object[] }
function among({ claims = [], slices = [], classes = [deviceClass()] }: Objects) {
  const lister = (kind: Kind<any>) =>
    listerOf<KubeObject>(
      (kind === ResourceClaims
        ? claims
        : kind === ResourceSlices
          ? slices
          : kind === DeviceClasses
            ? classes
            : []) as KubeObject[],
    )
  return world([node('a'), node('b')], [], { lister: lister as never })
}
const says = (objects: Objects, wanted = using('p', 'c')) => {
  const snapshot = among(objects)
  const { refuses } = rule.prepare(wanted, snapshot)
  return refuses ? (refuses as RefusalReasons).reasons.join() : verdicts(rule, wanted, snapshot)
}
const no = 'cannot allocate all claims (final)'

test('a claim is allocated where a device meets class and request', () => {
  const slices = [slice('a', [gpu('gpu-0')])]
  expect(says({ claims: [claim('c')], slices })).toEqual({ a: 'fits', b: no })
  expect(says({ claims: [claim('c')], slices, classes: [deviceClass('device.driver == "other"')] })).toEqual({
    a: no,
    b: no,
  })
})

test.each<[string, boolean]>([
  ['device.attributes["gpu.example.com"].model == "a100"', true],
  ['device.attributes["gpu.example.com"].model == "h100"', false],
  ['device.attributes["example.com"].numa == 0', true],
  ['device.capacity["gpu.example.com"].memory.compareTo(quantity("20Gi")) >= 0', true],
  ['device.capacity["gpu.example.com"].memory == quantity("64Gi")', false],
  ['device.attributes["gpu.example.com"].driverVersion.isGreaterThan(semver("1.0.0"))', true],
])('the selector %s: %s', (expression, isMet) => {
  const slices = [slice('a', [gpu('gpu-0')])]
  expect(says({ claims: [claim('c', { requests: [exactly(cel(expression))] })], slices })).toEqual({
    a: isMet ? 'fits' : no,
    b: no,
  })
})

test('devices that another claim has, or that are promised, are not had twice', () => {
  const slices = [slice('a', [gpu('gpu-0')]), slice('b', [gpu('gpu-0')])]
  const taken = claim('other', undefined, {
    allocation: { devices: { results: [{ request: 'r', driver, pool: 'a', device: 'gpu-0' }] } },
  })
  expect(says({ claims: [claim('c'), taken], slices })).toEqual({ a: no, b: 'fits' })
  const snapshot = among({ claims: [claim('c'), claim('d')], slices: slices.slice(0, 1) })
  const reservation = rule.reserve!(using('p', 'c'), snapshot.node('a')!, snapshot)!
  expect(verdicts(rule, using('q', 'd'), snapshot)).toEqual({ a: no, b: no })
  expect((rule.prepare(using('q', 'c'), snapshot).refuses as RefusalReasons).reasons).toEqual([
    'resource claim default/c is in the process of being allocated',
  ])
  reservation.release()
  expect(verdicts(rule, using('q', 'd'), snapshot)).toEqual({ a: 'fits', b: no })
})

test('counts, all that there are, alternatives, and what has to be alike or different', () => {
  const two = [gpu('gpu-0'), gpu('gpu-1', { attributes: { model: { string: 'h100' }, index: { int: 1 } } })]
  const slices = [slice('a', two), slice('b', [gpu('gpu-0')])]
  const with_ = (devices: object) => says({ claims: [claim('c', devices)], slices })
  expect(with_({ requests: [exactly({ count: 2 })] })).toEqual({ a: 'fits', b: no })
  expect(with_({ requests: [exactly({ count: 3 })] })).toEqual({ a: no, b: no })
  expect(with_({ requests: [exactly({ allocationMode: 'All' })] })).toEqual({ a: 'fits', b: 'fits' })
  const large = { name: 'large', deviceClassName: 'gpu', count: 2 }
  const small = { name: 'small', deviceClassName: 'gpu', count: 1 }
  expect(with_({ requests: [{ name: 'r', firstAvailable: [large, small] }] })).toEqual({ a: 'fits', b: 'fits' })
  const pair = { requests: [exactly({ count: 2 })] }
  expect(with_({ ...pair, constraints: [{ matchAttribute: 'gpu.example.com/model' }] })).toEqual({ a: no, b: no })
  expect(with_({ ...pair, constraints: [{ distinctAttribute: 'gpu.example.com/index' }] })).toEqual({
    a: 'fits',
    b: no,
  })
  expect(with_({ ...pair, constraints: [{ matchAttribute: 'gpu.example.com/nothing' }] })).toEqual({ a: no, b: no })
})

test('two claims of one pod share no device', () => {
  const slices = [slice('a', [gpu('gpu-0'), gpu('gpu-1')]), slice('b', [gpu('gpu-0')])]
  expect(says({ claims: [claim('c'), claim('d')], slices }, using('p', 'c', 'd'))).toEqual({ a: 'fits', b: no })
})

test('a pool counts when it is whole, in its newest generation, wherever it reaches', () => {
  const newer = slice('a', [], { pool: { name: 'a', generation: 2, resourceSliceCount: 1 } })
  expect(
    says({ claims: [claim('c')], slices: [slice('a', [gpu('gpu-0')]), { ...newer, metadata: { name: 'newer' } }] }),
  ).toEqual({ a: no, b: no })
  const half = slice('a', [gpu('gpu-0')], { pool: { name: 'a', generation: 1, resourceSliceCount: 2 } })
  expect(says({ claims: [claim('c')], slices: [half] })).toEqual({ a: no, b: no })
  const everywhere = slice('x', [gpu('gpu-0')], { nodeName: undefined, allNodes: true })
  expect(says({ claims: [claim('c')], slices: [everywhere] })).toEqual({ a: 'fits', b: 'fits' })
  const expressions = [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['b'] }]
  const some = slice('x', [gpu('gpu-0')], {
    nodeName: undefined,
    nodeSelector: { nodeSelectorTerms: [{ matchExpressions: expressions }] },
  })
  expect(says({ claims: [claim('c')], slices: [some] })).toEqual({ a: no, b: 'fits' })
})

test('tainted devices are for those who tolerate it', () => {
  const slices = [slice('a', [gpu('gpu-0', { taints: [{ key: 'broken', effect: 'NoSchedule' }] })])]
  expect(says({ claims: [claim('c')], slices })).toEqual({ a: no, b: no })
  const tolerations = [{ key: 'broken', operator: 'Exists' }]
  expect(says({ claims: [claim('c', { requests: [exactly({ tolerations })] })], slices })).toEqual({ a: 'fits', b: no })
})

describe('a pod is refused wherever', () => {
  test.each<[string, Objects, string]>([
    ['its claim is not there', {}, 'resourceclaim.resource.k8s.io "c" not found'],
    ['the class is not there', { claims: [claim('c')], classes: [] }, 'request r: device class gpu does not exist'],
    [
      'the claim is going',
      { claims: [{ ...claim('c'), metadata: { ...claim('c').metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }] },
      'resourceclaim "c" is being deleted',
    ],
    [
      'too many use it',
      {
        claims: [
          claim('c', undefined, {
            allocation: {},
            reservedFor: Array.from({ length: 256 }, (_, index) => ({
              resource: 'pods',
              name: `p${index}`,
              uid: `u${index}`,
            })),
          }),
        ],
      },
      'resourceclaim in use',
    ],
  ])('when %s', (_, objects, message) => {
    expect(says(objects)).toBe(message)
  })

  test('when its template has not been used yet; an entry that needs no claim is none', () => {
    const resourceClaims = [{ name: 'r', resourceClaimTemplateName: 't' }]
    expect(says({}, pod('p', { spec: { resourceClaims } }))).toBe('pod "default/p": ResourceClaim not created yet')
    const needless = pod('p', { spec: { resourceClaims }, status: { resourceClaimStatuses: [{ name: 'r' }] } })
    expect(says({}, needless)).toEqual({ a: 'fits', b: 'fits' })
  })
})

describe('in a cluster', () => {
  const consuming = (name: string, resourceClaimName: string) =>
    podObject(name, {
      resourceClaims: [{ name: 'gpu', resourceClaimName }],
      containers: [{ name: 'main', image: 'nginx', resources: { claims: [{ name: 'gpu' }] } }],
    })
  const { status: _, ...plain } = claim('first')
  const wanting = (name: string) => ({ ...plain, metadata: { name } })

  test('a claim is allocated and reserved before its pod is bound; the next waits for a device', async () => {
    await using cluster = await testCluster({ nodes: 2 })
    const [one, two] = cluster.list(Nodes).map(({ metadata }) => metadata.name)
    await cluster.apply(deviceClass(), slice(two!, [gpu('gpu-0')]), wanting('first'), wanting('second'))
    await cluster.apply(consuming('p', 'first'))
    await cluster.advance('30s')
    const find = (name: string) => cluster.pods().find(({ metadata }) => metadata.name === name)!
    expect([find('p').spec.nodeName, isReady(find('p'))]).toEqual([two, true])
    const first = cluster.get(ResourceClaims, 'first')
    expect(first.metadata.finalizers).toContain('resource.kubernetes.io/delete-protection')
    expect(first.status).toMatchObject({
      allocation: {
        devices: { results: [{ request: 'r', driver, pool: two, device: 'gpu-0' }] },
        nodeSelector: {
          nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [two] }] }],
        },
      },
      reservedFor: [{ resource: 'pods', name: 'p', uid: find('p').metadata.uid }],
    })
    // Another pod of the same claim goes there too; one of another claim waits.
    await cluster.apply(consuming('q', 'first'), consuming('r', 'second'))
    await cluster.advance('30s')
    expect(find('q').spec.nodeName).toBe(two)
    expect(cluster.get(ResourceClaims, 'first').status?.reservedFor).toHaveLength(2)
    expect(find('r').status.conditions?.find(({ type }) => type === 'PodScheduled')?.message).toBe(
      '0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    )
    await cluster.apply(slice(one!, [gpu('gpu-0')]))
    await cluster.advance('30s')
    expect(find('r').spec.nodeName).toBe(one)
  })

  test('an expression that cannot be evaluated is told, and tried again later', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    const [only] = cluster.list(Nodes).map(({ metadata }) => metadata.name)
    await cluster.apply(
      deviceClass('device.attributes["gpu.example.com"].nothing == 1'),
      slice(only!, [gpu('gpu-0')]),
      wanting('first'),
    )
    await cluster.apply(consuming('p', 'first'))
    const [p] = cluster.pods()
    expect(p!.status.conditions?.find(({ type }) => type === 'PodScheduled')).toMatchObject({
      reason: 'SchedulerError',
    })
    await cluster.client.of(DeviceClasses).delete({ name: 'gpu' })
    await cluster.apply(deviceClass())
    await cluster.advance('1m')
    expect(cluster.pods()[0]!.spec.nodeName).toBe(only)
  })
})

// Filters and scores, one rule at a time, with results worked out by hand from the formulas in
// kubernetes/pkg/scheduler/framework/plugins/* (1.36).
import { describe, expect, test } from 'vitest'
import type { Toleration } from '../../generated/types.ts'
import { nodeResourcesBalancedAllocation } from '../../scheduler/plugins/balanced-allocation.ts'
import { imageLocality } from '../../scheduler/plugins/image-locality.ts'
import { nodeAffinity } from '../../scheduler/plugins/node-affinity.ts'
import { nodeName } from '../../scheduler/plugins/node-name.ts'
import { nodePorts } from '../../scheduler/plugins/node-ports.ts'
import { nodeUnschedulable } from '../../scheduler/plugins/node-unschedulable.ts'
import { nodeResourcesFit } from '../../scheduler/plugins/resources-fit.ts'
import { taintToleration } from '../../scheduler/plugins/taint-toleration.ts'
import { podTopologySpread } from '../../scheduler/plugins/topology-spread.ts'
import { needsOf } from '../../scheduler/requests.ts'
import { selectorFromLabels } from '../../src/api/labels.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { node, type PodWish, pod, scores, verdicts, world } from './world.ts'

test('NodeName: only the named node fits', () => {
  const snapshot = world([node('a'), node('b')])
  expect(verdicts(nodeName, pod('p', { spec: { nodeName: 'b' } }), snapshot)).toEqual({
    a: "node(s) didn't match the requested node name (final)",
    b: 'fits',
  })
  expect(verdicts(nodeName, pod('p'), snapshot)).toEqual({ a: 'fits', b: 'fits' })
})

test('NodeUnschedulable: a cordoned node refuses, unless its taint is tolerated', () => {
  const snapshot = world([node('a', { spec: { unschedulable: true } }), node('b')])
  expect(verdicts(nodeUnschedulable, pod('p'), snapshot)).toEqual({
    a: 'node(s) were unschedulable (final)',
    b: 'fits',
  })
  const tolerant = pod('p', {
    spec: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] },
  })
  expect(verdicts(nodeUnschedulable, tolerant, snapshot)).toEqual({ a: 'fits', b: 'fits' })
})

describe('TaintToleration', () => {
  const tainted = (effect: string) => node('a', { spec: { taints: [{ key: 'gpu', value: 'yes', effect }] } })
  const refused = 'node(s) had untolerated taint(s) (final)'
  test.each<[string, Toleration[], string]>([
    ['NoSchedule', [], refused],
    ['NoExecute', [], refused],
    ['PreferNoSchedule', [], 'fits'],
    ['NoSchedule', [{ key: 'gpu', value: 'yes' }], 'fits'],
    ['NoSchedule', [{ key: 'gpu', operator: 'Equal', value: 'no' }], refused],
    ['NoSchedule', [{ key: 'gpu', operator: 'Exists' }], 'fits'],
    ['NoSchedule', [{ key: 'gpu', operator: 'Exists', effect: 'NoExecute' }], refused],
    ['NoSchedule', [{ operator: 'Exists' }], 'fits'],
    ['NoSchedule', [{ key: 'other', operator: 'Exists' }], refused],
  ])('%s against %j: %s', (effect, tolerations, verdict) => {
    const wanted = pod('p', { spec: { tolerations } })
    expect(verdicts(taintToleration, wanted, world([tainted(effect)]))).toEqual({ a: verdict })
  })

  test('the fewest unwelcome PreferNoSchedule taints score highest', () => {
    const taint = (key: string) => ({ key, effect: 'PreferNoSchedule' })
    const snapshot = world([
      node('none'),
      node('one', { spec: { taints: [taint('x')] } }),
      node('two', { spec: { taints: [taint('x'), taint('y')] } }),
    ])
    expect(scores(taintToleration, pod('p'), snapshot)).toEqual({ none: 100, one: 50, two: 0 })
    const tolerant = pod('p', { spec: { tolerations: [{ key: 'y', operator: 'Exists' }] } })
    expect(scores(taintToleration, tolerant, snapshot)).toEqual({ none: 100, one: 0, two: 0 })
    expect(scores(taintToleration, pod('p'), world([node('a'), node('b')]))).toEqual({ a: 100, b: 100 })
  })
})

describe('NodeAffinity', () => {
  const snapshot = world([
    node('a', { labels: { disk: 'ssd', cores: '8' } }),
    node('b', { labels: { disk: 'hdd', cores: '16' } }),
    node('c'),
  ])
  const refused = "node(s) didn't match Pod's node affinity/selector (final)"
  const required = (...nodeSelectorTerms: object[]) => ({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
  })
  const expression = (key: string, operator: string, ...values: string[]) => ({ key, operator, values })

  test.each<[string, PodWish['spec'], string]>([
    ['nothing asked', {}, 'abc'],
    ['a selector', { nodeSelector: { disk: 'ssd' } }, 'a'],
    ['a selector nobody meets', { nodeSelector: { disk: 'tape' } }, ''],
    ['In', required({ matchExpressions: [expression('disk', 'In', 'ssd', 'hdd')] }), 'ab'],
    ['NotIn', required({ matchExpressions: [expression('disk', 'NotIn', 'ssd')] }), 'bc'],
    ['Exists', required({ matchExpressions: [expression('disk', 'Exists')] }), 'ab'],
    ['DoesNotExist', required({ matchExpressions: [expression('disk', 'DoesNotExist')] }), 'c'],
    ['Gt', required({ matchExpressions: [expression('cores', 'Gt', '8')] }), 'b'],
    ['Lt', required({ matchExpressions: [expression('cores', 'Lt', '16')] }), 'a'],
    ['a field', required({ matchFields: [expression('metadata.name', 'In', 'c')] }), 'c'],
    [
      'either term',
      required(
        { matchExpressions: [expression('disk', 'In', 'ssd')] },
        { matchFields: [expression('metadata.name', 'In', 'c')] },
      ),
      'ac',
    ],
    [
      'both expressions of a term',
      required({ matchExpressions: [expression('disk', 'Exists'), expression('cores', 'Gt', '8')] }),
      'b',
    ],
    ['an empty term', required({}), ''],
    [
      'selector and affinity',
      { nodeSelector: { disk: 'ssd' }, ...required({ matchExpressions: [expression('cores', 'Gt', '8')] }) },
      '',
    ],
  ])('%s', (_, spec, fitting) => {
    const said = verdicts(nodeAffinity, pod('p', { spec: spec! }), snapshot)
    const expected = Object.fromEntries(['a', 'b', 'c'].map(name => [name, fitting.includes(name) ? 'fits' : refused]))
    expect(said).toEqual(expected)
  })

  test('preferences are summed by weight and scaled to the best', () => {
    const preferred = (weight: number, key: string, ...values: string[]) => ({
      weight,
      preference: { matchExpressions: [expression(key, 'In', ...values)] },
    })
    const wanted = pod('p', {
      spec: {
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              preferred(30, 'disk', 'ssd'),
              preferred(10, 'cores', '8', '16'),
            ],
          },
        },
      },
    })
    expect(scores(nodeAffinity, wanted, snapshot)).toEqual({ a: 100, b: 25, c: 0 })
    expect(scores(nodeAffinity, pod('p'), snapshot)).toEqual({})
  })

  test('a pod that names its nodes by field restricts the search to them', () => {
    const judge = nodeAffinity.prepare(
      pod('p', { spec: required({ matchFields: [expression('metadata.name', 'In', 'c')] }) }),
      snapshot,
    )
    expect([...judge.only!]).toEqual(['c'])
  })
})

describe('NodePorts', () => {
  const withPort = (name: string, hostPort: number, more: object = {}) =>
    pod(name, {
      spec: { containers: [{ name: 'main', image: 'x', ports: [{ containerPort: 80, hostPort, ...more }] }] },
    })
  const refused = "node(s) didn't have free ports for the requested pod ports"
  test.each<[object, object, string]>([
    [{}, {}, refused],
    [{}, { protocol: 'UDP' }, 'fits'],
    [{ hostIP: '10.0.0.1' }, { hostIP: '10.0.0.2' }, 'fits'],
    [{ hostIP: '10.0.0.1' }, {}, refused],
    [{}, { hostIP: '10.0.0.1' }, refused],
    [{ hostIP: '10.0.0.1' }, { hostIP: '10.0.0.1' }, refused],
  ])('a port held as %j, wanted as %j: %s', (held, wanted, verdict) => {
    const snapshot = world([node('a')], [['a', withPort('holder', 8080, held)]])
    expect(verdicts(nodePorts, withPort('p', 8080, wanted), snapshot)).toEqual({ a: verdict })
    expect(verdicts(nodePorts, withPort('p', 8081, wanted), snapshot)).toEqual({ a: 'fits' })
  })

  test('a port is free again when its holder is gone', () => {
    const holder = withPort('holder', 8080)
    const snapshot = world([node('a')], [['a', holder]])
    snapshot.removePod(holder)
    expect(verdicts(nodePorts, withPort('p', 8080), snapshot)).toEqual({ a: 'fits' })
  })
})

describe('NodeResourcesFit', () => {
  const small = node('a', {
    allocatable: { cpu: '2', memory: '1Gi', pods: '2', 'example.com/gpu': '2', 'ephemeral-storage': '1Gi' },
  })
  const taken = pod('taken', { requests: { cpu: '1500m', memory: '512Mi', 'example.com/gpu': '1' } })
  test.each<[Record<string, string>, string]>([
    [{ cpu: '500m' }, 'fits'],
    [{ cpu: '501m' }, 'Insufficient cpu'],
    [{ cpu: '3' }, 'Insufficient cpu (final)'],
    [{ memory: '512Mi' }, 'fits'],
    [{ memory: '513Mi' }, 'Insufficient memory'],
    [{ cpu: '501m', memory: '513Mi' }, 'Insufficient cpu, Insufficient memory'],
    [{ cpu: '501m', memory: '2Gi' }, 'Insufficient cpu, Insufficient memory (final)'],
    [{ 'example.com/gpu': '1' }, 'fits'],
    [{ 'example.com/gpu': '2' }, 'Insufficient example.com/gpu'],
    [{ 'example.com/fpga': '1' }, 'Insufficient example.com/fpga (final)'],
    [{ 'ephemeral-storage': '2Gi' }, 'Insufficient ephemeral-storage (final)'],
    [{ cpu: '0' }, 'fits'],
  ])('%j: %s', (requests, verdict) => {
    expect(verdicts(nodeResourcesFit, pod('p', { requests }), world([small], [['a', taken]]))).toEqual({ a: verdict })
  })

  test('a node holds so many pods', () => {
    const snapshot = world(
      [small],
      [
        ['a', taken],
        ['a', pod('second')],
      ],
    )
    expect(verdicts(nodeResourcesFit, pod('p'), snapshot)).toEqual({ a: 'Too many pods' })
    expect(verdicts(nodeResourcesFit, pod('p', { requests: { cpu: '1' } }), snapshot)).toEqual({
      a: 'Too many pods, Insufficient cpu',
    })
  })

  test('init containers, sidecars, overhead and pod-level requests count as PodRequests counts them', () => {
    const container = (name: string, cpu: string, more: object = {}) => ({
      name,
      image: 'x',
      resources: { requests: { cpu } },
      ...more,
    })
    const cpu = (spec: object): number => needsOf(pod('p', { spec })).requests.milliCpu
    const containers = [container('c1', '100m'), container('c2', '200m')]
    expect(cpu({ containers })).toBe(300)
    expect(cpu({ containers, initContainers: [container('i', '500m')] })).toBe(500)
    expect(cpu({ containers, initContainers: [container('i1', '200m'), container('i2', '250m')] })).toBe(300)
    const sidecar = container('s', '50m', { restartPolicy: 'Always' })
    expect(cpu({ containers, initContainers: [sidecar] })).toBe(350)
    expect(cpu({ containers, initContainers: [sidecar, container('i', '400m')] })).toBe(450)
    expect(cpu({ containers, initContainers: [container('i', '400m'), sidecar] })).toBe(400)
    expect(cpu({ containers, overhead: { cpu: '20m' } })).toBe(320)
    expect(cpu({ containers, resources: { requests: { cpu: '1' } }, overhead: { cpu: '20m' } })).toBe(1020)
  })

  test('a pod that is being resized holds the most of what it wants, was given and has; what cannot be had is not counted', () => {
    const resized = (wants: string, given: string | undefined, has: string, status: object = {}) =>
      pod('p', {
        requests: { cpu: wants },
        status: {
          ...status,
          containerStatuses: [
            {
              name: 'main',
              resources: { requests: { cpu: has } },
              ...(given && { allocatedResources: { cpu: given } }),
            },
          ],
        },
      })
    const cpu = (of: ReturnType<typeof pod>): number => needsOf(of).requests.milliCpu
    expect(cpu(resized('500m', '500m', '200m'))).toBe(500)
    expect(cpu(resized('200m', '200m', '500m'))).toBe(500)
    expect(cpu(resized('900m', '500m', '500m'))).toBe(900)
    const infeasible = { conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }] }
    expect(cpu(resized('900m', '500m', '200m', infeasible))).toBe(500)
    // Once less is held, there is room for others, and who was refused is tried again.
    const snapshot = world([node('a')], [['a', resized('1', '4', '4')]])
    expect(snapshot.node('a')!.requested.milliCpu).toBe(4000)
    snapshot.putPod(resized('1', '1', '1'), 'a')
    expect(snapshot.node('a')!.requested.milliCpu).toBe(1000)
    const change = { kind: Pods, now: resized('1', '1', '1'), before: resized('1', '4', '4') }
    expect(nodeResourcesFit.helps!(pod('q'), change)).toBe(true)
    expect(nodeResourcesFit.helps!(pod('q'), { ...change, now: change.before })).toBe(false)
  })

  test('LeastAllocated: the mean of what would be left of CPU and of memory', () => {
    // a: (4000-1000)/4000 = 75, (8-2)/8 = 75. b, with 2 CPU taken: (4000-3000)/4000 = 25, 75 → 50.
    const snapshot = world([node('a'), node('b')], [['b', pod('x', { requests: { cpu: '2', memory: '0' } })]])
    expect(scores(nodeResourcesFit, pod('p', { requests: { cpu: '1', memory: '2Gi' } }), snapshot)).toEqual({
      a: 75,
      b: 50,
    })
  })

  test('a container that requests nothing counts as 100m and 200Mi', () => {
    // CPU (4000-100)/4000 = 97.5 → 97; memory (8192-200)/8192 = 97.56 → 97.
    expect(scores(nodeResourcesFit, pod('p'), world([node('a')]))).toEqual({ a: 97 })
    // With one such pod there: CPU 95, memory (8192-400)/8192 = 95.1 → 95.
    expect(scores(nodeResourcesFit, pod('p'), world([node('a')], [['a', pod('x')]]))).toEqual({ a: 95 })
  })
})

describe('NodeResourcesBalancedAllocation', () => {
  test('no change of balance scores 75', () => {
    // Both shares 25 % before and 50 % after: balance 100 before and after; 50 + (50 + 0)/2.
    const snapshot = world([node('a')], [['a', pod('x', { requests: { cpu: '1', memory: '2Gi' } })]])
    expect(
      scores(nodeResourcesBalancedAllocation, pod('p', { requests: { cpu: '1', memory: '2Gi' } }), snapshot),
    ).toEqual({ a: 75 })
  })

  test('a pod that evens out what is used scores more, one that tilts it less', () => {
    // a uses half its CPU: balance 75. With 4Gi more it is 100: 50 + (50+25)/2 = 87. On the empty b it falls from 100 to 75: 62.
    const snapshot = world([node('a'), node('b')], [['a', pod('x', { requests: { cpu: '2' } })]])
    expect(scores(nodeResourcesBalancedAllocation, pod('p', { requests: { memory: '4Gi' } }), snapshot)).toEqual({
      a: 87,
      b: 62,
    })
  })

  test('a pod that requests nothing is not scored', () => {
    expect(scores(nodeResourcesBalancedAllocation, pod('p'), world([node('a')]))).toEqual({})
  })
})

describe('PodTopologySpread', () => {
  const zone = 'topology.kubernetes.io/zone'
  const inZone = (name: string, value: string, more: object = {}) => node(name, { labels: { [zone]: value }, ...more })
  const web = (name: string) => pod(name, { labels: { app: 'web' } })
  const constraint = (more: object = {}) => ({
    maxSkew: 1,
    topologyKey: zone,
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app: 'web' } },
    ...more,
  })
  const wanted = (...constraints: object[]) =>
    pod('p', { labels: { app: 'web' }, spec: { topologySpreadConstraints: constraints } })
  const tooSkewed = "node(s) didn't match pod topology spread constraints"
  const nodes = [inZone('a1', 'a'), inZone('a2', 'a'), inZone('b1', 'b'), node('nowhere')]
  const missing = `${tooSkewed} (missing required label) (final)`

  test('strict: no zone may be more than maxSkew ahead of the least', () => {
    const snapshot = world(nodes, [['a1', web('w1')]])
    expect(verdicts(podTopologySpread, wanted(constraint()), snapshot)).toEqual({
      a1: tooSkewed,
      a2: tooSkewed,
      b1: 'fits',
      nowhere: missing,
    })
    expect(verdicts(podTopologySpread, wanted(constraint({ maxSkew: 2 })), snapshot)).toEqual({
      a1: 'fits',
      a2: 'fits',
      b1: 'fits',
      nowhere: missing,
    })
  })

  test('strict: with fewer zones than minDomains the least counts as none', () => {
    const snapshot = world(nodes, [
      ['a1', web('w1')],
      ['b1', web('w2')],
    ])
    expect(verdicts(podTopologySpread, wanted(constraint({ minDomains: 3 })), snapshot)).toMatchObject({
      a1: tooSkewed,
      b1: tooSkewed,
    })
    expect(verdicts(podTopologySpread, wanted(constraint({ minDomains: 2 })), snapshot)).toMatchObject({
      a1: 'fits',
      b1: 'fits',
    })
  })

  test('strict: pods of another namespace, not selected, or ending are not counted', () => {
    const snapshot = world(nodes, [
      ['a1', pod('other', { labels: { app: 'web' }, metadata: { namespace: 'other' } })],
      ['a1', pod('api', { labels: { app: 'api' } })],
      ['a1', pod('ending', { labels: { app: 'web' }, metadata: { deletionTimestamp: '2024-01-01T00:00:00Z' } })],
    ])
    expect(verdicts(podTopologySpread, wanted(constraint()), snapshot)).toMatchObject({ a1: 'fits', b1: 'fits' })
  })

  test('strict: nodes that the pod does not ask for count only when it says so', () => {
    // b1 is not asked for: Honor leaves zone a alone, so that its one pod is the least there is; Ignore keeps b as empty.
    const snapshot = world(nodes, [['a1', web('w1')]])
    const spec = (nodeAffinityPolicy: string) => ({
      nodeSelector: { [zone]: 'a' },
      topologySpreadConstraints: [constraint({ nodeAffinityPolicy })],
    })
    const asking = (policy: string) => pod('p', { labels: { app: 'web' }, spec: spec(policy) })
    expect(verdicts(podTopologySpread, asking('Honor'), snapshot)).toMatchObject({ a1: 'fits', a2: 'fits' })
    expect(verdicts(podTopologySpread, asking('Ignore'), snapshot)).toMatchObject({ a1: tooSkewed, a2: tooSkewed })
  })

  test('strict: tainted nodes count unless it says Honor', () => {
    const tainted = [inZone('a1', 'a'), inZone('b1', 'b', { spec: { taints: [{ key: 'x', effect: 'NoSchedule' }] } })]
    const snapshot = world(tainted, [['a1', web('w1')]])
    expect(verdicts(podTopologySpread, wanted(constraint()), snapshot)).toMatchObject({ a1: tooSkewed })
    expect(verdicts(podTopologySpread, wanted(constraint({ nodeTaintsPolicy: 'Honor' })), snapshot)).toMatchObject({
      a1: 'fits',
    })
  })

  test('strict: matchLabelKeys narrow the count to pods with the same value', () => {
    const of = (name: string, hash: string) => pod(name, { labels: { app: 'web', hash } })
    const snapshot = world(nodes, [['a1', of('old', '1')]])
    const spec = { topologySpreadConstraints: [constraint({ matchLabelKeys: ['hash'] })] }
    expect(verdicts(podTopologySpread, pod('p', { labels: { app: 'web', hash: '2' }, spec }), snapshot)).toMatchObject({
      a1: 'fits',
    })
    expect(verdicts(podTopologySpread, pod('p', { labels: { app: 'web', hash: '1' }, spec }), snapshot)).toMatchObject({
      a1: tooSkewed,
    })
  })

  test('soft: the emptier zone scores higher, and nodes without the label nothing', () => {
    // Zones a and b hold 2 and 1; weight ln(2+2) = 1.386: scores round(2.77) = 3 and round(1.386) = 1.
    // Normalised: 100·(3+1−3)/3 = 33 and 100·(3+1−1)/3 = 100.
    const snapshot = world(nodes, [
      ['a1', web('w1')],
      ['a2', web('w2')],
      ['b1', web('w3')],
    ])
    const soft = wanted(constraint({ whenUnsatisfiable: 'ScheduleAnyway' }))
    expect(scores(podTopologySpread, soft, snapshot)).toEqual({ a1: 33, a2: 33, b1: 100, nowhere: 0 })
  })

  test('soft: nothing anywhere scores 100 everywhere', () => {
    const soft = wanted(constraint({ whenUnsatisfiable: 'ScheduleAnyway' }))
    expect(scores(podTopologySpread, soft, world(nodes))).toEqual({ a1: 100, a2: 100, b1: 100, nowhere: 0 })
  })

  test('by default: pods of one owner are spread over nodes (skew 3) and zones (skew 5)', () => {
    // a1 holds 2, b1 none, all in no zone: weight ln(2+2); a1: 2·1.386+2 = 4.77 → 5, b1: 2.
    // Normalised: 100·(5+2−5)/5 = 40, 100·(5+2−2)/5 = 100.
    const siblings = () => selectorFromLabels({ app: 'web' })
    const plain = world(
      [node('a1'), node('b1')],
      [
        ['a1', web('w1')],
        ['a1', web('w2')],
      ],
      { siblings },
    )
    expect(scores(podTopologySpread, web('p'), plain)).toEqual({ a1: 40, b1: 100 })
    // With zones: a1 (zone a, 2 pods): 4.77 + 2·1.386+4 = 11.54 → 12; a2 (zone a): ln(3+2)… three nodes: weight 1.609.
    const zoned = world(
      [inZone('a1', 'a'), inZone('a2', 'a'), inZone('b1', 'b')],
      [
        ['a1', web('w1')],
        ['a1', web('w2')],
      ],
      { siblings },
    )
    // hostname weight ln 5 = 1.609, zone weight ln 4 = 1.386:
    // a1 2·1.609+2+2·1.386+4 = 11.99 → 12; a2 0+2+2·1.386+4 = 8.77 → 9; b1 2+4 = 6.
    // Normalised by 12 and 6: 100·(18−12)/12 = 50, 100·(18−9)/12 = 75, 100·(18−6)/12 = 100.
    expect(scores(podTopologySpread, web('p'), zoned)).toEqual({ a1: 50, a2: 75, b1: 100 })
    expect(scores(podTopologySpread, web('p'), world([node('a')]))).toEqual({})
  })
})

describe('ImageLocality (image_locality.go)', () => {
  const megabyte = 1024 * 1024
  const having = (name: string, images: Record<string, number>) =>
    node(name, {
      images: Object.entries(images).map(([image, size]) => ({ names: [image], sizeBytes: size * megabyte })),
    })
  const one = pod('p', { spec: { containers: [{ name: 'main', image: 'big' }] } })

  test('a large image counts, the more so the more nodes have it', () => {
    // On one of two nodes: 800 MB · 1/2 = 400; 100·(400 − 23)/(1000 − 23) = 38.
    expect(scores(imageLocality, one, world([having('a', { 'big:latest': 800 }), having('b', {})]))).toEqual({
      a: 38,
      b: 0,
    })
    // On both: 100·777/977 = 79.
    const both = world([having('a', { 'big:latest': 800 }), having('b', { 'big:latest': 800 })])
    expect(scores(imageLocality, one, both)).toEqual({ a: 79, b: 79 })
  })

  test('a small one does not, and an image that is nowhere is not scored', () => {
    expect(scores(imageLocality, one, world([having('a', { 'big:latest': 20 }), having('b', {})]))).toEqual({
      a: 0,
      b: 0,
    })
    expect(scores(imageLocality, one, world([having('a', { 'other:latest': 900 })]))).toEqual({})
  })

  test('images come and go with the node', () => {
    const snapshot = world([having('a', { 'big:latest': 800 }), having('b', { 'big:latest': 800 })])
    snapshot.setNode(having('b', {}))
    expect(scores(imageLocality, one, snapshot)).toEqual({ a: 38, b: 0 })
    snapshot.removeNode('a')
    expect(scores(imageLocality, one, snapshot)).toEqual({})
  })
})

// KubeSchedulerConfiguration: what is refused and how (pkg/scheduler/apis/config/validation/validation*_test.go), which
// plugins a profile asks (default_plugins_test.go), and what their arguments do.
import { describe, expect, test } from 'vitest'
import { defaultConfiguration, readSchedulerConfiguration } from '../../scheduler/configuration.ts'
import { pluginWith } from '../../scheduler/plugin-arguments.ts'
import { plugins } from '../../scheduler/plugins/index.ts'
import { type Profile, profilesOf } from '../../scheduler/profile.ts'
import { selectorFromLabels } from '../../src/api/labels.ts'
import { cycle, node, pod, scores, verdicts, world } from './world.ts'

const header = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' }
const fault = (more: object): string => {
  try {
    profilesOf(readSchedulerConfiguration({ ...header, ...more }), plugins)
  } catch (error) {
    return (error as Error).message
  }
  return 'accepted'
}
const profile = (more: object): Profile =>
  profilesOf(readSchedulerConfiguration({ ...header, profiles: [more] }), plugins)[0]!
const args = (name: string, more: object) => ({ profiles: [{ pluginConfig: [{ name, args: more }] }] })
const at = 'profiles[0].pluginConfig[0].args'

test.each<[string, object, string]>([
  ['nothing but its kind', {}, 'accepted'],
  [
    'an older version',
    { apiVersion: 'kubescheduler.config.k8s.io/v1beta3' },
    'no kind "KubeSchedulerConfiguration" is registered for version "kubescheduler.config.k8s.io/v1beta3"',
  ],
  [
    'a field that is not there',
    { profiles: [{ plugin: {} }], parallel: 3 },
    'strict decoding error: unknown field "profiles[0].plugin", unknown field "parallel"',
  ],
  [
    'a field of another type',
    { percentageOfNodesToScore: 'all' },
    'strict decoding error: cannot unmarshal string into field "percentageOfNodesToScore" of type number',
  ],
  [
    'an argument that is not there',
    args('NodeResourcesFit', { strategy: {} }),
    'strict decoding error: decoding .profiles[0].pluginConfig[0]: strict decoding error: decoding args for plugin NodeResourcesFit: unknown field "strategy"',
  ],
  [
    'arguments of another plugin',
    args('NodeAffinity', { kind: 'InterPodAffinityArgs' }),
    'strict decoding error: decoding .profiles[0].pluginConfig[0]: args for plugin NodeAffinity were not of type NodeAffinityArgs, got InterPodAffinityArgs',
  ],
  ['no workers', { parallelism: 0 }, 'parallelism: Invalid value: 0: should be an integer value greater than zero'],
  [
    'too many of a hundred',
    { percentageOfNodesToScore: 101 },
    'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]',
  ],
  [
    'no back-off',
    { podInitialBackoffSeconds: 0 },
    'podInitialBackoffSeconds: Invalid value: 0: must be greater than 0',
  ],
  [
    'the longest back-off shorter than the first',
    { podInitialBackoffSeconds: 5, podMaxBackoffSeconds: 4 },
    'podMaxBackoffSeconds: Invalid value: 4: must be greater than or equal to PodInitialBackoffSeconds',
  ],
  [
    'two profiles of one name',
    { profiles: [{ schedulerName: 'a' }, { schedulerName: 'a' }] },
    'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
  ],
  [
    'one of several without a name',
    { profiles: [{ schedulerName: 'a' }, {}] },
    'profiles[1].schedulerName: Required value',
  ],
  [
    'a plugin nobody knows',
    { profiles: [{ plugins: { score: { enabled: [{ name: 'Foo' }] } } }] },
    'profiles[0].plugins.score.enabled: plugin "Foo" does not exist',
  ],
  [
    'no binder',
    { profiles: [{ plugins: { bind: { disabled: [{ name: '*' }] } } }] },
    'profiles[0]: no bind plugin for profile with scheduler name "default-scheduler"',
  ],
  [
    'arguments twice',
    { profiles: [{ pluginConfig: [{ name: 'NodeAffinity' }, { name: 'NodeAffinity' }] }] },
    'profiles[0].pluginConfig[1]: Duplicate value: "NodeAffinity"',
  ],
  [
    'an extender without a weight',
    { extenders: [{ urlPrefix: 'http://127.0.0.1:1', prioritizeVerb: 'p' }] },
    'extenders[0].weight: Invalid value: 0: must have a positive weight applied to it',
  ],
  [
    'two that bind',
    {
      extenders: [
        { urlPrefix: 'a', bindVerb: 'b' },
        { urlPrefix: 'a', bindVerb: 'b' },
      ],
    },
    'extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind',
  ],
  [
    'an extender for what is no extended resource',
    { extenders: [{ urlPrefix: 'a', managedResources: [{ name: 'cpu' }] }] },
    'extenders[0].managedResources[0].name: Invalid value: "cpu": is an invalid extended resource name',
  ],
  [
    'a weight for affinity',
    args('InterPodAffinity', { hardPodAffinityWeight: 101 }),
    `${at}.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]`,
  ],
  [
    'a strategy nobody knows',
    args('NodeResourcesFit', { scoringStrategy: { type: 'Best' } }),
    `${at}.scoringStrategy.type: Unsupported value: "Best": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"`,
  ],
  [
    'a shape that goes back',
    args('NodeResourcesFit', {
      scoringStrategy: {
        type: 'RequestedToCapacityRatio',
        requestedToCapacityRatio: {
          shape: [
            { utilization: 10, score: 1 },
            { utilization: 0, score: 0 },
          ],
        },
      },
    }),
    `${at}.scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 0: values must be sorted in increasing order`,
  ],
  [
    'a selector for a default',
    args('PodTopologySpread', {
      defaultingType: 'List',
      defaultConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} }],
    }),
    `${at}.defaultConstraints[0].labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod`,
  ],
  [
    'no candidates at all',
    args('DefaultPreemption', { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 }),
    `[${at}.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute, ${at}.minCandidateNodesAbsolute: Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage]`,
  ],
])('%s', (_, more, message) => {
  expect(fault(more)).toBe(message)
})

describe('a profile', () => {
  const weights = ({ plugins }: Profile) => Object.fromEntries(plugins.map(({ name, weight }) => [name, weight]))
  const filters = (of: Profile) => {
    const snapshot = world([node('a')])
    const wanted = pod('p', { requests: { cpu: '1' }, spec: { nodeSelector: { a: 'b' } } })
    return of.plugins.filter(plugin => plugin.prepare(wanted, snapshot).filter !== undefined).map(({ name }) => name)
  }

  test('of the default is the list of plugins', () => {
    const [only] = profilesOf(defaultConfiguration, plugins)
    expect(only!.schedulerName).toBe('default-scheduler')
    expect(only!.plugins.map(({ name }) => name)).toEqual(plugins.map(({ name }) => name))
    expect(only!.heedsGates).toBe(true)
  })

  test('leaves plugins out everywhere, or at one point', () => {
    const everywhere = profile({ plugins: { multiPoint: { disabled: [{ name: 'NodeAffinity' }] } } })
    expect(everywhere.plugins.map(({ name }) => name)).not.toContain('NodeAffinity')
    const noFilter = profile({ plugins: { filter: { disabled: [{ name: 'NodeAffinity' }] } } })
    expect(filters(noFilter)).toEqual(['NodeUnschedulable', 'TaintToleration', 'NodeResourcesFit'])
    const nothing = profile({ plugins: { score: { disabled: [{ name: '*' }] } } })
    expect(cycle(pod('p'), world([node('a'), node('b')]), nothing.plugins).scores).toEqual([])
    expect(profile({ plugins: { preEnqueue: { disabled: [{ name: 'SchedulingGates' }] } } }).heedsGates).toBe(false)
  })

  test('weighs them otherwise, and asks them in another order', () => {
    const enabled = [{ name: 'ImageLocality', weight: 7 }]
    expect(weights(profile({ plugins: { multiPoint: { enabled } } })).ImageLocality).toBe(7)
    expect(weights(profile({ plugins: { score: { enabled } } })).ImageLocality).toBe(7)
    const first = profile({ plugins: { filter: { enabled: [{ name: 'NodeResourcesFit' }] } } })
    expect(first.plugins[0]!.name).toBe('NodeResourcesFit')
    expect(new Set(first.plugins.map(({ name }) => name))).toEqual(new Set(plugins.map(({ name }) => name)))
  })

  test('without preemption names no victims, and says nothing of it', () => {
    const { plugins: left } = profile({ plugins: { postFilter: { disabled: [{ name: '*' }] } } })
    const snapshot = world([node('a')], [['a', pod('low', { requests: { cpu: '4' }, spec: { priority: 0 } })]])
    const decision = cycle(pod('p', { requests: { cpu: '4' }, spec: { priority: 9 } }), snapshot, left)
    expect(decision.nomination).toBeUndefined()
    expect(decision.message).toBe('0/1 nodes are available: 1 Insufficient cpu.')
  })

  test('asks as many nodes as it says', () => {
    const configuration = readSchedulerConfiguration({
      ...header,
      percentageOfNodesToScore: 70,
      profiles: [{ schedulerName: 'a' }, { schedulerName: 'b', percentageOfNodesToScore: 100 }],
    })
    expect(profilesOf(configuration, plugins).map(each => each.percentageOfNodesToScore)).toEqual([70, 100])
  })

  test('does not look at what an extender answers for', () => {
    const managedResources = [{ name: 'example.com/gpu', ignoredByScheduler: true }]
    const configuration = readSchedulerConfiguration({
      ...header,
      extenders: [{ urlPrefix: 'http://x', managedResources }],
    })
    const [only] = profilesOf(configuration, plugins)
    const wanted = pod('p', { requests: { 'example.com/gpu': '1' } })
    expect(cycle(wanted, world([node('a')]), only!.plugins).node).toBe('a')
    expect(cycle(wanted, world([node('a')])).node).toBeUndefined()
  })
})

describe('arguments', () => {
  // a: 1 of 4 CPU and 6 of 8 GiB; b: 3 of 4 and 2 of 8. The pod wants half a CPU and 1 GiB.
  const snapshot = () =>
    world(
      [node('a', { allocatable: { 'example.com/gpu': '4' } }), node('b', { allocatable: { 'example.com/gpu': '8' } })],
      [
        ['a', pod('x', { requests: { cpu: '1', memory: '6Gi', 'example.com/gpu': '1' } })],
        ['b', pod('y', { requests: { cpu: '3', memory: '2Gi', 'example.com/gpu': '4' } })],
      ],
    )
  const wanted = pod('p', { requests: { cpu: '500m', memory: '1Gi', 'example.com/gpu': '1' } })
  const byStrategy = (scoringStrategy: object) =>
    scores(pluginWith('NodeResourcesFit', { scoringStrategy })!, wanted, snapshot())

  test('MostAllocated: the fuller comes first', () => {
    // a: CPU 1.5/4 = 37, memory 7/8 = 87, mean 62; b: 87 and 37, mean 62.
    expect(byStrategy({ type: 'MostAllocated' })).toEqual({ a: 62, b: 62 })
    // CPU alone counts; then with memory thrice: a (37 + 3·87)/4 = 74, b (87 + 3·37)/4 = 49.
    expect(byStrategy({ type: 'MostAllocated', resources: [{ name: 'cpu' }] })).toEqual({ a: 37, b: 87 })
    expect(
      byStrategy({
        type: 'MostAllocated',
        resources: [
          { name: 'cpu', weight: 1 },
          { name: 'memory', weight: 3 },
        ],
      }),
    ).toEqual({ a: 74, b: 49 })
  })

  test('LeastAllocated over an extended resource', () => {
    // a: 4 − 2 of 4 = 50; b: 8 − 5 of 8 = 37.
    expect(byStrategy({ type: 'LeastAllocated', resources: [{ name: 'example.com/gpu', weight: 1 }] })).toEqual({
      a: 50,
      b: 37,
    })
  })

  test('RequestedToCapacityRatio: as the line between the points says', () => {
    const shape = [
      { utilization: 0, score: 0 },
      { utilization: 100, score: 10 },
    ]
    const resources = [{ name: 'example.com/gpu', weight: 1 }]
    // a: 2/4 → 50; b: 5/8 = 62 → 62.
    expect(byStrategy({ type: 'RequestedToCapacityRatio', resources, requestedToCapacityRatio: { shape } })).toEqual({
      a: 50,
      b: 62,
    })
    const peak = [
      { utilization: 0, score: 0 },
      { utilization: 50, score: 10 },
      { utilization: 100, score: 0 },
    ]
    // a at the peak: 100; b: 100 − 100·12/50 = 76.
    expect(
      byStrategy({ type: 'RequestedToCapacityRatio', resources, requestedToCapacityRatio: { shape: peak } }),
    ).toEqual({
      a: 100,
      b: 76,
    })
  })

  test('NodeResourcesFit: ignored resources are not looked at', () => {
    const greedy = pod('p', { requests: { 'example.com/gpu': '99', 'other.org/x': '1' } })
    const says = (more: object) => verdicts(pluginWith('NodeResourcesFit', more)!, greedy, snapshot()).a
    expect(says({})).toBe('Insufficient example.com/gpu, Insufficient other.org/x (final)')
    expect(says({ ignoredResources: ['other.org/x'] })).toBe('Insufficient example.com/gpu (final)')
    expect(says({ ignoredResources: ['other.org/x'], ignoredResourceGroups: ['example.com'] })).toBe('fits')
  })

  test('NodeResourcesBalancedAllocation over three resources: by their standard deviation', () => {
    const balanced = pluginWith('NodeResourcesBalancedAllocation', {
      resources: [{ name: 'cpu' }, { name: 'memory' }, { name: 'example.com/gpu' }],
    })!
    // a before .25 .75 .25: σ .2357 → 76; after .375 .875 .5: σ .2125 → 78: 50 + ⌊(50 + 2)/2⌋ = 76.
    // b before .75 .25 .5: σ .2041 → 79; after .875 .375 .625: the same: 50 + 25 = 75.
    expect(scores(balanced, wanted, snapshot())).toEqual({ a: 76, b: 75 })
  })

  test('NodeAffinity: what is added is asked of every pod', () => {
    const term = (value: string) => ({
      matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [value] }],
    })
    const plugin = pluginWith('NodeAffinity', {
      addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term('a')] } },
    })!
    expect(verdicts(plugin, pod('p'), snapshot())).toEqual({
      a: 'fits',
      b: "node(s) didn't match scheduler-enforced node affinity (final)",
    })
    const preferring = pluginWith('NodeAffinity', {
      addedAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 2, preference: term('b') }] },
    })!
    expect(scores(preferring, pod('p'), snapshot())).toEqual({ a: 0, b: 100 })
  })

  test('PodTopologySpread: defaults of the list, strict ones too, for what the owner selects', () => {
    const plugin = pluginWith('PodTopologySpread', {
      defaultingType: 'List',
      defaultConstraints: [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' }],
    })!
    const web = (name: string) => pod(name, { labels: { app: 'web' } })
    const placed = world([node('a'), node('b')], [['a', web('x')]], {
      siblings: () => selectorFromLabels({ app: 'web' }),
    })
    expect(verdicts(plugin, web('p'), placed)).toEqual({
      a: "node(s) didn't match pod topology spread constraints",
      b: 'fits',
    })
    expect(scores(plugin, web('p'), placed)).toEqual({})
  })

  test('DefaultPreemption: as few nodes are thought through as it says', () => {
    const few = pluginWith('DefaultPreemption', { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 1 })!
    const rules = plugins.map(plugin => (plugin.name === few.name ? few : plugin))
    const many = world(
      [node('a'), node('b')],
      [
        ['a', pod('x', { requests: { cpu: '4' }, spec: { priority: 5 } })],
        ['b', pod('y', { requests: { cpu: '4' }, spec: { priority: 0 } })],
      ],
    )
    const urgent = pod('p', { requests: { cpu: '4' }, spec: { priority: 9 } })
    expect(cycle(urgent, many, rules).nomination?.node).toBe('a')
    expect(cycle(urgent, many).nomination?.node).toBe('b')
  })
})

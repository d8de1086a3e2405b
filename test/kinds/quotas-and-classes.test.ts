// LimitRanges, ResourceQuotas, PriorityClasses, RuntimeClasses and StorageClasses (pkg/apis/core/v1/defaults.go,
// pkg/apis/{core,scheduling,node,storage}/validation/validation.go, pkg/printers/internalversion/printers.go).

import { describe, expect, test } from 'vitest'
import { LimitRanges, PriorityClasses, ResourceQuotas, RuntimeClasses, StorageClasses } from '../../src/kinds/index.ts'
import { cell, create, update } from './written.ts'

const named = { metadata: { name: 'it' } }

describe('LimitRange', () => {
  const limits = (...items: object[]) => ({ ...named, spec: { limits: items } })

  test('of containers, limits default to the maximum, and requests to the limit, or else to the minimum', () => {
    const item = { type: 'Container', max: { cpu: '1000m' }, min: { cpu: '100m', memory: '1Gi' } }
    const { object, faults } = create(LimitRanges, limits(item))
    expect(faults).toEqual([])
    expect(object.spec!.limits[0]).toEqual({
      type: 'Container',
      max: { cpu: '1' },
      min: { cpu: '100m', memory: '1Gi' },
      default: { cpu: '1' },
      defaultRequest: { cpu: '1', memory: '1Gi' },
    })
    expect(create(LimitRanges, limits({ type: 'Pod', max: { cpu: '1' } })).object.spec!.limits[0]).toEqual({
      type: 'Pod',
      max: { cpu: '1' },
    })
  })

  test.each<[string, object[], string[]]>([
    [
      'types that are none, or come twice',
      [{ type: 'Node' }, { type: 'Pod' }, { type: 'Pod' }],
      [
        'spec.limits[0].type: Invalid value: "Node": must be a standard limit type or fully qualified',
        'spec.limits[2].type: Duplicate value: "Pod"',
      ],
    ],
    [
      'defaults of a pod',
      [{ type: 'Pod', default: { cpu: '1' }, defaultRequest: { cpu: '1' } }],
      [
        "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
        "spec.limits[0].defaultRequest: Forbidden: may not be specified when `type` is 'Pod'",
      ],
    ],
    [
      'a claim without a size',
      [{ type: 'PersistentVolumeClaim', max: { cpu: '1' } }],
      [
        'spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided',
      ],
    ],
    [
      'amounts in the wrong order',
      [
        {
          type: 'Container',
          min: { cpu: '3' },
          max: { cpu: '2' },
          default: { cpu: '1' },
          defaultRequest: { cpu: '4' },
        },
      ],
      [
        'spec.limits[0].min[cpu]: Invalid value: "3": min value 3 is greater than max value 2',
        'spec.limits[0].defaultRequest[cpu]: Invalid value: "4": default request value 4 is greater than max value 2',
        'spec.limits[0].defaultRequest[cpu]: Invalid value: "4": default request value 4 is greater than default limit value 1',
        'spec.limits[0].default[cpu]: Invalid value: "3": min value 3 is greater than default value 1',
      ],
    ],
    [
      'ratios that cannot be',
      [{ type: 'Pod', min: { cpu: '1' }, max: { cpu: '2' }, maxLimitRequestRatio: { cpu: '3', memory: '500m' } }],
      [
        'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000',
        'spec.limits[0].maxLimitRequestRatio[memory]: Invalid value: "500m": ratio 500m is less than 1',
      ],
    ],
    [
      'what is no resource of a container',
      [{ type: 'Container', max: { storage: '1', lots: '2' } }],
      [
        'spec.limits[0].max[storage]: Invalid value: "storage": must be a standard resource for containers',
        'spec.limits[0].max[lots]: Invalid value: "lots": must be a standard resource type or fully qualified',
        'spec.limits[0].max[lots]: Invalid value: "lots": must be a standard resource for containers',
      ],
    ],
  ])('%s', (_, items, faults) => {
    const found = create(LimitRanges, limits(...items)).faults
    for (const fault of faults) expect(found).toContain(fault)
  })

  test('its table is the plain one', () => {
    const { object } = create(LimitRanges, { metadata: { name: 'it', creationTimestamp: '2024-05-01T11:00:00Z' } })
    expect(cell(LimitRanges, object, 'Created At')).toBe('2024-05-01T11:00:00Z')
  })
})

describe('ResourceQuota', () => {
  const quota = (spec: object) => ({ ...named, spec })

  test('is new without a status, and shows what is used of what, limits apart', () => {
    const { object, faults } = create(ResourceQuotas, {
      ...quota({ hard: { pods: '4' } }),
      status: { hard: { pods: '9' } },
    })
    expect(faults).toEqual([])
    expect(object.status).toEqual({})
    const counted = {
      ...object,
      status: {
        hard: { pods: '4', 'limits.cpu': '2', 'requests.cpu': '1', 'count/pods': '3' },
        used: { pods: '1', 'limits.cpu': '500m' },
      },
    }
    expect(cell(ResourceQuotas, counted, 'Request')).toBe('count/pods: 0/3, pods: 1/4, requests.cpu: 0/1')
    expect(cell(ResourceQuotas, counted, 'Limit')).toBe('limits.cpu: 500m/2')
  })

  test.each<[string, object, string[]]>([
    [
      'resources that are none',
      {
        hard: {
          'requests.storage': '1Gi',
          storage: '1Gi',
          nonsense: '1',
          'requests.hugepages-2Mi': '4Mi',
          pods: '500m',
        },
      },
      [
        'spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota',
        'spec.hard[nonsense]: Invalid value: "nonsense": must be a standard resource type or fully qualified',
        'spec.hard[nonsense]: Invalid value: "nonsense": must be a standard resource for quota',
        'spec.hard[pods]: Invalid value: "500m": must be an integer',
      ],
    ],
    [
      'less than nothing',
      { hard: { cpu: '-1' } },
      ['spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ],
    [
      'scopes that are none, do not count it, or exclude each other',
      { hard: { cpu: '1', services: '2' }, scopes: ['BestEffort', 'Whatever', 'NotBestEffort'] },
      [
        'spec.scopes: Invalid value: ["BestEffort","Whatever","NotBestEffort"]: unsupported scope applied to resource',
        'spec.scopes: Invalid value: ["BestEffort","Whatever","NotBestEffort"]: unsupported scope applied to resource',
        'spec.scopes: Invalid value: ["BestEffort","Whatever","NotBestEffort"]: unsupported scope',
        'spec.scopes: Invalid value: ["BestEffort","Whatever","NotBestEffort"]: unsupported scope applied to resource',
        'spec.scopes: Invalid value: ["BestEffort","Whatever","NotBestEffort"]: conflicting scopes',
      ],
    ],
    [
      'selectors that do not select',
      {
        scopeSelector: {
          matchExpressions: [
            { scopeName: 'PriorityClass', operator: 'In' },
            { scopeName: 'PriorityClass', operator: 'Exists', values: ['a'] },
            { scopeName: 'Terminating', operator: 'Like' },
          ],
        },
      },
      [
        "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
        `spec.scopeSelector.matchExpressions.values: Invalid value: ["a"]: must be no value when \`operator\` is 'Exist' or 'DoesNotExist' for scope selector`,
        'spec.scopeSelector.matchExpressions.operator: Invalid value: "Like": must be \'Exists\' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity',
        'spec.scopeSelector.matchExpressions.operator: Invalid value: "Like": not a valid selector operator',
      ],
    ],
  ])('%s', (_, spec, faults) => {
    expect(create(ResourceQuotas, quota(spec)).faults).toEqual(faults)
  })

  test('its scopes stay, in whatever order; its status is judged as its spec', () => {
    const { object } = create(ResourceQuotas, quota({ scopes: ['Terminating', 'BestEffort'] }))
    const reordered = update(ResourceQuotas, object, draft => {
      draft.spec!.scopes = ['BestEffort', 'Terminating']
    })
    expect(reordered.faults).toEqual([])
    const fewer = update(ResourceQuotas, object, draft => {
      draft.spec!.scopes = ['BestEffort']
    })
    expect(fewer.faults).toEqual(['spec.scopes: Invalid value: ["BestEffort"]: field is immutable'])
    const counted = update(
      ResourceQuotas,
      object,
      draft => void Object.assign(draft, { status: { used: { pods: '1500m' } } }),
      'status',
    )
    expect(counted.faults).toEqual(['status.used[pods]: Invalid value: "1500m": must be an integer'])
  })
})

describe('PriorityClass', () => {
  test('preempts unless it says otherwise', () => {
    const { object, faults } = create(PriorityClasses, { ...named, value: 1000 })
    expect(faults).toEqual([])
    expect(object.preemptionPolicy).toBe('PreemptLowerPriority')
    expect(PriorityClasses.columns.map(column => column.value(object, 0))).toEqual([
      'it',
      1000,
      false,
      '<unknown>',
      'PreemptLowerPriority',
    ])
  })

  test.each<[string, object, string]>([
    [
      'more than users may',
      { ...named, value: 1000000001 },
      'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
    ],
    [
      'a name of the system',
      { metadata: { name: 'system-mine' }, value: 1 },
      "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
    ],
    [
      'the value of the system s own',
      { metadata: { name: 'system-node-critical' }, value: 1 },
      "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: value of system-node-critical PriorityClass must be 2000001000",
    ],
    [
      'a policy that is none',
      { ...named, preemptionPolicy: 'Maybe' },
      'preemptionPolicy: Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"',
    ],
  ])('%s', (_, object, fault) => {
    expect(create(PriorityClasses, object).faults).toEqual([fault])
  })

  test('value and policy stay', () => {
    const { object } = create(PriorityClasses, { ...named, value: 1000 })
    const { faults } = update(PriorityClasses, object, draft => {
      draft.value = 2000
      draft.preemptionPolicy = 'Never'
      draft.description = 'another'
    })
    expect(faults).toEqual([
      'value: Forbidden: may not be changed in an update.',
      'preemptionPolicy: Invalid value: "Never": field is immutable',
    ])
  })
})

describe('RuntimeClass', () => {
  test('its handler is a label and stays, its overhead and tolerations are as a pod s', () => {
    const { object, faults } = create(RuntimeClasses, {
      ...named,
      handler: 'gvisor',
      overhead: { podFixed: { cpu: '1000m' } },
    })
    expect(faults).toEqual([])
    expect(object.overhead).toEqual({ podFixed: { cpu: '1' } })
    expect(cell(RuntimeClasses, object, 'Handler')).toBe('gvisor')
    expect(update(RuntimeClasses, object, draft => void Object.assign(draft, { handler: 'kata' })).faults).toEqual([
      'handler: Invalid value: "kata": field is immutable',
    ])
    const wrong = {
      ...named,
      handler: 'a.b',
      overhead: { podFixed: { storage: '1' } },
      scheduling: { nodeSelector: { 'a b': 'c' }, tolerations: [{ key: 'k', operator: 'Exists', value: 'v' }] },
    }
    expect(create(RuntimeClasses, wrong).faults.map(fault => fault.slice(0, fault.indexOf(': ')))).toEqual([
      'handler',
      'overhead.limits[storage]',
      'scheduling.nodeSelector',
      'scheduling.tolerations[0].operator',
    ])
  })
})

describe('StorageClass', () => {
  test('deletes and binds at once unless it says otherwise, and shows when it is the default', () => {
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
    const { object, faults } = create(StorageClasses, { metadata: { name: 'it', annotations }, provisioner: 'a.b/c' })
    expect(faults).toEqual([])
    expect(StorageClasses.columns.map(column => column.value(object, 0))).toEqual([
      'it (default)',
      'a.b/c',
      'Delete',
      'Immediate',
      false,
      '<unknown>',
    ])
  })

  test('is judged', () => {
    const wrong = {
      ...named,
      provisioner: 'a b',
      parameters: { '': 'x' },
      reclaimPolicy: 'Recycle',
      volumeBindingMode: 'Later',
      allowedTopologies: [
        { matchLabelExpressions: [{ key: 'zone', values: ['a', 'a'] }] },
        {
          matchLabelExpressions: [
            { key: 'zone', values: ['a'] },
            { key: 'rack', values: [] },
          ],
        },
        { matchLabelExpressions: [{ key: 'zone', values: ['a'] }] },
      ],
    }
    expect(create(StorageClasses, wrong).faults).toEqual([
      expect.stringContaining('provisioner: Invalid value: "a b": name part must consist of'),
      'parameters: Invalid value: "": field can not be empty.',
      'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
      'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
      'allowedTopologies.matchLabelExpressions[0].values[1]: Duplicate value: "a"',
      'allowedTopologies.matchLabelExpressions[1].values: Required value',
      'allowedTopologies[2].matchLabelExpressions: Duplicate value: ""',
    ])
    expect(create(StorageClasses, named).faults).toEqual(['provisioner: Required value'])
  })

  test('how its volumes are made stays', () => {
    const { object } = create(StorageClasses, { ...named, provisioner: 'a.b/c' })
    const { faults } = update(StorageClasses, object, draft => {
      draft.parameters = { a: 'b' }
      draft.provisioner = 'c.d/e'
      draft.reclaimPolicy = 'Retain'
      draft.volumeBindingMode = 'WaitForFirstConsumer'
      draft.allowVolumeExpansion = true
    })
    expect(faults).toEqual([
      'parameters: Forbidden: updates to parameters are forbidden.',
      'provisioner: Forbidden: updates to provisioner are forbidden.',
      'reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.',
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ])
  })
})

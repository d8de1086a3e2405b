// The kinds of resource.k8s.io (pkg/apis/resource/validation/validation.go, v1/defaults.go, v1beta1/conversion.go,
// pkg/registry/resource/*/strategy.go, pkg/printers/internalversion/printers.go).

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ResourceV1ResourceClaim } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import {
  claimFromV1beta1,
  claimToV1beta1,
  sliceFromV1beta1,
  sliceToV1beta1,
  templateFromV1beta1,
  templateToV1beta1,
} from '../../src/kinds/device-versions.ts'
import {
  DeviceClasses,
  DeviceTaintRules,
  ResourceClaims,
  ResourceClaimsV1beta1,
  ResourceClaimsV1beta2,
  ResourceClaimTemplates,
  ResourceSlices,
  ResourceSlicesV1beta1,
} from '../../src/kinds/index.ts'
import { cell, create, update } from './written.ts'

const claim = (devices: object, status?: object) => ({
  metadata: { name: 'it' },
  spec: { devices },
  ...(status ? { status } : {}),
})
const request = (more: object = {}) => ({ name: 'gpu', exactly: { deviceClassName: 'c', ...more } })
const ref = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"

describe('ResourceClaim', () => {
  test('a request is for one device when it does not say otherwise', () => {
    const { object, faults, warnings } = create(
      ResourceClaims,
      claim(
        {
          requests: [
            request({ tolerations: [{ key: 'k' }], capacity: { requests: { memory: '1024Mi' } } }),
            { name: 'b', firstAvailable: [{ name: 's', deviceClassName: 'c', allocationMode: 'All' }] },
          ],
        },
        { reservedFor: [] },
      ),
    )
    expect(faults).toEqual([])
    expect(object.spec.devices?.requests).toEqual([
      {
        name: 'gpu',
        exactly: {
          deviceClassName: 'c',
          allocationMode: 'ExactCount',
          count: 1,
          tolerations: [{ key: 'k', operator: 'Equal' }],
          capacity: { requests: { memory: '1Gi' } },
        },
      },
      { name: 'b', firstAvailable: [{ name: 's', deviceClassName: 'c', allocationMode: 'All' }] },
    ])
    expect(object.status).toEqual({})
    expect(cell(ResourceClaims, object, 'State')).toBe('pending')
    expect(warnings).toEqual([])
  })

  test.each<[string, object, unknown[]]>([
    [
      'neither of the two',
      { requests: [{ name: 'a' }] },
      ['spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required'],
    ],
    [
      'both of the two',
      { requests: [{ ...request(), firstAvailable: [{ name: 's', deviceClassName: 'c' }] }] },
      [
        'spec.devices.requests[0]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set',
      ],
    ],
    [
      'names that are none, and twice the same',
      { requests: [{ ...request(), name: 'A' }, request(), request()] },
      [
        expect.stringMatching(/^spec\.devices\.requests\[0\]\.name: Invalid value: "A": a lowercase RFC 1123 label/),
        'spec.devices.requests[2]: Duplicate value: "gpu"',
      ],
    ],
    [
      'no class, counts that cannot be',
      {
        requests: [
          { name: 'a', exactly: { count: -1 } },
          { name: 'b', exactly: { deviceClassName: 'c', allocationMode: 'All', count: 2, selectors: [{}] } },
          {
            name: 'c',
            exactly: {
              deviceClassName: 'c',
              allocationMode: 'Some',
              selectors: [{ cel: { expression: 'x'.repeat(10241) } }],
            },
          },
        ],
      },
      [
        'spec.devices.requests[0].exactly.deviceClassName: Required value',
        'spec.devices.requests[0].exactly.count: Invalid value: -1: must be greater than zero',
        'spec.devices.requests[1].exactly.selectors[0].cel: Required value',
        "spec.devices.requests[1].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'",
        'spec.devices.requests[2].exactly.selectors[0].cel.expression: Too long: may not be more than 10240 bytes',
        'spec.devices.requests[2].exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"',
      ],
    ],
    [
      'tolerations',
      {
        requests: [
          request({
            tolerations: [
              { key: 'k', operator: 'Exists', value: 'v' },
              { operator: 'Near', effect: 'Always' },
            ],
          }),
        ],
      },
      [
        'spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: "v": must be empty for operator `Exists`',
        'spec.devices.requests[0].exactly.tolerations[1].operator: Unsupported value: "Near": supported values: "Equal", "Exists"',
        'spec.devices.requests[0].exactly.tolerations[1].effect: Unsupported value: "Always": supported values: "NoExecute", "NoSchedule", "None"',
      ],
    ],
    [
      'constraints and settings of requests that are not there',
      {
        requests: [request()],
        constraints: [{ requests: ['gpu', 'no', 'gpu'] }, { requests: ['gpu/x/y'], matchAttribute: 'model' }],
        config: [{ requests: ['gpu/part'] }, { opaque: { driver: '', parameters: [1] } }],
      },
      [
        `spec.devices.constraints[0].requests[1]: Invalid value: "no": ${ref}`,
        'spec.devices.constraints[0].requests[2]: Duplicate value: "gpu"',
        'spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
        `spec.devices.constraints[1].requests[0]: Invalid value: "gpu/x/y": ${ref}`,
        'spec.devices.constraints[1].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
        `spec.devices.config[0].requests[0]: Invalid value: "gpu/part": ${ref}`,
        'spec.devices.config[0].opaque: Required value',
        'spec.devices.config[1].opaque.driver: Required value',
        expect.stringMatching(
          /^spec\.devices\.config\[1\]\.opaque\.driver: Invalid value: "": a lowercase RFC 1123 subdomain/,
        ),
        'spec.devices.config[1].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
      ],
    ],
    [
      'too many: no more is said',
      { requests: Array.from({ length: 33 }, () => ({ name: '' })) },
      ['spec.devices.requests: Too many: 33: must have at most 32 items'],
    ],
  ])('faults: %s', (_, devices, expected) => {
    expect(create(ResourceClaims, claim(devices)).faults).toEqual(expected)
  })

  test('what was asked for does not change', () => {
    const { object } = create(ResourceClaims, claim({ requests: [request()] }))
    const { faults } = update(ResourceClaims, object, draft => (draft.spec.devices!.requests![0]!.name = 'other'))
    expect(faults).toEqual([expect.stringMatching(/^spec: Invalid value: \{.*\}: field is immutable$/)])
  })

  describe('its status', () => {
    const { object } = create(ResourceClaims, claim({ requests: [request()] }))
    const device = { driver: 'a.b', pool: 'p', device: 'd' }
    const allocation = { devices: { results: [{ request: 'gpu', ...device }] } }
    const write = (status: object, old: Frozen<ResourceV1ResourceClaim> = object) =>
      update(ResourceClaims, old, draft => (draft.status = status as never), 'status')

    test('allocated, reserved, and reported of', () => {
      const user = { resource: 'pods', name: 'p', uid: 'u' }
      const { object: held, faults } = write({ allocation, reservedFor: [user], devices: [device] })
      expect(faults).toEqual([])
      expect(cell(ResourceClaims, held, 'State')).toBe('allocated,reserved')
      // What a driver reports goes with the device.
      const freed = write({ devices: [device] }, held)
      expect(freed.object.status).toEqual({})
      const other = { devices: { results: [{ request: 'gpu', ...device, device: 'e' }] } }
      expect(write({ allocation: other }, held).faults).toEqual([
        expect.stringMatching(/^status\.allocation: Invalid value: \{.*\}: field is immutable$/),
      ])
    })

    test.each<[string, object, unknown[]]>([
      [
        'reserved for nobody, of nothing',
        { reservedFor: [{}, { resource: 'pods', name: 'p', uid: 'u' }, { resource: 'pods', name: 'q', uid: 'u' }] },
        [
          'status.reservedFor[0].resource: Required value',
          'status.reservedFor[0].name: Required value',
          'status.reservedFor[0].uid: Required value',
          'status.reservedFor[2]: Duplicate value: "u"',
          'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
        ],
      ],
      [
        'a report of a device that it does not have',
        {
          devices: [
            {
              ...device,
              shareID: 'x',
              data: 'text',
              networkData: { ips: ['10.0.0.1', '10.0.0.01/24', '::ffff:1.2.3.4/120'] },
            },
          ],
        },
        [
          'status.devices[0].shareID: Invalid value: "x": must be a lowercase UUID in 8-4-4-4-12 format',
          'status.devices[0]: Invalid value: "a.b/p/d/x": must be an allocated device in the claim',
          'status.devices[0].data: Invalid value: "<value omitted>": must be a valid JSON object',
          'status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)',
          'status.devices[0].networkData.ips[1]: Invalid value: "10.0.0.01/24": must be in canonical form ("10.0.0.1/24")',
          'status.devices[0].networkData.ips[2]: Invalid value: "::ffff:1.2.3.4/120": must be in canonical form ("1.2.3.4/24")',
        ],
      ],
      [
        'an allocation of nothing that was asked for',
        {
          allocation: {
            devices: {
              results: [{ request: 'no', driver: 'a.b', pool: '', device: 'D', bindingConditions: ['a/b'] }],
              config: [{ source: 'FromHere', opaque: { driver: 'a.b', parameters: {} } }],
            },
          },
        },
        [
          `status.allocation.devices.results[0].request: Invalid value: "no": ${ref}`,
          'status.allocation.devices.results[0].pool: Required value',
          expect.stringMatching(/^status\.allocation\.devices\.results\[0\]\.device: Invalid value: "D": a lowercase/),
          'status.allocation.devices.results[0].bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions',
          'status.allocation.devices.config[0].source: Unsupported value: "FromHere": supported values: "FromClaim", "FromClass"',
        ],
      ],
    ])('faults: %s', (_, status, expected) => {
      expect(write(status).faults).toEqual(expected)
    })

    test('none is added to those who hold a claim that is being deleted', () => {
      const old = { ...object, metadata: { ...object.metadata, deletionTimestamp: '2024-05-01T12:00:00Z' } }
      const { faults } = write({ allocation, reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }] }, old)
      expect(faults).toEqual([
        'status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
      ])
    })
  })
})

test('a template s metadata is labels and annotations only, and it never changes', () => {
  const template = (metadata: object) => ({
    metadata: { name: 'it' },
    spec: { metadata, spec: { devices: { requests: [{ name: 'a' }] } } },
  })
  expect(create(ResourceClaimTemplates, template({ labels: { 'a b': 'c' } })).faults).toEqual([
    expect.stringMatching(/^spec\.metadata\.labels: Invalid value: "a b": name part must consist of/),
    'spec.spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required',
  ])
  const { object } = create(ResourceClaimTemplates, { metadata: { name: 'it' }, spec: { spec: {} } })
  expect(
    update(ResourceClaimTemplates, object, draft => (draft.spec.metadata = { labels: { a: 'b' } })).faults,
  ).toEqual([expect.stringMatching(/^spec: Invalid value: \{.*\}: field is immutable$/)])
})

test('faults of a class', () => {
  const spec = { selectors: [{}], config: [{}], extendedResourceName: 'cpu' }
  expect(create(DeviceClasses, { metadata: { name: 'it' }, spec }).faults).toEqual([
    'spec.selectors[0].cel: Required value',
    'spec.config[0].opaque: Required value',
    'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
  ])
})

describe('ResourceSlice', () => {
  const slice = (spec: object = {}) => ({
    metadata: { name: 'it' },
    spec: { driver: 'a.b', nodeName: 'n', pool: { name: 'p', resourceSliceCount: 1 }, ...spec },
  })
  const devices = (...list: object[]) => slice({ devices: list.map((each, index) => ({ name: `d${index}`, ...each })) })

  test('amounts are written as they are everywhere, taints get their time; what is behind gates is dropped', () => {
    const { object, faults } = create(
      ResourceSlices,
      devices({
        attributes: { a: { int: 1, ints: [1] } },
        capacity: { memory: { value: '1024Mi' } },
        taints: [{ key: 'k', effect: 'NoSchedule' }],
        nodeAllocatableResourceMappings: { cpu: {} },
      }),
    )
    expect(faults).toEqual([])
    expect(object.spec.devices).toEqual([
      {
        name: 'd0',
        attributes: { a: { int: 1 } },
        capacity: { memory: { value: '1Gi' } },
        taints: [{ key: 'k', effect: 'NoSchedule', timeAdded: '2024-05-01T12:00:00Z' }],
      },
    ])
    expect(['Node', 'Driver', 'Pool'].map(name => cell(ResourceSlices, object, name))).toEqual(['n', 'a.b', 'p'])
    const moved = update(ResourceSlices, object, draft => Object.assign(draft.spec, { nodeName: 'm', driver: 'c.d' }))
    expect(moved.faults).toEqual([
      'spec.driver: Invalid value: "c.d": field is immutable',
      'spec.nodeName: Invalid value: "m": field is immutable',
    ])
  })

  const one = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
  test.each<[string, object, unknown[]]>([
    ['nowhere', slice({ nodeName: undefined }), [`spec: Required value: ${one}`]],
    [
      'everywhere and somewhere',
      slice({ allNodes: true, perDeviceNodeSelection: false, nodeSelector: { nodeSelectorTerms: [] } }),
      [
        'spec.nodeSelector.nodeSelectorTerms: Required value: must have at least one node selector term',
        'spec.nodeSelector.nodeSelectorTerms: Invalid value: []: must have exactly one node selector term',
        'spec.perDeviceNodeSelection: Invalid value: false: must be either unset or set to true',
        `spec: Invalid value: "{\`nodeName\`, \`nodeSelector\`, \`allNodes\`}": ${one}, but multiple fields are set`,
      ],
    ],
    [
      'a pool of nothing',
      slice({ pool: { name: 'a//b', generation: -1 } }),
      [
        expect.stringMatching(/^spec\.pool\.name: Invalid value: "": a lowercase/),
        'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
        'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero',
      ],
    ],
    [
      'counters and devices in one',
      slice({
        devices: [],
        sharedCounters: [
          { name: 'c', counters: {} },
          { name: 'c', counters: { M: { value: '1' } } },
        ],
      }),
      [
        'spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed',
        'spec.sharedCounters[0].counters: Required value',
        expect.stringMatching(
          /^spec\.sharedCounters\[1\]\.counters\[M\]: Invalid value: "M": a lowercase RFC 1123 label/,
        ),
        'spec.sharedCounters[1]: Duplicate value: "c"',
      ],
    ],
    [
      'attributes',
      devices({
        attributes: {
          'a.b/': { int: 1 },
          '/c': { bool: true },
          none: {},
          two: { int: 1, string: 'x'.repeat(65) },
          v: { version: '1.2' },
          [`${'x'.repeat(97)}`]: { int: 1 },
        },
      }),
      [
        'spec.devices[0].attributes[a.b/]: Invalid value: "": the name must not be empty',
        'spec.devices[0].attributes[/c]: Invalid value: "": the domain must not be empty',
        'spec.devices[0].attributes[none]: Invalid value: "": exactly one value must be specified',
        'spec.devices[0].attributes[two].string: Too long: may not be more than 64 bytes',
        expect.stringMatching(
          /^spec\.devices\[0\]\.attributes\[two\]: Invalid value: \{.*\}: exactly one value must be specified$/,
        ),
        'spec.devices[0].attributes[v].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0',
        `spec.devices[0].attributes[${'x'.repeat(47)}...${'x'.repeat(46)}]: Too long: may not be more than 32 bytes`,
      ],
    ],
    [
      'policies of capacities',
      devices(
        { capacity: { a: { value: '1', requestPolicy: {} } } },
        {
          allowMultipleAllocations: true,
          capacity: {
            a: { value: '4', requestPolicy: { validValues: ['1'], validRange: { min: '1' } } },
            b: { value: '4', requestPolicy: { validValues: ['1'] } },
            c: { value: '4', requestPolicy: { default: '3', validValues: ['2', '1', '1', '5'] } },
            d: { value: '4', requestPolicy: { default: '9', validRange: { min: '5', max: '3', step: '2' } } },
            e: { value: '4', requestPolicy: { default: '1', validRange: {} } },
          },
        },
      ),
      [
        'spec.devices[0].capacity[a].requestPolicy: Forbidden: allowMultipleAllocations must be true',
        'spec.devices[1].capacity[a].requestPolicy: Forbidden: exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time',
        'spec.devices[1].capacity[b].requestPolicy.default: Required value: required when validValues is defined',
        'spec.devices[1].capacity[c].requestPolicy.validValues[1]: Invalid value: "1": values must be sorted in ascending order',
        'spec.devices[1].capacity[c].requestPolicy.validValues[3]: Invalid value: "5": option is larger than capacity value: 4',
        'spec.devices[1].capacity[c].requestPolicy.validValues[2]: Duplicate value: "1"',
        'spec.devices[1].capacity[c].requestPolicy.validValues: Invalid value: "3": default value is not valid according to the requestPolicy',
        'spec.devices[1].capacity[d].requestPolicy.validRange.min: Invalid value: "5": min is larger than capacity value: 4',
        'spec.devices[1].capacity[d].requestPolicy.validRange.max: Invalid value: "5": min is larger than max: 3',
        'spec.devices[1].capacity[d].requestPolicy.validRange.max: Invalid value: "9": default is more than max: 3',
        'spec.devices[1].capacity[d].requestPolicy.validRange.step: Invalid value: "2": one step 7 is larger than capacity value: 4',
        'spec.devices[1].capacity[e].requestPolicy.validRange.min: Required value: required when validRange is defined',
      ],
    ],
    [
      'devices that say where they are, though the slice does',
      devices({ nodeName: 'm' }),
      [
        'spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
      ],
    ],
    [
      'taints, bindings and counters',
      devices({
        taints: [{ key: '', effect: 'Never' }],
        bindingConditions: ['a', 'a'],
        bindingFailureConditions: ['a'],
        consumesCounters: [{ counterSet: '' }],
      }),
      [
        'spec.devices[0].taints[0].key: Invalid value: "": name part must be non-empty',
        expect.stringMatching(/^spec\.devices\[0\]\.taints\[0\]\.key: Invalid value: "": name part must consist of/),
        'spec.devices[0].taints[0].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "None"',
        'spec.devices[0].consumesCounters[0].counterSet: Required value',
        'spec.devices[0].consumesCounters[0].counters: Required value',
        'spec.devices[0].bindingConditions[1]: Duplicate value: "a"',
        'spec.devices[0].bindingFailureConditions[0]: Invalid value: "a": bindingFailureConditions must not overlap with bindingConditions',
      ],
    ],
    [
      'fewer devices where there are taints',
      devices(...Array.from({ length: 65 }, () => ({ taints: [{ key: 'k', effect: 'None' }] }))),
      ['spec.devices: Too many: 65: must have at most 64 items'],
    ],
  ])('faults: %s', (_, object, expected) => {
    expect(create(ResourceSlices, JSON.parse(JSON.stringify(object))).faults).toEqual(expected)
  })
})

test('the time of a taint rule s effect is when it came, unless the user says another', () => {
  const { object, faults } = create(DeviceTaintRules, {
    metadata: { name: 'it' },
    spec: { taint: { key: 'k', effect: 'NoSchedule', timeAdded: '2024-01-01T00:00:00Z' } },
    status: { conditions: [{}] },
  })
  expect(faults).toEqual([])
  expect(object.status).toEqual({})
  const changed = update(DeviceTaintRules, object, draft => (draft.spec.taint.effect = 'NoExecute'))
  expect(changed.object.spec.taint.timeAdded).toBe('2024-05-01T12:00:00Z')
  const said = update(DeviceTaintRules, object, draft =>
    Object.assign(draft.spec.taint, { effect: 'NoExecute', timeAdded: '2024-03-01T00:00:00Z' }),
  )
  expect(said.object.spec.taint.timeAdded).toBe('2024-03-01T00:00:00Z')
  const { faults: wrong } = create(DeviceTaintRules, {
    metadata: { name: 'it' },
    spec: { deviceSelector: { driver: 'A_B', pool: '', device: 'd.e' }, taint: { key: 'k' } },
  })
  expect(wrong).toEqual([
    expect.stringMatching(/^spec\.deviceSelector\.driver: Invalid value: "A_B": a lowercase RFC 1123 subdomain/),
    'spec.deviceSelector.pool: Required value',
    'spec.deviceSelector.device: Invalid value: "d.e": must not contain dots',
    'spec.taint.effect: Required value',
  ])
})

describe('older versions', () => {
  test('a claim of v1beta1 is what it asks for, and is judged and shown like any other', () => {
    const { object, faults } = create(
      ResourceClaimsV1beta1,
      claim({ requests: [{ name: 'gpu', deviceClassName: 'c' }] }),
    )
    expect(faults).toEqual([])
    expect(object.spec.devices?.requests).toEqual([
      { name: 'gpu', deviceClassName: 'c', allocationMode: 'ExactCount', count: 1 },
    ])
    expect(cell(ResourceClaimsV1beta1, object, 'State')).toBe('pending')
    const { toStored, fromStored, kind } = ResourceClaimsV1beta1.storedAs!
    expect(kind).toBe(ResourceClaims)
    const stored = toStored(object as never, undefined) as ResourceV1ResourceClaim
    expect(stored).toMatchObject({
      apiVersion: 'resource.k8s.io/v1',
      spec: {
        devices: {
          requests: [{ name: 'gpu', exactly: { deviceClassName: 'c', allocationMode: 'ExactCount', count: 1 } }],
        },
      },
    })
    expect(fromStored(stored as never)).toEqual(object)
    // As upstream, whose rules see the newer form.
    expect(create(ResourceClaimsV1beta1, claim({ requests: [{ name: 'gpu' }] })).faults).toEqual([
      'spec.devices.requests[0].exactly.deviceClassName: Required value',
    ])
  })

  test('v1beta2 has the fields of v1', () => {
    const { object, faults } = create(ResourceClaimsV1beta2, claim({ requests: [request()] }))
    expect(faults).toEqual([])
    expect(ResourceClaimsV1beta2.storedAs!.toStored(object as never, undefined)).toEqual({
      ...object,
      apiVersion: 'resource.k8s.io/v1',
    })
  })

  test('a device of v1beta1 is a basic one', () => {
    const { object, faults } = create(ResourceSlicesV1beta1, {
      metadata: { name: 'it' },
      spec: {
        driver: 'a.b',
        allNodes: true,
        pool: { name: 'p', resourceSliceCount: 1 },
        devices: [{ name: 'd', basic: { capacity: { memory: { value: '1024Mi' } } } }],
      },
    })
    expect(faults).toEqual([])
    expect(object.spec.devices).toEqual([{ name: 'd', basic: { capacity: { memory: { value: '1Gi' } } } }])
  })

  // Whatever stands in an object, known to these functions or not, comes back.
  const any = fc.dictionary(fc.constantFrom('a', 'selectors', 'count', 'opaque'), fc.jsonValue(), { maxKeys: 3 })
  const exactly = any.filter(each => Object.keys(each).length > 0)
  const requests = fc.array(
    fc.record({ name: fc.string(), exactly, firstAvailable: fc.array(any) }, { requiredKeys: ['name'] }),
  )
  const rest = { kind: fc.constant('K'), metadata: any, status: any }

  test('nothing is lost on the way to v1beta1 and back', () => {
    const spec = fc.record(
      { devices: fc.record({ requests, config: fc.array(any) }, { requiredKeys: [] }) },
      { requiredKeys: [] },
    )
    const newer = fc.constant('resource.k8s.io/v1')
    fc.assert(
      fc.property(fc.record({ apiVersion: newer, ...rest, spec }), object => {
        expect(claimFromV1beta1(claimToV1beta1(object as never))).toEqual(object)
      }),
    )
    fc.assert(
      fc.property(fc.record({ apiVersion: newer, ...rest, spec: fc.record({ metadata: any, spec }) }), object => {
        expect(templateFromV1beta1(templateToV1beta1(object as never))).toEqual(object)
      }),
    )
    const devices = fc.array(any.map(each => ({ name: 'd', ...each })))
    fc.assert(
      fc.property(fc.record({ apiVersion: newer, ...rest, spec: fc.record({ devices, pool: any }) }), object => {
        expect(sliceFromV1beta1(sliceToV1beta1(object as never))).toEqual(object)
      }),
    )
  })
})

// What a body is refused for, and what becomes of what is let through: in the words and forms of a real API server.
// Sources: kubernetes-sigs/json decode.go and kubernetes_patch.go; apiserver/pkg/endpoints/handlers/{rest,create}.go.

import { describe, expect, test } from 'vitest'
import { decode, decodeBody, type FieldValidation } from '../../apiserver/registry/validate.ts'
import { ApiError } from '../../src/api/errors.ts'
import { Deployments, Events, Leases, Pods, Secrets, Services } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'

function outcome(kind: Kind<any>, body: unknown, validation: FieldValidation = 'Strict') {
  const warnings: string[] = []
  const object: any = decode(kind, body, validation, text => warnings.push(text))
  return { object, warnings }
}

function refusal(kind: Kind<any>, body: unknown, validation: FieldValidation = 'Strict'): string {
  try {
    outcome(kind, body, validation)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    expect(error.code).toBe(400)
    return error.message
  }
  throw new Error('it was let through')
}

const deployment = (spec: object) => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec })
const container = (over: object) =>
  deployment({ template: { spec: { containers: [{ name: 'a', image: 'b', ...over }] } } })
const cannot = 'Deployment in version "v1" cannot be handled as a Deployment: '

describe('a wrong type is refused in the words of Go', () => {
  test.each([
    [
      deployment({ replicas: 'three' }),
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      deployment({ replicas: 1.5 }),
      'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      deployment({ replicas: 3000000000 }),
      'json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      deployment({ paused: 'yes' }),
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool',
    ],
    [
      deployment({ selector: [] }),
      'json: cannot unmarshal array into Go struct field DeploymentSpec.spec.selector of type v1.LabelSelector',
    ],
    [
      deployment('x' as never),
      'json: cannot unmarshal string into Go struct field Deployment.spec of type v1.DeploymentSpec',
    ],
    [
      container({ env: [{ name: 'PORT', value: 7070 }] }),
      'json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string',
    ],
    [
      container({ env: {} }),
      'json: cannot unmarshal object into Go struct field Container.spec.template.spec.containers.env of type []v1.EnvVar',
    ],
    [
      container({ args: ['a', 1] }),
      'json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.args of type string',
    ],
    [
      container({ imagePullPolicy: true }),
      'json: cannot unmarshal bool into Go struct field Container.spec.template.spec.containers.imagePullPolicy of type v1.PullPolicy',
    ],
    [
      container({ securityContext: { capabilities: { add: [1] } } }),
      'json: cannot unmarshal number into Go struct field Capabilities.spec.template.spec.containers.securityContext.capabilities.add of type v1.Capability',
    ],
    [
      container({ resources: { limits: 'much' } }),
      'json: cannot unmarshal string into Go struct field ResourceRequirements.spec.template.spec.containers.resources.limits of type v1.ResourceList',
    ],
    [
      container({ resources: { limits: { cpu: 'much' } } }),
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      container({ resources: { limits: { cpu: '1z' } } }),
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [container({ resources: { limits: { cpu: '1mm' } } }), "unable to parse quantity's suffix"],
    [
      deployment({ strategy: { rollingUpdate: { maxSurge: 1.5 } } }),
      'json: cannot unmarshal number 1.5 into Go struct field RollingUpdateDeployment.spec.strategy.rollingUpdate.maxSurge of type int32',
    ],
    [
      deployment({ strategy: { rollingUpdate: { maxSurge: true } } }),
      'json: cannot unmarshal bool into Go struct field RollingUpdateDeployment.spec.strategy.rollingUpdate.maxSurge of type int32',
    ],
    [
      { ...deployment({}), metadata: { labels: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      { ...deployment({}), metadata: { uid: 1 } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.uid of type types.UID',
    ],
    [
      { ...deployment({}), metadata: { creationTimestamp: 5 } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string',
    ],
  ])('%j', (body, message) => {
    expect(refusal(Deployments, body)).toBe(cannot + message)
    expect(refusal(Deployments, structuredClone(body), 'Ignore')).toBe(cannot + message)
  })

  test('the first fault is told, but a fault of a quantity or time ends decoding and is told before all', () => {
    expect(refusal(Deployments, deployment({ replicas: 'a', paused: 1 }))).toMatch(/spec\.replicas of type int32$/)
    expect(
      refusal(Deployments, { ...deployment({ replicas: 'a' }), status: { conditions: [{ lastUpdateTime: 'x' }] } }),
    ).toMatch(/parsing time "x"/)
  })

  test('bytes that are not base64 are refused at the place where Go stops', () => {
    const secret = (data: string) => ({ apiVersion: 'v1', kind: 'Secret', data: { key: data } })
    const fault = (data: string) => refusal(Secrets, secret(data)).split('handled as a Secret: ')[1]
    expect(fault('not base64!')).toBe('illegal base64 data at input byte 3')
    expect(fault('YWJ')).toBe('illegal base64 data at input byte 0')
    expect(fault('YWJjYQ=')).toBe('illegal base64 data at input byte 7')
    expect(fault('YQ==x')).toBe('illegal base64 data at input byte 4')
    expect(outcome(Secrets, secret('YW\nJj')).object.data).toEqual({ key: 'YWJj' })
  })
})

describe('a time is read as Go reads it', () => {
  const lease = (renewTime: string) => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec: { renewTime } })
  const event = (firstTimestamp: string) => ({ apiVersion: 'v1', kind: 'Event', firstTimestamp })

  test.each([
    ['2024-05-01T12:00:00Z', '2024-05-01T12:00:00Z'],
    ['2024-05-01T14:00:00+02:00', '2024-05-01T12:00:00Z'],
    ['2024-05-01T12:00:00.75Z', '2024-05-01T12:00:00Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
  ])('%s', (text, read) => {
    expect(outcome(Events, event(text)).object.firstTimestamp).toBe(read)
  })

  test.each([
    ['soon', 'parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"'],
    ['2024-05-01', 'parsing time "2024-05-01" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'],
    [
      '2024-05-01 12:00:00Z',
      'parsing time "2024-05-01 12:00:00Z" as "2006-01-02T15:04:05Z07:00": cannot parse " 12:00:00Z" as "T"',
    ],
    ['2024-13-01T00:00:00Z', 'parsing time "2024-13-01T00:00:00Z": month out of range'],
    ['2023-02-29T00:00:00Z', 'parsing time "2023-02-29T00:00:00Z": day out of range'],
    ['2024-05-01T24:00:00Z', 'parsing time "2024-05-01T24:00:00Z": hour out of range'],
    [
      '2024-05-01T12:00:00',
      'parsing time "2024-05-01T12:00:00" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"',
    ],
    ['2024-05-01T12:00:00Zulu', 'parsing time "2024-05-01T12:00:00Zulu": extra text: "ulu"'],
  ])('%s is refused', (text, message) => {
    expect(refusal(Events, event(text))).toBe(`Event in version "v1" cannot be handled as a Event: ${message}`)
  })

  test('a MicroTime wants its six decimals', () => {
    expect(outcome(Leases, lease('2024-05-01T14:00:00.123456+02:00')).object.spec.renewTime).toBe(
      '2024-05-01T12:00:00.123456Z',
    )
    expect(refusal(Leases, lease('2024-05-01T12:00:00Z'))).toBe(
      'Lease in version "v1" cannot be handled as a Lease: parsing time "2024-05-01T12:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
    )
  })
})

describe('unknown fields', () => {
  const body = () => ({
    ...deployment({
      foo: 1,
      replicas: 2,
      template: { spec: { containers: [{ name: 'a', image: 'b', ports: [{ bar: 1 }] }] } },
    }),
    extra: {},
  })
  const lines = [
    'unknown field "spec.foo"',
    'unknown field "spec.template.spec.containers[0].ports[0].bar"',
    'unknown field "extra"',
  ]

  test('Strict refuses them all in one sentence', () => {
    expect(refusal(Deployments, body())).toBe(`${cannot}strict decoding error: ${lines.join(', ')}`)
  })
  test('Warn warns of each and leaves it out', () => {
    const { object, warnings } = outcome(Deployments, body(), 'Warn')
    expect(warnings).toEqual(lines)
    expect(object.spec).toEqual({
      replicas: 2,
      template: { spec: { containers: [{ name: 'a', image: 'b', ports: [{}] }] } },
    })
    expect(object).not.toHaveProperty('extra')
  })
  test('Ignore only leaves them out', () => {
    const { object, warnings } = outcome(Deployments, body(), 'Ignore')
    expect(warnings).toEqual([])
    expect(object.spec.foo).toBeUndefined()
  })
  test('names of every object’s own members are as unknown as others', () => {
    const text = '{"apiVersion":"v1","kind":"Pod","spec":{"constructor":1,"__proto__":{"a":1},"toString":2}}'
    expect(refusal(Pods, JSON.parse(text))).toBe(
      'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.constructor", unknown field "spec.__proto__", unknown field "spec.toString"',
    )
  })
  test('keys of maps are never unknown', () => {
    const labels = JSON.parse('{"constructor":"a","__proto__":"b","x":"y"}')
    const body = { ...deployment({ replicas: null }), metadata: { name: 'web', labels } }
    expect(Object.entries(outcome(Deployments, body).object.metadata.labels)).toEqual([
      ['constructor', 'a'],
      ['__proto__', 'b'],
      ['x', 'y'],
    ])
  })
})

describe('what is let through', () => {
  test('is the body itself when it is in order', () => {
    const body = deployment({ replicas: 1 })
    expect(outcome(Deployments, body).object).toBe(body)
  })
  test('has null members left out, as Go has them', () => {
    const body = {
      ...container({ env: null, args: [null], resources: { limits: { cpu: null } } }),
      metadata: { name: 'web', creationTimestamp: null },
    }
    const { object } = outcome(Deployments, body)
    expect(object.metadata).toEqual({ name: 'web' })
    expect(object.spec.template.spec.containers).toEqual([
      { name: 'a', image: 'b', args: [''], resources: { limits: { cpu: '0' } } },
    ])
    expect(body.metadata.creationTimestamp).toBeNull()
  })
  test('has its quantities in canonical form, numbers among them', () => {
    const limits = { cpu: 0.5, memory: '1024Mi', storage: '1500Mi', pods: 2000, x: '1500m' }
    const { object } = outcome(Deployments, container({ resources: { limits } }))
    expect(object.spec.template.spec.containers[0].resources.limits).toEqual({
      cpu: '500m',
      memory: '1Gi',
      storage: '1500Mi',
      pods: '2k',
      x: '1500m',
    })
  })
  test('always has what Go always writes', () => {
    expect(outcome(Pods, {}).object).toEqual({ apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: {}, status: {} })
    expect(outcome(Secrets, {}).object).toEqual({ apiVersion: 'v1', kind: 'Secret', metadata: {} })
  })
})

describe('kind and version', () => {
  test('another version of a known kind is refused', () => {
    expect(refusal(Events, { apiVersion: 'events.k8s.io/v1', kind: 'Event' })).toBe(
      'the API version in the data (events.k8s.io/v1) does not match the expected API version (v1)',
    )
  })
  test('another kind is refused', () => {
    expect(refusal(Pods, { apiVersion: 'v1', kind: 'Service' })).toBe(
      'Service in version "v1" cannot be handled as a Pod: converting (v1.Service) to (core.Pod): unknown conversion',
    )
  })
  test('a kind that nobody knows is refused', () => {
    expect(refusal(Services, { apiVersion: 'v1', kind: 'Servic' })).toMatch(
      /^Servic in version "v1" cannot be handled as a Service: no kind "Servic" is registered for version "v1" in scheme/,
    )
  })
  test('what is no object at all is refused', () => {
    expect(refusal(Pods, [1])).toMatch(
      /^the object provided is unrecognized \(must be of type Pod\): couldn't get version\/kind; .*\(5b315d\)$/,
    )
  })
  test('the body of a subresource is checked by its own name', () => {
    const scale = { group: 'autoscaling', version: 'v1', kind: 'Scale' }
    expect(() => decodeBody(scale, { spec: { replicas: 'x' } }, 'Strict', () => {})).toThrow(
      'Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal string into Go struct field ScaleSpec.spec.replicas of type int32',
    )
  })
})

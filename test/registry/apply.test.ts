// Server-side apply and managed fields through the registry, kind by kind. Words and rules: apiserver
// pkg/endpoints/handlers/patch.go, apimachinery pkg/util/managedfields/internal, and what test/integration/apiserver/apply has.

import { describe, expect, test } from 'vitest'
import { wholeObject } from '../../apiserver/registry/collection.ts'
import type { Reading, RequestInfo } from '../../apiserver/registry/registry.ts'
import type { ManagedFieldsEntry, ObjectMeta } from '../../src/api/meta.ts'
import type { WriteOptions } from '../../src/client/client.ts'
import { ConfigMaps, Deployments, Events, EventsV1, Pods, Services } from '../../src/kinds/index.ts'
import type { Kind, Subresource } from '../../src/kinds/kind.ts'
import { inDefault, refusal, type TestServer, testServer } from './harness.ts'

const where = { namespace: 'default' }

function configMap(name: string, data: Record<string, unknown>, metadata: Partial<ObjectMeta> = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', ...metadata }, data }
}

function deployment(
  spec: Record<string, unknown> = {},
  containers: readonly object[] = [{ name: 'web', image: 'nginx' }],
) {
  const labels = { app: 'web' }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', labels },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } }, ...spec },
  }
}

interface Cluster extends TestServer {
  apply(kind: Kind<any>, body: any, options?: WriteOptions, subresource?: Subresource): Promise<Reading>
}

async function cluster(): Promise<Cluster> {
  const server = await testServer()
  return {
    ...server,
    async apply(kind, body, options, subresource) {
      const patch = { type: 'apply', body: structuredClone(body) } as const
      const sent = { fieldManager: 'applier', ...options }
      const ref = inDefault(body.metadata?.name ?? 'web')
      return (await server.of(kind).patch(ref, patch, sent, server.info, subresource)).reading
    },
  }
}

const entriesOf = (reading: Reading): ManagedFieldsEntry[] => [
  ...((wholeObject(reading).metadata.managedFields ?? []) as ManagedFieldsEntry[]),
]
const ownersOf = (reading: Reading): string[] =>
  entriesOf(reading).map(({ manager, operation, subresource }) =>
    [manager, operation, subresource].filter(Boolean).join(' '),
  )
const fieldsOf = (reading: Reading, manager: string): unknown =>
  entriesOf(reading).find(entry => entry.manager === manager)?.fieldsV1

describe('create by apply', () => {
  test('answers 201, and the applier owns what it named and nothing the server filled in', async () => {
    const { of, info } = await cluster()
    const patch = { type: 'apply', body: deployment({ replicas: 2 }) } as const
    const wrote = await of(Deployments).patch(inDefault('web'), patch, { fieldManager: 'applier' }, info)
    expect(wrote.code).toBe(201)
    expect(wrote.reading.object).toMatchObject({
      spec: { replicas: 2, progressDeadlineSeconds: 600 },
      metadata: { generation: 1 },
    })
    expect(entriesOf(wrote.reading)).toEqual([
      {
        manager: 'applier',
        operation: 'Apply',
        apiVersion: 'apps/v1',
        time: '2024-01-01T00:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:selector': {},
            'f:template': {
              'f:metadata': { 'f:labels': { 'f:app': {} } },
              'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {}, 'f:name': {} } } },
            },
          },
        },
      },
    ])
  })

  test('a dry run shows it and keeps nothing', async () => {
    const { apply, of } = await cluster()
    const reading = await apply(ConfigMaps, configMap('a', { a: '1' }), { dryRun: true })
    expect(ownersOf(reading)).toEqual(['applier Apply'])
    expect(() => of(ConfigMaps).get(inDefault('a'))).toThrow('configmaps "a" not found')
  })

  test('a uid in the configuration is of an object that should be there', async () => {
    const { apply } = await cluster()
    const error = await refusal(apply(ConfigMaps, configMap('a', {}, { uid: 'u1' })))
    expect(error).toMatchObject({ reason: 'Conflict', code: 409 })
    expect(error.message).toBe(
      'Operation cannot be fulfilled on configmaps "a": uid mismatch: the provided object specified uid u1, and no existing object was found',
    )
  })

  test('what is at fault in the outcome is refused as in any create', async () => {
    const { apply } = await cluster()
    const error = await refusal(apply(Deployments, deployment({}, [{ name: 'web' }])))
    expect(error.message).toBe(
      'Deployment.apps "web" is invalid: spec.template.spec.containers[0].image: Required value',
    )
  })

  test('an event comes into being in the version in which it is applied', async () => {
    const { of, info } = await cluster()
    const body = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'e', namespace: 'default' },
      eventTime: '2024-01-01T00:00:00.000000Z',
      regarding: { kind: 'Pod', name: 'web', namespace: 'default' },
      reason: 'Started',
      type: 'Normal',
      action: 'Start',
      reportingController: 'example.com/test',
      reportingInstance: 'test-1',
    }
    await of(EventsV1).patch(inDefault('e'), { type: 'apply', body }, { fieldManager: 'one' }, info)
    const merge = { type: 'merge', body: { reason: 'Stopped' } } as const
    const wrote = await of(Events).patch(inDefault('e'), merge, { fieldManager: 'two' }, info)
    expect(fieldsOf(wrote.reading, 'two')).toEqual({ 'f:reason': {} })
    expect(fieldsOf(wrote.reading, 'one')).not.toHaveProperty(['f:reason'])
    expect(fieldsOf(wrote.reading, 'one')).toHaveProperty(['f:regarding'])
  })
})

describe('conflicts', () => {
  test('name the manager, its version and each field, and change nothing', async () => {
    const { apply, of, info } = await cluster()
    await of(Deployments).create(deployment({ replicas: 1 }), where, { fieldManager: 'kubectl-create' }, info)
    const error = await refusal(apply(Deployments, deployment({ replicas: 3 }, [{ name: 'web', image: 'caddy' }])))
    expect(error).toMatchObject({ reason: 'Conflict', code: 409 })
    expect(error.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "kubectl-create" using apps/v1:\n' +
        '- .spec.replicas\n- .spec.template.spec.containers[name="web"].image',
    )
    expect(error.details).toEqual({
      causes: ['.spec.replicas', '.spec.template.spec.containers[name="web"].image'].map(field => ({
        reason: 'FieldManagerConflict',
        message: 'conflict with "kubectl-create" using apps/v1',
        field,
      })),
    })
    const one = await refusal(apply(Deployments, deployment({ replicas: 3 })))
    expect(one.message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl-create" using apps/v1: .spec.replicas',
    )
    expect(of(Deployments).get(inDefault('web')).object).toMatchObject({ spec: { replicas: 1 } })
  })

  test('with an applier its version is of no account; a subresource is named', async () => {
    const { apply, of, info } = await cluster()
    await apply(Deployments, deployment({ replicas: 1 }), { fieldManager: 'one' })
    const other = await refusal(apply(Deployments, deployment({ replicas: 2 }), { fieldManager: 'two' }))
    expect(other.message).toBe('Apply failed with 1 conflict: conflict with "one": .spec.replicas')
    const scale = { type: 'merge', body: { spec: { replicas: 5 } } } as const
    await of(Deployments).patch(inDefault('web'), scale, { fieldManager: 'scaler' }, info, 'scale')
    const scaled = await refusal(apply(Deployments, deployment({ replicas: 1 }), { fieldManager: 'one' }))
    expect(scaled.message).toBe(
      'Apply failed with 1 conflict: conflict with "scaler" with subresource "scale" using apps/v1: .spec.replicas',
    )
  })

  test('force takes the field, and whoever had it has it no more', async () => {
    const { apply } = await cluster()
    await apply(ConfigMaps, configMap('a', { a: '1', b: '1' }), { fieldManager: 'one' })
    const reading = await apply(ConfigMaps, configMap('a', { a: '2' }), { fieldManager: 'two', force: true })
    expect(reading.object).toMatchObject({ data: { a: '2', b: '1' } })
    expect(fieldsOf(reading, 'one')).toEqual({ 'f:data': { 'f:b': {} } })
    expect(fieldsOf(reading, 'two')).toEqual({ 'f:data': { 'f:a': {} } })
  })
})

describe('what is applied no more', () => {
  test('is removed, defaulted again, or stays with who else owns it', async () => {
    const { apply } = await cluster()
    await apply(Deployments, deployment({ replicas: 3, minReadySeconds: 5, revisionHistoryLimit: 3 }))
    await apply(Deployments, deployment({ replicas: 3 }), { fieldManager: 'other' })
    const reading = await apply(Deployments, deployment())
    expect(reading.object).toMatchObject({ spec: { replicas: 3, revisionHistoryLimit: 10 } })
    expect(reading.object).not.toHaveProperty('spec.minReadySeconds')
    expect(reading.object.metadata.generation).toBe(2)
  })

  test('a container, a port, a label, each goes by itself', async () => {
    const { apply } = await cluster()
    const side = { name: 'side', image: 'busybox' }
    await apply(Deployments, deployment({}, [{ name: 'web', image: 'nginx', ports: [{ containerPort: 80 }] }, side]))
    const reading = await apply(Deployments, deployment({}, [{ name: 'web', image: 'nginx' }]))
    const { containers } = (reading.object as any).spec.template.spec
    expect(containers).toHaveLength(1)
    expect(containers[0]).not.toHaveProperty('ports')
  })
})

describe('an apply that changes nothing', () => {
  test('writes nothing', async () => {
    const { apply, env, storage } = await cluster()
    const first = await apply(Deployments, deployment({ replicas: 2 }))
    await env.clock.advance(60_000)
    const { revision } = storage
    const second = await apply(Deployments, deployment({ replicas: 2 }))
    expect(storage.revision).toBe(revision)
    expect(wholeObject(second)).toEqual(wholeObject(first))
  })

  test('by somebody else is written: he owns it, too', async () => {
    const { apply, storage } = await cluster()
    await apply(ConfigMaps, configMap('a', { a: '1' }), { fieldManager: 'one' })
    const { revision } = storage
    const reading = await apply(ConfigMaps, configMap('a', { a: '1' }), { fieldManager: 'two' })
    expect(storage.revision).toBe(revision + 1)
    expect(ownersOf(reading)).toEqual(['two Apply', 'one Apply'])
  })
})

describe('refusals', () => {
  const cases: readonly [string, (body: any) => unknown, Partial<{ code: number; message: string }>][] = [
    ['of no type', ({ metadata }) => ({ metadata }), { code: 400, message: 'invalid object type: /, Kind=' }],
    [
      'of another kind',
      body => ({ ...body, kind: 'Secret' }),
      { code: 400, message: 'invalid object type: /v1, Kind=Secret' },
    ],
    [
      'with managed fields',
      body => ({ ...body, metadata: { ...body.metadata, managedFields: [] } }),
      { code: 400, message: 'metadata.managedFields must be nil' },
    ],
    [
      'with an unknown field',
      body => ({ ...body, foo: 1 }),
      {
        code: 500,
        message:
          'failed to create typed patch object (default/a; /v1, Kind=ConfigMap): .foo: field not declared in schema',
      },
    ],
    [
      'of another name',
      body => ({ ...body, metadata: { ...body.metadata, name: 'b' } }),
      { code: 400, message: 'the name of the object (b) does not match the name on the URL (a)' },
    ],
    [
      'of another namespace',
      body => ({ ...body, metadata: { name: 'a', namespace: 'kube-system' } }),
      {
        code: 400,
        message: 'the namespace of the provided object does not match the namespace sent on the request',
      },
    ],
    [
      'that is a list',
      () => [],
      {
        code: 400,
        message:
          'error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}',
      },
    ],
    [
      'of an older version',
      body => ({ ...body, metadata: { ...body.metadata, resourceVersion: '1' }, data: { a: '2' } }),
      {
        code: 409,
        message:
          'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
      },
    ],
  ]
  test.each(cases)('a configuration %s', async (_, made, expected) => {
    const { apply, of, info } = await cluster()
    const body = configMap('a', { a: '1' })
    await apply(ConfigMaps, body)
    const patch = { type: 'apply', body: made(structuredClone(body)) } as const
    const error = await refusal(of(ConfigMaps).patch(inDefault('a'), patch, { fieldManager: 'applier' }, info))
    expect(error).toMatchObject(expected)
  })

  test('what upstream made no API error of has no reason', async () => {
    const { apply } = await cluster()
    const error = await refusal(apply(ConfigMaps, { ...configMap('a', {}), foo: 1 }))
    expect(error.toStatus()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: error.message,
      code: 500,
    })
  })

  test('there is no creating through a subresource', async () => {
    const { apply } = await cluster()
    const error = await refusal(apply(Deployments, deployment(), {}, 'status'))
    expect(error.message).toBe('deployments.apps "web" not found')
  })
})

describe('updates and patches', () => {
  test('each writer has an entry for its operation, version and subresource', async () => {
    const { apply, of, info } = await cluster()
    await apply(Deployments, deployment({ replicas: 1 }))
    const label = { type: 'merge', body: { metadata: { labels: { tier: 'front' } } } } as const
    await of(Deployments).patch(inDefault('web'), label, { fieldManager: 'applier' }, info)
    const status = { type: 'merge', body: { status: { replicas: 1 }, spec: { replicas: 9 } } } as const
    await of(Deployments).patch(inDefault('web'), status, { fieldManager: 'applier' }, info, 'status')
    const reading = of(Deployments).get(inDefault('web'))
    expect(ownersOf(reading)).toEqual(['applier Apply', 'applier Update', 'applier Update status'])
    expect(
      entriesOf(reading)
        .slice(1)
        .map(({ fieldsV1 }) => fieldsV1),
    ).toEqual([{ 'f:metadata': { 'f:labels': { 'f:tier': {} } } }, { 'f:status': { 'f:replicas': {} } }])
    expect(reading.object).toMatchObject({ spec: { replicas: 1 } })
  })

  test('the manager is the first word of the user agent when none is named', async () => {
    const { of, info } = await cluster()
    const as = async (name: string, userAgent: string | undefined) => {
      const sent: RequestInfo = { ...info, userAgent }
      const { reading } = await of(ConfigMaps).create(configMap(name, { a: '1' }), where, {}, sent)
      return ownersOf(reading)
    }
    expect(await as('a', 'curl/8.5.0')).toEqual(['curl Update'])
    expect(await as('b', 'my tool\u0007 (linux)')).toEqual(['my tool (linux) Update'])
    expect(await as('c', undefined)).toEqual(['unknown Update'])
    expect(await as('d', `${'é'.repeat(100)}/1`)).toEqual([`${'é'.repeat(64)} Update`])
  })

  test('what is written as it was takes nothing, and the time of an entry stays', async () => {
    const { of, info, env, storage } = await cluster()
    const { reading } = await of(ConfigMaps).create(configMap('a', { a: '1' }), where, { fieldManager: 'one' }, info)
    await env.clock.advance(60_000)
    const { revision } = storage
    const same = JSON.parse(reading.bytes.toString())
    const again = await of(ConfigMaps).update(inDefault('a'), same, { fieldManager: 'two' }, info)
    expect(storage.revision).toBe(revision)
    expect(ownersOf(again.reading)).toEqual(['one Update'])
    const changed = { ...same, data: { a: '1', b: '2' } }
    const wrote = await of(ConfigMaps).update(inDefault('a'), changed, { fieldManager: 'two' }, info)
    expect(entriesOf(wrote.reading).map(({ manager, time }) => [manager, time])).toEqual([
      ['one', '2024-01-01T00:00:00Z'],
      ['two', '2024-01-01T00:01:00Z'],
    ])
  })

  test('a status that the main resource does not hear of is nobody’s', async () => {
    const { of, info } = await cluster()
    const body = { ...deployment(), status: { replicas: 7 } }
    const { reading } = await of(Deployments).create(body, where, { fieldManager: 'one' }, info)
    expect(fieldsOf(reading, 'one')).not.toHaveProperty(['f:status'])
  })

  test('what Go always writes is not taken by who creates the object', async () => {
    const { of, info } = await cluster()
    const { reading } = await of(Deployments).create(deployment(), where, { fieldManager: 'one' }, info)
    const { 'f:spec': spec } = fieldsOf(reading, 'one') as any
    expect(spec['f:template']).not.toHaveProperty(['.'])
    expect(spec['f:strategy']).not.toHaveProperty(['.'])
    expect(spec['f:strategy']['f:rollingUpdate']).toHaveProperty(['.'])
    const container = spec['f:template']['f:spec']['f:containers']['k:{"name":"web"}']
    expect(Object.keys(container)).toEqual([
      '.',
      'f:image',
      'f:imagePullPolicy',
      'f:name',
      'f:resources',
      'f:terminationMessagePath',
      'f:terminationMessagePolicy',
    ])
  })

  test('a deletion and a binding leave the owners as they are', async () => {
    const { of, info } = await cluster()
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'default', finalizers: ['example.com/x'] },
      spec: { containers: [{ name: 'web', image: 'nginx' }] },
    }
    const { reading } = await of(Pods).create(pod, where, { fieldManager: 'one' }, info)
    const before = entriesOf(reading)
    const binding = { metadata: { name: 'web' }, target: { kind: 'Node', name: 'n' } }
    await of(Pods).act(inDefault('web'), 'binding', binding, { fieldManager: 'kube-scheduler' }, info)
    await of(Pods).delete(inDefault('web'), {}, info)
    expect(entriesOf(of(Pods).get(inDefault('web')))).toEqual(before)
  })
})

describe('managed fields in a body', () => {
  const owned = async () => {
    const server = await cluster()
    const { reading } = await server
      .of(ConfigMaps)
      .create(configMap('a', { a: '1' }), where, { fieldManager: 'one' }, server.info)
    const whole = JSON.parse(reading.bytes.toString())
    const update = async (managedFields: unknown, data = { a: '1' }) => {
      const body = { ...whole, data, metadata: { ...whole.metadata, resourceVersion: '', managedFields } }
      return (await server.of(ConfigMaps).update(inDefault('a'), body, { fieldManager: 'two' }, server.info)).reading
    }
    return { ...server, whole, update }
  }

  test.each([[[]], [[{}]]])('%j forgets them', async given => {
    const { update } = await owned()
    expect(ownersOf(await update(given))).toEqual([])
    // What is not tracked any more is not until it is applied.
    expect(ownersOf(await update([], { a: '2' }))).toEqual([])
  })

  test('a merge patch and a JSON patch forget them, too', async () => {
    for (const patch of [
      { type: 'merge', body: { metadata: { managedFields: [{}] } } },
      { type: 'json', body: [{ op: 'replace', path: '/metadata/managedFields', value: [{}] }] },
      {
        type: 'json',
        body: [
          { op: 'remove', path: '/metadata/managedFields/0/time' },
          { op: 'replace', path: '/metadata/managedFields', value: [] },
        ],
      },
    ] as const) {
      const { of, info } = await owned()
      const { reading } = await of(ConfigMaps).patch(inDefault('a'), patch, { fieldManager: 'two' }, info)
      expect(ownersOf(reading)).toEqual([])
    }
  })

  test.each([
    [undefined],
    [null],
    [[{ manager: 'x', operation: 'Remove', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} }]],
    [[{ manager: 'x', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: {} }]],
    [[{ manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV2', fieldsV1: {} }]],
    [[{ manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'k:{': {} } }]],
  ])('%j is not heard', async given => {
    const { update } = await owned()
    expect(ownersOf(await update(given))).toEqual(['one Update'])
  })

  test('what can be read replaces what was there', async () => {
    const { update } = await owned()
    const given = [
      {
        manager: 'x',
        operation: 'Apply',
        apiVersion: 'v1',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { 'f:a': {} } },
      },
    ]
    expect(ownersOf(await update(given))).toEqual(['x Apply'])
  })

  test('through a subresource they are not heard', async () => {
    const { of, info } = await cluster()
    await of(Deployments).create(deployment(), where, { fieldManager: 'one' }, info)
    const patch = { type: 'merge', body: { metadata: { managedFields: [] }, status: { replicas: 1 } } } as const
    const { reading } = await of(Deployments).patch(inDefault('web'), patch, { fieldManager: 'two' }, info, 'status')
    expect(ownersOf(reading)).toEqual(['one Update', 'two Update status'])
  })
})

describe('subresources', () => {
  test('an apply to status owns the status and nothing else', async () => {
    const { apply, of, info } = await cluster()
    await of(Deployments).create(deployment({ replicas: 1 }), where, { fieldManager: 'one' }, info)
    const reading = await apply(Deployments, { ...deployment({ replicas: 8 }), status: { replicas: 1 } }, {}, 'status')
    expect(reading.object).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 1 } })
    expect(fieldsOf(reading, 'applier')).toEqual({
      'f:metadata': { 'f:labels': { 'f:app': {} } },
      'f:status': { 'f:replicas': {} },
    })
  })

  test('an apply to scale owns the replicas of the object (scalehandler.go)', async () => {
    const { apply, of, info } = await cluster()
    await of(Deployments).create(deployment({ replicas: 1 }), where, { fieldManager: 'one' }, info)
    const scale = {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'web', namespace: 'default' },
      spec: { replicas: 4 },
    }
    const error = await refusal(apply(Deployments, scale, {}, 'scale'))
    expect(error.message).toBe('Apply failed with 1 conflict: conflict with "one" using autoscaling/v1: .spec.replicas')
    const shown = await apply(Deployments, scale, { force: true }, 'scale')
    expect(shown.object).toMatchObject({ kind: 'Scale', spec: { replicas: 4 } })
    const reading = of(Deployments).get(inDefault('web'))
    expect(reading.object).toMatchObject({ spec: { replicas: 4 } })
    expect(ownersOf(reading)).toEqual(['applier Apply scale', 'one Update'])
    expect(fieldsOf(reading, 'applier')).toEqual({ 'f:spec': { 'f:replicas': {} } })
    expect(fieldsOf(reading, 'one')).not.toHaveProperty(['f:spec', 'f:replicas'])
  })
})

describe('from client-side apply to server-side apply', () => {
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration'

  test('kubectl takes what it last applied without a conflict, and keeps the annotation true', async () => {
    const { apply, of, info } = await cluster()
    const config = configMap('a', { a: '1', b: '1' })
    const annotated = configMap(
      'a',
      { a: '1', b: '1' },
      { annotations: { [annotation]: `${JSON.stringify(config)}\n` } },
    )
    await of(ConfigMaps).create(annotated, where, { fieldManager: 'kubectl-client-side-apply' }, info)
    const other = await refusal(apply(ConfigMaps, configMap('a', { a: '2' }), { fieldManager: 'mine' }))
    expect(other.message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.a',
    )
    const reading = await apply(ConfigMaps, configMap('a', { a: '2', b: '1' }), { fieldManager: 'kubectl' })
    expect(reading.object).toMatchObject({ data: { a: '2', b: '1' } })
    expect(reading.object.metadata.annotations![annotation]).toBe(
      '{"apiVersion":"v1","data":{"a":"2","b":"1"},"kind":"ConfigMap","metadata":{"name":"a","namespace":"default"}}\n',
    )
  })

  test('what somebody changed since is a conflict, and only that', async () => {
    const { apply, of, info } = await cluster()
    const config = configMap('a', { a: '1', b: '1' })
    const annotated = configMap('a', { a: '1', b: '1' }, { annotations: { [annotation]: JSON.stringify(config) } })
    await of(ConfigMaps).create(annotated, where, { fieldManager: 'kubectl-client-side-apply' }, info)
    const merge = { type: 'merge', body: { data: { b: '2' } } } as const
    await of(ConfigMaps).patch(inDefault('a'), merge, { fieldManager: 'somebody' }, info)
    const error = await refusal(apply(ConfigMaps, configMap('a', { a: '3', b: '3' }), { fieldManager: 'kubectl' }))
    expect(error.message).toBe('Apply failed with 1 conflict: conflict with "somebody" using v1: .data.b')
  })
})

test('ports of a Service are told apart by port and protocol', async () => {
  const { apply } = await cluster()
  const service = (ports: object[]) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'dns', namespace: 'default' },
    spec: { selector: { app: 'dns' }, ports },
  })
  await apply(Services, service([{ name: 'tcp', port: 53 }]))
  const reading = await apply(Services, service([{ name: 'udp', port: 53, protocol: 'UDP' }]), { fieldManager: 'two' })
  const { ports } = (reading.object as any).spec
  expect(ports.map((port: any) => [port.name, port.protocol])).toEqual([
    ['tcp', 'TCP'],
    ['udp', 'UDP'],
  ])
})

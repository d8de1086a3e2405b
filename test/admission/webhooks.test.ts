// Admission webhooks: who is asked, what is sent, what an answer does. Rules and words: k8s.io/apiserver
// pkg/admission/plugin/webhook (mutating/dispatcher.go, validating/dispatcher.go, request/admissionreview.go, predicates).

import { describe, expect, test } from 'vitest'
import { OutgoingError, type OutgoingRequest } from '../../apiserver/outgoing/outgoing.ts'
import type { ConfigMap, Deployment, MutatingWebhook, Pod, ValidatingWebhook } from '../../generated/types.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import {
  ConfigMaps,
  Deployments,
  EndpointSlices,
  Events,
  Namespaces,
  Pods,
  ServiceAccounts,
  Services,
} from '../../src/kinds/index.ts'
import { inDefault, refusal, testServer } from '../registry/harness.ts'
import { leastObject } from '../registry/least-objects.ts'

const where = { namespace: 'default' }

interface Review {
  readonly request: {
    readonly uid: string
    readonly operation: string
    readonly kind: object
    readonly requestKind: object
    readonly resource: object
    readonly subResource?: string
    readonly name?: string
    readonly namespace?: string
    readonly object: (KubeObject & { data?: Record<string, string> }) | null
    readonly oldObject: KubeObject | null
    readonly dryRun: boolean
    readonly options: object
    readonly userInfo: object
  }
}

type Reply = { readonly allowed?: boolean; readonly patch?: readonly object[] } & Record<string, unknown>

/** A server whose webhooks are functions: by the URL at which they would listen. */
async function cluster(
  hooks: Readonly<Record<string, (review: Review, sent: OutgoingRequest) => Reply | Promise<Reply>>>,
) {
  const asked: string[] = []
  const addresses: string[] = []
  const reviews: Review[] = []
  const server = await testServer(undefined, async sent => {
    const url = new URL(sent.url)
    const answer = hooks[url.host]
    if (answer === undefined) throw new OutgoingError(sent, `dial tcp ${url.host}: connect: connection refused`)
    asked.push(url.host)
    if (sent.address) addresses.push(`${sent.address.host}:${sent.address.port}`)
    const review = JSON.parse(Buffer.from(sent.body!).toString()) as Review
    reviews.push(review)
    const { patch, ...reply } = await answer(review, sent)
    const encoded = patch && { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
    const response = { uid: review.request.uid, allowed: true, ...encoded, ...reply }
    const body = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response }
    return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) }
  })
  const configure = async (plural: string, kind: string, name: string, webhooks: readonly object[]) => {
    const object = { apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name }, webhooks }
    const key = `/registry/admissionregistration.k8s.io/${plural}/${name}`
    await server.storage.write(key, () => ({ put: structuredClone(object) as KubeObject }))
  }
  return {
    ...server,
    asked,
    addresses,
    reviews,
    mutating: (name: string, ...hooks: Partial<MutatingWebhook>[]) =>
      configure('mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', name, hooks.map(hookOf)),
    validating: (name: string, ...hooks: Partial<ValidatingWebhook>[]) =>
      configure('validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', name, hooks.map(hookOf)),
    createMap: (name = 'web', metadata: object = {}) => {
      const body = leastObject(ConfigMaps, name) as ConfigMap
      Object.assign(body.metadata, metadata)
      return server.of(ConfigMaps).create(body, where, {}, server.info)
    },
    mapNow: (name = 'web') => server.of(ConfigMaps).get(inDefault(name)).object as unknown as ConfigMap,
  }
}

/** As its defaults leave it, for ConfigMaps. */
function hookOf(hook: Partial<MutatingWebhook>): MutatingWebhook {
  return {
    name: 'hook.example.com',
    clientConfig: { url: 'https://hook/' },
    rules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], scope: '*' }],
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    sideEffects: 'None',
    timeoutSeconds: 10,
    reinvocationPolicy: 'Never',
    admissionReviewVersions: ['v1'],
    ...hook,
  }
}

const set = (path: string, value: unknown) => ({ op: 'add', path, value })

describe('what is done to a pod by its subresources', () => {
  const rule = (resource: string) => [
    { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: [resource], scope: '*' },
  ]
  const target = { kind: 'Node', name: 'far' }
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'web' }, target }
  const ref = inDefault('web')

  test('a binding is shown as one, and may be led elsewhere', async () => {
    const it = await cluster({ hook: () => ({ patch: [{ op: 'replace', path: '/target/name', value: 'near' }] }) })
    await it.mutating('a', { rules: rule('pods/binding') })
    await it.of(Pods).create(leastObject(Pods, 'web'), where, {}, it.info)
    await it.of(Pods).act(ref, 'binding', binding, {}, it.info)
    expect(it.reviews.map(({ request }) => request)).toMatchObject([
      {
        kind: { group: '', version: 'v1', kind: 'Binding' },
        resource: { group: '', version: 'v1', resource: 'pods' },
        subResource: 'binding',
        operation: 'CREATE',
        name: 'web',
        namespace: 'default',
        object: { kind: 'Binding', target },
        oldObject: null,
      },
    ])
    expect((it.of(Pods).get(ref).object as unknown as Pod).spec.nodeName).toBe('near')
  })

  test('an eviction and a token are refused by who does not want them', async () => {
    const it = await cluster({ hook: () => ({ allowed: false, status: { message: 'not now' } }) })
    await it.of(Pods).create(leastObject(Pods, 'web'), where, {}, it.info)
    await it.validating('a', { rules: rule('pods/eviction') })
    await it.validating('b', { rules: rule('serviceaccounts/token') })
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web', namespace: 'default' } }
    const why = 'admission webhook "hook.example.com" denied the request: not now'
    expect((await refusal(it.of(Pods).act(ref, 'eviction', eviction, {}, it.info))).message).toBe(why)
    expect(it.of(Pods).get(ref).object.metadata.deletionTimestamp).toBeUndefined()
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
    const asked = it.of(ServiceAccounts).act(inDefault('default'), 'token', request, {}, it.info)
    expect((await refusal(asked)).message).toBe(why)
    expect(it.reviews.map(each => (each.request as { kind?: unknown }).kind)).toEqual([
      { group: 'policy', version: 'v1', kind: 'Eviction' },
      { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
    ])
  })
})

describe('mutating webhooks', () => {
  test('their patches are in what is stored, the second upon the first, configurations by name', async () => {
    const it = await cluster({
      one: () => ({ patch: [set('/metadata/labels', { by: 'one' })] }),
      two: ({ request }) => ({ patch: [set('/metadata/labels/also', `after-${request.object?.metadata.labels?.by}`)] }),
    })
    await it.mutating('b', { clientConfig: { url: 'https://two/' } })
    await it.mutating('a', { clientConfig: { url: 'https://one/' } })
    await it.createMap()
    expect(it.mapNow().metadata.labels).toEqual({ by: 'one', also: 'after-one' })
    expect(it.asked).toEqual(['one', 'two'])
  })

  test('are sent who asks for what, without what only the store gives', async () => {
    const it = await cluster({ hook: () => ({}) })
    await it.mutating('a', {})
    await it.createMap('web', { labels: { app: 'web' } })
    const { uid, ...request } = it.reviews[0]!.request
    expect(uid).toMatch(/^[\da-f-]{36}$/)
    expect(request).toEqual({
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
      requestResource: { group: '', version: 'v1', resource: 'configmaps' },
      name: 'web',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'tester', groups: ['system:masters'] },
      object: {
        kind: 'ConfigMap',
        apiVersion: 'v1',
        metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } },
      },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    })
  })

  test('what they make is defaulted and judged like any body', async () => {
    const it = await cluster({
      hook: () => ({ patch: [set('/spec/template/spec/containers/0', { name: 'x' })] }),
    })
    const rules = [{ operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['*'], resources: ['deployments'] }]
    await it.mutating('a', { rules })
    const made = it.of(Deployments).create(leastObject(Deployments, 'web'), where, {}, it.info)
    expect((await refusal(made)).message).toBe(
      'Deployment.apps "web" is invalid: spec.template.spec.containers[0].image: Required value',
    )
  })

  test('a new object keeps the uid and the generated name that it had', async () => {
    const it = await cluster({ hook: () => ({ patch: [set('/data', { seen: 'yes' })] }), check: () => ({}) })
    await it.mutating('a', {})
    await it.validating('a', { clientConfig: { url: 'https://check/' } })
    const body = leastObject(ConfigMaps, '') as ConfigMap
    body.metadata = { generateName: 'web-' } as ConfigMap['metadata']
    const { reading } = await it.of(ConfigMaps).create(body, where, {}, it.info)
    expect(it.reviews[0]!.request.name).toBeUndefined()
    expect(it.reviews[0]!.request.object?.metadata.name).toBeUndefined()
    expect(it.reviews[1]!.request.object?.metadata).toMatchObject({ uid: reading.object.metadata.uid })
    expect(reading.object).toMatchObject({
      metadata: { name: expect.stringMatching(/^web-.{5}$/) },
      data: { seen: 'yes' },
    })
  })

  test('one that wants to be asked again is, when a later one changed the object – once', async () => {
    const it = await cluster({
      again: ({ request }) => ({
        patch: [set('/data', { keys: String(Object.keys(request.object?.data ?? {}).length) })],
      }),
      late: () => ({ patch: [set('/data/late', 'yes')] }),
    })
    await it.mutating(
      'a',
      { name: 'again.example.com', clientConfig: { url: 'https://again/' }, reinvocationPolicy: 'IfNeeded' },
      { name: 'late.example.com', clientConfig: { url: 'https://late/' } },
    )
    await it.createMap()
    expect(it.asked).toEqual(['again', 'late', 'again'])
    expect(it.mapNow().data).toEqual({ keys: '2' })
  })

  test('one whose selector a former one has made true is asked', async () => {
    const it = await cluster({ hook: () => ({ patch: [set('/metadata/labels', { a: 'b' })] }), picky: () => ({}) })
    await it.mutating('a', {}, { clientConfig: { url: 'https://picky/' }, objectSelector: { matchLabels: { a: 'b' } } })
    await it.createMap()
    expect(it.asked).toEqual(['hook', 'picky'])
  })

  test('a deletion cannot be changed', async () => {
    const it = await cluster({
      hook: ({ request }) => (request.operation === 'DELETE' ? { patch: [set('/data', {})] } : {}),
    })
    await it.mutating('a', {})
    await it.createMap()
    expect((await refusal(it.of(ConfigMaps).delete(inDefault('web'), {}, it.info))).message).toBe(
      'Internal error occurred: admission webhook "hook.example.com" attempted to modify the object, which is not supported for this operation',
    )
  })
})

describe('validating webhooks', () => {
  test('refuse with their own code, reason and sentence', async () => {
    const it = await cluster({
      hook: () => ({ allowed: false, status: { code: 418, reason: 'Teapot', message: 'short and stout' } }),
    })
    await it.validating('a', {})
    const error = await refusal(it.createMap())
    expect(error.toStatus()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'admission webhook "hook.example.com" denied the request: short and stout',
      reason: 'Teapot',
      code: 418,
    })
    expect(it.of(ConfigMaps).list({ namespace: 'default' }).items).toEqual([])
  })

  test('refuse with 400 when they say nothing more', async () => {
    const it = await cluster({ hook: () => ({ allowed: false }) })
    await it.validating('a', {})
    const error = await refusal(it.createMap())
    expect([error.code, error.message]).toEqual([
      400,
      'admission webhook "hook.example.com" denied the request without explanation',
    ])
  })

  test('see what is really to be stored, and a deletion with the object that goes', async () => {
    const it = await cluster({
      hook: ({ request }) => ({ allowed: request.operation !== 'DELETE', status: { message: 'it stays' } }),
    })
    await it.validating('a', {})
    await it.createMap()
    expect(it.reviews[0]!.request.object?.metadata.uid).toBe(it.mapNow().metadata.uid)
    const error = await refusal(it.of(ConfigMaps).delete(inDefault('web'), {}, it.info))
    expect(error.message).toBe('admission webhook "hook.example.com" denied the request: it stays')
    expect(it.reviews[1]!.request).toMatchObject({
      operation: 'DELETE',
      name: 'web',
      object: null,
      oldObject: { metadata: { uid: it.mapNow().metadata.uid } },
      options: { kind: 'DeleteOptions' },
    })
    await refusal(it.of(ConfigMaps).deleteCollection({ namespace: 'default' }, {}, it.info))
    expect(it.mapNow().metadata.name).toBe('web')
  })

  test('their warnings reach the user', async () => {
    const it = await cluster({ hook: () => ({ warnings: ['mind the gap'] }) })
    await it.validating('a', {})
    await it.createMap()
    expect(it.info.warnings).toEqual(['mind the gap'])
  })

  test('one that answers while somebody else writes is asked about what is there then', async () => {
    let meddle: (() => Promise<unknown>) | undefined
    const it = await cluster({
      hook: async ({ request }) => {
        if (request.operation === 'UPDATE') await meddle?.()
        return {}
      },
    })
    await it.createMap()
    await it.validating('a', {})
    meddle = async () => {
      meddle = undefined
      const body = { data: { other: 'wrote' } }
      await it.storage.write('/registry/core/configmaps/default/web', current => ({
        put: { ...structuredClone(current!.object as unknown as KubeObject), ...body },
      }))
    }
    const patch = { type: 'merge', body: { data: { mine: 'too' } } } as const
    await it.of(ConfigMaps).patch(inDefault('web'), patch, {}, it.info)
    expect(it.mapNow().data).toEqual({ other: 'wrote', mine: 'too' })
    expect(it.reviews.map(({ request }) => request.object?.data)).toEqual([
      { mine: 'too' },
      { other: 'wrote', mine: 'too' },
    ])
  })
})

describe('who is asked', () => {
  const rule = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], scope: '*' }

  test('by operation, group, version and resource; parts of an object only by name or star', async () => {
    const it = await cluster({ all: () => ({}), parts: () => ({}), updates: () => ({}) })
    await it.validating(
      'a',
      { clientConfig: { url: 'https://all/' }, rules: [rule] },
      { clientConfig: { url: 'https://parts/' }, rules: [{ ...rule, resources: ['deployments/*'] }] },
      { clientConfig: { url: 'https://updates/' }, rules: [{ ...rule, operations: ['UPDATE'] }] },
    )
    const { reading } = await it.of(Deployments).create(leastObject(Deployments, 'web'), where, {}, it.info)
    expect(it.asked.splice(0)).toEqual(['all', 'parts'])
    const changed = structuredClone(reading.object) as unknown as Deployment
    changed.status.replicas = 1
    await it.of(Deployments).update(inDefault('web'), changed, {}, it.info, 'status')
    expect(it.asked.splice(0)).toEqual(['parts'])
    await it.createMap()
    expect(it.asked).toEqual(['all'])
  })

  test('a scope sees only what is in a namespace, or only what is not', async () => {
    const it = await cluster({ inside: () => ({}), outside: () => ({}) })
    await it.validating(
      'a',
      { clientConfig: { url: 'https://inside/' }, rules: [{ ...rule, scope: 'Namespaced' }] },
      { clientConfig: { url: 'https://outside/' }, rules: [{ ...rule, scope: 'Cluster' }] },
    )
    await it.createMap()
    await it.of(Namespaces).create(leastObject(Namespaces, 'other'), {}, {}, it.info)
    expect(it.asked).toEqual(['inside', 'outside'])
    expect(it.reviews[1]!.request.namespace).toBe('other')
  })

  test('a namespace selector looks at the labels of the namespace', async () => {
    const it = await cluster({ hook: () => ({}) })
    await it.validating('a', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } })
    await it.createMap()
    expect(it.asked).toEqual([])
    await it.of(Namespaces).create(leastObject(Namespaces, 'other'), {}, {}, it.info)
    const body = leastObject(ConfigMaps, 'web')
    body.metadata.namespace = 'other'
    await it.of(ConfigMaps).create(body, { namespace: 'other' }, {}, it.info)
    expect(it.asked).toEqual(['hook'])
  })

  test('another version of the same objects is meant too, unless exactly one is', async () => {
    const rules = [{ ...rule, apiGroups: ['events.k8s.io'], apiVersions: ['v1'], resources: ['events'] }]
    const it = await cluster({ any: () => ({}), exact: () => ({}) })
    await it.validating(
      'a',
      { clientConfig: { url: 'https://any/' }, rules },
      { clientConfig: { url: 'https://exact/' }, rules, matchPolicy: 'Exact' },
    )
    await it.of(Events).create(leastObject(Events, 'seen'), where, {}, it.info)
    expect(it.asked).toEqual(['any'])
    expect(it.reviews[0]!.request).toMatchObject({
      kind: { group: 'events.k8s.io', version: 'v1', kind: 'Event' },
      requestKind: { group: '', version: 'v1', kind: 'Event' },
      object: { apiVersion: 'events.k8s.io/v1' },
    })
  })

  test('a dry run asks only those without side effects', async () => {
    const it = await cluster({ hook: () => ({}) })
    await it.validating('a', { sideEffects: 'NoneOnDryRun' })
    const tryIt = () => it.of(ConfigMaps).create(leastObject(ConfigMaps, 'web'), where, { dryRun: true }, it.info)
    await tryIt()
    expect(it.reviews[0]!.request).toMatchObject({ dryRun: true, options: { dryRun: ['All'] } })
    await it.validating('a', { sideEffects: 'Unknown' })
    expect((await refusal(tryIt())).message).toBe('admission webhook "hook.example.com" does not support dry run')
  })
})

describe('a webhook that does not answer', () => {
  const gone = { clientConfig: { url: 'https://gone:8443/check' } }

  test('refuses, in the words of the call', async () => {
    const it = await cluster({})
    await it.validating('a', gone)
    const error = await refusal(it.createMap())
    expect([error.code, error.message]).toEqual([
      500,
      'Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: ' +
        'Post "https://gone:8443/check?timeout=10s": dial tcp gone:8443: connect: connection refused',
    ])
  })

  test('is passed over where its policy says so', async () => {
    const it = await cluster({})
    await it.mutating('a', { ...gone, failurePolicy: 'Ignore' })
    await it.validating('a', { ...gone, failurePolicy: 'Ignore' })
    await it.createMap()
    expect(it.mapNow().metadata.name).toBe('web')
  })

  test.each<[string, object, string]>([
    ['another uid', { uid: 'other' }, 'expected response.uid='],
    [
      'a patch without its type',
      { patch: undefined, patchType: 'JSONPatch' },
      'webhook returned response.patchType but not response.patch',
    ],
  ])('nor does one that answers with %s', async (_what, reply, why) => {
    const it = await cluster({ hook: () => reply as Reply })
    await it.mutating('a', {})
    const { message } = await refusal(it.createMap())
    expect(message).toContain('failed calling webhook "hook.example.com": received invalid webhook response: ')
    expect(message).toContain(why)
  })

  test('a service leads to the loopback address that its slice gives, else to a simulated pod', async () => {
    const it = await cluster({ 'guard.default.svc': () => ({}) })
    const service = { name: 'guard', namespace: 'default', path: '/check', port: 443 }
    await it.validating('a', { clientConfig: { service } })
    const failure = 'Post "https://guard.default.svc:443/check?timeout=10s": '
    expect((await refusal(it.createMap())).message).toContain(`${failure}services "guard" not found`)
    const { client } = it
    await client.of(Services).create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'guard', namespace: 'default' },
      spec: { ports: [{ port: 443, targetPort: 9443 }] },
    })
    expect((await refusal(it.createMap())).message).toContain(`${failure}no endpoints available for service "guard"`)
    const slice = (name: string, address: string) =>
      client.of(EndpointSlices).create({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': 'guard' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
        ports: [{ port: 9443, protocol: 'TCP' }],
      })
    await slice('pods', '10.244.1.7')
    await it.createMap('one')
    await slice('mine', '127.0.0.1')
    await it.createMap('two')
    expect(it.addresses).toEqual(['10.244.1.7:9443', '127.0.0.1:9443'])
  })
})

// Upstream's conformance items about admission webhooks and policies, by their names
// (test/e2e/apimachinery/{webhook,validatingadmissionpolicy,mutatingadmissionpolicy}.go).

import { expect, test } from 'vitest'
import { OutgoingError } from '../../apiserver/outgoing/outgoing.ts'
import type { Deployment, Pod } from '../../generated/types.ts'
import type { KubeObject, NewObject } from '../../src/api/meta.ts'
import {
  ConfigMaps,
  CustomResourceDefinitions,
  Deployments,
  MutatingAdmissionPolicies,
  MutatingAdmissionPolicyBindings,
  MutatingWebhookConfigurations,
  Namespaces,
  Pods,
  ValidatingAdmissionPolicies,
  ValidatingAdmissionPolicyBindings,
  ValidatingWebhookConfigurations,
} from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { openDoor } from '../http/door.ts'
import { inDefault, refusal, testServer } from '../registry/harness.ts'
import { leastObject } from '../registry/least-objects.ts'
import { answer, cluster, configuration, rule, set } from './webhook-server.ts'

const denied = /^admission webhook "[^"]+" denied the request/

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should include webhook resources in discovery documents', async () => {
  await using door = await openDoor()
  const read = async (path: string) => (await door.ask(path)).json as Record<string, any>
  const group = (await read('/apis')).groups.find(
    ({ name }: { name: string }) => name === 'admissionregistration.k8s.io',
  )
  expect(group.versions.map(({ groupVersion }: { groupVersion: string }) => groupVersion)).toContain(
    'admissionregistration.k8s.io/v1',
  )
  const resources = (await read('/apis/admissionregistration.k8s.io/v1')).resources.map(
    ({ name }: { name: string }) => name,
  )
  expect(resources).toEqual(
    expect.arrayContaining(['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']),
  )
})

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny pod and configmap creation', async () => {
  const isBad = (object: KubeObject & { data?: Record<string, string> }) =>
    object.metadata.name === 'bad' || object.data?.['webhook-e2e-test'] === 'webhook-disallow'
  const it = await cluster({
    '/deny': object =>
      object.metadata.name === 'hangs' ? 'hang' : { allowed: !isBad(object), message: 'it contains unwanted data' },
  })
  await it.create(ValidatingWebhookConfigurations, {
    ...configuration(ValidatingWebhookConfigurations, 'deny', '/deny', rule('pods'), rule('configmaps')),
    webhooks: configuration(
      ValidatingWebhookConfigurations,
      'deny',
      '/deny',
      rule('pods'),
      rule('configmaps'),
    ).webhooks.map(hook => ({
      ...hook,
      namespaceSelector: { matchExpressions: [{ key: 'skip', operator: 'NotIn', values: ['yes'] }] },
    })),
  })
  const pod = (name: string) => it.create(Pods, leastObject(Pods, name) as NewObject<Pod>, 'default')
  expect((await refusal(pod('bad'))).message).toMatch(/the request: it contains unwanted data$/)
  expect((await refusal(pod('hangs'))).message).toContain('context deadline exceeded')
  const bad = { 'webhook-e2e-test': 'webhook-disallow' }
  expect((await refusal(it.map('web', bad))).message).toMatch(denied)
  await it.map('good')
  const patch = { type: 'merge', body: { data: bad } } as const
  expect((await refusal(it.of(ConfigMaps).patch(inDefault('good'), patch, {}, it.info))).message).toMatch(denied)
  const changed = { ...structuredClone(it.mapNow('good')), data: bad }
  expect((await refusal(it.of(ConfigMaps).update(inDefault('good'), changed, {}, it.info))).message).toMatch(denied)
  await it.create(Namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'free', labels: { skip: 'yes' } },
  })
  await it.map('web', bad, 'free')
})

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate configmap', async () => {
  const it = await cluster({
    '/one': ({ data }) => (data?.['mutation-start'] === 'yes' ? { patch: [set('/data/mutation-stage-1', 'yes')] } : {}),
    '/two': ({ data }) =>
      data?.['mutation-stage-1'] === 'yes' ? { patch: [set('/data/mutation-stage-2', 'yes')] } : {},
  })
  await it.register(MutatingWebhookConfigurations, 'one', '/one', rule('configmaps'))
  await it.register(MutatingWebhookConfigurations, 'two', '/two', rule('configmaps'))
  await it.map('web', { 'mutation-start': 'yes' })
  expect(it.mapNow('web').data).toEqual({
    'mutation-start': 'yes',
    'mutation-stage-1': 'yes',
    'mutation-stage-2': 'yes',
  })
})

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate pod and apply defaults after mutation', async () => {
  const it = await cluster({
    '/init': () => ({
      patch: [set('/spec/initContainers', [{ name: 'webhook-added-init-container', image: 'busybox' }])],
    }),
  })
  await it.register(MutatingWebhookConfigurations, 'init', '/init', rule('pods', ['CREATE']))
  await it.create(Pods, leastObject(Pods, 'web'), 'default')
  const { spec } = it.of(Pods).get(inDefault('web')).object as unknown as Pod
  expect(spec.initContainers).toMatchObject([
    { name: 'webhook-added-init-container', terminationMessagePolicy: 'File', imagePullPolicy: 'Always' },
  ])
})

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should not be able to mutate or prevent deletion of webhook configuration objects', async () => {
  const it = await cluster({
    '/deny': () => ({ allowed: false }),
    '/mutate': () => ({ patch: [set('/metadata/labels', { changed: 'yes' })] }),
  })
  const rules = [
    rule('validatingwebhookconfigurations', ['*'], 'admissionregistration.k8s.io'),
    rule('mutatingwebhookconfigurations', ['*'], 'admissionregistration.k8s.io'),
  ]
  await it.register(ValidatingWebhookConfigurations, 'deny', '/deny', ...rules)
  await it.register(MutatingWebhookConfigurations, 'mutate', '/mutate', ...rules)
  for (const kind of [ValidatingWebhookConfigurations, MutatingWebhookConfigurations]) {
    await it.register(kind, 'dummy', '/nowhere', rule('nothing'))
    expect(it.of(kind).get({ name: 'dummy' }).object.metadata.labels).toEqual({ suite: 'e2e' })
    await it.of(kind).delete({ name: 'dummy' }, {}, it.info)
  }
})

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should unconditionally reject operations on fail closed webhook', async () => {
  const it = await cluster({ '/gone': () => 'hang' })
  await it.register(ValidatingWebhookConfigurations, 'gone', '/gone', rule('configmaps'))
  expect((await refusal(it.map('web'))).code).toBe(500)
})

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should honor timeout', async () => {
  // The webhook takes five seconds: who waits less hears nothing of it.
  const it = await (async () => {
    const server = await testServer(undefined, async sent => {
      if (sent.timeout < 5000) throw new OutgoingError(sent, 'context deadline exceeded')
      return answer(sent, {})
    })
    return server
  })()
  const attempt = async (timeoutSeconds: number, failurePolicy: string) => {
    const body = configuration(ValidatingWebhookConfigurations, 'slow', '/slow', rule('configmaps', ['CREATE']))
    const webhooks = body.webhooks.map(hook => ({ ...hook, timeoutSeconds, failurePolicy }))
    await it.of(ValidatingWebhookConfigurations).create({ ...body, webhooks }, {}, {}, it.info)
    try {
      await it.of(ConfigMaps).create({ metadata: { generateName: 'web-' } }, { namespace: 'default' }, {}, it.info)
      return 'done'
    } catch (error) {
      return (error as Error).message
    } finally {
      await it.of(ValidatingWebhookConfigurations).delete({ name: 'slow' }, {}, it.info)
    }
  }
  expect(await attempt(1, 'Fail')).toMatch(
    /Post "https:\/\/127\.0\.0\.1:9443\/slow\?timeout=1s": context deadline exceeded$/,
  )
  expect(await attempt(1, 'Ignore')).toBe('done')
  expect(await attempt(10, 'Fail')).toBe('done')
})

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny attaching pod', async () => {
  const asked: object[] = []
  const it = await cluster({
    '/deny': (object, operation) => {
      asked.push({ object, operation })
      const isMeant = object.stdin === true && object.container === 'container1'
      return { allowed: !isMeant, message: "attaching to pod 'to-be-attached-pod' is not allowed" }
    },
  })
  await it.register(ValidatingWebhookConfigurations, 'deny', '/deny', rule('pods/attach', ['CONNECT']))
  const options = { kind: 'PodAttachOptions', apiVersion: 'v1', stdout: true, container: 'container1' }
  const attach = (more: object) =>
    it.of(Pods).admitConnection!(inDefault('to-be-attached-pod'), 'attach', { ...options, ...more }, it.info)
  expect((await refusal(attach({ stdin: true }))).message).toMatch(
    /denied the request: attaching to pod 'to-be-attached-pod' is not allowed$/,
  )
  await attach({})
  await it.of(Pods).admitConnection!(inDefault('to-be-attached-pod'), 'exec', { ...options, stdin: true }, it.info)
  expect(asked).toEqual([
    { object: { ...options, stdin: true }, operation: 'CONNECT' },
    { object: options, operation: 'CONNECT' },
  ])
})

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should deny crd creation', async () => {
  const it = await cluster({ '/deny': () => ({ allowed: false, message: 'the crd contains unwanted label' }) })
  await it.register(
    ValidatingWebhookConfigurations,
    'deny',
    '/deny',
    rule('customresourcedefinitions', ['CREATE'], 'apiextensions.k8s.io'),
  )
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'tests.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'tests', singular: 'test', kind: 'Test', listKind: 'TestList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  }
  const made = it.create(CustomResourceDefinitions, definition)
  expect((await refusal(made)).message).toMatch(/denied the request: the crd contains unwanted label$/)
})

for (const [sort, kind, hook, check] of [
  ['validating', ValidatingWebhookConfigurations, () => ({ allowed: false }), 'refused'],
  ['mutating', MutatingWebhookConfigurations, () => ({ patch: [set('/data', { hooked: 'yes' })] }), 'changed'],
] as const) {
  const attempt = async (it: Awaited<ReturnType<typeof cluster>>, name: string) => {
    try {
      await it.map(name)
      return it.mapNow(name).data?.hooked === 'yes' ? 'changed' : 'plain'
    } catch {
      return 'refused'
    }
  }
  const names = {
    validating: [
      '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] patching/updating a validating webhook should work',
      '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] listing validating webhooks should work',
    ],
    mutating: [
      '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] patching/updating a mutating webhook should work',
      '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] listing mutating webhooks should work',
    ],
  }[sort] as [string, string]

  test(names[0], async () => {
    const it = await cluster({ '/hook': hook })
    await it.register(kind, 'hook', '/hook', rule('configmaps', ['CREATE']))
    expect(await attempt(it, 'a')).toBe(check)
    const operations = (list: string[]) => [{ op: 'replace', path: '/webhooks/0/rules/0/operations', value: list }]
    const changed = structuredClone(it.of(kind).get({ name: 'hook' }).object) as any
    changed.webhooks[0].rules[0].operations = ['UPDATE']
    await it.of(kind).update({ name: 'hook' }, changed, {}, it.info)
    expect(await attempt(it, 'b')).toBe('plain')
    await it.of(kind).patch({ name: 'hook' }, { type: 'json', body: operations(['CREATE']) }, {}, it.info)
    expect(await attempt(it, 'c')).toBe(check)
  })

  test(names[1], async () => {
    const it = await cluster({ '/hook': hook })
    for (let at = 0; at < 10; at++) await it.register(kind, `hook-${at}`, '/hook', rule('configmaps', ['CREATE']))
    expect(it.of(kind).list({ labelSelector: 'suite=e2e' }).items).toHaveLength(10)
    expect(await attempt(it, 'a')).toBe(check)
    await it.of(kind).deleteCollection({ labelSelector: 'suite=e2e' }, {}, it.info)
    expect(it.of(kind).list({}).items).toEqual([])
    expect(await attempt(it, 'b')).toBe('plain')
  })
}

// ---- policies

const constraints = {
  resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] }],
}
const policyOf = (kind: Kind<any>, name: string, spec: object) => ({
  apiVersion: kind.apiVersion,
  kind: kind.kind,
  metadata: { name },
  spec: structuredClone(spec),
})

async function judged(validation: object) {
  const it = await cluster()
  const spec = { matchConstraints: constraints, ...validation }
  await it.create(ValidatingAdmissionPolicies, policyOf(ValidatingAdmissionPolicies, 'p', spec))
  const bound = { policyName: 'p', validationActions: ['Deny'] }
  await it.create(ValidatingAdmissionPolicyBindings, policyOf(ValidatingAdmissionPolicyBindings, 'b', bound))
  return (name: string, replicas: number) => {
    const body = leastObject(Deployments, name) as NewObject<Deployment>
    body.spec!.replicas = replicas
    return it.create(Deployments, body, 'default')
  }
}

test('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should validate against a Deployment', async () => {
  const deploy = await judged({
    validations: [
      {
        expression: 'object.spec.replicas > 1',
        messageExpression: "'wants replicas > 1, got ' + string(object.spec.replicas)",
      },
    ],
  })
  await deploy('good', 2)
  expect((await refusal(deploy('bad', 1))).message).toContain('wants replicas > 1, got 1')
})

test('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should allow expressions to refer variables.', async () => {
  const deploy = await judged({
    variables: [
      { name: 'replicas', expression: 'object.spec.replicas' },
      { name: 'oddReplicas', expression: 'variables.replicas % 2 == 1' },
    ],
    validations: [{ expression: 'variables.replicas > 1' }, { expression: 'variables.oddReplicas' }],
  })
  await deploy('good', 3)
  expect((await refusal(deploy('one', 1))).message).toContain('failed expression: variables.replicas > 1')
  expect((await refusal(deploy('even', 4))).message).toContain('failed expression: variables.oddReplicas')
})

const mutation = (expression: string) => ({
  matchConstraints: constraints,
  failurePolicy: 'Fail',
  reinvocationPolicy: 'Never',
  mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
})

async function mutated(expression: string): Promise<Deployment> {
  const it = await cluster()
  await it.create(MutatingAdmissionPolicies, policyOf(MutatingAdmissionPolicies, 'p', mutation(expression)))
  await it.create(MutatingAdmissionPolicyBindings, policyOf(MutatingAdmissionPolicyBindings, 'b', { policyName: 'p' }))
  await it.create(Deployments, leastObject(Deployments, 'web'), 'default')
  return it.of(Deployments).get(inDefault('web')).object as unknown as Deployment
}

test('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment', async () => {
  expect((await mutated('Object{spec: Object.spec{replicas: 7}}')).spec.replicas).toBe(7)
})

test('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment with annotations', async () => {
  const made = await mutated(
    'Object{metadata: Object.metadata{annotations: {"mutated": "by-" + object.metadata.name}}}',
  )
  expect(made.metadata.annotations).toEqual({ mutated: 'by-web' })
})

/** What every kind of configuration must do: created, read, listed, patched, updated, its status too, deleted. */
async function lifecycle(kind: Kind<any>, spec: object): Promise<void> {
  const it = await cluster()
  const resource = it.of(kind)
  await it.create(kind, policyOf(kind, 'one', spec))
  await it.create(kind, { ...policyOf(kind, 'two', spec), metadata: { name: 'two', labels: { a: 'b' } } })
  expect(resource.get({ name: 'one' }).object.kind).toBe(kind.kind)
  expect(resource.list({ labelSelector: 'a=b' }).items).toHaveLength(1)
  await resource.patch(
    { name: 'one' },
    { type: 'merge', body: { metadata: { annotations: { patched: 'true' } } } },
    {},
    it.info,
  )
  const changed = structuredClone(resource.get({ name: 'one' }).object) as unknown as KubeObject
  changed.metadata.annotations!.updated = 'true'
  await resource.update({ name: 'one' }, changed, {}, it.info)
  expect(resource.get({ name: 'one' }).object.metadata.annotations).toEqual({ patched: 'true', updated: 'true' })
  if (kind.subresources?.includes('status')) {
    const status = {
      conditions: [
        {
          type: 'StatusPatched',
          status: 'True',
          reason: 'E2E',
          message: 'Set by a test',
          lastTransitionTime: '2024-01-01T00:00:00Z',
        },
      ],
    }
    await resource.patch({ name: 'one' }, { type: 'merge', body: { status } }, {}, it.info, 'status')
    expect(resource.readSubresource({ name: 'one' }, 'status').object).toMatchObject({ status })
  }
  await resource.delete({ name: 'one' }, {}, it.info)
  await resource.deleteCollection({ labelSelector: 'a=b' }, {}, it.info)
  expect(resource.list({}).items).toEqual([])
}

test('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicy API operations', () =>
  lifecycle(ValidatingAdmissionPolicies, { matchConstraints: constraints, validations: [{ expression: 'true' }] }))

test('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicyBinding API operations', () =>
  lifecycle(ValidatingAdmissionPolicyBindings, { policyName: 'p', validationActions: ['Deny'] }))

test('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicy API operations', () =>
  lifecycle(MutatingAdmissionPolicies, mutation('Object{}')))

test('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicyBinding API operations', () =>
  lifecycle(MutatingAdmissionPolicyBindings, { policyName: 'p' }))

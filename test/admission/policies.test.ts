// ValidatingAdmissionPolicy and MutatingAdmissionPolicy: whom they mean, what they say, what they change. Rules and words:
// k8s.io/apiserver/pkg/admission/plugin/policy/{validating,mutating,generic}.

import { describe, expect, test } from 'vitest'
import type {
  ConfigMap,
  Deployment,
  MutatingAdmissionPolicySpec,
  ValidatingAdmissionPolicySpec,
} from '../../generated/types.ts'
import type { NewObject } from '../../src/api/meta.ts'
import {
  ConfigMaps,
  Deployments,
  MutatingAdmissionPolicies,
  MutatingAdmissionPolicyBindings,
  Namespaces,
  ValidatingAdmissionPolicies,
  ValidatingAdmissionPolicyBindings,
} from '../../src/kinds/index.ts'
import { inDefault, refusal, testServer } from '../registry/harness.ts'
import { leastObject } from '../registry/least-objects.ts'

const where = { namespace: 'default' }
const onDeployments = {
  resourceRules: [
    { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] },
  ],
}
const onMaps = {
  resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }],
}

async function cluster() {
  const server = await testServer()
  const { of, info } = server
  const put = async (kind: typeof ConfigMaps | any, name: string, spec: object) => {
    const apiVersion = 'admissionregistration.k8s.io/v1'
    await of(kind).create(
      { apiVersion, kind: kind.kind, metadata: { name }, spec: structuredClone(spec) },
      {},
      {},
      info,
    )
  }
  return {
    ...server,
    policy: (name: string, spec: Partial<ValidatingAdmissionPolicySpec>) =>
      put(ValidatingAdmissionPolicies, name, spec),
    bind: (name: string, policyName: string, spec: object = {}) =>
      put(ValidatingAdmissionPolicyBindings, name, { policyName, validationActions: ['Deny'], ...spec }),
    mutation: (name: string, spec: Partial<MutatingAdmissionPolicySpec>) => put(MutatingAdmissionPolicies, name, spec),
    bindMutation: (name: string, policyName: string, spec: object = {}) =>
      put(MutatingAdmissionPolicyBindings, name, { policyName, ...spec }),
    deploy: (name: string, spec: object = {}) => {
      const body = leastObject(Deployments, name) as NewObject<Deployment>
      Object.assign(body.spec!, spec)
      return of(Deployments).create(body, where, {}, info)
    },
    map: (name: string, data: Record<string, string> = {}, namespace = 'default') => {
      const body = leastObject(ConfigMaps, name) as ConfigMap
      Object.assign(body, { data })
      body.metadata.namespace = namespace
      return of(ConfigMaps).create(body, { namespace }, {}, info)
    },
    mapNow: (name: string) => of(ConfigMaps).get(inDefault(name)).object as unknown as ConfigMap,
    deploymentNow: (name: string) => of(Deployments).get(inDefault(name)).object as unknown as Deployment,
  }
}

describe('validating policies', () => {
  test("refuse what breaks a rule, in upstream's words", async () => {
    const it = await cluster()
    await it.policy('few.example.com', {
      matchConstraints: onDeployments,
      validations: [{ expression: 'object.spec.replicas <= 5' }],
    })
    await it.deploy('unbound', { replicas: 6 })
    await it.bind('few-here', 'few.example.com')
    await it.deploy('small', { replicas: 5 })
    const error = await refusal(it.deploy('big', { replicas: 6 }))
    const why =
      "ValidatingAdmissionPolicy 'few.example.com' with binding 'few-here' denied request: failed expression: object.spec.replicas <= 5"
    expect(error.toStatus()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `deployments.apps "big" is forbidden: ${why}`,
      reason: 'Invalid',
      details: { name: 'big', group: 'apps', kind: 'deployments', causes: [{ message: why }] },
      code: 422,
    })
  })

  test('say it in words of their own, with variables, and with a reason', async () => {
    const it = await cluster()
    await it.policy('p', {
      matchConstraints: onMaps,
      variables: [
        { name: 'keys', expression: 'has(object.data) ? object.data.map(key, key) : []' },
        { name: 'bad', expression: 'variables.keys.filter(key, !key.startsWith("ok"))' },
      ],
      validations: [
        {
          expression: 'variables.bad.size() == 0',
          message: 'not used',
          messageExpression: '"bad keys: " + variables.bad.join(", ")',
          reason: 'Forbidden',
        },
      ],
    })
    await it.bind('b', 'p')
    await it.map('fine', { ok1: 'x' })
    const error = await refusal(it.map('web', { a: '', ok: '', b: '' }))
    expect([error.code, error.reason]).toEqual([403, 'Forbidden'])
    expect(error.message).toContain('denied request: bad keys: a, b')
  })

  test('warn instead, and are asked only where their conditions hold', async () => {
    const it = await cluster()
    await it.policy('p', {
      matchConstraints: onMaps,
      matchConditions: [{ name: 'not-mine', expression: '!request.userInfo.username.startsWith("system:")' }],
      validations: [{ expression: 'object.metadata.name != "web"', message: 'not this name' }],
    })
    await it.bind('b', 'p', { validationActions: ['Warn', 'Audit'] })
    await it.map('web')
    expect(it.info.warnings).toEqual([
      "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': not this name",
    ])
    await it.client.of(ConfigMaps).delete(inDefault('web'))
    await it.client
      .of(ConfigMaps)
      .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web', namespace: 'default' } })
    expect(it.info.warnings).toHaveLength(1)
  })

  test('take their parameters from objects; without any they refuse or let pass', async () => {
    const it = await cluster()
    await it.map('limit', { most: '3' })
    await it.policy('p', {
      matchConstraints: onDeployments,
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      validations: [
        {
          expression: 'object.spec.replicas <= int(params.data.most)',
          messageExpression: '"most: " + params.data.most',
        },
      ],
    })
    await it.bind('b', 'p', { paramRef: { name: 'limit', namespace: 'default', parameterNotFoundAction: 'Deny' } })
    await it.deploy('small', { replicas: 3 })
    expect((await refusal(it.deploy('big', { replicas: 4 }))).message).toContain('denied request: most: 3')
    await it.client.of(ConfigMaps).delete(inDefault('limit'))
    expect((await refusal(it.deploy('any', { replicas: 1 }))).message).toContain(
      "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
    )
  })

  test('see the old object, the namespace, and deletions', async () => {
    const it = await cluster()
    await it.policy('p', {
      matchConstraints: onMaps,
      validations: [
        { expression: 'request.operation != "DELETE" || oldObject.metadata.name != "kept"', message: 'it stays' },
        { expression: 'oldObject == null || object == null || object.data == oldObject.data', message: 'no changes' },
        { expression: 'namespaceObject.metadata.name == request.namespace' },
      ],
    })
    await it.bind('b', 'p')
    await it.map('kept', { a: '1' })
    expect((await refusal(it.of(ConfigMaps).delete(inDefault('kept'), {}, it.info))).message).toContain('it stays')
    const patch = { type: 'merge', body: { data: { a: '2' } } } as const
    expect((await refusal(it.of(ConfigMaps).patch(inDefault('kept'), patch, {}, it.info))).message).toContain(
      'no changes',
    )
  })

  test('bindings narrow by namespace; exclusions and names are heeded', async () => {
    const it = await cluster()
    await it.of(Namespaces).create(leastObject(Namespaces, 'team'), {}, {}, it.info)
    await it.policy('p', {
      matchConstraints: {
        ...onMaps,
        excludeResourceRules: [{ ...onMaps.resourceRules[0], resourceNames: ['free'] }],
      },
      validations: [{ expression: 'false', message: 'never' }],
    })
    await it.bind('b', 'p', {
      matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'team' } } },
    })
    await it.map('web')
    await it.map('free', {}, 'team')
    expect((await refusal(it.map('web', {}, 'team'))).message).toContain('never')
  })

  test('an expression that fails refuses, or not, as the policy says', async () => {
    const it = await cluster()
    const spec = { matchConstraints: onMaps, validations: [{ expression: 'object.data.missing == "x"' }] }
    await it.policy('strict', { ...spec, failurePolicy: 'Fail' })
    await it.policy('calm', { ...spec, failurePolicy: 'Ignore' })
    await it.bind('calm', 'calm')
    await it.map('web', { a: '1' })
    await it.bind('strict', 'strict')
    expect((await refusal(it.map('other', { a: '1' }))).message).toContain(
      `denied request: expression 'object.data.missing == "x"' resulted in error: no such key: missing`,
    )
  })

  test('the authorizer tells what the user may do', async () => {
    const it = await cluster()
    await it.policy('p', {
      matchConstraints: onMaps,
      validations: [
        {
          expression: 'authorizer.group("").resource("nodes").check("delete").allowed()',
          message: 'only for the mighty',
        },
      ],
    })
    await it.bind('b', 'p')
    const web = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' } }
    const jane = { ...it.info, user: { name: 'jane', groups: [] } }
    const asJane = it.of(ConfigMaps).create(web, { namespace: 'default' }, {}, jane)
    expect((await refusal(asJane)).message).toContain('only for the mighty')
    await it.client
      .of(ConfigMaps)
      .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web', namespace: 'default' } })
  })
})

describe('what cannot be written', () => {
  test('a policy whose expressions cannot be compiled, each named', async () => {
    const it = await cluster()
    const made = it.policy('p', {
      matchConstraints: onMaps,
      variables: [{ name: 'v', expression: 'nope + 1' }],
      validations: [{ expression: 'object.data.size()' }, { expression: '"a" == ', messageExpression: '1' }],
    })
    const error = await refusal(made)
    expect(error.details?.causes?.map(({ field }) => field)).toEqual([
      'spec.variables[0].expression',
      'spec.validations[0].expression',
      'spec.validations[1].expression',
      'spec.validations[1].messageExpression',
    ])
    expect(error.message).toContain("undeclared reference to 'nope' (in container '')")
  })
})

describe('mutating policies', () => {
  test("merge what they name by the schema's keys", async () => {
    const it = await cluster()
    await it.mutation('p', {
      matchConstraints: onDeployments,
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      mutations: [
        {
          patchType: 'ApplyConfiguration',
          applyConfiguration: {
            expression: `Object{metadata: Object.metadata{labels: {"tier": object.metadata.name}},
              spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{
                containers: [Object.spec.template.spec.containers{name: "side", image: "busybox"}]}}}}`,
          },
        },
      ],
    })
    await it.bindMutation('b', 'p')
    await it.deploy('web')
    const { metadata, spec } = it.deploymentNow('web')
    expect(metadata.labels).toMatchObject({ tier: 'web' })
    const containers = spec.template.spec!.containers
    expect(containers.map(({ name, terminationMessagePath }) => [name, terminationMessagePath])).toEqual([
      [containers[0]!.name, '/dev/termination-log'],
      ['side', '/dev/termination-log'],
    ])
  })

  test('or patch, one after the other, and a test that fails changes nothing', async () => {
    const it = await cluster()
    const add = (key: string, value: string) => `[JSONPatch{op: "add", path: "/data/${key}", value: ${value}}]`
    await it.mutation('p', {
      matchConstraints: onMaps,
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      mutations: [
        {
          patchType: 'JSONPatch',
          jsonPatch: {
            expression:
              '[JSONPatch{op: "test", path: "/data/a", value: "no"}, JSONPatch{op: "remove", path: "/data/a"}]',
          },
        },
        { patchType: 'JSONPatch', jsonPatch: { expression: add('b', 'object.data.a + "!"') } },
        {
          patchType: 'JSONPatch',
          jsonPatch: { expression: add('" + jsonpatch.escapeKey("c") + "', 'object.data.b + "!"') },
        },
      ],
    })
    await it.bindMutation('b', 'p')
    await it.map('web', { a: '1' })
    expect(it.mapNow('web').data).toEqual({ a: '1', b: '1!', c: '1!!' })
  })

  test('refuse when they cannot', async () => {
    const it = await cluster()
    const mutation = (expression: string) => ({
      matchConstraints: onDeployments,
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
    })
    await it.mutation(
      'p',
      mutation('Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {"a": "b"}}}}'),
    )
    await it.bindMutation('b', 'p')
    const error = await refusal(it.deploy('web'))
    expect(error.message).toBe(
      "policy 'p' with binding 'b' denied request: error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.selector",
    )
  })

  test('what an earlier one wants to see again, it does', async () => {
    const it = await cluster()
    const label = (text: string) => `Object{metadata: Object.metadata{labels: ${text}}}`
    const mutation = (expression: string, reinvocationPolicy: string) => ({
      matchConstraints: onMaps,
      failurePolicy: 'Fail',
      reinvocationPolicy,
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
    })
    const seen = 'string(has(object.metadata.labels) && "late" in object.metadata.labels)'
    await it.mutation('a', mutation(label(`{"seen": ${seen}}`), 'IfNeeded'))
    await it.mutation('b', mutation(label('{"late": "yes"}'), 'Never'))
    await it.bindMutation('a', 'a')
    await it.bindMutation('b', 'b')
    await it.map('web')
    expect(it.mapNow('web').metadata.labels).toEqual({ seen: 'true', late: 'yes' })
  })
})

// What is told of the types in a policy's expressions, and what is not. Upstream:
// k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking_test.go; the sentences are cel-go's (checker/errors.go).

import { describe, expect, test } from 'vitest'
import { createCel } from '../apiserver/cel/compiler.ts'
import { typeWarnings } from '../apiserver/policy-type-checking.ts'
import type { CustomResourceDefinition, ValidatingAdmissionPolicy } from '../generated/types.ts'
import { builtinKinds } from '../src/kinds/index.ts'

const cel = createCel()
const rule = (group: string, version: string, ...resources: string[]) => ({
  apiGroups: [group],
  apiVersions: [version],
  operations: ['CREATE'],
  resources,
})
const deployments = rule('apps', 'v1', 'deployments')
type Spec = ValidatingAdmissionPolicy['spec']

function warnings(spec: Partial<Spec>, definitions: readonly object[] = []) {
  const whole = { matchConstraints: { resourceRules: [deployments] }, ...spec } as Spec
  const policy = { metadata: { name: 'p' }, spec: whole } as ValidatingAdmissionPolicy
  return typeWarnings(cel, builtinKinds, policy, definitions as CustomResourceDefinition[])
}
/** `line:column: sentence` of each fault of a Deployment's expression. */
function faults(expression: string, more: Partial<Spec> = {}, definitions: readonly object[] = []): string[] {
  const [told] = warnings({ validations: [{ expression }], ...more }, definitions)
  return [...(told?.warning ?? '').matchAll(/ERROR: <input>:(.+)/g)].map(([, text]) => text!)
}

test('each kind has its paragraph, with the line and a mark under it', () => {
  const resourceRules = [rule('apps', 'v1', 'replicasets', 'deployments')]
  const validations = [{ expression: 'object.replicas > 1', messageExpression: "'a' + object.kind" }]
  const mark = ' | object.replicas > 1\n | ......^\n'
  expect(warnings({ validations, matchConstraints: { resourceRules } })).toEqual([
    {
      fieldRef: 'spec.validations[0].expression',
      warning:
        `apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n${mark}\n` +
        `apps/v1, Kind=ReplicaSet: ERROR: <input>:1:7: undefined field 'replicas'\n${mark}`,
    },
  ])
  const message = [{ expression: 'true', messageExpression: 'object.foo' }]
  const [told] = warnings({ validations: message, matchConstraints: { resourceRules: [rule('', 'v1', 'pods')] } })
  expect(told).toMatchObject({
    fieldRef: 'spec.validations[0].messageExpression',
    // As Go's GroupVersionKind prints the group that has no name.
    warning: expect.stringMatching(/^\/v1, Kind=Pod: ERROR: <input>:1:7: undefined field 'foo'/),
  })
})

const spec = 'object.spec.template.spec'
test.each([
  ["object.foo == 'bar' && object.bar > 1", "1:7: undefined field 'foo'", "1:30: undefined field 'bar'"],
  ['has(object.spec.foo)', "1:16: undefined field 'foo'"],
  [`${spec}.containers.all(c, c.img == 'x')`, "1:46: undefined field 'img'"],
  ['request.object.metadata.name', "1:8: undefined field 'object'"],
  ['namespaceObject.metadata.uid', "1:25: undefined field 'uid'"],
  ["object.spec.replicas == 'x'", "1:22: found no matching overload for '_==_' applied to '(int, string)'"],
  ["object.spec.replicas + 'x'", "1:22: found no matching overload for '_+_' applied to '(int, string)'"],
  [
    `${spec} == 'x'`,
    "1:27: found no matching overload for '_==_' applied to '(Deployment.spec.template.spec, string)'",
  ],
  ["object.metadata.labels['a'] == 1", "1:29: found no matching overload for '_==_' applied to '(string, int)'"],
  [
    "object.metadata.creationTimestamp == 'x'",
    "1:35: found no matching overload for '_==_' applied to '(timestamp, string)'",
  ],
  ['1 in object.metadata.finalizers', "1:3: found no matching overload for '@in' applied to '(int, list(string))'"],
  ['!object.spec.replicas', "1:1: found no matching overload for '!_' applied to '(int)'"],
  ['object.spec.replicas && true', "1:22: found no matching overload for '_&&_' applied to '(int, bool)'"],
  ['object.spec.replicas ? 1 : 2', "1:22: found no matching overload for '_?_:_' applied to '(int, int, int)'"],
  ['true ? 1 : object.kind', "1:6: found no matching overload for '_?_:_' applied to '(bool, int, string)'"],
  [
    "object.metadata.finalizers['a']",
    "1:27: found no matching overload for '_[_]' applied to '(list(string), string)'",
  ],
  ['object.metadata.finalizers.first', "1:27: type 'list(string)' does not support field selection"],
  ['object.kind.size', "1:12: type 'string' does not support field selection"],
  ['object.kind.startsWith(1)', "1:23: found no matching overload for 'startsWith' applied to 'string.(int)'"],
  ['size(object.spec.replicas)', "1:5: found no matching overload for 'size' applied to '(int)'"],
  [
    'object.spec.replicas.all(x, true)',
    "1:12: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
  ],
  [
    'authorizer.allowed()',
    "1:19: found no matching overload for 'allowed' applied to 'kubernetes.authorization.Authorizer.()'",
  ],
])('%s is wrong', (expression, ...expected) => {
  expect(faults(expression)).toEqual(expected)
})

test.each([
  "object.metadata.namespace == 'x' && 'a' in object.metadata.labels && object.metadata.labels.a == 'b'",
  `${spec}.containers.all(c, has(c.securityContext) && c.securityContext.?runAsNonRoot.orValue(false))`,
  `${spec}.containers.map(c, c.image).exists(i, i.contains(':') && i.matches('^a'))`,
  'oldObject == null || object.spec.replicas >= oldObject.spec.replicas',
  'object.spec == oldObject.spec && object.spec.replicas > 1.5',
  `quantity(${spec}.containers[0].resources.limits['cpu']).isLessThan(quantity('1'))`,
  "object.spec.strategy.rollingUpdate.maxSurge == '25%' || object.spec.strategy.rollingUpdate.maxSurge == 1",
  "timestamp('2024-01-01T00:00:00Z') < object.metadata.creationTimestamp",
  "request.userInfo.groups.exists(g, g == 'y') && request.operation in ['CREATE', 'UPDATE'] && request.options.x == 1",
  "authorizer.group('').resource('pods').check('create').allowed() && authorizer.requestResource.check('x').allowed()",
  "namespaceObject.metadata.labels['a'] == 'b'",
  "dyn(object).foo == 1 && type(object.spec.replicas) == int && object.metadata.labels == {'a': 'b'}",
])('%s is right', expression => {
  expect(faults(expression)).toEqual([])
})

describe('which kinds', () => {
  const told = (...resourceRules: object[]) => {
    const found = warnings({
      validations: [{ expression: 'object.nowhere' }],
      matchConstraints: { resourceRules } as Spec['matchConstraints'] & object,
    })
    return [...(found[0]?.warning ?? '').matchAll(/(\S*), Kind=(\w+): /g)].map(
      ([, version, kind]) => `${version} ${kind}`,
    )
  }

  test('those that are named, once, in order; no wildcards, no subresources, none that nobody serves', () => {
    expect(told(deployments, rule('', 'v1', 'pods', 'pods/exec'), deployments)).toEqual([
      '/v1 Pod',
      'apps/v1 Deployment',
    ])
    expect(told(rule('apps', 'v1', '*'), rule('*', 'v1', 'pods'), rule('apps', '*', 'deployments'))).toEqual([])
    expect(told(rule('apps', 'v1', '*', 'statefulsets'))).toEqual(['apps/v1 StatefulSet'])
    expect(told(rule('example.com', 'v1', 'deployments'), rule('apps', 'v9', 'deployments'))).toEqual([])
    expect(warnings({ validations: [{ expression: 'object.nowhere' }], matchConstraints: {} })).toEqual([])
  })

  test('ten at most', () => {
    const many =
      'bindings configmaps endpoints events limitranges namespaces nodes persistentvolumeclaims persistentvolumes pods secrets services'
    expect(told(rule('', 'v1', ...many.split(' '))).length).toBe(10)
  })
})

describe('variables', () => {
  const checked = (variables: Spec['variables'] & object, expression: string) => faults(expression, { variables })

  test('are of the type of what they say', () => {
    expect(checked([{ name: 'works', expression: 'true' }], 'variables.works')).toEqual([])
    expect(checked([{ name: 'works', expression: 'true' }], 'variables.missing')).toEqual([
      "1:10: undefined field 'missing'",
    ])
    expect(checked([{ name: 'name', expression: "'a'" }], 'variables.name == object.spec.replicas')).toEqual([
      "1:16: found no matching overload for '_==_' applied to '(string, int)'",
    ])
    const two = [
      { name: 'names', expression: `${spec}.containers.map(c, c.name)` },
      { name: 'first', expression: 'variables.names[0]' },
    ]
    expect(checked(two, 'variables.first == 1')).toEqual([
      "1:17: found no matching overload for '_==_' applied to '(string, int)'",
    ])
  })

  test('that are wrong themselves, or are objects, may be anything', () => {
    expect(checked([{ name: 'x', expression: "object.spec.replicas == 'a'" }], "variables.x == 'a'")).toEqual([])
    expect(checked([{ name: 'x', expression: 'object.spec' }], 'variables.x.nowhere == 1')).toEqual([])
  })
})

describe('custom kinds', () => {
  const definition = (established: string) => ({
    spec: {
      group: 'example.com',
      names: { plural: 'limits', kind: 'Limit' },
      versions: [
        {
          name: 'v1',
          served: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  properties: { most: { type: 'integer' }, size: { 'x-kubernetes-int-or-string': true } },
                },
              },
            },
          },
        },
      ],
    },
    status: { conditions: [{ type: 'Established', status: established }] },
  })
  const paramKind = { apiVersion: 'example.com/v1', kind: 'Limit' }

  test('are as their definition says, with the metadata of every object', () => {
    const resourceRules = [rule('example.com', 'v1', 'limits')]
    const of = (expression: string, established = 'True') =>
      faults(expression, { matchConstraints: { resourceRules } }, [definition(established)])
    expect(of("object.spec.most > 1 && object.metadata.labels['a'] == 'b' && object.kind == 'Limit'")).toEqual([])
    expect(of("object.spec.size == 1 || object.spec.size == 'x'")).toEqual([])
    expect(of('object.spec.least > 1')).toEqual(["1:12: undefined field 'least'"])
    expect(of('object.spec.least > 1', 'False')).toEqual([])
  })

  test('are parameters too; of one that nobody knows nothing is told', () => {
    const of = (expression: string, definitions: readonly object[]) => faults(expression, { paramKind }, definitions)
    expect(of('object.spec.replicas <= params.spec.most', [definition('True')])).toEqual([])
    expect(of('object.spec.replicas <= params.most', [definition('True')])).toEqual(["1:31: undefined field 'most'"])
    expect(of('object.spec.replicas <= params.most', [])).toEqual([])
    expect(faults('params.data.a == 1', { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } })).toEqual([
      "1:15: found no matching overload for '_==_' applied to '(string, int)'",
    ])
    // Without a paramKind there is no such word.
    expect(faults('params.most > 1')).toEqual(["1:1: undeclared reference to 'params' (in container '')"])
  })

  test('a type that holds itself ends', () => {
    const resourceRules = [rule('apiextensions.k8s.io', 'v1', 'customresourcedefinitions')]
    const properties = 'properties.'.repeat(30)
    const expression = `object.spec.versions.all(v, v.schema.openAPIV3Schema.not.${properties}x == 1)`
    expect(faults(expression, { matchConstraints: { resourceRules } })).toEqual(["1:57: undefined field 'properties'"])
  })
})

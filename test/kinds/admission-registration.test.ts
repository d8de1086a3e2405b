// Webhook configurations, admission policies and their bindings (pkg/apis/admissionregistration/validation/validation.go,
// v1/defaults.go, pkg/registry/admissionregistration/*/strategy.go, pkg/printers/internalversion/printers.go).

import { expect, test } from 'vitest'
import {
  MutatingAdmissionPolicies,
  MutatingAdmissionPolicyBindings,
  MutatingWebhookConfigurations,
  ValidatingAdmissionPolicies,
  ValidatingAdmissionPolicyBindings,
  ValidatingWebhookConfigurations,
} from '../../src/kinds/index.ts'
import { cell, create, update } from './written.ts'

const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }
const hook = (more: object = {}) => ({
  name: 'a.example.com',
  clientConfig: { url: 'https://example.com/x' },
  rules: [rule],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  ...more,
})
const hooks = (...webhooks: object[]) => ({ metadata: { name: 'it' }, webhooks })

test('a webhook is filled up; only a mutating one has a reinvocation policy', () => {
  const service = { name: 'n', namespace: 'ns' }
  const { object, faults } = create(MutatingWebhookConfigurations, hooks(hook({ clientConfig: { service } })))
  expect(faults).toEqual([])
  expect(object.webhooks).toEqual([
    {
      name: 'a.example.com',
      clientConfig: { service: { ...service, port: 443 } },
      rules: [{ ...rule, scope: '*' }],
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      reinvocationPolicy: 'Never',
      sideEffects: 'None',
      timeoutSeconds: 10,
      admissionReviewVersions: ['v1'],
    },
  ])
  expect(cell(MutatingWebhookConfigurations, object, 'Webhooks')).toBe(1)
  const validating = create(ValidatingWebhookConfigurations, hooks(hook())).object
  expect(validating.webhooks?.[0]).not.toHaveProperty('reinvocationPolicy')
})

test.each<[string, object, string[]]>([
  [
    'nothing said',
    { name: '', clientConfig: {}, rules: [{}], sideEffects: undefined, admissionReviewVersions: undefined },
    [
      'webhooks[0].name: Required value',
      'webhooks[0].rules[0].operations: Required value',
      'webhooks[0].rules[0].apiGroups: Required value',
      'webhooks[0].rules[0].apiVersions: Required value',
      'webhooks[0].rules[0].resources: Required value',
      'webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun',
      'webhooks[0].clientConfig: Required value: exactly one of url or service is required',
      'webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1',
    ],
  ],
  [
    'choices that are none',
    {
      name: 'a.b',
      failurePolicy: 'F',
      matchPolicy: 'M',
      sideEffects: 'Some',
      timeoutSeconds: 31,
      reinvocationPolicy: 'R',
      admissionReviewVersions: ['v2', 'v2', 'V3'],
    },
    [
      'webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots',
      'webhooks[0].failurePolicy: Unsupported value: "F": supported values: "Fail", "Ignore"',
      'webhooks[0].matchPolicy: Unsupported value: "M": supported values: "Equivalent", "Exact"',
      'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
      'webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds',
      'webhooks[0].reinvocationPolicy: Unsupported value: "R": supported values: "IfNeeded", "Never"',
      'webhooks[0].admissionReviewVersions[1]: Invalid value: "v2": duplicate version',
      expect.stringMatching(/^webhooks\[0\]\.admissionReviewVersions\[2\]: Invalid value: "V3": a DNS-1035 label must/),
      'webhooks[0].admissionReviewVersions: Invalid value: ["v2","v2","V3"]: must include at least one of v1, v1beta1',
    ] as string[],
  ],
  [
    'wildcards beside others',
    {
      rules: [
        {
          operations: ['*', 'CREATE'],
          apiGroups: ['*', 'a'],
          apiVersions: ['*', ''],
          resources: ['*', 'a/*', 'a/b', 'c'],
        },
        { ...rule, operations: ['READ'], resources: ['*/*', '', 'a/b'], scope: 'Pod' },
      ],
    },
    [
      `webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations`,
      `webhooks[0].rules[0].apiGroups: Invalid value: ["*","a"]: if '*' is present, must not specify other API groups`,
      `webhooks[0].rules[0].apiVersions: Invalid value: ["*",""]: if '*' is present, must not specify other API versions`,
      'webhooks[0].rules[0].apiVersions[1]: Required value',
      `webhooks[0].rules[0].resources[2]: Invalid value: "a/b": if 'a/*' is present, must not specify a/b`,
      `webhooks[0].rules[0].resources: Invalid value: ["*","a/*","a/b","c"]: if '*' is present, must not specify other resources without subresources`,
      'webhooks[0].rules[1].operations[0]: Unsupported value: "READ": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
      'webhooks[0].rules[1].resources[1]: Required value',
      `webhooks[0].rules[1].resources: Invalid value: ["*/*","","a/b"]: if '*/*' is present, must not specify other resources`,
      'webhooks[0].rules[1].scope: Unsupported value: "Pod": supported values: "*", "Cluster", "Namespaced"',
    ],
  ],
  [
    'conditions',
    {
      matchConditions: [
        { name: 'a', expression: ' ' },
        { name: 'a', expression: 'true' },
        { name: '', expression: 'true' },
      ],
    },
    [
      'webhooks[0].matchConditions[0].expression: Required value',
      'webhooks[0].matchConditions[1].name: Duplicate value: "a"',
      'webhooks[0].matchConditions[2].name: Required value',
    ],
  ],
])('faults of a webhook: %s', (_, more, expected) => {
  expect(create(MutatingWebhookConfigurations, hooks(hook(more))).faults).toEqual(expected)
})

test.each<[string, string[]]>([
  ['http://example.com', [`"http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`]],
  ['https:///path', ['"": host must be specified; desired format: https://host[/path]']],
  ['https://me:pw@example.com', ['"me:pw": user information is not permitted in the URL']],
  ['https://example.com/a#b', ['"b": fragments are not permitted in the URL']],
  ['https://example.com/a?b=c', ['"b=c": query parameters are not permitted in the URL']],
  ['https://[::1]:8443/x', []],
])('the URL %s of a webhook (ValidateWebhookURL)', (url, expected) => {
  const { faults } = create(ValidatingWebhookConfigurations, hooks(hook({ clientConfig: { url } })))
  expect(faults).toEqual(expected.map(each => `webhooks[0].clientConfig.url: Invalid value: ${each}`))
})

test.each<[string, string]>([
  [':8080', 'parse ":8080": missing protocol scheme'],
  ['https://a:b', 'parse "https://a:b": invalid port ":b" after host'],
  ['https://a/%zz', 'parse "https://a/%zz": invalid URL escape "%zz"'],
])('what is no URL: %s', (url, expected) => {
  const { faults } = create(ValidatingWebhookConfigurations, hooks(hook({ clientConfig: { url } })))
  const form = '; desired format: https://host[/path]'
  expect(faults).toEqual([`webhooks[0].clientConfig.url: Required value: url must be a valid URL: ${expected}${form}`])
})

test('the service of a webhook: what is missing is told at the other place, as upstream does (ValidateWebhookService)', () => {
  const faultsOf = (service: object) =>
    create(ValidatingWebhookConfigurations, hooks(hook({ clientConfig: { service } }))).faults
  const at = 'webhooks[0].clientConfig.service'
  expect(faultsOf({ name: 'n' })).toEqual([`${at}.name: Required value`])
  expect(faultsOf({ namespace: 'n' })).toEqual([`${at}.namespace: Required value`])
  expect(faultsOf({ name: 'n', namespace: 'ns', port: 70000, path: '/a//B' })).toEqual([
    `${at}.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive`,
    `${at}.path: Invalid value: "/a//B": segment[1] may not be empty`,
    expect.stringMatching(
      /^webhooks\[0\]\.clientConfig\.service\.path: Invalid value: "\/a\/\/B": segment\[2\]: a lowercase/,
    ),
  ])
  expect(faultsOf({ name: 'n', namespace: 'ns', path: 'a' })).toEqual([
    `${at}.path: Invalid value: "a": must start with a '/'`,
    `${at}.path: Invalid value: "a": segment[0] may not be empty`,
  ])
})

test('two webhooks of one name are one too many; a reserved name is warned of', () => {
  expect(create(ValidatingWebhookConfigurations, hooks(hook(), hook())).faults).toEqual([
    'webhooks[1].name: Duplicate value: "a.example.com"',
  ])
  const { warnings } = create(ValidatingWebhookConfigurations, { metadata: { name: 'a.static.k8s.io' } })
  expect(warnings).toEqual([
    'metadata.name: names ending with ".static.k8s.io" are reserved for static manifest-based configurations and cannot be managed via the API',
  ])
})

const policy = (spec: object = {}) => ({
  metadata: { name: 'it' },
  spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: 'true' }], ...spec },
})

test('a validating policy is filled up, and its status is no user s', () => {
  const { object, faults } = create(ValidatingAdmissionPolicies, { ...policy(), status: { observedGeneration: 3 } })
  expect(faults).toEqual([])
  expect(object.spec).toEqual({
    failurePolicy: 'Fail',
    matchConstraints: {
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      resourceRules: [{ ...rule, scope: '*' }],
    },
    validations: [{ expression: 'true' }],
  })
  expect(object.status).toEqual({})
  expect(cell(ValidatingAdmissionPolicies, object, 'ParamKind')).toBe('<unset>')
})

test.each<[string, object, string[]]>([
  [
    'an empty spec',
    { spec: {} },
    [
      'spec.matchConstraints: Required value',
      'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
      'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
    ],
  ],
  [
    'parameters of no kind, variables without names',
    policy({
      paramKind: { apiVersion: 'a/b/c', kind: '9' },
      matchConstraints: {},
      variables: [{ name: 'for', expression: '1' }, {}],
    }),
    [
      'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
      expect.stringMatching(
        /^spec\.paramKind\.kind: Invalid value: "9": may have mixed case, but should otherwise match: a DNS-1035/,
      ) as unknown as string,
      'spec.matchConstraints.resourceRules: Required value',
      'spec.variables[0].name: Invalid value: "for": must be a valid CEL identifier',
      'spec.variables[1].name: Required value: name is not specified',
      'spec.variables[1].expression: Required value: expression is not specified',
    ],
  ],
  [
    'validations and annotations',
    policy({
      validations: [{ expression: '', message: 'a\nb', messageExpression: ' ', reason: 'Gone' }],
      auditAnnotations: [
        { key: 'a', valueExpression: '' },
        { key: 'a', valueExpression: 'x'.repeat(5121) },
      ],
    }),
    [
      'spec.validations[0].expression: Required value: expression is not specified',
      'spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified',
      'spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks',
      'spec.validations[0].reason: Unsupported value: "Gone": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
      'spec.auditAnnotations[0].valueExpression: Required value: valueExpression is not specified',
      'spec.auditAnnotations[1].valueExpression: Required value: must not exceed 5120 bytes in length',
      'spec.auditAnnotations[1].key: Duplicate value: "a"',
    ],
  ],
  [
    'names of resources',
    policy({ matchConstraints: { resourceRules: [{ ...rule, resourceNames: ['a', 'a', 'b/c'] }] } }),
    [
      'spec.matchConstraints.resourceRules[0].resourceNames[1]: Duplicate value: "a"',
      `spec.matchConstraints.resourceRules[0].resourceNames[2]: Invalid value: "b/c": may not contain '/'`,
    ],
  ],
])('faults of a validating policy: %s', (_, object, expected) => {
  expect(create(ValidatingAdmissionPolicies, { metadata: { name: 'it' }, ...object }).faults).toEqual(expected)
})

test('the status of a policy has conditions of the common form (ValidateConditions)', () => {
  const { object } = create(ValidatingAdmissionPolicies, policy())
  const condition = { type: 'Ready', status: 'Maybe', reason: '-', observedGeneration: -1 }
  const edit = (next: { status: object }) => {
    next.status = {
      typeChecking: { expressionWarnings: [{ fieldRef: ' ', warning: '' }] },
      conditions: [
        condition,
        { type: 'Ready', status: 'True', reason: 'Yes', lastTransitionTime: '2024-05-01T12:00:00Z' },
      ],
    }
  }
  expect(update(ValidatingAdmissionPolicies, object, edit as never, 'status').faults).toEqual([
    'status.typeChecking.expressionWarnings[0].warning: Required value',
    'status.typeChecking.expressionWarnings[0].fieldRef: Required value',
    'status.conditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
    'status.conditions[0].observedGeneration: Invalid value: -1: must be greater than or equal to zero',
    'status.conditions[0].lastTransitionTime: Required value',
    expect.stringMatching(/^status\.conditions\[0\]\.reason: Invalid value: "-": a condition reason must start/),
    'status.conditions[1]: Duplicate value: "Ready"',
  ])
})

test('faults of a validating binding', () => {
  const faultsOf = (spec: object) =>
    create(ValidatingAdmissionPolicyBindings, { metadata: { name: 'it' }, spec }).faults
  expect(faultsOf({})).toEqual([
    'spec.policyName: Required value',
    'spec.validationActions: Required value: at least one validation action is required',
  ])
  const both = 'name and selector are mutually exclusive'
  expect(
    faultsOf({
      policyName: 'P',
      paramRef: { name: 'a', selector: {}, parameterNotFoundAction: 'Ask' },
      validationActions: ['Deny', 'Warn', 'Deny', 'Shout'],
    }),
  ).toEqual([
    expect.stringMatching(/^spec\.policyName: Invalid value: "P": a lowercase RFC 1123 subdomain/),
    `spec.paramRef.name: Forbidden: ${both}`,
    `spec.paramRef.selector: Forbidden: ${both}`,
    'spec.paramRef.parameterNotFoundAction: Unsupported value: "Ask": supported values: "Deny", "Allow"',
    'spec.validationActions[2]: Duplicate value: "Deny"',
    'spec.validationActions[3]: Unsupported value: "Shout": supported values: "Audit", "Deny", "Warn"',
    'spec.validationActions: Invalid value: ["Deny","Warn","Deny","Shout"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
  ])
  expect(faultsOf({ policyName: 'p', paramRef: {}, validationActions: ['Deny'] })).toEqual([
    'spec.paramRef: Required value: one of name or selector must be specified',
    'spec.paramRef.parameterNotFoundAction: Required value',
  ])
})

test.each<[object | undefined, string]>([
  [undefined, '<unset>'],
  [{ name: 'a' }, '*/a'],
  [{ name: 'a', namespace: 'b' }, 'b/a'],
  [
    {
      selector: {
        matchLabels: { z: '1', a: '2' },
        matchExpressions: [{ key: 'k', operator: 'In', values: ['v', 'w'] }],
      },
    },
    '&LabelSelector{MatchLabels:map[string]string{a: 2,z: 1,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[v w],},},}',
  ],
])('the parameter of a binding as a cell: %j', (paramRef, expected) => {
  const spec = { policyName: 'p', ...(paramRef ? { paramRef } : {}) }
  const { object } = create(MutatingAdmissionPolicyBindings, { metadata: { name: 'it' }, spec })
  expect(cell(MutatingAdmissionPolicyBindings, object, 'ParamRef')).toBe(expected)
})

test('faults of a mutating policy: what is deleted cannot be mutated, and each mutation has the form it names', () => {
  const faultsOf = (spec: object) => create(MutatingAdmissionPolicies, { metadata: { name: 'it' }, spec }).faults
  expect(faultsOf({})).toEqual([
    'spec.matchConstraints: Required value',
    'spec.mutations: Required value: mutations must contain at least one item',
    'spec.reinvocationPolicy: Required value',
  ])
  expect(
    faultsOf({
      matchConstraints: { resourceRules: [{ ...rule, operations: ['CREATE', 'DELETE'] }] },
      reinvocationPolicy: 'Always',
      mutations: [
        { patchType: 'JSONPatch', applyConfiguration: { expression: 'x' } },
        { patchType: 'ApplyConfiguration', applyConfiguration: { expression: '' } },
        { patchType: 'Merge' },
        {},
      ],
    }),
  ).toEqual([
    'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
    'spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch',
    'spec.mutations[0].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch',
    'spec.mutations[1].applyConfiguration.expression: Required value',
    'spec.mutations[2].patchType: Unsupported value: "Merge": supported values: "ApplyConfiguration", "JSONPatch"',
    'spec.mutations[3].patchType: Required value',
    'spec.reinvocationPolicy: Unsupported value: "Always": supported values: "IfNeeded", "Never"',
  ])
})

// Policies whose expressions do not fit say so in their status. Upstream: pkg/controller/validatingadmissionpolicystatus/
// controller_test.go, test/e2e/apimachinery/validatingadmissionpolicy.go ("should type check validation expressions").

import { expect, test } from 'vitest'
import { wholeObject } from '../../apiserver/registry/collection.ts'
import { admissionPolicyStatusController } from '../../controllers/admission-policy-status.ts'
import { CustomResourceDefinitions, ValidatingAdmissionPolicies } from '../../src/kinds/index.ts'
import { createPolicyTypeChecker } from '../../src/policy-type-checking.ts'
import { controlPlane } from '../support/control-plane.ts'

const policy = (expression: string, more: object = {}) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: 'replicas' },
  spec: {
    matchConstraints: {
      resourceRules: [
        { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] },
      ],
    },
    validations: [{ expression, message: 'must be replicated', reason: 'Invalid' }],
    ...more,
  },
})
const plane = () => controlPlane([admissionPolicyStatusController(createPolicyTypeChecker())])
const warningFor = (name: string) => ({
  fieldRef: 'spec.validations[0].expression',
  warning: `apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field '${name}'\n | object.${name} > 1\n | ......^\n`,
})

test('of each generation, once', async () => {
  await using it = await plane()
  await it.create(ValidatingAdmissionPolicies, policy('object.replicas > 1'))
  await it.settle()
  const told = it.get(ValidatingAdmissionPolicies, 'replicas')
  expect(told.status).toEqual({ observedGeneration: 1, typeChecking: { expressionWarnings: [warningFor('replicas')] } })
  const { managedFields } = wholeObject(
    it.server.registry.of(ValidatingAdmissionPolicies).get({ name: 'replicas' }),
  ).metadata
  expect(managedFields?.[0]).toMatchObject({
    manager: 'validatingadmissionpolicy-status-controller',
    operation: 'Apply',
    subresource: 'status',
  })

  // What is not of its spec is no reason to look again.
  await it.patch(ValidatingAdmissionPolicies, 'replicas', { metadata: { labels: { a: 'b' } } })
  await it.settle()
  await it.patch(ValidatingAdmissionPolicies, 'replicas', {
    spec: { validations: [{ expression: 'object.copies > 1' }] },
  })
  await it.settle()
  expect(it.get(ValidatingAdmissionPolicies, 'replicas').status).toEqual({
    observedGeneration: 2,
    typeChecking: { expressionWarnings: [warningFor('copies')] },
  })
  await it.patch(ValidatingAdmissionPolicies, 'replicas', {
    spec: { validations: [{ expression: 'object.spec.replicas > 1' }] },
  })
  await it.settle()
  const { observedGeneration, typeChecking } = it.get(ValidatingAdmissionPolicies, 'replicas').status
  expect([observedGeneration, typeChecking?.expressionWarnings]).toEqual([3, undefined])
})

test('parameters are of the kind that there is when it is looked at', async () => {
  await using it = await plane()
  await it.create(CustomResourceDefinitions, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'limits.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'limits', singular: 'limit', kind: 'Limit', listKind: 'LimitList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { most: { type: 'string' } } } },
        },
      ],
    },
  })
  await it.settle()
  const paramKind = { apiVersion: 'example.com/v1', kind: 'Limit' }
  await it.create(ValidatingAdmissionPolicies, policy('object.spec.replicas <= params.most', { paramKind }))
  await it.settle()
  expect(it.get(ValidatingAdmissionPolicies, 'replicas').status.typeChecking?.expressionWarnings).toEqual([
    {
      fieldRef: 'spec.validations[0].expression',
      warning:
        "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_<=_' applied to '(int, string)'\n" +
        ' | object.spec.replicas <= params.most\n | .....................^\n',
    },
  ])
})

test('a controller that stood still looks when it goes on', async () => {
  await using it = await plane()
  const name = 'validatingadmissionpolicy-status-controller'
  await it.manager.stop(name)
  await it.create(ValidatingAdmissionPolicies, policy('object.replicas > 1'))
  await it.settle()
  expect(it.get(ValidatingAdmissionPolicies, 'replicas').status).toEqual({})
  await it.manager.resume(name)
  await it.settle()
  expect(it.get(ValidatingAdmissionPolicies, 'replicas').status.observedGeneration).toBe(1)
})

test('of one that fits only the generation is told', async () => {
  await using it = await plane()
  await it.create(ValidatingAdmissionPolicies, policy('object.spec.replicas > 1'))
  await it.settle()
  expect(it.get(ValidatingAdmissionPolicies, 'replicas').status).toEqual({ observedGeneration: 1, typeChecking: {} })
})

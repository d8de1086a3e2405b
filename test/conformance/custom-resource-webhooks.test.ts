// Upstream's conformance items about admission webhooks for custom resources, by their names
// (test/e2e/apimachinery/webhook.go: testCustomResourceWebhook and its like).

import { expect, test } from 'vitest'
import type { KubeObject } from '../../src/api/meta.ts'
import {
  CustomResourceDefinitions,
  MutatingWebhookConfigurations,
  ValidatingWebhookConfigurations,
} from '../../src/kinds/index.ts'
import { inDefault, refusal } from '../registry/harness.ts'
import { cluster, configuration, type Hook, rule, set } from './webhook-server.ts'

const group = 'webhook.example.com'
const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
const version = (name: string, storage: boolean, schema: object) => ({
  name,
  served: true,
  storage,
  schema: { openAPIV3Schema: schema },
})

type Custom = KubeObject & { data?: Record<string, string> }

/** A cluster with hooks and a definition; `at` is the custom resource in a version. */
async function defined(hooks: Readonly<Record<string, Hook>>, ...versions: object[]) {
  const it = await cluster(hooks)
  await it.create(CustomResourceDefinitions, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `tests.${group}` },
    spec: { group, scope: 'Namespaced', names: { plural: 'tests', kind: 'Test' }, versions },
  })
  await it.env.activity.idle()
  const at = (name: string) => it.server.registry.find(group, name, 'tests')!
  return {
    ...it,
    at,
    make: async (data: Record<string, string>, name = 'cr') => {
      const body = { apiVersion: `${group}/v1`, kind: 'Test', metadata: { name }, data }
      return (await at('v1').create(body, { namespace: 'default' }, {}, it.info)).reading.object as unknown as Custom
    },
    change: async (body: object, name = 'cr') =>
      (await at('v1').patch(inDefault(name), { type: 'merge', body }, {}, it.info)).reading.object as unknown as Custom,
  }
}

const stages: Readonly<Record<string, Hook>> = {
  '/one': ({ data }) => (data?.['mutation-start'] === 'yes' ? { patch: [set('/data/mutation-stage-1', 'yes')] } : {}),
  '/two': ({ data }) => (data?.['mutation-stage-1'] === 'yes' ? { patch: [set('/data/mutation-stage-2', 'yes')] } : {}),
}

async function staged(...versions: object[]) {
  const it = await defined(stages, ...versions)
  for (const stage of ['one', 'two']) {
    await it.register(MutatingWebhookConfigurations, stage, `/${stage}`, rule('tests', ['CREATE', 'UPDATE'], group))
  }
  return it
}

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny custom resource creation, update and deletion', async () => {
  const judge: Hook = (object, operation, old) => {
    const { data } = (operation === 'DELETE' ? old : object) as Custom
    const value = data?.['webhook-e2e-test']
    if (operation === 'DELETE' && value === 'webhook-nondeletable')
      return {
        allowed: false,
        message: 'the custom resource cannot be deleted because it contains unwanted key and value',
      }
    if (operation !== 'DELETE' && value === 'webhook-disallow')
      return { allowed: false, message: 'the custom resource contains unwanted data' }
    return {}
  }
  const it = await defined({ '/custom-resource': judge }, version('v1', true, anything))
  await it.create(
    ValidatingWebhookConfigurations,
    configuration(ValidatingWebhookConfigurations, 'deny', '/custom-resource', rule('tests', ['*'], group)),
  )
  const unwanted = { 'webhook-e2e-test': 'webhook-disallow' }
  const denied = /^admission webhook "deny.k8s.io" denied the request: the custom resource contains unwanted data$/
  expect((await refusal(it.make(unwanted))).message).toMatch(denied)
  await it.make({ 'webhook-e2e-test': 'webhook-nondeletable' })
  expect((await refusal(it.change({ data: unwanted }))).message).toMatch(denied)
  const remove = () => it.at('v1').delete(inDefault('cr'), {}, it.info)
  expect((await refusal(remove())).message).toContain('cannot be deleted because it contains unwanted key and value')
  await it.change({ data: null })
  expect((await remove()).gone).toBe(true)
})

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource', async () => {
  const it = await staged(version('v1', true, anything))
  const start = { 'mutation-start': 'yes' }
  expect((await it.make(start)).data).toEqual({ ...start, 'mutation-stage-1': 'yes', 'mutation-stage-2': 'yes' })
})

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource with pruning', async () => {
  const text = { type: 'string' }
  const data = { type: 'object', properties: { 'mutation-start': text, 'mutation-stage-1': text } }
  const it = await staged(version('v1', true, { type: 'object', properties: { data } }))
  const start = { 'mutation-start': 'yes' }
  expect((await it.make(start)).data).toEqual({ ...start, 'mutation-stage-1': 'yes' })
})

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource with different stored version', async () => {
  const it = await staged(version('v1', true, anything), version('v2', false, anything))
  await it.make({})
  const versions = [version('v1', false, anything), version('v2', true, anything)]
  const patch = { type: 'merge', body: { spec: { versions } } } as const
  await it.of(CustomResourceDefinitions).patch({ name: `tests.${group}` }, patch, {}, it.info)
  await it.env.activity.idle()
  const mutated = { 'mutation-start': 'yes', 'mutation-stage-1': 'yes', 'mutation-stage-2': 'yes' }
  expect((await it.change({ data: { 'mutation-start': 'yes' } })).data).toEqual(mutated)
  expect(it.at('v2').get(inDefault('cr')).object).toMatchObject({ apiVersion: `${group}/v2`, data: mutated })
  expect(it.storage.get(`/registry/${group}/tests/default/cr`)!.object.apiVersion).toBe(`${group}/v2`)
})

// Paths of custom resources that lead nowhere, and methods they do not have: their handler is none of upstream's router
// (apiextensions-apiserver pkg/apiserver/customresource_handler.go).

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Door, openDoor } from './door.ts'

const json = 'application/json'
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
}
const widgets = '/apis/example.com/v1/namespaces/default/widgets'

let door: Door
beforeAll(async () => {
  door = await openDoor()
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  await door.ask(path, { method: 'POST', type: json, body: JSON.stringify(definition) })
  await door.server.env.activity.idle()
  const body = JSON.stringify({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a' } })
  expect((await door.ask(widgets, { method: 'POST', type: json, body })).code).toBe(201)
})
afterAll(async () => door?.[Symbol.asyncDispose]())

test.each([
  '/apis/example.com/v2',
  '/apis/example.com/v1/namespaces/default/gadgets',
  '/apis/example.com/v1/widgets/a',
])('%s is no page', async path => {
  const { code, text } = await door.ask(path)
  expect([code, text]).toEqual([404, '404 page not found\n'])
})

test.each(['status', 'scale', 'anything'])('a subresource %s that the definition does not name', async part => {
  expect(await door.refused(`${widgets}/a/${part}`)).toMatchObject({
    code: 404,
    reason: 'NotFound',
    message: 'widgets.example.com "a" not found',
    details: { name: 'a', group: 'example.com', kind: 'widgets' },
  })
})

test.each([
  ['PUT', widgets, 'update'],
  ['PATCH', widgets, 'patch'],
  ['POST', `${widgets}/a`, 'create'],
  ['DELETE', '/apis/example.com/v1/widgets', 'deletecollection'],
])('%s %s is not supported', async (method, path, verb) => {
  const { code, json: status } = await door.ask(path, { method, type: json, body: '{}' })
  expect([code, status.reason, status.message]).toEqual([
    405,
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind "widgets.example.com"`,
  ])
})

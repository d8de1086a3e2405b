// Upstream's conformance items about fieldValidation=Strict of built-in kinds, by their names, over HTTP
// (test/e2e/apimachinery/field_validation.go; the custom resources' are in custom-resources.test.ts).

import { expect, test } from 'vitest'
import { openDoor } from '../http/door.ts'

/** A Deployment as text: an object could not have a field twice. */
const deployment = (metadata: string, spec: string) => `{
  "apiVersion": "apps/v1",
  "kind": "Deployment",
  "metadata": {"name": "my-dep", ${metadata} "labels": {"app": "nginx"}},
  "spec": {
    ${spec}
    "selector": {"matchLabels": {"app": "nginx"}},
    "template": {
      "metadata": {"labels": {"app": "nginx"}},
      "spec": {"containers": [{"name": "nginx", "image": "nginx:latest"}]}
    }
  }
}`

async function refusal(body: string): Promise<string> {
  await using door = await openDoor()
  const path = '/apis/apps/v1/namespaces/default/deployments?fieldManager=field_validation_mgr&fieldValidation=Strict'
  const status = await door.refused(path, { method: 'POST', type: 'application/json', body })
  expect(status).toMatchObject({ code: 400, reason: 'BadRequest' })
  expect((await door.ask('/apis/apps/v1/namespaces/default/deployments')).json.items).toEqual([])
  return status.message!
}

test('[sig-api-machinery] FieldValidation should detect unknown and duplicate fields of a typed object', async () => {
  expect(await refusal(deployment('', '"unknownField": "foo", "replicas": 2, "replicas": 3,'))).toContain(
    'strict decoding error: unknown field "spec.unknownField", duplicate field "spec.replicas"',
  )
})

test('[sig-api-machinery] FieldValidation should detect unknown metadata fields of a typed object', async () => {
  expect(await refusal(deployment('"unknownMeta": "foo",', ''))).toContain(
    'strict decoding error: unknown field "metadata.unknownMeta"',
  )
})

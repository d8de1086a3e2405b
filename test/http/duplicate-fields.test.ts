// Keys that come twice: `duplicate field "spec.x"`, refused, warned of or passed over; and YAML's. Upstream: sigs.k8s.io/json,
// apiserver/pkg/endpoints/handlers; conformance: test/e2e/apimachinery/field_validation.go.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseJson } from '../../apiserver/http/json-bodies.ts'
import { type Door, openDoor } from './door.ts'

let door: Door
beforeAll(async () => {
  door = await openDoor()
})
afterAll(() => door[Symbol.asyncDispose]())

const deployments = '/apis/apps/v1/namespaces/default/deployments'
const deployment = (name: string) =>
  `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"${name}","unknownMeta":"x"},"spec":{"unknown1":"val1",` +
  '"unknownDup":"a","unknownDup":"b","replicas":1,"paused":true,"paused":false,"selector":{"matchLabels":{"app":"a"}},' +
  '"template":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"i","unknownNested":"x",' +
  '"imagePullPolicy":"Always","imagePullPolicy":"Never"}]}}}}'

const faults = [
  'unknown field "metadata.unknownMeta"',
  'unknown field "spec.unknown1"',
  'unknown field "spec.unknownDup"',
  'duplicate field "spec.paused"',
  'unknown field "spec.template.spec.containers[0].unknownNested"',
  'duplicate field "spec.template.spec.containers[0].imagePullPolicy"',
]

const json = 'application/json'
const warningsOf = (header: unknown): string[] =>
  [...String(header ?? '').matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)]
    .map(([, text]) => text!.replace(/\\(.)/g, '$1'))
    .sort()

test('Strict refuses them, in the order of the text', async () => {
  const status = await door.refused(`${deployments}?fieldValidation=Strict`, {
    method: 'POST',
    type: json,
    body: deployment('a'),
  })
  expect(status).toMatchObject({
    code: 400,
    reason: 'BadRequest',
    message: `Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ${faults.join(', ')}`,
  })
})

test('Warn, and who says nothing, is warned; Ignore is not', async () => {
  for (const [name, query, told] of [
    ['warned', '?fieldValidation=Warn', faults],
    ['silent', '', faults],
    ['ignoring', '?fieldValidation=Ignore', []],
  ] as const) {
    const {
      code,
      headers,
      json: made,
    } = await door.ask(`${deployments}${query}`, { method: 'POST', type: json, body: deployment(name) })
    expect(code).toBe(201)
    expect(warningsOf(headers.warning)).toEqual([...told].sort())
    // The last one holds.
    expect(made.spec.template.spec.containers[0].imagePullPolicy).toBe('Never')
  }
})

test('a body that cannot be decoded at all says that, and no more', async () => {
  const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1","a":2}}'
  const status = await door.refused('/api/v1/namespaces/default/configmaps?fieldValidation=Strict', {
    method: 'POST',
    type: json,
    body,
  })
  expect(status.message).toMatch(/cannot unmarshal number into Go struct field ConfigMap.data of type string/)
})

test('in maps, too, and in what has no schema of its own', async () => {
  const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a.b":"1","a.b":"2"}}'
  const status = await door.refused('/api/v1/namespaces/default/configmaps?fieldValidation=Strict', {
    method: 'POST',
    type: json,
    body,
  })
  expect(status.message).toBe(
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.a.b"',
  )
})

test.each([
  ['application/merge-patch+json', '{"metadata":{"labels":{"a":"1","a":"2"}}}', 'duplicate field "metadata.labels.a"'],
  [
    'application/strategic-merge-patch+json',
    '{"spec":{"paused":true,"paused":false}}',
    'duplicate field "spec.paused"',
  ],
  [
    'application/json-patch+json',
    '[{"op":"add","op":"add","path":"/spec/paused","value":true}]',
    'json patch duplicate field "[0].op"',
  ],
])('in a patch: %s', async (type, body, fault) => {
  await door.ask(deployments, { method: 'POST', type: json, body: deployment('patched') })
  const at = `${deployments}/patched`
  const strict = await door.refused(`${at}?fieldValidation=Strict`, { method: 'PATCH', type, body })
  expect(strict).toMatchObject({ code: 422, reason: 'Invalid' })
  expect(strict.message).toContain(`strict decoding error: ${fault}`)
  const warned = await door.ask(at, { method: 'PATCH', type, body })
  expect([warned.code, warningsOf(warned.headers.warning)]).toEqual([200, [fault]])
})

test('in YAML, in the words of go-yaml', async () => {
  const maps = '/api/v1/namespaces/default/configmaps'
  const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: "1"\n  a: "2"\n'
  const how = { method: 'POST', type: 'application/yaml', body }
  expect((await door.refused(`${maps}?fieldValidation=Strict`, how)).message).toBe(
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: yaml: unmarshal errors:\n  line 7: key "a" already set in map',
  )
  const { code, json: made } = await door.ask(maps, how)
  expect([code, made.data]).toEqual([201, { a: '2' }])
})

test('YAML is that of Go: dates and times are text, yes is true, 0644 is octal', async () => {
  const secret =
    'apiVersion: v1\nkind: Pod\nmetadata:\n  name: yaml\n  annotations: {date: 2020-01-01, time: 1:30, x: .5x}\nspec:\n' +
    '  hostNetwork: no\n  enableServiceLinks: off\n  containers: [{name: c, image: i, stdin: yes}]\n' +
    '  volumes: [{name: v, secret: {secretName: s, defaultMode: 0644}}]\n'
  const { code, json: pod } = await door.ask('/api/v1/namespaces/default/pods', {
    method: 'POST',
    type: 'application/yaml',
    body: secret,
  })
  expect(code).toBe(201)
  expect(pod.metadata.annotations).toEqual({ date: '2020-01-01', time: '1:30', x: '.5x' })
  expect(pod.spec).toMatchObject({ enableServiceLinks: false, containers: [{ stdin: true }] })
  expect(pod.spec.volumes[0].secret.defaultMode).toBe(0o644)
})

test('what is counted and what is parsed agree, whatever stands in strings', () => {
  const duplicates = (text: string) => parseJson(Buffer.from(text)).duplicates.map(({ path }) => path)
  expect(duplicates('{"a":":{\\"b\\":1}","c":"\\\\","d":["x:",{"e": {"f" : null}}]}')).toEqual([])
  expect(duplicates('{ "a" : [ {"b":1, "\\u0062":2} ], "__proto__": {"x":1,"x":2}, "ü":1 }')).toEqual([
    'a[0].b',
    '__proto__.x',
  ])
  expect(duplicates('{"a":{},"a":[],"b":{"c":1,"c":2,"c":3}}')).toEqual(['a', 'b.c', 'b.c'])
  expect(duplicates('[]')).toEqual([])
})

// Every resource and verb of Kubernetes' stable and beta API (the published OpenAPI's paths) is served, in discovery and in
// OpenAPI alike.

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { discoveryRoutes } from '../../apiserver/http/discovery.ts'
import { openapiRoutes } from '../../apiserver/http/openapi.ts'
import { testServer } from '../registry/harness.ts'

const reference = fileURLToPath(new URL('../../../shared/reference/resources.json', import.meta.url))

interface Fact {
  readonly kind: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
}

const verbNames: Readonly<Record<string, string>> = { post: 'create', put: 'update' }

test.skipIf(!existsSync(reference))('nothing is missing', async () => {
  const facts = JSON.parse(readFileSync(reference, 'utf8')) as Record<string, Fact>
  const { server } = await testServer()
  const { kinds } = server.registry
  const discovery = discoveryRoutes(kinds)
  const openapi = openapiRoutes(kinds)
  const missing: string[] = []
  const wrong: string[] = []
  for (const [path, fact] of Object.entries(facts)) {
    const words = path.split('/')
    const [group, version] = words[0] === 'v1' ? ['', 'v1'] : [words.shift()!, words[0]!]
    // The paths behind a proxy are OpenAPI's, not discovery's.
    const isBehind = words.at(-1) === '{path}'
    const name = words.slice(1, isBehind ? -1 : undefined).join('/')
    if (version.includes('alpha') || name === '') continue
    const root = group === '' ? `api/${version}` : `apis/${group}/${version}`
    const list = discovery(`/${root}`)
    const { resources } = list ? JSON.parse(list.bytes.toString()) : { resources: [] }
    const found = resources.find((each: { name: string }) => each.name === name)
    if (found === undefined) {
      missing.push(path)
      continue
    }
    if (found.kind !== fact.kind && !name.endsWith('/proxy')) wrong.push(`${path} is of kind ${found.kind}`)
    if (found.namespaced !== fact.namespaced) wrong.push(`${path} is ${found.namespaced ? '' : 'not '}namespaced`)
    const [plural, subresource] = name.split('/')
    const inside = `/${root}/${fact.namespaced ? 'namespaces/{namespace}/' : ''}${plural}`
    const document = JSON.parse((await openapi(`/openapi/v3/${root}`))!.bytes.toString())
    // `connect` is any method; each of these subresources has GET.
    for (const verb of fact.verbs.map(each => (each === 'connect' ? 'get' : each))) {
      if (!found.verbs.includes(verbNames[verb] ?? verb)) wrong.push(`${path}: ${verb} is not served`)
      const isOfAll = ['list', 'deletecollection', 'post'].includes(verb) && subresource === undefined
      const at = isOfAll
        ? inside
        : `${inside}/{name}${subresource ? `/${subresource}` : ''}${isBehind ? '/{path}' : ''}`
      const method = { list: 'get', deletecollection: 'delete' }[verb] ?? verb
      if (document.paths[at]?.[method] === undefined) wrong.push(`OpenAPI: ${method} ${at}`)
    }
  }
  expect(missing).toEqual([])
  expect(wrong).toEqual([])
})

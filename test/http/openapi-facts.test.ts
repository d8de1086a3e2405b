// The OpenAPI documents as served, held against upstream's facts: the semantics of every list, map and union of every
// definition, in both forms, and nothing more. (The fields of the definitions are held against the .proto files' in
// protobuf.test.ts.)

import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openapiRoutes } from '../../apiserver/http/openapi.ts'
import { testServer } from '../registry/harness.ts'

type Facts = Readonly<Record<string, unknown>>
type Definition = Facts & { readonly properties?: Readonly<Record<string, Facts>> }

// They lie beside the repository where it is developed, not in it.
const reference = new URL('../../../shared/reference/merge-semantics.json', import.meta.url)
const route = openapiRoutes((await testServer()).server.registry.kinds)
const read = async (path: string) => JSON.parse((await route(path))!.bytes.toString())

/** Definitions no document leads to: those of discovery, whose paths OpenAPI does not have here. */
const notReached = /\.meta\.v1\.API\w+$/

const extensions: readonly (readonly [fact: string, extension: string])[] = [
  ['listType', 'x-kubernetes-list-type'],
  ['mapKeys', 'x-kubernetes-list-map-keys'],
  ['mapType', 'x-kubernetes-map-type'],
  ['mergeKey', 'x-kubernetes-patch-merge-key'],
  ['patchStrategy', 'x-kubernetes-patch-strategy'],
  ['unions', 'x-kubernetes-unions'],
]

/** What a document says of each type and field, in the words of the facts. */
function saidBy(definitions: Readonly<Record<string, Definition>>): Record<string, Facts> {
  const said: Record<string, Facts> = {}
  for (const [name, definition] of Object.entries(definitions)) {
    const places: [string, Facts][] = [['', definition], ...Object.entries(definition.properties ?? {})]
    for (const [field, schema] of places) {
      const found = extensions.filter(([, extension]) => schema[extension] !== undefined)
      if (found.length === 0) continue
      said[`${name} ${field}`] = Object.fromEntries(found.map(([fact, extension]) => [fact, schema[extension]]))
    }
  }
  return said
}

async function version3(): Promise<Record<string, Definition>> {
  const { paths } = await read('/openapi/v3')
  const all: Record<string, Definition> = {}
  for (const name of Object.keys(paths)) Object.assign(all, (await read(`/openapi/v3/${name}`)).components.schemas)
  return all
}

test.skipIf(!existsSync(reference)).each([
  ['/openapi/v2', async () => (await read('/openapi/v2')).definitions as Record<string, Definition>],
  ['/openapi/v3', version3],
])('%s says of every list, map and union what upstream says', async (_path, read) => {
  const definitions = await read()
  const facts = JSON.parse(readFileSync(reference, 'utf8')) as Record<string, Record<string, Facts>>
  const expected: Record<string, Facts> = {}
  for (const [name, fields] of Object.entries(facts)) {
    if (definitions[name] === undefined) continue
    for (const [field, fact] of Object.entries(fields)) expected[`${name} ${field}`] = fact
  }
  expect(Object.keys(expected).length).toBeGreaterThan(400)
  expect(saidBy(definitions)).toEqual(expected)
  const absent = Object.keys(facts).filter(name => definitions[name] === undefined && !/\.v\d+alpha\d+\./.test(name))
  expect(absent.filter(name => !notReached.test(name))).toEqual([])
})

// The generated schemas are upstream's in name and semantics, and the compiled validators say yes to canonical objects only.

import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { builtinKinds } from '../../src/kinds/index.ts'
import { listSemantics } from '../../src/kinds/merge-keys.ts'
import { definitionNode, definitionOf, schemaNodeOf, validatorOf } from '../../src/kinds/schemas.ts'
import { wireFormats } from '../../src/kinds/wire-formats.ts'

const root = new URL('../../', import.meta.url)
const openapi = JSON.parse(readFileSync(new URL('generated/openapi.json', root), 'utf8'))
const reference = new URL('../shared/reference/merge-semantics.json', root)

interface Facts {
  listType?: string
  mapKeys?: string[]
  mapType?: string
  mergeKey?: string
  patchStrategy?: string
}

describe('merge semantics', () => {
  // The facts of upstream's OpenAPI lie beside the repository where it is developed, not in it.
  test.skipIf(!existsSync(reference))(
    'the table says what upstream says, of every type and field, and nothing more',
    () => {
      const facts: Record<string, Record<string, Facts & { unions?: unknown }>> = JSON.parse(
        readFileSync(reference, 'utf8'),
      )
      const said: Record<string, Facts> = {}
      for (const [definition, fields] of Object.entries(facts)) {
        for (const [field, { unions: _unions, ...semantics }] of Object.entries(fields)) {
          if (Object.keys(semantics).length > 0) said[`${definition} ${field}`] = semantics
        }
      }
      const ours: Record<string, Facts> = {}
      for (const [definition, schema] of Object.entries<{ properties?: object }>(openapi.definitions)) {
        for (const field of ['', ...Object.keys(schema.properties ?? {})]) {
          const found = listSemantics(definition, field || undefined)
          if (found === undefined) continue
          const { listMapKeys, ...rest } = found
          ours[`${definition} ${field}`] = { ...rest, ...(listMapKeys ? { mapKeys: [...listMapKeys] } : {}) }
        }
      }
      expect(Object.keys(said).length).toBeGreaterThan(400)
      expect(ours).toEqual(said)
    },
  )

  test('a pod template is merged by names, ports by containerPort, and a selector is one value', () => {
    const spec = schemaNodeOf({ group: 'apps', version: 'v1', kind: 'Deployment' })!.field('spec')!
    const containers = spec.field('template')!.field('spec')!.field('containers')!
    expect(containers).toMatchObject({ kind: 'list', mergeKey: 'name', patchStrategy: 'merge' })
    const ports = containers.items()!.field('ports')!
    expect(ports).toMatchObject({ mergeKey: 'containerPort', listMapKeys: ['containerPort', 'protocol'] })
    expect(spec.field('selector')).toMatchObject({ kind: 'struct', mapType: 'atomic' })
    expect(spec.field('strategy')).toMatchObject({ patchStrategy: 'retainKeys' })
    expect(spec.field('template')!.field('metadata')!.field('labels')!.values()).toMatchObject({ scalar: 'string' })
    expect(spec.field('constructor')).toBeUndefined()
  })
})

describe('schemas', () => {
  test.each(builtinKinds.map(kind => [kind.resource, kind] as const))(
    '%s has a schema and a validator',
    (_resource, kind) => {
      const name = definitionOf(kind)!
      expect(openapi.definitions[name]['x-kubernetes-group-version-kind']).toEqual([
        { group: kind.group, kind: kind.kind, version: kind.version },
      ])
      expect(validatorOf(kind)!({ apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name: 'a' } })).toBe(true)
      expect(validatorOf(kind)!({ metadata: { name: 'a' }, nonesuch: 1 })).toBe(false)
    },
  )

  test('every reference leads somewhere, and nothing is called twice', () => {
    const names = new Set(Object.keys(openapi.definitions))
    const refs = [...JSON.stringify(openapi).matchAll(/"#\/definitions\/([^"]+)"/g)].map(match => match[1]!)
    expect(refs.filter(name => !names.has(name))).toEqual([])
    const short = [...names].map(name => name.split('.').slice(-3).join('.'))
    expect(new Set(short).size).toBe(short.length)
  })

  test('what the models call a string is a quantity, a time or bytes where upstream has one', () => {
    const scalarAt = (definition: string, ...path: string[]) => {
      let node = definitionNode(`io.k8s.api.${definition}`)!
      for (const step of path) node = step === '*' ? (node.values() ?? node.items())! : node.field(step)!
      return node.scalar
    }
    expect(scalarAt('core.v1.ResourceRequirements', 'limits', '*')).toBe('quantity')
    expect(scalarAt('core.v1.NodeStatus', 'allocatable', '*')).toBe('quantity')
    expect(scalarAt('coordination.v1.LeaseSpec', 'renewTime')).toBe('microTime')
    expect(scalarAt('core.v1.Event', 'firstTimestamp')).toBe('time')
    expect(scalarAt('core.v1.Secret', 'data', '*')).toBe('bytes')
    expect(scalarAt('core.v1.ServicePort', 'targetPort')).toBe('intOrString')
  })
})

describe('wire formats let through what the server would write itself, and only that', () => {
  test.each([
    ['quantity', ['0', '1', '250m', '1500m', '128Mi', '1500Mi', '8145000Ki', '1k', '999']],
    ['time', ['2024-05-01T12:00:00Z', '2024-12-31T23:59:59Z']],
    ['microTime', ['2024-05-01T12:00:00.000000Z']],
    ['base64', ['', 'YQ==', 'YWI=', 'YWJj']],
  ] as const)('%s yes', (format, texts) => {
    expect(texts.filter(text => !wireFormats[format](text))).toEqual([])
  })

  test.each([
    [
      'quantity',
      ['', '00', '01', '0m', '-1', '0.5', '1000', '1000m', '2048Mi', '1e3', '1 ', '1mm', 'Mi', '1Mx', '1iM'],
    ],
    [
      'time',
      [
        '',
        '2024-02-29T00:00:00Z',
        '2024-04-31T00:00:00Z',
        '2024-05-01T24:00:00Z',
        '2024-05-01T12:00:00.1Z',
        '2024-05-01T12:00:0ZZ',
      ],
    ],
    ['microTime', ['2024-05-01T12:00:00Z', '2024-05-01T12:00:00.000Z']],
    ['base64', ['Y', 'YQ', 'YQ=', 'YQ==YQ==', 'Y\nQ=', 'YW*j']],
  ] as const)('%s no', (format, texts) => {
    expect(texts.filter(text => wireFormats[format](text))).toEqual([])
  })
})

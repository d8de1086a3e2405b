// What k8s.io/apimachinery/pkg/util/strategicpatch/patch_test.go holds, in our own cases and words.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyStrategicMerge, type MergeSchema } from '../../apiserver/patch/strategic-merge.ts'
import { draft, freeze } from '../../src/api/freeze.ts'
import { schemaNodeOf } from '../../src/kinds/schemas.ts'
import { threeWayPatch } from './three-way.ts'

interface Shape {
  mergeKey?: string
  patchStrategy?: string
  fields?: Record<string, Shape>
  items?: Shape
  values?: Shape
}

function schema(shape: Shape | undefined): MergeSchema | undefined {
  if (shape === undefined) return undefined
  return {
    mergeKey: shape.mergeKey,
    patchStrategy: shape.patchStrategy,
    field: name => schema(shape.fields?.[name]),
    items: () => schema(shape.items),
    values: () => schema(shape.values),
  }
}

const env: Shape = { patchStrategy: 'merge', mergeKey: 'name', items: { fields: { value: {} } } }
const container: Shape = {
  fields: {
    image: {},
    env,
    args: { items: {} },
    ports: { patchStrategy: 'merge', mergeKey: 'containerPort', items: {} },
  },
}
const pod = schema({
  fields: {
    metadata: {
      fields: { labels: { values: {} }, finalizers: { patchStrategy: 'merge', items: {} } },
    },
    spec: {
      fields: {
        containers: { patchStrategy: 'merge', mergeKey: 'name', items: container },
        volumes: {
          patchStrategy: 'merge,retainKeys',
          mergeKey: 'name',
          items: { fields: { emptyDir: {}, hostPath: {} } },
        },
        strategy: { patchStrategy: 'retainKeys', fields: { type: {}, rollingUpdate: { fields: {} } } },
        affinity: { patchStrategy: 'replace', fields: { node: {} } },
        tolerations: { items: {} },
      },
    },
  },
})!

const merge = (current: object, patch: unknown): any => applyStrategicMerge<object>(freeze(current), freeze(patch), pod)

type Case = [name: string, current: object, patch: object, result: object]

test.each<Case>([
  ['sets a member', { spec: { a: 1 } }, { spec: { b: 2 } }, { spec: { a: 1, b: 2 } }],
  ['removes by null', { spec: { a: 1, b: 2 } }, { spec: { a: null } }, { spec: { b: 2 } }],
  ['drops nulls of what is new', {}, { spec: { a: { b: null, c: 1 } } }, { spec: { a: { c: 1 } } }],
  ['changes a type', { spec: { a: 1 } }, { spec: { a: [1] } }, { spec: { a: [1] } }],
  [
    'merges a map of strings',
    { metadata: { labels: { a: '1' } } },
    { metadata: { labels: { b: '2' } } },
    { metadata: { labels: { a: '1', b: '2' } } },
  ],
  [
    'replaces an atomic list',
    { spec: { tolerations: [{ key: 'a' }] } },
    { spec: { tolerations: [{ key: 'b' }] } },
    { spec: { tolerations: [{ key: 'b' }] } },
  ],
  ['replaces a list it knows nothing of', { x: [1, 2] }, { x: [3] }, { x: [3] }],
  [
    'merges containers by name',
    {
      spec: {
        containers: [
          { name: 'a', image: 'x' },
          { name: 'b', image: 'y' },
        ],
      },
    },
    {
      spec: {
        containers: [
          { name: 'b', image: 'z' },
          { name: 'c', image: 'w' },
        ],
      },
    },
    {
      spec: {
        containers: [
          { name: 'a', image: 'x' },
          { name: 'b', image: 'z' },
          { name: 'c', image: 'w' },
        ],
      },
    },
  ],
  [
    'merges within an item',
    {
      spec: {
        containers: [
          {
            name: 'a',
            env: [
              { name: 'E', value: '1' },
              { name: 'F', value: '2' },
            ],
          },
        ],
      },
    },
    { spec: { containers: [{ name: 'a', env: [{ name: 'F', value: '3' }] }] } },
    {
      spec: {
        containers: [
          {
            name: 'a',
            env: [
              { name: 'E', value: '1' },
              { name: 'F', value: '3' },
            ],
          },
        ],
      },
    },
  ],
  [
    'deletes an item',
    { spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
    { spec: { containers: [{ name: 'a', $patch: 'delete' }] } },
    { spec: { containers: [{ name: 'b' }] } },
  ],
  [
    'replaces a whole list',
    { spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
    { spec: { containers: [{ name: 'c' }, { $patch: 'replace' }] } },
    { spec: { containers: [{ name: 'c' }] } },
  ],
  [
    'empties a whole list',
    { spec: { containers: [{ name: 'a' }] } },
    { spec: { containers: [{ $patch: 'replace' }] } },
    { spec: { containers: [] } },
  ],
  ['replaces a map', { spec: { a: 1, b: 2 } }, { spec: { $patch: 'replace', c: 3 } }, { spec: { c: 3 } }],
  ['empties a map', { spec: { a: 1 } }, { spec: { $patch: 'delete' } }, { spec: {} }],
  ['does not create what is to be deleted', {}, { spec: { $patch: 'delete' } }, {}],
  [
    'replaces a map of strategy replace',
    { spec: { affinity: { node: 1 } } },
    { spec: { affinity: { pod: 2 } } },
    { spec: { affinity: { pod: 2 } } },
  ],
  [
    'adds to a list of primitives, each once',
    { metadata: { finalizers: ['a', 'b'] } },
    { metadata: { finalizers: ['b', 'c'] } },
    { metadata: { finalizers: ['a', 'b', 'c'] } },
  ],
  [
    'deletes from a list of primitives',
    { metadata: { finalizers: ['a', 'b', 'c'] } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': ['b', 'x'] } },
    { metadata: { finalizers: ['a', 'c'] } },
  ],
  [
    'deletes primitives, and puts new ones before those it says nothing of',
    { metadata: { finalizers: ['a', 'b'] } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'], finalizers: ['c'] } },
    { metadata: { finalizers: ['c', 'b'] } },
  ],
  [
    'deletes from a list that is not there',
    { metadata: {} },
    { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } },
    { metadata: {} },
  ],
  [
    'orders primitives',
    { metadata: { finalizers: ['a', 'b', 'c'] } },
    { metadata: { '$setElementOrder/finalizers': ['c', 'a'] } },
    { metadata: { finalizers: ['b', 'c', 'a'] } },
  ],
  [
    'orders items, keeping those of others where they stood',
    { spec: { containers: [{ name: 'mine' }, { name: 'theirs' }, { name: 'also' }] } },
    {
      spec: {
        '$setElementOrder/containers': [{ name: 'also' }, { name: 'mine' }],
        containers: [{ name: 'mine', image: 'i' }],
      },
    },
    { spec: { containers: [{ name: 'theirs' }, { name: 'also' }, { name: 'mine', image: 'i' }] } },
  ],
  [
    'takes an ordered list that is new',
    { spec: {} },
    { spec: { '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'a', image: null }] } },
    { spec: { containers: [{ name: 'a' }] } },
  ],
  [
    'retains only the keys named',
    { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
    { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    { spec: { strategy: { type: 'Recreate' } } },
  ],
  [
    'retains keys of an item',
    { spec: { volumes: [{ name: 'v', hostPath: {} }] } },
    { spec: { volumes: [{ $retainKeys: ['name', 'emptyDir'], name: 'v', emptyDir: {} }] } },
    { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
  ],
  [
    'takes no directive into what is new',
    {},
    { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    { spec: { strategy: { type: 'Recreate' } } },
  ],
  [
    'merges into the first of two alike (two ports of one number)',
    {
      spec: {
        containers: [
          {
            name: 'a',
            ports: [
              { containerPort: 53, protocol: 'TCP' },
              { containerPort: 53, protocol: 'UDP' },
            ],
          },
        ],
      },
    },
    { spec: { containers: [{ name: 'a', ports: [{ containerPort: 53, name: 'dns' }] }] } },
    {
      spec: {
        containers: [
          {
            name: 'a',
            ports: [
              { containerPort: 53, protocol: 'TCP', name: 'dns' },
              { containerPort: 53, protocol: 'UDP' },
            ],
          },
        ],
      },
    },
  ],
])('%s', (_, current, patch, result) => {
  expect(merge(current, patch)).toEqual(result)
})

test.each<[string, object, unknown, number, string]>([
  [
    'an unknown directive',
    { spec: { a: 1 } },
    { spec: { $patch: 'turn' } },
    500,
    'unknown patch type: turn in map: map[$patch:turn]',
  ],
  [
    'a directive to merge a list',
    { spec: { containers: [{ name: 'a' }] } },
    { spec: { containers: [{ name: 'a', $patch: 'merge' }] } },
    500,
    'merging lists cannot yet be specified in the patch',
  ],
  [
    'an item without its key',
    { spec: { containers: [{ name: 'a' }] } },
    { spec: { containers: [{ image: 'x', ready: true }] } },
    500,
    'map: map[image:x ready:true] does not contain declared merge key: name',
  ],
  [
    'a list of mixed types',
    { metadata: { finalizers: ['a'] } },
    { metadata: { finalizers: [1] } },
    500,
    'list element types are not identical: [[a] [1]]',
  ],
  [
    'a bad order',
    { spec: { containers: [{ name: 'a' }] } },
    { spec: { '$setElementOrder/containers': 'a' } },
    500,
    'expected a []interface {}, but received a string',
  ],
  [
    'keys to retain that are no list',
    { spec: { strategy: {} } },
    { spec: { strategy: { $retainKeys: 'type' } } },
    400,
    'invalid patch format of retainKeys',
  ],
  [
    'a member beyond the keys to retain',
    { spec: { strategy: {} } },
    { spec: { strategy: { $retainKeys: ['type'], x: 1 } } },
    400,
    'invalid patch format of retainKeys',
  ],
  [
    'a deletion list without a name',
    { metadata: {} },
    { metadata: { $deleteFromPrimitiveList: ['a'] } },
    400,
    'invalid patch format of primitive list',
  ],
  [
    'an order without a name',
    { metadata: {} },
    { metadata: { $setElementOrder: ['a'] } },
    400,
    'invalid patch format of setElementOrder list',
  ],
])('%s is refused', (_, current, patch, code, message) => {
  expect(() => merge(current, patch)).toThrow(expect.objectContaining({ code, message }))
})

test('a patch in another order than it asks for is refused', () => {
  const patch = { spec: { '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'b', image: 'x' }] } }
  expect(() => merge({ spec: { containers: [{ name: 'b' }] } }, patch)).toThrow("doesn't match $setElementOrder list")
})

describe('with the schemas of the kinds themselves', () => {
  test('a Deployment takes what kubectl set image, set env and a change of strategy send', () => {
    const schema = schemaNodeOf({ group: 'apps', version: 'v1', kind: 'Deployment' })
    const current = freeze({
      spec: {
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
        template: {
          spec: {
            containers: [
              { name: 'web', image: 'nginx:1', env: [{ name: 'A', value: '1' }], args: ['x'] },
              { name: 'log', image: 'log:1', ports: [{ containerPort: 80, protocol: 'TCP' }] },
            ],
            tolerations: [{ key: 'a', operator: 'Exists' }],
          },
        },
      },
    })
    const patch = {
      spec: {
        strategy: { $retainKeys: ['type'], type: 'Recreate', rollingUpdate: null },
        template: {
          spec: {
            '$setElementOrder/containers': [{ name: 'log' }, { name: 'web' }],
            containers: [
              { name: 'log', ports: [{ containerPort: 81 }] },
              { name: 'web', image: 'nginx:2', env: [{ name: 'B', value: '2' }], args: ['y'] },
            ],
            tolerations: [{ key: 'b', operator: 'Exists' }],
          },
        },
      },
    }
    expect(applyStrategicMerge<object>(current, JSON.parse(JSON.stringify(patch)), schema)).toEqual({
      spec: {
        strategy: { type: 'Recreate' },
        template: {
          spec: {
            containers: [
              { name: 'log', image: 'log:1', ports: [{ containerPort: 81 }, { containerPort: 80, protocol: 'TCP' }] },
              {
                name: 'web',
                image: 'nginx:2',
                env: [
                  { name: 'B', value: '2' },
                  { name: 'A', value: '1' },
                ],
                args: ['y'],
              },
            ],
            tolerations: [{ key: 'b', operator: 'Exists' }],
          },
        },
      },
    })
  })
})

describe('for any two objects, the patch that kubectl makes', () => {
  const word = fc.constantFrom('a', 'b', 'c', 'd')
  const envItem = fc.record({ name: word, value: fc.constantFrom('1', '2') })
  const unique = <T extends { name: string }>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
    fc.uniqueArray(item, { selector: each => each.name, minLength: 1, maxLength: 4 })
  const containers = unique(
    fc.record(
      { name: word, image: word, env: unique(envItem), args: fc.array(word, { minLength: 1, maxLength: 2 }) },
      { requiredKeys: ['name'] },
    ) as fc.Arbitrary<{ name: string }>,
  )
  const object = fc.record({
    metadata: fc.record(
      {
        labels: fc.dictionary(word, word),
        finalizers: fc.uniqueArray(word, { minLength: 1 }),
      },
      { requiredKeys: [] },
    ),
    spec: fc.record({ containers, replicas: fc.nat(3) }, { requiredKeys: ['containers'] }),
  })

  test('leads from the one to the other exactly, in order, when nobody else wrote', () => {
    fc.assert(
      fc.property(object, object, (current, wanted) => {
        const patch = threeWayPatch(current, current, wanted, pod)
        const next = applyStrategicMerge<object>(freeze(draft(current)), freeze(patch), pod)
        expect(next).toEqual(wanted)
      }),
      { numRuns: 500 },
    )
  })

  test('leaves alone what others added, and brings what is wanted, in the wanted order', () => {
    fc.assert(
      fc.property(object, object, (original, wanted) => {
        const current = draft(original) as any
        current.spec.containers.splice(1, 0, { name: 'sidecar', image: 'theirs' })
        current.metadata.labels = { ...current.metadata.labels, theirs: 'yes' }
        current.metadata.finalizers = ['theirs', ...(current.metadata.finalizers ?? [])]
        const next = applyStrategicMerge<any>(
          freeze(current),
          freeze(threeWayPatch(original, current, wanted, pod)),
          pod,
        )

        const notTheirs = next.spec.containers.filter((each: any) => each.name !== 'sidecar')
        expect(notTheirs).toEqual(wanted.spec.containers)
        expect(next.spec.containers).toContainEqual({ name: 'sidecar', image: 'theirs' })
        if (wanted.metadata.labels !== undefined || original.metadata.labels === undefined) {
          expect(next.metadata.labels).toEqual({ ...wanted.metadata.labels, theirs: 'yes' })
        }
        if (wanted.metadata.finalizers !== undefined) {
          expect(next.metadata.finalizers.filter((each: string) => each !== 'theirs')).toEqual(
            wanted.metadata.finalizers,
          )
          expect(next.metadata.finalizers).toContain('theirs')
        }
        expect(next.spec.replicas).toBe(wanted.spec.replicas)
      }),
      { numRuns: 500 },
    )
  })

  test('can be applied a second time and changes nothing more', () => {
    fc.assert(
      fc.property(object, object, (current, wanted) => {
        const patch = freeze(threeWayPatch(current, current, wanted, pod))
        const once = freeze(applyStrategicMerge<object>(freeze(draft(current)), patch, pod))
        expect(applyStrategicMerge<object>(once as object, patch, pod)).toEqual(once)
      }),
      { numRuns: 200 },
    )
  })
})

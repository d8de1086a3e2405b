// The rules of metadata (apimachinery/pkg/api/validation/objectmeta.go), seen through ConfigMaps, which add none.

import { expect, test } from 'vitest'
import { ConfigMaps, Namespaces } from '../../src/kinds/index.ts'
import { create, update } from './written.ts'

const faultsOf = (metadata: object) => create(ConfigMaps, { metadata }).faults

test.each<[string, object, (string | RegExp)[]]>([
  ['no name', {}, ['metadata.name: Required value: name or generateName is required']],
  [
    'a prefix that no name can have',
    { generateName: 'Web_', name: 'Web_x' },
    [
      /^metadata.generateName: Invalid value: "Web_": a lowercase RFC 1123 subdomain/,
      /^metadata.name: Invalid value: "Web_x"/,
    ],
  ],
  ['a prefix that ends in a dash', { generateName: 'web-', name: 'web-x' }, []],
  [
    'a bad namespace',
    { name: 'a', namespace: 'A' },
    [/^metadata.namespace: Invalid value: "A": a lowercase RFC 1123 label/],
  ],
  [
    'labels and annotations',
    { name: 'a', labels: { '/x': 'y', ok: 'not ok' }, annotations: { 'Upper/Case': 'x', 'a b': '' } },
    [
      'metadata.labels: Invalid value: "/x": prefix part must be non-empty',
      /^metadata.labels: Invalid value: "not ok": a valid label must be an empty string or consist of/,
      /^metadata.annotations: Invalid value: "a b": name part must consist of/,
    ],
  ],
  [
    'annotations beyond measure',
    { name: 'a', annotations: { big: 'x'.repeat(256 * 1024) } },
    ['metadata.annotations: Too long: may not be more than 262144 bytes'],
  ],
  [
    'owners',
    {
      name: 'a',
      ownerReferences: [
        { apiVersion: 'apps/v1/x', kind: 'A', name: 'a', uid: '1', controller: true },
        { apiVersion: 'v1', kind: 'Event', name: 'b', uid: '2', controller: true },
        {},
      ],
    },
    [
      'metadata.ownerReferences[0].apiVersion: Invalid value: "apps/v1/x": must be <group>/<version> or <version>',
      /^metadata.ownerReferences\[1\]: Invalid value: \{.*\}: \/v1, Kind=Event is disallowed from being an owner$/,
      /Only one reference can have Controller set to true. Found "true" in references for A\/a and Event\/b$/,
      'metadata.ownerReferences[2].apiVersion: Required value: must not be empty',
      'metadata.ownerReferences[2].kind: Required value: must not be empty',
      'metadata.ownerReferences[2].name: Required value: must not be empty',
      'metadata.ownerReferences[2].uid: Required value: must not be empty',
    ],
  ],
  [
    'finalizers',
    { name: 'a', finalizers: ['mine', 'orphan', 'foregroundDeletion', 'example.com/ok'] },
    [
      'metadata.finalizers: Invalid value: ["mine","orphan","foregroundDeletion","example.com/ok"]: finalizer orphan and foregroundDeletion cannot be both set',
      'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ],
  ],
])('%s', (_name, metadata, faults) => {
  expect(faultsOf(metadata)).toEqual(
    faults.map(fault => (fault instanceof RegExp ? expect.stringMatching(fault) : fault)),
  )
})

test('what lies outside namespaces has none', () => {
  expect(create(Namespaces, { metadata: { name: 'a', namespace: 'b' } }).faults).toEqual([
    'metadata.namespace: Forbidden: not allowed on this type',
  ])
})

test('what an object is does not change', () => {
  const old = create(ConfigMaps, {
    metadata: { name: 'a', uid: 'u', creationTimestamp: '2024-05-01T12:00:00Z', generation: 2 },
  }).object
  const { faults } = update(ConfigMaps, old, next => {
    next.metadata.uid = 'v'
    next.metadata.creationTimestamp = '2024-05-01T12:00:01Z'
    next.metadata.generation = 1
    delete next.metadata.namespace
    next.metadata.namespace = 'other'
  })
  expect(faults).toEqual([
    'metadata.generation: Invalid value: 1: must not be decremented',
    'metadata.namespace: Invalid value: "other": field is immutable',
    'metadata.uid: Invalid value: "v": field is immutable',
    'metadata.creationTimestamp: Invalid value: "2024-05-01T12:00:01Z": field is immutable',
  ])
})

test('nobody holds on to what is being deleted', () => {
  const old = create(ConfigMaps, {
    metadata: { name: 'a', deletionTimestamp: '2024-05-01T12:00:00Z', finalizers: ['a/b'] },
  }).object
  const { faults } = update(ConfigMaps, old, next => {
    next.metadata.finalizers = ['a/b', 'x/y', 'c/d']
  })
  expect(faults).toEqual([
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d", "x/y"}',
  ])
})

// The bytes of an object with its managed fields, which are written into its JSON as text.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StoredObject } from '../../apiserver/storage/stored-object.ts'
import type { KubeObject } from '../../src/api/meta.ts'

const name = fc.constantFrom('apiVersion', 'spec', 'annotations', 'labels', 'ä"', '},"spec":', 'metadata2')
const value = fc.oneof(fc.string(), fc.dictionary(name, fc.string()), fc.array(fc.integer()), fc.constant(undefined))
const metadata = fc.record({
  name: fc.string(),
  labels: fc.option(fc.dictionary(name, fc.string()), { nil: undefined }),
  annotations: fc.option(fc.dictionary(name, fc.string()), { nil: undefined }),
})

test('managed fields are the last of the metadata, wherever in the object that stands', () => {
  fc.assert(
    fc.property(fc.dictionary(name, value), metadata, fc.dictionary(name, value), (before, metadata, after) => {
      const object = { ...before, metadata, ...after } as unknown as KubeObject
      const text = '[{"manager":"ä","fieldsV1":{"f:data":{}}}]'
      const stored = StoredObject.from('/x', 7, 7, object, true, text)
      expect(stored.managedFields).toBe(text)
      const shown = { ...object, metadata: { ...metadata, resourceVersion: '7', managedFields: JSON.parse(text) } }
      expect(stored.bytes.toString()).toBe(JSON.stringify(shown))
      expect(new StoredObject('/x', 7, 7, stored.bytes, false).managedFields).toBe(text)
    }),
  )
})

// The manifests of the Kubernetes documentation, of every kind served here: all are taken as they stand, but for the three
// that a real server refuses too. They lie beside this repository where it is developed; elsewhere the test is skipped.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { builtinKinds } from '../../src/kinds/index.ts'
import { create } from './written.ts'

const folder = fileURLToPath(new URL('../../../shared/manifests/docs/', import.meta.url))
const isThere = existsSync(folder)

const refused: Readonly<Record<string, string>> = {
  // Behind a feature gate that is off by default.
  'pods/pod-with-numeric-toleration.yaml': 'spec.tolerations[0].operator: Unsupported value: "Gt"',
  // Modes that were meant to be octal.
  'pods/storage/projected-podcertificate.yaml': 'spec.volumes[0].projected.defaultMode: Invalid value: 644',
  'pods/storage/projected-secrets-nondefault-permission-mode.yaml':
    'spec.volumes[0].projected.sources[1].secret.items[0].mode: Invalid value: 777',
}

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata?: object
  readonly items?: readonly Manifest[]
}

test.skipIf(!isThere)('every manifest of the documentation is valid', () => {
  const faulty: Record<string, string> = {}
  let count = 0
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/\.ya?ml$/.test(file)) continue
    const documents = parseAllDocuments(readFileSync(`${folder}${file}`, 'utf8')) as { toJS(): Manifest | null }[]
    for (const manifest of documents.flatMap(each => each.toJS() ?? []).flatMap(each => each.items ?? [each])) {
      const kind = builtinKinds.find(each => each.apiVersion === manifest.apiVersion && each.kind === manifest.kind)
      if (!kind) continue
      count++
      // The registry's stamp, from which a Job's selector is made.
      const metadata = { ...manifest.metadata, uid: '0d1f0b5e-7b1c-4b52-9d0a-2f6f6a1d9c11' }
      const { object, faults } = create(kind, { ...manifest, metadata })
      if (faults.length > 0) faulty[file] = faults.join('\n')
      for (const column of kind.columns) expect(() => column.value(object, 0), file).not.toThrow()
    }
  }
  expect(count).toBeGreaterThan(100)
  expect(Object.keys(faulty).sort()).toEqual(Object.keys(refused).sort())
  for (const [file, fault] of Object.entries(refused)) expect(faulty[file]).toContain(fault)
})

// Where the cursor is in YAML that is being typed: what completion goes by.

import { expect, test } from 'vitest'
import { pathAt, siblings } from '../../dashboard/editor/yaml-path.ts'

const text = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  template:
    spec:
      # what runs
      containers:
        - name: web
          image: nginx
          ports:
            - containerPort: 80
              pro
          env:
          - name: A
            v
        - na
      tolerations:
  str
`.split('\n')

/** The path of the word that begins in the line which ends so. */
function pathOf(end: string): readonly (string | number)[] {
  const at = text.findIndex(line => line.endsWith(end))
  return pathAt(text, at, text[at]!.lastIndexOf(end.trim()))
}

test.each([
  ['apiVersion: apps/v1', []],
  ['name: web', ['metadata']],
  ['  replicas: 3', ['spec']],
  ['image: nginx', ['spec', 'template', 'spec', 'containers', 0]],
  ['containerPort: 80', ['spec', 'template', 'spec', 'containers', 0, 'ports', 0]],
  ['pro', ['spec', 'template', 'spec', 'containers', 0, 'ports', 0]],
  ['  v', ['spec', 'template', 'spec', 'containers', 0, 'env', 0]],
  ['na', ['spec', 'template', 'spec', 'containers', 0]],
  ['  str', ['spec']],
])('%s stands below %j', (end, path) => {
  expect(pathOf(end)).toEqual(path)
})

test('what stands beside already is not offered again', () => {
  const at = text.indexOf('  str')
  expect([...siblings(text, at, 2)].sort()).toEqual(['replicas', 'template'])
  expect([...siblings(text, 14, 14)]).toEqual(['containerPort'])
})

// Static pods and their mirrors; the folder they come from.

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { StaticPod } from '../../kubelet-sim/static-pods.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'
import { Nodes, Pods } from '../../src/kinds/index.ts'
import { staticPodsIn } from '../../src/static-pods-folder.ts'
import { testCluster } from '../support/cluster.ts'

const manifest = (image: string) =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', labels: { role: 'static' } },
    spec: { containers: [{ name: 'web', image }] },
  }) as unknown as StaticPod['manifest']

test('a mirror comes, comes again when it is deleted, follows its file, and goes with it', async () => {
  let pods: StaticPod[] = [{ node: 'node-1', manifest: manifest('nginx:1.26') }]
  let changed = () => {}
  await using cluster = await testCluster({
    nodes: 2,
    staticPods: { all: () => pods, onChange: (_signal, wake) => (changed = wake) },
  })
  const mirror = () => cluster.pods().find(({ metadata }) => metadata.name === 'web-node-1')
  await cluster.until(() => mirror()?.status.phase === 'Running')
  const { metadata, spec } = mirror()!
  expect(metadata.annotations).toMatchObject({ 'kubernetes.io/config.source': 'file' })
  expect(metadata.annotations?.['kubernetes.io/config.mirror']).toBe(
    metadata.annotations?.['kubernetes.io/config.hash'],
  )
  const { uid } = cluster.get(Nodes, { name: 'node-1' }).metadata
  expect(metadata.ownerReferences).toEqual([{ apiVersion: 'v1', kind: 'Node', name: 'node-1', uid, controller: true }])
  expect(spec.tolerations).toContainEqual({ operator: 'Exists', effect: 'NoExecute' })
  await cluster.client.of(Pods).delete({ name: 'web-node-1', namespace: 'default' })
  await cluster.until(() => mirror() !== undefined && mirror()?.metadata.uid !== metadata.uid, '2m')
  await cluster.until(() => mirror()?.status.phase === 'Running')
  pods = [{ node: 'node-1', manifest: manifest('nginx:1.27') }]
  changed()
  await cluster.until(() => mirror()?.spec.containers[0]?.image === 'nginx:1.27', '2m')
  pods = []
  changed()
  await cluster.until(() => mirror() === undefined, '2m')
})

test('the folder: files of its own are node-1’s, those below are the named node’s, and what is no manifest is left out', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'kubesim-static-'))
  mkdirSync(join(dir, 'node-2'))
  writeFileSync(join(dir, 'web.yaml'), JSON.stringify(manifest('nginx')))
  writeFileSync(join(dir, 'node-2', 'two.yml'), 'apiVersion: v1\nkind: Pod\nmetadata: { name: two }\nspec: {}\n')
  writeFileSync(join(dir, 'broken.yaml'), 'a: [')
  writeFileSync(join(dir, 'notes.txt'), 'kind: Pod')
  const { all } = await staticPodsIn(dir, virtualEnv({ seed: 1 }))
  expect(all().map(({ node, manifest: { metadata } }) => `${node} ${metadata.name}`)).toEqual([
    'node-2 two',
    'node-1 web',
  ])
})

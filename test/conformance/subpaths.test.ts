// Upstream's items about a part of a volume that is mounted, by their names (test/e2e/storage/subpath.go and
// test/e2e/storage/testsuites/subpath.go).

import { expect, test } from 'vitest'
import type { Volume } from '../../generated/types.ts'
import { Pods } from '../../src/kinds/index.ts'
import { looking, withLogs } from './pods-with-volumes.ts'

const volumePath = '/test-volume'
const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'my-secret', namespace: 'default' },
  stringData: { 'secret-key': 'secret-value' },
}
const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'my-configmap', namespace: 'default' },
  data: { 'configmap-key': 'configmap-value' },
}
const items = [{ path: 'downward/podname', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } }]
const sources = [
  { configMap: { name: 'my-configmap', items: [{ key: 'configmap-key', path: 'projected/configmap-key' }] } },
]

test.each([
  [
    '[sig-storage] Subpath Atomic writer volumes should support subpaths with secret pod',
    'secret-key',
    { secret: { secretName: 'my-secret' } },
    'secret-value',
  ],
  [
    '[sig-storage] Subpath Atomic writer volumes should support subpaths with configmap pod',
    'configmap-key',
    { configMap: { name: 'my-configmap' } },
    'configmap-value',
  ],
  [
    '[sig-storage] Subpath Atomic writer volumes should support subpaths with configmap pod with mountPath of existing file',
    'configmap-key',
    { configMap: { name: 'my-configmap' } },
    'configmap-value',
    '/etc/resolv.conf',
  ],
  [
    '[sig-storage] Subpath Atomic writer volumes should support subpaths with downward pod',
    'downward/podname',
    { downwardAPI: { items } },
    'looks',
  ],
  [
    '[sig-storage] Subpath Atomic writer volumes should support subpaths with projected pod',
    'projected/configmap-key',
    { projected: { sources } },
    'configmap-value',
  ],
] as [string, string, Omit<Volume, 'name'>, string, string?][])(
  '%s',
  async (_item, subPath, volume, content, path = volumePath) => {
    await using cluster = await withLogs()
    await cluster.apply(secret, configMap)
    const asked = [`--file_content_in_loop=${path}`, '--retry_time=20']
    await cluster.apply(looking({ asked, volumes: { [path]: volume }, mount: { subPath, readOnly: false } }))
    await cluster.until(() => cluster.get(Pods, 'looks').status.phase === 'Succeeded', '2m')
    expect(await cluster.logs('looks')).toContain(content)
    await cluster.client.of(Pods).delete({ name: 'looks', namespace: 'default' })
    await cluster.until(() => cluster.pods().length === 0, '1m')
  },
)

// Upstream's items about volumes that tell a pod of itself, of their own and as part of a projected volume, by their names
// (test/e2e/common/storage/{downwardapi_volume,projected_downwardapi}.go).

import { describe, expect, test } from 'vitest'
import type { DownwardAPIVolumeFile, Volume } from '../../generated/types.ts'
import { wholeValue } from '../../src/api/quantity.ts'
import { Nodes, Pods } from '../../src/kinds/index.ts'
import { testCluster } from '../support/cluster.ts'
import { looking, seen, withLogs } from './pods-with-volumes.ts'

const at = '/etc/podinfo'

function volumeOf(item: string, items: DownwardAPIVolumeFile[], defaultMode?: number): Omit<Volume, 'name'> {
  const mode = defaultMode === undefined ? {} : { defaultMode }
  const isProjected = item.startsWith('[sig-storage] Projected')
  return isProjected
    ? { projected: { sources: [{ downwardAPI: { items } }], ...mode } }
    : { downwardAPI: { items, ...mode } }
}
const field = (path: string, fieldPath: string, mode?: number): DownwardAPIVolumeFile => ({
  path,
  fieldRef: { apiVersion: 'v1', fieldPath },
  ...(mode !== undefined && { mode }),
})
const resource = (path: string, name: string): DownwardAPIVolumeFile => ({
  path,
  resourceFieldRef: { containerName: 'main', resource: name },
})

test.each([
  '[sig-storage] Downward API volume should provide podname only [NodeConformance]',
  '[sig-storage] Projected downwardAPI should provide podname only [NodeConformance]',
])('%s', async item => {
  const volumes = { [at]: volumeOf(item, [field('podname', 'metadata.name')]) }
  const printed = await seen({ name: 'downward', asked: [`--file_content=${at}/podname`], volumes })
  expect(printed).toContain('downward\n')
})

test.each([
  '[sig-storage] Downward API volume should set DefaultMode on files [LinuxOnly] [NodeConformance]',
  '[sig-storage] Projected downwardAPI should set DefaultMode on files [LinuxOnly] [NodeConformance]',
  '[sig-storage] Downward API volume should set mode on item file [LinuxOnly] [NodeConformance]',
  '[sig-storage] Projected downwardAPI should set mode on item file [LinuxOnly] [NodeConformance]',
])('%s', async item => {
  const isOfItem = item.includes('item')
  const items = [field('podname', 'metadata.name', isOfItem ? 0o400 : undefined)]
  const volumes = { [at]: volumeOf(item, items, isOfItem ? undefined : 0o400) }
  const printed = await seen({ asked: [`--file_mode=${at}/podname`], volumes })
  expect(printed).toContain(`mode of file "${at}/podname": -r--------`)
})

describe('resources of a container', () => {
  const resources = { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '1250m', memory: '64Mi' } }
  const read = (item: string, name: string, container: object) =>
    seen({
      asked: [`--file_content=${at}/file`],
      volumes: { [at]: volumeOf(item, [resource('file', name)]) },
      container,
    })

  test.each([
    ["[sig-storage] Downward API volume should provide container's cpu limit [NodeConformance]", 'limits.cpu', '2'],
    ["[sig-storage] Projected downwardAPI should provide container's cpu limit [NodeConformance]", 'limits.cpu', '2'],
    ["[sig-storage] Downward API volume should provide container's cpu request [NodeConformance]", 'requests.cpu', '1'],
    [
      "[sig-storage] Projected downwardAPI should provide container's cpu request [NodeConformance]",
      'requests.cpu',
      '1',
    ],
    [
      "[sig-storage] Downward API volume should provide container's memory limit [NodeConformance]",
      'limits.memory',
      '67108864',
    ],
    [
      "[sig-storage] Projected downwardAPI should provide container's memory limit [NodeConformance]",
      'limits.memory',
      '67108864',
    ],
    [
      "[sig-storage] Downward API volume should provide container's memory request [NodeConformance]",
      'requests.memory',
      '33554432',
    ],
    [
      "[sig-storage] Projected downwardAPI should provide container's memory request [NodeConformance]",
      'requests.memory',
      '33554432',
    ],
  ])('%s', async (item, name, value) => {
    expect(await read(item, name, { resources })).toBe(`content of file "${at}/file": ${value}\n`)
  })

  test.each([
    [
      '[sig-storage] Downward API volume should provide node allocatable (cpu) as default cpu limit if the limit is not set [NodeConformance]',
      'cpu',
    ],
    [
      '[sig-storage] Projected downwardAPI should provide node allocatable (cpu) as default cpu limit if the limit is not set [NodeConformance]',
      'cpu',
    ],
    [
      '[sig-storage] Downward API volume should provide node allocatable (memory) as default memory limit if the limit is not set [NodeConformance]',
      'memory',
    ],
    [
      '[sig-storage] Projected downwardAPI should provide node allocatable (memory) as default memory limit if the limit is not set [NodeConformance]',
      'memory',
    ],
  ])('%s', async (item, name) => {
    await using cluster = await testCluster({ nodes: 1 })
    const allocatable = cluster.get(Nodes, 'node-1').status.allocatable![name]!
    expect(await read(item, `limits.${name}`, {})).toBe(`content of file "${at}/file": ${wholeValue(allocatable)}\n`)
  })
})

test.each([
  ['[sig-storage] Downward API volume should update labels on modification [NodeConformance]', 'labels'],
  ['[sig-storage] Projected downwardAPI should update labels on modification [NodeConformance]', 'labels'],
  ['[sig-storage] Downward API volume should update annotations on modification [NodeConformance]', 'annotations'],
  ['[sig-storage] Projected downwardAPI should update annotations on modification [NodeConformance]', 'annotations'],
] as const)('%s', async (item, what) => {
  await using cluster = await withLogs()
  const asked = ['--break_on_expected_content=false', '--retry_time=1200', `--file_content_in_loop=${at}/file`]
  const made = looking({ asked, volumes: { [at]: volumeOf(item, [field('file', `metadata.${what}`)]) } })
  await cluster.apply({ ...made, metadata: { ...made.metadata, [what]: { key1: 'value1', builder: 'bar' } } })
  await cluster.advance('30s')
  expect(await cluster.logs('looks')).toContain('builder="bar"\nkey1="value1"\n')
  const body = { metadata: { [what]: { builder: 'foo', key3: 'value3' } } }
  await cluster.client.of(Pods).patch({ name: 'looks', namespace: 'default' }, { type: 'merge', body })
  await cluster.advance('2m')
  const printed = await cluster.logs('looks')
  expect(printed).toContain('builder="foo"\n')
  expect(printed).toContain('key3="value3"\n')
})

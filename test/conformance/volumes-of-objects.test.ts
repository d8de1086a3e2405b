// Upstream's items about volumes made of ConfigMaps and Secrets, of their own and as parts of a projected volume, by their
// names (test/e2e/common/storage/{configmap,secrets,projected_configmap,projected_secret}_volume.go, projected_combined.go,
// test/e2e/storage/empty_dir_wrapper.go).

import { describe, expect, test } from 'vitest'
import type { PodSpec, Volume } from '../../generated/types.ts'
import type { KubeObject, NewObject } from '../../src/api/meta.ts'
import { ConfigMaps, Namespaces, Pods, Secrets } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { agnhost, busybox, looking, seen, withLogs } from './pods-with-volumes.ts'

type Data = Readonly<Record<string, string>>
const three: Data = { 'data-1': 'value-1', 'data-2': 'value-2', 'data-3': 'value-3' }
const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** How a kind's objects get into a volume; the default mode stands beside the sources of a projected one. */
interface Source {
  readonly kind: Kind<any>
  volume(name: string, more?: object): Omit<Volume, 'name'>
}
const encoded = (kind: Kind<any>, data: Data): Data =>
  kind === Secrets ? Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])) : data
const object = (kind: Kind<any>, name: string, data: Data, namespace = 'default') =>
  ({ apiVersion: 'v1', kind: kind.kind, metadata: { name, namespace }, data: encoded(kind, data) }) as NewObject<any>

const plain = (kind: Kind<any>): Source => ({
  kind,
  volume: (name, more = {}) =>
    kind === ConfigMaps ? { configMap: { name, ...more } } : { secret: { secretName: name, ...more } },
})
const projected = (kind: Kind<any>): Source => ({
  kind,
  volume(name, { defaultMode, ...more }: { defaultMode?: number } = {}) {
    const source = { name, ...more }
    return {
      projected: {
        sources: [kind === ConfigMaps ? { configMap: source } : { secret: source }],
        ...(defaultMode !== undefined && { defaultMode }),
      },
    }
  },
})
const groups: Readonly<Record<string, Source>> = {
  ConfigMap: plain(ConfigMaps),
  Secrets: plain(Secrets),
  'Projected configMap': projected(ConfigMaps),
  'Projected secret': projected(Secrets),
}
const sourceOf = (item: string): Source => groups[/^\[sig-storage\] (.*?) (?:should|updates|optional)/.exec(item)![1]!]!

const at = '/etc/the-volume'
const mapped = { items: [{ key: 'data-2', path: 'path/to/data-2' }] }
const mappedWithMode = { items: [{ key: 'data-2', path: 'path/to/data-2', mode: 0o400 }] }
const nonRoot: Partial<PodSpec> = { securityContext: { runAsUser: 1000 } }
const ofGroup: Partial<PodSpec> = { securityContext: { runAsUser: 1000, fsGroup: 1001 } }
const plainMode = '-rw-r--r--'

describe('what is mounted is read', () => {
  test.each([
    ['[sig-storage] ConfigMap should be consumable from pods in volume [NodeConformance]', {}, plainMode],
    ['[sig-storage] Secrets should be consumable from pods in volume [NodeConformance]', {}, plainMode],
    ['[sig-storage] Projected configMap should be consumable from pods in volume [NodeConformance]', {}, plainMode],
    ['[sig-storage] Projected secret should be consumable from pods in volume [NodeConformance]', {}, plainMode],
    [
      '[sig-storage] ConfigMap should be consumable from pods in volume as non-root [NodeConformance]',
      {},
      plainMode,
      nonRoot,
    ],
    [
      '[sig-storage] Projected configMap should be consumable from pods in volume as non-root [NodeConformance]',
      {},
      plainMode,
      nonRoot,
    ],
    [
      '[sig-storage] ConfigMap should be consumable from pods in volume with defaultMode set [LinuxOnly] [NodeConformance]',
      { defaultMode: 0o400 },
      '-r--------',
    ],
    [
      '[sig-storage] Secrets should be consumable from pods in volume with defaultMode set [LinuxOnly] [NodeConformance]',
      { defaultMode: 0o400 },
      '-r--------',
    ],
    [
      '[sig-storage] Projected configMap should be consumable from pods in volume with defaultMode set [LinuxOnly] [NodeConformance]',
      { defaultMode: 0o400 },
      '-r--------',
    ],
    [
      '[sig-storage] Projected secret should be consumable from pods in volume with defaultMode set [LinuxOnly] [NodeConformance]',
      { defaultMode: 0o400 },
      '-r--------',
    ],
    [
      '[sig-storage] Secrets should be consumable from pods in volume as non-root with defaultMode and fsGroup set [LinuxOnly] [NodeConformance]',
      { defaultMode: 0o440 },
      '-r--r-----',
      ofGroup,
    ],
    [
      '[sig-storage] Projected secret should be consumable from pods in volume as non-root with defaultMode and fsGroup set [LinuxOnly] [NodeConformance]',
      { defaultMode: 0o440 },
      '-r--r-----',
      ofGroup,
    ],
    [
      '[sig-storage] ConfigMap should be consumable from pods in volume with mappings [NodeConformance]',
      mapped,
      plainMode,
    ],
    [
      '[sig-storage] Secrets should be consumable from pods in volume with mappings [NodeConformance]',
      mapped,
      plainMode,
    ],
    [
      '[sig-storage] Projected configMap should be consumable from pods in volume with mappings [NodeConformance]',
      mapped,
      plainMode,
    ],
    [
      '[sig-storage] Projected secret should be consumable from pods in volume with mappings [NodeConformance]',
      mapped,
      plainMode,
    ],
    [
      '[sig-storage] ConfigMap should be consumable from pods in volume with mappings as non-root [NodeConformance]',
      mapped,
      plainMode,
      nonRoot,
    ],
    [
      '[sig-storage] Projected configMap should be consumable from pods in volume with mappings as non-root [NodeConformance]',
      mapped,
      plainMode,
      nonRoot,
    ],
    [
      '[sig-storage] ConfigMap should be consumable from pods in volume with mappings and Item mode set [LinuxOnly] [NodeConformance]',
      mappedWithMode,
      '-r--------',
    ],
    [
      '[sig-storage] Secrets should be consumable from pods in volume with mappings and Item Mode set [LinuxOnly] [NodeConformance]',
      mappedWithMode,
      '-r--------',
    ],
    [
      '[sig-storage] Projected configMap should be consumable from pods in volume with mappings and Item mode set [LinuxOnly] [NodeConformance]',
      mappedWithMode,
      '-r--------',
    ],
    [
      '[sig-storage] Projected secret should be consumable from pods in volume with mappings and Item Mode set [LinuxOnly] [NodeConformance]',
      mappedWithMode,
      '-r--------',
    ],
  ] as [string, object, string, Partial<PodSpec>?][])('%s', async (item, how, mode, spec = {}) => {
    const { kind, volume } = sourceOf(item)
    const [file, value] = 'items' in how ? ['path/to/data-2', 'value-2'] : ['data-1', 'value-1']
    const asked = [`--file_content=${at}/${file}`, `--file_mode=${at}/${file}`]
    const printed = await seen({ asked, volumes: { [at]: volume('it', how) }, spec }, object(kind, 'it', three))
    expect(printed).toContain(`mode of file "${at}/${file}": ${mode}`)
    expect(printed).toContain(`content of file "${at}/${file}": ${value}\n`)
  })

  test.each([
    '[sig-storage] ConfigMap should be consumable in multiple volumes in the same pod [NodeConformance]',
    '[sig-storage] Projected configMap should be consumable in multiple volumes in the same pod [NodeConformance]',
    '[sig-storage] Secrets should be consumable in multiple volumes in a pod [NodeConformance]',
    '[sig-storage] Projected secret should be consumable in multiple volumes in a pod [NodeConformance]',
  ])('%s', async item => {
    const { kind, volume } = sourceOf(item)
    const volumes = { [at]: volume('it'), [`${at}-2`]: volume('it') }
    const asked = [`--file_content=${at}/data-1`, `--file_mode=${at}-2/data-1`]
    const printed = await seen({ asked, volumes }, object(kind, 'it', three))
    expect(printed).toContain(`content of file "${at}/data-1": value-1\n`)
    expect(printed).toContain(`mode of file "${at}-2/data-1": ${plainMode}`)
  })

  test('[sig-storage] Secrets should be able to mount in a volume regardless of a different secret existing with same name in different namespace [NodeConformance]', async () => {
    const elsewhere = { apiVersion: 'v1', kind: Namespaces.kind, metadata: { name: 'other' } } as NewObject<KubeObject>
    const printed = await seen(
      { asked: [`--file_content=${at}/data-1`], volumes: { [at]: { secret: { secretName: 'it' } } } },
      elsewhere,
      object(Secrets, 'it', { 'data-1': 'this is another one' }, 'other'),
      object(Secrets, 'it', three),
    )
    expect(printed).toBe(`content of file "${at}/data-1": value-1\n`)
  })

  test('[sig-storage] ConfigMap binary data should be reflected in volume [NodeConformance]', async () => {
    const bytes = Buffer.from([0xde, 0xca, 0xfe, 0xba, 0xd0, 0xfe, 0xff])
    const map = { ...object(ConfigMaps, 'it', three), binaryData: { 'dump.bin': bytes.toString('base64') } }
    const volumes = { [at]: { configMap: { name: 'it' } } }
    expect(await seen({ asked: [`--file_content=${at}/data-1`], volumes }, map)).toContain('value-1')
    const command = ['hexdump', '-C', `${at}/dump.bin`]
    const dumped = await seen({ asked: [], volumes, container: { image: busybox, command, args: [] } }, map)
    expect(dumped).toContain('de ca fe ba d0 fe ff')
  })

  test('[sig-storage] Projected combined should project all components that make up the projection API [Projection][NodeConformance]', async () => {
    const items = [{ path: 'podname', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } }]
    const sources = [{ downwardAPI: { items } }, { secret: { name: 'secret' } }, { configMap: { name: 'map' } }]
    const command = ['sh', '-c', 'cat /all/podname && cat /all/secret-data && cat /all/configmap-data']
    const printed = await seen(
      {
        name: 'projected-volume',
        asked: [],
        volumes: { '/all': { projected: { sources } } },
        container: { image: busybox, command, args: [] },
      },
      object(Secrets, 'secret', { 'secret-data': 'secret-value-1' }),
      object(ConfigMaps, 'map', { 'configmap-data': 'configmap-value-1' }),
    )
    expect(printed).toBe('projected-volumesecret-value-1configmap-value-1')
  })
})

describe('what changes is seen', () => {
  const inLoop = (file: string) => ['--break_on_expected_content=false', `--file_content_in_loop=${file}`]

  test.each([
    '[sig-storage] ConfigMap updates should be reflected in volume [NodeConformance]',
    '[sig-storage] Projected configMap updates should be reflected in volume [NodeConformance]',
  ])('%s', async item => {
    const { kind, volume } = sourceOf(item)
    await using cluster = await withLogs()
    await cluster.apply(object(kind, 'it', { 'data-1': 'value-1' }))
    await cluster.apply(looking({ asked: inLoop(`${at}/data-1`), volumes: { [at]: volume('it') } }))
    await cluster.advance('30s')
    expect(await cluster.logs('looks')).toContain('value-1')
    await cluster.apply(object(kind, 'it', { 'data-1': 'value-2' }))
    await cluster.advance('2m')
    expect(await cluster.logs('looks')).toContain('value-2')
  })

  test.each([
    '[sig-storage] ConfigMap optional updates should be reflected in volume [NodeConformance]',
    '[sig-storage] Secrets optional updates should be reflected in volume [NodeConformance]',
    '[sig-storage] Projected configMap optional updates should be reflected in volume [NodeConformance]',
    '[sig-storage] Projected secret optional updates should be reflected in volume [NodeConformance]',
  ])('%s', async item => {
    const { kind, volume } = sourceOf(item)
    await using cluster = await withLogs()
    const looksFor = { delete: 'data-1', update: 'data-3', create: 'data-1' }
    const made = looking({ asked: [], volumes: {} })
    made.spec.volumes = Object.keys(looksFor).map(name => ({ name, ...volume(name, { optional: true }) }))
    made.spec.containers = Object.entries(looksFor).map(([name, file]) => ({
      name,
      image: agnhost,
      args: ['mounttest', '--retry_time=600', ...inLoop(`${at}/${name}/${file}`)],
      volumeMounts: [{ name, mountPath: `${at}/${name}`, readOnly: true }],
    }))
    await cluster.apply(object(kind, 'delete', { 'data-1': 'value-1' }))
    await cluster.apply(object(kind, 'update', { 'data-1': 'value-1' }))
    await cluster.apply(made)
    await cluster.advance('30s')
    const missing = (name: string, file: string) => `Error reading file ${at}/${name}/${file}: `
    expect(await cluster.logs('looks', 'create')).toContain(missing('create', 'data-1'))
    expect(await cluster.logs('looks', 'update')).toContain(missing('update', 'data-3'))
    expect(await cluster.logs('looks', 'delete')).toContain('value-1')

    await cluster.client.of(kind).delete({ name: 'delete', namespace: 'default' })
    const update = await cluster.client.of(kind).get({ name: 'update', namespace: 'default' })
    await cluster.client.of(kind).update({ ...update, data: encoded(kind, { 'data-3': 'value-3' }) })
    await cluster.apply(object(kind, 'create', { 'data-1': 'value-1' }))
    await cluster.advance('2m')
    expect(await cluster.logs('looks', 'create')).toContain('value-1')
    expect(await cluster.logs('looks', 'update')).toContain('value-3')
    expect(await cluster.logs('looks', 'delete')).toContain(missing('delete', 'data-1'))
  })
})

test('[sig-storage] EmptyDir wrapper volumes should not conflict', async () => {
  await using cluster = await withLogs()
  await cluster.apply(object(Secrets, 'wrapped', { 'data-1': 'value-1' }), object(ConfigMaps, 'wrapped', three))
  const volumes = {
    '/etc/secret': { secret: { secretName: 'wrapped' } },
    '/etc/map': { configMap: { name: 'wrapped' } },
  }
  await cluster.apply(looking({ asked: [], volumes, container: { image: agnhost, args: ['pause'] } }))
  await cluster.until(() => cluster.get(Pods, 'looks').status.phase === 'Running', '1m')
  await cluster.client.of(Pods).delete({ name: 'looks', namespace: 'default' })
  await cluster.until(() => cluster.pods().length === 0, '1m')
})

test('[sig-storage] EmptyDir volumes pod should support shared volumes between containers', async () => {
  await using cluster = await withLogs()
  const volumeMounts = [{ name: 'shared', mountPath: '/usr/share/volumeshare' }]
  const file = '/usr/share/volumeshare/shareddata.txt'
  const container = (name: string, script: string) => ({
    name,
    image: busybox,
    command: ['/bin/sh', '-c', script],
    volumeMounts,
  })
  const made = looking({ asked: [], volumes: {} })
  made.spec.volumes = [{ name: 'shared', emptyDir: {} }]
  made.spec.containers = [
    container('main', `while [ ! -f ${file} ]; do sleep 1; done; cat ${file}`),
    container('sub', `echo Hello from the busy-box sub-container > ${file}; sleep 3600`),
  ]
  await cluster.apply(made)
  await cluster.advance('1m')
  expect(await cluster.logs('looks', 'main')).toBe('Hello from the busy-box sub-container\n')
})

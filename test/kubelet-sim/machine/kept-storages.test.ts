// What volumes hold as bytes and back, and when it is saved: in virtual time, upon a store in memory.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ContainerFiles } from '../../../kubelet-sim/machine/files/container-files.ts'
import { loadTree, savedTree } from '../../../kubelet-sim/machine/files/saved-tree.ts'
import { Storage } from '../../../kubelet-sim/machine/files/storage.ts'
import { LayerTrees } from '../../../kubelet-sim/machine/files/tree-of-layer.ts'
import { KeptStorages } from '../../../kubelet-sim/machine/volumes/kept-storages.ts'
import { keyOfVolume, storageKey, type VolumeData } from '../../../kubelet-sim/machine/volumes/volume-data.ts'
import { type VirtualEnv, virtualEnv } from '../../../src/env/virtual-env.ts'
import { volume } from '../../support/storage.ts'

const env = (): VirtualEnv => virtualEnv({ seed: 1 })
const layer = { files: { '/etc/motd': 'hello\n', '/etc/other': 'there\n', '/var/log': { directory: true } } } as const

function filesOn({ clock, random }: VirtualEnv, storage: Storage): ContainerFiles {
  expect(storage.clock).toBe(clock)
  return ContainerFiles.over(
    { source: 'x', path: '/', type: 'ext4', readOnly: false, storage, root: storage.root },
    random,
  )
}

/** All that can be seen of it. */
function listing(files: ContainerFiles, path = ''): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const name of ['', ...files.list(path || '/')]) {
    const at = name === '' ? path || '/' : `${path}/${name}`
    const { kind, mode, uid, gid, size, links, modified } = files.lstat(at)
    const content = kind === 'file' ? Buffer.from(files.read(at)).toString('latin1') : undefined
    const target = kind === 'symlink' ? files.readlink(at) : undefined
    found[at] = { kind, mode, uid, gid, size, links, modified, content, target }
    if (name !== '' && kind === 'directory') Object.assign(found, listing(files, at))
  }
  return found
}

describe('a volume as bytes', () => {
  test('files, folders and links come back with modes, owners, times and other names', async () => {
    const its = env()
    const storage = new Storage({ clock: its.clock, mode: 0o777 })
    const files = filesOn(its, storage)
    files.makeDirectory('/a/b', { recursive: true, mode: 0o700 })
    files.write('/a/b/text', 'a line\n{"path":"no entry"}\n', 0o600)
    files.chown('/a/b/text', 1000, 1001)
    files.link('/a/b/text', '/again')
    files.symlink('a/b', '/link')
    files.write('/empty', '')
    files.chmod('/a', 0o2770)
    await its.clock.advance(5000)
    files.touch('/empty', 12_345)
    const copy = new Storage({ clock: its.clock })
    loadTree(copy, Buffer.concat(savedTree(storage)))
    expect(listing(filesOn(its, copy))).toEqual(listing(files))
  })

  test('of a tree that is shared only what is another is written, and what is gone stays gone', () => {
    const its = env()
    const root = new LayerTrees().of(layer)
    const storage = new Storage({ clock: its.clock, root })
    const files = filesOn(its, storage)
    expect(savedTree(storage)).toHaveLength(1)
    files.unlink('/etc/motd')
    files.write('/etc/other', 'changed\n')
    files.write('/var/log/pods.log', 'line\n')
    const bytes = Buffer.concat(savedTree(storage))
    const copy = new Storage({ clock: its.clock, root })
    loadTree(copy, bytes)
    expect(listing(filesOn(its, copy))).toEqual(listing(files))
    expect(bytes.toString()).not.toContain('hello')
  })

  test('zeros take no room', () => {
    const its = env()
    const storage = new Storage({ clock: its.clock })
    const files = filesOn(its, storage)
    files.write('/big', '')
    files.truncate('/big', 50 * 1024 * 1024)
    const open = files.open('/big', { write: true })
    open.seek(20 * 1024 * 1024)
    open.write(Buffer.from('in the middle'))
    open.close()
    const bytes = Buffer.concat(savedTree(storage))
    expect(bytes.length).toBeLessThan(200_000)
    const copy = new Storage({ clock: its.clock })
    loadTree(copy, bytes)
    expect(Buffer.compare(filesOn(its, copy).read('/big'), files.read('/big'))).toBe(0)
    expect(copy.used).toBe(storage.used)
  })

  test('what is cut anywhere is refused or is a part of what was', () => {
    const its = env()
    const storage = new Storage({ clock: its.clock })
    filesOn(its, storage).write('/file', 'some bytes\n'.repeat(20))
    const whole = Buffer.concat(savedTree(storage))
    fc.assert(
      fc.property(fc.nat(whole.length - 1), length => {
        const copy = new Storage({ clock: its.clock })
        const files = filesOn(its, copy)
        try {
          loadTree(copy, whole.subarray(0, length))
        } catch {
          return
        }
        expect(files.list('/')).toEqual([])
      }),
    )
  })
})

class DataInMemory implements VolumeData {
  readonly kept = new Map<string, Uint8Array>()
  readonly aside: string[] = []
  saves = 0
  load = (key: string) => this.kept.get(key)
  async save(key: string, parts: readonly Uint8Array[]) {
    this.saves++
    this.kept.set(key, Buffer.concat(parts))
  }
  async remove(key: string) {
    this.kept.delete(key)
  }
  setAside(key: string) {
    this.aside.push(key)
    this.kept.delete(key)
    return 'elsewhere'
  }
}

describe('storages that outlive pods', () => {
  const opened = (its: VirtualEnv, data: VolumeData) => {
    const storages = new KeptStorages(its, data)
    const storage = storages.open('csi/a/b', () => new Storage({ clock: its.clock }))
    return { storages, files: filesOn(its, storage) }
  }

  test('are saved once it was quiet for a second, and are there again', async () => {
    const [its, data] = [env(), new DataInMemory()]
    const { files } = opened(its, data)
    await its.clock.advance(10_000)
    expect(data.saves).toBe(0)
    for (let line = 0; line < 20; line++) files.append('/log', `${line}\n`)
    expect(data.saves).toBe(0)
    await its.clock.advance(1000)
    expect(data.saves).toBe(1)
    await its.clock.advance(60_000)
    expect(data.saves).toBe(1)
    expect(opened(its, data).files.readText('/log')).toBe(files.readText('/log'))
  })

  test('what changes while it is saved is saved next, and what is changed in the end is saved at last', async () => {
    const [its, data] = [env(), new DataInMemory()]
    const { storages, files } = opened(its, data)
    const { save } = data
    data.save = async (key, parts) => {
      if (data.saves === 0) files.write('/late', 'x')
      await save.call(data, key, parts)
    }
    files.write('/early', 'x')
    await its.clock.advance(5000)
    expect(opened(its, data).files.list('/')).toEqual(['early', 'late'])
    files.write('/last', 'x')
    await storages.close()
    expect(opened(its, data).files.list('/')).toEqual(['early', 'last', 'late'])
  })

  test('what is dropped is gone, and what cannot be read is set aside', async () => {
    const [its, data] = [env(), new DataInMemory()]
    const { storages, files } = opened(its, data)
    files.write('/file', 'x')
    await its.clock.advance(1000)
    await storages.drop('csi/a/b')
    expect(data.kept.size).toBe(0)
    data.kept.set('csi/a/b', Buffer.from('{"kind":"KubesimVolume","format":2}\n'))
    expect(opened(its, data).files.list('/')).toEqual([])
    expect(data.aside).toEqual(['csi/a/b'])
  })

  test('volumes that name the same storage are the same', () => {
    const csi = { driver: 'csi.example.com', volumeHandle: 'one' }
    const made = volume('pv', '1Gi', { csi, hostPath: undefined as never })
    expect(keyOfVolume(made as never)).toBe('csi/csi.example.com/one')
    expect(storageKey({ csi: { ...csi, fsType: 'ext4' } })).toBe('csi/csi.example.com/one')
    expect(keyOfVolume(volume('pv', '1Gi', { hostPath: { path: '/data' } }) as never)).toBeUndefined()
  })
})

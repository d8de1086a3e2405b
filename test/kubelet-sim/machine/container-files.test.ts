// The FileSystem in memory: what a kernel does for the calls of a program, held against a plain model too.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { busyboxLayer, debianLayer } from '../../../kubelet-sim/machine/files/base-layers.ts'
import type { ContainerFiles } from '../../../kubelet-sim/machine/files/container-files.ts'
import { descriptorAt } from '../../../kubelet-sim/machine/files/devices.ts'
import { type Layer, programBytes, programIn } from '../../../kubelet-sim/machine/files/layer.ts'
import { Storage } from '../../../kubelet-sim/machine/files/storage.ts'
import { LayerTrees } from '../../../kubelet-sim/machine/files/tree-of-layer.ts'
import { SystemError } from '../../../kubelet-sim/machine/system-error.ts'
import { BusyCount } from '../../../src/env/activity.ts'
import { VirtualClock } from '../../../src/env/virtual-clock.ts'
import { filesOver } from './files.ts'

const layer: Layer = {
  files: {
    '/etc/motd': 'hello\n',
    '/etc/link': { symlink: 'motd' },
    '/a/b/c': { content: 'deep', mode: 0o600, uid: 7 },
    '/tmp': { directory: true, mode: 0o1777 },
    '/bin/ls': { program: 'ls' },
  },
}

const nobody = { uid: 65534, gid: 65534, groups: [] }

function errno(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof SystemError) return error.errno
    throw error
  }
  return 'none'
}

describe('files of a container', () => {
  test('a container writes into its own layer, another of the same image sees nothing of it', () => {
    const trees = new LayerTrees()
    const [one, other] = [filesOver(layer, { trees }), filesOver(layer, { trees })]
    one.append('/etc/motd', 'world\n')
    one.unlink('/a/b/c')
    one.write('/a/new', 'x')
    one.chmod('/etc', 0o700)
    expect(one.readText('/etc/link')).toBe('hello\nworld\n')
    expect(one.list('/a')).toEqual(['b', 'new'])
    expect(other.readText('/etc/motd')).toBe('hello\n')
    expect(other.list('/a')).toEqual(['b'])
    expect(other.readText('/a/b/c')).toBe('deep')
    expect(other.stat('/etc').mode).toBe(0o755)
  })

  test('a program stays one when it is copied', () => {
    const files = filesOver(layer)
    files.write('/tmp/mine', files.read('/bin/ls'), 0o755)
    expect(programIn(files.read('/tmp/mine'))).toBe('ls')
    expect(programIn(Buffer.from('#!/bin/sh\n'))).toBeUndefined()
    expect(programIn(programBytes('sh').subarray(0, 10))).toBeUndefined()
  })

  test('the base layers have what everybody looks for', () => {
    for (const base of [busyboxLayer, debianLayer]) {
      const files = filesOver(base)
      expect(programIn(files.read('/bin/sh'))).toBe('sh')
      expect(programIn(files.read('/bin/cat'))).toBe('cat')
      expect(files.stat('/tmp').mode).toBe(0o1777)
      expect(files.readText('/etc/passwd')).toMatch(/^root:x:0:0:/)
      expect(files.exists('/etc/resolv.conf')).toBe(true)
    }
  })

  test('what a kernel refuses is refused with its errno', () => {
    const files = filesOver(layer)
    files.makeDirectory('/d/e', { recursive: true })
    files.write('/d/e/f', '')
    files.symlink('loop', '/loop')
    const cases: readonly (readonly [string, () => unknown])[] = [
      ['ENOENT', () => files.read('/nothing')],
      ['ENOENT', () => files.write('/no/such/place', '')],
      ['ENOTDIR', () => files.read('/etc/motd/x')],
      ['ENOTDIR', () => files.read('/etc/motd/')],
      ['EISDIR', () => files.read('/etc')],
      ['EISDIR', () => files.write('/etc', '')],
      ['EISDIR', () => files.unlink('/etc')],
      ['ENOTDIR', () => files.removeDirectory('/etc/motd')],
      ['ENOTEMPTY', () => files.removeDirectory('/d')],
      ['EEXIST', () => files.makeDirectory('/d')],
      ['EEXIST', () => files.symlink('x', '/d')],
      ['EEXIST', () => files.open('/etc/motd', { write: true, create: true, exclusive: true })],
      ['EINVAL', () => files.rename('/d', '/d/e/g')],
      ['EISDIR', () => files.rename('/etc/motd', '/d')],
      ['ENOTDIR', () => files.rename('/d', '/etc/motd')],
      ['ENOTEMPTY', () => files.rename('/a', '/d')],
      ['ELOOP', () => files.read('/loop')],
      ['EINVAL', () => files.readlink('/etc/motd')],
      ['EPERM', () => files.link('/d', '/h')],
      ['EXDEV', () => files.rename('/etc/motd', '/dev/motd')],
      ['EBUSY', () => files.removeDirectory('/dev')],
      ['ENAMETOOLONG', () => files.write(`/${'x'.repeat(256)}`, '')],
      ['ENOSPC', () => files.write('/dev/full', 'x')],
    ]
    for (const [index, [expected, run]] of cases.entries()) expect([index, errno(run)]).toEqual([index, expected])
  })

  test('rights are those of modes and owners; root has all of them', () => {
    const files = filesOver(layer)
    const other = files.as(nobody)
    expect(errno(() => other.read('/a/b/c'))).toBe('EACCES')
    expect(errno(() => other.write('/etc/motd', ''))).toBe('EACCES')
    expect(errno(() => other.write('/etc/mine', ''))).toBe('EACCES')
    expect(errno(() => other.chmod('/etc/motd', 0o777))).toBe('EPERM')
    expect(files.readText('/a/b/c')).toBe('deep')
    other.write('/tmp/mine', 'x')
    expect(other.stat('/tmp/mine')).toMatchObject({ uid: 65534, gid: 65534, mode: 0o644 })
    files.write('/tmp/of-root', 'x')
    expect(errno(() => other.unlink('/tmp/of-root'))).toBe('EPERM')
    expect([other.access('/bin/ls', 'execute'), files.access('/etc/motd', 'execute')]).toEqual([true, false])
    files.makeDirectory('/shared')
    files.chown('/shared', 0, 2000)
    files.chmod('/shared', 0o2775)
    files.as({ uid: 1, gid: 1, groups: [2000] }).makeDirectory('/shared/sub')
    expect(files.stat('/shared/sub')).toMatchObject({ uid: 1, gid: 2000, mode: 0o2755 })
  })

  test('a read-only root refuses, what is mounted in it takes', () => {
    const files = filesOver(layer, { readOnly: true })
    expect(errno(() => files.write('/etc/motd', ''))).toBe('EROFS')
    expect(errno(() => files.unlink('/etc/motd'))).toBe('EROFS')
    files.write('/dev/null', 'gone')
    const storage = new Storage({ clock: new VirtualClock(new BusyCount()) })
    files.mount({ source: 'tmpfs', path: '/data', type: 'tmpfs', readOnly: false, storage, root: storage.root })
    files.write('/data/x', 'kept')
    expect(files.list('/')).toContain('data')
    expect(files.readText('/a/../data/x')).toBe('kept')
    files.unmount('/data')
    expect(files.exists('/data/x')).toBe(false)
  })

  test('a full storage refuses more with ENOSPC and takes again when something is gone', () => {
    const files = filesOver(layer, { limit: 1000 })
    files.write('/tmp/one', 'x'.repeat(900))
    expect(errno(() => files.write('/tmp/two', 'x'.repeat(200)))).toBe('ENOSPC')
    files.unlink('/tmp/one')
    files.write('/tmp/two', 'x'.repeat(200))
    expect(files.mounts()[0]).toMatchObject({ path: '/', used: 200, size: 1000 })
  })

  test('a gigabyte of zeros takes no memory, and what is written between them is read again', () => {
    const files = filesOver(layer)
    const file = files.open('/tmp/big', { write: true, create: true })
    const zeros = new Uint8Array(1024 * 1024)
    for (let count = 0; count < 1024; count++) file.write(zeros)
    file.seek(500 * 1024 * 1024 - 2)
    file.write(Buffer.from('abcd'))
    expect(files.stat('/tmp/big').size).toBe(2 ** 30)
    const reader = files.open('/tmp/big', { read: true })
    reader.seek(500 * 1024 * 1024 - 3)
    expect(Buffer.from(reader.read(6)!).toString()).toBe('\0abcd\0')
    files.truncate('/tmp/big', 500 * 1024 * 1024)
    reader.seek(500 * 1024 * 1024 - 2)
    expect(Buffer.from(reader.read(9)!).toString()).toBe('ab')
    expect(reader.read(9)).toBeUndefined()
  })

  test('noise fills one container only', () => {
    const files = filesOver(layer)
    const noise = new Uint8Array(1024 * 1024).fill(1)
    const file = files.open('/tmp/noise', { append: true, create: true })
    expect(
      errno(() => {
        for (let count = 0; count < 200; count++) file.write(noise)
      }),
    ).toBe('ENOSPC')
  })

  test('an open file outlives its name', () => {
    const files = filesOver(layer)
    const open = files.open('/etc/motd', { read: true })
    files.unlink('/etc/motd')
    expect(Buffer.from(open.read(100)!).toString()).toBe('hello\n')
    expect(open.read(100)).toBeUndefined()
  })

  test('hard links are one file', () => {
    const files = filesOver(layer)
    files.link('/etc/motd', '/etc/other')
    files.append('/etc/other', '!')
    expect(files.readText('/etc/motd')).toBe('hello\n!')
    expect(files.stat('/etc/motd').links).toBe(2)
    files.unlink('/etc/motd')
    expect(files.stat('/etc/other')).toMatchObject({ links: 1, size: 7 })
  })

  test('whoever waits is woken by the next change, in whatever is mounted', () => {
    const files = filesOver(layer)
    let woken = 0
    const before = files.version
    files.onChange(() => woken++)
    files.readText('/etc/motd')
    expect([woken, files.version]).toEqual([0, before])
    files.write('/tmp/x', '')
    files.write('/tmp/x', 'again')
    expect(woken).toBe(1)
    expect(files.version).toBeGreaterThan(before)
  })

  test('paths of descriptors are known', () => {
    expect(descriptorAt('/dev/stdout')).toEqual({ pid: undefined, descriptor: 1 })
    expect(descriptorAt('/proc/self/fd/2')).toEqual({ pid: undefined, descriptor: 2 })
    expect(descriptorAt('/proc/1/fd/1')).toEqual({ pid: 1, descriptor: 1 })
    expect(descriptorAt('/dev/null')).toBeUndefined()
  })

  test('like a plain model, whatever is done', () => {
    const path = fc.constantFrom('/a', '/a/b', '/a/b/c', '/d', '/d/e', '/f', '/etc/motd', '/etc')
    const text = fc.string({ maxLength: 5, unit: fc.constantFrom('x', 'y') })
    const deed = fc.oneof(
      fc.record({ do: fc.constant('write' as const), path, text }),
      fc.record({ do: fc.constant('append' as const), path, text }),
      fc.record({ do: fc.constant('mkdir' as const), path }),
      fc.record({ do: fc.constant('unlink' as const), path }),
      fc.record({ do: fc.constant('rmdir' as const), path }),
      fc.record({ do: fc.constant('rename' as const), path, to: path }),
    )
    const trees = new LayerTrees()
    const untouched = paint(filesOver(modelLayer, { trees }))
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 30 }), deeds => {
        const files = filesOver(modelLayer, { trees })
        const model = new PlainFiles()
        for (const each of deeds) {
          const did = errno(() => run(files, each)) === 'none'
          expect([each, did]).toEqual([each, model.run(each)])
        }
        expect(paint(files)).toEqual(Object.fromEntries([...model.paths].sort(([a], [b]) => (a < b ? -1 : 1))))
        const held = [...model.paths.values()].reduce((sum, content) => sum + (content?.length ?? 0), 0)
        expect(files.mounts()[0]!.used).toBeLessThanOrEqual(held)
      }),
      { seed: 5, numRuns: 300 },
    )
    expect(paint(filesOver(modelLayer, { trees }))).toEqual(untouched)
  })
})

const modelLayer: Layer = { files: { '/a/b/c': 'deep', '/etc/motd': 'hello' } }

interface Deed {
  do: 'write' | 'append' | 'mkdir' | 'unlink' | 'rmdir' | 'rename'
  path: string
  text?: string
  to?: string
}

function run(files: ContainerFiles, deed: Deed): void {
  if (deed.do === 'write') files.write(deed.path, deed.text!)
  else if (deed.do === 'append') files.append(deed.path, deed.text!)
  else if (deed.do === 'mkdir') files.makeDirectory(deed.path)
  else if (deed.do === 'unlink') files.unlink(deed.path)
  else if (deed.do === 'rmdir') files.removeDirectory(deed.path)
  else files.rename(deed.path, deed.to!)
}

/** Every path but /dev, with its content; folders have none. */
function paint(files: ContainerFiles, at = ''): Record<string, string | undefined> {
  const all: Record<string, string | undefined> = {}
  for (const name of files.list(at === '' ? '/' : at)) {
    const path = `${at}/${name}`
    if (path === '/dev') continue
    const isFolder = files.lstat(path).kind === 'directory'
    all[path] = isFolder ? undefined : files.readText(path)
    if (isFolder) Object.assign(all, paint(files, path))
  }
  return all
}

/** Paths and contents, undefined for folders. */
class PlainFiles {
  paths = new Map<string, string | undefined>([
    ['/a', undefined],
    ['/a/b', undefined],
    ['/a/b/c', 'deep'],
    ['/etc', undefined],
    ['/etc/motd', 'hello'],
  ])

  run(deed: Deed): boolean {
    const { path } = deed
    const [known, isFolder] = [this.paths.has(path), this.paths.has(path) && this.paths.get(path) === undefined]
    if (deed.do === 'write' || deed.do === 'append') {
      if (isFolder || !this.#hasParent(path)) return false
      this.paths.set(path, deed.do === 'write' ? deed.text : (this.paths.get(path) ?? '') + deed.text!)
      return true
    }
    if (deed.do === 'mkdir') {
      if (known || !this.#hasParent(path)) return false
      this.paths.set(path, undefined)
      return true
    }
    if (deed.do === 'unlink') return known && !isFolder && this.paths.delete(path)
    if (deed.do === 'rmdir') return isFolder && this.#below(path).length === 0 && this.paths.delete(path)
    return this.#rename(path, deed.to!)
  }

  #rename(path: string, to: string): boolean {
    if (!this.paths.has(path) || !this.#hasParent(to)) return false
    if (path === to) return true
    const isFolder = this.paths.get(path) === undefined
    if (to.startsWith(`${path}/`)) return false
    if (this.paths.has(to)) {
      const isOver = this.paths.get(to) === undefined
      if (isFolder !== isOver || (isOver && this.#below(to).length > 0)) return false
    }
    for (const each of [path, ...this.#below(path)]) {
      this.paths.set(to + each.slice(path.length), this.paths.get(each))
      this.paths.delete(each)
    }
    return true
  }

  #below(path: string): readonly string[] {
    return [...this.paths.keys()].filter(each => each.startsWith(`${path}/`))
  }

  #hasParent(path: string): boolean {
    const parent = path.slice(0, path.lastIndexOf('/'))
    return parent === '' || (this.paths.has(parent) && this.paths.get(parent) === undefined)
  }
}

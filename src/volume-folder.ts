// What volumes hold, kept in a folder of the data directory: a file each, written anew beside the old one and put in its place
// when it is durable. For serve.ts; read when a volume is first mounted.

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { VolumeData } from '../kubelet-sim/machine/volumes/volume-data.ts'

/** Without its hash. */
const longestName = 120

export function volumeFolder(folder: string, fsync: boolean): VolumeData {
  const fileOf = (key: string): string => join(folder, fileName(key))
  return {
    load(key) {
      try {
        return readFileSync(fileOf(key))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        return undefined
      }
    },
    async save(key, parts) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const file = fileOf(key)
      const next = `${file}.next`
      const handle = await open(next, 'w', 0o600)
      try {
        for (const block of blocksOf(parts)) await handle.appendFile(block)
        if (fsync) await handle.datasync()
      } finally {
        await handle.close()
      }
      await rename(next, file)
    },
    async remove(key) {
      await rm(fileOf(key), { force: true })
    },
    setAside(key) {
      const damaged = `${fileOf(key)}.damaged`
      renameSync(fileOf(key), damaged)
      return damaged
    },
  }
}

const blockSize = 1024 * 1024

function* blocksOf(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  let block: Uint8Array[] = []
  let size = 0
  for (const part of parts) {
    block.push(part)
    size += part.length
    if (size < blockSize) continue
    yield Buffer.concat(block)
    block = []
    size = 0
  }
  yield Buffer.concat(block)
}

/** What a person can read, and a hash where that is not all of it. */
function fileName(key: string): string {
  const plain = key.replaceAll('/', '_')
  if (/^[\w.@+=,-]+$/.test(plain) && plain.length <= longestName && !key.includes('_')) return `${plain}.volume`
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 16)
  return `${plain.replace(/[^\w.@+=,-]/g, '-').slice(0, longestName)}-${hash}.volume`
}

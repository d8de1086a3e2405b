// VolumeData: where what outlives pods is kept between two lives of this process, by key. src/volume-folder.ts keeps it in files;
// where there is none (tests, `--memory`), volumes last as long as the process. And the keys: a word, a slash and more.

import type { PersistentVolume } from '../../../generated/types.ts'
import type { Frozen } from '../../../src/api/meta.ts'

export interface VolumeData {
  load(key: string): Uint8Array | undefined
  /** Resolves when it is durable. What was kept under the key stays whole until then. */
  save(key: string, parts: readonly Uint8Array[]): Promise<void>
  remove(key: string): Promise<void>
  /** It could not be read: it is not lost, and not in the way. Says where it is now. */
  setAside(key: string): string
}

export const nodeDiskKey = (node: string): string => `node/${node}`

/** What storage a volume is, somewhere else than on a node; two volumes that name the same one have the same data. */
export function storageKey(source: Readonly<Record<string, unknown>>): string {
  const [type, value] = Object.entries(source).find(([, each]) => typeof each === 'object' && each !== null) ?? ['', {}]
  const of = value as Readonly<Record<string, string>>
  if (type === 'csi') return `csi/${of.driver}/${of.volumeHandle}`
  if (type === 'nfs') return `nfs/${of.server}${of.path}`
  return `${type}/${JSON.stringify(value)}`
}

/** undefined: it lies on the disk of a node. */
export function keyOfVolume({ metadata, spec }: Frozen<PersistentVolume>): string | undefined {
  const { hostPath, local } = spec
  // A provisioned volume goes with its pods wherever they are, whatever it is made of.
  const isProvisioned = metadata.annotations?.['pv.kubernetes.io/provisioned-by'] !== undefined
  if (hostPath) return isProvisioned ? `provisioned${hostPath.path}` : undefined
  if (local) return undefined
  const { accessModes: _, capacity, claimRef, nodeAffinity, mountOptions, ...source } = spec
  return storageKey(source)
}

// PodDisk: what one pod takes of its node's disk: the layers of its containers, what they print, its emptyDirs. Where the pod has
// limits it is told of every growth, and tells the kubelet at its next look; where it has none it is only asked.

import type { Pod } from '../../../generated/types.ts'
import type { Frozen } from '../../../src/api/meta.ts'
import type { Cancel, Clock } from '../../../src/env/clock.ts'
import {
  nextLook,
  type StorageLimits,
  type StorageUse,
  storageFault,
  storageLimitsOf,
} from '../../eviction/local-storage.ts'
import type { Storage } from '../files/storage.ts'

/** What is kept of a container's log: containerLogMaxSize times containerLogMaxFiles. */
const mostOfLog = 5 * 10 * 1024 * 1024

export interface DiskUse {
  readonly containers: readonly { readonly name: string; readonly files: number; readonly log: number }[]
  readonly volumes: readonly { readonly name: string; readonly used: number; readonly isMemory: boolean }[]
}

export class PodDisk {
  readonly #clock: Clock
  readonly #exceeded: (message: string) => void
  readonly #limits: StorageLimits | undefined
  /** Of each container the one that runs now, or ran last. */
  readonly #files = new Map<string, Storage>()
  readonly #printed = new Map<string, number>()
  readonly #volumes = new Map<string, { readonly storage: Storage; readonly isMemory: boolean }>()
  #looking: Cancel | undefined

  constructor(pod: Frozen<Pod>, clock: Clock, exceeded: (message: string) => void) {
    this.#clock = clock
    this.#exceeded = exceeded
    this.#limits = storageLimitsOf(pod)
  }

  /** What a storage of this pod is to call when it grows; undefined: nobody asks. */
  get grown(): (() => void) | undefined {
    return this.#limits === undefined ? undefined : () => this.#look()
  }

  container(name: string, files: Storage): void {
    this.#files.set(name, files)
  }

  volume(name: string, storage: Storage, isMemory: boolean): void {
    this.#volumes.set(name, { storage, isMemory })
  }

  printed(container: string, bytes: number): void {
    this.#printed.set(container, (this.#printed.get(container) ?? 0) + bytes)
    if (this.#limits !== undefined) this.#look()
  }

  get use(): DiskUse {
    return {
      containers: [...this.#files].map(([name, { used }]) => ({ name, files: used, log: this.#logOf(name) })),
      volumes: [...this.#volumes].map(([name, { storage, isMemory }]) => ({ name, used: storage.used, isMemory })),
    }
  }

  forget(): void {
    this.#looking?.()
  }

  #look(): void {
    if (this.#looking !== undefined || this.#fault() === undefined) return
    const now = this.#clock.now()
    this.#looking = this.#clock.after(nextLook(now) - now, () => {
      this.#looking = undefined
      const fault = this.#fault()
      if (fault !== undefined) this.#exceeded(fault)
    })
  }

  #fault(): string | undefined {
    const use: StorageUse = {
      volume: name => this.#volumes.get(name)?.storage.used ?? 0,
      container: name => (this.#files.get(name)?.used ?? 0) + this.#logOf(name),
      get total() {
        return total()
      },
    }
    const total = () => {
      let sum = 0
      for (const name of this.#files.keys()) sum += use.container(name)
      for (const { storage, isMemory } of this.#volumes.values()) if (!isMemory) sum += storage.used
      return sum
    }
    return storageFault(this.#limits!, use)
  }

  #logOf(container: string): number {
    return Math.min(mostOfLog, this.#printed.get(container) ?? 0)
  }
}

// KeptStorages: the storages that outlive pods, each loaded when it is first asked for and saved when it has been quiet for a
// moment, and in the end. The volume manager opens and drops them. Saving takes the wall's time, not the cluster's.

import type { Cancel } from '../../../src/env/clock.ts'
import type { Env } from '../../../src/env/env.ts'
import { loadTree, savedTree } from '../files/saved-tree.ts'
import type { Storage } from '../files/storage.ts'
import type { VolumeData } from './volume-data.ts'

/** After a change; and as many times as long as saving took the last time, so that a busy volume costs a tenth of the time. */
const patience = 1000
const pauses = 10

interface Kept {
  readonly storage: Storage
  /** What is saved already. */
  saved: number
  cancel: Cancel
  saving: Promise<void>
}

export class KeptStorages {
  readonly #env: Env
  readonly #data: VolumeData | undefined
  readonly #open = new Map<string, Kept>()

  constructor(env: Env, data: VolumeData | undefined) {
    this.#env = env
    this.#data = data
  }

  /** `make`: an empty one. */
  open(key: string, make: () => Storage): Storage {
    const known = this.#open.get(key)
    if (known !== undefined) return known.storage
    const storage = this.#load(key, make)
    const kept = { storage, saved: storage.version, cancel: () => {}, saving: Promise.resolve() }
    this.#open.set(key, kept)
    if (this.#data !== undefined) this.#follow(key, kept, patience)
    return storage
  }

  /** What it held is gone for good. */
  async drop(key: string): Promise<void> {
    const kept = this.#open.get(key)
    this.#open.delete(key)
    kept?.cancel()
    await kept?.saving
    await this.#data?.remove(key)
  }

  /** Saves what is not saved; nothing is followed any more. */
  async close(): Promise<void> {
    for (const [key, kept] of this.#open) {
      kept.cancel()
      await kept.saving
      await this.#save(key, kept)
    }
    this.#open.clear()
  }

  #load(key: string, make: () => Storage): Storage {
    const storage = make()
    const bytes = this.#data?.load(key)
    if (bytes === undefined) return storage
    try {
      loadTree(storage, bytes)
      return storage
    } catch (error) {
      const file = this.#data!.setAside(key)
      this.#env.log.error({ volume: key, file, error }, 'what a volume held cannot be read: it begins empty')
      return make()
    }
  }

  /** Saves it after the next change, and so on; changes while it is saved are one. */
  #follow(key: string, kept: Kept, wait: number): void {
    const { wall } = this.#env
    const soon = (): void => {
      kept.cancel = wall.after(wait, () => {
        const began = wall.now()
        kept.saving = this.#save(key, kept).then(() => {
          if (this.#open.get(key) === kept) this.#follow(key, kept, patience + (wall.now() - began) * pauses)
        })
      })
    }
    if (kept.storage.version === kept.saved) kept.cancel = kept.storage.onChange(soon)
    else soon()
  }

  async #save(key: string, kept: Kept): Promise<void> {
    const { version } = kept.storage
    if (this.#data === undefined || version === kept.saved) return
    // Should it fail, the next change tries again.
    kept.saved = version
    try {
      await this.#data.save(key, savedTree(kept.storage))
    } catch (error) {
      this.#env.log.error({ volume: key, error }, 'what a volume holds could not be saved')
    }
  }
}

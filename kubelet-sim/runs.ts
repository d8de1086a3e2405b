// Runs: what really runs in containers, as the kubelet sees it. Light, and always there; the machine itself (machine/, with
// the shell and all tools) is loaded when the first container needs it. Other parts of the node that want to run something in
// a container (exec, attach, probes, hooks) ask for machines().

import type { Pod } from '../generated/types.ts'
import type { Frozen, Ref } from '../src/api/meta.ts'
import type { Client } from '../src/client/client.ts'
import type { Env } from '../src/env/env.ts'
import type { ImageBook } from './image-book.ts'
import type { Logs } from './logs.ts'
import type { MachineKey, Machines } from './machine/machines.ts'
import type { Network } from './network/network.ts'

export interface RunsNeeds {
  readonly env: Env
  readonly client: Client
  readonly images: ImageBook
  readonly logs: Logs
  readonly network: Network
  readonly allocatable: Readonly<Record<string, string>>
}

export class Runs {
  readonly #needs: RunsNeeds
  #machines: Promise<Machines> | undefined
  readonly #touches = new Map<string, Map<string, number>>()
  #listener: (pod: Ref) => void = () => {}

  constructor(needs: RunsNeeds) {
    this.#needs = needs
  }

  machines(): Promise<Machines> {
    this.#machines ??= this.#needs.env.activity.track(async () => {
      const { assembleMachines } = await import('./machine/assembly.ts')
      return assembleMachines({
        ...this.#needs,
        ended: key => this.#ended(key),
        touched: (key, pod) => this.#touch(key, pod),
      })
    })
    return this.#machines
  }

  /** How often programs of others, of exec say, have ended in a container: what was asked of it before may be another now. */
  touches(uid: string, container: string): number {
    return this.#touches.get(uid)?.get(container) ?? 0
  }

  onTouched(listener: (pod: Ref) => void): void {
    this.#listener = listener
  }

  /** The pod is gone. */
  forget(uid: string): void {
    this.#touches.delete(uid)
  }

  #touch({ uid, container }: MachineKey, pod: Frozen<Pod>): void {
    let counts = this.#touches.get(uid)
    if (counts === undefined) {
      counts = new Map()
      this.#touches.set(uid, counts)
    }
    counts.set(container, (counts.get(container) ?? 0) + 1)
    this.#listener(pod.metadata)
  }

  #ended(_key: MachineKey): void {}
}

// Runs: what really runs in containers, as the kubelet sees it. Light, and always there; the machine itself (machine/, with
// the shell and all tools) is loaded when the first container needs it. Other parts of the node that want to run something in
// a container (exec, attach, probes, hooks) ask for machines().

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

  constructor(needs: RunsNeeds) {
    this.#needs = needs
  }

  machines(): Promise<Machines> {
    this.#machines ??= this.#needs.env.activity.track(async () => {
      const { assembleMachines } = await import('./machine/assembly.ts')
      return assembleMachines({ ...this.#needs, ended: key => this.#ended(key) })
    })
    return this.#machines
  }

  #ended(_key: MachineKey): void {}
}

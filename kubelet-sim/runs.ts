// Runs: what really runs in containers, as the kubelet sees it. Light, and always there; the machine itself (machine/, with
// the shell and all tools) is loaded when the first container needs it. Other parts of the node that want to run something in
// a container (exec, attach, probes, hooks) ask for machines().
//
// Turns of a pod may be taken twice, so they begin nothing: follow() does, once a turn's status is written. It compares what
// runs with what the status says runs. Of what another process ran stages/rebooted.ts says that it has ended; where nobody asks
// for that, in a copy of a cluster, it begins anew, silently.

import type { Container, Pod } from '../generated/types.ts'
import type { Frozen, Ref } from '../src/api/meta.ts'
import type { Client } from '../src/client/client.ts'
import type { Millis } from '../src/env/clock.ts'
import type { Env } from '../src/env/env.ts'
import type { ImageBook } from './image-book.ts'
import type { Logs } from './logs.ts'
import type { ContainerMachine } from './machine/container-machine.ts'
import type { MachineKey, Machines } from './machine/machines.ts'
import type { DiskUse } from './machine/volumes/pod-disk.ts'
import type { VolumeData } from './machine/volumes/volume-data.ts'
import type { Network } from './network/network.ts'
import { type ContainerView, type PodView, startedAt } from './pod-view.ts'
import { isRunning } from './stopping.ts'

export interface RunsNeeds {
  readonly env: Env
  readonly client: Client
  readonly images: ImageBook
  readonly logs: Logs
  readonly network: Network
  readonly allocatable: Readonly<Record<string, string>>
  /** Where what outlives pods is kept. Default: in this process. */
  readonly volumeData?: VolumeData | undefined
  /** A pod has written more than it may. */
  storageExceeded?(pod: Ref & { readonly uid?: string | undefined }, message: string): void
}

/** How a container's process 1 ended. */
export interface RunEnd {
  readonly at: Millis
  readonly code: number
  /** Other than Completed and Error. */
  readonly reason?: string
  readonly message?: string
}

interface Run {
  readonly restart: number
  readonly pod: Ref
  end?: RunEnd
  machine?: ContainerMachine
  isTold?: boolean
  /** From then on the network knows no more that what listens there are its processes alone. */
  leave?: () => void
}

/** What is started has a number: how often the container had been restarted by then. */
export function runNumber({ status, run }: ContainerView): number {
  const hasEnded = (status.state?.terminated ?? status.lastState?.terminated) !== undefined
  const isNext = status.state?.running === undefined && run.postStart !== undefined && hasEnded
  return status.restartCount + (isNext ? 1 : 0)
}

export class Runs {
  readonly #needs: RunsNeeds
  #loading: Promise<Machines> | undefined
  #machines: Machines | undefined
  /** By pod uid, then container. */
  readonly #runs = new Map<string, Map<string, Run>>()
  #wake: (pod: Ref) => void = () => {}
  readonly #touches = new Map<string, Map<string, number>>()
  /** Who waits until a pod's turn is over. */
  readonly #waiting = new Map<string, (() => void)[]>()

  constructor(needs: RunsNeeds) {
    this.#needs = needs
  }

  machines(): Promise<Machines> {
    this.#loading ??= this.#needs.env.activity.track(async () => {
      const { assembleMachines } = await import('./machine/assembly.ts')
      this.#machines = assembleMachines({
        ...this.#needs,
        ended: (key, code, isOutOfMemory) => this.#ended(key, code, isOutOfMemory),
        touched: (key, pod) => this.#touch(key, pod),
      })
      return this.#machines
    })
    return this.#loading
  }

  /** Why a path of a node cannot be mounted as a volume of that type (machine/volumes/node-disk.ts). */
  readonly hostPathFault = async (node: string, path: string, type: string): Promise<string | undefined> =>
    (await this.machines()).hostPathFault(node, path, type)

  /** What a volume held is gone for good. */
  async dropVolume(key: string): Promise<void> {
    if (this.#loading === undefined) await this.#needs.volumeData?.remove(key)
    else await (await this.#loading).dropVolume(key)
  }

  /** Where something outlives this process: all that runs ends, and it is saved. */
  async close(): Promise<void> {
    if (this.#needs.volumeData !== undefined) await (await this.#loading)?.close()
  }

  /** What a container's programs will find in their environment, but for what their image says. */
  readonly environmentOf = async (
    pod: Frozen<Pod>,
    container: Frozen<Container>,
  ): Promise<ReadonlyMap<string, string>> => (await this.machines()).environmentOf(pod, container)

  /** How often programs of others, of exec say, have ended in a container: what was asked of it before may be another now. */
  touches(uid: string, container: string): number {
    return this.#touches.get(uid)?.get(container) ?? 0
  }

  /** When the kubelets of this process began to work: what really ran before has left nothing but its status. */
  begunAt: Millis | undefined

  /** Whom to tell when something of that has happened, or a container's process 1 has ended. */
  onNews(wake: (pod: Ref) => void): void {
    this.#wake = wake
  }

  endOf(uid: string, container: string, restart: number): RunEnd | undefined {
    const run = this.#runs.get(uid)?.get(container)
    return run?.restart === restart ? run.end : undefined
  }

  /** Its machine, where one was made. */
  machineOf(uid: string, container: string): ContainerMachine | undefined {
    return this.#machines?.made(uid, container)
  }

  /** What a pod has written on its node's disk, where a machine was made for any of it. */
  diskUse(uid: string): DiskUse | undefined {
    return this.#machines?.diskUse(uid)
  }

  /** Whether its own command runs. */
  isRunning(uid: string, container: string): boolean {
    const run = this.#runs.get(uid)?.get(container)
    return run !== undefined && run.end === undefined
  }

  /** Resolves when the turn that the pod is in is over: what it begins has been begun, and is not taken for a container that only waits. */
  turnOf({ metadata: { uid = '' } }: Frozen<Pod>): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.set(uid, [...(this.#waiting.get(uid) ?? []), resolve])
    })
  }

  /** A turn's status is written: starts what runs by it, tells to stop what is told to, ends what does not run any more. */
  follow(pod: Frozen<Pod>, view: PodView): void {
    const uid = pod.metadata.uid ?? ''
    for (const container of view.containers) {
      const { name } = container.spec
      const known = this.#runs.get(uid)?.get(name)
      if (!isRunning(container)) {
        known?.leave?.()
        if (known !== undefined) this.#runs.get(uid)!.delete(name)
        this.#machines?.forget(uid, name)
        continue
      }
      const restart = runNumber(container)
      const run =
        known?.restart === restart ? known : container.isRun ? this.#begin(pod, container, restart) : undefined
      if (container.run.stop?.term !== undefined && !run?.isTold) this.#tell(uid, name, run)
      if (container.run.isResized) this.#resize(uid, container)
    }
    this.#turned(uid)
  }

  /** The pod is gone. */
  forget(uid: string): void {
    for (const run of this.#runs.get(uid)?.values() ?? []) run.leave?.()
    this.#runs.delete(uid)
    this.#touches.delete(uid)
    this.#turned(uid)
    this.#machines?.forget(uid)
  }

  #turned(uid: string): void {
    const waiting = this.#waiting.get(uid) ?? []
    this.#waiting.delete(uid)
    for (const tell of waiting) tell()
  }

  #touch({ uid, container }: MachineKey, pod: Frozen<Pod>): void {
    let counts = this.#touches.get(uid)
    if (counts === undefined) {
      counts = new Map()
      this.#touches.set(uid, counts)
    }
    counts.set(container, (counts.get(container) ?? 0) + 1)
    this.#wake(pod.metadata)
  }

  #begin(pod: Frozen<Pod>, view: ContainerView, restart: number): Run {
    const { uid = '', name, namespace } = pod.metadata
    const run: Run = { restart, pod: { name, namespace } }
    let runs = this.#runs.get(uid)
    if (runs === undefined) {
      runs = new Map()
      this.#runs.set(uid, runs)
    }
    runs.get(view.spec.name)?.leave?.()
    // Unless somebody said what it answers, all that it listens on is its programs'.
    if (!isToldAnyway(pod)) run.leave = this.#needs.network.runs(uid, view.spec.name)
    runs.set(view.spec.name, run)
    void this.#needs.env.activity.track(() => this.#start(pod, view.spec.name, run, startedAt(view)))
    return run
  }

  async #start(pod: Frozen<Pod>, container: string, run: Run, at: Millis): Promise<void> {
    const { uid = '' } = pod.metadata
    const machines = await this.machines()
    if (this.#runs.get(uid)?.get(container) !== run) return
    try {
      run.machine = await machines.begin(pod, container, run.restart, at)
      if (run.isTold) this.#signal(run.machine)
    } catch (error) {
      const why = error instanceof Error ? error : new Error(String(error))
      if (why.name !== 'NotStarted') {
        this.#needs.env.log.error(
          { pod: `${run.pod.namespace}/${run.pod.name}`, error },
          'a container could not be started',
        )
      }
      this.#over(uid, container, run, { at: this.#needs.env.clock.now(), code: 128, ...startFault(why.message) })
    }
  }

  #resize(uid: string, { spec, run, status }: ContainerView): void {
    delete run.isResized
    void this.#machines?.resize(uid, spec.name, status.resources)
  }

  #tell(uid: string, container: string, run: Run | undefined): void {
    if (run === undefined) return
    run.isTold = true
    const machine = run.machine ?? this.#machines?.made(uid, container, run.restart)
    if (machine !== undefined) this.#signal(machine)
  }

  #signal(machine: ContainerMachine): void {
    machine.first?.kill(machine.stopSignal)
  }

  #ended({ uid, container, restart }: MachineKey, code: number, isOutOfMemory: boolean): void {
    let runs = this.#runs.get(uid)
    const known = runs?.get(container)
    const end = { at: this.#needs.env.clock.now(), code, ...(isOutOfMemory ? { reason: 'OOMKilled' } : {}) }
    if (known?.restart === restart) {
      this.#over(uid, container, known, end)
      return
    }
    // Of a container that is only told of, somebody in there has ended process 1.
    const pod = this.#machines?.podOf(uid, container)
    if (known !== undefined || pod === undefined) return
    if (runs === undefined) {
      runs = new Map()
      this.#runs.set(uid, runs)
    }
    const run: Run = { restart, pod }
    runs.set(container, run)
    this.#over(uid, container, run, end)
  }

  #over(uid: string, container: string, run: Run, end: RunEnd): void {
    if (run.end !== undefined || this.#runs.get(uid)?.get(container) !== run) return
    run.end = end
    this.#wake(run.pod)
  }
}

function isToldAnyway({ metadata: { annotations } }: Frozen<Pod>): boolean {
  return annotations?.['kubesim.dev/port'] !== undefined || annotations?.['kubesim.dev/body'] !== undefined
}

/** In the words of containerd and runc; the status has exit code 128 and this reason. */
function startFault(message: string): { readonly reason: string; readonly message: string } {
  const runc = `OCI runtime create failed: runc create failed: unable to start container process: error during container init: ${message}`
  return {
    reason: 'StartError',
    message: `failed to create containerd task: failed to create shim task: ${runc}: unknown`,
  }
}

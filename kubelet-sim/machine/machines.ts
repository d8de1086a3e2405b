// Machines: finds the machine of a container, or makes it when something is first to run in it: its own command, exec, attach,
// a probe, a hook. Of a container that is only told of (images.ts) there is none until then, and its process 1 is one that
// waits. Loaded with the whole room by runs.ts, when the first container needs it.

import type { Container, Pod, ResourceRequirements } from '../../generated/types.ts'
import type { Frozen, Ref } from '../../src/api/meta.ts'
import { parseTime } from '../../src/api/time.ts'
import type { Client } from '../../src/client/client.ts'
import type { Env } from '../../src/env/env.ts'
import { shellNames, toolNames } from '../command-names.ts'
import { userOf } from '../container-user.ts'
import type { ImageBook } from '../image-book.ts'
import { argvOf, behaviourOf, type Image, substitute } from '../images.ts'
import { hostNameOf } from '../network/resolver.ts'
import { ContainerMachine, defaultPath } from './container-machine.ts'
import { type EnvironmentNeeds, environmentOf } from './environment.ts'
import type { FileSystem } from './file-system.ts'
import { Kernel } from './kernel.ts'
import { noSockets } from './no-sockets.ts'
import type { Outlet } from './outlet.ts'
import { type MachineFacts, type Program, type Signal, signalNumbers, type User } from './process.ts'
import { capabilitiesOf } from './rights.ts'
import { sharesOf } from './shares.ts'
import type { Sockets } from './sockets.ts'
import type { DiskUse } from './volumes/pod-disk.ts'
import { Waiters } from './waiters.ts'

export interface MachinesNeeds extends EnvironmentNeeds {
  readonly env: Env
  readonly client: Client
  readonly images: ImageBook
  /** The files of a container, with its volumes. */
  filesOf(wanted: Wanted): Promise<FileSystem> | FileSystem
  /** Called once its processes can be asked about: /proc. */
  mountProc?(files: FileSystem, machine: ContainerMachine, wanted: Wanted): void
  /** Why a path of a node cannot be mounted as a volume of that type. */
  hostPathFault?(node: string, path: string, type: string): string | undefined
  /** What a pod takes of its node's disk. */
  diskUse?(uid: string): DiskUse | undefined
  /** Nothing of the pod is needed any more. */
  podGone?(uid: string): void
  /** Nothing runs any more: what outlives this process is saved. */
  closeVolumes?(): Promise<void>
  dropVolume?(key: string): Promise<void>
  socketsOf?: ((wanted: Wanted, files: FileSystem) => Sockets) | undefined
  /** What a program's file names: tools, the shell, those of images. */
  program(name: string): Program | undefined
  /** What a command does that nobody has written; undefined: it is not found. */
  stranger?: ((wanted: Wanted, argv: readonly string[], isThere: boolean) => Program | undefined) | undefined
  /** Where what a container's own command prints goes. */
  logOf(key: MachineKey, stream: 'stdout' | 'stderr'): Outlet
  /** A program that somebody started in it has ended, one of exec say: its files need not be as they were. */
  touched?: ((key: MachineKey, pod: Frozen<Pod>) => void) | undefined
  /** A container's process 1 has ended, by itself or because somebody inside ended it. */
  ended(key: MachineKey, code: number, isOutOfMemory: boolean): void
}

export interface MachineKey {
  readonly uid: string
  readonly container: string
  readonly restart: number
}

export interface Wanted {
  readonly pod: Frozen<Pod>
  readonly container: Frozen<Container>
  readonly restart: number
  readonly image: Image | undefined
  /** To the millisecond. */
  readonly startedAt: number
  readonly env: ReadonlyMap<string, string>
}

/** How long what runs may take to end when this process does. */
const moment = 2000

interface Kept {
  readonly restart: number
  readonly pod: Ref
  readonly machine: Promise<ContainerMachine>
  made?: ContainerMachine
}

export class Machines {
  readonly #needs: MachinesNeeds
  readonly #kernel: Kernel
  /** By pod uid, then container. */
  readonly #kept = new Map<string, Map<string, Kept>>()

  constructor(needs: MachinesNeeds) {
    this.#needs = needs
    this.#kernel = new Kernel(needs.env)
  }

  get kernel(): Kernel {
    return this.#kernel
  }

  /** What a pod takes of its node's disk, in bytes; undefined: nothing of it is in use. */
  diskUse(uid: string): DiskUse | undefined {
    return this.#needs.diskUse?.(uid)
  }

  hostPathFault(node: string, path: string, type: string): string | undefined {
    return this.#needs.hostPathFault?.(node, path, type)
  }

  /** What a volume held is gone for good. */
  async dropVolume(key: string): Promise<void> {
    await this.#needs.dropVolume?.(key)
  }

  /** As when machines are switched off: what runs is told, has a moment to end, and its volumes are saved. */
  async close(): Promise<void> {
    const { wall } = this.#needs.env
    const running = [...this.#kept.values()].flatMap(all => [...all.values()]).flatMap(({ made }) => made ?? [])
    const ends = running.map(async ({ first, stopSignal }) => {
      if (!first?.heeds(stopSignal)) return
      first.kill(stopSignal)
      await first.exited
    })
    await Promise.race([Promise.all(ends), wall.sleep(moment)])
    for (const uid of [...this.#kept.keys()]) this.forget(uid)
    await this.#needs.closeVolumes?.()
  }

  environmentOf(pod: Frozen<Pod>, container: Frozen<Container>): Promise<ReadonlyMap<string, string>> {
    return environmentOf(pod, container, this.#needs)
  }

  /** The machine of a container that runs now; made when there is none. */
  of(pod: Frozen<Pod>, container: string): Promise<ContainerMachine> {
    const { restart, startedAt } = runOf(pod, container)
    // Who asks, a probe say, may come before its start does.
    const isMade = this.made(pod.metadata.uid ?? '', container, restart) !== undefined
    if (!isMade && this.#isRun(pod, container)) return this.begin(pod, container, restart, startedAt)
    return this.#find(pod, container, restart, startedAt, machine => {
      const { spec, made, env } = machine
      const argv = commandOf(spec, this.#needs.images, env)
      const key = { uid: pod.metadata.uid ?? '', container, restart }
      made.start({
        argv: argv.length > 0 ? argv : [spec.name],
        program: waiting(isBare(argv) ? undefined : (this.#needs.images.find(spec.image ?? '')?.onTerm ?? 143)),
        stdout: this.#needs.logOf(key, 'stdout'),
        stderr: this.#needs.logOf(key, 'stderr'),
      })
    })
  }

  #isRun(pod: Frozen<Pod>, name: string): boolean {
    const spec = containerOf(pod, name)
    const image = this.#needs.images.find(spec.image ?? '')
    return behaviourOf(spec, image, pod.metadata.annotations ?? {}, pod.metadata.name).isRun
  }

  podOf(uid: string, container: string): Ref | undefined {
    return this.#kept.get(uid)?.get(container)?.pod
  }

  /** Only where it was made already. */
  made(uid: string, container: string, restart?: number): ContainerMachine | undefined {
    const kept = this.#kept.get(uid)?.get(container)
    return restart === undefined || kept?.restart === restart ? kept?.made : undefined
  }

  /** What its pod's resize has given a container that runs. */
  resize(uid: string, container: string, resources: Frozen<ResourceRequirements> | undefined): void {
    this.made(uid, container)?.resize(sharesOf(resources))
  }

  /** A container starts, and its command is really run. Rejects with NotStarted when it cannot be. */
  begin(pod: Frozen<Pod>, container: string, restart: number, now: number): Promise<ContainerMachine> {
    return this.#find(pod, container, restart, now, ({ made, spec, env }) => {
      const key = { uid: pod.metadata.uid ?? '', container, restart }
      made.start({
        argv: commandOf(spec, this.#needs.images, env),
        stdin: spec.stdin,
        terminal: spec.tty ? { columns: 80, rows: 24 } : undefined,
        stdout: this.#needs.logOf(key, 'stdout'),
        stderr: this.#needs.logOf(key, 'stderr'),
      })
    })
  }

  /** The container has ended, or its pod is gone: all that runs in it ends at once. */
  forget(uid: string, container?: string, restart?: number): void {
    if (container === undefined) this.#needs.podGone?.(uid)
    const all = this.#kept.get(uid)
    if (all === undefined) return
    for (const [name, kept] of [...all]) {
      if (container !== undefined && name !== container) continue
      if (restart !== undefined && kept.restart !== restart) continue
      all.delete(name)
      if (kept.made) this.#destroy(kept.made)
      else kept.machine.then(machine => this.#destroy(machine)).catch(() => {})
    }
    if (all.size === 0) this.#kept.delete(uid)
  }

  #destroy(machine: ContainerMachine): void {
    machine.onEnd = undefined
    machine.onTouched = undefined
    machine.destroy()
  }

  #find(
    pod: Frozen<Pod>,
    container: string,
    restart: number,
    startedAt: number,
    begin: (made: { made: ContainerMachine; spec: Frozen<Container>; env: ReadonlyMap<string, string> }) => void,
  ): Promise<ContainerMachine> {
    const uid = pod.metadata.uid ?? ''
    const kept = this.#kept.get(uid)?.get(container)
    // What is begun may be ahead of a status that was read before.
    if (kept !== undefined && kept.restart >= restart) return kept.machine
    if (kept !== undefined) this.forget(uid, container)
    const { name, namespace } = pod.metadata
    const own: Kept = {
      restart,
      pod: { name, namespace },
      machine: this.#needs.env.activity.track(async () => {
        const made = await this.#make(pod, container, restart, startedAt)
        own.made = made.made
        begin(made)
        return made.made
      }),
    }
    let all = this.#kept.get(uid)
    if (all === undefined) {
      all = new Map()
      this.#kept.set(uid, all)
    }
    all.set(container, own)
    own.machine.catch(() => {
      if (this.#kept.get(uid)?.get(container) === own) this.forget(uid, container)
    })
    return own.machine
  }

  async #make(pod: Frozen<Pod>, name: string, restart: number, startedAt: number) {
    const needs = this.#needs
    const spec = containerOf(pod, name)
    const image = needs.images.find(spec.image ?? '')
    const facts = factsOf(pod, spec, startedAt)
    const env = new Map<string, string>([
      ['PATH', defaultPath],
      ['HOSTNAME', facts.hostname],
    ])
    for (const [key, value] of Object.entries(image?.env ?? {})) env.set(key, value)
    for (const [key, value] of await environmentOf(pod, spec, needs)) env.set(key, value)
    const wanted: Wanted = { pod, container: spec, restart, image, startedAt, env }
    const files = await needs.filesOf(wanted)
    const user = userOf(pod, spec, image)
    if (!env.has('HOME')) env.set('HOME', homeOf(files, user))
    const made = new ContainerMachine({
      kernel: this.#kernel,
      facts,
      files: files.as(user),
      sockets: needs.socketsOf?.(wanted, files) ?? noSockets,
      random: needs.env.random.fork(`machine/${pod.metadata.uid}/${name}/${restart}`),
      program: name => needs.program(name),
      ...(needs.stranger
        ? { stranger: (argv: readonly string[], isThere: boolean) => needs.stranger!(wanted, argv, isThere) }
        : {}),
      env,
      cwd: spec.workingDir ?? image?.workdir ?? '/',
      stopSignal: stopSignalOf(spec, image),
      user,
      faulted: (argv, error) =>
        needs.env.log.error({ pod: `${facts.namespace}/${facts.pod}`, argv, error }, 'a simulated program failed'),
    })
    made.onEnd = code =>
      needs.ended({ uid: pod.metadata.uid ?? '', container: name, restart }, code, made.isOutOfMemory)
    made.onTouched = () => needs.touched?.({ uid: pod.metadata.uid ?? '', container: name, restart }, pod)
    needs.mountProc?.(files, made, wanted)
    return { made, spec, env }
  }
}

function commandOf(spec: Frozen<Container>, images: ImageBook, env: ReadonlyMap<string, string>): readonly string[] {
  const values: Record<string, string> = Object.assign(Object.create(null), Object.fromEntries(env))
  return argvOf(spec, images.find(spec.image ?? '')).map(word => substitute(word, values))
}

function containerOf({ spec }: Frozen<Pod>, name: string): Frozen<Container> {
  const all: readonly Frozen<Container>[] = [
    ...spec.containers,
    ...(spec.initContainers ?? []),
    ...((spec.ephemeralContainers ?? []) as readonly Frozen<Container>[]),
  ]
  const found = all.find(container => container.name === name)
  if (found === undefined) throw new Error(`there is no container ${name}`)
  return found
}

function runOf({ status }: Frozen<Pod>, name: string): { restart: number; startedAt: number } {
  for (const list of [status.containerStatuses, status.initContainerStatuses, status.ephemeralContainerStatuses]) {
    const own = list?.find(each => each.name === name)
    if (own !== undefined) {
      return {
        restart: own.restartCount,
        startedAt: parseTime(own.state?.running?.startedAt ?? status.startTime ?? ''),
      }
    }
  }
  return { restart: 0, startedAt: 0 }
}

function stopSignalOf({ lifecycle }: Frozen<Container>, image: Image | undefined): Signal {
  const named = lifecycle?.stopSignal?.replace(/^SIG/, '')
  if (named !== undefined && named in signalNumbers) return named as Signal
  return image?.stopSignal ?? 'TERM'
}

function factsOf(pod: Frozen<Pod>, spec: Frozen<Container>, startedAt: number): MachineFacts {
  const { metadata, status } = pod
  const named = hostNameOf(pod)
  const hostname = pod.spec.hostNetwork ? (pod.spec.nodeName ?? '') : named.hostname
  const domainname = named.domain
  return {
    hostname: pod.spec.setHostnameAsFQDN && domainname ? `${hostname}.${domainname}` : hostname,
    domainname,
    image: spec.image ?? '',
    node: pod.spec.nodeName ?? '',
    namespace: metadata.namespace ?? '',
    pod: metadata.name,
    container: spec.name,
    podIPs: (status.podIPs ?? []).map(({ ip }) => ip),
    limits: sharesOf(spec.resources),
    capabilities: capabilitiesOf(spec),
    noNewPrivileges: spec.securityContext?.allowPrivilegeEscalation === false,
    startedAt,
  }
}

function homeOf(files: FileSystem, { uid }: User): string {
  if (!files.exists('/etc/passwd')) return '/'
  for (const line of files.readText('/etc/passwd').split('\n')) {
    const fields = line.split(':')
    if (fields[2] === String(uid)) return fields[5] ?? '/'
  }
  return '/'
}

/** A shell or a tool has no handler for SIGTERM. */
function isBare(argv: readonly string[]): boolean {
  const name = argv[0]?.slice(argv[0].lastIndexOf('/') + 1) ?? ''
  return shellNames.has(name) || toolNames.has(name)
}

/** Process 1 of a container that is only told of: it waits. Without a code it ignores SIGTERM, as process 1 does by itself. */
function waiting(onTerm: number | undefined): Program {
  return function* (process) {
    const told = new Waiters()
    let isTold = false
    if (onTerm === undefined) {
      yield* process.sleep(Number.POSITIVE_INFINITY)
      return 0
    }
    process.onSignal('TERM', () => {
      isTold = true
      told.tell()
    })
    const end = told.until(() => isTold)
    while (!isTold) yield end
    return onTerm
  }
}

// ContainerMachine: a container's processes, and what they see of it. Made by machines.ts; the first process started is its
// process 1, and when that ends all others are killed. Exec, attach and probes start more. A loop without end is throttled: it
// may take a burst of steps, and from then on some for each millisecond of the cluster's time.

import type { Cancel, Clock } from '../../src/env/clock.ts'
import type { Random } from '../../src/env/random.ts'
import type { FileSystem } from './file-system.ts'
import { programIn } from './files/layer.ts'
import type { Kernel, Runnable } from './kernel.ts'
import { NotStarted } from './not-started.ts'
import { nothing } from './open-stream.ts'
import { type Outlet, outletStream } from './outlet.ts'
import { Pipe } from './pipe.ts'
import type { Child, Machine, MachineFacts, ProcessFacts, Program, Signal, Spawn, Stream, User } from './process.ts'
import { type Found, raised } from './rights.ts'
import type { Shares } from './shares.ts'
import type { Sockets } from './sockets.ts'
import { SystemError } from './system-error.ts'
import { Task } from './task.ts'
import { TerminalDevice } from './terminal.ts'

/** At one moment of the cluster's time. */
const stepsInMoment = 10_000
const burst = 300_000
const stepsInMilli = 3
const throttledFor = 500
const mostProcesses = 1024

export interface MachineParts {
  readonly kernel: Kernel
  readonly facts: MachineFacts
  readonly files: FileSystem
  readonly sockets: Sockets
  readonly random: Random
  /** The program of a name, as programs' files carry it. */
  program(name: string): Program | undefined
  /**
   * What a command does that nobody has written: one that is not among the image's files, or is (`isThere`) but has no
   * program; undefined: it is not found.
   */
  stranger?(argv: readonly string[], isThere: boolean): Program | undefined
  /** What every process begins with. */
  readonly env: ReadonlyMap<string, string>
  readonly cwd: string
  readonly user: User
  /** What process 1 is told to stop with. */
  readonly stopSignal?: Signal | undefined
  /** A program threw what no program should. */
  faulted?(argv: readonly string[], error: unknown): void
}

export interface Start {
  readonly argv: readonly string[]
  /** Instead of what the path holds. */
  readonly program?: Program | undefined
  /** Added to what every process of the container begins with. */
  readonly env?: ReadonlyMap<string, string> | undefined
  readonly cwd?: string | undefined
  readonly user?: User | undefined
  /** Something may be written to it; without, its input has ended from the first. */
  readonly stdin?: boolean | undefined
  /** With a terminal all it prints goes to `stdout`. */
  readonly terminal?: { readonly columns: number; readonly rows: number } | undefined
  readonly stdout: Outlet
  readonly stderr: Outlet
  /** Called with its exit code. */
  ended?(code: number): void
  /** Who looks on its behalf changes nothing: a probe. */
  readonly isQuiet?: boolean | undefined
}

export interface Attached {
  readonly stdout: Outlet
  readonly stderr: Outlet
}

/** A program that was started from outside. */
export interface Running {
  readonly pid: number
  readonly exitCode: number | undefined
  readonly exited: Promise<number>
  /** Bytes for its standard input. */
  input(bytes: Uint8Array): void
  /** Whether its input is read as fast as it comes; who sends much waits for it. */
  readonly hasRoom: boolean
  onRoom(wake: () => void): Cancel
  inputEnded(): void
  resize(columns: number, rows: number): void
  kill(signal: Signal): void
  /** Whether something happens when it is told so. */
  heeds(signal: Signal): boolean
}

export class ContainerMachine implements Machine, Runnable {
  readonly kernel: Kernel
  readonly facts: MachineFacts
  readonly files: FileSystem
  readonly sockets: Sockets
  readonly random: Random
  readonly #parts: MachineParts
  #limits: Shares
  readonly #tasks = new Map<number, Task>()
  readonly #ready = new Set<Task>()
  #lastPid = 0
  #isRunning = false
  #tokens = burst
  #filledAt: number
  #moment = 0
  #stepsNow = 0
  #pausedUntil = 0
  #allocated = 0
  #usage: { memory?: number; cpu?: number } = {}
  #hasEnded = false
  /** Where commands were found, by PATH and name, while the files have that version. */
  readonly #places = new Map<string, string>()
  /** What was found there, by whom and path. */
  readonly #loaded = new Map<string, Found>()
  #placesVersion = -1
  #first: Running | undefined
  /** Who sees what process 1 prints, beside its log. */
  readonly #attached = new Set<Attached>()
  /** The kernel killed it for its memory. */
  isOutOfMemory = false
  /** Called when process 1 has ended. */
  onEnd: ((code: number) => void) | undefined
  /** Called when a program that was started from outside has ended: nothing need be as it was. */
  onTouched: (() => void) | undefined
  /** Called when a behaviour says what it takes now. */
  onUse: (() => void) | undefined

  constructor(parts: MachineParts) {
    this.#parts = parts
    this.kernel = parts.kernel
    this.facts = parts.facts
    this.#limits = parts.facts.limits
    this.files = parts.files
    this.sockets = parts.sockets
    this.random = parts.random
    this.#filledAt = this.clock.now()
  }

  get clock(): Clock {
    return this.kernel.env.clock
  }

  get hostname(): string {
    return this.facts.hostname
  }
  get domainname(): string {
    return this.facts.domainname
  }
  get image(): string {
    return this.facts.image
  }
  get node(): string {
    return this.facts.node
  }
  get namespace(): string {
    return this.facts.namespace
  }
  get pod(): string {
    return this.facts.pod
  }
  get container(): string {
    return this.facts.container
  }
  get podIPs(): readonly string[] {
    return this.facts.podIPs
  }
  get limits(): Shares {
    return this.#limits
  }
  get capabilities(): ReadonlySet<string> {
    return this.facts.capabilities
  }
  get noNewPrivileges(): boolean {
    return this.facts.noNewPrivileges
  }
  get startedAt(): number {
    return this.facts.startedAt
  }
  get stopSignal(): Signal {
    return this.#parts.stopSignal ?? 'TERM'
  }
  get hasEnded(): boolean {
    return this.#hasEnded
  }
  /** What every process of it begins with. */
  get env(): ReadonlyMap<string, string> {
    return this.#parts.env
  }

  /** The pod was resized. */
  resize(limits: Shares): void {
    this.#limits = limits
  }

  /** Starts a program from outside. Throws NotStarted. */
  start(start: Start): Running {
    const user = start.user ?? this.#parts.user
    const env = start.env === undefined ? this.#parts.env : new Map([...this.#parts.env, ...start.env])
    const cwd = start.cwd ?? this.#parts.cwd
    if (this.#hasEnded) throw new NotStarted('cannot exec in a stopped container', 126)
    const found: Found = start.program
      ? { ...start, program: start.program }
      : this.#firstOf(start.argv, env, user, cwd)
    const pid = ++this.#lastPid
    const stdout = pid === 1 ? this.#seenByAll(start.stdout, 'stdout') : start.stdout
    const stderr = pid === 1 ? this.#seenByAll(start.stderr, 'stderr') : start.stderr
    let terminal: TerminalDevice | undefined
    let input: Pipe | undefined
    let streams: [Stream, Stream, Stream]
    if (start.terminal === undefined) {
      input = start.stdin ? new Pipe() : undefined
      streams = [input?.readEnd ?? nothing(), outletStream(stdout), outletStream(stderr)]
    } else {
      terminal = new TerminalDevice(stdout, (group, signal) => this.#signalGroup(group, signal), start.terminal)
      streams = [terminal.stream(), terminal.stream(), terminal.stream()]
    }
    const task = new Task(this, {
      pid,
      parent: 0,
      group: pid,
      argv: found.argv,
      program: found.program,
      env,
      cwd,
      umask: 0o022,
      user: raised(user, found),
      descriptors: new Map(streams.entries()),
      ignores: [],
    })
    if (terminal) terminal.foreground = pid
    this.#tasks.set(pid, task)
    this.ready(task)
    let isInputOpen = true
    const running: Running = {
      pid,
      get exitCode() {
        return task.exitCode
      },
      exited: new Promise(resolve => {
        task.ended.park(() => {
          start.ended?.(task.exitCode!)
          resolve(task.exitCode!)
          if (!start.isQuiet) this.onTouched?.()
        })
      }),
      input: bytes => (terminal ? terminal.input(bytes) : isInputOpen && input?.push(bytes)),
      get hasRoom() {
        return input?.hasRoom ?? true
      },
      onRoom: wake => input?.room.park(wake) ?? (() => {}),
      inputEnded() {
        terminal?.hangUp()
        if (isInputOpen) input?.writeEnd.close()
        isInputOpen = false
      },
      resize: (columns, rows) => terminal?.resize(columns, rows),
      kill: signal => task.take(signal, true),
      heeds: signal => task.heeds(signal),
    }
    this.#first ??= running
    return running
  }

  /** Process 1, with its input, for whoever attaches; undefined before it was started. */
  get first(): Running | undefined {
    return this.#first
  }

  /** From now on what process 1 prints is seen here too. With a terminal all of it is `stdout`. */
  attach(attached: Attached): Cancel {
    this.#attached.add(attached)
    return () => void this.#attached.delete(attached)
  }

  spawn(parent: Task, start: Spawn): Child {
    if (this.#tasks.size >= mostProcesses) throw new SystemError('EAGAIN')
    const env = parent.handedOn(start.env)
    const cwd = start.cwd ?? parent.cwd
    const user = start.user ?? parent.user
    const found: Found =
      start.program === undefined
        ? this.find(start.argv, env, user, user === parent.user ? parent.files : this.filesFor(user), cwd)
        : { program: start.program, argv: start.argv }
    const pid = ++this.#lastPid
    const task = new Task(this, {
      pid,
      parent: parent.pid,
      group: start.group === 0 ? pid : (start.group ?? parent.group),
      argv: found.argv,
      program: found.program,
      env,
      cwd,
      umask: parent.umask,
      user: raised(user, found),
      descriptors: start.descriptors ?? sharedDescriptors(parent.descriptors),
      ignores: start.ignores ? [...parent.ignored, ...start.ignores] : parent.ignored,
    })
    this.#tasks.set(pid, task)
    this.ready(task)
    return task
  }

  /** The program of a command: a path, or a name along PATH. Throws a SystemError as execve and execvp would. */
  find(argv: readonly string[], env: ReadonlyMap<string, string>, user: User, files: FileSystem, cwd: string): Found {
    const name = argv[0] ?? ''
    const path = this.whereIs(name, env, files, cwd)
    if (path === undefined) {
      const stranger = this.#parts.stranger?.(argv, false)
      if (stranger !== undefined) return { program: stranger, argv }
      throw new SystemError('ENOENT')
    }
    const known = this.#loaded.get(`${user.uid}:${user.gid}:${path}`)
    if (known !== undefined && files.version === this.#placesVersion) return { ...known, argv }
    const found = this.#load(path, argv, files, 0)
    if (found.isOwn && files.version === this.#placesVersion) this.#loaded.set(`${user.uid}:${user.gid}:${path}`, found)
    return found
  }

  /** Where a command's file is. */
  whereIs(name: string, env: ReadonlyMap<string, string>, files: FileSystem, cwd: string): string | undefined {
    if (name === '') return undefined
    if (name.includes('/')) {
      const path = name.startsWith('/') ? name : `${cwd === '/' ? '' : cwd}/${name}`
      return files.exists(path) ? path : undefined
    }
    const folders = env.get('PATH') ?? defaultPath
    // As long as no file changed a command is where it was.
    const { version } = files
    const isKept = version === this.#placesVersion
    const key = `${folders}\0${name}`
    const known = isKept ? this.#places.get(key) : undefined
    if (known !== undefined) return known
    for (const folder of folders.split(':')) {
      const path = `${folder === '' ? cwd : folder}/${name}`
      if (!files.exists(path) || files.stat(path).kind !== 'file' || !files.access(path, 'execute')) continue
      if (folder !== '') {
        if (!isKept) {
          this.#places.clear()
          this.#loaded.clear()
        }
        this.#placesVersion = version
        this.#places.set(key, path)
      }
      return path
    }
    return undefined
  }

  ready(task: Task): void {
    if (this.#hasEnded) return
    this.#ready.add(task)
    if (!this.#isRunning && this.clock.now() >= this.#pausedUntil) this.kernel.ready(this)
  }

  run(budget: number): number {
    const now = this.clock.now()
    if (now !== this.#moment) {
      this.#moment = now
      this.#stepsNow = 0
      this.#tokens = Math.min(burst, this.#tokens + (now - this.#filledAt) * stepsInMilli)
      this.#filledAt = now
    }
    this.#isRunning = true
    let used = 0
    for (const task of this.#ready) {
      if (used >= budget) break
      this.#ready.delete(task)
      used += task.run(budget - used)
    }
    this.#isRunning = false
    this.#stepsNow += used
    this.#tokens -= used
    return used
  }

  get nextTurn(): number | undefined {
    if (this.#ready.size === 0) return undefined
    const now = this.clock.now()
    const pause = this.#tokens <= 0 ? throttledFor : this.#stepsNow >= stepsInMoment ? 1 : 0
    if (pause > 0) this.#pausedUntil = now + pause
    return now + pause
  }

  /** As seen by another process, or (without one) from outside, by the kubelet. false: there is none. */
  kill(pid: number, signal: Signal, from?: Task): boolean {
    const group = pid < -1 ? -pid : pid === 0 ? from?.group : undefined
    let found = false
    for (const task of [...this.#tasks.values()]) {
      const isMeant =
        group === undefined ? pid === task.pid || (pid === -1 && task.pid !== 1 && task !== from) : task.group === group
      if (!isMeant || task.exitCode !== undefined) continue
      found = true
      task.take(signal, from === undefined)
    }
    return found
  }

  /** What the keys of a terminal send; -1 would mean all there are. */
  #signalGroup(group: number, signal: Signal): void {
    for (const task of [...this.#tasks.values()]) if (task.group === group) task.take(signal, true)
  }

  /** Ends all of it at once, as its cgroup's kill does. */
  destroy(code = 137): void {
    if (this.#hasEnded) return
    const first = this.#tasks.get(1)
    if (first !== undefined && first.exitCode === undefined) first.end(code)
    else this.#close(code)
  }

  ended(task: Task): void {
    this.#ready.delete(task)
    for (const child of this.#tasks.values()) {
      if (child.parent !== task.pid) continue
      child.parent = 1
      if (child.exitCode !== undefined) this.#tasks.delete(child.pid)
    }
    const parent = this.#tasks.get(task.parent)
    if (parent === undefined || parent.exitCode !== undefined || task.pid === 1) this.#tasks.delete(task.pid)
    else parent.take('CHLD')
    if (task.pid === 1) this.#close(task.exitCode ?? 137)
  }

  reap(task: Task): void {
    this.#tasks.delete(task.pid)
  }

  allocate(bytes: number): void {
    this.#allocated += bytes
    const most = Math.min(this.#limits.memory ?? mostMemory, mostMemory)
    if (this.#allocated > most && !this.isOutOfMemory && !this.#hasEnded) {
      this.isOutOfMemory = true
      this.destroy()
    }
  }

  /** As a user sees them; for a process with its own /proc/self. */
  filesFor(user: User, pid?: number): FileSystem {
    if (pid !== undefined) return this.files.as(user, pid)
    return user === this.#parts.user ? this.files : this.files.as(user)
  }

  environmentOf(pid: number): ReadonlyMap<string, string> | undefined {
    return this.#tasks.get(pid)?.environment
  }

  directoryOf(pid: number): string | undefined {
    return this.#tasks.get(pid)?.cwd
  }

  processes(): readonly ProcessFacts[] {
    return [...this.#tasks.values()].map(({ pid, parent, user, argv, startedAt }) => ({
      pid,
      parent,
      uid: user.uid,
      user,
      argv,
      startedAt,
    }))
  }

  descriptorsOf(pid: number): ReadonlyMap<number, Stream> | undefined {
    return this.#tasks.get(pid)?.descriptors
  }

  use(usage: { readonly memory?: number; readonly cpu?: number }): void {
    this.#usage = { ...this.#usage, ...usage }
    this.onUse?.()
  }

  /** What it takes: as a behaviour says, and what its programs have allocated. */
  get usage(): { readonly memory: number; readonly cpu: number } {
    return { memory: (this.#usage.memory ?? 0) + this.#allocated, cpu: this.#usage.cpu ?? 0 }
  }

  faulted(task: Task, error: unknown): void {
    this.#parts.faulted?.(task.argv, error)
  }

  /** It waits for the slowest who is attached, as upstream; nothing of what is printed is lost to him. */
  #seenByAll(log: Outlet, stream: 'stdout' | 'stderr'): Outlet {
    const attached = this.#attached
    const isFull = (outlet: Outlet): boolean => outlet.isFull === true && outlet.isGone !== true
    return {
      get isFull() {
        if (isFull(log)) return true
        for (const each of attached) if (isFull(each[stream])) return true
        return false
      },
      park(wake) {
        const outlets = [log, ...[...attached].map(each => each[stream])].filter(isFull)
        const cancels = outlets.map(outlet => outlet.park?.(once))
        const cancel = (): void => {
          for (const each of cancels) each?.()
        }
        function once(): void {
          cancel()
          wake()
        }
        return cancel
      },
      write(bytes) {
        log.write(bytes)
        for (const each of attached) if (!each[stream].isGone) each[stream].write(bytes)
      },
      end: () => log.end?.(),
    }
  }

  #close(code: number): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    for (const task of [...this.#tasks.values()]) if (task.exitCode === undefined) task.take('KILL', true)
    this.#tasks.clear()
    this.#ready.clear()
    this.kernel.forget(this)
    this.onEnd?.(code)
  }

  #load(path: string, argv: readonly string[], files: FileSystem, depth: number): Found {
    const { kind, mode, uid, gid } = files.stat(path)
    if (kind !== 'file' || !files.access(path, 'execute')) throw new SystemError('EACCES')
    const bytes = files.read(path)
    const name = programIn(bytes)
    if (name !== undefined) {
      const own = this.#parts.program(name)
      const program = own ?? this.#parts.stranger?.(argv, true)
      if (program === undefined) throw new SystemError('ENOENT')
      const found = { program, argv, isOwn: own !== undefined }
      if ((mode & 0o6000) === 0 || this.facts.noNewPrivileges) return found
      return { ...found, as: { ...(mode & 0o4000 ? { uid } : {}), ...(mode & 0o2000 ? { gid } : {}) } }
    }
    if (bytes[0] !== 0x23 || bytes[1] !== 0x21 || depth > 4) throw new SystemError('ENOEXEC')
    const end = bytes.indexOf(10)
    const line = Buffer.from(bytes.subarray(2, end < 0 ? Math.min(bytes.length, 256) : end))
      .toString()
      .trim()
    const space = line.search(/[ \t]/)
    const interpreter = space < 0 ? line : line.slice(0, space)
    const rest = space < 0 ? [] : [line.slice(space + 1).trim()]
    if (!files.exists(interpreter)) throw new SystemError('ENOENT')
    return this.#load(interpreter, [interpreter, ...rest, path, ...argv.slice(1)], files, depth + 1)
  }

  /** As the container runtime starts a process; its words are runc's. */
  #firstOf(argv: readonly string[], env: ReadonlyMap<string, string>, user: User, cwd: string) {
    const name = argv[0] ?? ''
    try {
      return this.find(argv, env, user, this.filesFor(user), cwd)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      const why =
        error.errno !== 'ENOENT'
          ? error.message.toLowerCase()
          : name.includes('/')
            ? `stat ${name}: no such file or directory`
            : 'executable file not found in $PATH'
      if (error.errno === 'ENOEXEC') throw new NotStarted(`exec ${name}: exec format error`, 255)
      throw new NotStarted(`exec: ${JSON.stringify(name)}: ${why}`, error.errno === 'ENOENT' ? 127 : 126)
    }
  }
}

export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What one container's programs may hold at most, whatever its limit: it is this process's memory. */
const mostMemory = 64 * 1024 * 1024

function sharedDescriptors(descriptors: ReadonlyMap<number, Stream>): Map<number, Stream> {
  const shared = new Map<number, Stream>()
  for (const [number, stream] of descriptors) shared.set(number, stream.share())
  return shared
}

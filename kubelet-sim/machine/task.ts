// Task: one process of a simulated container, from its start to its last signal. Made by container-machine.ts; what programs
// may see and do of it is Process. Between two steps of its program it takes its signals.

import type { Clock } from '../../src/env/clock.ts'
import type { Random } from '../../src/env/random.ts'
import type { ContainerMachine } from './container-machine.ts'
import type { FileSystem } from './file-system.ts'
import {
  type Child,
  type Exec,
  type Machine,
  type Process,
  type Program,
  type Signal,
  type Spawn,
  type Stream,
  signalNumbers,
  type User,
} from './process.ts'
import { raised } from './rights.ts'
import type { Sockets } from './sockets.ts'
import { SystemError } from './system-error.ts'
import type { Step, Wait } from './wait.ts'
import { turn, Waiters } from './waiters.ts'

export interface TaskStart {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly argv: readonly string[]
  readonly program: Program
  /** Nobody changes it from then on. */
  readonly env: ReadonlyMap<string, string>
  readonly cwd: string
  readonly umask: number
  readonly user: User
  /** The process's own from then on. */
  readonly descriptors: Map<number, Stream>
  readonly ignores: Iterable<Signal>
}

type Handler = 'ignore' | (() => void)

/** What has no handler and is none of these ends the process. */
const harmless: ReadonlySet<Signal> = new Set<Signal>(['CHLD', 'CONT', 'WINCH'])

export class Task implements Process, Child {
  readonly pid: number
  parent: number
  readonly group: number
  argv: readonly string[]
  cwd: string
  umask: number
  user: User
  readonly descriptors: Map<number, Stream>
  files: FileSystem
  readonly startedAt: number
  exitCode: number | undefined
  signal: Signal | undefined
  readonly #machine: ContainerMachine
  readonly #handlers = new Map<Signal, Handler>()
  readonly #ended = new Waiters()
  #steps: Step<number>
  #wait: Wait | undefined
  #unpark: (() => void) | undefined
  #isRunning = false
  #isStopped = false
  /** Signals that came while its program took a step. */
  #pending: Signal[] = []
  #allocated = 0
  #given: ReadonlyMap<string, string>
  #env: Map<string, string> | undefined
  #sockets: Sockets | undefined

  constructor(machine: ContainerMachine, start: TaskStart) {
    this.#machine = machine
    this.pid = start.pid
    this.parent = start.parent
    this.group = start.group
    this.argv = start.argv
    this.#given = start.env
    this.cwd = start.cwd
    this.umask = start.umask
    this.user = start.user
    this.descriptors = start.descriptors
    this.files = machine.filesFor(start.user, start.pid)
    this.startedAt = machine.clock.now()
    for (const signal of start.ignores) this.#handlers.set(signal, 'ignore')
    this.#steps = start.program(this)
  }

  /** Its own copy, made when it is first looked at: most programs never do. */
  get env(): Map<string, string> {
    this.#env ??= new Map(this.#given)
    return this.#env
  }

  /** The same, for who only reads it. */
  get environment(): ReadonlyMap<string, string> {
    return this.#env ?? this.#given
  }

  /** What a child begins with that is given this, or nothing of its own. */
  handedOn(env: ReadonlyMap<string, string> | undefined): ReadonlyMap<string, string> {
    if (env !== undefined && env !== this.#env) return env
    return this.#env === undefined ? this.#given : new Map(this.#env)
  }

  get sockets(): Sockets {
    this.#sockets ??= this.#machine.sockets.share()
    return this.#sockets
  }

  get clock(): Clock {
    return this.#machine.clock
  }

  get random(): Random {
    return this.#machine.random
  }

  get machine(): Machine {
    return this.#machine
  }

  get allocated(): number {
    return this.#allocated
  }

  get ignored(): readonly Signal[] {
    return [...this.#handlers].filter(([, handler]) => handler === 'ignore').map(([signal]) => signal)
  }

  /** Takes at most `budget` steps; how many. When it has steps left it makes itself ready again. */
  run(budget: number): number {
    if (this.exitCode !== undefined || this.#isStopped) return 0
    if (this.#wait !== undefined) {
      if (!this.#wait.isOver()) {
        this.#park(this.#wait)
        return 1
      }
      this.#wait = undefined
    }
    let used = 0
    while (used < budget) {
      used++
      let result: IteratorResult<Wait, number>
      this.#isRunning = true
      try {
        result = this.#steps.next()
      } catch (error) {
        this.#isRunning = false
        this.#failed(error)
        return used
      }
      this.#isRunning = false
      if (result.done) {
        this.end(result.value & 255)
        return used
      }
      if (this.#pending.length > 0) this.#takeSignals()
      if (this.exitCode !== undefined) return used
      const wait = result.value
      if (wait.cost !== undefined) used += wait.cost - 1
      if (wait === turn || wait.isOver()) {
        if (this.#isStopped) return used
        continue
      }
      this.#park(wait)
      return used
    }
    this.#machine.ready(this)
    return used
  }

  spawn(start: Spawn): Child {
    return this.#machine.spawn(this, start)
  }

  exec({ argv, env = this.environment }: Exec): Step<number> {
    const found = this.#machine.find(argv, env, this.user, this.files, this.cwd)
    this.argv = found.argv
    if (found.as) {
      this.user = raised(this.user, found)
      this.files = this.#machine.filesFor(this.user, this.pid)
    }
    if (env !== this.#env) {
      this.#given = env
      this.#env = undefined
    }
    for (const [signal, handler] of this.#handlers) if (handler !== 'ignore') this.#handlers.delete(signal)
    this.allocate(-this.#allocated)
    return found.program(this)
  }

  allocate(bytes: number): void {
    this.#allocated += bytes
    this.#machine.allocate(bytes)
  }

  *sleep(millis: number): Step<void> {
    const { clock } = this
    const until = clock.now() + millis
    const wait: Wait = {
      isOver: () => clock.now() >= until,
      park: wake => (until === Number.POSITIVE_INFINITY ? () => {} : this.#machine.kernel.wakeAt(until, wake)),
    }
    while (!wait.isOver()) yield wait
  }

  *pause(): Step<void> {
    yield turn
  }

  onSignal(signal: Signal, handler: Handler | undefined): void {
    if (signal === 'KILL' || signal === 'STOP') return
    if (handler === undefined) this.#handlers.delete(signal)
    else this.#handlers.set(signal, handler)
  }

  kill(pid: number, signal: Signal): boolean {
    return this.#machine.kill(pid, signal, this)
  }

  /** `fromOutside`: the kubelet's, which process 1 cannot withstand when it is KILL. */
  take(signal: Signal, fromOutside = false): void {
    if (this.exitCode !== undefined) return
    if (signal === 'KILL') {
      if (this.pid !== 1 || fromOutside) this.#die(signal)
      return
    }
    if (signal === 'CONT' && this.#isStopped) {
      this.#isStopped = false
      this.#machine.ready(this)
    }
    const handler = this.#handlers.get(signal)
    if (handler === 'ignore' || (handler === undefined && (harmless.has(signal) || this.pid === 1))) return
    if (signal === 'STOP') {
      this.#isStopped = true
      return
    }
    if (this.#isRunning) this.#pending.push(signal)
    else if (handler === undefined) this.#die(signal)
    else handler()
  }

  /** Whether something happens when it is told so. */
  heeds(signal: Signal): boolean {
    const handler = this.#handlers.get(signal)
    return handler === undefined ? this.pid !== 1 && !harmless.has(signal) : handler !== 'ignore'
  }

  *exited(): Step<number> {
    const wait = this.#ended.until(() => this.exitCode !== undefined)
    while (this.exitCode === undefined) yield wait
    this.#machine.reap(this)
    return this.exitCode
  }

  /** Until it has ended, for one who waits for several. */
  get ended(): Waiters {
    return this.#ended
  }

  end(code: number): void {
    if (this.exitCode !== undefined) return
    this.exitCode = code
    this.#unpark?.()
    this.#unpark = undefined
    this.#wait = undefined
    for (const stream of this.descriptors.values()) stream.close()
    this.descriptors.clear()
    this.#sockets?.closeAll()
    this.#machine.allocate(-this.#allocated)
    this.#allocated = 0
    this.#machine.ended(this)
    this.#ended.tell()
  }

  *read(max = 65536): Step<Uint8Array | undefined> {
    return yield* this.#descriptor(0).read(max)
  }

  *readLine(): Step<string | undefined> {
    const bytes = yield* readLine(this.#descriptor(0))
    if (bytes === undefined) return undefined
    const text = Buffer.from(bytes).toString()
    return text.endsWith('\n') ? text.slice(0, -1) : text
  }

  *print(text: string | Uint8Array): Step<void> {
    yield* this.#descriptor(1).write(typeof text === 'string' ? Buffer.from(text) : text)
  }

  *complain(text: string): Step<void> {
    const stream = this.descriptors.get(2)
    try {
      if (stream !== undefined) yield* stream.write(Buffer.from(text))
    } catch (error) {
      // A terminal that was closed: programs do not look whether anybody hears them.
      if (!(error instanceof SystemError && error.errno === 'EIO')) throw error
    }
  }

  #descriptor(number: number): Stream {
    const stream = this.descriptors.get(number)
    if (stream === undefined) throw new SystemError('EBADF')
    return stream
  }

  #park(wait: Wait): void {
    this.#wait = wait
    this.#unpark = wait.park(() => {
      this.#unpark = undefined
      this.#machine.ready(this)
    })
  }

  #takeSignals(): void {
    const pending = this.#pending
    this.#pending = []
    for (const signal of pending) this.take(signal)
  }

  #die(signal: Signal): void {
    if (!this.#isRunning) this.#abandon()
    this.signal ??= signal
    this.end(128 + signalNumbers[signal])
  }

  /** Lets the program's `finally` blocks run; what they would wait for is not waited for. */
  #abandon(): void {
    try {
      this.#steps.return(0)
    } catch {
      // It is being ended: what it throws nobody hears.
    }
  }

  /** A broken pipe is what SIGPIPE would have ended it for; all else is a fault of ours, and said. */
  #failed(error: unknown): void {
    const isPipe = error instanceof SystemError && error.errno === 'EPIPE'
    if (!isPipe) this.#machine.faulted(this, error)
    this.signal = isPipe ? 'PIPE' : 'ABRT'
    this.end(128 + signalNumbers[this.signal])
  }
}

const newline = 10

/** One line with its end; what was read beyond is given back. undefined at the end. */
export function* readLine(stream: Stream, limit = 1024 * 1024): Step<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let length = 0
  while (length < limit) {
    const part = yield* stream.read(stream.unread === undefined ? 1 : 4096)
    if (part === undefined) break
    const end = part.indexOf(newline)
    if (end >= 0) {
      if (end + 1 < part.length) stream.unread?.(part.subarray(end + 1))
      parts.push(part.subarray(0, end + 1))
      length += end + 1
      break
    }
    parts.push(part)
    length += part.length
  }
  if (length === 0) return undefined
  return parts.length === 1 ? parts[0] : Buffer.concat(parts)
}

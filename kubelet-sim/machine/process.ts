// Process: one running program of a simulated container, as the program itself sees it: its words, environment, files,
// open descriptors, children, signals, the cluster's clock and the pod's network. Programs are the shell (machine/shell),
// the tools (machine/tools) and what images run (images/). They take time, chance and input only from here.

import type { Clock } from '../../src/env/clock.ts'
import type { Random } from '../../src/env/random.ts'
import type { FileSystem } from './file-system.ts'
import type { Shares } from './shares.ts'
import type { Sockets } from './sockets.ts'
import type { Step } from './wait.ts'
import type { Waiters } from './waiters.ts'

/** Returns the exit code, 0 to 255. What it throws is a fault of ours: the process dies with SIGABRT and the log says so. */
export type Program = (process: Process) => Step<number>

export type Signal =
  | 'HUP'
  | 'INT'
  | 'QUIT'
  | 'ABRT'
  | 'KILL'
  | 'USR1'
  | 'USR2'
  | 'PIPE'
  | 'ALRM'
  | 'TERM'
  | 'CHLD'
  | 'CONT'
  | 'STOP'
  | 'WINCH'

/** The numbers of Linux; a process that a signal ends has 128 and the number as its exit code. */
export const signalNumbers: Readonly<Record<Signal, number>> = Object.freeze({
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ABRT: 6,
  KILL: 9,
  USR1: 10,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  USR2: 12,
  WINCH: 28,
})

/** What a descriptor leads to: a file, an end of a pipe, a terminal, a container's log, a client's stream. */
export interface Stream {
  /** A terminal: programs ask before they print columns, colours and prompts. */
  readonly terminal?: Terminal | undefined
  /** Some bytes, at most `max`; undefined at the end. Throws a SystemError. */
  read(max: number): Step<Uint8Array | undefined>
  /** All of them, waiting while the reader is slow. Throws SystemError EPIPE when nobody reads any more. */
  write(bytes: Uint8Array): Step<void>
  /** One holder fewer; the last one closes it. */
  close(): void
  /** One holder more. */
  share(): Stream
  /** Takes back what was read too far: the next read, whoever's, gets it first. Where there is none, one reads byte by byte. */
  unread?(bytes: Uint8Array): void
}

export interface Terminal {
  readonly columns: number
  readonly rows: number
  /** The process group that gets what its keys send (Ctrl-C). */
  foreground: number
  /** Canonical: lines, edited and echoed. Not: every byte as it comes, and no echo. */
  mode: TerminalMode
}

export interface TerminalMode {
  readonly canonical: boolean
  readonly echo: boolean
  /** Ctrl-C and Ctrl-\ are signals. */
  readonly signals: boolean
}

export interface User {
  /** Whose rights it has: the effective one. */
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  /** Who started it, where a program's setuid bit gave it another's rights. */
  readonly realUid?: number | undefined
}

export interface Process {
  readonly pid: number
  readonly parent: number
  /** argv[0] is the name it was called by. */
  readonly argv: readonly string[]
  /** Its process group: the pid of its first. */
  readonly group: number
  /** Its own copy. */
  readonly env: Map<string, string>
  cwd: string
  umask: number
  readonly user: User
  /** By number; 0, 1 and 2 are there unless they were closed. */
  readonly descriptors: Map<number, Stream>
  readonly files: FileSystem
  readonly sockets: Sockets
  readonly clock: Clock
  readonly random: Random
  readonly machine: Machine

  /** Starts a child with its own copies of what is not given. */
  spawn(start: Spawn): Child
  /** Becomes another program: the caller returns with these steps. Throws at once, changing nothing, when there is none. */
  exec(start: Exec): Step<number>
  /** Memory it takes from now on, or gives back (negative); what passes the container's limit ends the container. */
  allocate(bytes: number): void
  /** By the cluster's clock. */
  sleep(millis: number): Step<void>
  /** Lets others run: for loops that wait for nothing. The kernel counts steps and does this for the shell by itself. */
  pause(): Step<void>
  /** `ignore` as nohup; a function runs between two steps of the program; undefined: the signal's default again. */
  onSignal(signal: Signal, handler: 'ignore' | (() => void) | undefined): void
  /** To a process of this container; false: there is none of that number. A negative number: its process group. */
  kill(pid: number, signal: Signal): boolean

  /** Shorthands for descriptors 0, 1 and 2. Text is UTF-8. */
  read(max?: number): Step<Uint8Array | undefined>
  /** With its line end left out; undefined at the end. */
  readLine(): Step<string | undefined>
  print(text: string | Uint8Array): Step<void>
  complain(text: string): Step<void>
}

export interface Exec {
  readonly argv: readonly string[]
  readonly env?: ReadonlyMap<string, string> | undefined
}

export interface Spawn {
  /** Looked up as a path in the container's files, or by name along PATH. */
  readonly argv: readonly string[]
  /** Instead of what the path holds. */
  readonly program?: Program | undefined
  /** Nobody changes it from then on. */
  readonly env?: ReadonlyMap<string, string> | undefined
  readonly cwd?: string | undefined
  readonly user?: User | undefined
  /** The map is the child's, and each of them its to close; where there are none it shares its parent's. */
  readonly descriptors?: Map<number, Stream> | undefined
  /** The process group it joins; 0: one of its own. */
  readonly group?: number | undefined
  /** Signals its parent ignores stay ignored; `INT` and `QUIT` too for what runs behind without job control. */
  readonly ignores?: readonly Signal[] | undefined
}

export interface Child {
  readonly pid: number
  /** The exit code, 128 and the signal's number when a signal ended it; undefined while it runs. */
  readonly exitCode: number | undefined
  /** What ended it, when that was a signal. */
  readonly signal: Signal | undefined
  /** Waits for its end. */
  exited(): Step<number>
  /** Told when it has ended, for one who waits for several. */
  readonly ended: Waiters
}

/** What is said of a container when its machine is made. */
export interface MachineFacts {
  readonly hostname: string
  readonly domainname: string
  readonly image: string
  readonly node: string
  readonly namespace: string
  readonly pod: string
  readonly container: string
  readonly podIPs: readonly string[]
  readonly limits: Shares
  /** What root may (`NET_ADMIN`); any other user has none of them. */
  readonly capabilities: ReadonlySet<string>
  /** `allowPrivilegeEscalation: false`: no program gives more rights than its caller has. */
  readonly noNewPrivileges: boolean
  readonly startedAt: number
}

/** The container a process is in, as `hostname`, `ps`, `free`, `env` and /proc tell of it. */
export interface Machine extends MachineFacts {
  processes(): readonly ProcessFacts[]
  /** What /proc/PID/fd shows. */
  descriptorsOf(pid: number): ReadonlyMap<number, Stream> | undefined
  /** What the container takes now, for `top`, OOM and eviction. A behaviour sets it; bytes and millicores. */
  use(usage: { readonly memory?: number; readonly cpu?: number }): void
}

export interface ProcessFacts {
  readonly pid: number
  readonly parent: number
  readonly uid: number
  readonly user: User
  readonly argv: readonly string[]
  readonly startedAt: number
}

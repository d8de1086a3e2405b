// Image: what is known of a container image. Families (one file each in this folder) declare them as data; `kubesim image
// build` and objects of kind Image make more. Read by images.ts (what a container does), by pulls and by the machine (files,
// programs). Nothing in here runs anything.

import type { Millis } from '../../src/env/clock.ts'
import type { Script } from '../command.ts'
import type { LayerEntry } from '../machine/files/layer.ts'
import type { Signal } from '../machine/process.ts'
import type { UsagePoint } from './usage.ts'

export interface Image {
  /** As pods name it: `flask-app`, `my-registry/my-app:v1`. In the catalog without its tag. */
  readonly name: string
  /** On which it listens by itself, TCP. */
  readonly ports?: readonly number[]
  readonly env?: Readonly<Record<string, string>>
  readonly entrypoint?: readonly string[]
  /** Dockerfile's CMD. */
  readonly command?: readonly string[]
  readonly workdir?: string
  /** As Dockerfile's USER: a name or number, with a group after a colon. Absent: root. */
  readonly user?: string
  readonly labels?: Readonly<Record<string, string>>
  /** What it answers to a GET of any path; with `routes`, of none but those. */
  readonly body?: string
  readonly routes?: Readonly<Record<string, string>>
  /** What it prints when it starts. `$(date)` and other times stand for the moment it is printed. */
  readonly prints?: readonly string[]
  /** The line it prints for a request; `none`: none. Default: the combined format. */
  readonly accessLog?: string
  /** How a web server names itself, and its page for what is not there. */
  readonly server?: { readonly name: string; readonly missing: string }
  /** Its ports speak something else than HTTP. */
  readonly tcp?: boolean
  /** Its exit code after SIGTERM; default 143, the signal's own. */
  readonly onTerm?: number
  /** What it is stopped with. Default: TERM. */
  readonly stopSignal?: Signal
  /** Bytes. */
  readonly size?: number
  /** What its files are made from. Absent: an image nobody knows has a shell and the usual tools. */
  readonly base?: Base
  /** Commands it has beyond those of its base: names of tools (machine/tools) or of programs (programs.ts), or whole paths. */
  readonly commands?: readonly string[]
  /** By whole path. */
  readonly files?: Readonly<Record<string, LayerEntry>>
  /** Of its commands, those that are really run, as shells and tools always are. */
  readonly runs?: readonly string[]
  /** Of its commands, those that only serve or wait: what they do is told beforehand and nothing runs for it … */
  readonly told?: readonly string[]
  /** … unless something is mounted there: then what is served is in those files. */
  readonly reads?: readonly string[]
  /** The folder whose files it serves over HTTP. */
  readonly root?: string
  /** What it takes while it runs: bytes and millicores. */
  readonly usage?: { readonly memory: number; readonly cpu: number } | readonly UsagePoint[]
  /** Started as it is, it prints its lines and ends with this code. */
  readonly exits?: number
  /** What it serves on each of its ports, where that is declared. */
  readonly serves?: readonly ServedPort[]
  /** What it prints by the clock. */
  readonly logs?: readonly { readonly text: string; readonly after: Millis; readonly every: Millis | undefined }[]
  /** How pulling it goes. `fails`: a reason (NotFound, Unauthorized, Unavailable) or a message. */
  readonly pull?: {
    readonly takes: Millis | undefined
    readonly fails: string | undefined
    readonly isPrivate: boolean
  }
  /** What its words change of all this. Pure; called for every look at a container. */
  tell?(argv: readonly string[]): Told
  /** Milliseconds from the start of its process to the moment it listens. */
  readonly startsIn?: number
  /** Its own words are known: they are not signed with the pod's name. */
  readonly isOfCatalog?: boolean
  /** In a few words, for docs/images.md. */
  readonly about?: string
}

/** Without routes: it takes connections and says nothing. With an empty list it answers everything with its name. */
export interface ServedPort {
  readonly port: number
  readonly routes?: readonly Route[] | undefined
}

export interface Route {
  /** Exactly, or with a `*` at its end all that begin so. `<name>` and `{name}` stand for any one part. */
  readonly path: string
  readonly methods: readonly string[] | undefined
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly latency: Millis
  /** Of a hundred. */
  readonly errorPercent: number
  readonly errorStatus: number
}

/** What the words a container is started with say, of an image that understands them. */
export interface Told {
  /** All of it is said with this: nothing has to run. */
  readonly isWhole?: boolean
  readonly onTerm?: number | undefined
  readonly ports?: readonly number[] | undefined
  readonly body?: string | undefined
  readonly usage?: readonly UsagePoint[] | undefined
  readonly script?: Script | undefined
}

/**
 * `busybox` and `alpine`: busybox' tools and sh; `debian`, `ubuntu`, `fedora`: bash and the GNU tools; `none`: the program
 * alone, no shell.
 */
export type Base = 'busybox' | 'alpine' | 'debian' | 'ubuntu' | 'fedora' | 'none'

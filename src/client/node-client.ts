// NodeClient: the port from the API server to what runs on the nodes. kubelet-sim implements it, src/cluster.ts
// introduces the two. What a node cannot do yet it refuses by name, with an ApiError.

import type { Duplex } from 'node:stream'
import type { Frozen, Ref } from '../api/meta.ts'
import type { BytePipe } from '../env/byte-pipe.ts'

export interface LogOptions {
  readonly container?: string | undefined
  readonly follow?: boolean | undefined
  readonly previous?: boolean | undefined
  readonly sinceSeconds?: number | undefined
  readonly sinceTime?: string | undefined
  readonly timestamps?: boolean | undefined
  readonly tailLines?: number | undefined
  readonly limitBytes?: number | undefined
  readonly signal: AbortSignal
}

/** An HTTP exchange inside the simulation; header names are lower case. */
export interface SimulatedRequest {
  readonly method: string
  /** Path and query, beginning with a slash. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}
export interface SimulatedResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** What a client and a program of a container say to each other. Whoever asks makes the pipes; absent: not asked for. */
export interface CommandStreams {
  /** From the client; its end is the end of the program's input. */
  readonly stdin?: BytePipe | undefined
  /** From the program; the node ends it when nothing more will come. With a terminal all that is printed comes here. */
  readonly stdout?: BytePipe | undefined
  readonly stderr?: BytePipe | undefined
  readonly tty: boolean
  /** Aborted when the client has gone: the program's input ends, nobody reads what it prints, its terminal hangs up. */
  readonly signal: AbortSignal
}

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** A program that runs in a container, or a container's own that is attached to. */
export interface Execution {
  /** Nothing happens where there is no terminal. */
  resize(size: TerminalSize): void
  /** Resolves with the exit code after what was printed is in the pipes and they are ended; rejects when it could not be started. */
  readonly ended: Promise<number>
}

/** One TCP connection into a pod. */
export interface ForwardedStreams {
  readonly toPod: BytePipe
  /** The node ends it when the pod's side has. */
  readonly fromPod: BytePipe
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal
}

/** A pod as far as a node needs it here; generated Pod objects fit. */
export type PodLike = Frozen<{
  metadata: { name: string; namespace?: string; uid?: string }
  spec: object
  status: object
}>

/** A node as far as it needs to know itself; generated Node objects fit. */
export type NodeLike = Frozen<{
  metadata: { name: string; annotations?: Record<string, string> }
  spec: object
  status: object
}>

export interface NodeClient {
  /** The container's log as text chunks; ends at once unless `follow`. A followed log's first chunk, maybe empty, says that it is open. */
  logs(pod: PodLike, options: LogOptions): AsyncIterable<string>
  /** A request to a pod's port, as the API server's pod proxy makes it. Port: a number or a declared name; default the first. */
  proxyPod(pod: PodLike, port: string | undefined, request: SimulatedRequest): Promise<SimulatedResponse>
  /** A request to a Service, as the service proxy makes it. Port: a number or a name; default the first. */
  proxyService(service: Ref, port: string | undefined, request: SimulatedRequest): Promise<SimulatedResponse>
  /** Starts a program in a container that runs. Rejects, with the kubelet's code and words, when there is no such container. */
  exec(pod: PodLike, container: string, command: readonly string[], streams: CommandStreams): Promise<Execution>
  /** What a running container's first process prints from now on; its input, when the container has one. */
  attach(pod: PodLike, container: string, streams: CommandStreams): Promise<Execution>
  /** Resolves when both sides have ended; rejects, with a sentence, when nobody listens there or the pod breaks off. */
  portForward(pod: PodLike, port: number, streams: ForwardedStreams): Promise<void>
  /** A connection to a port of a pod or a Service, from the API server's place. Rejects with an ApiError. */
  dial(to: DialTarget): Promise<Duplex>
  /** A request to a node's kubelet itself, as the node proxy makes it. */
  proxyNode(node: NodeLike, request: SimulatedRequest): Promise<SimulatedResponse>
}

/** Port: a number or a declared name; default the first. */
export type DialTarget =
  | { readonly pod: PodLike; readonly port: string | undefined }
  | { readonly service: Ref; readonly port: string | undefined }

/** What is sent to a kubelet in another process; bytes in base64. */
export interface NodeRequest {
  readonly logs?: { readonly pod: PodLike; readonly options: Omit<LogOptions, 'signal'> }
  readonly proxy?: ProxyQuestion
}
/** The first frame of a connection whose protocol was changed to `streamsProtocol`: what is wanted. */
export interface StreamsQuestion {
  readonly pod: PodLike
  readonly command?: {
    readonly container: string
    /** Absent: attached to what runs already. */
    readonly words?: readonly string[] | undefined
    readonly stdin: boolean
    readonly stdout: boolean
    readonly stderr: boolean
    readonly tty: boolean
  }
  readonly port?: number
}
/** The kinds of the frames after it (src/env/frames.ts); 10 and up are JSON. */
export interface StreamFrames {
  readonly input: 0
  readonly stdout: 1
  readonly stderr: 2
  readonly inputEnded: 3
  readonly question: 10
  readonly accepted: 11
  /** A Status. */
  readonly refused: 12
  readonly resize: 13
  /** An exit code, or the words of a fault. */
  readonly ended: 14
}
export type StreamsEnd = { readonly code: number } | { readonly fault: string }
export interface ProxyQuestion {
  readonly pod?: PodLike
  readonly service?: Ref
  readonly node?: NodeLike
  readonly port?: string | undefined
  readonly request: Omit<SimulatedRequest, 'body'> & { readonly body: string }
}

// A node whose containers run what a test writes down: for tests of what lies between a client and a node. What the
// simulated containers really do is tested in test/kubelet-sim.

import { ApiError } from '../../../src/api/errors.ts'
import type {
  CommandStreams,
  ForwardedStreams,
  NodeClient,
  PodLike,
  TerminalSize,
} from '../../../src/client/node-client.ts'

export interface Started {
  readonly pod: string
  readonly container: string
  readonly command: readonly string[]
  readonly streams: CommandStreams
  readonly sizes: TerminalSize[]
  /** Ends what it prints, and itself. */
  end(code: number): void
  /** It could not be started after all. */
  fail(why: string): void
}

export interface Forwarded {
  readonly port: number
  readonly streams: ForwardedStreams
  end(): void
  fail(why: string): void
}

export class ScriptedNode {
  /** What runs when something is started; by default nothing happens. */
  run: (started: Started) => void = () => {}
  connect: (forwarded: Forwarded) => void = () => {}
  readonly started: Started[] = []
  readonly forwarded: Forwarded[] = []

  readonly client: Pick<NodeClient, 'exec' | 'attach' | 'portForward'> = {
    exec: async (pod, container, command, streams) => this.#start(pod, container, command, streams),
    attach: async (pod, container, streams) => this.#start(pod, container, [], streams),
    portForward: (_pod, port, streams) =>
      new Promise((resolve, reject) => {
        const forwarded: Forwarded = {
          port,
          streams,
          end: () => {
            streams.fromPod.end()
            resolve()
          },
          fail: why => reject(new Error(why)),
        }
        this.forwarded.push(forwarded)
        this.connect(forwarded)
      }),
  }

  #start(pod: PodLike, container: string, command: readonly string[], streams: CommandStreams) {
    if (container === 'gone') throw new ApiError('InternalError', 'container not found ("gone")')
    if (container === 'far')
      throw new ApiError('ServiceUnavailable', 'dial tcp 127.0.0.1:10250: connect: no route to host')
    const sizes: TerminalSize[] = []
    const ended = new Promise<number>((resolve, reject) => {
      const end = (code: number): void => {
        streams.stdout?.end()
        streams.stderr?.end()
        resolve(code)
      }
      const fail = (why: string) => reject(new Error(why))
      const started = { pod: pod.metadata.name, container, command, streams, sizes, end, fail }
      this.started.push(started)
      this.run(started)
    })
    return { resize: (size: TerminalSize) => void sizes.push(size), ended }
  }
}

export const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** A program that prints what it reads. */
export async function echo({ streams, end }: Started): Promise<void> {
  for await (const chunk of streams.stdin ?? []) {
    await streams.stdout?.room()
    streams.stdout?.write(chunk)
  }
  end(0)
}

// exec, attach and port-forward for API servers in other processes: a question as the first frame, then bytes both ways.
// Loaded by node-http.ts when somebody first asks; the other end is src/client/node-streams.ts.

import type { Duplex } from 'node:stream'
import { ApiError, badRequest } from '../src/api/errors.ts'
import type {
  CommandStreams,
  Execution,
  NodeClient,
  StreamFrames,
  StreamsEnd,
  StreamsQuestion,
  TerminalSize,
} from '../src/client/node-client.ts'
import { BytePipe } from '../src/env/byte-pipe.ts'
import { Frames } from '../src/env/frames.ts'

const kinds: StreamFrames = {
  input: 0,
  stdout: 1,
  stderr: 2,
  inputEnded: 3,
  question: 10,
  accepted: 11,
  refused: 12,
  resize: 13,
  ended: 14,
}

/** Takes the socket over; resolves when the connection is over. */
export async function serveStreams(nodes: () => NodeClient, socket: Duplex, head: Buffer): Promise<void> {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: kubesim-streams\r\n\r\n')
  const frames = new Frames(socket, head)
  const gone = new AbortController()
  const input = new BytePipe()
  let asked: Asked | undefined
  try {
    for await (const { kind, bytes } of frames) {
      switch (kind) {
        case kinds.question:
          asked ??= new Asked(nodes, frames, input, gone.signal, JSON.parse(bytes.toString()))
          break
        case kinds.input:
          input.write(bytes)
          if (!input.hasRoom) await input.room()
          break
        case kinds.inputEnded:
          input.end()
          break
        case kinds.resize:
          asked?.resize(JSON.parse(bytes.toString()))
          break
      }
    }
  } finally {
    input.end()
    asked?.leave()
    gone.abort()
    frames.destroy()
  }
}

class Asked {
  readonly #nodes: () => NodeClient
  readonly #frames: Frames
  readonly #input: BytePipe
  readonly #gone: AbortSignal
  readonly #stdout = new BytePipe()
  readonly #stderr = new BytePipe()
  #execution: Execution | undefined
  #size: TerminalSize | undefined

  constructor(nodes: () => NodeClient, frames: Frames, input: BytePipe, gone: AbortSignal, question: StreamsQuestion) {
    this.#nodes = nodes
    this.#frames = frames
    this.#input = input
    this.#gone = gone
    void this.#answer(question)
  }

  resize(size: TerminalSize): void {
    this.#size = size
    this.#execution?.resize(size)
  }

  leave(): void {
    this.#stdout.abandon()
    this.#stderr.abandon()
  }

  async #answer(question: StreamsQuestion): Promise<void> {
    const frames = this.#frames
    try {
      const end = await this.#done(question)
      await frames.sendJson(kinds.ended, end)
    } catch (error) {
      const told = error instanceof ApiError ? error : new ApiError('InternalError', `the kubelet failed: ${error}`)
      await frames.sendJson(kinds.refused, told.toStatus())
    }
    frames.end()
  }

  async #done({ pod, command, port }: StreamsQuestion): Promise<StreamsEnd> {
    const frames = this.#frames
    const nodes = this.#nodes()
    if (port !== undefined) {
      const pumping = frames.pump(kinds.stdout, this.#stdout)
      const streams = { toPod: this.#input, fromPod: this.#stdout, signal: this.#gone }
      return settled(
        nodes.portForward(pod, port, streams).then(() => 0),
        () => pumping,
      )
    }
    if (command === undefined) throw badRequest('a node is asked for a command or a port')
    const { container, words, stdin, stdout, stderr, tty } = command
    const streams: CommandStreams = {
      stdin: stdin ? this.#input : undefined,
      stdout: stdout ? this.#stdout : undefined,
      stderr: stderr ? this.#stderr : undefined,
      tty,
      signal: this.#gone,
    }
    const execution = words
      ? await nodes.exec(pod, container, words, streams)
      : await nodes.attach(pod, container, streams)
    this.#execution = execution
    if (this.#size) execution.resize(this.#size)
    void frames.send(kinds.accepted)
    const pumping = [frames.pump(kinds.stdout, streams.stdout), frames.pump(kinds.stderr, streams.stderr)]
    return settled(execution.ended, () => Promise.all(pumping))
  }
}

/** What became of it, when all of its bytes are sent. */
async function settled(work: Promise<number>, sent: () => Promise<unknown>): Promise<StreamsEnd> {
  try {
    const code = await work
    await sent()
    return { code }
  } catch (error) {
    return { fault: (error as Error).message }
  }
}

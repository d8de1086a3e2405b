// exec, attach and portForward of a NodeClient over a connection to a kubelet in another process. Loaded by
// http-node-client.ts when somebody first asks; the other end is kubelet-sim/node-streams.ts.

import { request as send } from 'node:http'
import type { Duplex } from 'node:stream'
import { ApiError, type Status } from '../api/errors.ts'
import type { BytePipe } from '../env/byte-pipe.ts'
import { Frames } from '../env/frames.ts'
import { cannotBeReached, type KubeletAccess, loopback, notOurs } from './http-node-client.ts'
import type {
  CommandStreams,
  Execution,
  ForwardedStreams,
  PodLike,
  StreamFrames,
  StreamsEnd,
  StreamsQuestion,
} from './node-client.ts'

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

/** `words` undefined: attach. */
export async function commandElsewhere(
  access: KubeletAccess,
  pod: PodLike,
  container: string,
  words: readonly string[] | undefined,
  streams: CommandStreams,
): Promise<Execution> {
  const { stdin, stdout, stderr, tty, signal } = streams
  const asked = { container, words, stdin: !!stdin, stdout: !!stdout, stderr: !!stderr, tty }
  const frames = await open(access, { pod, command: asked }, signal)
  let accept = (): void => {}
  let refuse = (_refusal: ApiError): void => {}
  const accepted = new Promise<void>((resolve, reject) => {
    accept = resolve
    refuse = reject
  })
  const ended = listen(frames, { stdout, stderr }, accept, refuse).finally(() => {
    stdin?.abandon()
    stdout?.end()
    stderr?.end()
    frames.end()
  })
  ended.catch(() => {})
  await accepted
  void feed(frames, stdin)
  return { resize: size => void frames.sendJson(kinds.resize, size), ended }
}

export async function forwardElsewhere(
  access: KubeletAccess,
  pod: PodLike,
  port: number,
  { toPod, fromPod, signal }: ForwardedStreams,
): Promise<void> {
  const frames = await open(access, { pod, port }, signal)
  void feed(frames, toPod)
  try {
    await listen(
      frames,
      { stdout: fromPod, stderr: undefined },
      () => {},
      () => {},
    )
  } finally {
    toPod.abandon()
    fromPod.end()
    frames.end()
  }
}

async function feed(frames: Frames, from: BytePipe | undefined): Promise<void> {
  if (from === undefined) return
  await frames.pump(kinds.input, from)
  await frames.send(kinds.inputEnded)
}

/** Resolves with the exit code. */
async function listen(
  frames: Frames,
  { stdout, stderr }: Pick<CommandStreams, 'stdout' | 'stderr'>,
  accept: () => void,
  refuse: (refusal: ApiError) => void,
): Promise<number> {
  for await (const { kind, bytes } of frames) {
    switch (kind) {
      case kinds.accepted:
        accept()
        break
      case kinds.refused: {
        const refusal = ApiError.fromStatus(JSON.parse(bytes.toString()) as Status)
        refuse(refusal)
        throw refusal
      }
      case kinds.stdout:
      case kinds.stderr: {
        const pipe = kind === kinds.stdout ? stdout : stderr
        pipe?.write(bytes)
        if (pipe?.hasRoom === false) await pipe.room()
        break
      }
      case kinds.ended: {
        const end = JSON.parse(bytes.toString()) as StreamsEnd
        if ('fault' in end) throw new Error(end.fault)
        return end.code
      }
    }
  }
  const broken = new ApiError('ServiceUnavailable', 'the kubelet broke off the connection')
  refuse(broken)
  throw broken
}

function open({ port, token }: KubeletAccess, question: StreamsQuestion, signal: AbortSignal): Promise<Frames> {
  return new Promise((resolve, reject) => {
    const outgoing = send({
      host: loopback,
      port,
      method: 'POST',
      path: '/streams',
      agent: false,
      headers: { authorization: `Bearer ${token}`, connection: 'Upgrade', upgrade: 'kubesim-streams' },
    })
    outgoing.on('upgrade', (_response, socket: Duplex, head: Buffer) => {
      const frames = new Frames(socket, head)
      const hangUp = (): void => frames.destroy()
      signal.addEventListener('abort', hangUp, { once: true })
      socket.once('close', () => signal.removeEventListener('abort', hangUp))
      if (signal.aborted) hangUp()
      void frames.sendJson(kinds.question, question)
      resolve(frames)
    })
    outgoing.on('response', response => {
      response.resume()
      reject(notOurs(port))
    })
    outgoing.on('error', cause => reject(cannotBeReached(port, cause)))
    outgoing.end()
  })
}

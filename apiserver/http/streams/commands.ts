// Commands in containers, before and after a protocol has them: the pipes, the question to the node, and what the end is
// called. Shared by command-channels.ts and command-spdy.ts.

import { ApiError } from '../../../src/api/errors.ts'
import type { CommandStreams, Execution, PodLike } from '../../../src/client/node-client.ts'
import { BytePipe } from '../../../src/env/byte-pipe.ts'
import type { CommandRequest } from './connecting.ts'
import type { Asked } from './connections.ts'
import { refuseInWords } from './handshake.ts'
import type { Telling } from './remote-command.ts'

/** So much of what a client sends is kept for a program that does not read. */
const inputCapacity = 256 * 1024

export interface PreparedStreams extends CommandStreams {
  /** The client has gone. */
  leave(): void
}

export function preparedStreams({ stdin, stdout, stderr, tty }: CommandRequest): PreparedStreams {
  const gone = new AbortController()
  const streams = {
    stdin: stdin ? new BytePipe(inputCapacity) : undefined,
    stdout: stdout ? new BytePipe() : undefined,
    stderr: stderr ? new BytePipe() : undefined,
    tty,
    signal: gone.signal,
  }
  return {
    ...streams,
    leave() {
      streams.stdin?.end()
      streams.stdout?.abandon()
      streams.stderr?.abandon()
      gone.abort()
    },
  }
}

/** Rejects with an ApiError: a kubelet's code and words, or that none can be reached. */
export async function begin(asked: Asked, wanted: CommandRequest, streams: CommandStreams): Promise<Execution> {
  const { container, command, stdin, stdout, stderr } = wanted
  if (!stdin && !stdout && !stderr) {
    throw new ApiError('BadRequest', 'you must specify at least 1 of stdin, stdout, stderr')
  }
  const pod = asked.pod as unknown as PodLike
  if (asked.subresource === 'attach') return asked.nodes.attach(pod, container, streams)
  return asked.nodes.exec(pod, container, command, streams)
}

/** As `begin`; a kubelet's refusal is told as kubelets do, and returned. */
export async function beginOrRefuse(
  asked: Asked,
  wanted: CommandRequest,
  streams: CommandStreams,
): Promise<Execution | ApiError> {
  try {
    return await begin(asked, wanted, streams)
  } catch (error) {
    if (!isKubelets(error)) throw unreachable(error)
    refuseInWords(asked.socket, error.code, error.message)
    return error
  }
}

/** What the server says who speaks for the kubelet, of a command that could not begin. */
export function refusalWords(error: unknown, asked: Asked, wanted: CommandRequest): string {
  const { message } = error as Error
  if (isKubelets(error)) return `unable to upgrade connection: ${message}`
  const [, address] = /^dial tcp (\S+): /.exec(message) ?? []
  if (address === undefined) return message
  return `error sending request: Post ${JSON.stringify(`https://${address}${kubeletsPath(asked, wanted)}`)}: ${message}`
}

/** Where a kubelet is asked (pkg/registry/core/pod/strategy.go, streamParams). */
function kubeletsPath({ subresource, pod }: Asked, { container, command, ...streams }: CommandRequest): string {
  const query = new URLSearchParams()
  for (const word of command) query.append('command', word)
  if (streams.stderr) query.append('error', '1')
  if (streams.stdin) query.append('input', '1')
  if (streams.stdout) query.append('output', '1')
  if (streams.tty) query.append('tty', '1')
  return `/${subresource}/${pod.metadata.namespace}/${pod.metadata.name}/${container}?${query}`
}

function isKubelets(error: unknown): error is ApiError {
  return error instanceof ApiError && error.reason !== 'ServiceUnavailable' && error.reason !== 'NotImplemented'
}

/** k8s.io/apimachinery pkg/util/proxy/upgradeaware.go. */
function unreachable(error: unknown): unknown {
  if (!(error instanceof ApiError) || error.reason !== 'ServiceUnavailable') return error
  const words = `error dialing backend: ${error.message}`
  return new ApiError('InternalError', `Internal error occurred: ${words}`, { causes: [{ message: words }] })
}

/** As the container's runtime tells it. */
export function runtimesTelling({ subresource }: Asked, { command }: CommandRequest): Telling {
  if (subresource === 'attach') return { exit: undefined, fault: words => `error attaching to container: ${words}` }
  const ran = `error executing command [${command.join(' ')}]`
  return {
    exit: code => `command terminated with non-zero exit code: ${ran}, exit code ${code}`,
    fault: words => `error executing command in container: ${words}`,
  }
}

/** As a server tells on what it was told. */
export function serversTelling(asked: Asked, wanted: CommandRequest): Telling {
  const { exit, fault } = runtimesTelling(asked, wanted)
  return {
    exit: exit && (code => `command terminated with non-zero exit code: command terminated with exit code ${code}`),
    fault: words => `Internal error occurred: ${fault(words)}`,
  }
}

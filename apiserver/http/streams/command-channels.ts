// A command's streams over a WebSocket: stdin 0, stdout 1, stderr 2, how it ended 3, sizes of the terminal 4. In v5 the
// server speaks for itself, and tells of a refusal as of an end; before that the kubelet was spoken to, and refuses before
// the protocol changes. Called by connections.ts.

import { ApiError } from '../../../src/api/errors.ts'
import { BytePipe } from '../../../src/env/byte-pipe.ts'
import { type ChannelProtocol, Channels, olderProtocols, v5 } from './channels.ts'
import {
  begin,
  beginOrRefuse,
  type PreparedStreams,
  preparedStreams,
  refusalWords,
  runtimesTelling,
  serversTelling,
} from './commands.ts'
import type { CommandRequest } from './connecting.ts'
import type { Asked } from './connections.ts'
import { offered, openWebSocket, refuseInWords } from './handshake.ts'
import { type CommandConnection, converse, tellRefusal } from './remote-command.ts'

const stdin = 0
const stdout = 1
const stderr = 2
const ended = 3
const sizes = 4

/** Resolves when it is open, or with the refusal that was told; rejects with an ApiError that is to be told. */
export async function commandOverChannels(asked: Asked, wanted: CommandRequest): Promise<ApiError | undefined> {
  const names = offered(asked.request.headers['sec-websocket-protocol'])
  const streams = preparedStreams(wanted)
  if (names.includes(v5.name)) {
    const { channels, connection } = await open(asked, wanted, v5, streams)
    begin(asked, wanted, streams)
      .then(
        execution => converse(execution, streams, connection, serversTelling(asked, wanted)),
        error => tellRefusal(connection, refusalWords(error, asked, wanted)),
      )
      .catch(asked.failed)
      .finally(() => channels.close())
    return undefined
  }
  const protocol = agreed(names)
  if (protocol === undefined) {
    const refusal = new ApiError('Forbidden', `requested protocol(s) are not supported: [${names.join(' ')}]`)
    refuseInWords(asked.socket, refusal.code, '')
    return refusal
  }
  const execution = await beginOrRefuse(asked, wanted, streams)
  if (execution instanceof ApiError) return execution
  try {
    const { channels, connection } = await open(asked, wanted, protocol, streams)
    converse(execution, streams, connection, runtimesTelling(asked, wanted))
      .catch(asked.failed)
      .finally(() => channels.close())
  } catch (error) {
    execution.ended.catch(() => {})
    streams.leave()
    throw error
  }
  return undefined
}

/** The first of the client's that is known. */
function agreed(names: readonly string[]): ChannelProtocol | undefined {
  const wanted = names.length === 0 ? [''] : names
  return wanted.map(name => olderProtocols.find(each => each.name === name)).find(each => each !== undefined)
}

async function open(
  { request, socket, head, clock, ending }: Asked,
  wanted: CommandRequest,
  protocol: ChannelProtocol,
  streams: PreparedStreams,
): Promise<{ channels: Channels; connection: CommandConnection }> {
  const resize = new BytePipe()
  const incoming = new Map([[sizes, resize]])
  if (streams.stdin !== undefined) incoming.set(stdin, streams.stdin)
  const opened = await openWebSocket(request, socket, head, protocol.name)
  const channels = new Channels(opened, { protocol, incoming, clock })
  const hangUp = (): void => channels.terminate()
  ending.addEventListener('abort', hangUp, { once: true })
  channels.gone.addEventListener('abort', () => {
    ending.removeEventListener('abort', hangUp)
    streams.leave()
  })
  // That it is open is told on the first channel that leads to the client.
  void channels.send(wanted.stdout ? stdout : wanted.stderr ? stderr : ended, new Uint8Array())
  return {
    channels,
    connection: {
      stdout: bytes => channels.send(stdout, bytes),
      stderr: bytes => channels.send(stderr, bytes),
      error: bytes => channels.send(ended, bytes),
      hasStatus: protocol.hasStatus,
      resize,
    },
  }
}

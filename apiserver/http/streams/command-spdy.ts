// A command's streams over SPDY/3.1, as kubectl before 1.30 has them: one stream of the connection for each, told apart by
// their header streamType. Called by connections.ts.

import { ApiError } from '../../../src/api/errors.ts'
import { BytePipe } from '../../../src/env/byte-pipe.ts'
import { beginOrRefuse, type PreparedStreams, preparedStreams, runtimesTelling } from './commands.ts'
import type { CommandRequest } from './connecting.ts'
import type { Asked } from './connections.ts'
import { converse } from './remote-command.ts'
import type { SpdyStream } from './spdy-connection.ts'
import { agreedSpdy, openSpdy } from './spdy-handshake.ts'

/** The last two know no sizes of terminals, only the first a Status. */
const protocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io']

type StreamType = 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize'

/** A client has so long to open his streams. */
const longestOpening = 30_000

/** Resolves when it is open, or with the refusal that was told; rejects with an ApiError that is to be told. */
export async function commandOverSpdy(asked: Asked, wanted: CommandRequest): Promise<ApiError | undefined> {
  const protocol = agreedSpdy(asked, protocols)
  if (protocol instanceof ApiError) return protocol
  const hasSizes = protocol === protocols[0] || protocol === protocols[1]
  const streams = preparedStreams(wanted)
  const execution = await beginOrRefuse(asked, wanted, streams)
  if (execution instanceof ApiError) return execution

  const resize = new BytePipe()
  const inputs: { readonly [type in StreamType]?: BytePipe | undefined } = { stdin: streams.stdin, resize }
  const expected = expectedOf(wanted, hasSizes)
  const opened = new Map<StreamType, SpdyStream>()
  let complete = (): void => {}
  const isComplete = new Promise<void>(resolve => {
    complete = resolve
  })
  const connection = openSpdy(asked, protocol, stream => {
    const type = stream.headers.get('streamtype') as StreamType
    if (!expected.has(type) || opened.has(type)) return undefined
    stream.input = inputs[type]
    stream.onReset = onReset(type, streams)
    opened.set(type, stream)
    if (opened.size === expected.size) complete()
    return undefined
  })
  const over = connection.run().finally(() => streams.leave())
  const cancel = asked.clock.after(longestOpening, () => connection.part())
  const talking = async (): Promise<void> => {
    execution.ended.catch(() => {})
    await Promise.race([isComplete, over])
    cancel()
    const send = (type: StreamType) => (bytes: Uint8Array) => opened.get(type)?.send(bytes) ?? Promise.resolve()
    const told = {
      stdout: send('stdout'),
      stderr: send('stderr'),
      error: send('error'),
      hasStatus: protocol === protocols[0],
      resize: hasSizes ? resize : undefined,
    }
    await converse(execution, streams, told, runtimesTelling(asked, wanted))
    for (const stream of opened.values()) stream.end()
  }
  talking()
    .catch(asked.failed)
    .finally(() => connection.part())
  return undefined
}

function expectedOf({ stdin, stdout, stderr, tty }: CommandRequest, hasSizes: boolean): ReadonlySet<StreamType> {
  const expected = new Set<StreamType>(['error'])
  if (stdin) expected.add('stdin')
  if (stdout) expected.add('stdout')
  if (stderr) expected.add('stderr')
  if (tty && hasSizes) expected.add('resize')
  return expected
}

function onReset(type: StreamType, { stdout, stderr }: PreparedStreams): (() => void) | undefined {
  if (type === 'stdout') return () => stdout?.abandon()
  if (type === 'stderr') return () => stderr?.abandon()
  return undefined
}

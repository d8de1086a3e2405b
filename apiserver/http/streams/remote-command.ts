// A command of a container and a client, once they are connected: output goes out as it comes, sizes of the terminal go in,
// and in the end it is told how the command ended. The same for every protocol; called by connections.ts.
// Upstream: k8s.io/cri-streaming pkg/streaming/remotecommand (exec.go, attach.go, httpstream.go), containerd internal/cri/server
// (container_exec.go), k8s.io/apiserver pkg/util/proxy/streamtranslator.go.

import type { CommandStreams, Execution } from '../../../src/client/node-client.ts'
import type { BytePipe } from '../../../src/env/byte-pipe.ts'

/** Where bytes go; resolves when more may go. */
export type Send = (bytes: Uint8Array) => Promise<void>

export interface CommandConnection {
  readonly stdout?: Send | undefined
  readonly stderr?: Send | undefined
  /** How it ended: as a Status, or in words where the protocol is too old for it. */
  readonly error: Send
  readonly hasStatus: boolean
  /** Sizes of the terminal, as JSON. */
  readonly resize?: BytePipe | undefined
}

/** What the end of a command is called, differently by who tells it. */
export interface Telling {
  /** Undefined: codes are not told of. */
  readonly exit: ((code: number) => string) | undefined
  readonly fault: (words: string) => string
}

/** At most so many bytes a message, as Go copies. */
const longestChunk = 32 * 1024

/** Resolves when all has been sent. */
export async function converse(
  execution: Execution,
  streams: CommandStreams,
  connection: CommandConnection,
  telling: Telling,
): Promise<void> {
  const sized = connection.resize && followSizes(connection.resize, execution)
  // It is looked at in the end.
  sized?.catch(() => {})
  const sent = Promise.all([pump(streams.stdout, connection.stdout), pump(streams.stderr, connection.stderr)])
  let status: Status
  try {
    const code = await execution.ended
    status = code === 0 || telling.exit === undefined ? success : exited(code, telling.exit(code))
  } catch (error) {
    status = internal(telling.fault((error as Error).message))
    streams.stdout?.end()
    streams.stderr?.end()
  }
  await sent
  await tell(connection, status)
  connection.resize?.end()
  await sized
}

/** Tells a client, who is connected already, that there is no command to talk to. */
export function tellRefusal(connection: Pick<CommandConnection, 'error' | 'hasStatus'>, words: string): Promise<void> {
  return tell(connection, internal(words))
}

export async function pump(from: BytePipe | undefined, to: Send | undefined): Promise<void> {
  if (from === undefined || to === undefined) return
  for (;;) {
    const chunk = from.take(longestChunk)
    if (chunk !== undefined) await to(chunk)
    else if (from.isOver) return
    else await from.changed()
  }
}

interface Status {
  readonly status: 'Success' | 'Failure'
  readonly message?: string
}

const success: Status = { status: 'Success' }

function exited(code: number, message: string): Status {
  const details = { causes: [{ reason: 'ExitCode', message: String(code) }] }
  return { status: 'Failure', message, reason: 'NonZeroExitCode', details } as Status
}

function internal(words: string): Status {
  const message = `Internal error occurred: ${words}`
  const details = { causes: [{ message: words }] }
  return { status: 'Failure', message, reason: 'InternalError', details, code: 500 } as Status
}

async function tell({ error, hasStatus }: Pick<CommandConnection, 'error' | 'hasStatus'>, status: Status) {
  if (hasStatus) await error(Buffer.from(JSON.stringify({ metadata: {}, ...status })))
  else if (status.message !== undefined) await error(Buffer.from(status.message))
}

/** No size of a terminal is as long as this. */
const longestSize = 4096

/** JSON objects one after the other, in pieces of any length. */
async function followSizes(pipe: BytePipe, execution: Execution): Promise<void> {
  let text = ''
  for await (const chunk of pipe) {
    text += Buffer.from(chunk).toString()
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      const size = sizeOf(text.slice(0, end + 1))
      if (size === undefined) return
      execution.resize(size)
      text = text.slice(end + 1)
    }
    if (text.length > longestSize) return
  }
}

function sizeOf(text: string): { columns: number; rows: number } | undefined {
  try {
    const { Width: columns, Height: rows } = JSON.parse(text)
    const isSize = (value: unknown) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 65_536
    return isSize(columns) && isSize(rows) ? { columns, rows } : undefined
  } catch {
    return undefined
  }
}

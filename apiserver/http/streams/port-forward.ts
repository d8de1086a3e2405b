// Forwarded ports: any number of TCP connections into a pod over one connection to the server. Over SPDY each is a pair of
// streams with one requestID, and so it is where SPDY goes inside a WebSocket; the old way over WebSocket has two channels
// for each port, once. Called by connections.ts. Upstream: k8s.io/cri-streaming pkg/streaming/portforward (httpstream.go,
// websocket.go), k8s.io/apiserver pkg/util/proxy/streamtunnel.go.

import { ApiError } from '../../../src/api/errors.ts'
import type { ForwardedStreams, PodLike } from '../../../src/client/node-client.ts'
import { BytePipe } from '../../../src/env/byte-pipe.ts'
import type { Cancel } from '../../../src/env/clock.ts'
import { Channels } from './channels.ts'
import { forwardedPorts, portOf } from './connecting.ts'
import type { Asked } from './connections.ts'
import { isWebSocket, offered, openWebSocket, refuseInWords } from './handshake.ts'
import { pump, type Send } from './remote-command.ts'
import { SpdyConnection, type SpdyStream } from './spdy-connection.ts'
import { agreedSpdy, openSpdy } from './spdy-handshake.ts'
import { tunnelWire } from './wire.ts'

const protocol = 'portforward.k8s.io'
const tunnelPrefix = 'SPDY/3.1+'

/** So much of what a client sends is kept for one connection before all of them wait. */
const inputCapacity = 1024 * 1024

/** A client has so long to open the second stream of a pair. */
const longestPairing = 30_000

/** Resolves when it is open, or with the refusal that was told; rejects with an ApiError that is to be told. */
export async function forwardPorts(asked: Asked): Promise<ApiError | undefined> {
  if (!isWebSocket(asked.request)) {
    const agreed = agreedSpdy(asked, [protocol])
    if (agreed instanceof ApiError) return agreed
    const pairs = new Pairs(asked)
    pairs.serve(openSpdy(asked, agreed, stream => pairs.accept(stream))).catch(asked.failed)
    return undefined
  }
  const names = offered(asked.request.headers['sec-websocket-protocol'])
  if (names.some(name => name.startsWith(tunnelPrefix) && name.endsWith('.k8s.io'))) return tunnel(asked, names)
  return overChannels(asked, names)
}

async function tunnel(asked: Asked, names: readonly string[]): Promise<ApiError | undefined> {
  const { request, socket, head, clock, ending } = asked
  const agreed = `${tunnelPrefix}${protocol}`
  if (!names.includes(agreed)) {
    const words = `unable to upgrade: unable to negotiate protocol: client supports [${names.join(' ')}], server accepts [${agreed}]`
    const refusal = new ApiError('Forbidden', words)
    refuseInWords(socket, refusal.code, words)
    return refusal
  }
  const wire = tunnelWire(await openWebSocket(request, socket, head, agreed))
  const hangUp = (): void => wire.destroy()
  ending.addEventListener('abort', hangUp, { once: true })
  wire.onClose(() => ending.removeEventListener('abort', hangUp))
  const pairs = new Pairs(asked)
  pairs.serve(new SpdyConnection(wire, { clock, accept: stream => pairs.accept(stream) })).catch(asked.failed)
  return undefined
}

interface Pair {
  data?: SpdyStream
  error?: SpdyStream
  readonly streams: ForwardedStreams
  readonly gone: AbortController
  readonly cancel: Cancel
}

class Pairs {
  readonly #asked: Asked
  /** Those that are not complete, by their requestID. */
  readonly #waiting = new Map<string, Pair>()
  readonly #open = new Set<Pair>()

  constructor(asked: Asked) {
    this.#asked = asked
  }

  async serve(connection: SpdyConnection): Promise<void> {
    await connection.run()
    for (const pair of this.#waiting.values()) pair.cancel()
    for (const pair of this.#open) leave(pair)
  }

  /** A sentence refuses the stream. */
  accept(stream: SpdyStream): string | undefined {
    const port = stream.headers.get('port') ?? ''
    const type = stream.headers.get('streamtype') ?? ''
    if (port === '') return '"port" header is required'
    try {
      portOf(port)
    } catch (error) {
      return (error as Error).message
    }
    if (type === '') return '"streamType" header is required'
    if (type !== 'error' && type !== 'data') return `invalid stream type ${JSON.stringify(type)}`
    const id = requestId(stream, type)
    const pair = this.#waiting.get(id) ?? this.#begin(id)
    if (pair[type] !== undefined) {
      say(pair.error, `error processing stream for request ${id}: ${type} stream already assigned`)
      return undefined
    }
    pair[type] = stream
    if (type === 'data') stream.input = pair.streams.toPod
    if (pair.data === undefined || pair.error === undefined) return undefined
    this.#waiting.delete(id)
    pair.cancel()
    this.#open.add(pair)
    pair.data.onReset = () => leave(pair)
    this.#forward(pair, pair.data, pair.error, Number(port))
      .catch(this.#asked.failed)
      .finally(() => this.#open.delete(pair))
    return undefined
  }

  #begin(id: string): Pair {
    const gone = new AbortController()
    const pair: Pair = {
      gone,
      streams: { toPod: new BytePipe(inputCapacity), fromPod: new BytePipe(), signal: gone.signal },
      cancel: this.#asked.clock.after(longestPairing, () => {
        this.#waiting.delete(id)
        say(pair.error, `(request=${id}) timed out waiting for streams`)
      }),
    }
    this.#waiting.set(id, pair)
    return pair
  }

  async #forward(pair: Pair, data: SpdyStream, error: SpdyStream, port: number): Promise<void> {
    const fault = await connected(this.#asked, port, pair.streams, bytes => data.send(bytes))
    if (fault !== undefined) await error.send(Buffer.from(fault))
    data.end()
    error.end()
  }
}

/** Old clients give none: then it follows from the streams' order, the error's before the data's. */
function requestId(stream: SpdyStream, type: 'error' | 'data'): string {
  return stream.headers.get('requestid') || String(type === 'error' ? stream.id : stream.id - 2)
}

function say(stream: SpdyStream | undefined, words: string): void {
  void stream?.send(Buffer.from(words))
}

function leave({ streams, gone }: Pick<Pair, 'streams' | 'gone'>): void {
  streams.toPod.end()
  streams.fromPod.abandon()
  gone.abort()
}

/** Resolves when the connection into the pod is over and all of it has been sent; with a sentence when it broke. */
async function connected(
  { nodes, pod }: Asked,
  port: number,
  streams: ForwardedStreams,
  send: Send,
): Promise<string | undefined> {
  const sending = pump(streams.fromPod, send)
  try {
    await nodes.portForward(pod as unknown as PodLike, port, streams)
    await sending
    return undefined
  } catch (error) {
    return (error as Error).message
  } finally {
    streams.fromPod.end()
    streams.toPod.abandon()
  }
}

const channelProtocols = [
  { name: 'v4.channel.k8s.io', isBinary: true },
  { name: 'v4.base64.channel.k8s.io', isBinary: false },
  { name: '', isBinary: true },
]

/** Of port number n: its data are channel 2n, its fault 2n + 1; each begins with the port's number, the low byte first. */
async function overChannels(asked: Asked, names: readonly string[]): Promise<ApiError | undefined> {
  const { request, socket, head, clock, ending, query } = asked
  let ports: readonly number[]
  try {
    ports = forwardedPorts(query)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    refuseInWords(socket, error.code, error.message)
    return error
  }
  const found = (names.length === 0 ? [''] : names)
    .map(name => channelProtocols.find(each => each.name === name))
    .find(each => each !== undefined)
  if (found === undefined) {
    const refusal = new ApiError('Forbidden', `requested protocol(s) are not supported: [${names.join(' ')}]`)
    refuseInWords(socket, refusal.code, '')
    return refusal
  }
  const gone = new AbortController()
  const forwarded = ports.map(port => ({
    port,
    gone,
    streams: { toPod: new BytePipe(inputCapacity), fromPod: new BytePipe(), signal: gone.signal },
  }))
  const incoming = new Map(forwarded.map(({ streams }, at) => [2 * at, streams.toPod]))
  const opened = await openWebSocket(request, socket, head, found.name)
  const channels = new Channels(opened, {
    protocol: { ...found, hasClose: false, hasStatus: false },
    incoming,
    clock,
  })
  const hangUp = (): void => channels.terminate()
  ending.addEventListener('abort', hangUp, { once: true })
  channels.gone.addEventListener('abort', () => {
    ending.removeEventListener('abort', hangUp)
    for (const each of forwarded) leave(each)
  })
  const all = forwarded.map(async ({ port, streams }, at) => {
    const number = Buffer.of(port & 0xff, port >> 8)
    void channels.send(2 * at, number)
    void channels.send(2 * at + 1, number)
    const fault = await connected(asked, port, streams, bytes => channels.send(2 * at, bytes))
    if (fault !== undefined) await channels.send(2 * at + 1, Buffer.from(fault))
  })
  Promise.all(all)
    .catch(asked.failed)
    .finally(() => channels.close())
  return undefined
}

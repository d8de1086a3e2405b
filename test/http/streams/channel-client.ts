// A WebSocket client of exec, attach and the old port-forward: messages by channel, as they come.

import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { Door } from '../door.ts'

export interface ChannelClient {
  readonly socket: WebSocket
  readonly protocol: string
  /** Everything that came on a channel so far, as text. */
  said(channel: number): string
  /** How many messages came on a channel. */
  count(channel: number): number
  send(channel: number, text: string | Uint8Array): void
  /** That a channel has ended, in v5. */
  end(channel: number): void
  /** Resolves with the code when the server has closed. */
  closed(): Promise<number>
  /** Resolves when all that was said on a channel satisfies. */
  until(channel: number, test: (said: string) => boolean): Promise<void>
}

export interface RefusedUpgrade {
  readonly code: number
  readonly text: string
  readonly type: string | undefined
}

function open(door: Door, path: string, protocols: string[], token?: string): WebSocket {
  return new WebSocket(`wss://127.0.0.1:${door.port}${path}`, protocols, {
    ca: door.certificates.ca.cert,
    ...(token === undefined
      ? { cert: door.certificates.admin.cert, key: door.certificates.admin.key }
      : { headers: { authorization: `Bearer ${token}` } }),
  })
}

export async function channelClient(door: Door, path: string, ...protocols: string[]): Promise<ChannelClient> {
  const socket = open(door, path, protocols)
  const isBase64 = protocols.some(name => name.includes('base64'))
  const said = new Map<number, Buffer[]>()
  let heard = (): void => {}
  const closed = once(socket, 'close').then(([code]) => code as number)
  socket.on('message', (data: Buffer) => {
    const channel = isBase64 ? Number(data.toString('latin1', 0, 1)) : data[0]!
    const rest = isBase64 ? Buffer.from(data.toString('latin1', 1), 'base64') : data.subarray(1)
    said.set(channel, [...(said.get(channel) ?? []), rest])
    heard()
  })
  await once(socket, 'open')
  const all = (channel: number) => Buffer.concat(said.get(channel) ?? []).toString()
  return {
    socket,
    protocol: socket.protocol,
    said: all,
    count: channel => said.get(channel)?.length ?? 0,
    send(channel, text) {
      const bytes = Buffer.from(text)
      if (isBase64) socket.send(`${channel}${bytes.toString('base64')}`)
      else socket.send(Buffer.concat([Buffer.of(channel), bytes]))
    },
    end: channel => socket.send(Buffer.of(255, channel)),
    closed: () => closed,
    until: (channel, test) =>
      new Promise((resolve, reject) => {
        heard = () => {
          if (test(all(channel))) resolve()
        }
        heard()
        void closed.then(code => reject(new Error(`closed with ${code} before; it said ${all(channel)}`)))
      }),
  }
}

/** An upgrade that must be refused. */
export function refusedUpgrade(door: Door, path: string, protocols: string[], token?: string): Promise<RefusedUpgrade> {
  const socket = open(door, path, protocols, token)
  return new Promise((resolve, reject) => {
    socket.on('open', () => reject(new Error('not refused')))
    socket.on('error', () => {})
    socket.on('unexpected-response', async (_request, response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ code: response.statusCode ?? 0, text, type: response.headers['content-type'] })
    })
  })
}

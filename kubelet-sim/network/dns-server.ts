// The cluster's name server on a loopback port, over UDP and TCP, for dig and for programs outside that want cluster names.
// Opened by serve.ts. What it says is names.ts'; the packets are dns-packet's, loaded with the first question.

import dgram from 'node:dgram'
import net from 'node:net'
import type { Answer, Packet } from 'dns-packet'
import { clusterAnswer, clusterDomain, type DnsRecord } from './names.ts'
import type { Network } from './network.ts'

export interface DnsServer {
  /** `127.0.0.1:5353`. */
  readonly place: string
  close(): Promise<void>
}

type Library = Pick<typeof import('dns-packet'), 'encode' | 'decode'>

const address = '127.0.0.1'
/** RFC 1035's for a client that says nothing of more (RFC 6891). */
const leastSize = 512
const largestSize = 4096
const mostConnections = 100
const tries = 8

/** On that port, or (0) a free one, the same for both. Rejects with the system's error. */
export async function openDnsServer(network: Network, port: number): Promise<DnsServer> {
  for (let attempt = 1; ; attempt++) {
    const udp = await bound(port)
    const number = udp.address().port
    try {
      const tcp = await listening(number)
      return served(network, udp, tcp, number)
    } catch (error) {
      await new Promise<void>(resolve => udp.close(() => resolve()))
      if (port !== 0 || attempt === tries) throw error
    }
  }
}

function served(network: Network, udp: dgram.Socket, tcp: net.Server, port: number): DnsServer {
  const connections = new Set<net.Socket>()
  udp.on('message', (bytes, from) => {
    void answered(network, bytes, true).then(answer => {
      if (answer) udp.send(answer, from.port, from.address, () => {})
    })
  })
  // A client that is gone is told of by some systems as an error of the next receive.
  udp.on('error', () => {})
  tcp.maxConnections = mostConnections
  tcp.on('connection', socket => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
    socket.on('error', () => socket.destroy())
    void conversation(network, socket).catch(() => socket.destroy())
  })
  return {
    place: `${address}:${port}`,
    async close() {
      for (const socket of connections) socket.destroy()
      await Promise.all([
        new Promise<void>(resolve => udp.close(() => resolve())),
        new Promise<void>(resolve => tcp.close(() => resolve())),
      ])
    },
  }
}

/** Message after message, each with its length before it. */
async function conversation(network: Network, socket: net.Socket): Promise<void> {
  let held = Buffer.alloc(0)
  for await (const chunk of socket) {
    held = Buffer.concat([held, chunk as Buffer])
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const length = held.readUInt16BE(0)
      const answer = await answered(network, held.subarray(2, 2 + length), false)
      held = held.subarray(2 + length)
      if (!answer) return void socket.destroy()
      const size = Buffer.alloc(2)
      size.writeUInt16BE(answer.length)
      socket.write(Buffer.concat([size, answer]))
    }
  }
}

/** Undefined where the bytes are no question. */
async function answered(network: Network, bytes: Uint8Array, isDatagram: boolean): Promise<Buffer | undefined> {
  const library = await load()
  let query: Packet
  try {
    query = library.decode(bytes)
  } catch {
    return undefined
  }
  if (query.type !== 'query') return undefined
  const response = responseTo(network, query)
  const whole = library.encode(response)
  const asked = query.additionals?.find(({ type }) => type === 'OPT')?.udpPayloadSize ?? leastSize
  if (!isDatagram || whole.length <= Math.min(Math.max(asked, leastSize), largestSize)) return whole
  return library.encode({
    ...response,
    flags: response.flags | truncated,
    answers: [],
    authorities: [],
    additionals: [],
  })
}

/** CommonJS: whole as the default, or (in a bundle) as names. */
async function load(): Promise<Library> {
  const loaded = (await import('dns-packet').catch(cause => {
    throw new Error('the package dns-packet is not installed', { cause })
  })) as Library & { default?: Library }
  return loaded.default ?? loaded
}

const authoritative = 1 << 10
const truncated = 1 << 9
const recursionDesired = 1 << 8
const recursionAvailable = 1 << 7
const codes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const

function responseTo(network: Network, { id, flags, questions, additionals }: Packet): Packet {
  const [question] = questions
  const opened = (flags & recursionDesired) | recursionAvailable
  const hasExtension = additionals?.some(({ type }) => type === 'OPT') ?? false
  const extension: NonNullable<Packet['additionals']> = hasExtension
    ? [{ type: 'OPT', name: '.', udpPayloadSize: largestSize, data: [] }]
    : []
  const refused = (code: keyof typeof codes): Packet => ({
    id,
    type: 'response',
    flags: opened | codes[code],
    questions,
    additionals: extension,
  })
  if (question === undefined) return refused('FORMERR')
  try {
    const { code, records, additional, isAuthoritative } = clusterAnswer(network, question.name, question.type)
    return {
      id,
      type: 'response',
      flags: opened | codes[code] | (isAuthoritative ? authoritative : 0),
      questions,
      answers: records.map(packed),
      // Why there is nothing, and for how long (RFC 2308).
      authorities: records.length === 0 && isAuthoritative ? [authority] : [],
      additionals: [...additional.map(packed), ...extension],
    }
  } catch {
    // Neither kubelet nor proxy works in this process.
    return refused('SERVFAIL')
  }
}

const authority: Answer = {
  name: clusterDomain,
  type: 'SOA',
  ttl: 30,
  data: {
    mname: `ns.dns.${clusterDomain}`,
    rname: `hostmaster.${clusterDomain}`,
    serial: 1,
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: 30,
  },
}

function packed({ name, type, ttl, data }: DnsRecord): Answer {
  return { name, type, ttl, class: 'IN', data: type === 'SRV' ? service(data) : data }
}

function service(data: string): object {
  const [priority, weight, port, target] = data.split(' ')
  return { priority: Number(priority), weight: Number(weight), port: Number(port), target }
}

function bound(port: number): Promise<dgram.Socket> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket('udp4')
    socket.once('error', reject)
    socket.bind({ port, address }, () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

function listening(port: number): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen(port, address, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

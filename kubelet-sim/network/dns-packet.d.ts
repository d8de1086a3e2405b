// What dns-server.ts uses of the package dns-packet.

declare module 'dns-packet' {
  export interface Question {
    name: string
    type: string
    class?: string
  }
  export interface Answer {
    name: string
    type: string
    ttl: number
    class?: 'IN'
    data: unknown
  }
  export interface Packet {
    id: number
    type: 'query' | 'response'
    flags: number
    questions: Question[]
    answers?: Answer[]
    authorities?: Answer[]
    additionals?: (Partial<Answer> & { type: string; udpPayloadSize?: number })[]
  }
  export function decode(bytes: Uint8Array): Packet
  export function encode(packet: Packet): Buffer
}

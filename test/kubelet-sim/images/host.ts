// A machine of an image for tests: its files, its programs, and sockets that only serve: what a test asks of a port is
// answered by the program that serves there.

import { ImageBook } from '../../../kubelet-sim/image-book.ts'
import { layerOf } from '../../../kubelet-sim/images/layers.ts'
import { imagePrograms } from '../../../kubelet-sim/images/programs/index.ts'
import { noSockets } from '../../../kubelet-sim/machine/no-sockets.ts'
import type { Program } from '../../../kubelet-sim/machine/process.ts'
import type { Sockets } from '../../../kubelet-sim/machine/sockets.ts'
import type { SimulatedRequest, SimulatedResponse } from '../../../src/client/node-client.ts'
import { type TestMachine, testMachine } from '../machine/machine.ts'

type Handler = Parameters<Sockets['serve']>[1]

export interface Host extends TestMachine {
  readonly ports: readonly number[]
  ask(
    port: number,
    path: string,
    request?: Partial<SimulatedRequest>,
  ): Promise<{ status: number; text: string; headers: Readonly<Record<string, string>> }>
}

export function hostOf(
  image: string,
  more: Readonly<Record<string, Program>> = {},
  sockets: Partial<Sockets> = {},
): Host {
  const book = new ImageBook()
  const served = new Map<number, Handler>()
  const programs = Object.fromEntries([...imagePrograms(book), ...Object.entries(more)])
  const own: Sockets = {
    ...noSockets,
    addresses: ['10.244.1.2'],
    serve(port, answer) {
      served.set(port, answer)
      return { close: () => void (served.get(port) === answer && served.delete(port)) }
    },
    share: () => own,
    ...sockets,
  }
  const test = testMachine({
    layer: layerOf(book.find(image)),
    programs,
    facts: { image, hostname: 'web-1', pod: 'web-1' },
    parts: { sockets: own },
  })
  return {
    ...test,
    get ports() {
      return [...served.keys()].sort((a, b) => a - b)
    },
    async ask(port, path, request = {}) {
      const whole: SimulatedRequest = { method: 'GET', path, headers: {}, body: new Uint8Array(), ...request }
      const handler = served.get(port)
      if (!handler) throw new Error(`nobody listens on ${port}`)
      let response: SimulatedResponse | undefined
      const program: Program = function* () {
        response = yield* handler(whole, { host: '10.244.0.9', port: 40_000 })
        return 0
      }
      const { running } = test.start(['asks'], { program })
      await test.env.clock.advanceUntil(() => running.exitCode !== undefined, 3_600_000)
      const { status, headers, body } = response!
      return { status, headers, text: Buffer.from(body).toString() }
    },
  }
}

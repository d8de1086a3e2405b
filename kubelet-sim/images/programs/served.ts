// A server that its image tells of: the same answers, lines and end as when nothing runs for it, as a program. Run where a
// command has to be run after all (from a script, or because something is mounted over what it reads).

import type { Container } from '../../../generated/types.ts'
import type { Frozen } from '../../../src/api/meta.ts'
import type { ImageBook } from '../../image-book.ts'
import { behaviourOf } from '../../images.ts'
import type { Program } from '../../machine/process.ts'
import type { Step } from '../../machine/wait.ts'
import { respond } from '../../network/http.ts'
import { accessLine } from '../access-log.ts'
import { fillTimes } from '../placeholders.ts'
import { endingOn } from './ending.ts'

/** `declared`: what its container's spec and its pod's annotations say beyond the image. */
export function servedBy(images: ImageBook, declared: Declared = {}): Program {
  return function* (process) {
    const { machine, sockets, clock } = process
    const [name = '', ...args] = process.argv
    const { ports, overrides = {} } = declared
    const of = { name: machine.container, image: machine.image, command: [name], args }
    const container = ports === undefined ? of : { ...of, ports }
    const behaviour = behaviourOf(container, images.find(machine.image), overrides, machine.pod)
    const { onTerm = 143, script } = behaviour
    const ending = endingOn(process, { TERM: onTerm, INT: onTerm, QUIT: onTerm })
    for (const { text } of script.lines) yield* process.print(`${fillTimes(text, clock.now())}\n`)
    if (script.exit !== undefined) {
      yield* process.sleep(script.exit.at)
      return script.exit.code
    }
    if (behaviour.listensAfter > 0) yield* process.sleep(behaviour.listensAfter)
    const speaker = { pod: machine.pod, node: machine.node, address: machine.podIPs[0], unhealthy: false }
    for (const port of behaviour.ports) {
      if (behaviour.tcp) {
        const listener = sockets.listen(port)
        process.spawn({ argv: process.argv, program: () => accepting(listener) })
        continue
      }
      sockets.serve(port, function* (request, from) {
        const response = respond(behaviour, request, { ...speaker, client: from.host })
        const { method, path, headers } = request
        const served = { at: clock.now(), client: from.host, method, path, headers }
        const line = accessLine(behaviour.accessLog, {
          ...served,
          status: response.status,
          bytes: response.body.length,
        })
        if (line !== undefined) yield* process.print(`${line}\n`)
        return response
      })
    }
    return yield* ending.wait()
  }
}

export interface Declared {
  readonly ports?: Frozen<Container>['ports']
  readonly overrides?: Readonly<Record<string, string>>
}

/** Takes connections, hears them out, and says nothing: what is spoken there is not simulated. */
function* accepting(listener: { accept(): Step<{ close(): void }> }): Step<number> {
  for (;;) (yield* listener.accept()).close()
}

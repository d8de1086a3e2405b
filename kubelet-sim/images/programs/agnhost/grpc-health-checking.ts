// agnhost grpc-health-checking: gRPC's health service on --port, and on --http-port what makes it well or not
// (test/images/agnhost/grpc-health-checking/grpc-health-checking.go).

import type { SimulatedRequest, SimulatedResponse } from '../../../../src/client/node-client.ts'
import type { Process } from '../../../machine/process.ts'
import type { Step } from '../../../machine/wait.ts'
import { Waiters } from '../../../machine/waiters.ts'
import { fillTimes } from '../../placeholders.ts'
import { endingOn } from '../ending.ts'
import { flagsOf, httpError, log, pathOf, reply } from '../go.ts'
import { Threads } from '../threads.ts'

export function* grpcHealthChecking(process: Process, words: readonly string[]): Step<number> {
  const known = { port: '5000', 'http-port': '8080', 'delay-unhealthy-sec': '-1', service: '' }
  const { text } = yield* flagsOf(process, words, known)
  const started = process.clock.now()
  const delay = Number(text['delay-unhealthy-sec'])
  let isForced: boolean | undefined
  const isUnwell = () => isForced === true || (delay >= 0 && process.clock.now() - started >= delay * 1000)

  // A check is answered at once; the line that tells of it is printed when the program is next on.
  let asked = 0
  const news = new Waiters()
  process.sockets.serveHealth(Number(text.port), service => {
    asked++
    news.tell()
    if (service !== text.service) return undefined
    return isUnwell() ? 'NOT_SERVING' : 'SERVING'
  })
  const telling = function* (): Step<void> {
    for (let told = 0; ; ) {
      while (told === asked) yield news.until(() => told !== asked)
      told++
      const at = fillTimes('$(go-time)', started)
      yield* log(process, `Serving the Check request for health check, started at ${at}`)
    }
  }
  const answer = function* (request: SimulatedRequest): Step<SimulatedResponse> {
    const path = pathOf(request)
    if (path !== '/make-serving' && path !== '/make-not-serving') return httpError('404 page not found', 404)
    isForced = path === '/make-not-serving'
    yield* log(process, `Mark as ${isForced ? 'unhealthy' : 'healthy'}`)
    return reply(`${(process.clock.now() - started) / 1000}s`)
  }
  process.sockets.serve(Number(text['http-port']), answer)
  yield* log(process, `Http server starting to listen on :${text['http-port']}`)
  yield* log(process, `gRPC server starting to listen on :${text.port}`)
  const threads = new Threads()
  threads.add(telling())
  return yield* threads.run(endingOn(process, { TERM: 143, INT: 130 }).wait())
}

// agnhost crd-conversion-webhook: converts stable.example.com between v1 (hostPort) and v2 (host, port), as upstream's example
// does (test/images/agnhost/crd-conversion-webhook/converter).

import type { SimulatedRequest, SimulatedResponse } from '../../../../src/client/node-client.ts'
import type { Process } from '../../../machine/process.ts'
import type { Step } from '../../../machine/wait.ts'
import { endingOn } from '../ending.ts'
import { flagsOf, httpError, pathOf, quote, reply } from '../go.ts'
import { pairIn } from './serving-tls.ts'

export function* crdConversionWebhook(process: Process, words: readonly string[]): Step<number> {
  const { text } = yield* flagsOf(process, words, { 'tls-cert-file': '', 'tls-private-key-file': '', port: '9443' })
  const serving = yield* pairIn(process, text['tls-cert-file']!, text['tls-private-key-file']!)
  // biome-ignore lint/correctness/useYield: an answer that waits for nothing
  const answer = function* (request: SimulatedRequest): Step<SimulatedResponse> {
    if (pathOf(request) === '/readyz') return reply('ok')
    return pathOf(request) === '/crdconvert' ? converted(request) : httpError('404 page not found', 404)
  }
  process.sockets.serve(Number(text.port), answer, undefined, serving)
  return yield* endingOn(process, { TERM: 143, INT: 130 }).wait()
}

function converted({ headers, body }: SimulatedRequest): SimulatedResponse {
  const type = headers['content-type'] ?? ''
  if (type !== 'application/json') return httpError(`invalid Content-Type header \`${type}\``, 400)
  let review: any
  try {
    review = JSON.parse(Buffer.from(body).toString())
  } catch (error) {
    return httpError(`failed to deserialize body with error ${(error as Error).message}`, 400)
  }
  if (review.kind !== 'ConversionReview' || !/^apiextensions\.k8s\.io\/v1(beta1)?$/.test(review.apiVersion)) {
    return httpError(`Unsupported group version kind: ${review.apiVersion}, Kind=${review.kind}`, 400)
  }
  const { uid, objects, desiredAPIVersion } = review.request
  const response: { uid: string; result: object; convertedObjects?: object[] } = { uid, result: { status: 'Success' } }
  try {
    response.convertedObjects = objects.map((object: any) => ({
      ...example(object, desiredAPIVersion),
      apiVersion: desiredAPIVersion,
    }))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    response.result = { status: 'Failure', message: error.message }
  }
  const { kind, apiVersion } = review
  const text = JSON.stringify({
    kind,
    apiVersion,
    request: { uid: '', desiredAPIVersion: '', objects: null },
    response,
  })
  return reply(text, 200, { 'content-type': 'application/json' })
}

class Fault extends Error {}

function example(object: any, to: string): object {
  const from: string = object.apiVersion
  if (from === to) throw new Fault(`conversion from a version to itself should not call the webhook: ${to}`)
  if (from === 'stable.example.com/v1') {
    if (to !== 'stable.example.com/v2') throw new Fault(`unexpected conversion version ${quote(to)}`)
    const { hostPort, ...rest } = object
    if (hostPort === undefined) return rest
    const parts = String(hostPort).split(':')
    if (parts.length !== 2) throw new Fault(`invalid hostPort value \`${hostPort}\``)
    return { ...rest, host: parts[0], port: parts[1] }
  }
  if (from !== 'stable.example.com/v2') throw new Fault(`unexpected conversion version ${quote(from)}`)
  if (to !== 'stable.example.com/v1') throw new Fault(`unexpected conversion version ${quote(to)}`)
  const { host, port, ...rest } = object
  return host === undefined && port === undefined ? rest : { ...rest, hostPort: `${host ?? ''}:${port ?? ''}` }
}

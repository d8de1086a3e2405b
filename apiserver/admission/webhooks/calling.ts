// One call of one webhook: where it is, what it is asked, what it says. Called by webhooks.ts, outside of any turn. A
// failure to get an answer is a CallFailure, which the hook's failurePolicy may forgive; a refusal is an ApiError.
// Upstream: k8s.io/apiserver/pkg/admission/plugin/webhook/{mutating,validating}/dispatcher.go, pkg/util/webhook/client.go.

import type {
  AdmissionregistrationV1WebhookClientConfig,
  MutatingWebhook,
  ValidatingWebhook,
} from '../../../generated/types.ts'
import { badRequest } from '../../../src/api/errors.ts'
import type { Frozen } from '../../../src/api/meta.ts'
import { type Outgoing, OutgoingError, type OutgoingResponse } from '../../outgoing/outgoing.ts'
import { resolveService } from '../../outgoing/service-endpoint.ts'
import type { Present } from '../../storage/storage.ts'
import type { AdmissionRequest } from '../admission.ts'
import { type Question, refusalOf, UnusableAnswer, type Verdict, verdictOf } from './admission-review.ts'

export type Webhook = Frozen<MutatingWebhook> | Frozen<ValidatingWebhook>

/** The message is what stands behind `failed calling webhook "NAME": `. */
export class CallFailure extends Error {}

export interface Caller {
  readonly outgoing: Outgoing
  /** The present of the moment, for Services. */
  readonly present: Pick<Present, 'get' | 'withTerm'>
}

/** Resolves with the verdict when it is yes. Throws CallFailure, or ApiError when the webhook says no. */
export async function callWebhook(
  caller: Caller,
  hook: Webhook,
  question: () => Question,
  request: AdmissionRequest,
  isMutating: boolean,
): Promise<Verdict> {
  if (request.dryRun && hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun') {
    throw badRequest(`admission webhook ${JSON.stringify(hook.name)} does not support dry run`)
  }
  const asked = questionFor(question)
  const body = Buffer.from(JSON.stringify(asked.review))
  let verdict: Verdict
  const answer = await post(caller, hook, body)
  try {
    verdict = verdictOf(asked, JSON.parse(answer.body.toString('utf8')), isMutating)
  } catch (error) {
    if (error instanceof UnusableAnswer) {
      throw new CallFailure(`received invalid webhook response: ${error.message}`, { cause: error })
    }
    if (!(error instanceof SyntaxError)) throw error
    const start = answer.body.subarray(0, 64).toString('utf8')
    throw new CallFailure(
      `failed to call webhook: couldn't get version/kind; json parse error: ${error.message} (${JSON.stringify(start)})`,
      { cause: error },
    )
  }
  for (const warning of verdict.warnings) request.warn(warning)
  if (!verdict.allowed) throw refusalOf(hook.name, verdict.status)
  return verdict
}

function questionFor(question: () => Question): Question {
  try {
    return question()
  } catch (error) {
    if (!(error instanceof UnusableAnswer)) throw error
    throw new CallFailure(`could not create admission objects: ${error.message}`, { cause: error })
  }
}

async function post(caller: Caller, hook: Webhook, body: Buffer): Promise<OutgoingResponse> {
  const seconds = hook.timeoutSeconds ?? 10
  const target = targetOf(hook.clientConfig)
  const request = {
    method: 'POST',
    url: `${target.url}?timeout=${seconds}s`,
    serverName: target.service && `${target.service.name}.${target.service.namespace}.svc`,
    authorities: authoritiesOf(hook.clientConfig),
    headers: { 'Content-Type': 'application/json', Accept: 'application/json, */*' },
    body,
    timeout: seconds * 1000,
  }
  let response: OutgoingResponse
  try {
    const address = target.service && resolved(caller, target.service, request)
    response = await caller.outgoing({ ...request, address })
  } catch (error) {
    if (!(error instanceof OutgoingError)) throw error
    throw new CallFailure(`failed to call webhook: ${error.message}`, { cause: error })
  }
  if (response.status < 200 || response.status > 206) {
    throw new CallFailure(`failed to call webhook: ${wordsOf(response)}`)
  }
  return response
}

interface Target {
  readonly url: string
  readonly service?: { readonly name: string; readonly namespace: string; readonly port: number }
}

function targetOf({ url, service }: Frozen<AdmissionregistrationV1WebhookClientConfig>): Target {
  if (service === undefined) return { url: url ?? '' }
  const { name, namespace, path = '', port = 443 } = service
  const slash = path === '' || path.startsWith('/') ? '' : '/'
  return { url: `https://${name}.${namespace}.svc:${port}${slash}${path}`, service: { name, namespace, port } }
}

function resolved(caller: Caller, at: NonNullable<Target['service']>, request: { method: string; url: string }) {
  try {
    return resolveService(caller.present, at)
  } catch (error) {
    throw new OutgoingError(request, (error as Error).message, error)
  }
}

const authoritiesOf = ({ caBundle }: Frozen<AdmissionregistrationV1WebhookClientConfig>): string | undefined =>
  caBundle ? Buffer.from(caBundle, 'base64').toString('utf8') : undefined

/** client-go's words for an answer that is none (apimachinery/pkg/api/errors, NewGenericServerResponse). */
function wordsOf({ status, body }: OutgoingResponse): string {
  const text = body.toString('utf8').trim()
  switch (status) {
    case 401:
      return 'the server has asked for the client to provide credentials'
    case 403:
      return text || 'forbidden'
    case 404:
      return 'the server could not find the requested resource'
    case 405:
      return 'the server does not allow this method on the requested resource'
    case 429:
      return 'the server has received too many requests and has asked us to try again later'
    case 503:
      return text || 'the server is currently unable to handle the request'
    case 504:
      return 'the server was unable to return a response in the time allotted, but may still be processing the request'
  }
  if (status >= 500)
    return `an error on the server (${JSON.stringify(text || 'unknown')}) has prevented the request from succeeding`
  return `the server responded with the status code ${status} but did not return more information`
}

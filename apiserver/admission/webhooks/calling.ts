// One call of one webhook: where it is, what it is asked, what it says. Called by webhooks.ts, outside of any turn. A
// failure to get an answer is a CallFailure, which the hook's failurePolicy may forgive; a refusal is an ApiError.
// Upstream: k8s.io/apiserver/pkg/admission/plugin/webhook/{mutating,validating}/dispatcher.go, pkg/util/webhook/client.go.

import type { MutatingWebhook, ValidatingWebhook } from '../../../generated/types.ts'
import { badRequest } from '../../../src/api/errors.ts'
import type { Frozen } from '../../../src/api/meta.ts'
import { OutgoingError, type OutgoingResponse } from '../../outgoing/outgoing.ts'
import { postToWebhook, type WebhookCaller, WebhookRefusal } from '../../outgoing/webhook-client.ts'
import type { AdmissionRequest } from '../admission.ts'
import { type Question, refusalOf, UnusableAnswer, type Verdict, verdictOf } from './admission-review.ts'

export type Webhook = Frozen<MutatingWebhook> | Frozen<ValidatingWebhook>

/** The message is what stands behind `failed calling webhook "NAME": `. */
export class CallFailure extends Error {}

export type Caller = WebhookCaller

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
  if (request.annotate !== undefined) {
    for (const [key, value] of Object.entries(verdict.auditAnnotations)) {
      request.annotate(`${hook.name}/${key}`, String(value))
    }
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
  try {
    return await postToWebhook(caller, hook.clientConfig, `?timeout=${seconds}s`, body, seconds * 1000)
  } catch (error) {
    if (!(error instanceof OutgoingError) && !(error instanceof WebhookRefusal)) throw error
    throw new CallFailure(`failed to call webhook: ${error.message}`, { cause: error })
  }
}

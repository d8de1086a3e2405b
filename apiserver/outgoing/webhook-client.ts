// One POST to a webhook, where its client config says it is: by URL, or by a Service whose endpoints somebody real answers at.
// Called by admission/webhooks/ and custom/conversion-webhook.ts. Upstream: k8s.io/apiserver/pkg/util/webhook/client.go,
// client-go's words for an answer that is none (apimachinery/pkg/api/errors, NewGenericServerResponse).

import type { Millis } from '../../src/env/clock.ts'
import type { Present } from '../storage/storage.ts'
import { type Outgoing, OutgoingError, type OutgoingResponse } from './outgoing.ts'
import { resolveService } from './service-endpoint.ts'

export interface WebhookConfig {
  readonly url?: string | undefined
  readonly service?:
    | {
        readonly name?: string
        readonly namespace?: string
        readonly path?: string
        readonly port?: number
      }
    | undefined
  /** PEM in base64. */
  readonly caBundle?: string | undefined
}

export interface WebhookCaller {
  readonly outgoing: Outgoing
  /** The present of the moment, for Services. */
  readonly present: Pick<Present, 'get' | 'withTerm'>
}

/** Rejects with OutgoingError when there is no answer; with WebhookRefusal when it is none of success. */
export async function postToWebhook(
  caller: WebhookCaller,
  config: WebhookConfig,
  query: string,
  body: Buffer,
  timeout: Millis,
): Promise<OutgoingResponse> {
  const target = targetOf(config)
  const request = {
    method: 'POST',
    url: `${target.url}${query}`,
    serverName: target.service && `${target.service.name}.${target.service.namespace}.svc`,
    authorities: authoritiesOf(config),
    headers: { 'Content-Type': 'application/json', Accept: 'application/json, */*' },
    body,
    timeout,
  }
  const address = target.service && resolved(caller, target.service, request)
  const response = await caller.outgoing({ ...request, address })
  if (response.status < 200 || response.status > 206) throw new WebhookRefusal(wordsOf(response))
  return response
}

export class WebhookRefusal extends Error {}

interface Target {
  readonly url: string
  readonly service?: { readonly name: string; readonly namespace: string; readonly port: number }
}

function targetOf({ url, service }: WebhookConfig): Target {
  if (service === undefined) return { url: url ?? '' }
  const { name = '', namespace = '', path = '', port = 443 } = service
  const slash = path === '' || path.startsWith('/') ? '' : '/'
  return { url: `https://${name}.${namespace}.svc:${port}${slash}${path}`, service: { name, namespace, port } }
}

function resolved(caller: WebhookCaller, at: NonNullable<Target['service']>, request: { method: string; url: string }) {
  try {
    return resolveService(caller.present, at)
  } catch (error) {
    throw new OutgoingError(request, (error as Error).message, error)
  }
}

const authoritiesOf = ({ caBundle }: WebhookConfig): string | undefined =>
  caBundle ? Buffer.from(caBundle, 'base64').toString('utf8') : undefined

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

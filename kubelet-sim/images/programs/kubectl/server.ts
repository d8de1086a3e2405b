// The API server as kubectl in a container finds it: by the pod's service account, or by flags (client-go rest.InClusterConfig).
// Requests over the simulated network; refusals and faults of the way in kubectl's words.

import type { Process } from '../../../machine/process.ts'
import { NameError, type StreamedResponse, TlsError } from '../../../machine/sockets.ts'
import { SystemError } from '../../../machine/system-error.ts'
import type { Step } from '../../../machine/wait.ts'
import { goWords } from '../go.ts'
import { Failure, Refusal } from './failure.ts'
import type { Words } from './flags.ts'

const account = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface Asking {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly accept?: string
  readonly type?: string
  readonly body?: unknown
  /** Of a watch: when its time is over. */
  readonly due?: number | undefined
}

export class Server {
  /** Where commands look that name no namespace. */
  readonly namespace: string
  readonly #process: Process
  readonly #tls: boolean
  readonly #host: string
  readonly #port: number
  readonly #authorities: string | undefined
  readonly #unverified: boolean
  readonly #headers: Readonly<Record<string, string>>

  constructor(process: Process, words: Words) {
    for (const name of ['kubeconfig', 'context', 'user', 'cluster']) {
      if (words.value(name) !== undefined)
        throw new Failure(`error: kubesim's kubectl in a container has no --${name} yet`)
    }
    this.#process = process
    const { env } = process
    const token = words.value('token') ?? textAt(process, `${account}/token`)
    const [host, port] = [env.get('KUBERNETES_SERVICE_HOST'), env.get('KUBERNETES_SERVICE_PORT')]
    const inCluster = host && port && token !== undefined ? `https://${host}:${port}` : 'http://localhost:8080'
    const url = new URL(words.value('server') ?? inCluster)
    this.#tls = url.protocol === 'https:'
    this.#host = url.hostname.replace(/^\[|\]$/g, '')
    this.#port = Number(url.port || (this.#tls ? 443 : 80))
    this.#authorities = textAt(process, words.value('certificate-authority') ?? `${account}/ca.crt`)
    this.#unverified = words.has('insecure-skip-tls-verify')
    const impersonated = words.value('as')
    this.#headers = {
      host: url.host,
      'user-agent': 'kubectl/v1.36.0 (linux/amd64) kubernetes/kubesim',
      ...(token === undefined ? {} : { authorization: `Bearer ${token.trim()}` }),
      ...(impersonated === undefined ? {} : { 'impersonate-user': impersonated }),
    }
    this.namespace = words.value('namespace') ?? textAt(process, `${account}/namespace`)?.trim() ?? 'default'
  }

  /** The parsed answer. Throws Refusal for what is refused. */
  *ask(asking: Asking): Step<any> {
    const response = yield* this.#open(asking)
    const text = yield* textOf(response)
    return text === '' ? {} : JSON.parse(text)
  }

  /** The answer as it comes. */
  *open(asking: Asking): Step<StreamedResponse> {
    return yield* this.#open(asking)
  }

  /** The events of a watch, until `see` has seen enough (true), the watch ends, or the time is over. */
  *watch(asking: Asking, see: (event: { type: string; object: any }) => Step<boolean> | boolean): Step<void> {
    const response = yield* this.#open({ ...asking, query: { ...asking.query, watch: 'true' } })
    const decoder = new TextDecoder()
    let text = ''
    try {
      for (;;) {
        const bytes = yield* this.#inWords(this.#inTime(response, asking.due))
        if (bytes === undefined) return
        text += decoder.decode(bytes, { stream: true })
        const lines = text.split('\n')
        text = lines.pop()!
        for (const line of lines) {
          if (line === '') continue
          const event = JSON.parse(line)
          if (event.type === 'ERROR') throw new Refusal(event.object)
          const seen = see(event)
          if (typeof seen === 'boolean' ? seen : yield* seen) return
        }
      }
    } finally {
      response.close()
    }
  }

  /** Undefined at the end, or when the time is over. */
  *#inTime(response: StreamedResponse, due: number | undefined): Step<Uint8Array | undefined> {
    try {
      return yield* response.read()
    } catch (error) {
      const isLate = due !== undefined && this.#process.clock.now() >= due
      if (isLate && error instanceof SystemError && error.errno === 'ETIMEDOUT') return undefined
      throw error
    }
  }

  *#open({
    due,
    method = 'GET',
    path,
    query = {},
    accept = 'application/json',
    type,
    body,
  }: Asking): Step<StreamedResponse> {
    const { sockets } = this.#process
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.append(name, value)
    const bytes =
      body === undefined ? new Uint8Array() : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const headers: Record<string, string> = { ...this.#headers, accept }
    if (body !== undefined) headers['content-type'] = type ?? 'application/json'
    const request = { method, path: `${path}${search.size > 0 ? `?${search}` : ''}`, headers, body: bytes }
    const tls = this.#tls
      ? { serverName: this.#host, authorities: this.#authorities, unverified: this.#unverified }
      : undefined
    const timeout = due === undefined ? undefined : Math.max(0, due - this.#process.clock.now())
    const response = yield* this.#inWords(
      sockets.stream({ host: this.#host, port: this.#port }, request, { tls, timeout }),
    )
    if (response.status < 400) return response
    const text = yield* textOf(response)
    throw new Refusal(statusOf(text, response.status))
  }

  *#inWords<T>(step: Step<T>): Step<T> {
    try {
      return yield* step
    } catch (error) {
      const at = `${this.#host}:${this.#port}`
      if (error instanceof NameError) {
        throw new Failure(`Unable to connect to the server: dial tcp: lookup ${this.#host}: no such host`)
      }
      if (error instanceof TlsError) {
        throw new Failure(
          'Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority',
        )
      }
      if (!(error instanceof SystemError)) throw error
      if (error.errno === 'ECONNREFUSED') {
        throw new Failure(`The connection to the server ${at} was refused - did you specify the right host or port?`)
      }
      throw new Failure(`Unable to connect to the server: dial tcp ${at}: ${goWords(error)}`)
    }
  }
}

export function textAt({ files }: Process, path: string): string | undefined {
  try {
    return files.readText(path)
  } catch (error) {
    if (error instanceof SystemError) return undefined
    throw error
  }
}

function* textOf(response: StreamedResponse): Step<string> {
  const parts: Uint8Array[] = []
  for (;;) {
    const part = yield* response.read()
    if (part === undefined) break
    parts.push(part)
  }
  response.close()
  return Buffer.concat(parts).toString()
}

function statusOf(text: string, code: number): { reason?: string; message?: string } {
  try {
    const status = JSON.parse(text)
    if (status.kind === 'Status') return status
  } catch {
    // It is no Status, so nothing that the API server says.
  }
  return { reason: 'InternalError', message: `the server responded with the status code ${code}: ${text.trim()}` }
}

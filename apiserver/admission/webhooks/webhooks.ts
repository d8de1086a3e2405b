// Admission webhooks: who of the user's own servers may change or refuse a request. Made by server.ts; the registry asks it
// between two turns (RemoteAdmission). Mutating ones are asked one after the other, and once more where they want it and the
// object changed after them; validating ones all at once.
// Upstream: k8s.io/apiserver/pkg/admission/plugin/webhook/{mutating,validating}/dispatcher.go, mutating/reinvocationcontext.go.

import type { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from '../../../generated/types.ts'
import { ApiError, forbidden, internalError } from '../../../src/api/errors.ts'
import { draft as thaw } from '../../../src/api/freeze.ts'
import { jsonEqual } from '../../../src/api/json-equal.ts'
import type { Frozen, KubeObject } from '../../../src/api/meta.ts'
import type { Cancel } from '../../../src/env/clock.ts'
import type { Env } from '../../../src/env/env.ts'
import type { Kind } from '../../../src/kinds/kind.ts'
import { type Cel, CelFault } from '../../cel/cel.ts'
import type { Outgoing } from '../../outgoing/outgoing.ts'
import { applyJsonPatch } from '../../patch/json-patch.ts'
import { prefixOf } from '../../storage/keys.ts'
import type { Storage } from '../../storage/storage.ts'
import type { AdmissionRequest, RemoteAdmission, RemoteRound } from '../admission.ts'
import { Evaluation, PolicyCompiler } from '../policies/evaluation.ts'
import { budgetOfPolicy } from '../policies/expressions.ts'
import { questionOf } from './admission-review.ts'
import { CallFailure, callWebhook, type Webhook } from './calling.ts'
import { convert, isExempt, matchNamespace, matchObject, matchRules, type Resource } from './matching.ts'

export interface WebhookOptions {
  readonly env: Env
  readonly storage: Storage
  readonly outgoing: Outgoing
  /** The other versions in which the objects of a kind are served. */
  readonly equivalents: (kind: Kind<any>) => readonly Kind<any>[]
  readonly cel: Cel
  /** What `authorizer` is for the user of a request. */
  readonly authorizerFor: (request: AdmissionRequest) => unknown
}

export interface Webhooks extends RemoteAdmission {
  close: Cancel
}

/** A hook with the place it has: configurations by name, hooks in their order. */
interface Placed {
  readonly id: string
  readonly configuration: string
  /** Among all hooks of its sort. */
  readonly index: number
  readonly hook: Webhook
}

const group = 'admissionregistration.k8s.io'
type Configuration = Frozen<MutatingWebhookConfiguration | ValidatingWebhookConfiguration>

export function createWebhooks(options: WebhookOptions): Webhooks {
  const mutating = new Configured(options.storage, 'mutatingwebhookconfigurations')
  const validating = new Configured(options.storage, 'validatingwebhookconfigurations')
  return {
    begin() {
      if (mutating.hooks.length === 0 && validating.hooks.length === 0) return undefined
      return new Round(options, mutating.hooks, validating.hooks)
    },
    close() {
      mutating.close()
      validating.close()
    },
  }
}

/** The hooks of all configurations of a sort, kept as they are stored. */
class Configured {
  hooks: readonly Placed[] = []
  readonly close: Cancel

  constructor(storage: Storage, plural: string) {
    const prefix = prefixOf({ group, plural })
    const read = (): void => {
      const hooks = storage.list(prefix).flatMap(({ object }) => {
        const { metadata, webhooks = [] } = object as Configuration
        const { name: configuration } = metadata
        return webhooks.map((hook, index) => ({
          id: `${configuration}/${hook.name}/${index}`,
          configuration,
          hook: hook as Webhook,
        }))
      })
      this.hooks = hooks.map((placed, index) => ({ ...placed, index }))
    }
    read()
    this.close = storage.subscribe(prefix, storage.revision, read)
  }
}

class Round implements RemoteRound {
  readonly #options: WebhookOptions
  readonly #mutating: readonly Placed[]
  readonly #validating: readonly Placed[]
  /** 0: nobody was asked; 1: all were; 2: those that wanted to be asked again were. */
  #pass = 0
  #isValid = false
  #revisitable: string[] = []
  #revisits: ReadonlySet<string> = new Set()
  #output: Frozen<KubeObject> | undefined
  #hasChanged = false

  constructor(options: WebhookOptions, mutating: readonly Placed[], validating: readonly Placed[]) {
    this.#options = options
    this.#mutating = mutating
    this.#validating = validating
  }

  restart(): void {
    this.#pass = 0
    this.#isValid = false
    this.#revisitable = []
    this.#revisits = new Set()
    this.#output = undefined
    this.#hasChanged = false
  }

  mutate(draft: Frozen<KubeObject>, request: AdmissionRequest): (() => Promise<KubeObject | undefined>) | undefined {
    if (this.#pass === 2 || isExempt(request)) return undefined
    const isAgain = this.#pass === 1
    if (isAgain) {
      this.#pass = 2
      if (!this.#hasChanged) return undefined
      // The built-in plugins, asked again, have changed it: whoever wants to hears of it.
      if (!jsonEqual(draft, this.#output)) this.#revisits = new Set([...this.#revisits, ...this.#revisitable])
    } else this.#pass = 1
    const hooks = this.#mutating.flatMap(placed => {
      if (isAgain && !this.#revisits.has(placed.id)) return []
      const meant = this.#meant(placed.hook, request, draft)
      return meant === undefined ? [] : [{ ...placed, meant }]
    })
    if (hooks.length === 0) return undefined
    const before = thaw(draft) as KubeObject
    return () => this.#askMutating(hooks, before, request)
  }

  async #askMutating(
    hooks: readonly (Placed & { readonly meant: Resource })[],
    before: KubeObject,
    request: AdmissionRequest,
  ): Promise<KubeObject | undefined> {
    const isDelete = request.operation === 'DELETE'
    let present = before
    let isChanged = false
    for (const placed of hooks) {
      const { id, hook, meant } = placed
      if (!matchObject(hook, isDelete ? undefined : present, request.old)) continue
      let isMutated = false
      let patched: KubeObject | undefined
      try {
        patched = await this.#askOne(placed, meant, isDelete ? undefined : present, request)
        isMutated = patched !== undefined && !jsonEqual(patched, present)
      } finally {
        if (request.annotate !== undefined) {
          const { configuration } = placed
          const said = { configuration, webhook: hook.name, mutated: isMutated }
          request.annotate(`mutation${this.#place(placed)}`, JSON.stringify(said))
        }
      }
      if (patched !== undefined && isMutated) {
        present = patched
        isChanged = true
        // Those asked before may want to see what became of it.
        this.#revisits = new Set([...this.#revisits, ...this.#revisitable])
      }
      if ((hook as { reinvocationPolicy?: string }).reinvocationPolicy === 'IfNeeded') this.#revisitable.push(id)
    }
    this.#output = thaw(present)
    if (isChanged) this.#hasChanged = true
    return isChanged ? present : undefined
  }

  /** The end of an audit annotation's key: mutating/dispatcher.go, newWebhookAnnotator. */
  #place({ index }: Placed): string {
    return `.webhook.admission.k8s.io/round_${this.#pass - 1}_index_${index}`
  }

  /** The object as the hook's patch makes it; undefined when it has none, or failed and may. */
  async #askOne(
    placed: Placed,
    meant: Resource,
    object: KubeObject | undefined,
    request: AdmissionRequest,
  ): Promise<KubeObject | undefined> {
    const { hook, configuration } = placed
    const shown = object && convert(asSent(object, request), request.kind, meant.kind)
    const failedOpen = (): void => request.annotate?.(`failed-open.mutation${this.#place(placed)}`, hook.name)
    const verdict = await this.#forgiving(hook, failedOpen, () => this.#call(hook, meant, shown, request, true))
    if (verdict?.patch === undefined) return undefined
    return this.#forgiving(hook, failedOpen, () => {
      const operations = decodePatch(verdict.patch!)
      if (operations.length === 0) return undefined
      if (shown === undefined) {
        const name = JSON.stringify(hook.name)
        throw internalError(
          `admission webhook ${name} attempted to modify the object, which is not supported for this operation`,
        )
      }
      if (verdict.patchType !== 'JSONPatch') {
        throw new CallFailure(`unsupported patch type ${JSON.stringify(verdict.patchType)}`)
      }
      const patched = asStored(convert(patchedWith(shown, operations), meant.kind, request.kind), object!)
      if (request.annotate !== undefined) {
        const said = { configuration, webhook: hook.name, patch: operations, patchType: 'JSONPatch' }
        request.annotate(`patch${this.#place(placed)}`, JSON.stringify(said), 'Request')
      }
      return patched
    })
  }

  validate(next: Frozen<KubeObject> | undefined, request: AdmissionRequest): (() => Promise<void>) | undefined {
    if (this.#isValid || isExempt(request)) return undefined
    this.#isValid = true
    const hooks = this.#validating.flatMap(({ hook }) => {
      const meant = this.#meant(hook, request, next)
      return meant !== undefined && matchObject(hook, next, request.old) ? [{ hook, meant }] : []
    })
    if (hooks.length === 0) return undefined
    const object = next && (thaw(next) as KubeObject)
    return async () => {
      const outcomes = await Promise.allSettled(
        hooks.map(({ hook, meant }, index) => {
          const key = `failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`
          const shown = object && convert(object, request.kind, meant.kind)
          const failedOpen = (): void => request.annotate?.(key, hook.name)
          return this.#forgiving(hook, failedOpen, () => this.#call(hook, meant, shown, request, false))
        }),
      )
      const refusal = outcomes.find(outcome => outcome.status === 'rejected')
      if (refusal !== undefined) throw refusal.reason
    }
  }

  #meant(hook: Webhook, request: AdmissionRequest, next: Frozen<KubeObject> | undefined): Resource | undefined {
    const meant = matchRules(hook, request, this.#options.equivalents(request.kind))
    if (meant === undefined || !matchNamespace(hook, request, next)) return undefined
    return !hook.matchConditions?.length || this.#meetsConditions(hook, meant, request, next) ? meant : undefined
  }

  /** A condition that fails is one that does not hold, or refuses, as the hook's failurePolicy says (matchconditions/matcher.go). */
  #meetsConditions(
    hook: Webhook,
    meant: Resource,
    request: AdmissionRequest,
    next: Frozen<KubeObject> | undefined,
  ): boolean {
    const { cel, authorizerFor } = this.#options
    const shown = (object: Frozen<KubeObject> | undefined): Frozen<KubeObject> | undefined =>
      object && (convert(object, request.kind, meant.kind) as Frozen<KubeObject>)
    const compiler = new PolicyCompiler(cel, {})
    const evaluation = new Evaluation(
      compiler,
      meant,
      shown(next),
      shown(request.old),
      request,
      null,
      authorizerFor(request),
      budgetOfPolicy(),
    )
    try {
      return evaluation.meets(hook.matchConditions!.map(({ expression }) => compiler.condition(expression)))
    } catch (error) {
      if (!(error instanceof CelFault)) throw error
      if (hook.failurePolicy === 'Ignore') return false
      throw forbidden(request.kind, request.name, error.message)
    }
  }

  #call(
    hook: Webhook,
    meant: Resource,
    object: Frozen<KubeObject> | undefined,
    request: AdmissionRequest,
    isMutating: boolean,
  ) {
    const { env, storage, outgoing } = this.#options
    const old = request.old && convert(request.old, request.kind, meant.kind)
    const question = () => questionOf(hook.admissionReviewVersions, env.random.uid(), request, meant, object, old)
    return callWebhook({ outgoing, present: storage }, hook, question, request, isMutating)
  }

  /** Runs; a failure to get an answer is forgiven or not, as the hook says. */
  async #forgiving<T>(hook: Webhook, forgiven: () => void, run: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error
      const sentence = `failed calling webhook ${JSON.stringify(hook.name)}: ${error.message}`
      this.#options.env.log.debug({ webhook: hook.name, failure: error.message }, 'a webhook could not be asked')
      if (hook.failurePolicy !== 'Ignore') throw internalError(sentence)
      forgiven()
      return undefined
    }
  }
}

function decodePatch(patch: Buffer): readonly unknown[] {
  try {
    const operations: unknown = JSON.parse(patch.toString('utf8'))
    if (Array.isArray(operations)) return operations
    throw new SyntaxError('it is no list of operations')
  } catch (error) {
    throw new CallFailure(`received undecodable patch in webhook response: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

function patchedWith(object: Frozen<KubeObject>, operations: readonly unknown[]): KubeObject {
  try {
    return applyJsonPatch<KubeObject>(object, operations)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const cause = error.cause instanceof Error ? error.cause.message : error.message
    throw internalError(cause)
  }
}

/** Before a new object is stored it has none of what the store gives it. */
function asSent(object: KubeObject, { operation, name }: AdmissionRequest): KubeObject {
  if (operation !== 'CREATE') return object
  const { uid: _, creationTimestamp: __, generation: ___, resourceVersion: ____, ...metadata } = object.metadata
  if (metadata.name !== name) delete (metadata as { name?: string }).name
  return { ...object, metadata: metadata as KubeObject['metadata'] }
}

/** What asSent took away comes back. */
function asStored(object: KubeObject, before: KubeObject): KubeObject {
  const { uid, creationTimestamp, generation, resourceVersion, name } = before.metadata
  const given = { uid, creationTimestamp, generation, resourceVersion }
  const kept = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { ...object, metadata: { ...object.metadata, ...kept, name: object.metadata?.name || name } }
}

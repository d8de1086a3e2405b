// AdmissionReview: what a webhook is sent, and what of its answer counts. Called by calling.ts. Rules and words:
// k8s.io/apiserver/pkg/admission/plugin/webhook/request/admissionreview.go, errors/statuserror.go.

import { ApiError, type Status } from '../../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../../src/api/meta.ts'
import type { Kind } from '../../../src/kinds/kind.ts'
import type { AdmissionRequest } from '../admission.ts'
import type { Resource } from './matching.ts'

const group = 'admission.k8s.io'
const spoken = ['v1', 'v1beta1'] as const

export interface Question {
  readonly uid: string
  readonly version: 'v1' | 'v1beta1'
  readonly review: object
}

export interface Verdict {
  readonly allowed: boolean
  readonly status: Status | undefined
  readonly warnings: readonly string[]
  readonly auditAnnotations: Readonly<Record<string, unknown>>
  /** JSON, undecoded. */
  readonly patch: Buffer | undefined
  readonly patchType: string
}

/** An answer that cannot be taken as one. */
export class UnusableAnswer extends Error {}

/** `object` and `old` as the resource's own version has them. Throws UnusableAnswer when no version is spoken by both. */
export function questionOf(
  versions: readonly string[],
  uid: string,
  request: AdmissionRequest,
  meant: Resource,
  object: Frozen<KubeObject> | undefined,
  old: Frozen<KubeObject> | undefined,
): Question {
  const version = versions.find(each => spoken.includes(each as 'v1')) as Question['version'] | undefined
  if (version === undefined)
    throw new UnusableAnswer('webhook does not accept known AdmissionReview versions (v1, v1beta1)')
  const body = {
    uid,
    ...requestOfReview(request, meant, object ?? old),
    object: object ?? null,
    oldObject: old ?? null,
  }
  return { uid, version, review: { kind: 'AdmissionReview', apiVersion: `${group}/${version}`, request: body } }
}

/** The request as webhooks and expressions see it, without its objects. `about`: the object that it names. */
export function requestOfReview(
  request: AdmissionRequest,
  meant: Resource,
  about: Frozen<KubeObject> | undefined,
): object {
  const { kind, subresource, operation, user, dryRun } = request
  return {
    kind: kindOf(meant),
    resource: resourceOf(meant.kind),
    ...(meant.subresource ? { subResource: meant.subresource } : {}),
    requestKind: kindOf({ kind, subresource: subresource ?? '' }),
    requestResource: resourceOf(kind),
    ...(subresource ? { requestSubResource: subresource } : {}),
    ...nameOf(request, about),
    operation,
    userInfo: {
      username: user.name,
      ...(user.uid ? { uid: user.uid } : {}),
      ...(user.groups.length > 0 ? { groups: user.groups } : {}),
      ...(user.extra && Object.keys(user.extra).length > 0 ? { extra: user.extra } : {}),
    },
    dryRun,
    options: optionsOf(request),
  }
}

/** A namespace is in itself; the name of an object that is to get a generated one is not there yet. */
function nameOf(
  { kind, name, namespace, operation }: AdmissionRequest,
  object: Frozen<KubeObject> | undefined,
): { name?: string; namespace?: string } {
  const isKnown = operation === 'CONNECT' || object?.metadata.name === name
  const known = isKnown && name !== '' ? { name } : {}
  const where = kind.resource === 'namespaces' ? name : kind.namespaced ? namespace : undefined
  return where ? { ...known, namespace: where } : known
}

/** Of subresources whose bodies are objects of their own. */
const bodyKinds: Readonly<Record<string, object>> = {
  scale: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  binding: { group: '', version: 'v1', kind: 'Binding' },
  eviction: { group: 'policy', version: 'v1', kind: 'Eviction' },
  token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
  exec: { group: '', version: 'v1', kind: 'PodExecOptions' },
  attach: { group: '', version: 'v1', kind: 'PodAttachOptions' },
  portforward: { group: '', version: 'v1', kind: 'PodPortForwardOptions' },
}

const kindOf = ({ kind, subresource }: Resource): object =>
  bodyKinds[subresource] ?? { group: kind.group, version: kind.version, kind: kind.kind }

const resourceOf = (kind: Kind<any>): object => ({ group: kind.group, version: kind.version, resource: kind.plural })

const optionKinds = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' } as const

function optionsOf({ operation, options, dryRun }: AdmissionRequest): object | null {
  if (operation === 'CONNECT') return null
  const { dryRun: _, ...rest } = options
  const set = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return {
    kind: optionKinds[operation],
    apiVersion: 'meta.k8s.io/v1',
    ...set,
    ...(dryRun ? { dryRun: ['All'] } : {}),
  }
}

/** Throws UnusableAnswer. */
export function verdictOf({ uid, version }: Question, answer: unknown, isMutating: boolean): Verdict {
  const { apiVersion, kind, response } = asMembers(answer)
  if (apiVersion !== `${group}/v1` && apiVersion !== `${group}/v1beta1`) {
    throw new UnusableAnswer(
      `expected webhook response of ${group}/${version}, Kind=AdmissionReview, got ${apiVersion ?? ''}, Kind=${kind ?? ''}`,
    )
  }
  if (typeof response !== 'object' || response === null) throw new UnusableAnswer('webhook response was absent')
  const { uid: echoed, allowed, status, warnings, auditAnnotations, patch, patchType } = asMembers(response)
  if (version === 'v1') {
    if (echoed !== uid) {
      throw new UnusableAnswer(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(echoed ?? '')}`)
    }
    const expected = `${group}/v1, Kind=AdmissionReview`
    const got = `${apiVersion}, Kind=${kind ?? ''}`
    if (got !== expected) throw new UnusableAnswer(`expected webhook response of ${expected}, got ${got}`)
    patchRules(patch, patchType, isMutating)
  }
  return {
    allowed: allowed === true,
    status: status as Status | undefined,
    warnings: Array.isArray(warnings) ? warnings.map(String) : [],
    auditAnnotations: asMembers(auditAnnotations ?? {}),
    patch: isMutating && typeof patch === 'string' && patch !== '' ? Buffer.from(patch, 'base64') : undefined,
    patchType: version === 'v1beta1' ? 'JSONPatch' : String(patchType ?? ''),
  }
}

function patchRules(patch: unknown, patchType: unknown, isMutating: boolean): void {
  const hasPatch = typeof patch === 'string' && patch !== ''
  const hasType = patchType !== undefined && patchType !== null
  if (!isMutating) {
    if (hasPatch) throw new UnusableAnswer('validating webhook may not return response.patch')
    if (hasType) throw new UnusableAnswer('validating webhook may not return response.patchType')
    return
  }
  if (hasPatch && !hasType) throw new UnusableAnswer('webhook returned response.patch but not response.patchType')
  if (!hasPatch && hasType) throw new UnusableAnswer('webhook returned response.patchType but not response.patch')
  if (patchType === '') throw new UnusableAnswer('webhook returned invalid response.patchType of ""')
}

function asMembers(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new UnusableAnswer("couldn't get version/kind; json parse error: the answer is no JSON object")
}

/** The refusal of a webhook, with its own code, reason and message. */
export function refusalOf(webhook: string, status: Status | undefined): ApiError {
  const denied = `admission webhook ${JSON.stringify(webhook)} denied the request`
  const { message, reason, code = 0 } = status ?? ({} as Partial<Status>)
  const sentence = message ? `${denied}: ${message}` : reason ? `${denied}: ${reason}` : `${denied} without explanation`
  return ApiError.fromStatus({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    ...status,
    message: sentence,
    code: Math.max(code, 400),
  } as Status)
}

// Which requests a webhook wants to see: its rules, its selectors, and what nobody may intercept. Called by webhooks.ts, in
// the turn. Rules: k8s.io/apiserver/pkg/admission/plugin/webhook/{generic/webhook.go,predicates}.

import type { LabelSelector, MutatingWebhook, RuleWithOperations } from '../../../generated/types.ts'
import { notFound } from '../../../src/api/errors.ts'
import { selectorFromLabelSelector } from '../../../src/api/labels.ts'
import type { Frozen, KubeObject } from '../../../src/api/meta.ts'
import type { Kind } from '../../../src/kinds/kind.ts'
import { Namespaces } from '../../../src/kinds/namespace.ts'
import { keyOf } from '../../storage/keys.ts'
import type { AdmissionRequest } from '../admission.ts'

/** What both sorts of webhook and of policy say of the requests they are for. */
export type Interest = Pick<MutatingWebhook, 'namespaceSelector' | 'objectSelector'> & {
  readonly matchPolicy?: string
  readonly rules?: readonly RuleWithOperations[]
}

/** A resource as rules name it; `kind` is what objects sent for it look like. */
export interface Resource {
  readonly kind: Kind<any>
  readonly subresource: string
}

/** Nobody may stand in the way of who would mend it (rules.go, IsExemptAdmissionConfigurationResource). */
export function isExempt({ kind }: Pick<AdmissionRequest, 'kind'>): boolean {
  return kind.group === 'admissionregistration.k8s.io' && exempt.has(kind.plural)
}

const exempt: ReadonlySet<string> = new Set([
  'validatingwebhookconfigurations',
  'mutatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
])

/**
 * The resource by which one of the rules means the request: its own, or, for `matchPolicy: Equivalent`, another version of
 * the same objects. `equivalents` are those others.
 */
export function matchRules(
  { rules = [], matchPolicy }: Frozen<Interest>,
  request: AdmissionRequest,
  equivalents: readonly Kind<any>[],
): Resource | undefined {
  const own = { kind: request.kind, subresource: request.subresource ?? '' }
  for (const rule of rules) if (meets(rule, request, own)) return own
  if (matchPolicy !== 'Exact') {
    for (const rule of rules) {
      // A rule that names no version means the request's own, and has been asked.
      if (rule.apiGroups?.includes('*') && rule.apiVersions?.includes('*')) continue
      for (const kind of equivalents) {
        const other = { kind, subresource: own.subresource }
        if (meets(rule, request, other)) return other
      }
    }
  }
  return undefined
}

function meets(rule: Frozen<RuleWithOperations>, request: AdmissionRequest, resource: Resource): boolean {
  const { kind, subresource } = resource
  return (
    has(rule.operations, request.operation) &&
    has(rule.apiGroups, kind.group) &&
    has(rule.apiVersions, kind.version) &&
    rule.resources?.some(each => meansResource(each, kind.plural, subresource)) === true &&
    inScope(rule.scope, request)
  )
}

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes('*') || list.includes(value))

/** `pods`, `pods/status`, `pods/*`, `*`, `*\/scale`, `*\/*`. */
function meansResource(wanted: string, plural: string, subresource: string): boolean {
  const slash = wanted.indexOf('/')
  const resource = slash < 0 ? wanted : wanted.slice(0, slash)
  const part = slash < 0 ? '' : wanted.slice(slash + 1)
  if (resource !== '*' && resource !== plural) return false
  return part === '*' || part === subresource
}

function inScope(scope: string | undefined, { kind, namespace }: AdmissionRequest): boolean {
  const isNamespaced = kind.namespaced && namespace !== undefined && namespace !== ''
  if (scope === 'Namespaced') return isNamespaced
  return scope === 'Cluster' ? !isNamespaced : true
}

/** Throws NotFound when the namespace is gone whose labels would tell. */
export function matchNamespace(
  { namespaceSelector }: Frozen<Interest>,
  request: AdmissionRequest,
  next: Frozen<KubeObject> | undefined,
): boolean {
  if (isEmpty(namespaceSelector)) return true
  const { kind, operation, subresource, namespace, name, present, old } = request
  const isNamespace = kind.resource === 'namespaces'
  if (!kind.namespaced && !isNamespace) return true
  const selector = selectorFromLabelSelector(namespaceSelector as LabelSelector)
  if (isNamespace && subresource === undefined && operation !== 'DELETE') {
    return selector.matches((next ?? old)?.metadata.labels)
  }
  const where = isNamespace ? name : (namespace ?? '')
  const found = present.get(keyOf(Namespaces, { name: where }))?.object
  if (found === undefined) throw notFound(Namespaces, where)
  return selector.matches(found.metadata.labels)
}

/** Either state of the object will do. */
export function matchObject(
  { objectSelector }: Frozen<Interest>,
  next: Frozen<KubeObject> | undefined,
  old: Frozen<KubeObject> | undefined,
): boolean {
  if (isEmpty(objectSelector)) return true
  const selector = selectorFromLabelSelector(objectSelector as LabelSelector)
  return [next, old].some(object => object !== undefined && selector.matches(object.metadata.labels))
}

const isEmpty = (selector: Frozen<LabelSelector> | undefined): boolean =>
  selector === undefined || (!selector.matchExpressions?.length && Object.keys(selector.matchLabels ?? {}).length === 0)

/** From one served version of the same objects to another. */
export function convert(object: Frozen<KubeObject>, from: Kind<any>, to: Kind<any>): KubeObject {
  if (from === to) return object as unknown as KubeObject
  const stored = from.storedAs ? from.storedAs.toStored(object as never, undefined) : (object as unknown as KubeObject)
  return to.storedAs ? to.storedAs.fromStored(stored as never) : stored
}

// Admission webhooks: the defaults and rules that the mutating and the validating ones share
// (pkg/apis/admissionregistration/v1/defaults.go, validation/validation.go). What upstream forgives objects of versions
// that are no longer served (unknown side effects, names that come twice) nothing here can have.

import type { MutatingWebhook, ValidatingWebhook } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1035LabelFaults, dns1123SubdomainFaults } from '../api/names.ts'
import {
  failurePolicies,
  matchConditionsRules,
  matchPolicies,
  reinvocationPolicies,
  ruleWithOperationsRules,
} from './admission-match-rules.ts'
import { type Faults, FieldPath } from './field-path.ts'
import { optionalOneOf } from './field-rules.ts'
import { labelSelectorRules } from './label-selector-rules.ts'
import { webhookServiceRules, webhookUrlRules } from './url-rules.ts'

type Webhook = Frozen<MutatingWebhook> | Frozen<ValidatingWebhook>

export function defaultWebhook(hook: MutatingWebhook | ValidatingWebhook): void {
  hook.failurePolicy ??= 'Fail'
  hook.matchPolicy ??= 'Equivalent'
  hook.namespaceSelector ??= {}
  hook.objectSelector ??= {}
  hook.timeoutSeconds ??= 10
  for (const rule of hook.rules ?? []) rule.scope ??= '*'
  hook.clientConfig ??= {}
  if (hook.clientConfig.service) hook.clientConfig.service.port ??= 443
}

export function webhooksRules(hooks: readonly Webhook[] = [], faults: Faults): void {
  const names = new Set<string>()
  for (const [index, hook] of hooks.entries()) {
    const at = path.index(index)
    webhookRules(hook, at, faults)
    reviewVersionsRules(hook.admissionReviewVersions ?? [], at.child('admissionReviewVersions'), faults)
    if (!hook.name) continue
    if (names.has(hook.name)) faults.duplicate(at.child('name'), hook.name)
    names.add(hook.name)
  }
}

const path = new FieldPath('webhooks')
const sideEffects = ['None', 'NoneOnDryRun']

function webhookRules(hook: Webhook, at: FieldPath, faults: Faults): void {
  fullyQualifiedName(hook.name, at.child('name'), faults)
  for (const [index, rule] of (hook.rules ?? []).entries()) {
    ruleWithOperationsRules(rule, at.child('rules').index(index), faults)
  }
  optionalOneOf(hook.failurePolicy, failurePolicies, at, 'failurePolicy', faults)
  optionalOneOf(hook.matchPolicy, matchPolicies, at, 'matchPolicy', faults)
  if (hook.sideEffects === undefined) {
    faults.required(at.child('sideEffects'), `must specify one of ${sideEffects.join(', ')}`)
  }
  optionalOneOf(hook.sideEffects, sideEffects, at, 'sideEffects', faults)
  const { timeoutSeconds: timeout, clientConfig: config } = hook
  if (timeout !== undefined && (timeout > 30 || timeout < 1)) {
    faults.invalid(at.child('timeoutSeconds'), timeout, 'the timeout value must be between 1 and 30 seconds')
  }
  labelSelectorRules(hook.namespaceSelector, at.child('namespaceSelector'), faults)
  labelSelectorRules(hook.objectSelector, at.child('objectSelector'), faults)
  if ('reinvocationPolicy' in hook) {
    optionalOneOf(hook.reinvocationPolicy, reinvocationPolicies, at, 'reinvocationPolicy', faults)
  }
  if ((config.url === undefined) === (config.service === undefined)) {
    faults.required(at.child('clientConfig'), 'exactly one of url or service is required')
  } else if (config.url !== undefined) webhookUrlRules(config.url, at.child('clientConfig', 'url'), faults)
  else webhookServiceRules(config.service!, true, at.child('clientConfig', 'service'), faults)
  matchConditionsRules(hook.matchConditions, at.child('matchConditions'), faults)
}

/** At least three words with dots between (IsFullyQualifiedName). */
function fullyQualifiedName(name: string | undefined, at: FieldPath, faults: Faults): void {
  if (!name) {
    faults.required(at)
    return
  }
  const wrong = dns1123SubdomainFaults(name)
  if (wrong.length > 0) faults.invalid(at, name, wrong.join(','))
  else if (name.split('.').length < 3) {
    faults.invalid(at, name, 'should be a domain with at least three segments separated by dots')
  }
}

const knownReviews = ['v1', 'v1beta1']

function reviewVersionsRules(versions: readonly string[], at: FieldPath, faults: Faults): void {
  if (versions.length === 0) {
    faults.required(at, `must specify one of ${knownReviews.join(', ')}`)
    return
  }
  const seen = new Set<string>()
  for (const [index, version] of versions.entries()) {
    if (seen.has(version)) faults.invalid(at.index(index), version, 'duplicate version')
    else faults.invalids(dns1035LabelFaults(version), version, at.index(index))
    seen.add(version)
  }
  if (!versions.some(version => knownReviews.includes(version))) {
    faults.invalid(at, versions, `must include at least one of ${knownReviews.join(', ')}`)
  }
}

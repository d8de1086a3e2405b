// Lists of resources (`cpu: 500m`): their canonical form, and what their names and amounts may be. Called by the defaults
// and the rules of pods, nodes and claims (pkg/apis/core/helper/helpers.go, validateResourceRequirements).

import type { ResourceRequirements } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults, qualifiedNameFaults } from '../api/names.ts'
import { canonicalQuantity, compareQuantities, milliValue, parseQuantity, wholeValue } from '../api/quantity.ts'
import type { Faults, FieldPath } from './field-path.ts'

export type ResourceList = Record<string, string>

/** As Go writes it back: `1000m` is `1`, a JSON number is text. Throws QuantityError for what is no quantity. */
export function canonicalResources(list: ResourceList): void {
  for (const name in list) {
    const given: unknown = list[name]
    const text = canonicalQuantity(String(given))
    if (text !== given) list[name] = text
  }
}

const hugePages = 'hugepages-'
const containerResources = new Set(['cpu', 'memory', 'ephemeral-storage'])
const integerResources = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
])
const standardResources = new Set([
  ...containerResources,
  ...integerResources,
  'storage',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
])
const podLevelResources = ['cpu', 'memory']

export const isHugePages = (name: string): boolean => name.startsWith(hugePages)
const isQuotaHugePages = (name: string): boolean => isHugePages(name) || name.startsWith(`requests.${hugePages}`)
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/')
export const isExtended = (name: string): boolean =>
  !isNative(name) && !name.startsWith('requests.') && qualifiedNameFaults(`requests.${name}`).length === 0

/** Of what a container may be promised less than it may take. */
export const isOvercommitAllowed = (name: string): boolean => isNative(name) && !isHugePages(name)

/** What a pod as a whole may ask for, beside its containers. */
export const isPodLevelResource = (name: string): boolean => podLevelResources.includes(name) || isHugePages(name)

/** What any list of resources may name; true when there is no fault (validateResourceName). */
export function resourceNameRule(name: string, path: FieldPath, faults: Faults): boolean {
  if (containerResources.has(name)) return true
  const sentences = qualifiedNameFaults(name)
  if (sentences.length > 0) faults.invalids(sentences, name, path)
  else if (!name.includes('/') && !standardResources.has(name) && !isQuotaHugePages(name)) {
    faults.invalid(path, name, 'must be a standard resource type or fully qualified')
  } else return true
  return false
}

export function containerResourceName(name: string, path: FieldPath, faults: Faults): void {
  if (containerResources.has(name)) return
  resourceNameRule(name, path, faults)
  if (!name.includes('/')) {
    if (!isHugePages(name)) faults.invalid(path, name, 'must be a standard resource for containers')
  } else if (!isNative(name) && !isExtended(name)) {
    faults.invalid(path, name, "doesn't follow extended resource name standard")
  }
}

/** What a ResourceQuota may bound (ValidateResourceQuotaResourceName). */
export function quotaResourceName(name: string, path: FieldPath, faults: Faults): void {
  resourceNameRule(name, path, faults)
  if (!name.includes('/') && !isStandardQuotaResource(name)) {
    faults.invalid(path, name, 'must be a standard resource for quota')
  }
}

/** IsStandardQuotaResourceName: all that is standard, but for a claim's plain `storage`. */
export const isStandardQuotaResource = (name: string): boolean =>
  (name !== 'storage' && standardResources.has(name)) || isQuotaHugePages(name)

function podResourceName(name: string, path: FieldPath, faults: Faults): void {
  if (!isPodLevelResource(name)) faults.notSupported(path, name, podLevelResources)
}

/** An amount is not negative, and whole where the resource comes in pieces. */
export function amountRule(name: string, amount: string, path: FieldPath, faults: Faults): void {
  if (parseQuantity(amount).sign < 0) faults.invalid(path, amount, 'must be greater than or equal to 0')
  if ((integerResources.has(name) || isExtended(name)) && milliValue(amount) % 1000 !== 0) {
    faults.invalid(path, amount, 'must be an integer')
  }
}

export interface ResourceScope {
  readonly of: 'container' | 'pod'
  /** Names in spec.resourceClaims. */
  readonly claims: ReadonlySet<string>
}

export function resourceRules(
  { limits, requests, claims }: Frozen<ResourceRequirements>,
  scope: ResourceScope,
  path: FieldPath,
  faults: Faults,
): void {
  let hasComputed = false
  let hasHugePages = false
  const each = (list: Readonly<ResourceList> | undefined, child: string): void => {
    for (const name in list) {
      const amount = list[name]!
      const isPlain = name === 'cpu' || name === 'memory'
      if (isPlain) hasComputed = true
      if (isPlain && isPlainAmount(amount)) continue
      const at = path.child(child).key(name)
      if (scope.of === 'pod') podResourceName(name, at, faults)
      else containerResourceName(name, at, faults)
      amountRule(name, amount, at, faults)
      if (!isHugePages(name)) continue
      hasHugePages = true
      if (!isMultipleOfPage(name, amount)) {
        faults.invalid(at, amount, `${amount} is not positive integer multiple of ${name}`)
      }
    }
  }
  each(limits, 'limits')
  each(requests, 'requests')
  for (const name in requests) {
    const request = requests[name]!
    const limit = limits?.[name]
    if (limit === undefined) {
      if (!isOvercommitAllowed(name)) {
        faults.required(path.child('limits'), 'Limit must be set for non overcommitable resources')
      }
    } else if (request !== limit) {
      // Rounded up to thousandths is cheap to tell, and enough where one is plainly less.
      if (isOvercommitAllowed(name) && milliValue(request) < milliValue(limit)) continue
      const order = compareQuantities(request, limit)
      if (order !== 0 && !isOvercommitAllowed(name)) {
        faults.invalid(path.child('requests'), request, `must be equal to ${name} limit of ${limit}`)
      } else if (order > 0) {
        faults.invalid(path.child('requests'), request, `must be less than or equal to ${name} limit of ${limit}`)
      }
    }
  }
  if (hasHugePages && !hasComputed) faults.forbidden(path, 'HugePages require cpu or memory')
  if (claims?.length) claimRules(claims, scope.claims, path.child('claims'), faults)
}

/** `500m`, `64Mi`: what cannot be negative, for a start without parsing it. */
function isPlainAmount(amount: string): boolean {
  const first = amount.charCodeAt(0)
  return first >= 48 && first <= 57
}

function isMultipleOfPage(name: string, amount: string): boolean {
  try {
    const page = parseQuantity(name.slice(hugePages.length))
    return page.sign > 0 && page.milliValue() % 1000 === 0 && wholeValue(amount) % page.value() === 0
  } catch {
    // The size in the name is no quantity, so nothing is a multiple of it.
    return false
  }
}

function claimRules(
  claims: readonly Frozen<{ name: string; request?: string }>[],
  known: ReadonlySet<string>,
  path: FieldPath,
  faults: Faults,
): void {
  const names = new Set<string>()
  for (const [index, { name, request }] of claims.entries()) {
    const at = path.index(index)
    if (!name) {
      faults.required(at)
      continue
    }
    if (names.has(name)) faults.duplicate(at, name)
    else {
      const key = request ? `${name}/${request}` : name
      if (request) faults.invalids(dns1123LabelFaults(request), request, at, 'request')
      if (names.has(key)) faults.duplicate(at, key)
      else if (!request && [...names].some(other => other.startsWith(`${name}/`))) faults.duplicate(at, name)
      names.add(key)
    }
    if (known.has(name)) continue
    const list = known.size === 0 ? ' which is empty' : `: ${[...known].sort().join(', ')}`
    faults.add({
      type: 'FieldValueNotFound',
      field: `${at}`,
      message: `Not found: ${JSON.stringify(name)}: must be one of the names in pod.spec.resourceClaims${list}`,
    })
  }
}

// LimitRanger: containers that do not say what they need get what a LimitRange of the namespace gives, and what asks for too
// little, too much or in the wrong proportion is refused (plugin/pkg/admission/limitranger/admission.go).

import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../generated/types.ts'
import { forbidden } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { parseQuantity, type Quantity } from '../../src/api/quantity.ts'
import { LimitRanges } from '../../src/kinds/limitrange.ts'
import { PersistentVolumeClaims } from '../../src/kinds/persistentvolumeclaim.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { qosClassOf } from '../../src/kinds/qos-class.ts'
import { type Amounts, amountsOf } from '../../src/kinds/quota-amounts.ts'
import { podSpecSums } from '../../src/kinds/quota-usage.ts'
import type { ResourceList } from '../../src/kinds/resources.ts'
import { prefixOf } from '../storage/keys.ts'
import type { Admission, AdmissionRequest } from './admission.ts'

const ranges = prefixOf(LimitRanges)
const annotation = 'kubernetes.io/limit-ranger'

export const limitRanger: Admission = {
  name: 'LimitRanger',
  concerns: kind => kind === Pods || kind === PersistentVolumeClaims,
  admit(draft, request) {
    if (request.kind !== Pods || !isHeld(request)) return
    for (const item of itemsFor(request)) if (item.type === 'Container') giveDefaults(draft as Pod, item)
  },
  check(next, request) {
    if (!isHeld(request)) return
    for (const range of rangesFor(request)) {
      const faults = range.spec?.limits?.flatMap(item =>
        request.kind === Pods
          ? podFaults(item, next as Frozen<Pod>, request.old as Frozen<Pod> | undefined)
          : claimFaults(item, next as Frozen<PersistentVolumeClaim>, request.old as Frozen<PersistentVolumeClaim>),
      )
      if (!faults?.length) continue
      const lines = [...new Set(faults)]
      throw forbidden(request.kind, request.name, lines.length === 1 ? lines[0]! : `[${lines.join(', ')}]`)
    }
  },
}

/** A pod's containers are held once, and again when it is resized; a claim also when it changes. */
function isHeld({ kind, operation, subresource, old }: AdmissionRequest): boolean {
  if (operation === 'DELETE' || old?.metadata.deletionTimestamp !== undefined) return false
  if (subresource !== undefined) return subresource === 'resize' && operation === 'UPDATE'
  return kind !== Pods || operation === 'CREATE'
}

function* rangesFor({ namespace, present }: AdmissionRequest): Iterable<Frozen<LimitRange>> {
  for (const { object } of present.list(`${ranges}${namespace}/`)) yield object as Frozen<LimitRange>
}

function* itemsFor(request: AdmissionRequest): Iterable<Frozen<LimitRangeItem>> {
  for (const range of rangesFor(request)) yield* range.spec?.limits ?? []
}

// ---- defaults

function giveDefaults(pod: Pod, item: Frozen<LimitRangeItem>): void {
  const { containers, initContainers = [] } = pod.spec
  const given = [
    ...containers.flatMap(container => giveTo(container, item, 'container')),
    ...initContainers.flatMap(container => giveTo(container, item, 'init container')),
  ]
  if (given.length === 0) return
  pod.metadata.annotations ??= {}
  pod.metadata.annotations[annotation] = `LimitRanger plugin set: ${given.join('; ')}`
  // What it is promised follows from what it asks for; a new pod has been told already.
  if (pod.status.qosClass !== undefined) pod.status.qosClass = qosClassOf(pod.spec)
}

function giveTo(container: Container, item: Frozen<LimitRangeItem>, what: string): string[] {
  const give = (list: 'limits' | 'requests', defaults: Readonly<ResourceList> | undefined, word: string): string[] => {
    const missing = Object.keys(defaults ?? {}).filter(name => container.resources?.[list]?.[name] === undefined)
    if (missing.length === 0) return []
    container.resources ??= {}
    const amounts = { ...container.resources[list] }
    for (const name of missing) amounts[name] = defaults![name]!
    container.resources[list] = amounts
    return [`${missing.sort().join(', ')} ${word} for ${what} ${container.name}`]
  }
  const limits = give('limits', item.default, 'limit')
  return [...give('requests', item.defaultRequest, 'request'), ...limits]
}

// ---- bounds

interface Asked {
  readonly requests: Amounts
  readonly limits: Amounts
}

function podFaults(item: Frozen<LimitRangeItem>, pod: Frozen<Pod>, old: Frozen<Pod> | undefined): string[] {
  if (item.type === 'Pod') return boundFaults(item, askedByPod(pod), old && askedByPod(old))
  if (item.type !== 'Container') return []
  const faultsOf = (list: 'containers' | 'initContainers'): string[] =>
    (pod.spec[list] ?? []).flatMap(container => {
      const before = old?.spec[list]?.find(each => each.name === container.name)
      return boundFaults(item, askedBy(container), before && askedBy(before))
    })
  return [...faultsOf('containers'), ...faultsOf('initContainers')]
}

const askedBy = ({ resources }: Frozen<Container>): Asked => ({
  requests: amountsOf(resources?.requests),
  limits: amountsOf(resources?.limits),
})

const askedByPod = ({ spec }: Frozen<Pod>): Asked => ({
  requests: podSpecSums(spec, 'requests'),
  limits: podSpecSums(spec, 'limits'),
})

/** What an update leaves as it was is not held against a range that came later. */
function boundFaults(item: Frozen<LimitRangeItem>, { requests, limits }: Asked, old: Asked | undefined): string[] {
  const faults: string[] = []
  const each = (
    bounds: Readonly<ResourceList> | undefined,
    rule: (
      bound: Quantity,
      request: Quantity | undefined,
      limit: Quantity | undefined,
      name: string,
    ) => string | undefined,
  ): void => {
    for (const name in bounds) {
      const [request, limit] = [requests.get(name), limits.get(name)]
      if (old && isSame(request, old.requests.get(name)) && isSame(limit, old.limits.get(name))) continue
      const fault = rule(parseQuantity(bounds[name]!), request, limit, name)
      if (fault !== undefined) faults.push(fault)
    }
  }
  each(item.min, (min, request, limit, name) => {
    const rule = `minimum ${name} usage per ${item.type} is ${min}`
    if (request === undefined) return `${rule}.  No request is specified`
    if (min.compare(request) > 0) return `${rule}, but request is ${request}`
    return limit && min.compare(limit) > 0 ? `${rule}, but limit is ${limit}` : undefined
  })
  each(item.max, (max, request, limit, name) => {
    const rule = `maximum ${name} usage per ${item.type} is ${max}`
    if (limit === undefined) return `${rule}.  No limit is specified`
    if (limit.compare(max) > 0) return `${rule}, but limit is ${limit}`
    return request && request.compare(max) > 0 ? `${rule}, but request is ${request}` : undefined
  })
  each(item.maxLimitRequestRatio, (most, request, limit, name) => {
    const rule = `${name} max limit to request ratio per ${item.type} is ${most}`
    if (!request || request.sign === 0) return `${rule}, but no request is specified or request is 0`
    if (!limit || limit.sign === 0) return `${rule}, but no limit is specified or limit is 0`
    const ratio = limit.milliValue() / request.milliValue()
    return ratio * 1000 > most.milliValue() ? `${rule}, but provided ratio is ${ratio.toFixed(6)}` : undefined
  })
  return faults
}

const isSame = (one: Quantity | undefined, other: Quantity | undefined): boolean =>
  one === undefined || other === undefined ? one === other : one.compare(other) === 0

/** A claim has requests only. */
function claimFaults(
  { type, min, max }: Frozen<LimitRangeItem>,
  claim: Frozen<PersistentVolumeClaim>,
  old: Frozen<PersistentVolumeClaim> | undefined,
): string[] {
  if (type !== 'PersistentVolumeClaim') return []
  const requests = amountsOf(claim.spec.resources?.requests)
  const before = amountsOf(old?.spec.resources?.requests)
  const faults: string[] = []
  const each = (
    bounds: Readonly<ResourceList> | undefined,
    word: string,
    isBroken: (order: number) => boolean,
  ): void => {
    for (const name in bounds) {
      const request = requests.get(name)
      if (request && isSame(request, before.get(name))) continue
      const rule = `${word} ${name} usage per ${type} is ${bounds[name]}`
      if (request === undefined) faults.push(`${rule}.  No request is specified`)
      else if (isBroken(request.compare(parseQuantity(bounds[name]!))))
        faults.push(`${rule}, but request is ${request}`)
    }
  }
  each(min, 'minimum', order => order < 0)
  each(max, 'maximum', order => order > 0)
  return faults
}

// The rules of Nodes (ValidateNode, ValidateNodeUpdate in pkg/apis/core/validation/validation.go).

import type { Node, Taint } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { labelValueFaults, qualifiedNameFaults } from '../api/names.ts'
import { type Faults, FieldPath } from './field-path.ts'
import { areDualStack, cidrRule } from './ip-address.ts'
import { amountRule } from './resources.ts'
import { taintEffects } from './scheduling-rules.ts'

const specPath = new FieldPath('spec')
const statusPath = new FieldPath('status')
// Upstream reports taints as if they were metadata.
const taintsPath = new FieldPath('metadata').child('taints')

export function nodeRules(node: Frozen<Node>, old: Frozen<Node> | undefined, faults: Faults): void {
  for (const list of ['capacity', 'allocatable'] as const) {
    for (const [name, amount] of Object.entries(node.status[list] ?? {})) {
      amountRule(name, amount, statusPath.child(list, name), faults)
    }
  }
  featureRules(node.status.declaredFeatures ?? [], faults)
  if (old) nodeUpdateRules(node, old, faults)
  else {
    const cidrs = node.spec.podCIDRs ?? []
    const at = specPath.child('podCIDRs')
    for (const [index, cidr] of cidrs.entries()) cidrRule(cidr, at.index(index), faults)
    if (cidrs.length > 1 && (cidrs.length > 2 || !areDualStack(cidrs.map(cidr => cidr.split('/')[0]!)))) {
      faults.invalid(at, cidrs, 'may specify no more than one CIDR for each IP family')
    }
  }
  if (node.spec.taints) taintRules(node.spec.taints, faults)
}

function nodeUpdateRules({ spec, status }: Frozen<Node>, old: Frozen<Node>, faults: Faults): void {
  const seen = new Set<string>()
  for (const [index, address] of (status.addresses ?? []).entries()) {
    const key = `${address.type} ${address.address}`
    if (seen.has(key)) {
      const shown = { Type: address.type, Address: address.address }
      faults.duplicate(statusPath.child('addresses').index(index), shown)
    }
    seen.add(key)
  }
  const before = old.spec.podCIDRs ?? []
  if (before.length > 0 && !jsonEqual(before, spec.podCIDRs ?? [])) {
    faults.forbidden(specPath.child('podCIDRs'), 'node updates may not change podCIDR except from "" to valid')
  }
  if (old.spec.providerID && old.spec.providerID !== spec.providerID) {
    faults.forbidden(specPath.child('providerID'), 'node updates may not change providerID except from "" to valid')
  }
  if ((spec.externalID ?? '') !== (old.spec.externalID ?? '')) {
    faults.forbidden(specPath.child('externalID'), 'may not be updated')
  }
}

function taintRules(taints: readonly Frozen<Taint>[], faults: Faults): void {
  const seen = new Set<string>()
  for (const [index, taint] of taints.entries()) {
    const { key = '', value = '', effect } = taint
    const at = taintsPath.index(index)
    faults.invalids(qualifiedNameFaults(key), key, at, 'key')
    const wrong = labelValueFaults(value)
    if (wrong.length > 0) faults.invalid(at.child('value'), value, wrong.join(';'))
    if (!effect) faults.required(at.child('effect'))
    else if (!taintEffects.includes(effect)) faults.notSupported(at.child('effect'), effect, taintEffects)
    const pair = `${effect} ${key}`
    if (seen.has(pair)) {
      const shown = JSON.stringify({ Key: key, Value: value, Effect: effect, TimeAdded: taint.timeAdded ?? null })
      faults.add({
        type: 'FieldValueDuplicate',
        field: `${at}`,
        message: `Duplicate value: ${shown}: taints must be unique by key and effect pair`,
      })
    }
    seen.add(pair)
  }
}

const featureName = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/

function featureRules(features: readonly string[], faults: Faults): void {
  for (const [index, feature] of features.entries()) {
    const at = statusPath.child('declaredFeatures').index(index)
    const shown = JSON.stringify(feature)
    if (feature.length > 253) {
      faults.invalid(at, feature, `invalid feature name ${shown}: must be no more than 253 characters`)
    } else if (!featureName.test(feature)) {
      const detail =
        "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"
      faults.invalid(at, feature, `invalid feature name ${shown}: ${detail}`)
    }
    const before = features[index - 1]
    if (before === feature) faults.duplicate(at, feature)
    else if (before !== undefined && before > feature) faults.invalid(at, feature, 'list must be sorted alphabetically')
  }
}

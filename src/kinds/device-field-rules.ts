// Rules of single fields that the kinds of resource.k8s.io share (pkg/apis/resource/validation/validation.go): names of
// drivers, pools, devices and attributes, selectors, taints, tolerations, opaque parameters. Whether a CEL expression compiles
// is not judged here.

import type { DeviceSelector, DeviceTaint, DeviceToleration, OpaqueDeviceConfiguration } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import {
  cIdentifierFaults,
  dns1123LabelFaults,
  dns1123SubdomainFaults,
  labelValueFaults,
  qualifiedNameFaults,
} from '../api/names.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { optionalOneOf } from './field-rules.ts'
import { textSize } from './keyed-data-rules.ts'

/** Each item; no more than `most`, or that is the one fault. */
export function each<Item>(
  items: readonly Item[] | undefined,
  most: number,
  path: FieldPath,
  faults: Faults,
  rule: (item: Item, at: FieldPath) => void,
): boolean {
  if (!items) return true
  if (items.length > most) {
    faults.tooMany(path, items.length, most)
    return false
  }
  for (const [index, item] of items.entries()) rule(item, path.index(index))
  return true
}

/** And none twice, by its key. */
export function eachOnce<Item>(
  items: readonly Item[] | undefined,
  most: number,
  path: FieldPath,
  faults: Faults,
  rule: (item: Item, at: FieldPath) => void,
  keyOf: (item: Item) => string,
): void {
  if (!each(items, most, path, faults, rule)) return
  const seen = new Set<string>()
  for (const [index, item] of (items ?? []).entries()) {
    const key = keyOf(item)
    if (seen.has(key)) faults.duplicate(path.index(index), key)
    seen.add(key)
  }
}

/** As of a CSI driver (ValidateCSIDriverName). */
export function driverNameRule(name: string | undefined, path: FieldPath, faults: Faults): void {
  const text = name ?? ''
  if (text === '') faults.required(path)
  if (text.length > 63) faults.tooLong(path, 63)
  faults.invalids(dns1123SubdomainFaults(text.toLowerCase()), text, path)
}

export function poolNameRule(name: string | undefined, path: FieldPath, faults: Faults): void {
  if (!name) {
    faults.required(path)
    return
  }
  if (name.length > 253) faults.tooLong(path, 253)
  for (const part of name.split('/')) faults.invalids(dns1123SubdomainFaults(part), part, path)
}

export function deviceNameRule(name: string | undefined, path: FieldPath, faults: Faults): void {
  faults.invalids(dns1123LabelFaults(name ?? ''), name ?? '', path)
}

export function classNameRule(name: string | undefined, path: FieldPath, faults: Faults): void {
  if (!name) faults.required(path)
  else faults.invalids(dns1123SubdomainFaults(name), name, path)
}

/** Of an attribute or a capacity: `model`, or `example.com/model`. More than one slash passes, as upstream regrets. */
export function qualifiedDeviceName(name: string, path: FieldPath, faults: Faults): void {
  const parts = name.split('/')
  if (parts.length > 2) return
  const [domain, id] = parts.length === 1 ? [undefined, name] : [parts[0]!, parts[1]!]
  if (domain === '') faults.invalid(path, '', 'the domain must not be empty')
  else if (domain !== undefined) driverNameRule(domain, path, faults)
  if (domain !== undefined && id === '') faults.invalid(path, '', 'the name must not be empty')
  else {
    if (id.length > 32) faults.tooLong(path, 32)
    faults.invalids(cIdentifierFaults(id), id, path)
  }
}

export function fullyQualifiedDeviceName(name: string, path: FieldPath, faults: Faults): void {
  qualifiedDeviceName(name, path, faults)
  if (name.includes('/')) return
  faults.invalid(path, name, 'a fully qualified name must be a domain and a name separated by a slash')
}

/** A key of a map as part of a path: cut in its middle when it is too long. */
export function shownKey(key: string, most: number): string {
  if (key.length <= most) return key
  const rest = most - 3
  return `${key.slice(0, (rest + 1) >> 1)}...${key.slice(key.length - (rest >> 1))}`
}

export function selectorsRules(
  selectors: readonly Frozen<DeviceSelector>[] | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  each(selectors, 32, path, faults, ({ cel }, at) => {
    if (!cel) faults.required(at.child('cel'))
    else if (textSize(cel.expression ?? '') > 10240) faults.tooLong(at.child('cel', 'expression'), 10240)
  })
}

const limit = 10240

/** `isStored`: it has been there before, and may be as long as it is. */
export function opaqueRules(
  opaque: Frozen<OpaqueDeviceConfiguration> | undefined,
  isStored: boolean,
  path: FieldPath,
  faults: Faults,
): void {
  const at = path.child('opaque')
  if (!opaque) {
    faults.required(at)
    return
  }
  driverNameRule(opaque.driver, at.child('driver'), faults)
  rawObjectRule(opaque.parameters, isStored, at.child('parameters'), faults)
}

/** Any object, of at most 10 KiB (validateRawExtension). */
export function rawObjectRule(value: unknown, isStored: boolean, path: FieldPath, faults: Faults): void {
  if (value === undefined || value === null) faults.required(path)
  else if (!isStored && textSize(JSON.stringify(value)) > limit) faults.tooLong(path, limit)
  else if (typeof value !== 'object' || Array.isArray(value)) {
    faults.invalid(path, '<value omitted>', 'must be a valid JSON object')
  }
}

const effects = ['NoExecute', 'NoSchedule', 'None']

export function deviceTaintRules(
  taint: Frozen<DeviceTaint>,
  oldEffect: string | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  faults.invalids(qualifiedNameFaults(taint.key ?? ''), taint.key ?? '', path, 'key')
  if (taint.value) faults.invalids(labelValueFaults(taint.value), taint.value, path, 'value')
  if (oldEffect !== undefined && oldEffect === taint.effect) return
  if (!taint.effect) faults.required(path.child('effect'))
  else optionalOneOf(taint.effect, effects, path, 'effect', faults)
}

export function deviceTolerationRules(toleration: Frozen<DeviceToleration>, path: FieldPath, faults: Faults): void {
  const { key, operator, value = '', effect } = toleration
  if (key) faults.invalids(qualifiedNameFaults(key), key, path, 'key')
  if (operator === 'Exists') {
    if (value !== '') faults.invalid(path.child('value'), value, 'must be empty for operator `Exists`')
  } else if (operator === 'Equal') faults.invalids(labelValueFaults(value), value, path, 'value')
  else if (!operator) faults.required(path.child('operator'))
  else faults.notSupported(path.child('operator'), operator, ['Equal', 'Exists'])
  if (effect) optionalOneOf(effect, effects, path, 'effect', faults)
}

interface Bindable {
  readonly bindingConditions?: readonly string[]
  readonly bindingFailureConditions?: readonly string[]
}

export function bindingRules(bindable: Bindable, path: FieldPath, faults: Faults): void {
  const { bindingConditions: conditions = [], bindingFailureConditions: failures = [] } = bindable
  const [good, bad] = [path.child('bindingConditions'), path.child('bindingFailureConditions')]
  const name = (text: string, at: FieldPath) => faults.invalids(qualifiedNameFaults(text), text, at)
  each(conditions, 4, good, faults, name)
  each(failures, 4, bad, faults, name)
  for (const [index, condition] of conditions.entries()) {
    if (conditions.indexOf(condition) < index) faults.duplicate(good.index(index), condition)
  }
  for (const [index, condition] of failures.entries()) {
    if (failures.indexOf(condition) < index) faults.duplicate(bad.index(index), condition)
    if (conditions.includes(condition)) {
      faults.invalid(bad.index(index), condition, 'bindingFailureConditions must not overlap with bindingConditions')
    }
  }
  if (conditions.length === 0 && failures.length > 0) {
    const why = 'bindingConditions are required to use bindingFailureConditions'
    faults.invalid(good, bindable.bindingConditions ?? null, why)
  }
  if (failures.length === 0 && conditions.length > 0) {
    const why = 'bindingFailureConditions are required to use bindingConditions'
    faults.invalid(bad, bindable.bindingFailureConditions ?? null, why)
  }
}

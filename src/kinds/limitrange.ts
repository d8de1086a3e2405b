// LimitRanges: how small and how large what is made in a namespace may be, and what it gets when it does not say. The plugin
// LimitRanger (apiserver/admission/limit-ranger.ts) holds objects against them.

import type { LimitRange, LimitRangeItem } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { qualifiedNameFaults } from '../api/names.ts'
import { compareQuantities, parseQuantity } from '../api/quantity.ts'
import { createdColumn, nameColumn } from './columns.ts'
import { Faults, type FieldPath } from './field-path.ts'
import { defineKind } from './kind.ts'
import {
  canonicalResources,
  containerResourceName,
  isOvercommitAllowed,
  type ResourceList,
  resourceNameRule,
} from './resources.ts'
import { specPath } from './workload-rules.ts'

type Item = Frozen<LimitRangeItem>

const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const

/** Kind `LimitRange` of `v1`: `limitranges`, in namespaces. */
export const LimitRanges = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  singular: 'limitrange',
  shortNames: ['limits'],
  namespaced: true,
  createOnUpdate: true,
  hasGeneration: false,
  // It has no table of its own upstream (apiserver pkg/registry/rest/table.go).
  columns: [nameColumn, createdColumn],
  defaults(draft) {
    draft.spec ??= { limits: [] }
    for (const item of draft.spec.limits ?? []) {
      for (const name of lists) if (item[name]) canonicalResources(item[name])
      if (item.type === 'Container') defaultContainerItem(item)
    }
  },
  validate({ spec }) {
    const faults = new Faults()
    const types = new Set<string>()
    for (const [index, item] of (spec?.limits ?? []).entries()) {
      const at = specPath.child('limits').index(index)
      typeRule(item.type ?? '', at.child('type'), faults)
      if (types.has(item.type)) faults.duplicate(at.child('type'), item.type)
      types.add(item.type)
      itemRules(item, at, faults)
    }
    return faults.list
  },
})

/** SetDefaults_LimitRangeItem in pkg/apis/core/v1/defaults.go. */
function defaultContainerItem(item: LimitRangeItem): void {
  const limits: ResourceList = { ...item.default }
  for (const name in item.max) limits[name] ??= item.max[name]!
  const requests: ResourceList = { ...item.defaultRequest }
  for (const name in limits) requests[name] ??= limits[name]!
  for (const name in item.min) requests[name] ??= item.min[name]!
  if (Object.keys(limits).length > 0) item.default = limits
  if (Object.keys(requests).length > 0) item.defaultRequest = requests
}

const types = ['Pod', 'Container', 'PersistentVolumeClaim']

function typeRule(type: string, path: FieldPath, faults: Faults): void {
  const sentences = qualifiedNameFaults(type)
  if (sentences.length > 0) faults.invalids(sentences, type, path)
  else if (!type.includes('/') && !types.includes(type)) {
    faults.invalid(path, type, 'must be a standard limit type or fully qualified')
  }
}

function itemRules(item: Item, path: FieldPath, faults: Faults): void {
  const names = new Set<string>()
  const look = (child: (typeof lists)[number]): void => {
    for (const name in item[child]) {
      const at = path.child(child).key(name)
      if (item.type === 'Pod' || item.type === 'Container') containerResourceName(name, at, faults)
      else resourceNameRule(name, at, faults)
      names.add(name)
    }
  }
  const isPod = item.type === 'Pod'
  look('max')
  look('min')
  for (const child of ['default', 'defaultRequest'] as const) {
    if (!isPod) look(child)
    else if (Object.keys(item[child] ?? {}).length > 0) {
      faults.forbidden(path.child(child), "may not be specified when `type` is 'Pod'")
    }
  }
  if (item.type === 'PersistentVolumeClaim' && !item.min?.storage && !item.max?.storage) {
    const detail = 'either minimum or maximum storage value is required, but neither was provided'
    faults.required(path.child('limits'), detail)
  }
  look('maxLimitRequestRatio')
  for (const name of names) amountRules(item, name, isPod, path, faults)
}

/** How the amounts of one resource must stand to each other. */
function amountRules(item: Item, name: string, isPod: boolean, path: FieldPath, faults: Faults): void {
  const [min, max, ratio] = [item.min?.[name], item.max?.[name], item.maxLimitRequestRatio?.[name]]
  const [limit, request] = isPod ? [undefined, undefined] : [item.default?.[name], item.defaultRequest?.[name]]
  const fault = (child: string, value: string, detail: string): void =>
    faults.invalid(path.child(child).key(name), value, detail)
  const exceeds = (one: string | undefined, other: string | undefined): boolean =>
    one !== undefined && other !== undefined && compareQuantities(one, other) > 0

  if (exceeds(min, max)) fault('min', min!, `min value ${min} is greater than max value ${max}`)
  if (exceeds(min, request)) {
    fault('defaultRequest', request!, `min value ${min} is greater than default request value ${request}`)
  }
  if (exceeds(request, max)) {
    fault('defaultRequest', request!, `default request value ${request} is greater than max value ${max}`)
  }
  if (exceeds(request, limit)) {
    fault('defaultRequest', request!, `default request value ${request} is greater than default limit value ${limit}`)
  }
  // Upstream shows the other of the two in these.
  if (exceeds(min, limit)) fault('default', min!, `min value ${min} is greater than default value ${limit}`)
  if (exceeds(limit, max)) fault('default', max!, `default value ${limit} is greater than max value ${max}`)
  if (ratio !== undefined) {
    if (compareQuantities(ratio, '1') < 0) fault('maxLimitRequestRatio', ratio, `ratio ${ratio} is less than 1`)
    if (min !== undefined && max !== undefined) {
      const most = parseQuantity(max).milliValue() / parseQuantity(min).milliValue()
      if (parseQuantity(ratio).milliValue() / 1000 > most) {
        fault('maxLimitRequestRatio', ratio, `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`)
      }
    }
  }
  if (!isOvercommitAllowed(name) && limit !== undefined && request !== undefined) {
    if (compareQuantities(limit, request) === 0) return
    fault('defaultRequest', request, `default value ${limit} must equal to defaultRequest value ${request} in ${name}`)
  }
}

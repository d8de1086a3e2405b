// The rules of CustomResourceDefinitions, but for those of the schemas in them, which the caller brings. Upstream judges its
// internal form, in which what all versions have in common stands in the spec itself: that is why a fault of the only
// version is told of `spec.validation` and not of `spec.versions[0].schema`.
// Source: apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go, v1/conversion.go.

import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  JSONSchemaProps,
} from '../../generated/types.ts'
import { isConditionTrue } from '../api/conditions.ts'
import type { FieldError } from '../api/errors.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1035LabelFaults, dns1123SubdomainFaults } from '../api/names.ts'
import { approvalAnnotation, approvalOf } from './api-approval.ts'
import { Faults, FieldPath } from './field-path.ts'
import { oneOf, unchanged } from './field-rules.ts'
import { selectableFieldsRules } from './selectable-field-rules.ts'
import { webhookServiceRules, webhookUrlRules } from './url-rules.ts'

export interface SchemaContext {
  readonly statusEnabled: boolean
  /** The definition as it was; what it was allowed then it is allowed still. */
  readonly old: Frozen<CustomResourceDefinition> | undefined
}

/** The faults of one schema, told of `at` and below. */
export type SchemaRules = (
  schema: Frozen<JSONSchemaProps>,
  at: FieldPath,
  context: SchemaContext,
) => readonly FieldError[]

type Crd = Frozen<CustomResourceDefinition>
type Version = Frozen<CustomResourceDefinitionVersion>

const path = new FieldPath('spec')

export function customResourceDefinitionRules(
  next: Crd,
  old: Crd | undefined,
  subresource: string | undefined,
  schemaRules: SchemaRules,
): FieldError[] {
  const faults = new Faults()
  const status = new FieldPath('status')
  if (subresource === 'status') {
    namesRules(next.status.acceptedNames, status.child('acceptedNames'), faults)
    return faults.list
  }
  specRules(next, old, schemaRules, faults)
  if (old !== undefined) updateRules(next, old, faults)
  namesRules(next.status.acceptedNames, status.child('acceptedNames'), faults)
  storedVersionsRules(next, status.child('storedVersions'), faults)
  approvalRules(next, old, faults)
  if (next.spec.preserveUnknownFields && !old?.spec.preserveUnknownFields) {
    const why =
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'
    faults.invalid(path.child('preserveUnknownFields'), true, why)
  }
  return faults.list
}

/** What every version has in the same form stands in the spec, for them all. */
interface InCommon {
  readonly subresources: boolean
  readonly schema: boolean
  readonly additionalPrinterColumns: boolean
  readonly selectableFields: boolean
}

function inCommon([first, ...others]: readonly Version[]): InCommon {
  const same = (part: keyof InCommon): boolean => others.every(each => jsonEqual(each[part], first?.[part]))
  return {
    subresources: same('subresources'),
    schema: same('schema'),
    additionalPrinterColumns: same('additionalPrinterColumns'),
    selectableFields: same('selectableFields'),
  }
}

function specRules({ spec }: Crd, old: Crd | undefined, schemaRules: SchemaRules, faults: Faults): void {
  const { group, scope, names, versions, conversion } = spec
  groupRules(group, faults)
  oneOf(scope, ['Cluster', 'Namespaced'], path, 'scope', faults)
  const common = inCommon(versions)
  const first = versions[0]
  const list = path.child('versions')
  if (!old || old.spec.versions.every(each => each.schema?.openAPIV3Schema)) {
    for (const [index, { schema }] of versions.entries()) {
      if (!schema?.openAPIV3Schema) faults.required(list.index(index).child('schema', 'openAPIV3Schema'))
    }
  }
  for (const [index, version] of versions.entries()) {
    const at = list.index(index)
    const wrong = dns1035LabelFaults(version.name ?? '')
    if (wrong.length > 0) faults.invalid(at.child('name'), version.name ?? '', wrong.join(','))
    deprecationRules(version, at, faults)
    const { schema } = version
    const statusEnabled = version.subresources?.status !== undefined
    if (schema?.openAPIV3Schema && !common.schema) {
      const place = at.child('schema', 'openAPIV3Schema')
      faults.addAll(schemaRules(schema.openAPIV3Schema, place, { statusEnabled, old }))
    }
    if (!common.subresources) subresourcesRules(version.subresources, at.child('subresources'), faults)
    if (!common.additionalPrinterColumns) columnsRules(version.additionalPrinterColumns, at, faults)
    if (!common.selectableFields && version.selectableFields?.length) {
      const place = at.child('selectableFields')
      const own = common.schema ? undefined : schema?.openAPIV3Schema
      if (own) selectableFieldsRules(version, own, old, place, faults)
      else faults.invalid(place, '', 'may only be set when `version.schema.openAPIV3Schema` is not included')
    }
  }
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    faults.invalid(list, versions, 'must contain unique version names')
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    faults.invalid(list, versions, 'must have exactly one version marked as storage version')
  }
  if (first?.name) {
    const wrong = dns1035LabelFaults(first.name)
    if (wrong.length > 0) faults.invalid(path.child('version'), first.name, wrong.join(','))
  }
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!names[name]) faults.required(path.child('names', name))
  }
  namesRules(names, path.child('names'), faults)
  if (first) {
    const whole = first.schema?.openAPIV3Schema
    if (common.schema && whole) {
      const statusEnabled = versions.some(({ subresources }) => subresources?.status !== undefined)
      faults.addAll(schemaRules(whole, path.child('validation', 'openAPIV3Schema'), { statusEnabled, old }))
    }
    if (common.subresources) subresourcesRules(first.subresources, path.child('subresources'), faults)
    if (common.additionalPrinterColumns) columnsRules(first.additionalPrinterColumns, path, faults)
    if (common.selectableFields && first.selectableFields?.length) {
      const place = path.child('selectableFields')
      if (common.schema && whole) selectableFieldsRules(first, whole, old, place, faults)
      else faults.invalid(place, '', 'may only be set when validations.schema is included')
    }
  }
  conversionRules(conversion, old, faults)
}

function groupRules(group: string | undefined, faults: Faults): void {
  const at = path.child('group')
  if (!group) {
    faults.required(at)
    return
  }
  const wrong = dns1123SubdomainFaults(group)
  if (wrong.length > 0) faults.invalid(at, group, wrong.join(','))
  else if (!group.includes('.')) faults.invalid(at, group, 'should be a domain with at least one dot')
}

function deprecationRules({ deprecated, deprecationWarning: text }: Version, at: FieldPath, faults: Faults): void {
  if (text === undefined) return
  const place = at.child('deprecationWarning')
  if (!deprecated) {
    faults.invalid(place, text, 'can only be set for deprecated versions')
    return
  }
  if (Buffer.byteLength(text) > 256) faults.invalid(place, text, 'must be <= 256 characters long')
  if (text === '') faults.invalid(place, text, 'must not be an empty string')
  const strange = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(text)
  if (strange === null) return
  const index = Buffer.byteLength(text.slice(0, strange.index))
  const why = `must only contain printable UTF-8 characters; non-printable character found at index ${index}`
  faults.invalid(place, text, why)
}

type Names = Frozen<CustomResourceDefinitionNames> | undefined

function namesRules(names: Names, at: FieldPath, faults: Faults): void {
  if (names === undefined) return
  const { plural, singular, kind, listKind } = names
  const label = (text: string | undefined, child: string, before = ''): void => {
    const wrong = text ? dns1035LabelFaults(before === '' ? text : text.toLowerCase()) : []
    if (wrong.length > 0) faults.invalid(at.child(child), text, before + wrong.join(','))
  }
  const mixed = 'may have mixed case, but should otherwise match: '
  label(plural, 'plural')
  label(singular, 'singular')
  label(kind, 'kind', mixed)
  label(listKind, 'listKind', mixed)
  const each = (texts: readonly string[] | undefined, child: string): void => {
    for (const [index, text] of (texts ?? []).entries()) {
      const wrong = dns1035LabelFaults(text)
      if (wrong.length > 0) faults.invalid(at.child(child).index(index), text, wrong.join(','))
    }
  }
  each(names.shortNames, 'shortNames')
  if (kind && kind === listKind) {
    faults.invalid(at.child('listKind'), listKind, 'kind and listKind may not be the same')
  }
  each(names.categories, 'categories')
}

type Subresources = Frozen<CustomResourceSubresources> | undefined

function subresourcesRules(subresources: Subresources, at: FieldPath, faults: Faults): void {
  const scale = subresources?.scale
  if (scale === undefined) return
  const place = (name: string): FieldPath => at.child(`scale.${name}`)
  const under = (name: 'specReplicasPath' | 'statusReplicasPath', root: string): void => {
    const value = scale[name]
    if (!value) faults.required(place(name))
    else if (simplePathRules(value, place(name), faults) && !value.startsWith(`.${root}.`)) {
      faults.invalid(place(name), value, `should be a json path under .${root}`)
    }
  }
  under('specReplicasPath', 'spec')
  under('statusReplicasPath', 'status')
  const { labelSelectorPath: selector } = scale
  if (!selector || !simplePathRules(selector, place('labelSelectorPath'), faults)) return
  if (selector.startsWith('.spec.') || selector.startsWith('.status.')) return
  faults.invalid(place('labelSelectorPath'), selector, 'should be a json path under either .spec or .status')
}

function simplePathRules(text: string, at: FieldPath, faults: Faults): boolean {
  if (text.startsWith('.')) return true
  faults.invalid(at, text, 'must be a simple json path starting with .')
  return false
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string']
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']

type Columns = readonly Frozen<CustomResourceColumnDefinition>[] | undefined

function columnsRules(columns: Columns, within: FieldPath, faults: Faults): void {
  for (const [index, { name, type, format, jsonPath }] of (columns ?? []).entries()) {
    const at = within.child('additionalPrinterColumns').index(index)
    if (!name) faults.required(at.child('name'))
    const types = `must be one of ${columnTypes.join(',')}`
    if (!type) faults.required(at.child('type'), types)
    else if (!columnTypes.includes(type)) faults.invalid(at.child('type'), type, types)
    if (format && !columnFormats.includes(format)) {
      faults.invalid(at.child('format'), format, `must be one of ${columnFormats.join(',')}`)
    }
    if (!jsonPath) faults.required(at.child('JSONPath'))
    else simplePathRules(jsonPath, at.child('JSONPath'), faults)
  }
}

const knownReviews = ['v1', 'v1beta1']

function conversionRules(
  conversion: Frozen<CustomResourceConversion> | undefined,
  old: Crd | undefined,
  faults: Faults,
): void {
  if (conversion === undefined) return
  const at = path.child('conversion')
  oneOf(conversion.strategy, ['None', 'Webhook'], at, 'strategy', faults)
  const { clientConfig: config, conversionReviewVersions: reviews = [] } = conversion.webhook ?? {}
  const place = at.child('webhookClientConfig')
  const list = at.child('conversionReviewVersions')
  if (conversion.strategy !== 'Webhook') {
    const why = 'should not be set when strategy is not set to Webhook'
    if (config !== undefined) faults.forbidden(place, why)
    if (reviews.length > 0) faults.forbidden(list, why)
    return
  }
  if (config === undefined) faults.required(place, 'required when strategy is set to Webhook')
  else if ((config.url === undefined) === (config.service === undefined)) {
    faults.required(place, 'exactly one of url or service is required')
  } else if (config.url !== undefined) webhookUrlRules(config.url, place.child('url'), faults)
  else webhookServiceRules(config.service!, false, place.child('service'), faults)
  if (config?.caBundle && !isBundle(config.caBundle) && isBundleJudged(old)) {
    const why = 'unable to load root certificates: unable to parse bytes as PEM block'
    faults.invalid(place.child('caBundle'), config.caBundle, why)
  }
  reviewVersionsRules(reviews, old, list, faults)
}

/** A bundle that is none is let pass until the kind is served, and as long as it was one already. */
function isBundleJudged(old: Crd | undefined): boolean {
  if (old === undefined || !isConditionTrue(old.status.conditions, 'Established')) return false
  const before = old.spec.conversion?.webhook?.clientConfig?.caBundle
  return !before || isBundle(before)
}

/** Whether a base64 text holds a certificate in PEM, as far as can be seen without reading it. */
export function isBundle(text: string): boolean {
  return /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/.test(Buffer.from(text, 'base64').toString())
}

function reviewVersionsRules(reviews: readonly string[], old: Crd | undefined, at: FieldPath, faults: Faults): void {
  if (reviews.length === 0) {
    faults.required(at)
    return
  }
  const seen = new Set<string>()
  for (const [index, version] of reviews.entries()) {
    if (seen.has(version)) faults.invalid(at.index(index), version, 'duplicate version')
    else faults.invalids(dns1035LabelFaults(version), version, at.index(index))
    seen.add(version)
  }
  const before = old?.spec.conversion?.webhook?.conversionReviewVersions ?? []
  const isForgiven = before.length > 0 && !before.some(version => knownReviews.includes(version))
  if (isForgiven || reviews.some(version => knownReviews.includes(version))) return
  faults.invalid(at, reviews, `must include at least one of ${knownReviews.join(', ')}`)
}

function updateRules({ spec }: Crd, old: Crd, faults: Faults): void {
  if (isConditionTrue(old.status.conditions, 'Established')) {
    unchanged(spec.scope, old.spec.scope, path.child('scope'), faults)
    unchanged(spec.names.kind, old.spec.names.kind, path.child('names', 'kind'), faults)
  }
  unchanged(spec.group, old.spec.group, path.child('group'), faults)
  unchanged(spec.names.plural, old.spec.names.plural, path.child('names', 'plural'), faults)
}

function storedVersionsRules({ spec, status }: Crd, at: FieldPath, faults: Faults): void {
  const stored = status.storedVersions ?? []
  if (stored.length === 0) {
    faults.invalid(at, stored, 'must have at least one stored version')
    return
  }
  for (const { name, storage } of spec.versions) {
    if (storage && !stored.includes(name)) faults.invalid(at, stored, `must have the storage version ${name}`)
  }
  for (const [index, name] of stored.entries()) {
    if (spec.versions.some(version => version.name === name)) continue
    const why =
      `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a ` +
      `storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`
    faults.invalid(at.index(index), name, why)
  }
}

function approvalRules(next: Crd, old: Crd | undefined, faults: Faults): void {
  const approval = approvalOf(next)
  if (approval === undefined || (old && approvalOf(old)?.state === approval.state)) return
  const at = new FieldPath('metadata').child('annotations').key(approvalAnnotation)
  if (approval.state === 'missing') faults.required(at, approval.why)
  else if (approval.state === 'invalid') {
    faults.invalid(at, next.metadata.annotations?.[approvalAnnotation], approval.why)
  }
}

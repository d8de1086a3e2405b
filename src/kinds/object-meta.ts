// The rules of metadata, the same for every kind (apimachinery/pkg/api/validation/objectmeta.go). The registry calls
// `validateObjectMeta` on each write, before the kind's own rules; a kind adds only its rule of names.

import type { FieldError } from '../api/errors.ts'
import { draft as thaw } from '../api/freeze.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen, KubeObject, ObjectMeta, OwnerReference } from '../api/meta.ts'
import {
  annotationFaults,
  dns1123LabelFaults,
  dns1123SubdomainFaults,
  labelFaults,
  maskTrailingDash,
  qualifiedNameFaults,
} from '../api/names.ts'
import { Faults, FieldPath } from './field-path.ts'
import { immutable, nonNegative } from './field-rules.ts'

/** What these rules must know of a kind. */
export interface KindOfMeta {
  readonly namespaced: boolean
  readonly nameRule?: ((name: string, object: any) => readonly string[]) | undefined
  /** Of a kind that came at run time: finalizers of any name are taken. */
  readonly custom?: unknown
}

const path = new FieldPath('metadata')

export function validateObjectMeta(
  next: Frozen<KubeObject>,
  old: Frozen<KubeObject> | undefined,
  kind: KindOfMeta,
): FieldError[] {
  const faults = new Faults()
  const meta = next.metadata
  if (old) metaUpdateRules(meta, old.metadata, faults)
  else metaCreateRules(next, kind, faults)
  if (meta.labels) faults.addAll(labelFaults(meta.labels, 'metadata.labels'))
  if (meta.annotations) faults.addAll(annotationFaults(meta.annotations, 'metadata.annotations'))
  if (meta.ownerReferences?.length) ownerRules(meta.ownerReferences, faults)
  if (meta.finalizers?.length) finalizerRules(meta.finalizers, old === undefined, kind.custom !== undefined, faults)
  if (meta.managedFields?.length) managedFieldsRules(meta.managedFields, faults)
  return faults.list
}

function metaCreateRules(object: Frozen<KubeObject>, { namespaced, nameRule }: KindOfMeta, faults: Faults): void {
  const meta = object.metadata
  const rule = nameRule ?? dns1123SubdomainFaults
  if (meta.generateName) {
    faults.invalids(rule(maskTrailingDash(meta.generateName), object), meta.generateName, path, 'generateName')
  }
  if (meta.name) faults.invalids(rule(meta.name, object), meta.name, path, 'name')
  else faults.required(path.child('name'), 'name or generateName is required')
  if (!namespaced) {
    if (meta.namespace) faults.forbidden(path.child('namespace'), 'not allowed on this type')
  } else if (meta.namespace) faults.invalids(dns1123LabelFaults(meta.namespace), meta.namespace, path, 'namespace')
  else faults.required(path.child('namespace'))
  nonNegative(meta.generation, path, 'generation', faults)
}

const fixed = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const

function metaUpdateRules(meta: Frozen<ObjectMeta>, old: Frozen<ObjectMeta>, faults: Faults): void {
  if (old.deletionTimestamp && meta.finalizers) {
    const added = meta.finalizers.filter(each => !old.finalizers?.includes(each)).sort()
    if (added.length > 0) {
      const shown = `[]string{${added.map(each => JSON.stringify(each)).join(', ')}}`
      faults.forbidden(
        path.child('finalizers'),
        `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`,
      )
    }
  }
  nonNegative(meta.generation, path, 'generation', faults)
  if ((meta.generation ?? 0) < (old.generation ?? 0)) {
    faults.invalid(path.child('generation'), meta.generation ?? 0, 'must not be decremented')
  }
  for (const name of fixed) {
    if (meta[name] !== old[name]) faults.invalid(path.child(name), meta[name] ?? null, immutable)
  }
}

function ownerRules(owners: readonly Frozen<OwnerReference>[], faults: Faults): void {
  const list = path.child('ownerReferences')
  let controller = ''
  for (const [index, owner] of owners.entries()) {
    if (!owner.apiVersion) faults.required(list.index(index).child('apiVersion'), 'must not be empty')
    else if (owner.apiVersion.split('/').length > 2 || owner.apiVersion.endsWith('/')) {
      faults.invalid(list.index(index).child('apiVersion'), owner.apiVersion, 'must be <group>/<version> or <version>')
    }
    for (const name of ['kind', 'name', 'uid'] as const) {
      if (!owner[name]) faults.required(list.index(index).child(name), 'must not be empty')
    }
    if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
      faults.invalid(list.index(index), owner, '/v1, Kind=Event is disallowed from being an owner')
    }
    if (!owner.controller) continue
    const name = `${owner.kind}/${owner.name}`
    if (controller === '') controller = name
    else {
      const found = `Found "true" in references for ${controller} and ${name}`
      faults.invalid(list, owners, `Only one reference can have Controller set to true. ${found}`)
    }
  }
}

/** What a write to a part of an object does not change of its metadata (metav1.ResetObjectMetaForStatus). */
export function keepMetadata(draft: KubeObject, old: Frozen<KubeObject>): void {
  for (const name of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
    const value = old.metadata[name]
    if (value === undefined) delete draft.metadata[name]
    else Object.assign(draft.metadata, { [name]: thaw(value) })
  }
}

const standardFinalizers = ['kubernetes', 'orphan', 'foregroundDeletion']

function finalizerRules(finalizers: readonly string[], isNew: boolean, isCustom: boolean, faults: Faults): void {
  const list = path.child('finalizers')
  if (isNew) {
    for (const name of finalizers) faults.invalids(qualifiedNameFaults(name), name, list)
    if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
      faults.invalid(list, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set')
    }
  }
  if (isCustom) return
  for (const [index, name] of finalizers.entries()) kubeFinalizerRule(name, list.index(index), faults)
}

export function finalizerNameRules(name: string, at: FieldPath, faults: Faults): void {
  faults.invalids(qualifiedNameFaults(name), name, at)
  kubeFinalizerRule(name, at, faults)
}

function kubeFinalizerRule(name: string, at: FieldPath, faults: Faults): void {
  if (!name.includes('/') && !standardFinalizers.includes(name)) {
    faults.invalid(at, name, 'name is neither a standard finalizer name nor is it fully qualified')
  }
}

function managedFieldsRules(entries: NonNullable<Frozen<ObjectMeta>['managedFields']>, faults: Faults): void {
  const list = path.child('managedFields')
  for (const [index, entry] of entries.entries()) {
    if (!entry.operation) faults.required(list.index(index).child('operation'), 'must not be empty')
    else if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
      faults.notSupported(list.index(index).child('operation'), entry.operation, ['Apply', 'Update'])
    }
    if (entry.fieldsType && entry.fieldsType !== 'FieldsV1') {
      faults.invalid(list.index(index).child('fieldsType'), entry.fieldsType, 'must be `FieldsV1`')
    }
    if ((entry.manager?.length ?? 0) > 128) faults.tooLong(list.index(index).child('manager'), 128)
    if ((entry.subresource?.length ?? 0) > 256) faults.tooLong(list.index(index).child('subresource'), 256)
  }
}

const templateFields = new Set(['labels', 'annotations'])

/** Metadata of a template that makes objects of its own: labels and annotations, nothing else. */
export function validateTemplateMeta(meta: Frozen<Partial<ObjectMeta>>, at: FieldPath, faults: Faults): void {
  if (meta.annotations) faults.addAll(annotationFaults(meta.annotations, `${at.child('annotations')}`))
  if (meta.labels) faults.addAll(labelFaults(meta.labels, `${at.child('labels')}`))
  for (const [name, value] of Object.entries(meta)) {
    if (!templateFields.has(name) && value !== undefined && value !== null && !jsonEqual(value, '')) {
      faults.forbidden(at.child(name), 'cannot be set')
    }
  }
}

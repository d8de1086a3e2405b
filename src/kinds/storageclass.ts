// StorageClasses: by whom and how the volumes of a class are made. One, `standard`, is there from the start and is the default
// (apiserver/server.ts); the plugin DefaultStorageClass gives it to claims that name none.

import type { StorageClass, TopologySelectorTerm } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen, KubeObject } from '../api/meta.ts'
import { qualifiedNameFaults } from '../api/names.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, type FieldPath, root } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { defineKind } from './kind.ts'

export const defaultClassAnnotation = 'storageclass.kubernetes.io/is-default-class'
const betaDefaultClassAnnotation = 'storageclass.beta.kubernetes.io/is-default-class'

/** pkg/apis/storage/v1/util/helpers.go. */
export const isDefaultStorageClass = ({ metadata: { annotations } }: Frozen<KubeObject>): boolean =>
  annotations?.[defaultClassAnnotation] === 'true' || annotations?.[betaDefaultClassAnnotation] === 'true'

/** Kind `StorageClass` of `storage.k8s.io/v1`: `storageclasses`, without a namespace. */
export const StorageClasses = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  singular: 'storageclass',
  shortNames: ['sc'],
  namespaced: false,
  hasGeneration: false,
  columns: [
    { ...nameColumn, value: each => `${each.metadata.name}${isDefaultStorageClass(each) ? ' (default)' : ''}` },
    {
      name: 'Provisioner',
      type: 'string',
      description: 'Who makes its volumes.',
      value: each => each.provisioner ?? '',
    },
    {
      name: 'ReclaimPolicy',
      type: 'string',
      description: 'What becomes of a volume that nobody claims any more.',
      value: each => each.reclaimPolicy ?? 'Delete',
    },
    {
      name: 'VolumeBindingMode',
      type: 'string',
      description: 'When a volume is made: for the claim, or for its first pod.',
      value: each => each.volumeBindingMode ?? 'Immediate',
    },
    {
      name: 'AllowVolumeExpansion',
      type: 'string',
      description: 'Whether a claim may grow.',
      value: each => each.allowVolumeExpansion ?? false,
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.reclaimPolicy ??= 'Delete'
    draft.volumeBindingMode ??= 'Immediate'
  },
  validate(next, old) {
    const faults = new Faults()
    classRules(next, faults)
    if (old) updateRules(next, old, faults)
    return faults.list
  },
})

function classRules(next: Frozen<StorageClass>, faults: Faults): void {
  const { provisioner = '', reclaimPolicy, volumeBindingMode } = next
  provisionerRule(provisioner, root.child('provisioner'), faults)
  parameterRules(next.parameters ?? {}, root.child('parameters'), faults)
  if (reclaimPolicy && reclaimPolicy !== 'Delete' && reclaimPolicy !== 'Retain') {
    faults.notSupported(root.child('reclaimPolicy'), reclaimPolicy, ['Delete', 'Retain'])
  }
  const modes = ['Immediate', 'WaitForFirstConsumer']
  if (volumeBindingMode === undefined) faults.required(root.child('volumeBindingMode'))
  else if (!modes.includes(volumeBindingMode)) {
    faults.notSupported(root.child('volumeBindingMode'), volumeBindingMode, modes)
  }
  topologyRules(next.allowedTopologies ?? [], root.child('allowedTopologies'), faults)
}

export function provisionerRule(provisioner: string, path: FieldPath, faults: Faults): void {
  if (provisioner === '') faults.required(path)
  else faults.invalids(qualifiedNameFaults(provisioner.toLowerCase()), provisioner, path)
}

const mostParameters = 512
const mostParameterBytes = 256 * 1024

export function parameterRules(parameters: Readonly<Record<string, string>>, path: FieldPath, faults: Faults): void {
  const entries = Object.entries(parameters)
  if (entries.length > mostParameters) {
    faults.tooLong(path, mostParameters)
    return
  }
  let size = 0
  for (const [name, value] of entries) {
    if (name === '') faults.invalid(path, name, 'field can not be empty.')
    size += Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  if (size > mostParameterBytes) faults.tooLong(path, mostParameterBytes)
}

/** ValidateTopologySelectorTerm in pkg/apis/core/validation/validation.go, whose paths leave out which term it is. */
function topologyRules(terms: readonly Frozen<TopologySelectorTerm>[], path: FieldPath, faults: Faults): void {
  const seen: object[] = []
  for (const [index, { matchLabelExpressions = [] }] of terms.entries()) {
    const values = new Map<string, string[]>()
    for (const [position, { key = '', values: given = [] }] of matchLabelExpressions.entries()) {
      const at = path.child('matchLabelExpressions').index(position)
      if (given.length === 0) faults.required(at.child('values'))
      for (const [place, value] of given.entries()) {
        if (given.indexOf(value) < place) faults.duplicate(at.child('values').index(place), value)
      }
      faults.invalids(qualifiedNameFaults(key), key, at, 'key')
      if (values.has(key)) faults.duplicate(at.child('key'), key)
      values.set(key, [...new Set(given)].sort())
    }
    const shape = Object.fromEntries([...values].sort(([one], [other]) => (one < other ? -1 : 1)))
    if (seen.some(other => jsonEqual(other, shape))) {
      faults.duplicate(path.index(index).child('matchLabelExpressions'), '')
    }
    seen.push(shape)
  }
}

function updateRules(next: Frozen<StorageClass>, old: Frozen<StorageClass>, faults: Faults): void {
  for (const name of ['parameters', 'provisioner', 'reclaimPolicy'] as const) {
    if (!jsonEqual(next[name], old[name])) faults.forbidden(root.child(name), `updates to ${name} are forbidden.`)
  }
  unchanged(next.volumeBindingMode, old.volumeBindingMode, root.child('volumeBindingMode'), faults)
}

// The rules of a container's environment, and of what else names fields and resources of the pod: the downward API
// (ValidateEnv, ValidateEnvFrom, validateObjectFieldSelector in pkg/apis/core/validation/validation.go).

import type {
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  FileKeySelector,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import {
  configKeyFaults,
  dns1123LabelFaults,
  dns1123SubdomainFaults,
  maskTrailingDash,
  qualifiedNameFaults,
  relaxedVariableNameFaults,
} from '../api/names.ts'
import { parseQuantity } from '../api/quantity.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { withoutBacksteps } from './field-rules.ts'

export function envRules(variables: readonly Frozen<EnvVar>[], path: FieldPath, faults: Faults): void {
  for (const [index, variable] of variables.entries()) {
    const at = path.index(index)
    if (variable.name) faults.invalids(relaxedVariableNameFaults(variable.name), variable.name, at, 'name')
    else faults.required(at.child('name'))
    if (variable.valueFrom) valueFromRules(variable.valueFrom, variable.value, at.child('valueFrom'), faults)
  }
}

const envFields = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]

function valueFromRules(
  source: Frozen<EnvVarSource>,
  value: string | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  let count = 0
  if (source.fieldRef) {
    count++
    fieldRefRules(source.fieldRef, envFields, path.child('fieldRef'), faults)
  }
  if (source.resourceFieldRef) {
    count++
    resourceFieldRules(source.resourceFieldRef, false, path.child('resourceFieldRef'), faults)
  }
  for (const name of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const reference = source[name]
    if (!reference) continue
    count++
    const at = path.child(name)
    faults.invalids(dns1123SubdomainFaults(reference.name ?? ''), reference.name ?? '', at, 'name')
    if (reference.key) faults.invalids(configKeyFaults(reference.key), reference.key, at, 'key')
    else faults.required(at.child('key'))
  }
  if (source.fileKeyRef) {
    count++
    fileKeyRules(source.fileKeyRef, path.child('fileKeyRef'), faults)
  }
  if (count === 0) {
    const known = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'
    faults.invalid(path, '', `must specify one of: ${known}`)
  } else if (value) faults.invalid(path, '', 'may not be specified when `value` is not empty')
  else if (count > 1) faults.invalid(path, '', 'may not have more than one field specified at a time')
}

function fileKeyRules(reference: Frozen<FileKeySelector>, path: FieldPath, faults: Faults): void {
  if (reference.key) faults.invalids(relaxedVariableNameFaults(reference.key), reference.key, path, 'key')
  else faults.required(path.child('key'))
  if (reference.volumeName) {
    faults.invalids(dns1123LabelFaults(reference.volumeName), reference.volumeName, path, 'volumeName')
  } else faults.required(path.child('volumeName'))
  if (reference.path) withoutBacksteps(reference.path, path.child('path'), faults)
  else faults.required(path.child('path'))
}

const convertible = new Set([
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.serviceAccountName',
  'spec.schedulerName',
  'status.phase',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
])
const subscripted = /^([^[]+)\['(.*)'\]$/

/** `fields` is what may be asked for here; `metadata.labels['key']` and annotations may be asked for everywhere. */
export function fieldRefRules(
  { apiVersion, fieldPath }: Frozen<ObjectFieldSelector>,
  fields: readonly string[],
  path: FieldPath,
  faults: Faults,
): void {
  if (!apiVersion) {
    faults.required(path.child('apiVersion'))
    return
  }
  if (!fieldPath) {
    faults.required(path.child('fieldPath'))
    return
  }
  if (apiVersion === 'v1' && fields.includes(fieldPath)) return
  const cannotConvert = (why: string): void =>
    faults.invalid(path.child('fieldPath'), fieldPath, `error converting fieldPath: ${why}`)
  if (apiVersion !== 'v1') {
    cannotConvert(`unsupported pod version: ${apiVersion}`)
    return
  }
  const parts = subscripted.exec(fieldPath)
  if (parts) {
    const [, field = '', key = ''] = parts
    if (field === 'metadata.annotations') faults.invalids(qualifiedNameFaults(key.toLowerCase()), key, path)
    else if (field === 'metadata.labels') faults.invalids(qualifiedNameFaults(key), key, path)
    else cannotConvert(`field label does not support subscript: ${fieldPath}`)
    return
  }
  const field = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath
  if (!convertible.has(field)) {
    cannotConvert(`field label not supported: ${fieldPath}`)
    return
  }
  if (!fields.includes(field)) faults.notSupported(path.child('fieldPath'), field, fields)
}

const resourceFields = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
]
const byteDivisors = new Set([
  '1',
  ...[...'kMGTPE'].flatMap(unit => (unit === 'k' ? ['1k', '1Ki'] : [`1${unit}`, `1${unit}i`])),
])
const byteDivisorText = '1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei'

export function resourceFieldRules(
  { containerName, resource, divisor }: Frozen<ResourceFieldSelector>,
  isVolume: boolean,
  path: FieldPath,
  faults: Faults,
): void {
  const isHugePages = resource?.startsWith('limits.hugepages-') || resource?.startsWith('requests.hugepages-')
  if (isVolume && !containerName) faults.required(path.child('containerName'))
  else if (!resource) faults.required(path.child('resource'))
  else if (!isHugePages && !resourceFields.includes(resource)) {
    faults.notSupported(path.child('resource'), resource, resourceFields)
  }
  if (divisor === undefined || divisor === '0' || parseQuantity(divisor).sign === 0) return
  const what = resource?.slice(resource.indexOf('.') + 1)
  if (what === 'cpu') {
    if (divisor !== '1m' && divisor !== '1') {
      const detail = "only divisor's values 1m and 1 are supported with the cpu resource"
      faults.invalid(path.child('divisor'), resource, detail)
    }
    return
  }
  const noun = what === 'ephemeral-storage' ? 'local ephemeral storage' : isHugePages ? 'hugepages' : what
  if ((what === 'memory' || what === 'ephemeral-storage' || isHugePages) && !byteDivisors.has(divisor)) {
    const detail = `only divisor's values ${byteDivisorText} are supported with the ${noun} resource`
    faults.invalid(path.child('divisor'), resource, detail)
  }
}

export function envFromRules(sources: readonly Frozen<EnvFromSource>[], path: FieldPath, faults: Faults): void {
  for (const [index, { prefix, configMapRef, secretRef }] of sources.entries()) {
    const at = path.index(index)
    if (prefix) faults.invalids(relaxedVariableNameFaults(prefix), prefix, at, 'prefix')
    if (configMapRef) referenceRule(configMapRef.name, at.child('configMapRef'), faults)
    if (secretRef) referenceRule(secretRef.name, at.child('secretRef'), faults)
    if (!configMapRef && !secretRef) faults.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`')
    else if (configMapRef && secretRef) {
      faults.invalid(path, '', 'may not have more than one field specified at a time')
    }
  }
}

function referenceRule(name: string | undefined, path: FieldPath, faults: Faults): void {
  if (name) faults.invalids(dns1123SubdomainFaults(maskTrailingDash(name)), name, path, 'name')
  else faults.required(path.child('name'))
}

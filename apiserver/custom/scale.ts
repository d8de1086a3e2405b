// The scale of a custom kind, by the paths that its definition names
// (apiextensions-apiserver pkg/registry/customresource/etcd.go, validator.go).

import type { CustomResourceSubresourceScale } from '../../generated/types.ts'
import { type FieldError, invalidValue } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { ScaleRules } from '../../src/kinds/kind.ts'
import { setAt, simplePath, valueAt } from './field-values.ts'
import { goType } from './go-type.ts'

type Scale = Frozen<CustomResourceSubresourceScale>

export function scaleRulesOf({ specReplicasPath, statusReplicasPath, labelSelectorPath }: Scale): ScaleRules<any> {
  const spec = simplePath(specReplicasPath)
  const status = simplePath(statusReplicasPath)
  const selector = labelSelectorPath ? simplePath(labelSelectorPath) : undefined
  return {
    replicasPath: specReplicasPath,
    replicas: object => numberOf(valueAt(object, spec)),
    setReplicas: (draft, replicas) => setAt(draft as unknown as Record<string, unknown>, spec, replicas),
    statusReplicas: object => numberOf(valueAt(object, status)) ?? 0,
    selector: object => {
      const value = selector && valueAt(object, selector)
      return typeof value === 'string' ? value : ''
    },
  }
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

const largest = 2147483647

/** What stands at the paths must be a number of replicas, whatever the schema says. */
export function scaleFaults(
  { specReplicasPath, statusReplicasPath, labelSelectorPath }: Scale,
  object: Frozen<KubeObject>,
  isStatusUpdate: boolean,
): FieldError[] {
  const faults: FieldError[] = []
  const count = (path: string): void => {
    const value = valueAt(object, simplePath(path))
    if (value === undefined) return
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      const why = `${path} accessor error: ${JSON.stringify(value)} is of the type ${goType(value)}, expected int64`
      faults.push(invalidValue(path, 0, why))
    } else if (value < 0) faults.push(invalidValue(path, value, 'should be a non-negative integer'))
    else if (value > largest) {
      faults.push(invalidValue(path, value, `should be less than or equal to ${largest}`))
    }
  }
  if (!isStatusUpdate) count(specReplicasPath)
  count(statusReplicasPath)
  const selector = labelSelectorPath ? valueAt(object, simplePath(labelSelectorPath)) : undefined
  if (selector !== undefined && typeof selector !== 'string') {
    const why = `${labelSelectorPath} accessor error: ${JSON.stringify(selector)} is of the type ${goType(selector)}, expected string`
    faults.push(invalidValue(labelSelectorPath!, '', why))
  }
  return faults
}

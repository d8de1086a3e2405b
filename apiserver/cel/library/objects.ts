// Objects that expressions make by their type: `Object.spec{replicas: 3}`, `JSONPatch{op: "add", …}`. source.ts has turned them
// into calls of a function here; the type's name stays with the value, so that it can be told where it belongs.
// Upstream: k8s.io/apiserver/pkg/cel/mutation/dynamic/objects.go.

import type { Environment } from '@marcbachmann/cel-js'
import { objectName } from '../source.ts'

export class CelMade {
  readonly type: string
  readonly members: ReadonlyMap<string, unknown>

  constructor(type: string, members: ReadonlyMap<string, unknown>) {
    this.type = type
    this.members = members
  }
}

export function registerObjects(environment: Environment): void {
  environment
    .registerType('kubernetes.Object', CelMade)
    .registerFunction(
      `${objectName}(string, map): kubernetes.Object`,
      (type: string, members: object) =>
        new CelMade(type, members instanceof Map ? members : new Map(Object.entries(members))),
    )
  class PatchNamespace {}
  const type = 'kubernetes.JsonPatchNamespace'
  environment
    .registerType(type, PatchNamespace)
    .registerConstant('jsonpatch', type, new PatchNamespace())
    .registerFunction(`${type}.escapeKey(string): string`, (_: unknown, key: string) =>
      key.replaceAll('~', '~0').replaceAll('/', '~1'),
    )
}

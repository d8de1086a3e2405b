// Lists taken as sets. Rules: github.com/google/cel-go/ext/sets.go.

import type { Environment } from '@marcbachmann/cel-js'
import { isSame } from './comparing.ts'

class SetsNamespace {}
type List = readonly unknown[]

export function registerSets(environment: Environment): void {
  const has = (list: List, value: unknown): boolean => list.some(each => isSame(each, value))
  const contains = (list: List, sublist: List): boolean => sublist.every(each => has(list, each))
  const type = 'kubernetes.SetsNamespace'
  environment
    .registerType(type, SetsNamespace)
    .registerConstant('sets', type, new SetsNamespace())
    .registerFunction(`${type}.contains(list, list): bool`, (_: unknown, list: List, other: List) =>
      contains(list, other),
    )
    .registerFunction(
      `${type}.equivalent(list, list): bool`,
      (_: unknown, list: List, other: List) => contains(list, other) && contains(other, list),
    )
    .registerFunction(`${type}.intersects(list, list): bool`, (_: unknown, list: List, other: List) =>
      other.some(each => has(list, each)),
    )
}

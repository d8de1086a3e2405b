// Lists of what can be ordered or added: isSorted, sum, min, max, indexOf, lastIndexOf; and cel-go's slice, flatten, reverse,
// distinct, sort, range. Upstream: k8s.io/apiserver/pkg/cel/library/lists.go, github.com/google/cel-go/ext/lists.go.

import type { Environment } from '@marcbachmann/cel-js'
import { compareValues, isSame } from './comparing.ts'

type List = readonly unknown[]

export function registerLists(environment: Environment): void {
  environment
    .registerFunction('list.isSorted(): bool', (list: List) =>
      list.every((each, index) => index === 0 || compareValues(list[index - 1], each) <= 0),
    )
    .registerFunction('list.sum(): dyn', sum)
    .registerFunction('list.min(): dyn', (list: List) => extreme(list, 'min', -1))
    .registerFunction('list.max(): dyn', (list: List) => extreme(list, 'max', 1))
    .registerFunction('list.indexOf(dyn): int', (list: List, value: unknown) =>
      BigInt(list.findIndex(each => isSame(each, value))),
    )
    .registerFunction('list.lastIndexOf(dyn): int', (list: List, value: unknown) =>
      BigInt(list.findLastIndex(each => isSame(each, value))),
    )
    .registerFunction('list.slice(int, int): list', slice)
    .registerFunction('list.flatten(): list', (list: List) => list.flat(1))
    .registerFunction('list.flatten(int): list', (list: List, depth: bigint) => list.flat(Number(depth)))
    .registerFunction('list.reverse(): list', (list: List) => [...list].reverse())
    .registerFunction('list.distinct(): list', (list: List) =>
      list.filter((each, index) => list.findIndex(other => isSame(other, each)) === index),
    )
    .registerFunction('list.sort(): list', (list: List) => [...list].sort(compareValues))
}

function sum(list: List): unknown {
  let total: unknown = 0n
  for (const [index, each] of list.entries()) {
    if (index === 0) total = each
    else if (typeof total === 'bigint' && typeof each === 'bigint') total += each
    else if (typeof total === 'number' && typeof each === 'number') total += each
    else throw new Error('no such overload')
  }
  return total
}

function extreme(list: List, name: string, sign: -1 | 1): unknown {
  if (list.length === 0) throw new Error(`${name} called on empty list`)
  return list.reduce((best, each) => (compareValues(each, best) * sign > 0 ? each : best))
}

function slice(list: List, start: bigint, end: bigint): List {
  if (start < 0n || end < 0n) throw new Error('cannot slice with negative indexes')
  if (start > end)
    throw new Error(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`)
  if (end > BigInt(list.length)) throw new Error(`cannot slice(${start}, ${end}), list is length ${list.length}`)
  return list.slice(Number(start), Number(end))
}

// Amounts by the name of a resource, added and compared as quota does it (k8s.io/apiserver/pkg/quota/v1/resources.go). Used
// by quota-usage.ts, by the plugins LimitRanger and ResourceQuota, and by the controller that counts again.

import { parseQuantity, type Quantity } from '../api/quantity.ts'
import type { ResourceList } from './resources.ts'

export type Amounts = Map<string, Quantity>

export function amountsOf(list: Readonly<ResourceList> | undefined): Amounts {
  const amounts: Amounts = new Map()
  for (const name in list) amounts.set(name, parseQuantity(list[name]!))
  return amounts
}

export function listOf(amounts: Amounts): ResourceList {
  const list: ResourceList = {}
  for (const [name, amount] of amounts) list[name] = amount.toString()
  return list
}

/** Adds to the first. */
export function addAmounts(sums: Amounts, others: Amounts): void {
  for (const [name, other] of others) {
    const sum = sums.get(name)
    sums.set(name, sum ? sum.add(other) : other)
  }
}

/** How much more the one is than the other; of what is not more, nothing. */
export function increaseOf(next: Amounts, before: Amounts): Amounts {
  const increase: Amounts = new Map()
  for (const [name, amount] of next) {
    const old = before.get(name)
    const more = old ? amount.subtract(old) : amount
    if (more.sign > 0) increase.set(name, more)
  }
  return increase
}

export function sameAmounts(one: Amounts, other: Amounts): boolean {
  if (one.size !== other.size) return false
  for (const [name, amount] of one) {
    const there = other.get(name)
    if (there === undefined || amount.compare(there) !== 0) return false
  }
  return true
}

// Lists of resources (`cpu: 500m`): their canonical form, and what their names may be. Called by the defaults and the
// rules of pods, nodes and claims (pkg/apis/core/helper/helpers.go).

import { canonicalQuantity, parseQuantity } from '../api/quantity.ts'

type ResourceList = Record<string, string>

/** As Go writes it back: `1000m` is `1`, a JSON number is text. Throws QuantityError for what is no quantity. */
export function canonicalResources(list: ResourceList): void {
  for (const name in list) {
    const given: unknown = list[name]
    const text = canonicalQuantity(String(given))
    if (text !== given) list[name] = text
  }
}

export function isPositive(quantity: string | undefined): boolean {
  return quantity !== undefined && parseQuantity(quantity).sign > 0
}

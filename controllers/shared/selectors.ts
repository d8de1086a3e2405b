// Selectors of objects, made once an object: asked for at every event of a pod. An object that changed is another object.

import type { LabelSelector } from '../../generated/types.ts'
import { type LabelSelectorLike, type Selector, selectorFromLabelSelector } from '../../src/api/labels.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'

export type SelectorOf<T extends KubeObject> = (object: Frozen<T>) => Selector

export function selectorsOf<T extends KubeObject>(
  selector: (object: Frozen<T>) => LabelSelectorLike | undefined,
): SelectorOf<T> {
  const made = new WeakMap<Frozen<T>, Selector>()
  return object => {
    let found = made.get(object)
    if (found === undefined) {
      found = selectorFromLabelSelector(selector(object))
      made.set(object, found)
    }
    return found
  }
}

/** A label selector as Go prints it: so it stands in some of upstream's sentences. */
export function selectorAsGo(selector: Frozen<LabelSelector> | undefined): string {
  if (selector === undefined) return 'nil'
  const { matchLabels = {}, matchExpressions = [] } = selector
  const labels = Object.keys(matchLabels)
    .sort()
    .map(key => `${key}: ${matchLabels[key]},`)
    .join('')
  const expressions = matchExpressions
    .map(({ key, operator, values = [] }) => `{${key} ${operator} [${values.join(' ')}]},`)
    .join('')
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${expressions}},}`
}

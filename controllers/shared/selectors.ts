// Selectors of objects, made once an object: asked for at every event of a pod. An object that changed is another object.

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

// A value outside React that components read with `useValue`: what the whole page shares and no component owns.

import { useSyncExternalStore } from 'react'

export interface Value<T> {
  get(): T
  set(next: T): void
  onChange(hear: () => void): () => void
}

export function createValue<T>(first: T): Value<T> {
  let value = first
  const hearers = new Set<() => void>()
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return
      value = next
      for (const hear of [...hearers]) hear()
    },
    onChange(hear) {
      hearers.add(hear)
      return () => hearers.delete(hear)
    },
  }
}

export function useValue<T>(value: Pick<Value<T>, 'get' | 'onChange'>): T {
  return useSyncExternalStore(value.onChange, value.get)
}

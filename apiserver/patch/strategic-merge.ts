// Strategic merge patch, as the API server applies what kubectl sends
// (k8s.io/apimachinery/pkg/util/strategicpatch/patch.go). Called by registry/write.ts. Pure: neither argument is changed;
// the result shares with both whatever it takes over unchanged, so it must be drafted before anything writes into it.

import { ApiError, badRequest } from '../../src/api/errors.ts'
import { setMember } from '../../src/api/freeze.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { isMembers, withoutNulls } from './merge-patch.ts'

/** What a merge must know of a type; src/kinds/schemas.ts has it for every kind. Where there is none, maps merge and lists are replaced. */
export interface MergeSchema {
  /** A named field of an object. */
  field(name: string): MergeSchema | undefined
  /** What a list holds. */
  items(): MergeSchema | undefined
  /** What a map from string holds. */
  values(): MergeSchema | undefined
  /** For a list of objects: the field that tells one from another. */
  readonly mergeKey?: string | undefined
  /** `merge`, `replace`, `retainKeys`, or `merge,retainKeys`. */
  readonly patchStrategy?: string | undefined
}

type Members = Readonly<Record<string, unknown>>
type Items = readonly unknown[]

const directive = '$patch'
const retainKeys = '$retainKeys'
const elementOrder = '$setElementOrder'
const deletions = '$deleteFromPrimitiveList'

export function applyStrategicMerge<T extends object>(
  current: Frozen<T>,
  patch: unknown,
  schema: MergeSchema | undefined,
): T {
  if (!isMembers(patch)) throw badRequest('json: cannot unmarshal patch into Go value of type map[string]interface {}')
  return mergeMembers(current as Members, patch, schema) as T
}

function mergeMembers(current: Members, patch: Members, schema: MergeSchema | undefined): Members {
  if (Object.hasOwn(patch, directive)) return replaced(patch)
  let next: Record<string, unknown> = retained(current, patch)
  const ordered = new Set<string>()
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(elementOrder)) continue
    const field = named(key, elementOrder)
    if (mergeOrdered(next, field, patch, patch[key], schema)) ordered.add(field)
  }
  for (const key of Object.keys(patch)) {
    if (key === retainKeys || key.startsWith(elementOrder) || ordered.has(key)) continue
    if (key.startsWith(deletions)) next = deleted(next, named(key, deletions), patch[key])
    else mergeMember(next, key, patch[key], schema)
  }
  return next
}

/** `$patch: replace` takes the patch for the whole, `$patch: delete` leaves nothing. */
function replaced(patch: Members): Members {
  const { [directive]: how, ...rest } = patch
  if (how === 'replace') return clean(rest) as Members
  if (how === 'delete') return {}
  throw unknownDirective(how, patch)
}

/** A copy of the present members, only those that `$retainKeys` names if it is given; the patch may set no others. */
function retained(current: Members, patch: Members): Record<string, unknown> {
  const keep = patch[retainKeys]
  if (keep === undefined) return { ...current }
  const wrong = 'invalid patch format of retainKeys'
  if (!Array.isArray(keep)) throw badRequest(wrong)
  const kept = new Set<unknown>(keep)
  for (const key of Object.keys(patch)) {
    const isDirective = key === retainKeys || key.startsWith(deletions) || key.startsWith(elementOrder)
    if (!isDirective && patch[key] !== null && !kept.has(key)) throw badRequest(wrong)
  }
  const next: Record<string, unknown> = {}
  for (const key of Object.keys(current)) if (kept.has(key)) setMember(next, key, current[key])
  return next
}

function mergeMember(
  next: Record<string, unknown>,
  key: string,
  value: unknown,
  schema: MergeSchema | undefined,
): void {
  if (value === null || value === undefined) {
    delete next[key]
    return
  }
  const old = Object.hasOwn(next, key) ? next[key] : undefined
  const field = schema?.field(key) ?? schema?.values()
  const strategy = strategyOf(field)
  let result: unknown
  if (isMembers(value) && isMembers(old) && strategy !== 'replace') result = mergeMembers(old, value, field)
  else if (Array.isArray(value) && Array.isArray(old) && strategy === 'merge') result = mergeItems(old, value, field)
  else result = clean(value)
  if (result === undefined) delete next[key]
  else setMember(next, key, result)
}

/** `merge,retainKeys` merges; the keys to retain are told by the patch itself. */
function strategyOf(field: MergeSchema | undefined): string | undefined {
  const strategy = field?.patchStrategy
  if (strategy === undefined || !strategy.includes(',')) return strategy
  return strategy.split(',').find(each => each !== 'retainKeys')
}

// ---- lists

function mergeItems(old: Items, patch: Items, list: MergeSchema | undefined): Items {
  if (old.length === 0 && patch.length === 0) return old
  if (itemType(old, patch) !== 'object') {
    return inOrder([...new Set([...old, ...patch])], patch, old, item => item)
  }
  const key = list?.mergeKey
  if (key === undefined) throw internal('cannot merge lists without merge key for struct')
  const { kept, changes } = afterDirectives(old as readonly Members[], patch as readonly Members[], key)
  const merged = [...kept]
  const places = new Map<unknown, number>()
  merged.forEach((item, index) => {
    if (Object.hasOwn(item, key) && !places.has(item[key])) places.set(item[key], index)
  })
  for (const change of changes) {
    const id = keyOf(change, key)
    const place = places.get(id)
    if (place === undefined) {
      places.set(id, merged.length)
      merged.push(clean(change) as Members)
    } else {
      merged[place] = mergeMembers(merged[place]!, change, list?.items())
    }
  }
  return inOrder(merged, changes, old, item => keyOf(item as Members, key))
}

/** Items marked `$patch: delete` take away their like; one marked `$patch: replace` takes away all that was. */
function afterDirectives(
  old: readonly Members[],
  patch: readonly Members[],
  key: string,
): { kept: readonly Members[]; changes: readonly Members[] } {
  let kept = old
  let isReplaced = false
  const changes: Members[] = []
  for (const item of patch) {
    if (!Object.hasOwn(item, directive)) {
      changes.push(item)
    } else if (item[directive] === 'delete') {
      const id = keyOf(item, key)
      kept = kept.filter(each => each[key] !== id)
    } else if (item[directive] === 'replace') {
      isReplaced = true
    } else if (item[directive] === 'merge') {
      throw internal('merging lists cannot yet be specified in the patch')
    } else {
      throw unknownDirective(item[directive], item)
    }
  }
  return isReplaced ? { kept: changes.map(item => clean(item) as Members), changes: [] } : { kept, changes }
}

/** `$deleteFromPrimitiveList/finalizers: [a]`, whatever the list's own strategy. */
function deleted(next: Record<string, unknown>, field: string, values: unknown): Record<string, unknown> {
  const old = Object.hasOwn(next, field) ? next[field] : undefined
  if (values === null) delete next[field]
  if (!Array.isArray(old) || !Array.isArray(values) || old.length + values.length === 0) return next
  if (itemType(old, values) === 'object') throw internal('expected a list of primitives')
  const gone = new Set<unknown>(values)
  next[field] = old.filter(item => !gone.has(item))
  return next
}

/** `$setElementOrder/containers: [{name: a}, {name: b}]`: the list and its patch are merged, then put in that order. */
function mergeOrdered(
  next: Record<string, unknown>,
  field: string,
  patch: Members,
  order: unknown,
  schema: MergeSchema | undefined,
): boolean {
  if (!Array.isArray(order)) throw expectedList(order)
  const old = Object.hasOwn(next, field) ? next[field] : undefined
  const change = Object.hasOwn(patch, field) ? patch[field] : undefined
  if (old !== undefined && !Array.isArray(old)) throw expectedList(old)
  if (change !== undefined && !Array.isArray(change)) throw expectedList(change)
  if (old === undefined && change === undefined) return false
  const list = schema?.field(field) ?? schema?.values()
  const key = list?.mergeKey
  checkOrder(change ?? [], order, key)

  let merged: Items
  if (change === undefined) merged = old as Items
  else if (old === undefined) merged = clean(change) as Items
  else merged = strategyOf(list) === 'merge' ? mergeItems(old, change, list) : (clean(change) as Items)
  const idOf = key === undefined ? (item: unknown) => item : (item: unknown) => keyOf(item as Members, key)
  setMember(next, field, inOrder(merged, order, (old as Items | undefined) ?? [], idOf))
  return change !== undefined
}

/** What the patch adds or changes must stand in the order that it asks for, and in the same sequence. */
function checkOrder(change: Items, order: Items, key: string | undefined): void {
  if (order.length === 0 || change.length === 0) return
  const changed = change.filter(item => !(isMembers(item) && Object.hasOwn(item, directive)))
  let at = 0
  for (let place = 0; at < changed.length && place < order.length; place++) {
    const isSame =
      key === undefined
        ? changed[at] === order[place]
        : keyOf(changed[at] as Members, key) === keyOf(order[place] as Members, key)
    if (isSame) at++
  }
  if (at < changed.length) {
    throw internal(
      `The order in patch list:\n${goText(change)}\n doesn't match ${elementOrder} list:\n${goText(order)}\n`,
    )
  }
}

/**
 * Items that `wanted` names in its sequence, all others in that of `before`; an item that nobody ordered stands before
 * the first ordered one that it used to precede (strategicpatch.normalizeElementOrder, mergeSortedSlice).
 */
function inOrder(items: Items, wanted: Items, before: Items, idOf: (item: unknown) => unknown): Items {
  const want = places(wanted, idOf)
  const was = places(before, idOf)
  const ordered: unknown[] = []
  const others: unknown[] = []
  for (const item of items) (want.has(idOf(item)) ? ordered : others).push(item)
  ordered.sort((one, other) => want.get(idOf(one))! - want.get(idOf(other))!)
  others.sort((one, other) => (was.get(idOf(one)) ?? 0) - (was.get(idOf(other)) ?? 0))
  if (others.length === 0) return ordered
  const result: unknown[] = []
  let next = 0
  for (const item of ordered) {
    const place = was.get(idOf(item))
    while (
      place !== undefined &&
      next < others.length &&
      (was.get(idOf(others[next])) ?? Number.POSITIVE_INFINITY) < place
    ) {
      result.push(others[next++])
    }
    result.push(item)
  }
  while (next < others.length) result.push(others[next++])
  return result
}

function places(items: Items, idOf: (item: unknown) => unknown): Map<unknown, number> {
  const found = new Map<unknown, number>()
  items.forEach((item, index) => {
    const id = idOf(item)
    if (!found.has(id)) found.set(id, index)
  })
  return found
}

function keyOf(item: Members, key: string): unknown {
  if (!isMembers(item)) throw internal(`expected a map[string]interface {}, but received a ${goType(item)}`)
  if (!Object.hasOwn(item, key)) throw internal(`map: ${goText(item)} does not contain declared merge key: ${key}`)
  return item[key]
}

/** All items of both lists are of one type, and that is no list. */
function itemType(old: Items, patch: Items): string {
  let type: string | undefined
  for (const list of [old, patch]) {
    for (const item of list) {
      const own = goType(item)
      type ??= own
      if (own === '[]interface {}') throw invalidPatch('lists of lists are not supported')
      if (own !== type) throw internal(`list element types are not identical: [${goText(old)} ${goText(patch)}]`)
    }
  }
  return type === 'map[string]interface {}' ? 'object' : 'primitive'
}

// ---- directives and errors

function named(key: string, prefix: string): string {
  if (key.startsWith(`${prefix}/`)) return key.slice(prefix.length + 1)
  const what = prefix === deletions ? 'primitive list' : 'setElementOrder list'
  throw badRequest(`invalid patch format of ${what}`)
}

/** What is new is taken as it is, but for nulls and directives; an object that is itself a directive is not taken at all. */
function clean(value: unknown): unknown {
  return withoutNulls(withoutDirectives(value))
}

function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.some(isTouched) ? value.map(withoutDirectives).filter(item => item !== undefined) : value
  }
  if (!isMembers(value)) return value
  if (Object.hasOwn(value, directive)) return undefined
  if (!isTouched(value)) return value
  const rest: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    if (key === retainKeys || key.startsWith(elementOrder) || key.startsWith(deletions)) continue
    const member = withoutDirectives(value[key])
    if (member !== undefined) setMember(rest, key, member)
  }
  return rest
}

/** Whether any directive is in it. */
function isTouched(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isTouched)
  if (!isMembers(value)) return false
  for (const key of Object.keys(value)) {
    if (
      key === directive ||
      key === retainKeys ||
      key.startsWith(elementOrder) ||
      key.startsWith(deletions) ||
      isTouched(value[key])
    ) {
      return true
    }
  }
  return false
}

function unknownDirective(how: unknown, patch: Members): ApiError {
  return internal(`unknown patch type: ${String(how)} in map: ${goText(patch)}`)
}

function expectedList(actual: unknown): ApiError {
  return internal(`expected a []interface {}, but received a ${goType(actual)}`)
}

function invalidPatch(why: string): ApiError {
  const said = new ApiError('Invalid', 'the server rejected our request due to an error in our request', {})
  return Object.assign(said, { cause: new Error(why) })
}

/** Upstream has no status for these faults of a patch, and answers 500. */
function internal(why: string): ApiError {
  return new ApiError('InternalError', why)
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}'
  switch (typeof value) {
    case 'object':
      return value === null ? '%!s(<nil>)' : 'map[string]interface {}'
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64'
    case 'boolean':
      return 'bool'
    default:
      return typeof value
  }
}

function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (value === null || value === undefined) return '<nil>'
  if (!isMembers(value)) return String(value)
  const members = Object.keys(value).sort()
  return `map[${members.map(key => `${key}:${goText(value[key])}`).join(' ')}]`
}

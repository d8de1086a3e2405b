// The client's half of `kubectl apply`, for tests: the strategic merge patch that leads from what is there (`current`) to
// what is wanted (`modified`), removing what the last application (`original`) had and the wanted one has not.
// After CreateThreeWayMergePatch of k8s.io/apimachinery/pkg/util/strategicpatch.

import type { MergeSchema } from '../../apiserver/patch/strategic-merge.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'

type Members = Record<string, any>

const isMap = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value)

export function threeWayPatch(original: Members, current: Members, modified: Members, schema?: MergeSchema): Members {
  const patch: Members = {}
  for (const key of Object.keys(original)) if (!(key in modified)) patch[key] = null
  for (const key of Object.keys(modified)) {
    const wanted = modified[key]
    const present = current[key]
    const field = schema?.field(key) ?? schema?.values()
    if (isMap(wanted) && isMap(present)) {
      const part = threeWayPatch(isMap(original[key]) ? original[key] : {}, present, wanted, field)
      if (Object.keys(part).length > 0) patch[key] = part
    } else if (Array.isArray(wanted) && Array.isArray(present) && field?.patchStrategy === 'merge') {
      listPatch(patch, key, Array.isArray(original[key]) ? original[key] : [], present, wanted, field)
    } else if (!jsonEqual(wanted, present)) {
      patch[key] = wanted
    }
  }
  return patch
}

function listPatch(
  patch: Members,
  name: string,
  original: any[],
  current: any[],
  modified: any[],
  list: MergeSchema,
): void {
  const key = list.mergeKey
  const idOf = (item: any): unknown => (key === undefined ? item : item[key])
  const find = (items: any[], id: unknown): any => items.find(item => idOf(item) === id)
  const has = (items: any[], id: unknown): boolean => items.some(item => idOf(item) === id)
  const changes: any[] = []
  for (const item of modified) {
    const id = idOf(item)
    if (!has(current, id)) {
      changes.push(item)
    } else if (key !== undefined) {
      const part = threeWayPatch(find(original, id) ?? {}, find(current, id), item, list.items())
      if (Object.keys(part).length > 0) changes.push({ ...part, [key]: id })
    }
  }
  const gone = original.map(idOf).filter(id => !has(modified, id))
  if (key !== undefined) for (const id of gone) changes.push({ $patch: 'delete', [key]: id })
  else if (gone.length > 0) patch[`$deleteFromPrimitiveList/${name}`] = gone
  const wantedOrder = modified.map(idOf)
  const presentOrder = current.map(idOf).filter(id => wantedOrder.includes(id))
  const isReordered = !jsonEqual(
    presentOrder,
    wantedOrder.filter(id => presentOrder.includes(id)),
  )
  if (changes.length > 0) patch[name] = changes
  if (changes.length > 0 || gone.length > 0 || isReordered) {
    patch[`$setElementOrder/${name}`] = wantedOrder.map(id => (key === undefined ? id : { [key]: id }))
  }
}

// JSON patch (RFC 6902), as the API server applies it (gopkg.in/evanphx/json-patch.v4 patch.go). Called by
// registry/write.ts. Pure: the result is a copy in depth and shares nothing with either argument.
// Beyond the RFC, as upstream: `replace` of a missing member sets it, and negative indices count from the end.

import { ApiError, badRequest } from '../../src/api/errors.ts'
import { draft, setMember } from '../../src/api/freeze.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { isMembers, jsonType } from './merge-patch.ts'

const mostOperations = 10_000

export function applyJsonPatch<T extends object>(current: Frozen<T>, patch: unknown): T {
  const operations = decoded(patch)
  const document: Holder = { root: draft(current) }
  for (const operation of operations) {
    try {
      apply(document, operation)
    } catch (error) {
      if (!(error instanceof PatchFault)) throw error
      // The server answers with this sentence whatever the fault was; ours stays behind it for whoever has the error.
      throw Object.assign(
        new ApiError('Invalid', 'the server rejected our request due to an error in our request', {}),
        { cause: error },
      )
    }
  }
  return document.root as T
}

interface Operation {
  readonly op?: unknown
  readonly path?: unknown
  readonly from?: unknown
  readonly value?: unknown
}

function decoded(patch: unknown): readonly Operation[] {
  if (!Array.isArray(patch)) throw undecodable(jsonType(patch), 'value of type []handlers.jsonPatchOp')
  for (const operation of patch) {
    if (!isMembers(operation)) throw undecodable(jsonType(operation), 'value of type handlers.jsonPatchOp')
    for (const member of ['op', 'path', 'from'] as const) {
      const value = operation[member]
      if (value === undefined || value === null || typeof value === 'string') continue
      throw undecodable(jsonType(value), `struct field jsonPatchOp.${member} of type string`)
    }
  }
  if (patch.length > mostOperations) {
    throw new ApiError(
      'RequestEntityTooLarge',
      `Request entity too large: The allowed maximum operations in a JSON patch is ${mostOperations}, got ${patch.length}`,
    )
  }
  return patch
}

function undecodable(what: string, target: string): ApiError {
  return badRequest(`error decoding patch: json: cannot unmarshal ${what} into Go ${target}`)
}

class PatchFault extends Error {}

interface Holder {
  root: unknown
}
type Container = unknown[] | Record<string, unknown>

function apply(document: Holder, operation: Operation): void {
  const { op } = operation
  switch (op) {
    case 'add':
      add(document, pathOf(operation, 'add'), draft(operation.value ?? null), 'add')
      break
    case 'remove':
      remove(document, pathOf(operation, 'remove'))
      break
    case 'replace':
      replace(document, operation)
      break
    case 'move':
      move(document, operation)
      break
    case 'copy':
      copy(document, operation)
      break
    case 'test':
      test(document, operation)
      break
    default:
      throw new PatchFault(`Unexpected kind: ${typeof op === 'string' ? op : 'unknown'}`)
  }
}

function pathOf({ path }: Operation, name: string): string {
  if (typeof path !== 'string') throw new PatchFault(`${name} operation failed to decode path: missing value`)
  return path
}

function fromOf({ from }: Operation, name: string): string {
  if (typeof from !== 'string') throw new PatchFault(`${name} operation failed to decode from: missing value`)
  return from
}

function add(document: Holder, path: string, value: unknown, name: string): void {
  const [container, key] = find(document, path, `${name} operation does not apply: doc is missing path: "${path}"`)
  if (!Array.isArray(container)) setMember(container, key, value)
  else if (key === '-') container.push(value)
  else container.splice(indexIn(container.length + 1, key, path), 0, value)
}

function remove(document: Holder, path: string): void {
  const [container, key] = find(document, path, `remove operation does not apply: doc is missing path: "${path}"`)
  removeFrom(container, key, path)
}

function removeFrom(container: Container, key: string, path: string): void {
  if (Array.isArray(container)) {
    container.splice(indexIn(container.length, key, path), 1)
    return
  }
  if (!Object.hasOwn(container, key)) throw new PatchFault(`Unable to remove nonexistent key: ${key}: missing value`)
  delete container[key]
}

function replace(document: Holder, operation: Operation): void {
  const path = pathOf(operation, 'replace')
  const value = draft(operation.value ?? null)
  if (path === '') {
    if (typeof value !== 'object' || value === null) {
      throw new PatchFault('replace operation value must be object or array')
    }
    document.root = value
    return
  }
  const [container, key] = find(document, path, `replace operation does not apply: doc is missing path: ${path}`)
  if (Array.isArray(container)) container[indexIn(container.length, key, path)] = value
  else setMember(container, key, value)
}

function move(document: Holder, operation: Operation): void {
  const from = fromOf(operation, 'move')
  const [container, key] = find(document, from, `move operation does not apply: doc is missing from path: ${from}`)
  const value = valueAt(container, key, from)
  removeFrom(container, key, from)
  add(document, pathOf(operation, 'move'), value, 'move')
}

function copy(document: Holder, operation: Operation): void {
  const from = fromOf(operation, 'copy')
  const [container, key] = find(document, from, `copy operation does not apply: doc is missing from path: ${from}`)
  add(document, pathOf(operation, 'copy'), draft(valueAt(container, key, from)), 'copy')
}

function test(document: Holder, operation: Operation): void {
  const path = pathOf(operation, 'test')
  let value = document.root
  if (path !== '') {
    const [container, key] = find(document, path, `test operation does not apply: is missing path: ${path}`)
    value = valueAt(container, key, path)
  }
  // A missing member is as good as null here, as upstream.
  if (!jsonEqual(value ?? null, operation.value ?? null)) throw new PatchFault(`testing value ${path} failed`)
}

function valueAt(container: Container, key: string, path: string): unknown {
  if (Array.isArray(container)) return container[indexIn(container.length, key, path)]
  return Object.hasOwn(container, key) ? container[key] : null
}

/** The container in which the last part of the path stands, and that part. */
function find(document: Holder, path: string, otherwise: string): [Container, string] {
  const parts = path.split('/')
  if (parts.length < 2) throw new PatchFault(otherwise)
  let container = document.root
  for (let at = 1; at < parts.length - 1; at++) {
    const key = unescaped(parts[at]!)
    if (Array.isArray(container)) {
      const index = integer.test(key) ? Number(key) : Number.NaN
      container = container[index < 0 ? index + container.length : index]
    } else if (isMembers(container) && Object.hasOwn(container, key)) {
      container = container[key]
    } else {
      throw new PatchFault(otherwise)
    }
  }
  if (typeof container !== 'object' || container === null) throw new PatchFault(otherwise)
  return [container as Container, unescaped(parts[parts.length - 1]!)]
}

const integer = /^[+-]?[0-9]+$/

function indexIn(length: number, key: string, path: string): number {
  if (!integer.test(key)) throw new PatchFault(`value was not a proper array index: '${key}' in path '${path}'`)
  const index = Number(key)
  if (index >= length || index < -length) {
    throw new PatchFault(`Unable to access invalid index: ${index} in path '${path}'`)
  }
  return index < 0 ? index + length : index
}

/** RFC 6901: `~1` is a slash, `~0` a tilde. */
function unescaped(part: string): string {
  return part.includes('~') ? part.replace(/~[01]/g, code => (code === '~1' ? '/' : '~')) : part
}

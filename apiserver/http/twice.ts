// Keys that come twice in one object: refused when Strict, warned of otherwise, unless nobody wants to know. Called by verbs.ts,
// and only for bodies that have such. Upstream: sigs.k8s.io/json, apiserver/pkg/endpoints/handlers/{create,patch}.go.

import { badRequest } from '../../src/api/errors.ts'
import type { Patch, WriteOptions } from '../../src/client/client.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import type { RequestInfo } from '../registry/registry.ts'
import { strictFaults, strictlyWrong } from '../registry/validate.ts'
import type { WrittenBody } from './request.ts'

/** `kind`: what was sent, when it is a kind of its own; else `name` is what it is called. */
export function requireOnce(
  kind: Kind<any> | undefined,
  name: string,
  { value, keys, twice }: WrittenBody,
  { fieldValidation = 'Warn' }: WriteOptions,
  info: RequestInfo,
): void {
  if (fieldValidation === 'Ignore') return
  const said = kind ?? { group: '', version: 'v1', kind: name }
  const faults =
    twice !== undefined
      ? [twice]
      : strictFaults(said, copyOf(value), keys?.duplicates ?? [], path => keys?.positions.get(path) ?? 0)
  if (faults.length === 0) return
  if (fieldValidation === 'Strict') throw strictlyWrong(said, copyOf(value), faults)
  // Of unknown fields the registry warns itself.
  for (const fault of faults) if (!fault.startsWith('unknown field')) info.warn(fault)
}

/** Naming a body's kind and version writes them into it. */
function copyOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : value
}

/** The faults of a patch's own text go down with it: they are told together with those of its outcome. */
export function patchInfo(
  info: RequestInfo,
  patch: Patch,
  { keys, twice }: WrittenBody,
  { fieldValidation = 'Warn' }: WriteOptions,
): RequestInfo {
  if ((keys === undefined && twice === undefined) || fieldValidation === 'Ignore') return info
  if (twice !== undefined) {
    if (fieldValidation === 'Strict') throw badRequest(`error strict decoding patch: ${twice}`)
    info.warn(twice)
    return info
  }
  const prefix = patch.type === 'json' ? 'json patch ' : ''
  const faults = [...new Set(keys!.duplicates.map(({ path }) => `${prefix}duplicate field ${JSON.stringify(path)}`))]
  if (fieldValidation === 'Strict') return { ...info, strictFaults: faults }
  for (const fault of faults) info.warn(fault)
  return info
}

// resourceVersion as a request gives it: what is well formed, what is too old and what is not there yet, in the words of
// k8s.io/apiserver (pkg/storage/api_object_versioner.go, pkg/storage/errors.go, pkg/storage/etcd3/errors.go).

import { ApiError, badRequest, expired } from '../../src/api/errors.ts'
import type { Revision } from '../storage/storage.ts'

/** Unset and '0' ask for nothing in particular: 0. */
export function parseResourceVersion(text: string | undefined): Revision {
  if (text === undefined || text === '' || text === '0') return 0
  const revision = unsigned(text)
  if (typeof revision === 'number') return revision
  throw badRequest(
    `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: ${revision.fault}`,
  )
}

const digits = /^[0-9]+$/

/** The number, or what strconv.ParseUint says of the text. */
function unsigned(text: string): number | { readonly fault: string } {
  const quoted = JSON.stringify(text)
  if (!digits.test(text)) return { fault: `strconv.ParseUint: parsing ${quoted}: invalid syntax` }
  if (BigInt(text) >= 2n ** 64n) return { fault: `strconv.ParseUint: parsing ${quoted}: value out of range` }
  return Number(text)
}

export function requireRevision(asked: Revision, current: Revision): void {
  if (asked > current) throw tooLarge(asked, current)
}

export function tooLarge(asked: Revision, current: Revision): ApiError {
  return new ApiError('Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })
}

export const listTooOld = (): ApiError => expired('The resourceVersion for the provided list is too old.')
export const watchTooOld = (asked: Revision, oldest: Revision): ApiError =>
  expired(`too old resource version: ${asked} (${oldest})`)

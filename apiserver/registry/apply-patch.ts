// Which patch is which, but for apply. Called by write.ts and subresources.ts; the patches themselves are pure functions in patch/.

import { ApiError } from '../../src/api/errors.ts'
import { draft } from '../../src/api/freeze.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { Patch } from '../../src/client/client.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { schemaNodeOf } from '../../src/kinds/schemas.ts'
import { applyJsonPatch } from '../patch/json-patch.ts'
import { applyMergePatch } from '../patch/merge-patch.ts'
import { applyStrategicMerge } from '../patch/strategic-merge.ts'

/** Custom objects have no strategic merge (endpoints/handlers/negotiation/errors.go). */
export function refuseStrategic({ custom }: Kind<any>, { type }: Patch): void {
  if (custom === undefined || type !== 'strategic') return
  throw new ApiError(
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - accepted media types include: ' +
      'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
  )
}

/** The patched object, the caller's own. `kind`: whose lists know merge keys; without one, lists are replaced. */
export function applyPatch<T extends object>(kind: Kind<any> | undefined, current: Frozen<T>, patch: Patch): T {
  switch (patch.type) {
    case 'json':
      return applyJsonPatch(current, patch.body)
    case 'merge':
      return draft(applyMergePatch(current, patch.body))
    case 'strategic':
      return draft(applyStrategicMerge(current, patch.body, kind && schemaNodeOf(kind)))
    case 'apply':
      throw new Error('apply is no patch of this sort: apply.ts has it')
  }
}

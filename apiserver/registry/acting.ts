// Who has to be asked before a POST to a subresource does its work: webhooks whose rules name `pods/binding`, `pods/eviction`,
// `serviceaccounts/token`. Called by bind, evict and requestToken. The built-in plugins have nothing to say about these.

import { freeze, jsonClone } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject, Ref } from '../../src/api/meta.ts'
import type { WriteOptions } from '../../src/client/client.ts'
import type { Subresource } from '../../src/kinds/kind.ts'
import type { AdmissionRequest } from '../admission/admission.ts'
import type { Collection } from './collection.ts'
import type { RequestInfo } from './registry.ts'

/** The body as those who were asked made it. Throws ApiError when one of them refuses. */
export async function admitted<Body extends object>(
  { kind, storage, remote }: Collection,
  ref: Ref,
  subresource: Subresource,
  body: Body,
  options: WriteOptions,
  info: RequestInfo,
): Promise<Body> {
  const round = remote?.begin()
  if (round === undefined) return body
  const request: AdmissionRequest = {
    kind,
    operation: 'CREATE',
    namespace: ref.namespace,
    name: ref.name,
    subresource,
    user: info.user,
    dryRun: options.dryRun ?? false,
    options,
    old: undefined,
    present: storage,
    warn: info.warn,
  }
  let draft = freeze(jsonClone(body)) as unknown as Frozen<KubeObject>
  for (;;) {
    const mutate = round.mutate(draft, request)
    if (mutate === undefined) break
    draft = (freeze(await mutate()) as Frozen<KubeObject> | undefined) ?? draft
  }
  await round.validate(draft, request)?.()
  return jsonClone(draft) as unknown as Body
}

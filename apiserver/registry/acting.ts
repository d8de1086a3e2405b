// Who has to be asked before a POST to a subresource does its work: webhooks whose rules name `pods/binding`, `pods/eviction`,
// `serviceaccounts/token`, and before somebody is connected to a pod. Called by bind, evict, requestToken and the registry. Of
// the built-in plugins only policies have something to say about these.

import { freeze, jsonClone } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject, Ref } from '../../src/api/meta.ts'
import type { WriteOptions } from '../../src/client/client.ts'
import type { Subresource } from '../../src/kinds/kind.ts'
import type { Admission, AdmissionRequest } from '../admission/admission.ts'
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
  operation: 'CREATE' | 'CONNECT' = 'CREATE',
  plugins: readonly Admission[] = [],
): Promise<Body> {
  const round = remote?.begin()
  if (round === undefined && plugins.length === 0) return body
  const request: AdmissionRequest = {
    kind,
    operation,
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
  while (round !== undefined) {
    const mutate = round.mutate(draft, request)
    if (mutate === undefined) break
    draft = (freeze(await mutate()) as Frozen<KubeObject> | undefined) ?? draft
  }
  await round?.validate(draft, request)?.()
  for (const plugin of plugins) plugin.check?.(draft, request)
  return jsonClone(draft) as unknown as Body
}

/** Whether somebody may be connected to a pod, as far as those say who are asked (endpoints/handlers/rest.go, ConnectResource). */
export async function admitConnection(
  collection: Collection,
  ref: Ref,
  subresource: Subresource,
  connection: object,
  info: RequestInfo,
): Promise<void> {
  const plugins = collection.admission.filter(({ connects }) => connects)
  await admitted(collection, ref, subresource, connection, {}, info, 'CONNECT', plugins)
}

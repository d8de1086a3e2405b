// The parameters of a policy: the objects that a binding points at. Called once a binding and request.
// Upstream: k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go (CollectParams).

import type { ParamKind, ParamRef } from '../../../generated/types.ts'
import { selectorFromLabelSelector } from '../../../src/api/labels.ts'
import type { Frozen, KubeObject } from '../../../src/api/meta.ts'
import type { Kind } from '../../../src/kinds/kind.ts'
import { keyOf, prefixOf } from '../../storage/keys.ts'
import type { Present } from '../../storage/storage.ts'

/** The binding, or what it points at, is not as it must be; the message is upstream's. */
export class ParamsFault extends Error {}

/** `[null]` for a policy without parameters. Throws ParamsFault. */
export function collectParams(
  paramKind: Frozen<ParamKind> | undefined,
  ref: Frozen<ParamRef> | undefined,
  namespace: string | undefined,
  kinds: readonly Kind<any>[],
  present: Present,
): readonly (Frozen<KubeObject> | null)[] {
  if (paramKind === undefined || ref === undefined) return [null]
  const { apiVersion, kind: name } = paramKind
  const kind = kinds.find(each => each.kind === name && each.apiVersion === apiVersion)
  if (kind === undefined) {
    throw new ParamsFault(`failed to find resource referenced by paramKind: '${groupVersionKind(apiVersion, name)}'`)
  }
  const found = objectsOf(kind, ref, namespace, present)
  if (found.length === 0 && ref.parameterNotFoundAction === 'Deny') {
    throw new ParamsFault('no params found for policy binding with `Deny` parameterNotFoundAction')
  }
  return found
}

function objectsOf(
  kind: Kind<any>,
  ref: Frozen<ParamRef>,
  namespace: string | undefined,
  present: Present,
): readonly Frozen<KubeObject>[] {
  if (!kind.namespaced && ref.namespace) {
    throw new ParamsFault('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
  }
  const where = kind.namespaced ? ref.namespace || namespace : undefined
  if (kind.namespaced && !where) {
    throw new ParamsFault('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
  }
  const kept = kind.storedAs?.kind ?? kind
  const shown = (stored: Frozen<KubeObject>): Frozen<KubeObject> =>
    (kind.storedAs ? kind.storedAs.fromStored(stored as never) : stored) as Frozen<KubeObject>
  if (ref.name) {
    const found = present.get(keyOf(kept, { name: ref.name, namespace: where }))
    return found === undefined ? [] : [shown(found.object)]
  }
  const selector = selectorFromLabelSelector(ref.selector as never)
  const prefix = where === undefined ? prefixOf(kept) : `${prefixOf(kept)}${where}/`
  return [...present.list(prefix)]
    .filter(({ object }) => selector.matches(object.metadata.labels))
    .map(({ object }) => shown(object))
}

function groupVersionKind(apiVersion: string | undefined, kind: string | undefined): string {
  return `${apiVersion ?? ''}, Kind=${kind ?? ''}`
}

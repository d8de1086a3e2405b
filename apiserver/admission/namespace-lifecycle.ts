// NamespaceLifecycle: nothing is created in a namespace that is missing or ending, and three namespaces do not end
// (k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go).

import { ApiError, forbidden, notFound } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { Namespaces } from '../../src/kinds/namespace.ts'
import { keyOf } from '../storage/keys.ts'
import type { Admission } from './admission.ts'

const immortal = ['default', 'kube-system', 'kube-public']

export const namespaceLifecycle: Admission = {
  name: 'NamespaceLifecycle',
  concerns: kind => kind.namespaced || kind === Namespaces,
  admit(_draft, { operation, kind, namespace, name, present }) {
    if (operation !== 'CREATE' || namespace === undefined) return
    const found = present.get(keyOf(Namespaces, { name: namespace }))?.object
    if (found === undefined) throw notFound(Namespaces, namespace)
    if (!isEnding(found)) return
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`
    const { message, details } = forbidden(kind, name, why)
    const cause = {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    }
    throw new ApiError('Forbidden', message, { ...details, causes: [cause] })
  },
  check(_next, { operation, kind, name }) {
    if (operation !== 'DELETE' || kind !== Namespaces || !immortal.includes(name)) return
    throw forbidden(kind, name, 'this namespace may not be deleted')
  },
}

const isEnding = (namespace: Frozen<KubeObject>): boolean =>
  (namespace as { status?: { phase?: string } }).status?.phase === 'Terminating'

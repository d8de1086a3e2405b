// POST …/bindings: the pod of the body's name gets its node, as by its own subresource (pkg/registry/core/pod/storage,
// LegacyBindingREST). Called by registry.ts.

import { methodNotSupported } from '../../src/api/errors.ts'
import { Bindings } from '../../src/kinds/binding.ts'
import type { ResourceRegistry } from './registry.ts'

export function bindingRegistry(pods: ResourceRegistry): ResourceRegistry {
  const kind = Bindings
  const refuse = (action: string) => (): never => {
    throw methodNotSupported(kind, action)
  }
  const rejects = (action: string) => async (): Promise<never> => refuse(action)()
  return {
    kind,
    get: refuse('get'),
    list: refuse('list'),
    watch: refuse('watch'),
    create(body, { namespace }, options, info) {
      const name = (body as { metadata?: { name?: string } } | null)?.metadata?.name ?? ''
      return pods.act({ name, namespace }, 'binding', body, options, info)
    },
    update: rejects('update'),
    patch: rejects('patch'),
    delete: rejects('delete'),
    deleteCollection: rejects('deletecollection'),
    readSubresource: refuse('get'),
    act: rejects('create'),
  }
}

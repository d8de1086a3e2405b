// Kinds that are questions: what is created is answered, and nothing is stored. Called by registry.ts; the answers are given
// to it (auth/reviews.ts).

import { invalid, methodNotSupported } from '../../src/api/errors.ts'
import { freeze } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Env } from '../../src/env/env.ts'
import { readingOf } from './collection.ts'
import { matchNamespace } from './metadata.ts'
import type { ResourceRegistry, Review } from './registry.ts'
import { decode } from './validate.ts'

export function reviewRegistry(env: Env, { kind, answer }: Review): ResourceRegistry {
  const refuse = (action: string) => (): never => {
    throw methodNotSupported(kind, action)
  }
  const rejects = (action: string) => async (): Promise<never> => refuse(action)()
  return {
    kind,
    get: refuse('get'),
    list: refuse('list'),
    watch: refuse('watch'),
    async create(body, { namespace }, options, info) {
      const draft = decode(kind, body, options.fieldValidation ?? 'Warn', info.warn) as KubeObject
      const now = env.clock.now()
      if (kind.namespaced) matchNamespace(kind, draft.metadata, namespace)
      const faults = kind.validate?.(draft as never, undefined, { now, operation: 'create' }) ?? []
      if (faults.length > 0) throw invalid(kind, '', faults)
      await answer(draft, info.user, now, info)
      return { reading: readingOf(freeze(draft) as Frozen<KubeObject>), code: 201 }
    },
    update: rejects('update'),
    patch: rejects('patch'),
    delete: rejects('delete'),
    deleteCollection: rejects('deletecollection'),
    readSubresource: refuse('get'),
    act: rejects('create'),
  }
}

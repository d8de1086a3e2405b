// What is asked anew each time: how the components do (pkg/registry/core/componentstatus/rest.go). Called by registry.ts; who
// knows how they do is given to it (src/cluster.ts).

import { ApiError, methodNotSupported } from '../../src/api/errors.ts'
import { everyField, parseFieldSelector } from '../../src/api/fields.ts'
import { freeze } from '../../src/api/freeze.ts'
import { everything, parseLabelSelector } from '../../src/api/labels.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { ComponentStatuses } from '../../src/kinds/componentstatus.ts'
import { readingOf } from './collection.ts'
import type { Reading, ResourceRegistry } from './registry.ts'

/** Of a component that is somewhere else, `undefined`. */
export type AreComponentsRunning = (name: 'controller-manager' | 'scheduler') => boolean | undefined

/** Where upstream asks them, which is what a refused connection is told of. */
const ports = { 'controller-manager': 10257, scheduler: 10259 }

export function componentStatusRegistry(isRunning: AreComponentsRunning): ResourceRegistry {
  const kind = ComponentStatuses
  const refuse = (action: string) => (): never => {
    throw methodNotSupported(kind, action)
  }
  const rejects = (action: string) => async (): Promise<never> => refuse(action)()
  const all = (): readonly [string, object][] => [
    ['controller-manager', healthOf('controller-manager', isRunning)],
    ['etcd-0', { status: 'True', message: 'ok' }],
    ['scheduler', healthOf('scheduler', isRunning)],
  ]
  return {
    kind,
    get({ name }) {
      const found = all().find(each => each[0] === name)
      if (found === undefined) throw ApiError.plain(`Component not found: ${name}`)
      return statusOf(...found)
    },
    list({ labelSelector, fieldSelector }) {
      const labels = labelSelector ? parseLabelSelector(labelSelector) : everything
      const fields = fieldSelector ? parseFieldSelector(fieldSelector) : everyField
      const items = all().map(each => statusOf(...each))
      return {
        items: items.filter(
          ({ object: { metadata } }) =>
            labels.matches(undefined) &&
            fields.matches(field => (field === 'metadata.name' ? metadata.name : undefined)),
        ),
        resourceVersion: '',
      }
    },
    watch: refuse('watch'),
    create: rejects('create'),
    update: rejects('update'),
    patch: rejects('patch'),
    delete: rejects('delete'),
    deleteCollection: rejects('deletecollection'),
    readSubresource: refuse('get'),
    act: rejects('create'),
  }
}

function healthOf(name: 'controller-manager' | 'scheduler', isRunning: AreComponentsRunning): object {
  const running = isRunning(name)
  if (running) return { status: 'True', message: 'ok' }
  if (running === undefined) return { status: 'Unknown', error: 'it runs in a process of its own, which is not asked' }
  const address = `127.0.0.1:${ports[name]}`
  const error = `Get "https://${address}/healthz": dial tcp ${address}: connect: connection refused`
  return { status: 'False', error }
}

function statusOf(name: string, health: object): Reading {
  const object = {
    apiVersion: 'v1',
    kind: 'ComponentStatus',
    metadata: { name },
    conditions: [{ type: 'Healthy', ...health }],
  }
  return readingOf(freeze(object) as Frozen<KubeObject>)
}

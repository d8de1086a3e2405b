// The registry as those outside see it while a cluster is recorded: every write, and every look at what is written only for
// whoever looks, goes through the recorder. Handed to the HTTP door, and to the client of a test. What is done to a connection
// into a pod is not recorded, only that there was one.

import { createDirectClient } from '../../apiserver/direct-client.ts'
import type { OwnRequest } from '../../apiserver/http/own-requests.ts'
import type { Registry, RequestInfo, ResourceRegistry } from '../../apiserver/registry/registry.ts'
import type { Client } from '../client/client.ts'
import type { Advanced } from '../clock-control.ts'
import type { Cluster } from '../cluster.ts'
import type { Cancel } from '../env/clock.ts'
import type { ApiFaults } from '../faults/api-faults.ts'
import { Leases } from '../kinds/index.ts'
import type { Kind } from '../kinds/kind.ts'
import type { Recorder } from './recorder.ts'
import type { InputDeed, Verb } from './recording-file.ts'

export const pathOf = ({ group, version, plural }: Kind<any>): string => `${group}/${version}/${plural}`

/** Where in the words of a verb it stands who asks. */
export const infoAt: Readonly<Partial<Record<Verb, number>>> = {
  create: 3,
  update: 3,
  patch: 3,
  delete: 2,
  deleteCollection: 2,
  act: 4,
}

export function recordedRegistry(registry: Registry, recorder: Recorder): Registry {
  const known = new WeakMap<ResourceRegistry, ResourceRegistry>()
  const recorded = (resource: ResourceRegistry): ResourceRegistry => {
    const before = known.get(resource)
    if (before !== undefined) return before
    const made = recordedResource(resource, recorder)
    known.set(resource, made)
    return made
  }
  return {
    get kinds() {
      return registry.kinds
    },
    of: kind => recorded(registry.of(kind)),
    find(group, version, plural) {
      const resource = registry.find(group, version, plural)
      return resource && recorded(resource)
    },
    replace: (going, coming) => registry.replace(going, coming),
    endWatches: resources => registry.endWatches(resources),
    get watching() {
      return registry.watching
    },
    delayWatches: delayOf => registry.delayWatches(delayOf),
  }
}

export function recordedClient({ env, server }: Cluster, recorder: Recorder): Client {
  return createDirectClient(env, recordedRegistry(server.registry, recorder))
}

/** Faults that strike requests from outside; what they hit is recorded, for it stands in their status. */
export function recordedFaults({ env, faults }: Cluster, recorder: Recorder): Pick<ApiFaults, 'isActive' | 'strike'> {
  return faults.apart(env.random.fork('faults/outside'), (fault, what) => {
    void recorder.admit({ do: 'struck', fault, what }, async () => faults.struck(fault, what))
  })
}

/** What is asked of kubesim itself: what moves the clock or sends a request is recorded. */
export function recordedOwn<T>(
  answer: (request: OwnRequest) => Promise<T>,
  recorder: Recorder,
): (request: OwnRequest) => Promise<T> {
  return request => {
    const { method, path, body } = request
    const deed: InputDeed = { do: 'own', method, path, body }
    if (method !== 'POST' || path.endsWith('/scheduling')) return answer(request)
    if (!path.includes('/clock/')) return recorder.admit(deed, () => answer(request))
    return recorder.admitWhole(
      () => answer(request),
      outcome => {
        const { kind, whole, from, to } = outcome as Partial<Advanced>
        if (kind !== 'ClockAdvance' || whole) return deed
        // Who asked for it left before its end.
        return { ...deed, body: { by: `${Date.parse(to!) - Date.parse(from!)}ms` } }
      },
    )
  }
}

function recordedResource(resource: ResourceRegistry, recorder: Recorder): ResourceRegistry {
  const path = pathOf(resource.kind)
  const admit = <T>(verb: Verb, words: readonly unknown[], run: () => Promise<T>): Promise<T> => {
    // What programs in pods ask is the cluster's own doing, and its rest waits for them.
    if ((words[infoAt[verb]!] as RequestInfo).isFromWithin) return run()
    return recorder.admit({ do: 'request', verb, resource: path, words: withPlainInfo(verb, words) }, run)
  }
  return {
    ...resource,
    create: (...words) => admit('create', words, () => resource.create(...words)),
    update: (...words) => admit('update', words, () => resource.update(...words)),
    patch: (...words) => admit('patch', words, () => resource.patch(...words)),
    delete: (...words) => admit('delete', words, () => resource.delete(...words)),
    deleteCollection: (...words) => admit('deleteCollection', words, () => resource.deleteCollection(...words)),
    act: (...words) => admit('act', words, () => resource.act(...words)),
    ...(resource.admitConnection && {
      admitConnection(ref, subresource, options, info) {
        recorder.note(`${subresource} of ${resource.kind.resource} ${ref.namespace ?? ''}/${ref.name}`)
        return resource.admitConnection!(ref, subresource, options, info)
      },
    }),
    ...(resource.kind === Leases ? looksOf(resource, recorder) : {}),
  }
}

/** A look at leases is what they are written for. */
function looksOf(resource: ResourceRegistry, recorder: Recorder): Pick<ResourceRegistry, 'ready' | 'watch'> {
  const path = pathOf(resource.kind)
  return {
    ready(read, asked) {
      const run = () => resource.ready!(read, asked)
      if (asked.isFromWithin) return run()
      return recorder.admit({ do: 'request', verb: 'get', resource: path, words: [asked] }, run)
    },
    watch(request, reader) {
      const stop = resource.watch({ ...request, isQuiet: true }, reader)
      const id = recorder.nextId()
      let leave: Cancel = () => {}
      void recorder.admit({ do: 'watch', resource: path, id }, async () => {
        leave = lookOn(resource)
      })
      return () => {
        stop()
        void recorder.admit({ do: 'leave', resource: path, id }, async () => leave())
      }
    },
  }
}

/** Somebody watches, whoever it is that is told. */
export function lookOn(resource: ResourceRegistry): Cancel {
  return resource.watch({ fieldSelector: 'metadata.name=-' }, { deliver() {}, ended() {} })
}

function withPlainInfo(verb: Verb, words: readonly unknown[]): readonly unknown[] {
  const { user, userAgent, mayWait, cause, strictFaults } = words[infoAt[verb]!] as RequestInfo
  return words.with(infoAt[verb]!, { user, userAgent, mayWait, cause, strictFaults })
}

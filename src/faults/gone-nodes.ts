// Machines that are taken away: the node falls silent (the engine sees to that), and as soon as it is not ready its Node is
// deleted, as a cloud's controller does with one whose machine does not exist any more. When the machine is back, its kubelet
// registers it. Upstream: k8s.io/cloud-provider/controllers/nodelifecycle/node_lifecycle_controller.go.

import { prefixOf } from '../../apiserver/storage/keys.ts'
import type { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { Node } from '../../generated/types.ts'
import type { FakeNodes } from '../../kubelet-sim/index.ts'
import { findCondition } from '../api/conditions.ts'
import { isNotFound } from '../api/errors.ts'
import type { Frozen } from '../api/meta.ts'
import type { Client } from '../client/client.ts'
import type { Cancel } from '../env/clock.ts'
import type { Env } from '../env/env.ts'
import { Nodes } from '../kinds/node.ts'
import { createEventRecorder } from '../runtime/events.ts'
import type { Effect } from './effect.ts'

const prefix = prefixOf(Nodes)
const component = 'cloud-node-lifecycle-controller'

export function goneNodes(env: Env, storage: RevisionStore, own: Client, nodes: Pick<FakeNodes, 'register'>): Effect {
  const client = own.as(component)
  const ending = new AbortController()
  const event = createEventRecorder(env, client, component, ending.signal)
  let gone: ReadonlySet<string> = new Set()
  /** With the labels that each had. */
  const deleted = new Map<string, Readonly<Record<string, string>>>()
  let stop: Cancel | undefined

  async function look(node: Frozen<Node>): Promise<void> {
    const { name, uid, labels = {} } = node.metadata
    if (!gone.has(name) || findCondition(node.status.conditions, 'Ready')?.status === 'True') return
    deleted.set(name, labels)
    const why = `Deleting node ${name} because it does not exist in the cloud provider`
    event(node, 'Normal', 'DeletingNode', why)
    try {
      await client.of(Nodes).delete({ name }, { preconditions: { uid: uid! } })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  const track = (work: () => Promise<void>): void => {
    env.activity
      .track(work)
      .catch(error => env.log.warn({ error }, 'a machine could not be taken away or brought back'))
  }

  function follow(): void {
    stop = storage.subscribe(prefix, storage.revision, events => {
      for (const { type, stored } of events) {
        if (type !== 'DELETED') track(() => look(stored.object as unknown as Frozen<Node>))
      }
    })
    for (const { object } of storage.list(prefix)) track(() => look(object as unknown as Frozen<Node>))
  }

  return {
    carryOut(active) {
      const before = gone
      gone = new Set(active.flatMap(({ spec: { nodes: of } }) => (of?.effect === 'Gone' ? of.names : [])))
      for (const name of before) {
        const labels = deleted.get(name)
        if (gone.has(name) || labels === undefined) continue
        deleted.delete(name)
        track(() => nodes.register(name, labels))
      }
      stop?.()
      stop = undefined
      if (gone.size > 0) follow()
    },
    close() {
      stop?.()
      ending.abort()
    },
  }
}

// ReplicationControllers: the older ReplicaSet, kept by the same rules (shared/replicas.ts) under its own kind.
// Upstream: pkg/controller/replication/replication_controller.go, an adapter of the ReplicaSet's controller as well.

import type { ReplicationController } from '../generated/types.ts'
import { Pods } from '../src/kinds/pod.ts'
import { ReplicationControllers } from '../src/kinds/replicationcontroller.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { orphanIndex, orphanKeys } from './shared/claims.ts'
import { podWake, reconcileReplicas, replicasPatience } from './shared/replicas.ts'
import { selectorsOf } from './shared/selectors.ts'

export function replicationController(): ControllerSpec<ReplicationController> {
  const selectorOf = selectorsOf<ReplicationController>(({ spec }) => ({ matchLabels: spec.selector ?? {} }))

  return defineController<ReplicationController>({
    name: 'replicationcontroller-controller',
    source: 'replication-controller',
    for: ReplicationControllers,
    wakes: [
      podWake(ReplicationControllers, (pod, { lister }) =>
        lister(ReplicationControllers)
          .by('namespace', pod.metadata.namespace!)
          .filter(rc => selectorOf(rc).matches(pod.metadata.labels))
          .map(({ metadata }) => metadata),
      ),
    ],
    workers: 5,
    patience: replicasPatience(ReplicationControllers),
    start(context) {
      context.lister(Pods).index(orphanIndex, orphanKeys)
    },
    reconcile(rc, context) {
      const { lister, client } = context
      return reconcileReplicas(
        {
          object: rc,
          kind: ReplicationControllers,
          replicas: rc.spec.replicas ?? 0,
          minReadySeconds: rc.spec.minReadySeconds ?? 0,
          selector: selectorOf(rc),
          template: rc.spec.template ?? {},
          status: rc.status,
          countsTerminating: false,
          neighbours: () => lister(Pods).by('controller', rc.metadata.uid!),
          writeStatus: status => client.of(ReplicationControllers).updateStatus({ ...rc, status }),
        },
        context,
      )
    },
  })
}

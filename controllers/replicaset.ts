// ReplicaSets: keeps so many pods of a template, no more and no fewer. What it does is in shared/replicas.ts; here is what
// is a ReplicaSet's own. Upstream: pkg/controller/replicaset/replica_set.go.

import type { Pod, ReplicaSet } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { controllerOf } from '../src/api/owners.ts'
import { Pods } from '../src/kinds/pod.ts'
import { ReplicaSets } from '../src/kinds/replicaset.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { orphanIndex, orphanKeys } from './shared/claims.ts'
import { podWake, reconcileReplicas, replicasPatience } from './shared/replicas.ts'
import { selectorsOf } from './shared/selectors.ts'

export function replicaSetController(): ControllerSpec<ReplicaSet> {
  const selectorOf = selectorsOf<ReplicaSet>(({ spec }) => spec.selector)

  return defineController<ReplicaSet>({
    name: 'replicaset-controller',
    for: ReplicaSets,
    wakes: [
      podWake(ReplicaSets, (pod, { lister }) =>
        lister(ReplicaSets)
          .by('namespace', pod.metadata.namespace!)
          .filter(rs => selectorOf(rs).matches(pod.metadata.labels))
          .map(({ metadata }) => metadata),
      ),
    ],
    workers: 5,
    patience: replicasPatience(ReplicaSets),
    start(context) {
      context.lister(Pods).index(orphanIndex, orphanKeys)
    },
    reconcile(rs, context) {
      return reconcileReplicas(
        {
          object: rs,
          kind: ReplicaSets,
          replicas: rs.spec.replicas ?? 0,
          minReadySeconds: rs.spec.minReadySeconds ?? 0,
          selector: selectorOf(rs),
          template: rs.spec.template ?? {},
          status: rs.status,
          countsTerminating: true,
          neighbours: () => podsOfSiblings(rs, context),
          writeStatus: status => context.client.of(ReplicaSets).updateStatus({ ...rs, status }),
        },
        context,
      )
    },
  })
}

/** The pods of all ReplicaSets of the same Deployment: of two on a node, one should go first. */
function podsOfSiblings(rs: Frozen<ReplicaSet>, { lister }: Context): readonly Frozen<Pod>[] {
  const owner = controllerOf(rs)
  const siblings = owner === undefined ? [rs] : lister(ReplicaSets).by('controller', owner.uid)
  return siblings.flatMap(({ metadata }) => lister(Pods).by('controller', metadata.uid!))
}

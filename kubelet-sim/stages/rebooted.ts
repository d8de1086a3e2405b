// The machine of the node was switched off while the pod ran on it, and what really ran is no more: its containers have ended with
// 255, Unknown, as containerd tells of those it finds no task of, and by their restart policies begin anew in a new sandbox
// (pkg/kubelet/kuberuntime/kuberuntime_manager.go SyncPod). What is only told of a container goes on as if nothing had been.

import { terminated } from '../containers.ts'
import { isRestarted, type PodView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'

export const rebooted: Stage<PodView> = {
  name: 'rebooted',
  due: ({ life, containers }) => (life.stop === undefined && containers.some(({ isLost }) => isLost) ? 0 : undefined),
  apply(view, now) {
    const gone = view.containers.filter(({ status, run }) => status.state?.running && run.startedAt === undefined)
    for (const container of gone) {
      container.set(terminated(container.status, 255, now, 'Unknown'))
      container.run.endedAt = now
      // What ran had its image, whether the node came to say so or not.
      view.images.add(container.spec.image ?? '', container.pull().size)
    }
    if (gone.some(isRestarted))
      view.say('Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
  },
}

// The volumes of a pod are mounted, and only then has it a sandbox with an address, and its containers' turn comes. What
// cannot be mounted is tried again after 500 ms, and ever later up to 2m2s (pkg/util/goroutinemap/exponentialbackoff); a
// claim that is not bound is told with each sync, and does not hold up anybody once it is (pkg/kubelet/pod_workers.go).

import type { PodView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'

const firstDelay = 500
const longestDelay = 122_000
const syncPeriod = 10_000

export const mounting: Stage<PodView> = {
  name: 'mounting',
  due(view) {
    const { status, life, pod, obstacle } = view
    if (life.isMounted || status.startTime === undefined || pod.metadata.deletionTimestamp) return undefined
    if (status.phase === 'Succeeded' || status.phase === 'Failed') return undefined
    if (obstacle !== undefined && hasStarted(view)) return 0
    const { retry } = life
    if (obstacle?.kind === 'attach') return undefined
    if (obstacle === undefined) return retry?.kind === 'set-up' ? retry.at : 0
    return retry?.kind === obstacle.kind ? retry.at : 0
  },
  apply(view, now) {
    const { life, obstacle } = view
    if (obstacle === undefined || obstacle.kind === 'attach' || hasStarted(view)) {
      life.isMounted = true
      delete life.retry
      giveAddress(view)
      if (!hasStarted(view)) tellOfPullSecrets(view)
      return
    }
    view.say('Warning', obstacle.kind === 'sandbox' ? 'FailedCreatePodSandBox' : 'FailedMount', obstacle.message)
    const { retry } = life
    const delay =
      obstacle.kind !== 'set-up'
        ? syncPeriod
        : retry?.kind === 'set-up'
          ? Math.min(retry.delay * 2, longestDelay)
          : firstDelay
    life.retry = { kind: obstacle.kind, at: now + delay, delay }
  },
}

/** The process that plays the kubelet may be new: what runs has its volumes. */
function hasStarted({ containers }: PodView): boolean {
  return containers.some(
    ({ status: { state, lastState } }) => (state?.running ?? state?.terminated ?? lastState?.terminated) !== undefined,
  )
}

/** pkg/kubelet/kubelet.go, getPullSecretsForPod. */
function tellOfPullSecrets({ missingPullSecrets: names, say }: PodView): void {
  if (names.length === 0) return
  const message = `Unable to retrieve some image pull secrets (${names.join(', ')}); attempting to pull the image may not succeed.`
  say('Warning', 'FailedToRetrieveImagePullSecret', message)
}

function giveAddress(view: PodView): void {
  if (view.status.podIP !== undefined) return
  const address = view.address()
  if (address === undefined) return
  view.status.podIP = address
  const second = view.secondAddress(address)
  view.status.podIPs = [{ ip: address }, ...(second ? [{ ip: second }] : [])]
  view.changed = true
}

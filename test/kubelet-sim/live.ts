// Lets a pod live on a node without any API, and writes down what a watcher would see: a line for each status write and
// each event, with the seconds since the beginning. For golden timelines.

import type { Pod, PodStatus } from '../../generated/types.ts'
import { PodAddresses } from '../../kubelet-sim/addresses.ts'
import { Errands } from '../../kubelet-sim/errands.ts'
import { Evictions } from '../../kubelet-sim/eviction/evictions.ts'
import { ImageBook } from '../../kubelet-sim/image-book.ts'
import { copyLife, type Life, newLife } from '../../kubelet-sim/life.ts'
import { NodeImages } from '../../kubelet-sim/node-images.ts'
import type { Delays, Said } from '../../kubelet-sim/pod-view.ts'
import { type Missing, takeTurn, viewOf } from '../../kubelet-sim/turn.ts'
import { freeze, jsonClone } from '../../src/api/freeze.ts'
import type { Frozen } from '../../src/api/meta.ts'

export const begin = Date.UTC(2024, 0, 1)

export class LivingPod {
  readonly lines: string[] = []
  pod: Frozen<Pod>
  now = begin
  writes = 0
  next: number | undefined = begin
  removed = false
  images = new NodeImages()
  missing: Missing | undefined
  readonly evictions = new Evictions()
  private life: Life
  private readonly around

  constructor(pod: Pod, delays: Partial<Delays> = {}) {
    this.pod = freeze(jsonClone(pod)) as Frozen<Pod>
    this.life = newLife(pod.metadata.uid ?? '', undefined)
    this.around = {
      addresses: new PodAddresses(),
      images: new ImageBook(),
      delays: { pull: 1, start: 1, ...delays },
      now: () => this.now,
      errands: new Errands(),
      evictions: this.evictions,
    }
  }

  get status(): Frozen<PodStatus> {
    return this.pod.status
  }

  /** Passes time, turn by turn. */
  live(seconds: number): this {
    const until = this.now + seconds * 1000
    this.turn()
    while (this.next !== undefined && this.next <= until && !this.removed) {
      this.now = Math.max(this.now, this.next)
      this.turn()
    }
    this.now = until
    return this
  }

  /** The object is changed from outside: its spec or metadata. */
  change(change: (draft: Pod) => void): this {
    const draft = jsonClone(this.pod) as unknown as Pod
    change(draft)
    this.pod = freeze(draft) as Frozen<Pod>
    return this
  }

  delete(grace: number): this {
    return this.change(({ metadata }) => {
      metadata.deletionTimestamp = new Date(this.now + grace * 1000).toISOString()
      metadata.deletionGracePeriodSeconds = grace
    })
  }

  /** The process that plays the kubelet ended and began again: it remembers nothing. */
  forget(): this {
    this.life = newLife(this.pod.metadata.uid ?? '', this.pod.status.podIP)
    this.images = new NodeImages()
    return this
  }

  private turn(): void {
    const said: Said[] = []
    const life = copyLife(this.life)
    const host = { address: '127.25.43.11', podCIDR: '10.244.1.0/24', images: this.images, missing: this.missing }
    const view = viewOf(this.pod, host, life, said, this.around)
    this.next = takeTurn(view, this.now)
    this.life = life
    const at = `${((this.now - begin) / 1000).toFixed(1)}s`
    if (view.changed) {
      this.writes++
      this.pod = freeze(jsonClone({ ...this.pod, status: view.status })) as Frozen<Pod>
      this.lines.push(`${at} ${summary(this.pod)}`)
    }
    for (const { reason, message } of said) this.lines.push(`${at}   ${reason}: ${message.trimEnd()}`)
    if (view.removed) {
      this.removed = true
      this.lines.push(`${at} removed`)
    }
  }
}

function summary({ status }: Frozen<Pod>): string {
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  const parts = all.map(({ name, state, ready, restartCount }) => {
    const word = state?.running
      ? 'running'
      : state?.terminated
        ? `${state.terminated.reason}(${state.terminated.exitCode})`
        : state?.waiting?.reason
    return `${name}=${word}${ready ? ' ready' : ''}${restartCount > 0 ? ` x${restartCount}` : ''}`
  })
  return `${status.phase} ${parts.join(', ')}`
}

export function podOf(
  spec: Partial<Pod['spec']> & { containers: Pod['spec']['containers'] },
  metadata: Partial<Pod['metadata']> = {},
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: '0a0b', generation: 1, ...metadata },
    spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, nodeName: 'node-1', ...spec } as Pod['spec'],
    status: {
      phase: 'Pending',
      qosClass: 'BestEffort',
      conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2024-01-01T00:00:00Z' }],
    },
  }
}

// PodVolumes: the volumes of one pod, each made when the first container mounts it, and kept over its containers' restarts
// until the pod is gone. What objects hold follows their changes as the kubelet does: at the pod's next sync.

import type { Pod, Volume } from '../../../generated/types.ts'
import type { Frozen } from '../../../src/api/meta.ts'
import { wholeValue } from '../../../src/api/quantity.ts'
import { parseTime } from '../../../src/api/time.ts'
import type { Cancel } from '../../../src/env/clock.ts'
import { Pods } from '../../../src/kinds/index.ts'
import type { Inode } from '../files/inode.ts'
import { Storage } from '../files/storage.ts'
import { AtomicVolume } from './atomic-volume.ts'
import type { FollowedObjects } from './follow-objects.ts'
import type { PodDisk } from './pod-disk.ts'
import type { VolumeManagerNeeds } from './volume-manager.ts'
import { contentOf, found, type VolumeContent } from './volume-sources.ts'

/** What a container mounts. */
export interface MountedVolume {
  readonly storage: Storage
  readonly root: Inode
  readonly readOnly: boolean
  readonly source: string
  readonly type: string
}

/** pkg/kubelet/config: how often a pod is looked after without a reason. */
const syncEvery = 60_000

export class PodVolumes {
  readonly #needs: VolumeManagerNeeds
  readonly #followed: FollowedObjects
  readonly #kept: (pod: Frozen<Pod>, volume: Frozen<Volume>) => Promise<MountedVolume | undefined>
  readonly #made = new Map<string, Promise<MountedVolume>>()
  readonly #cancels: Cancel[] = []
  readonly #disk: PodDisk
  #isGone = false
  #pod: Frozen<Pod>

  /** `kept`: volumes that outlive the pod. */
  constructor(
    pod: Frozen<Pod>,
    needs: VolumeManagerNeeds,
    followed: FollowedObjects,
    disk: PodDisk,
    kept: (pod: Frozen<Pod>, volume: Frozen<Volume>) => Promise<MountedVolume | undefined>,
  ) {
    this.#pod = pod
    this.#needs = needs
    this.#followed = followed
    this.#disk = disk
    this.#kept = kept
  }

  of(volume: Frozen<Volume>): Promise<MountedVolume> {
    let made = this.#made.get(volume.name)
    if (made === undefined) {
      made = this.#make(volume)
      this.#made.set(volume.name, made)
      made.catch(() => this.#made.delete(volume.name))
    }
    return made
  }

  forget(): void {
    this.#isGone = true
    for (const cancel of this.#cancels.splice(0)) cancel()
  }

  async #make(volume: Frozen<Volume>): Promise<MountedVolume> {
    const content = await contentOf(this.#pod, volume, this.#sources)
    if (content !== undefined) return this.#atomic(volume, content)
    return (await this.#kept(this.#pod, volume)) ?? this.#empty(volume)
  }

  get #sources() {
    const { client, env, allocatable } = this.#needs
    return { client, clock: env.clock, allocatable }
  }

  /** pkg/volume/emptydir: open to all, the group's when there is an fsGroup; in memory no larger than its limit. */
  #empty({ name, emptyDir }: Frozen<Volume>): MountedVolume {
    const group = this.#pod.spec.securityContext?.fsGroup
    const isMemory = (emptyDir?.medium ?? '') !== ''
    const storage = new Storage({
      clock: this.#needs.env.clock,
      mode: group === undefined ? 0o777 : 0o2777,
      gid: group ?? 0,
      limit: isMemory && emptyDir?.sizeLimit !== undefined ? wholeValue(emptyDir.sizeLimit) : undefined,
      grown: this.#disk.grown,
    })
    this.#disk.volume(name, storage, isMemory)
    const [source, type] = isMemory ? ['tmpfs', 'tmpfs'] : ['/dev/vda1', 'ext4']
    return { storage, root: storage.root, readOnly: false, source, type }
  }

  #atomic(volume: Frozen<Volume>, first: VolumeContent): MountedVolume {
    const { env } = this.#needs
    const { metadata, spec } = this.#pod
    const random = env.random.fork(`volume/${metadata.uid}/${volume.name}`)
    const atomic = new AtomicVolume(env.clock, random, spec.securityContext?.fsGroup)
    atomic.write(first.files)
    const { storage } = atomic
    if (!first.immutable) this.#keepUpToDate(volume, atomic, first)
    const [source, type] = volume.configMap ? ['/dev/vda1', 'ext4'] : ['tmpfs', 'tmpfs']
    return { storage, root: storage.root, readOnly: true, source, type }
  }

  #keepUpToDate(volume: Frozen<Volume>, atomic: AtomicVolume, first: VolumeContent): void {
    const { env } = this.#needs
    const { namespace, name } = this.#pod.metadata
    let refresh: Cancel | undefined
    const refreshAt = (at: number | undefined) => {
      refresh?.()
      refresh = at === undefined ? undefined : env.clock.after(at - env.clock.now(), () => void update())
    }
    const update = () =>
      env.activity.track(async () => {
        if (this.#isGone) return
        const pod = (await found<Pod>(this.#needs.client, Pods, name, namespace)) ?? this.#pod
        if (pod.metadata.uid === this.#pod.metadata.uid) this.#pod = pod
        const content = await contentOf(this.#pod, volume, this.#sources)
        if (this.#isGone || content === undefined) return
        // What lacks something is not set up: what was there stays.
        if (!content.isLacking) atomic.write(content.files)
        refreshAt(content.refreshAt)
      })
    let isDue = false
    const changed = () => {
      if (isDue) return
      isDue = true
      const cancel = env.clock.after(this.#untilSync(), () => {
        isDue = false
        void update()
      })
      this.#cancels.push(cancel)
    }
    for (const { kind, name, namespaced } of first.of) {
      const object = { kind, namespace: namespaced ? namespace : undefined, name }
      this.#cancels.push(this.#followed.follow(object, changed))
    }
    if (tellsOfPod(volume)) this.#cancels.push(this.#followed.follow({ kind: Pods, namespace, name }, changed))
    refreshAt(first.refreshAt)
    this.#cancels.push(() => refresh?.())
  }

  /** Pods are synced once a minute, counted from their start. */
  #untilSync(): number {
    const { startTime } = this.#pod.status
    const since = this.#needs.env.clock.now() - (startTime === undefined ? 0 : parseTime(startTime))
    return syncEvery - (((since % syncEvery) + syncEvery) % syncEvery)
  }
}

/** Labels and annotations change while a pod lives. */
function tellsOfPod({ downwardAPI, projected }: Frozen<Volume>): boolean {
  const items = [
    ...(downwardAPI?.items ?? []),
    ...(projected?.sources ?? []).flatMap(source => source.downwardAPI?.items ?? []),
  ]
  return items.some(({ fieldRef }) => /^metadata\.(labels|annotations)/.test(fieldRef?.fieldPath ?? ''))
}

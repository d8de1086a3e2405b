// What a tile says of its pod while the pointer or the focus is on it.

import { useLayoutEffect, useRef } from 'react'
import type { Pod } from '../../../generated/types.ts'
import { useClusterNow } from '../../page/clock.ts'
import { age } from '../../parts/ages.ts'
import { faceOf } from '../../parts/pod-state.ts'

export interface Pointed {
  readonly key: string
  readonly place: DOMRect
}

const gap = 6

export function PodHint({ pointed, pods }: { readonly pointed: Pointed; readonly pods: ReadonlyMap<string, Pod> }) {
  const now = useClusterNow()
  const hint = useRef<HTMLDivElement>(null)
  const { key, place } = pointed
  useLayoutEffect(() => {
    const shown = hint.current
    if (shown === null) return
    const { width, height } = shown.getBoundingClientRect()
    const left = Math.min(Math.max(gap, place.left), innerWidth - width - gap)
    const below = place.bottom + gap
    shown.style.left = `${left}px`
    shown.style.top = `${below + height > innerHeight ? place.top - height - gap : below}px`
  }, [place])
  const pod = pods.get(key)
  if (pod === undefined) return null
  const { state, status, ready, restarts } = faceOf(pod)
  const { metadata, spec } = pod
  const trouble = pod.status?.containerStatuses?.find(({ state: is }) => is?.waiting?.message)?.state?.waiting?.message
  const unscheduled = pod.status?.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False')
  return (
    <div ref={hint} className="hint" role="tooltip">
      <b>{metadata.name}</b>
      <dl>
        <dt>status</dt>
        <dd>
          <span className={`tile state-${state}`} aria-hidden="true" /> {status}, {ready} ready
        </dd>
        <dt>namespace</dt>
        <dd>{metadata.namespace}</dd>
        {restarts !== '0' && (
          <>
            <dt>restarts</dt>
            <dd>{restarts}</dd>
          </>
        )}
        <dt>age</dt>
        <dd>{age(metadata.creationTimestamp as string | undefined, now)}</dd>
        {pod.status?.podIP && (
          <>
            <dt>address</dt>
            <dd>{pod.status.podIP}</dd>
          </>
        )}
        <dt>image</dt>
        <dd>{spec?.containers.map(({ image }) => image).join(', ')}</dd>
      </dl>
      {(trouble ?? unscheduled?.message) && <p>{trouble ?? unscheduled?.message}</p>}
    </div>
  )
}

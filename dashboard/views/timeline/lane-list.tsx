// The lanes: of each object its name, how long it lived, and a mark for each write. Only those in sight are drawn.

import { useVirtualizer } from '@tanstack/react-virtual'
import { memo } from 'react'
import { useRoving } from '../../parts/roving.ts'
import type { Lane, Scale } from './lanes.ts'

interface LaneListProps {
  readonly lanes: readonly Lane[]
  readonly scale: Scale
  readonly chosen: string | undefined
  readonly choose: (key: string) => void
  /** From 0 to 1: what is looked at, and what it is compared with. */
  readonly cursor: number | undefined
  readonly other: number | undefined
}

const laneHeight = 24

export function LaneList({ lanes, scale, chosen, choose, cursor, other }: LaneListProps) {
  const roving = useRoving<HTMLDivElement>()
  const virtual = useVirtualizer({
    count: lanes.length,
    getScrollElement: () => roving.ref.current,
    estimateSize: () => laneHeight,
    overscan: 10,
  })
  return (
    <div className="lanes" role="listbox" aria-label="Objects, a lane for each" tabIndex={-1} {...roving}>
      <div className="lanes-all" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => (
          <LaneRow
            key={lanes[index]!.key}
            lane={lanes[index]!}
            scale={scale}
            isChosen={lanes[index]!.key === chosen}
            choose={choose}
            top={start}
          />
        ))}
        <div className="cursors" aria-hidden="true">
          {other !== undefined && <i data-other style={{ left: `${other * 100}%` }} />}
          {cursor !== undefined && <i style={{ left: `${cursor * 100}%` }} />}
        </div>
      </div>
    </div>
  )
}

interface LaneRowProps {
  readonly lane: Lane
  readonly scale: Scale
  readonly isChosen: boolean
  readonly choose: (key: string) => void
  readonly top: number
}

const percent = (part: number): string => `${part * 100}%`

const LaneRow = memo(function LaneRow({ lane, scale, isChosen, choose, top }: LaneRowProps) {
  const { key, object, events, lives } = lane
  const name = object.namespace ? `${object.namespace}/${object.name}` : object.name
  return (
    <div
      className="lane"
      role="option"
      data-roving
      data-lane={key}
      tabIndex={-1}
      aria-selected={isChosen}
      aria-label={`${object.kind} ${name}, ${events.length} ${events.length === 1 ? 'write' : 'writes'}`}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => choose(key)}
      onKeyDown={event => {
        if (event.key !== 'Enter' && event.key !== ' ') return
        event.preventDefault()
        event.stopPropagation()
        choose(key)
      }}
    >
      <span className="lane-name" title={`${object.resource} ${name}`}>
        <small>{object.kind}</small> {name}
      </span>
      <span className="lane-strip">
        <svg aria-hidden="true" focusable="false">
          {lives.map(({ from, to }) => (
            <rect key={from} x={percent(from)} width={percent(to - from)} y="9" height="6" rx="3" />
          ))}
          {events.map(({ revision, type }) => (
            <circle
              key={revision}
              cx={percent(scale.at(revision))}
              cy="12"
              r={type === 'MODIFIED' ? 2.5 : 4}
              data-type={type}
            />
          ))}
        </svg>
      </span>
    </div>
  )
})

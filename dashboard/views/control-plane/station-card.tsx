// One station of the picture: whether it runs, how many keys wait, what it works on or wrote last, and a switch.

import { memo } from 'react'
import type { Station } from '../../../src/own/control-plane.ts'
import { placeWords } from './passed-words.ts'

interface StationCardProps {
  readonly station: Station
  /** Without what every name of its kind ends with. */
  readonly title: string
  readonly isChosen: boolean
  readonly choose: (name: string) => void
  readonly turn: (station: Station) => void
}

export const StationCard = memo(
  function StationCard({ station, title, isChosen, choose, turn }: StationCardProps) {
    const { name, isRunning, isApart, stoppedBy, queue, working, last } = station
    const state = isRunning ? undefined : isApart ? 'elsewhere' : 'stopped'
    return (
      <div
        className="station"
        data-station={name}
        data-stopped={!isRunning || undefined}
        data-chosen={isChosen || undefined}
      >
        <div className="station-head">
          <button
            type="button"
            className="station-name"
            data-roving
            tabIndex={-1}
            aria-pressed={isChosen}
            title={`${name}: only what it does`}
            onClick={() => choose(name)}
          >
            {title}
          </button>
          {state && <span className="badge badge-warn">{state}</span>}
          {queue && queue.length > 0 && (
            <span className="badge" title={`${queue.length} keys are ready in its queue`}>
              {queue.length}
              <span className="hidden"> queued</span>
            </span>
          )}
          {!isApart && (
            <button
              type="button"
              className="station-switch"
              data-roving
              tabIndex={-1}
              role="switch"
              aria-checked={isRunning}
              aria-label={`${name} runs`}
              disabled={!isRunning && stoppedBy.length === 0}
              title={
                isRunning
                  ? 'Stop it'
                  : stoppedBy.length > 0
                    ? `Start it: ends ${stoppedBy.join(', ')}`
                    : 'It was not stopped by a Fault'
              }
              onClick={() => turn(station)}
            />
          )}
        </div>
        <p className="station-last">
          {working.length > 0
            ? `works on ${working[0]}`
            : last
              ? `${last.type === 'DELETED' ? 'deleted' : 'wrote'} ${placeWords(last.object)}`
              : 'has written nothing yet'}
        </p>
      </div>
    )
  },
  (before, now) => before.isChosen === now.isChosen && JSON.stringify(before.station) === JSON.stringify(now.station),
)

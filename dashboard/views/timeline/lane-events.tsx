// What happened to the object whose lane is chosen, in words: who wrote, in answer to what, and what that changed.

import type { Happening } from '../../../src/timeline.ts'
import { writeReference } from '../../api/resources.ts'
import { go } from '../../page/place.ts'
import { ChangeList } from './change-list.tsx'
import type { Lane } from './lanes.ts'

interface LaneEventsProps {
  readonly lane: Lane
  readonly at: number | undefined
  readonly move: (revision: number) => void
}

const most = 300
const deeds = { ADDED: 'created', MODIFIED: 'changed', DELETED: 'deleted' } as const

export function LaneEvents({ lane: { object, events }, at, move }: LaneEventsProps) {
  const { resource, namespace, name } = object
  return (
    <section className="lane-events" aria-label={`What happened to ${name}`}>
      <header>
        <h3>
          {object.kind} {name}
        </h3>
        <button
          type="button"
          onClick={() => go({ object: writeReference({ resource, ...(namespace ? { namespace } : {}), name }) })}
        >
          Open
        </button>
      </header>
      <ol>
        {events.slice(-most).map(event => (
          <li key={event.revision} data-type={event.type}>
            <button
              type="button"
              className="quiet"
              aria-current={event.revision === at}
              title="See the whole cluster as of then"
              onClick={() => move(event.revision)}
            >
              {event.revision}
            </button>
            <div>
              <p>
                {deeds[event.type]}
                {whoOf(event)} <time dateTime={event.time}>{event.time?.slice(11, 23)}</time>
              </p>
              <ChangeList changes={event.changes} />
            </div>
          </li>
        ))}
      </ol>
    </section>
  )
}

function whoOf({ cause }: Happening): string {
  if (cause === undefined) return ''
  const { by, user, of } = cause
  const who = user === undefined ? by : `${user}${by ? `, with ${by}` : ''}`
  return ` by ${who}${of ? `, for ${of.resource.split('.')[0]} ${of.name}` : ''}`
}

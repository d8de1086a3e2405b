// The log beside the picture: what has passed, in sentences, the latest first. An object in it can be opened.

import { memo } from 'react'
import { writeReference } from '../../api/resources.ts'
import { go } from '../../page/place.ts'
import { passedWords } from './passed-words.ts'
import type { Numbered } from './passing.ts'

interface TravelLogProps {
  readonly passed: readonly Numbered[]
  readonly missed: number
  readonly behind: number
}

export const TravelLog = memo(function TravelLog({ passed, missed, behind }: TravelLogProps) {
  return (
    <section className="travel-log" aria-label="What has passed">
      <header>
        <h3>What has passed</h3>
        <small>
          {behind > 0 && `${behind} behind `}
          {missed > 0 && `${missed} not shown`}
        </small>
      </header>
      {passed.length === 0 && (
        <p className="empty">
          Nothing travels at the moment. Apply something, delete a pod, or press <kbd>.</kbd> for a step of the cluster.
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so that keys must reach it. */}
      <ol tabIndex={0} aria-label="What has passed, the latest first">
        {passed.map(each => (
          <Entry key={each.number} passed={each} />
        ))}
      </ol>
    </section>
  )
})

const Entry = memo(function Entry({ passed }: { readonly passed: Numbered }) {
  const { step, time, object, message } = passed
  const { who, what } = passedWords(passed)
  const opened = object && object.name !== '' && step !== 'watch' ? object : undefined
  return (
    <li data-step={step} data-failed={(message !== undefined && step !== 'request') || undefined}>
      <time dateTime={time}>{time.slice(11, 23)}</time>
      <b>{who}</b> {what}
      {opened && step === 'revision' && (
        <button
          type="button"
          className="quiet"
          aria-label={`Open ${opened.resource} ${opened.name}`}
          onClick={() =>
            go({
              object: writeReference({
                resource: opened.resource,
                ...(opened.namespace ? { namespace: opened.namespace } : {}),
                name: opened.name,
              }),
            })
          }
        >
          open
        </button>
      )}
    </li>
  )
})

// What has passed, in a sentence: for the log, which is all there is for who does not see the picture.

import { humanDuration } from '../../../src/api/time.ts'
import type { Passed } from '../../../src/own/control-plane-events.ts'

type Place = NonNullable<Passed['object']>

export function placeWords({ resource, namespace, name }: Place): string {
  const kind = resource.replace(/\.[^/]*/, '')
  return [kind, namespace ? `${namespace}/${name}` : name].filter(Boolean).join(' ')
}

const deeds = { ADDED: 'is made', MODIFIED: 'is changed', DELETED: 'is gone' } as const

/** Who, as the sentence begins; and what. */
export function passedWords(passed: Passed): { readonly who: string; readonly what: string } {
  const { step, station, object, key = '', user = '', by, verb = '', type, code, message, again, node } = passed
  const about = object ? placeWords(object) : ''
  const worker = node ? `${station} of ${node}` : station
  switch (step) {
    case 'request':
      return { who: user, what: `asks to ${verb} ${about}${by ? `, with ${by}` : ''}` }
    case 'refusal':
      return { who: 'API server', what: `refuses ${user} to ${verb} ${about}: ${code}, ${message}` }
    case 'admission':
      return { who: 'API server', what: `admits the ${verb} of ${about}${by ? `, asked by ${by}` : ''}` }
    case 'revision':
      return {
        who: 'Store',
        what: `revision ${object?.revision}: ${about} ${deeds[type ?? 'MODIFIED']}${by ? `, by ${by}` : ''}`,
      }
    case 'watch':
      return { who: 'Watches', what: `bring revision ${object?.revision} of ${about} to the caches` }
    case 'queue':
      return { who: worker, what: `queues ${key}${about ? `, woken by ${about}` : ''}` }
    case 'work':
      return { who: worker, what: `takes ${key}` }
    case 'done':
      if (message !== undefined) return { who: worker, what: `fails at ${key}, and will try again: ${message}` }
      return {
        who: worker,
        what: `is done with ${key}${again === undefined ? '' : `; again in ${humanDuration(again)}`}`,
      }
  }
}

// Events of the core group: what happened to an object, for people to read. Kept in this form; events.k8s.io shows the
// same objects under other names (event-v1.ts).

import type { CoreV1Event } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { pathSegmentFaults } from '../api/names.ts'
import type { Millis } from '../env/clock.ts'
import { ageText } from './columns.ts'
import { coreEventRules } from './event-rules.ts'
import { Faults } from './field-path.ts'
import { type Column, defineKind } from './kind.ts'

/** Kind `Event` of `v1`: `events`, in namespaces. */
export const Events = defineKind<CoreV1Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  createOnUpdate: true,
  hasGeneration: false,
  // Names of events in the core group were never checked but as part of a path.
  nameRule: pathSegmentFaults,
  columns: eventColumns(event => event),
  fields: {
    'involvedObject.kind': event => event.involvedObject.kind ?? '',
    'involvedObject.namespace': event => event.involvedObject.namespace ?? '',
    'involvedObject.name': event => event.involvedObject.name ?? '',
    'involvedObject.uid': event => event.involvedObject.uid ?? '',
    'involvedObject.apiVersion': event => event.involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': event => event.involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': event => event.involvedObject.fieldPath ?? '',
    reason: event => event.reason ?? '',
    reportingComponent: event => event.reportingComponent ?? '',
    source: event => event.source?.component || event.reportingComponent || '',
    type: event => event.type ?? '',
  },
  indexedFields: ['involvedObject.uid'],
  defaults(draft) {
    draft.involvedObject ??= {}
    draft.source ??= {}
    draft.reportingComponent ??= ''
    draft.reportingInstance ??= ''
  },
  validate(next) {
    const faults = new Faults()
    coreEventRules(next, 'reportingComponent', faults)
    return faults.list
  },
})

/** The same table for both versions: `core` shows an object of either as the core group's. */
export function eventColumns<T extends { apiVersion: string; kind: string; metadata: CoreV1Event['metadata'] }>(
  core: (event: Frozen<T>) => Frozen<CoreV1Event>,
): Column<T>[] {
  const column = (
    name: string,
    description: string,
    value: (event: Frozen<CoreV1Event>, now: Millis) => string,
    priority: 0 | 1 = 0,
  ): Column<T> => ({
    name,
    type: 'string',
    description,
    priority,
    value: (event, now) => value(core(event), now),
  })
  return [
    column('Last Seen', 'Time since it was last seen.', lastSeen),
    column('Type', 'Normal or Warning.', event => event.type ?? ''),
    column('Reason', 'Why, in one word for machines.', event => event.reason ?? ''),
    column('Object', 'What it is about.', ({ involvedObject: { kind, name } }) => {
      const text = (kind ?? '').toLowerCase()
      return name ? `${text}/${name}` : text
    }),
    column('Subobject', 'Which part of it.', event => event.involvedObject.fieldPath ?? '', 1),
    column(
      'Source',
      'Who reports it, and from where.',
      event => {
        const component = event.source?.component || event.reportingComponent || ''
        const instance = event.source?.host || event.reportingInstance
        return instance ? `${component}, ${instance}` : component
      },
      1,
    ),
    column('Message', 'What happened, for people.', event => (event.message ?? '').trim()),
    column('First Seen', 'Time since it was first seen.', firstSeen, 1),
    column('Count', 'How often it was seen.', event => String(event.series?.count ?? (event.count || 1)), 1),
    { ...column('Name', 'Name of the event itself.', event => event.metadata.name, 1), format: 'name' },
  ]
}

function firstSeen(event: Frozen<CoreV1Event>, now: Millis): string {
  return ageText(event.firstTimestamp || event.eventTime, now)
}

function lastSeen(event: Frozen<CoreV1Event>, now: Millis): string {
  if (event.series) return ageText(event.series.lastObservedTime, now)
  return event.lastTimestamp ? ageText(event.lastTimestamp, now) : firstSeen(event, now)
}

// Events of events.k8s.io/v1: the core group's Events under the newer names. Every field of either has its place in the
// other, so nothing is lost on the way there and back (pkg/apis/events/v1/conversion.go).

import type { CoreV1Event, EventsV1Event } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { Events, eventColumns } from './event.ts'
import { coreEventRules, eventUpdateRules, newEventRules } from './event-rules.ts'
import { Faults } from './field-path.ts'
import { defineKind } from './kind.ts'

const newName: Readonly<Record<string, string>> = {
  involvedObject: 'regarding',
  message: 'note',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
  reportingComponent: 'reportingController',
}
const coreName = Object.fromEntries(Object.entries(newName).map(([core, events]) => [events, core]))

/** Kind `Event` of `events.k8s.io/v1`: `events`, in namespaces. */
export const EventsV1 = defineKind<EventsV1Event>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  createOnUpdate: true,
  hasGeneration: false,
  storedAs: { kind: Events, fromStored: eventV1Of, toStored: event => coreEventOf(event) },
  columns: eventColumns<EventsV1Event>(coreEventOf),
  fields: {
    'regarding.kind': event => event.regarding?.kind ?? '',
    'regarding.namespace': event => event.regarding?.namespace ?? '',
    'regarding.name': event => event.regarding?.name ?? '',
    'regarding.uid': event => event.regarding?.uid ?? '',
    'regarding.apiVersion': event => event.regarding?.apiVersion ?? '',
    'regarding.resourceVersion': event => event.regarding?.resourceVersion ?? '',
    'regarding.fieldPath': event => event.regarding?.fieldPath ?? '',
    reason: event => event.reason ?? '',
    reportingController: event => event.reportingController ?? '',
    type: event => event.type ?? '',
  },
  defaults(draft) {
    draft.regarding ??= {}
    draft.deprecatedSource ??= {}
  },
  validate(next, old) {
    const faults = new Faults()
    const event = coreEventOf(next)
    coreEventRules(event, 'reportingController', faults)
    if (old) eventUpdateRules(event, coreEventOf(old), faults)
    else newEventRules(event, faults)
    return faults.list
  },
})

export function eventV1Of(stored: Frozen<CoreV1Event>): EventsV1Event {
  return renamed(stored, newName, 'events.k8s.io/v1') as unknown as EventsV1Event
}

export function coreEventOf(event: Frozen<EventsV1Event>): CoreV1Event {
  const core = renamed(event, coreName, 'v1') as unknown as CoreV1Event
  core.involvedObject ??= {}
  return core
}

function renamed(from: object, names: Readonly<Record<string, string>>, apiVersion: string): Record<string, unknown> {
  const to: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(from)) to[names[key] ?? key] = value
  to.apiVersion = apiVersion
  return to
}

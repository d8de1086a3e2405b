// The rules of events in both served versions. The older clients' events (without eventTime) are hardly checked; those of
// the newer kind are complete and never change but for their series (pkg/apis/core/validation/events.go). Objects come in
// the core group's form, and fields are named as upstream names them there.

import type { CoreV1Event } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123SubdomainFaults, qualifiedNameFaults } from '../api/names.ts'
import { parseTime } from '../api/time.ts'
import { type Faults, root } from './field-path.ts'
import { unchanged } from './field-rules.ts'

type Event = Frozen<CoreV1Event>

export function coreEventRules(event: Event, controllerField: string, faults: Faults): void {
  const { namespace = '' } = event.metadata
  const about = event.involvedObject.namespace ?? ''
  const isNamespaceFault = event.eventTime
    ? about === '' && namespace !== 'default' && namespace !== 'kube-system'
    : about === ''
      ? namespace !== '' && namespace !== 'default'
      : about !== namespace
  if (isNamespaceFault) {
    faults.invalid(root.child('involvedObject', 'namespace'), about, 'does not match event.namespace')
  }
  if (event.eventTime) {
    const controller = event.reportingComponent ?? ''
    if (!controller) faults.required(root.child(controllerField))
    faults.invalids(qualifiedNameFaults(controller), controller, root, controllerField)
    neededText('reportingInstance', event.reportingInstance, faults)
    neededText('action', event.action, faults)
    neededText('reason', event.reason, faults)
    if ((event.message?.length ?? 0) > 1024)
      faults.invalid(root.child('message'), '', 'can have at most 1024 characters')
  }
  if (namespace) faults.invalids(dns1123SubdomainFaults(namespace), namespace, root, 'namespace')
}

function neededText(field: string, text: string | undefined, faults: Faults): void {
  if (!text) faults.required(root.child(field))
  else if (text.length > 128) faults.invalid(root.child(field), '', 'can have at most 128 characters')
}

export function newEventRules(event: Event, faults: Faults): void {
  seriesRules(event, faults)
  if (!event.eventTime) faults.required(root.child('eventTime'))
  if (event.type !== 'Normal' && event.type !== 'Warning') {
    faults.invalid(root.child('type'), '', `has invalid value: ${event.type ?? ''}`)
  }
  const unset = 'needs to be unset'
  if (event.firstTimestamp) faults.invalid(root.child('firstTimestamp'), '', unset)
  if (event.lastTimestamp) faults.invalid(root.child('lastTimestamp'), '', unset)
  if (event.count) faults.invalid(root.child('count'), '', unset)
  if (event.source?.component || event.source?.host) faults.invalid(root.child('source'), '', unset)
}

const fixed = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'type',
  'action',
  'related',
  'reportingInstance',
] as const

export function eventUpdateRules(next: Event, old: Event, faults: Faults): void {
  if (!jsonEqual(next.series, old.series)) seriesRules(next, faults)
  for (const field of fixed) unchanged(next[field], old[field], root.child(field), faults)
  if (next.eventTime !== old.eventTime && !isSameTime(next.eventTime, old.eventTime)) {
    unchanged(next.eventTime ?? null, old.eventTime ?? null, root.child('eventTime'), faults)
  }
  unchanged(next.reportingComponent, old.reportingComponent, root.child('reportingController'), faults)
}

function isSameTime(one: string | undefined, other: string | undefined): boolean {
  return Boolean(one && other) && parseTime(one!) === parseTime(other!)
}

function seriesRules({ series }: Event, faults: Faults): void {
  if (!series) return
  if ((series.count ?? 0) < 2) faults.invalid(root.child('series.count'), '', 'should be at least 2')
  if (!series.lastObservedTime) faults.required(root.child('series.lastObservedTime'))
}

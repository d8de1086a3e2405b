// The past in words: the timeline, one happening, two points held against each other. Used by the commands and by the library's
// failures.

import type { Cause } from '../api/cause.ts'
import { changeText, tellingChanges } from '../api/field-changes.ts'
import type { Difference, Happening, RevisionAt, Timeline } from '../timeline.ts'
import { shownAt, shownName } from './object-words.ts'
import { paint } from './output.ts'

export function timelineText({ items, isCut, from, to }: Timeline, byObject: boolean): string {
  if (items.length === 0) return `nothing happened between revisions ${from} and ${to}\n`
  const head = isCut ? `${paint('dim', 'there is more before: --last')}\n` : ''
  if (!byObject) return head + items.map(item => happeningText(item, true)).join('')
  const groups = new Map<string, Happening[]>()
  for (const item of items) {
    const key = `${item.object.namespace ?? ''} ${shownName(item.object)}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return head + [...groups.values()].map(groupText).join('\n')
}

function groupText(items: readonly Happening[]): string {
  const { object } = items[0]!
  return `${paint('bold', whole(object))}\n${items.map(item => happeningText(item, false)).join('')}`
}

const deeds = { ADDED: 'created', MODIFIED: 'changed', DELETED: 'removed' } as const
const colors = { ADDED: 'green', MODIFIED: 'yellow', DELETED: 'red' } as const
const mostChanges = 6

export function happeningText(item: Happening, withObject: boolean): string {
  const { revision, time, type, object, cause } = item
  const changes = tellingChanges(item.changes)
  const when = time === undefined ? '' : `${time.slice(11, -1)}  `
  const what = `${paint(colors[type], deeds[type])}${withObject ? ` ${whole(object)}` : ''}`
  const lines = [`${paint('dim', `${when}${String(revision).padStart(5)}`)}  ${what}${causeText(cause, item)}\n`]
  for (const change of changes.slice(0, mostChanges)) lines.push(`${' '.repeat(21)}${changeText(change)}\n`)
  if (changes.length > mostChanges) lines.push(`${' '.repeat(21)}… and ${changes.length - mostChanges} more\n`)
  return lines.join('')
}

/** `14:28:51.956  238  deployment-controller created replicaset.apps/web-5d for deployment.apps/web` */
export function chainText(item: Happening): string {
  const { revision, time, type, object, cause } = item
  const who =
    cause === undefined ? 'somebody' : cause.user === undefined ? cause.by : `${cause.user}, with ${cause.by},`
  const of = cause?.of === undefined ? '' : ` for ${shownAt(cause.of)}`
  const when = paint('dim', `${time === undefined ? '' : time.slice(11, -1)}  ${String(revision).padStart(5)}`)
  return `  ${when}  ${who} ${deeds[type]} ${shownName(object)}${of}\n`
}

/** ` by replicaset-controller for replicaset.apps/web-5d (revision 12)` */
export function causeText(cause: Cause | undefined, { object }: Pick<Happening, 'object'>): string {
  if (cause === undefined) return ''
  const { by, user, of, woken } = cause
  const parts = [` by ${by}`]
  if (user !== undefined) parts.push(`, for ${user}`)
  const isOwn = of !== undefined && of.resource === object.resource && of.name === object.name
  if (of !== undefined && !isOwn) parts.push(` for ${shownAt(of)}`)
  if (woken !== undefined && !(of && woken.resource === of.resource && woken.name === of.name)) {
    parts.push(`, woken by ${shownAt(woken)}`)
  }
  return parts.join('')
}

const whole = (object: Happening['object']): string =>
  `${object.namespace ? `${object.namespace}/` : ''}${shownName(object)}`

export function differenceText({ from, to, items }: Difference): string {
  const at = ({ revision, time }: RevisionAt): string => `revision ${revision}${time ? ` (${time})` : ''}`
  const head = `from ${at(from)} to ${at(to)}\n`
  if (items.length === 0) return `${head}nothing is different\n`
  const lines = items.map(({ type, object, changes }) => {
    const sign = { ADDED: '+', MODIFIED: '~', DELETED: '-' }[type]
    const rows = tellingChanges(changes).map(change => `    ${changeText(change, 200)}\n`)
    return `${paint(colors[type], `${sign} ${whole(object)}`)}\n${rows.join('')}`
  })
  return head + lines.join('')
}

// Upstream's conformance items about watches, lists in parts, tables and flow control, by their names
// (test/e2e/apimachinery/{watch,chunking,table_conversion,flowcontrol}.go).

import { expect, test } from 'vitest'
import { FlowSchemas, PriorityLevelConfigurations } from '../../src/kinds/index.ts'
import { type Door, eventsOf, openDoor } from '../http/door.ts'
import { json, mergePatch, walkThrough } from './walk-through.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const metadataOf = (name: string, label: string) => ({ name, labels: { watch: label } })

const create = async (door: Door, name: string, label = 'a'): Promise<any> =>
  (await door.ask(maps, { method: 'POST', type: json, body: JSON.stringify({ metadata: metadataOf(name, label) }) }))
    .json

const change = async (door: Door, name: string, body: object): Promise<any> =>
  (await door.ask(`${maps}/${name}`, { method: 'PATCH', type: mergePatch, body: JSON.stringify(body) })).json

const remove = (door: Door, name: string) => door.ask(`${maps}/${name}`, { method: 'DELETE' })

const watch = async (door: Door, query: string) => eventsOf(await door.open(`${maps}?watch=1&${query}`))

/** The next so many, as `TYPE name mutation`. */
async function told(events: AsyncGenerator<any>, count: number): Promise<string[]> {
  const lines: string[] = []
  while (lines.length < count) {
    const { type, object } = (await events.next()).value
    lines.push([type, object.metadata.name, object.data?.mutation].filter(Boolean).join(' '))
  }
  return lines
}

test('[sig-api-machinery] Watchers should observe add, update, and delete watch notifications on configmaps', async () => {
  await using door = await openDoor()
  const a = await watch(door, 'labelSelector=watch%3Da')
  const b = await watch(door, 'labelSelector=watch%3Db')
  const both = await watch(door, 'labelSelector=watch%20in%20(a,b)')
  await create(door, 'one')
  await change(door, 'one', { data: { mutation: '1' } })
  await change(door, 'one', { data: { mutation: '2' } })
  await remove(door, 'one')
  await create(door, 'two', 'b')
  await remove(door, 'two')
  const ofA = ['ADDED one', 'MODIFIED one 1', 'MODIFIED one 2', 'DELETED one 2']
  const ofB = ['ADDED two', 'DELETED two']
  expect(await told(a, 4)).toEqual(ofA)
  expect(await told(b, 2)).toEqual(ofB)
  expect(await told(both, 6)).toEqual([...ofA, ...ofB])
})

test('[sig-api-machinery] Watchers should be able to start watching from a specific resource version', async () => {
  await using door = await openDoor()
  await create(door, 'one')
  const first = await change(door, 'one', { data: { mutation: '1' } })
  await change(door, 'one', { data: { mutation: '2' } })
  await remove(door, 'one')
  const events = await watch(door, `labelSelector=watch%3Da&resourceVersion=${first.metadata.resourceVersion}`)
  expect(await told(events, 2)).toEqual(['MODIFIED one 2', 'DELETED one 2'])
})

test('[sig-api-machinery] Watchers should be able to restart watching from the last resource version observed by the previous watch', async () => {
  await using door = await openDoor()
  const before = await watch(door, 'labelSelector=watch%3Da')
  await create(door, 'one')
  await change(door, 'one', { data: { mutation: '1' } })
  await before.next()
  const { resourceVersion } = (await before.next()).value.object.metadata
  await before.return(undefined)
  await change(door, 'one', { data: { mutation: '2' } })
  await remove(door, 'one')
  const after = await watch(door, `labelSelector=watch%3Da&resourceVersion=${resourceVersion}`)
  expect(await told(after, 2)).toEqual(['MODIFIED one 2', 'DELETED one 2'])
})

test('[sig-api-machinery] Watchers should observe an object deletion if it stops meeting the requirements of the selector', async () => {
  await using door = await openDoor()
  const events = await watch(door, 'labelSelector=watch%3Da')
  await create(door, 'one')
  await change(door, 'one', { data: { mutation: '1' } })
  await change(door, 'one', { metadata: { labels: { watch: 'other' } } })
  await change(door, 'one', { data: { mutation: '2' } })
  await change(door, 'one', { metadata: { labels: { watch: 'a' } } })
  await change(door, 'one', { data: { mutation: '3' } })
  await remove(door, 'one')
  expect(await told(events, 6)).toEqual([
    'ADDED one',
    'MODIFIED one 1',
    'DELETED one 1',
    'ADDED one 2',
    'MODIFIED one 3',
    'DELETED one 3',
  ])
})

test('[sig-api-machinery] Watchers should receive events on concurrent watches in same order', async () => {
  await using door = await openDoor()
  const { resourceVersion } = (await create(door, 'first')).metadata
  const versions: string[] = []
  const writing = (async () => {
    for (let turn = 0; turn < 10; turn++) {
      const made = await Promise.all([
        create(door, `map-${turn}`),
        change(door, 'first', { data: { mutation: `${turn}` } }),
      ])
      versions.push(...made.map(({ metadata }) => metadata.resourceVersion as string))
    }
  })()
  const watches = await Promise.all(
    Array.from({ length: 5 }, async () => {
      return watch(door, `resourceVersion=${resourceVersion}`)
    }),
  )
  await writing
  const wanted = versions.map(Number).sort((one, other) => one - other)
  for (const events of watches) {
    const seen: number[] = []
    while (seen.length < wanted.length) seen.push(Number((await events.next()).value.object.metadata.resourceVersion))
    expect(seen).toEqual(wanted)
  }
})

test('[sig-api-machinery] Servers with support for API chunking should return chunks of results for list calls', async () => {
  await using door = await openDoor()
  const wanted = Array.from({ length: 40 }, (_, index) => `template-${String(index).padStart(4, '0')}`)
  for (const name of wanted) await create(door, name)
  const selected = `${maps}?labelSelector=watch%3Da`
  for (const limit of [7, 17, 40]) {
    const found: string[] = []
    let at = ''
    let version: string | undefined
    do {
      const { items, metadata } = (await door.ask(`${maps}?limit=${limit}${at && `&continue=${at}`}`)).json
      version ??= metadata.resourceVersion
      expect(metadata.resourceVersion).toBe(version)
      expect(items.length).toBeLessThanOrEqual(limit)
      found.push(...items.map((item: any) => item.metadata.name as string))
      at = metadata.continue ?? ''
      expect(metadata.remainingItemCount).toBe(at ? wanted.length - found.length : undefined)
      if (found.length === limit && at) await change(door, wanted[39]!, { data: { mutation: `${limit}` } })
    } while (at)
    expect(found).toEqual(wanted)
  }
  expect((await door.ask(selected)).json.items).toHaveLength(40)
})

test('[sig-api-machinery] Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow]', async () => {
  await using door = await openDoor()
  for (let index = 0; index < 40; index++) await create(door, `template-${String(index).padStart(4, '0')}`)
  const first = (await door.ask(`${maps}?limit=10`)).json
  await door.ask(`${maps}/template-0010`, { method: 'DELETE' })
  await door.server.storage.compact(door.server.storage.revision)
  const { code, reason, metadata } = await door.refused(`${maps}?limit=10&continue=${first.metadata.continue}`)
  expect([code, reason]).toEqual([410, 'Expired'])
  const token = (metadata as { continue?: string }).continue
  expect(token).toBeTruthy()
  const rest = (await door.ask(`${maps}?continue=${token}`)).json
  expect(rest.items.map((item: any) => item.metadata.name)).toEqual(
    Array.from({ length: 29 }, (_, index) => `template-${String(index + 11).padStart(4, '0')}`),
  )
  expect(Number(rest.metadata.resourceVersion)).toBeGreaterThan(Number(first.metadata.resourceVersion))
})

test('[sig-api-machinery] Servers with support for Table transformation should return a 406 for a backend which does not implement metadata', async () => {
  await using door = await openDoor()
  const { code, reason } = await door.refused('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    method: 'POST',
    type: json,
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    body: JSON.stringify({ spec: { nonResourceAttributes: { path: '/', verb: 'get' } } }),
  })
  expect([code, reason]).toEqual([406, 'NotAcceptable'])
})

test('[sig-api-machinery] API priority and fairness should support FlowSchema API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, FlowSchemas)
})

test('[sig-api-machinery] API priority and fairness should support PriorityLevelConfiguration API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, PriorityLevelConfigurations)
})

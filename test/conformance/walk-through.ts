// Every verb of a kind once, over the door, as upstream's conformance items walk through them. For tests of those items.

import { expect } from 'vitest'
import type { Kind } from '../../src/kinds/kind.ts'
import { type Answer, type Door, eventsOf } from '../http/door.ts'
import { leastObject } from '../registry/least-objects.ts'

export const json = 'application/json'
export const mergePatch = 'application/merge-patch+json'

/** Discovery, then each verb once, with a watch that sees them all. */
export async function walkThrough(door: Door, kind: Kind<any>): Promise<void> {
  const { apiVersion } = kind
  await isDiscovered(door, kind)
  const where = kind.namespaced ? { namespace: 'default' } : {}
  const root = kind.path(where)
  const at = (name: string, subresource?: string) => kind.path({ ...where, name }, subresource)
  const labels = { 'e2e-test': 'operations' }
  const selector = '?labelSelector=e2e-test%3Doperations'
  const object = (name: string) => {
    const least = leastObject(kind, name)
    return { ...least, metadata: { ...least.metadata, labels } }
  }
  const post = (name: string) => door.ask(root, { method: 'POST', body: JSON.stringify(object(name)), type: json })
  const patch = (path: string, body: object) =>
    door.ask(path, { method: 'PATCH', body: JSON.stringify(body), type: mergePatch })
  const ok = ({ code, text }: Answer, wanted = 200) => expect(code, text).toBe(wanted)

  const { metadata } = (await door.ask(root)).json
  const watch = eventsOf(
    await door.open(`${root}${selector}&watch=true&resourceVersion=${metadata.resourceVersion}&timeoutSeconds=60`),
  )
  /** What somebody else writes into a status meanwhile does not count. */
  const seen = async (type: string, name: string, annotations: Readonly<Record<string, string>> = {}) => {
    const isOther = ({ type: is, object }: any) =>
      is === 'MODIFIED' && (type !== is || Object.keys(annotations).some(key => !object.metadata.annotations?.[key]))
    let event = (await watch.next()).value
    while (isOther(event)) event = (await watch.next()).value
    expect(event).toMatchObject({ type, object: { apiVersion, metadata: { name } } })
  }

  for (const name of ['one', 'two', 'three']) {
    ok(await post(name), 201)
    await seen('ADDED', name)
  }
  const read = (await door.ask(at('one'))).json
  expect(read).toMatchObject({ apiVersion, kind: kind.kind, metadata: { name: 'one', labels } })
  expect((await door.ask(`${root}${selector}`)).json.items).toHaveLength(3)
  if (kind.namespaced) expect((await door.ask(`${kind.path()}${selector}`)).json.items).toHaveLength(3)

  const patched = await patch(at('one'), { metadata: { annotations: { patched: 'true' } } })
  ok(patched)
  expect(patched.json.metadata.annotations).toEqual({ patched: 'true' })
  await seen('MODIFIED', 'one', { patched: 'true' })
  const next = patched.json
  next.metadata.annotations.updated = 'true'
  const updated = await door.ask(at('one'), { method: 'PUT', body: JSON.stringify(next), type: json })
  ok(updated)
  expect(updated.json.metadata.annotations).toEqual({ patched: 'true', updated: 'true' })
  await seen('MODIFIED', 'one', { updated: 'true' })
  for (const subresource of kind.subresources ?? []) {
    const part = (await door.ask(at('one', subresource))).json
    expect(part.metadata.uid).toBe(read.metadata.uid)
  }

  ok(await door.ask(at('one'), { method: 'DELETE' }))
  await seen('DELETED', 'one')
  expect((await door.ask(at('one'))).code).toBe(404)
  ok(await door.ask(`${root}${selector}`, { method: 'DELETE' }))
  expect((await door.ask(`${root}${selector}`)).json.items).toEqual([])
  await watch.return(undefined)
}

export async function isDiscovered(
  door: Door,
  { group, version, apiVersion, plural, subresources = [] }: Kind<any>,
): Promise<void> {
  const root = group === '' ? `/api/${version}` : `/apis/${apiVersion}`
  if (group !== '') {
    const { groups } = (await door.ask('/apis')).json
    const found = groups.find((each: { name: string }) => each.name === group)
    expect(found.versions).toContainEqual({ groupVersion: apiVersion, version })
    expect((await door.ask(`/apis/${group}`)).json.name).toBe(group)
  }
  const names = (await door.ask(root)).json.resources.map(({ name }: { name: string }) => name)
  expect(names).toEqual(expect.arrayContaining([plural, ...subresources.map(each => `${plural}/${each}`)]))
}

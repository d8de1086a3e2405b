// watch: who is told what, from where, and when it ends. k8s.io/apiserver pkg/storage/cacher/cacher.go, cache_watcher.go,
// and pkg/storage/etcd3/watcher.go.

import { describe, expect, test } from 'vitest'
import { wholeObject } from '../../apiserver/registry/collection.ts'
import { ConfigMaps, Events, EventsV1, Namespaces, Pods } from '../../src/kinds/index.ts'
import { emptyOfMaps, inDefault, refusal, Told, testServer } from './harness.ts'
import { leastObject } from './least-objects.ts'

const where = { namespace: 'default' }

async function watched() {
  const server = await emptyOfMaps(await testServer())
  const { of, info, storage } = server
  const create = (name: string, labels: Record<string, string> = {}, namespace = 'default') => {
    const body = leastObject(ConfigMaps, name, namespace)
    body.metadata.labels = labels
    return of(ConfigMaps).create(body, { namespace }, {}, info)
  }
  const label = (name: string, labels: object) =>
    of(ConfigMaps).patch(inDefault(name), { type: 'merge', body: { metadata: { labels } } }, {}, info)
  const remove = (name: string) => of(ConfigMaps).delete(inDefault(name), {}, info)
  return { ...server, create, label, remove, now: () => String(storage.revision) }
}

describe('where it begins', () => {
  test.each(['', '0', undefined])('at %o with what there is', async resourceVersion => {
    const { of, create } = await watched()
    await create('a')
    const told = new Told()
    of(ConfigMaps).watch({ resourceVersion }, told.reader)
    expect(told.lines()).toEqual(['ADDED a'])
    await create('b')
    expect(told.lines()).toEqual(['ADDED a', 'ADDED b'])
  })

  test('after a revision of before with what happened since', async () => {
    const { of, create, label, remove, now } = await watched()
    await create('a')
    const resourceVersion = now()
    await label('a', { x: 'y' })
    await create('b')
    await remove('a')
    const told = new Told()
    of(ConfigMaps).watch({ resourceVersion }, told.reader)
    const other = new Told()
    of(ConfigMaps).watch({ resourceVersion, labelSelector: 'x=y' }, other.reader)
    await create('c')
    expect(told.lines().slice(0, 3)).toEqual(['MODIFIED a', 'ADDED b', 'DELETED a'])
    expect(other.lines()).toEqual(['ADDED a', 'DELETED a'])
    expect(told.lines().slice(3)).toEqual(['ADDED c'])
  })

  test('at a forgotten revision: it ends with Expired, within the stream', async () => {
    const { of, create, storage } = await watched()
    await create('a')
    await create('b')
    await storage.compact(storage.revision)
    const told = new Told()
    of(ConfigMaps).watch({ resourceVersion: '1' }, told.reader)
    await Promise.resolve()
    expect(told.ended).toMatchObject({ reason: 'Expired', code: 410 })
    expect((told.ended as Error).message).toMatch(/^too old resource version: 1 \(\d+\)$/)
    await create('c')
    expect(told.lines()).toEqual([])
  })

  test('after a revision of the future with what happens then', async () => {
    const { of, create, storage } = await watched()
    const told = new Told()
    of(ConfigMaps).watch({ resourceVersion: String(storage.revision + 1) }, told.reader)
    await create('a')
    await create('b')
    expect(told.lines()).toEqual(['ADDED b'])
  })

  test('what makes no sense is refused at once', async () => {
    const { of } = await watched()
    const watch = (request: object) => refusal(() => of(ConfigMaps).watch(request, new Told().reader))
    expect((await watch({ resourceVersion: 'x' })).code).toBe(400)
    expect((await watch({ resourceVersionMatch: 'NotOlderThan' })).message).toBe(
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    )
    expect((await watch({ sendInitialEvents: true })).message).toBe(
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    )
  })
})

describe('sendInitialEvents', () => {
  const begin = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true }

  test('what there is, closed by one bookmark', async () => {
    const { of, create, now } = await watched()
    await create('a')
    await create('b')
    const told = new Told()
    const stop = of(ConfigMaps).watch({ ...begin, resourceVersion: '1' }, told.reader)
    expect(told.lines()).toEqual(['ADDED a', 'ADDED b', `BOOKMARK@${now()} end`])
    await create('c')
    expect(told.lines().slice(3)).toEqual(['ADDED c'])
    stop()
  })

  test('of nothing, the bookmark alone; without bookmarks, none', async () => {
    const { of, now } = await watched()
    const told = new Told()
    of(Events).watch(begin, told.reader)()
    expect(told.lines()).toEqual([`BOOKMARK@${now()} end`])
    const other = new Told()
    of(Events).watch({ ...begin, allowWatchBookmarks: false }, other.reader)()
    expect(other.lines()).toEqual([])
  })

  test('false: nothing of what there is', async () => {
    const { of, create } = await watched()
    await create('a')
    const told = new Told()
    of(ConfigMaps).watch({ sendInitialEvents: false, resourceVersionMatch: 'NotOlderThan' }, told.reader)
    await create('b')
    expect(told.lines()).toEqual(['ADDED b'])
  })

  test('from the future: a timeout, within the stream', async () => {
    const { of } = await watched()
    const told = new Told()
    of(ConfigMaps).watch({ ...begin, resourceVersion: '9999' }, told.reader)
    await Promise.resolve()
    expect(told.ended).toMatchObject({ reason: 'Timeout' })
  })
})

describe('what it is told', () => {
  test('an object that comes into the selection is ADDED, one that leaves it DELETED as it was', async () => {
    const { of, create, label, remove, now } = await watched()
    const told = new Told()
    of(ConfigMaps).watch({ resourceVersion: now(), labelSelector: 'app=web' }, told.reader)
    await create('a')
    expect(told.take()).toEqual([])
    await label('a', { app: 'web' })
    expect(told.take()).toEqual(['ADDED a'])
    await label('a', { more: 'x' })
    expect(told.take()).toEqual(['MODIFIED a'])
    await label('a', { app: 'api', more: 'y' })
    const departure = told.signals[0]
    if (departure?.type !== 'DELETED') throw new Error(`expected a departure, not ${departure?.type}`)
    expect(departure.reading.object.metadata).toMatchObject({
      labels: { app: 'web', more: 'x' },
      resourceVersion: now(),
    })
    expect(JSON.parse(departure.reading.bytes.toString())).toEqual(wholeObject(departure.reading))
    told.take()
    await remove('a')
    expect(told.take()).toEqual([])
  })

  test('a deletion carries the revision of the deletion', async () => {
    const { of, create, remove, now } = await watched()
    await create('a')
    const told = new Told()
    of(ConfigMaps).watch({ resourceVersion: now() }, told.reader)
    await remove('a')
    const [signal] = told.signals
    expect(signal).toMatchObject({ type: 'DELETED', reading: { object: { metadata: { resourceVersion: now() } } } })
  })

  test.each([
    [{}, ['ADDED a', 'ADDED b', 'ADDED a']],
    [where, ['ADDED a', 'ADDED b']],
    [{ namespace: 'kube-system' }, ['ADDED a']],
    [{ fieldSelector: 'metadata.name=a' }, ['ADDED a', 'ADDED a']],
    [{ ...where, fieldSelector: 'metadata.name=a' }, ['ADDED a']],
    [{ fieldSelector: 'metadata.namespace=kube-system' }, ['ADDED a']],
    [{ labelSelector: 'in=here' }, ['ADDED b', 'ADDED a']],
    [{ ...where, labelSelector: 'in=here' }, ['ADDED b']],
    [{ labelSelector: 'in!=here' }, ['ADDED a']],
    [{ labelSelector: 'in=here,out=there' }, []],
  ])('%o sees its own', async (request, lines) => {
    const { of, create, now } = await watched()
    const told = new Told()
    of(ConfigMaps).watch({ ...request, resourceVersion: now() }, told.reader)
    await create('a')
    await create('b', { in: 'here' })
    await create('a', { in: 'here' }, 'kube-system')
    expect(told.lines()).toEqual(lines)
  })

  test('a pod comes to a node’s watch when it is bound to it', async () => {
    const { of, info, now } = await watched()
    const told = new Told()
    of(Pods).watch({ resourceVersion: now(), fieldSelector: 'spec.nodeName=node-1' }, told.reader)
    const unbound = new Told()
    of(Pods).watch({ resourceVersion: now(), fieldSelector: 'spec.nodeName=' }, unbound.reader)
    await of(Pods).create(leastObject(Pods, 'web'), where, {}, info)
    const binding = { metadata: { name: 'web' }, target: { name: 'node-1' } }
    await of(Pods).act(inDefault('web'), 'binding', binding, {}, info)
    expect(told.lines()).toEqual(['ADDED web'])
    expect(unbound.lines()).toEqual(['ADDED web', 'DELETED web'])
  })

  test('writes that go together come together, and all who see the same share one reading', async () => {
    const { of, create, now } = await watched()
    const [one, other] = [new Told(), new Told()]
    of(ConfigMaps).watch({ resourceVersion: now() }, one.reader)
    of(ConfigMaps).watch({ resourceVersion: now() }, other.reader)
    await Promise.all(['a', 'b', 'c'].map(name => create(name)))
    expect(one.batches).toEqual([3])
    expect(one.signals[0]).toBe(other.signals[0])
  })

  test('each version of a kind sees the objects in its own form', async () => {
    const { of, info, now } = await watched()
    const [core, v1] = [new Told(), new Told()]
    of(Events).watch({ resourceVersion: now() }, core.reader)
    of(EventsV1).watch({ resourceVersion: now() }, v1.reader)
    await of(EventsV1).create(leastObject(EventsV1, 'e'), where, {}, info)
    expect(core.signals[0]).toMatchObject({ reading: { object: { apiVersion: 'v1', involvedObject: { name: 'e' } } } })
    expect(v1.signals[0]).toMatchObject({
      reading: { object: { apiVersion: 'events.k8s.io/v1', regarding: { name: 'e' } } },
    })
  })
})

describe('bookmarks', () => {
  test('come about every minute to those who want them, from one timer, and none once nobody does', async () => {
    const { of, env, create, now } = await watched()
    const waiting = env.clock.waiting
    const told = new Told()
    const stops = [
      of(ConfigMaps).watch({ resourceVersion: now(), allowWatchBookmarks: true }, told.reader),
      of(Namespaces).watch({ resourceVersion: now(), allowWatchBookmarks: true }, new Told().reader),
    ]
    const plain = new Told()
    stops.push(of(ConfigMaps).watch({ resourceVersion: now() }, plain.reader))
    expect(env.clock.waiting).toBe(waiting + 1)
    await create('a')
    await env.clock.advance(120_000)
    expect(told.lines()).toEqual(['ADDED a', `BOOKMARK@${now()}`, `BOOKMARK@${now()}`])
    expect(plain.lines()).toEqual(['ADDED a'])
    for (const stop of stops) stop()
    expect(env.clock.waiting).toBe(waiting)
  })
})

describe('how it ends', () => {
  test('a reader that lets too much lie is told Expired, once, and hears no more; the others go on', async () => {
    const { of, create, now } = await watched()
    const [slow, quick] = [new Told(), new Told()]
    of(ConfigMaps).watch({ resourceVersion: now() }, slow.reader)
    of(ConfigMaps).watch({ resourceVersion: now() }, quick.reader)
    slow.lying = 17 * 1024 * 1024
    await create('a')
    expect(slow.ended).toMatchObject({ reason: 'Expired', code: 410 })
    expect((slow.ended as Error).message).toMatch(/^too old resource version/)
    slow.lying = 0
    await create('b')
    expect(slow.lines()).toEqual([])
    expect(quick.lines()).toEqual(['ADDED a', 'ADDED b'])
  })

  test('stopping twice is stopping once, and a new watch can follow', async () => {
    const { of, create, now } = await watched()
    const told = new Told()
    const stop = of(ConfigMaps).watch({ resourceVersion: now() }, told.reader)
    stop()
    stop()
    expect(told.ended).toBeUndefined()
    const again = new Told()
    of(ConfigMaps).watch({ resourceVersion: now() }, again.reader)
    await create('a')
    expect(told.lines()).toEqual([])
    expect(again.lines()).toEqual(['ADDED a'])
  })
})

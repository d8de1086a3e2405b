// What every Client promises, by whichever door it comes: a suite that takes a factory. Run upon the direct client in
// test/registry/direct-client.test.ts, and upon the HTTP client beside it.

import { describe, expect, test } from 'vitest'
import type { Deployment, Pod, Scale } from '../../generated/types.ts'
import { ApiError } from '../../src/api/errors.ts'
import { draft } from '../../src/api/freeze.ts'
import type { Client, WatchEvent } from '../../src/client/client.ts'
import { ConfigMaps, Deployments, Namespaces, Pods, Services } from '../../src/kinds/index.ts'

export interface ClientUnderTest extends AsyncDisposable {
  /** Of a server with the namespace and the service account `default`. */
  readonly client: Client
  /** Makes the server forget all events so far. */
  forgetHistory(): Promise<void>
}

const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
})

const deployment = (name: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } },
  },
})

const pod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels: { app: name } },
  spec: { containers: [{ name: 'main', image: 'nginx' }] },
})

const ref = (name: string) => ({ name, namespace: 'default' })

async function refusal(work: Promise<unknown>): Promise<ApiError> {
  try {
    await work
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
  throw new Error('expected a refusal, and there was none')
}

/** The next events of a watch, as `TYPE name`. */
async function next<T extends { metadata: { name: string } }>(
  watch: AsyncIterator<WatchEvent<T>>,
  count: number,
): Promise<string[]> {
  const lines: string[] = []
  while (lines.length < count) {
    const { done, value } = await watch.next()
    if (done) return [...lines, 'end']
    if (value.type !== 'BOOKMARK') lines.push(`${value.type} ${(value.object as unknown as T).metadata.name}`)
  }
  return lines
}

export function clientContract(name: string, open: () => Promise<ClientUnderTest>): void {
  describe(`the contract of a client: ${name}`, () => {
    test('what is created can be read, and is what was answered', async () => {
      await using server = await open()
      const maps = server.client.of(ConfigMaps)
      const created = await maps.create(configMap('a', { key: 'value' }))
      expect(created).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { key: 'value' } })
      expect(created.metadata).toMatchObject({ uid: expect.any(String), resourceVersion: expect.any(String) })
      expect(await maps.get(ref('a'))).toEqual(created)
      const list = await maps.list({ namespace: 'default' })
      expect(list.items.filter(item => item.metadata.name === 'a')).toEqual([created])
      expect(Number(list.resourceVersion)).toBeGreaterThanOrEqual(Number(created.metadata.resourceVersion))
    })

    test('what comes in is taken as JSON would take it, and shared with nobody', async () => {
      await using server = await open()
      const maps = server.client.of(ConfigMaps)
      const data = { kept: 'yes', dropped: undefined as unknown as string }
      const annotations = { at: new Date(0) as unknown as string }
      const object = { ...configMap('a', data), metadata: { ...ref('a'), annotations } }
      const created = await maps.create(object)
      expect(created.data).toEqual({ kept: 'yes' })
      expect(created.metadata.annotations).toEqual({ at: '1970-01-01T00:00:00.000Z' })
      data.kept = 'no'
      expect((await maps.get(ref('a'))).data).toEqual({ kept: 'yes' })
      expect(object.metadata).not.toHaveProperty('uid')
    })

    test('what goes out is frozen', async () => {
      await using server = await open()
      const created = await server.client.of(ConfigMaps).create(configMap('a', { key: 'value' }))
      expect(Object.isFrozen(created) && Object.isFrozen(created.metadata) && Object.isFrozen(created.data)).toBe(true)
    })

    test('errors are the API’s own', async () => {
      await using server = await open()
      const maps = server.client.of(ConfigMaps)
      expect(await refusal(maps.get(ref('none')))).toMatchObject({
        reason: 'NotFound',
        code: 404,
        message: 'configmaps "none" not found',
        details: { name: 'none', kind: 'configmaps' },
      })
      await maps.create(configMap('a'))
      expect(await refusal(maps.create(configMap('a')))).toMatchObject({ reason: 'AlreadyExists', code: 409 })
      expect(await refusal(maps.create(configMap('A_b')))).toMatchObject({
        reason: 'Invalid',
        code: 422,
        details: { causes: [{ reason: 'FieldValueInvalid', field: 'metadata.name' }] },
      })
      expect(await refusal(maps.list({ labelSelector: 'a in b' }))).toMatchObject({ reason: 'BadRequest', code: 400 })
      expect(await refusal(maps.list({ resourceVersion: '999999' }))).toMatchObject({ reason: 'Timeout', code: 504 })
    })

    test('an update from an old revision conflicts', async () => {
      await using server = await open()
      const maps = server.client.of(ConfigMaps)
      const first = await maps.create(configMap('a'))
      const second = await maps.update({ ...draft(first), data: { key: '1' } })
      expect(second.data).toEqual({ key: '1' })
      const error = await refusal(maps.update({ ...draft(first), data: { key: '2' } }))
      expect(error).toMatchObject({ reason: 'Conflict', code: 409 })
    })

    test('updateStatus changes the status alone', async () => {
      await using server = await open()
      const deployments = server.client.of(Deployments)
      const created = await deployments.create(deployment('web') as unknown as Deployment)
      const { spec, ...rest } = draft(created)
      const changed = { ...rest, spec: { ...spec, replicas: 9 }, status: { replicas: 1 } }
      const updated = await deployments.updateStatus(changed)
      expect(updated).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 1 } })
    })

    test('patches of three kinds, and of a subresource', async () => {
      await using server = await open()
      const deployments = server.client.of(Deployments)
      await deployments.create(deployment('web') as unknown as Deployment)
      await deployments.patch(ref('web'), { type: 'merge', body: { spec: { replicas: 2 } } })
      const containers = [{ name: 'side', image: 'busybox' }]
      await deployments.patch(ref('web'), { type: 'strategic', body: { spec: { template: { spec: { containers } } } } })
      await deployments.patch(ref('web'), { type: 'json', body: [{ op: 'add', path: '/spec/paused', value: true }] })
      await deployments.patch(ref('web'), { type: 'merge', body: { status: { replicas: 2 } } }, 'status')
      const patched = await deployments.get(ref('web'))
      expect(patched).toMatchObject({ spec: { replicas: 2, paused: true }, status: { replicas: 2 } })
      expect(patched.spec.template.spec?.containers.map(each => each.name).sort()).toEqual(['main', 'side'])
    })

    test('a dry run does nothing', async () => {
      await using server = await open()
      const maps = server.client.of(ConfigMaps)
      expect((await maps.create(configMap('a'), { dryRun: true })).metadata.name).toBe('a')
      expect((await refusal(maps.get(ref('a')))).reason).toBe('NotFound')
    })

    test('deleting: one, one that is not there, with a precondition, and many by selector', async () => {
      await using server = await open()
      const maps = server.client.of(ConfigMaps)
      for (const each of ['a', 'b', 'c']) {
        await maps.create({
          ...configMap(each),
          metadata: { ...ref(each), labels: { pick: each === 'c' ? 'no' : 'yes' } },
        })
      }
      const preconditions = { uid: 'other' }
      expect((await refusal(maps.delete(ref('a'), { preconditions }))).reason).toBe('Conflict')
      await maps.delete(ref('a'))
      expect((await refusal(maps.delete(ref('a')))).reason).toBe('NotFound')
      await maps.deleteCollection({ namespace: 'default', labelSelector: 'pick=yes' })
      const left = await maps.list({ namespace: 'default', labelSelector: 'pick' })
      expect(left.items.map(item => item.metadata.name)).toEqual(['c'])
    })

    test('lists come by selector, by namespace and in parts', async () => {
      await using server = await open()
      const maps = server.client.of(ConfigMaps)
      const labels = { set: 'mine' }
      for (const each of ['a', 'b', 'c']) await maps.create({ ...configMap(each), metadata: { ...ref(each), labels } })
      const options = { namespace: 'default', labelSelector: 'set=mine' }
      const first = await maps.list({ ...options, limit: 2 })
      expect(first.items.map(item => item.metadata.name)).toEqual(['a', 'b'])
      const second = await maps.list({ ...options, limit: 2, continue: first.continue })
      expect(second.items.map(item => item.metadata.name)).toEqual(['c'])
      expect(second.continue).toBeUndefined()
      expect(second.resourceVersion).toBe(first.resourceVersion)
      expect((await maps.list({ ...options, namespace: 'kube-system' })).items).toEqual([])
      const field = await maps.list({ namespace: 'default', fieldSelector: 'metadata.name=b' })
      expect(field.items.map(item => item.metadata.name)).toEqual(['b'])
    })

    test('kinds without a namespace', async () => {
      await using server = await open()
      const namespaces = server.client.of(Namespaces)
      const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } }
      const created = await namespaces.create(body as never)
      expect(created.metadata.namespace).toBeUndefined()
      expect((await namespaces.get({ name: 'team' })).status.phase).toBe('Active')
      await namespaces.delete({ name: 'team' })
      const ending = await namespaces.get({ name: 'team' })
      expect(ending.status.phase).toBe('Terminating')
      await namespaces.act({ name: 'team' }, 'finalize', { ...ending, spec: {} }, 'PUT')
      expect((await refusal(namespaces.get({ name: 'team' }))).reason).toBe('NotFound')
    })

    test('subresources: scale is read and put, a pod is bound and evicted', async () => {
      await using server = await open()
      const deployments = server.client.of(Deployments)
      await deployments.create(deployment('web') as unknown as Deployment)
      const scale = await deployments.read<Scale>(ref('web'), 'scale')
      expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { selector: 'app=web' } })
      await deployments.act(ref('web'), 'scale', { ...scale, spec: { replicas: 4 } }, 'PUT')
      expect((await deployments.get(ref('web'))).spec.replicas).toBe(4)
      const pods = server.client.of(Pods)
      await pods.create(pod('p') as unknown as Pod)
      const target = { apiVersion: 'v1', kind: 'Node', name: 'node-1' }
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target }
      await pods.act(ref('p'), 'binding', binding)
      expect((await pods.get(ref('p'))).spec.nodeName).toBe('node-1')
      expect((await refusal(pods.act(ref('p'), 'binding', binding))).reason).toBe('Conflict')
      const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p', namespace: 'default' } }
      await pods.act(ref('p'), 'eviction', eviction)
      expect((await pods.get(ref('p'))).metadata.deletionGracePeriodSeconds).toBe(30)
    })

    test('a watch tells, from a list’s revision on, what came, changed, left the selection and went', async () => {
      await using server = await open()
      const maps = server.client.of(ConfigMaps)
      const { resourceVersion } = await maps.list()
      const stop = new AbortController()
      const options = { namespace: 'default', labelSelector: 'app=web', after: resourceVersion, signal: stop.signal }
      const watch = maps.watch(options)[Symbol.asyncIterator]()
      const label = (each: string, app: string) =>
        maps.patch(ref(each), { type: 'merge', body: { metadata: { labels: { app } } } })
      await maps.create(configMap('a'))
      await label('a', 'web')
      await maps.patch(ref('a'), { type: 'merge', body: { data: { key: 'value' } } })
      await label('a', 'api')
      await maps.create({ ...configMap('b'), metadata: { ...ref('b'), labels: { app: 'web' } } })
      await maps.delete(ref('b'))
      expect(await next(watch, 5)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED b', 'DELETED b'])
      const waiting = watch.next()
      stop.abort()
      expect(await waiting).toMatchObject({ done: true })
    })

    test('a watch resumes after the last revision that was seen', async () => {
      await using server = await open()
      const maps = server.client.of(ConfigMaps)
      const { resourceVersion: after } = (await maps.create(configMap('a'))).metadata
      await maps.create(configMap('b'))
      await maps.create(configMap('c'))
      const stop = new AbortController()
      const watch = maps.watch({ after: after!, signal: stop.signal })[Symbol.asyncIterator]()
      expect(await next(watch, 2)).toEqual(['ADDED b', 'ADDED c'])
      await watch.return?.()
      expect(await watch.next()).toMatchObject({ done: true })
    })

    test('a watch of objects is a loop that a break ends', async () => {
      await using server = await open()
      const maps = server.client.of(ConfigMaps)
      const { resourceVersion: after } = await maps.list()
      await maps.create(configMap('a'))
      const { signal } = new AbortController()
      for await (const event of maps.watch({ after, signal })) {
        if (event.type === 'BOOKMARK') continue
        expect(event.object.metadata.name).toBe('a')
        break
      }
    })

    test('a watch from a revision that is forgotten is told Expired', async () => {
      await using server = await open()
      const maps = server.client.of(ConfigMaps)
      await maps.create(configMap('a'))
      await maps.create(configMap('b'))
      await server.forgetHistory()
      const { signal } = new AbortController()
      const watch = maps.watch({ after: '1', signal })[Symbol.asyncIterator]()
      expect(await refusal(watch.next())).toMatchObject({ reason: 'Expired', code: 410 })
    })

    test('a signal that is aborted already ends a watch before it begins', async () => {
      await using server = await open()
      const watch = server.client.of(ConfigMaps).watch({ after: '1', signal: AbortSignal.abort() })
      expect(await watch[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
    })

    test('speaking as another component, it is the same server', async () => {
      await using server = await open()
      await server.client.as('a-controller').of(ConfigMaps).create(configMap('a'))
      expect((await server.client.of(ConfigMaps).get(ref('a'))).metadata.name).toBe('a')
    })

    test('addresses are given by the server', async () => {
      await using server = await open()
      const body = { apiVersion: 'v1', kind: 'Service', metadata: ref('web'), spec: { ports: [{ port: 80 }] } }
      const created = await server.client.of(Services).create(body as never)
      expect(created.spec.clusterIP).toMatch(/^10\./)
    })
  })
}

// An operator as people write them with @kubernetes/client-node, in that client's default configuration, and what it leans on:
// informers and apply of custom objects, status, finalizers, owners, patches of every kind, Tables, watches, warnings.

import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  Health,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  Log,
  Metrics,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  VersionApi,
  Watch,
} from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Server, startServer } from '../support/server.ts'

interface Shop extends KubernetesObject {
  spec: { replicas: number; image: string }
  status?: { ready?: number }
}

const group = 'example.com'
const shops = { group, version: 'v1', namespace: 'default', plural: 'shops' }
const root = '/apis/example.com/v1/namespaces/default/shops'
const finalizer = 'example.com/close'

/** In the client's words: what is `default` on the wire is `_default` in it. */
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'shops.example.com' },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'shops', singular: 'shop', kind: 'Shop' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.ready' },
        },
        additionalPrinterColumns: [{ name: 'Ready', type: 'integer', jsonPath: '.status.ready' }],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  replicas: { type: 'integer', _default: 1 },
                  image: { type: 'string', _default: 'nginx' },
                },
              },
              status: { type: 'object', properties: { ready: { type: 'integer' } } },
            },
          },
        },
      },
    ],
  },
}

let server: Server
let config: KubeConfig
let objects: KubernetesObjectApi
let custom: CustomObjectsApi
beforeAll(async () => {
  server = await startServer({ words: ['--memory', '--delays', '0.1'] })
  config = new KubeConfig()
  config.loadFromFile(server.kubeconfig)
  objects = KubernetesObjectApi.makeApiClient(config)
  custom = config.makeApiClient(CustomObjectsApi)
  const established = until(
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    (_type, { metadata, status }) => {
      const conditions: { type: string; status: string }[] = status?.conditions ?? []
      return (
        metadata.name === 'shops.example.com' &&
        conditions.some(each => each.type === 'Established' && each.status === 'True')
      )
    },
  )
  await objects.create(definition)
  await established
})
afterAll(async () => server?.[Symbol.asyncDispose]())

/** Resolves with the object of the first event that is what is waited for. */
async function until(path: string, isIt: (type: string, object: any) => boolean): Promise<any> {
  let found: (object: any) => void
  let failed: (error: unknown) => void
  const object = new Promise<any>((resolve, reject) => {
    found = resolve
    failed = reject
  })
  const controller = await new Watch(config).watch(
    path,
    {},
    (type, object) => isIt(type, object) && found(object),
    error => failed(error ?? new Error('the watch ended')),
  )
  try {
    return await object
  } finally {
    controller.abort()
  }
}

async function refusal(work: Promise<unknown>): Promise<{ code: number; message: string; reason: string }> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof ApiException)) throw error
    const body = typeof error.body === 'string' ? JSON.parse(error.body) : error.body
    return { code: error.code, message: body.message, reason: body.reason }
  }
  throw new Error('expected a refusal, and there was none')
}

/** Keeps a Deployment for each shop, tells of it in the status, and says good-bye before a shop goes. */
async function startOperator(closed: string[]): Promise<() => Promise<void>> {
  const apps = config.makeApiClient(AppsV1Api)
  const failures: unknown[] = []
  const keyed = (name: string) => ({ ...shops, name })

  async function reconcile(shop: Shop): Promise<void> {
    const { finalizers = [], deletionTimestamp, resourceVersion } = shop.metadata!
    const name = shop.metadata!.name!
    const uid = shop.metadata!.uid!
    if (deletionTimestamp !== undefined) {
      if (!finalizers.includes(finalizer)) return
      // Of what has changed meanwhile there is another event.
      const body = [
        { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
        { op: 'remove', path: `/metadata/finalizers/${finalizers.indexOf(finalizer)}` },
      ]
      await custom.patchNamespacedCustomObject({ ...keyed(name), body })
      closed.push(name)
      return
    }
    const apply = <T extends KubernetesObject>(object: T) =>
      objects.patch(object, undefined, undefined, 'shop-operator', true, PatchStrategy.ServerSideApply)
    await apply({
      apiVersion: 'example.com/v1',
      kind: 'Shop',
      metadata: { name, namespace: 'default', finalizers: [finalizer] },
    })
    const labels = { shop: name }
    await apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name,
        namespace: 'default',
        ownerReferences: [
          { apiVersion: 'example.com/v1', kind: 'Shop', name, uid, controller: true, blockOwnerDeletion: true },
        ],
      },
      spec: {
        replicas: shop.spec.replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'shop', image: shop.spec.image }] } },
      },
    } as KubernetesObject)
  }

  async function tell({ metadata, status }: { metadata?: any; status?: any }): Promise<void> {
    const shop = metadata.ownerReferences?.find(({ kind }: { kind: string }) => kind === 'Shop')?.name
    if (shop === undefined) return
    const body = { status: { ready: status?.readyReplicas ?? 0 } }
    const options = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)
    await custom.patchNamespacedCustomObjectStatus({ ...keyed(shop), body }, options)
  }

  // One after the other, as a work queue would have it; a shop that went or changed meanwhile is nothing to complain of.
  let work = Promise.resolve()
  const enqueue = (step: () => Promise<void>) => {
    work = work.then(step).catch(error => {
      if (!(error instanceof ApiException && (error.code === 404 || error.code === 422))) failures.push(error)
    })
  }
  const ofShops = makeInformer<Shop>(config, root, () => custom.listNamespacedCustomObject(shops) as Promise<any>)
  const ofDeployments = makeInformer(config, '/apis/apps/v1/namespaces/default/deployments', () =>
    apps.listNamespacedDeployment({ namespace: 'default' }),
  )
  for (const verb of ['add', 'update'] as const) {
    ofShops.on(verb, shop => enqueue(() => reconcile(shop)))
    ofDeployments.on(verb, deployment => enqueue(() => tell(deployment)))
  }
  await ofShops.start()
  await ofDeployments.start()
  return async () => {
    await ofShops.stop()
    await ofDeployments.stop()
    await work
    expect(failures).toEqual([])
  }
}

test('an operator keeps what it owns, tells of it, and is asked before its object goes', async () => {
  const closed: string[] = []
  const stop = await startOperator(closed)
  const ready = (count: number) => until(root, (_type, { status }) => status?.ready === count)
  const two = ready(2)
  await objects.create({
    apiVersion: 'example.com/v1',
    kind: 'Shop',
    metadata: { name: 'corner', namespace: 'default' },
    spec: { replicas: 2 },
  } as KubernetesObject)
  const shop = (await two) as Shop
  expect(shop.metadata).toMatchObject({ generation: 1, finalizers: [finalizer] })
  expect(await server.kubectl('get', 'shops')).toMatch(/^NAME\s+READY\ncorner\s+2\n$/)
  expect(await server.kubectl('get', 'deployment', 'corner')).toMatch(/corner\s+2\/2/)

  const three = ready(3)
  await server.kubectl('scale', 'shop', 'corner', '--replicas=3')
  expect((await three).metadata.generation).toBe(2)
  // What somebody else changes of the operator's fields is set right by the next reconcile.
  const back = until(
    '/apis/apps/v1/namespaces/default/deployments',
    (type, { spec }) => type === 'MODIFIED' && spec.replicas === 3,
  )
  await server.kubectl('scale', 'deployment', 'corner', '--replicas=1')
  await server.kubectl('annotate', 'shop', 'corner', 'look=again')
  await back

  const gone = until('/apis/apps/v1/namespaces/default/deployments', type => type === 'DELETED')
  await server.kubectl('delete', 'shop', 'corner')
  await gone
  expect(closed).toEqual(['corner'])
  await stop()
})

describe('the JavaScript client', () => {
  const map = (data: Record<string, string>, name = 'map') => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default' },
    data,
  })

  test('applies on the server: fields have owners, conflicts name them', async () => {
    const apply = (manager: string, data: Record<string, string>, force = false) =>
      objects.patch(map(data, 'applied'), undefined, undefined, manager, force, PatchStrategy.ServerSideApply)
    await apply('one', { a: '1', b: '1' })
    await apply('two', { c: '2' })
    const refused = await refusal(apply('two', { a: '2', c: '2' }))
    expect(refused).toEqual({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "one": .data.a',
    })
    await apply('two', { a: '2', c: '2' }, true)
    await apply('one', {})
    expect(await objects.read({ ...map({}, 'applied') })).toMatchObject({ data: { a: '2', c: '2' } })
  })

  test('sends patches of every kind', async () => {
    const core = config.makeApiClient(CoreV1Api)
    const of = { namespace: 'default', name: 'patched' }
    await core.createNamespacedConfigMap({ namespace: 'default', body: map({ a: '1', b: '1' }, 'patched') })
    const as = (type: PatchStrategy) => setHeaderOptions('Content-Type', type)
    await core.patchNamespacedConfigMap({
      ...of,
      body: [
        { op: 'test', path: '/data/a', value: '1' },
        { op: 'remove', path: '/data/a' },
      ],
    })
    await core.patchNamespacedConfigMap({ ...of, body: { data: { b: null, c: '1' } } }, as(PatchStrategy.MergePatch))
    await core.patchNamespacedConfigMap(
      { ...of, body: { data: { $patch: 'replace', d: '1' } } },
      as(PatchStrategy.StrategicMergePatch),
    )
    expect((await core.readNamespacedConfigMap(of)).data).toEqual({ d: '1' })

    await objects.create({
      apiVersion: 'example.com/v1',
      kind: 'Shop',
      metadata: { name: 'other', namespace: 'default' },
    })
    const shop = { ...shops, name: 'other' }
    const refused = await refusal(
      custom.patchNamespacedCustomObject(
        { ...shop, body: { spec: { replicas: 2 } } },
        as(PatchStrategy.StrategicMergePatch),
      ),
    )
    expect(refused).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' })
    const { spec } = await custom.patchNamespacedCustomObject(
      { ...shop, body: { spec: { replicas: 2 } } },
      as(PatchStrategy.MergePatch),
    )
    expect(spec).toEqual({ replicas: 2, image: 'nginx' })
    await custom.deleteNamespacedCustomObject(shop)
    expect(await refusal(custom.getNamespacedCustomObject(shop))).toEqual({
      code: 404,
      reason: 'NotFound',
      message: 'shops.example.com "other" not found',
    })
  })

  test('a write upon a stale version conflicts', async () => {
    const core = config.makeApiClient(CoreV1Api)
    const body = await core.createNamespacedConfigMap({ namespace: 'default', body: map({}, 'stale') })
    const replace = (data: Record<string, string>) =>
      core.replaceNamespacedConfigMap({ namespace: 'default', name: 'stale', body: { ...body, data } })
    await replace({ a: '1' })
    expect(await refusal(replace({ a: '2' }))).toEqual({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "stale": the object has been modified; please apply your changes to the latest version and try again',
    })
  })

  test('asks for Tables', async () => {
    const as = setHeaderOptions('Accept', 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json')
    const table = await custom.listClusterCustomObject({ group: 'apps', version: 'v1', plural: 'deployments' }, as)
    expect(table).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' })
    expect(table.columnDefinitions.map(({ name }: { name: string }) => name).slice(0, 3)).toEqual([
      'Name',
      'Ready',
      'Up-to-date',
    ])
  })

  test('a watch goes on where the last one stopped, with bookmarks, or begins with what is there', async () => {
    const core = config.makeApiClient(CoreV1Api)
    const { metadata } = await core.listNamespacedConfigMap({ namespace: 'default' })
    for (const name of ['first', 'second'])
      await core.createNamespacedConfigMap({ namespace: 'default', body: map({}, name) })
    const follow = (query: Record<string, string | number | boolean>) =>
      new Promise<{ events: string[]; error: any }>((resolve, reject) => {
        const events: string[] = []
        new Watch(config)
          .watch(
            '/api/v1/namespaces/default/configmaps',
            query,
            (type, object) => events.push(`${type} ${object.metadata?.name ?? object.message}`),
            error => resolve({ events, error }),
          )
          .catch(reject)
      })
    const after = await follow({ resourceVersion: metadata!.resourceVersion!, timeoutSeconds: 1 })
    expect(after).toMatchObject({ events: ['ADDED first', 'ADDED second'] })
    const marked = await follow({
      resourceVersion: metadata!.resourceVersion!,
      timeoutSeconds: 3,
      allowWatchBookmarks: true,
    })
    expect(marked.events).toEqual(['ADDED first', 'ADDED second', 'BOOKMARK undefined'])
    const initial = await follow({
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
      timeoutSeconds: 1,
    })
    expect(
      initial.events
        .filter(event => !event.includes('kube-root-ca'))
        .sort()
        .slice(-2),
    ).toEqual(['ADDED stale', 'BOOKMARK undefined'])
  })

  test('knows the version and the health, reads a log and what nodes take', async () => {
    expect(await config.makeApiClient(VersionApi).getCode()).toMatchObject({ major: '1', minor: '36' })
    expect(await new Health(config).readyz({})).toBe(true)
    expect(await new Health(config).livez({})).toBe(true)
    const running = until('/api/v1/namespaces/default/pods', (_type, { status }) => status?.phase === 'Running')
    await server.kubectl('run', 'web', '--image=nginx')
    await running
    const { PassThrough } = await import('node:stream')
    const into = new PassThrough()
    let text = ''
    into.on('data', chunk => {
      text += chunk
    })
    await new Log(config).log('default', 'web', 'web', into)
    for await (const _chunk of into) {
    }
    expect(text).toContain('ready for start up')
    const { items } = await new Metrics(config).getNodeMetrics()
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['node-1', 'node-2', 'node-3'])
    expect(items[0]!.usage.memory).toMatch(/^\d+Ki$/)
  })
})

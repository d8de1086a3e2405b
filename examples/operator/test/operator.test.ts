import {
  ConfigMaps,
  Deployments,
  explore,
  type KubesimMatchers,
  kubesimMatchers,
  Pods,
  Services,
  type TestCluster,
  type TestClusterOptions,
  testCluster,
} from 'kubesim/testing'
import { describe, expect, test } from 'vitest'
import { archive, finalizer, websiteOperator } from '../src/operator.ts'
import { Websites } from '../src/website.ts'

declare module 'vitest' {
  interface Matchers<T = any> extends KubesimMatchers<T> {}
}
expect.extend(kubesimMatchers)

const crd = new URL('../crd.yaml', import.meta.url)
const blog = new URL('../blog.yaml', import.meta.url)
const named = (name: string) => ({ name, namespace: 'default' })

const website = (name: string, spec: { page?: string; replicas?: number } = {}) => ({
  apiVersion: 'example.com/v1',
  kind: 'Website',
  metadata: { name },
  spec: { page: `<h1>${name}</h1>`, ...spec },
})

/** A cluster in which our operator runs. */
async function withOperator(options: TestClusterOptions = {}): Promise<TestCluster> {
  const cluster = await testCluster({ nodes: 2, controllers: [websiteOperator()], ...options })
  await cluster.apply(crd)
  return cluster
}

describe('a website', () => {
  test('comes up: page, Deployment and Service are made, and owned by it', async () => {
    await using cluster = await withOperator()
    await cluster.apply(blog)
    await cluster.settle()
    const site = cluster.get(Websites, 'blog')
    expect(site).toHaveCondition('Ready', 'True', 'Serving')
    expect(site.status).toMatchObject({ readyReplicas: 2, observedGeneration: 1 })
    for (const kind of [ConfigMaps, Deployments, Services]) expect(site).toOwn(cluster.get<any>(kind, 'blog'))
    expect(site).toHaveEvent('Serving', '2 of 2 replicas are ready')
    expect(await cluster.ask('blog')).toContain('Hello from the blog')
  })

  test('follows its spec, and what others change of it is set right', async () => {
    await using cluster = await withOperator()
    await cluster.apply(blog)
    await cluster.settle()
    const replicas = (count: number) => ({ type: 'merge', body: { spec: { replicas: count } } }) as const
    await cluster.client.of(Websites).patch(named('blog'), replicas(3))
    await cluster.settle()
    expect(cluster.pods()).toHaveLength(3)
    await cluster.client.of(Deployments).patch(named('blog'), replicas(0))
    await cluster.client.of(Services).delete(named('blog'))
    await cluster.settle()
    expect(cluster.pods()).toHaveLength(3)
    expect(cluster.get(Websites, 'blog')).toOwn(cluster.get(Services, 'blog'))
  })

  test('says so while it is not ready; the time of the condition is that of its change', async () => {
    await using cluster = await withOperator()
    const pulls = await cluster.fault({ pulls: { images: ['nginx'] } })
    await cluster.apply(blog)
    const ready = () => cluster.get(Websites, 'blog').status?.conditions?.find(({ type }) => type === 'Ready')
    await cluster.until(() => ready()?.reason === 'Starting')
    const since = ready()?.lastTransitionTime
    await cluster.advance('5m')
    expect(ready()).toMatchObject({ status: 'False', message: '0 of 2 replicas are ready', lastTransitionTime: since })
    await pulls.end()
    await cluster.until(() => ready()?.status === 'True')
    expect(ready()?.lastTransitionTime).not.toBe(since)
  })

  test('does not take what is somebody else’s', async () => {
    await using cluster = await withOperator()
    await cluster.apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'blog' }, data: { mine: 'yes' } },
      blog,
    )
    await cluster.settle()
    expect(cluster.get(Websites, 'blog')).toHaveCondition('Ready', 'False', 'NameTaken')
    expect(cluster.get(ConfigMaps, 'blog').data).toEqual({ mine: 'yes' })
    expect(cluster.list(Deployments)).toEqual([])
    await cluster.client.of(ConfigMaps).delete(named('blog'))
    await cluster.advance('1m')
    expect(cluster.get(Websites, 'blog')).toHaveCondition('Ready')
  })

  test('that cannot be is refused by its definition', async () => {
    await using cluster = await withOperator()
    await expect(cluster.apply(website('bad', { replicas: -1 }))).rejects.toThrow(
      'spec.replicas in body should be greater than or equal to 0',
    )
  })
})

describe('when it is deleted', () => {
  test('its page is kept before it goes, and all that it owned goes', async () => {
    await using cluster = await withOperator()
    await cluster.apply(blog)
    await cluster.settle()
    expect(cluster.get(Websites, 'blog').metadata.finalizers).toEqual([finalizer])
    await cluster.client.of(Websites).delete(named('blog'))
    await cluster.settle()
    expect(cluster.list(Websites)).toEqual([])
    expect([cluster.list(Deployments), cluster.list(Pods)]).toEqual([[], []])
    expect(() => cluster.get(Services, 'blog')).toThrow('services "blog" not found')
    expect(cluster.get(ConfigMaps, archive).data).toEqual({ 'blog.html': '<h1>Hello from the blog</h1>' })
  })

  test('it stays as long as its page cannot be kept', async () => {
    await using cluster = await withOperator()
    await cluster.apply(blog)
    await cluster.settle()
    const refusal = await cluster.fault({ api: { verbs: ['create'], resources: ['configmaps'], code: 500 } })
    await cluster.client.of(Websites).delete(named('blog'))
    await cluster.advance('10s')
    expect(cluster.get(Websites, 'blog').metadata.deletionTimestamp).toBeDefined()
    await refusal.end()
    await cluster.until(() => cluster.list(Websites).length === 0)
    expect(Object.keys(cluster.get(ConfigMaps, archive).data ?? {})).toEqual(['blog.html'])
  })
})

test('whatever comes late or meets a conflict: sites serve, and no page of a deleted one is lost', {
  timeout: 120_000,
}, async () => {
  const options = { seeds: 12, nodes: 1, controllers: [websiteOperator()], late: 20, conflicts: 15 }
  await explore(options, async cluster => {
    await cluster.apply(crd, website('one'), website('two'), website('three'))
    await cluster.until(() => ['one', 'two', 'three'].every(name => isReady(cluster, name)))
    for (const name of ['one', 'two']) await cluster.client.of(Websites).delete(named(name))
    await cluster.until(() => cluster.list(Websites).length === 1)
    expect(cluster.get(ConfigMaps, archive).data).toEqual({ 'one.html': '<h1>one</h1>', 'two.html': '<h1>two</h1>' })
    expect(isReady(cluster, 'three')).toBe(true)
  })
})

const isReady = (cluster: TestCluster, name: string): boolean =>
  cluster.get(Websites, name).status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ??
  false

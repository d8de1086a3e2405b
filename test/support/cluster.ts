// testCluster: a whole control plane in memory, in virtual time, from one seed. What tests of controllers, the scheduler
// and the kubelet speak to; nothing in it listens anywhere.
//
//   await using cluster = await testCluster({ nodes: 3, seed: 7 })

import type { Journal } from '../../apiserver/storage/journal.ts'
import { MemoryJournal } from '../../apiserver/storage/journal.ts'
import type { Pod } from '../../generated/types.ts'
import { isAlreadyExists } from '../../src/api/errors.ts'
import { selectorFromLabelSelector } from '../../src/api/labels.ts'
import type { Frozen, KubeObject, NewObject, Ref } from '../../src/api/meta.ts'
import type { Client } from '../../src/client/client.ts'
import { type Cluster, createCluster } from '../../src/cluster.ts'
import type { Component } from '../../src/config.ts'
import type { Millis } from '../../src/env/clock.ts'
import { type VirtualEnv, virtualEnv } from '../../src/env/virtual-env.ts'
import { builtinKinds, Pods } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import type { ControllerSpec } from '../../src/runtime/controller.ts'
import { History } from './history.ts'
import { type HttpDoor, isOverHttp, later, openHttpDoor, quiet } from './over-http.ts'

export interface TestClusterOptions {
  readonly nodes?: number
  readonly seed?: number
  readonly without?: readonly Component[]
  readonly controllers?: readonly ControllerSpec[]
  /** Factor on image pull and container start times. */
  readonly delays?: number
  readonly journal?: Journal
}

export interface TestCluster extends AsyncDisposable {
  readonly env: VirtualEnv
  readonly cluster: Cluster
  readonly client: Client
  readonly history: History
  /** Creates an object, or makes the spec, labels and data of the one that is there what these are. Waits until all is quiet. */
  apply(...objects: readonly NewObject<any>[]): Promise<void>
  get<T extends KubeObject>(kind: Kind<T>, ref: Ref | string): Frozen<T>
  list<T extends KubeObject>(kind: Kind<T>, labels?: Record<string, string>): readonly Frozen<T>[]
  pods(labels?: Record<string, string>): readonly Frozen<Pod>[]
  /** `reason: message` of an object's Events, in order. */
  events(name: string): string[]
  /** `500ms`, `10s`, `6m`, `1h30m`. */
  advance(by: string): Promise<void>
  /** Moves time until the claim holds; throws when it does not within the limit. */
  until(claim: () => boolean, limit?: string): Promise<void>
  /** A request inside the simulation to a Service: the answer, and a line that says which pod gave it. */
  ask(service: string, path?: string): Promise<string>
}

export async function testCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const env = virtualEnv({ seed: options.seed ?? 1, quiet })
  let door: HttpDoor | undefined
  const cluster = await createCluster({
    env,
    journal: options.journal ?? new MemoryJournal(),
    nodes: options.nodes ?? 3,
    without: options.without ?? [],
    controllers: options.controllers ?? [],
    delays: options.delays ?? 1,
    platform: 'linux',
    ...(isOverHttp ? { through: later(() => door!.client) } : {}),
  })
  if (isOverHttp) door = await openHttpDoor(env, cluster.server, cluster.storage)
  const history = new History(cluster.storage)
  const { client } = cluster
  await cluster.start()
  await env.activity.idle()

  const list = <T extends KubeObject>(kind: Kind<T>, labels?: Record<string, string>): readonly Frozen<T>[] => {
    const { items } = cluster.server.registry.of(kind).list({
      ...(labels ? { labelSelector: selectorFromLabelSelector({ matchLabels: labels }).toString() } : {}),
    })
    return items.map(item => item.object as unknown as Frozen<T>)
  }
  return {
    env,
    cluster,
    client,
    history,
    async apply(...objects) {
      for (const object of objects) await createOrUpdate(client, object)
      await env.activity.idle()
    },
    get<T extends KubeObject>(kind: Kind<T>, ref: Ref | string): Frozen<T> {
      const wanted = typeof ref === 'string' ? { name: ref, namespace: kind.namespaced ? 'default' : undefined } : ref
      return cluster.server.registry.of(kind).get(wanted).object as unknown as Frozen<T>
    },
    list,
    pods: labels => list(Pods, labels),
    events(name) {
      const { Events } = kindsByName
      return list(Events!)
        .filter(event => (event as unknown as { involvedObject: { name: string } }).involvedObject.name === name)
        .map(event => event as unknown as { reason: string; message: string })
        .map(({ reason, message }) => `${reason}: ${message}`)
    },
    advance: by => env.clock.advance(millis(by)),
    async until(claim, limit = '10m') {
      await env.clock.advanceUntil(claim, millis(limit))
      if (!claim()) throw new Error(`it did not come true within ${limit}: ${claim}`)
    },
    async ask(service, path = '/') {
      const ref = { name: service, namespace: 'default' }
      const request = { method: 'GET', path, headers: {}, body: new Uint8Array() }
      const response = await cluster.nodes.nodeClient.proxyService(ref, undefined, request)
      const { 'x-kubesim-pod': pod, 'x-kubesim-node': node } = response.headers
      return `${Buffer.from(response.body).toString()}pod ${pod} on ${node}\n`
    },
    async [Symbol.asyncDispose]() {
      await cluster.close()
      await door?.close()
    },
  }
}

const kindsByName = Object.fromEntries(
  builtinKinds.map(kind => [kind.group === '' ? `${kind.kind}s` : kind.resource, kind]),
)

/** Every unit with a number before it, added up. */
export function millis(text: string): Millis {
  const units: Record<string, Millis> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  if (parts.map(([part]) => part).join('') !== text || text === '') throw new Error(`not a duration: "${text}"`)
  return parts.reduce((total, [, count, unit]) => total + Number(count) * units[unit!]!, 0)
}

async function createOrUpdate(client: Client, object: NewObject<any>): Promise<void> {
  const kind = builtinKinds.find(each => each.apiVersion === object.apiVersion && each.kind === object.kind)
  if (kind === undefined) throw new Error(`no kind ${object.apiVersion} ${object.kind}`)
  const namespace = kind.namespaced ? (object.metadata.namespace ?? 'default') : undefined
  const metadata = { ...object.metadata, ...(namespace ? { namespace } : {}) }
  try {
    await client.of(kind).create({ ...object, metadata })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const { apiVersion: _, kind: __, status: ___, ...body } = object as Record<string, unknown>
    await client
      .of(kind)
      .patch({ name: object.metadata.name!, namespace }, { type: 'merge', body: { ...body, metadata } })
  }
}

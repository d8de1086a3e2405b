// A control plane of chosen controllers only: API server and manager in memory, in virtual time, and a stand-in for nodes
// that makes bound pods run. For tests of the runtime and of single controllers; whole clusters are in cluster.ts.

import { builtinAdmission } from '../../apiserver/admission/index.ts'
import { storageTerms } from '../../apiserver/registry/terms.ts'
import { type ApiServer, createApiServer } from '../../apiserver/server.ts'
import { type Journal, MemoryJournal } from '../../apiserver/storage/journal.ts'
import { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { Pod } from '../../generated/types.ts'
import type { Frozen, KubeObject, NewObject, Ref } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { Client } from '../../src/client/client.ts'
import { type VirtualEnv, virtualEnv } from '../../src/env/virtual-env.ts'
import { builtinKinds, Events, Pods, ServiceAccounts } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { type ControllerSpec, defineController } from '../../src/runtime/controller.ts'
import { createManager, type Manager } from '../../src/runtime/manager.ts'
import { isOverHttp, openHttpDoor, quiet } from './over-http.ts'

export interface ControlPlane extends AsyncDisposable {
  readonly env: VirtualEnv
  readonly server: ApiServer
  readonly client: Client
  readonly storage: RevisionStore
  readonly manager: Manager
  create<T extends KubeObject>(kind: Kind<T>, object: NewObject<any>): Promise<Frozen<T>>
  get<T extends KubeObject>(kind: Kind<T>, name: string, namespace?: string): Frozen<T>
  find<T extends KubeObject>(kind: Kind<T>, name: string, namespace?: string): Frozen<T> | undefined
  list<T extends KubeObject>(kind: Kind<T>, namespace?: string): readonly Frozen<T>[]
  patch(kind: Kind<any>, name: string, body: object, subresource?: string): Promise<void>
  /** `reason: message` of the Events about an object, and their counts. */
  events(name: string): string[]
  /** Lets everybody come to rest. */
  settle(): Promise<void>
  seconds(count: number): Promise<void>
}

export interface ControlPlaneOptions {
  readonly seed?: number
  readonly journal?: Journal
  /** What the manager is given instead of the plain client. */
  readonly through?: (client: Client, env: VirtualEnv) => Client
  readonly logLevel?: 'silent' | 'debug' | 'warn'
}

export async function controlPlane(
  controllers: readonly ControllerSpec[],
  {
    seed = 1,
    journal = new MemoryJournal(),
    through = client => client,
    logLevel = 'silent',
  }: ControlPlaneOptions = {},
): Promise<ControlPlane> {
  const env = virtualEnv({ seed, logLevel, quiet })
  const storage = await RevisionStore.open(env, journal, { terms: storageTerms(builtinKinds) })
  const server = createApiServer(env, storage, builtinKinds, builtinAdmission(env))
  const { client, registry } = server
  await server.bootstrap({ address: '127.0.0.1', port: 6443 })
  // Pods are refused where there is no service account; the controller that sees to it is not always among the chosen.
  await client.of(ServiceAccounts).create({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  })
  const door = isOverHttp ? await openHttpDoor(env, server, storage) : undefined
  const manager = createManager(env, through(door?.client ?? client, env), controllers)
  await manager.start()
  await env.activity.idle()
  const list = <T extends KubeObject>(kind: Kind<T>, namespace?: string): readonly Frozen<T>[] =>
    registry
      .of(kind)
      .list({ namespace })
      .items.map(({ object }) => object as unknown as Frozen<T>)
  const refTo = (kind: Kind<any>, name: string, namespace: string): Ref =>
    kind.namespaced ? { name, namespace } : { name }
  const find = <T extends KubeObject>(kind: Kind<T>, name: string, namespace = 'default'): Frozen<T> | undefined =>
    list(kind, kind.namespaced ? namespace : undefined).find(({ metadata }) => metadata.name === name)
  return {
    env,
    server,
    client,
    storage,
    manager,
    create: <T extends KubeObject>(kind: Kind<T>, object: NewObject<any>) =>
      client.of(kind).create(object as NewObject<T>),
    get<T extends KubeObject>(kind: Kind<T>, name: string, namespace = 'default'): Frozen<T> {
      return registry.of(kind).get(refTo(kind, name, namespace)).object as unknown as Frozen<T>
    },
    find,
    list,
    async patch(kind, name, body, subresource) {
      await client.of(kind).patch(refTo(kind, name, 'default'), { type: 'merge', body }, subresource)
    },
    events: name =>
      list(Events)
        .filter(({ involvedObject }) => involvedObject.name === name)
        .map(({ reason, message, count }) => `${reason}: ${message}${count === 1 ? '' : ` (x${count})`}`),
    settle: () => env.activity.idle(),
    seconds: count => env.clock.advance(count * 1000),
    async [Symbol.asyncDispose]() {
      await manager.close()
      await door?.close()
      server.close()
      await storage.close()
    },
  }
}

/** Nodes in one: pods run and are ready some seconds after they appear, and end as soon as they are told to. */
export function podStarter(
  options: { readyAfter?: number; isSick?: (pod: Frozen<Pod>) => boolean } = {},
): ControllerSpec<Pod> {
  const { readyAfter = 1, isSick = () => false } = options
  let nextAddress = 1
  return defineController<Pod>({
    name: 'pod-starter',
    for: Pods,
    async reconcile(pod, { client, clock }) {
      if (pod.metadata.deletionTimestamp !== undefined) {
        await client.of(Pods).delete(pod.metadata, { gracePeriodSeconds: 0 })
        return
      }
      if (pod.status.phase === 'Pending') {
        const number = nextAddress++
        const podIP = `10.244.${number >> 8}.${number & 255}`
        const startTime = rfc3339(clock.now())
        const status = { ...pod.status, phase: 'Running', startTime, podIP, podIPs: [{ ip: podIP }] }
        await client.of(Pods).updateStatus({ ...pod, status } as Frozen<Pod>)
        return { again: readyAfter * 1000 }
      }
      const wanted = isSick(pod) ? 'False' : 'True'
      const since = Date.parse(pod.metadata.creationTimestamp!) + readyAfter * 1000
      const ready = pod.status.conditions?.find(({ type }) => type === 'Ready')
      if (pod.status.phase !== 'Running' || ready?.status === wanted) return
      if (clock.now() < since) return { again: since - clock.now() }
      const condition = { type: 'Ready', status: wanted, lastTransitionTime: rfc3339(clock.now()) }
      const conditions = [...(pod.status.conditions ?? []).filter(({ type }) => type !== 'Ready'), condition]
      await client.of(Pods).updateStatus({ ...pod, status: { ...pod.status, conditions } } as Frozen<Pod>)
    },
  })
}

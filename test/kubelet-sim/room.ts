// The fake nodes upon a real API server in memory, with nothing else: who binds pods and fills slices is the test itself.

import { storageTerms } from '../../apiserver/registry/terms.ts'
import { createApiServer } from '../../apiserver/server.ts'
import { MemoryJournal } from '../../apiserver/storage/journal.ts'
import { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { EndpointSlice, Pod, PodSpec, Service } from '../../generated/types.ts'
import { createNodes, type FakeNodes, type NodeOptions } from '../../kubelet-sim/index.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import type { Client } from '../../src/client/client.ts'
import type { SimulatedRequest } from '../../src/client/node-client.ts'
import type { Env } from '../../src/env/env.ts'
import { type VirtualEnv, virtualEnv } from '../../src/env/virtual-env.ts'
import { builtinKinds, EndpointSlices, Events, Pods, Services } from '../../src/kinds/index.ts'
import { createManager, type Manager } from '../../src/runtime/manager.ts'

export interface Room<E extends Env = Env> extends AsyncDisposable {
  readonly env: E
  readonly client: Client
  readonly nodes: FakeNodes
  readonly manager: Manager
  /** A pod bound to a node. */
  run(name: string, node: string, spec?: Partial<PodSpec>, metadata?: Partial<Pod['metadata']>): Promise<Frozen<Pod>>
  pod(name: string): Promise<Frozen<Pod>>
  /** A Service and its one slice, with the named pods as they are now. */
  serve(name: string, spec: Partial<Service['spec']>, pods: readonly string[], targetPort?: number): Promise<void>
  events(name: string): Promise<string[]>
}

export function virtualRoom(options: Partial<NodeOptions> = {}): Promise<Room<VirtualEnv>> {
  return openRoom(virtualEnv({ seed: 1 }), options)
}

export async function openRoom<E extends Env>(env: E, options: Partial<NodeOptions> = {}): Promise<Room<E>> {
  const storage = await RevisionStore.open(env, new MemoryJournal(), { terms: storageTerms(builtinKinds) })
  const server = createApiServer(env, storage, builtinKinds, [])
  const { client } = server
  await server.bootstrap({ address: '192.168.49.2', port: 6443 })
  const nodes = createNodes(env, client, { count: 2, ...options })
  const manager = createManager(env, client, nodes.controllers)
  await nodes.start()
  await manager.start()
  await env.activity.idle()

  let services = 0
  const pod = (name: string) => client.of(Pods).get({ name, namespace: 'default' })
  return {
    env,
    client,
    nodes,
    manager,
    pod,
    async run(name, node, spec = {}, metadata = {}) {
      const made = await client.of(Pods).create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default', ...metadata },
        spec: {
          containers: [{ name: 'web', image: 'nginx:1.27', ports: [{ containerPort: 80 }] }],
          nodeName: node,
          ...spec,
        },
      })
      await env.activity.idle()
      return made
    },
    async serve(name, spec, pods, targetPort = 80) {
      const service: NewObject<Service> = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace: 'default' },
        // Nobody gives out addresses here.
        spec: {
          ports: [{ port: 80, protocol: 'TCP', targetPort }],
          clusterIP: `10.96.7.${++services}`,
          clusterIPs: [`10.96.7.${services}`],
          ...spec,
        },
      }
      const slice: NewObject<EndpointSlice> = {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports: [{ name: '', port: targetPort, protocol: 'TCP' }],
        endpoints: (await Promise.all(pods.map(pod))).map(({ status, spec: { nodeName } }) => ({
          addresses: [status.podIP ?? ''],
          conditions: { ready: true },
          ...(nodeName ? { nodeName } : {}),
        })),
      }
      await client.of(EndpointSlices).create(slice)
      await client.of(Services).create(service)
      await env.activity.idle()
    },
    async events(name) {
      const { items } = await client.of(Events).list({ fieldSelector: `involvedObject.name=${name}` })
      return items.map(({ reason, message, count }) => `${reason}: ${message}${count === 1 ? '' : ` (x${count})`}`)
    },
    async [Symbol.asyncDispose]() {
      await manager.close()
      await nodes.stop()
      server.close()
      await storage.close()
    },
  }
}

export function get(path = '/', headers: Record<string, string> = {}): SimulatedRequest {
  return { method: 'GET', path, headers, body: new Uint8Array() }
}

export const textOf = ({ body }: { body: Uint8Array }): string => new TextDecoder().decode(body)

/** All that the pod's container has printed. */
export async function logsOf(room: Room, name: string): Promise<string> {
  let text = ''
  const { signal } = new AbortController()
  for await (const part of room.nodes.nodeClient.logs(await room.pod(name), { signal })) text += part
  return text
}

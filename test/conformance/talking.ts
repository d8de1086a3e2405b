// Pods that talk to each other, for tests of upstream's items about Services and names: in virtual time, through the sockets
// that programs of these pods have.

import type { Pod } from '../../generated/types.ts'
import type { Sockets } from '../../kubelet-sim/machine/sockets.ts'
import { drive } from '../../kubelet-sim/network/drive.ts'
import type { Frozen, Ref } from '../../src/api/meta.ts'
import { Pods } from '../../src/kinds/index.ts'
import { type TestCluster, type TestClusterOptions, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

export interface Talking extends TestCluster {
  /** Creates pods of nginx, or those given, and waits until they are ready. */
  run(...pods: readonly (string | ReturnType<typeof pod>)[]): Promise<void>
  sockets(name: string): Sockets
  /** The pod that answers, or what was met within two seconds. */
  answer(from: string, host: string, port?: number): Promise<string>
  /** What a question to the name server comes to: its records' data, or its code. */
  names(from: string, name: string, type: string): Promise<string | readonly string[]>
  lookup(from: string, name: string): Promise<string | readonly string[]>
  addressOf(name: string): string
}

export async function talking(options: TestClusterOptions = {}): Promise<Talking> {
  const cluster = await testCluster({ nodes: 2, delays: 0, ...options })
  const { network } = cluster.cluster.nodes
  const get = (name: string) => cluster.get(Pods, name) as Frozen<Pod>
  const sockets = (name: string) => network.socketsFor({ pod: get(name) })
  const met = (error: { readonly errno?: string; readonly message: string }): string => error.errno ?? error.message
  const isReady = ({ status }: Frozen<Pod>) =>
    status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  return Object.assign(cluster, {
    async run(...pods: readonly (string | ReturnType<typeof pod>)[]) {
      const made = pods.map(each => (typeof each === 'string' ? serving(each) : each))
      await cluster.apply(...made)
      await cluster.until(() => made.every(({ metadata }) => isReady(get(metadata.name!))))
      await cluster.advance('2s')
    },
    sockets,
    async answer(from: string, host: string, port = 80) {
      const request = { method: 'GET', path: '/', headers: {}, body: new Uint8Array() }
      const step = sockets(from).request({ host, port }, request, { timeout: 2000 })
      const asking = drive(cluster.env, step).then(({ headers }) => headers['x-kubesim-pod'] ?? '', met)
      await cluster.advance('2s')
      return asking
    },
    async names(from: string, name: string, type: string) {
      const asking = drive(cluster.env, sockets(from).query(name, type)).then(({ code, records }) =>
        code === 'NOERROR' ? records.map(({ data }) => data) : code,
      )
      await cluster.advance('1s')
      return asking
    },
    async lookup(from: string, name: string) {
      const asking = drive(cluster.env, sockets(from).lookup(name)).then(found => found, met)
      await cluster.advance('11s')
      return asking
    },
    addressOf: (name: string) => get(name).status.podIP ?? '',
  })
}

/** Each has a label of its own, and the one given. */
export function serving(name: string, labels: Record<string, string> = {}, spec: Partial<Pod['spec']> = {}) {
  return pod(
    name,
    { containers: [{ name: 'main', image: 'nginx', ports: [{ containerPort: 80 }] }], ...spec },
    { app: name, ...labels },
  )
}

export const inDefault = (name: string): Ref => ({ name, namespace: 'default' })

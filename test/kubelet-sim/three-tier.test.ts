// examples/three-tier in virtual time: the frontends ask the backend by its name, the backend asks the database by its, through
// the table of each one's node. A node dies; from the moment its endpoints have moved nobody meets a failure any more.

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadAll } from 'js-yaml'
import { expect, test } from 'vitest'
import type { EndpointSlice, Pod } from '../../generated/types.ts'
import type { Sockets } from '../../kubelet-sim/machine/sockets.ts'
import type { Step } from '../../kubelet-sim/machine/wait.ts'
import { drive } from '../../kubelet-sim/network/drive.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { EndpointSlices, Pods } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { get, textOf } from './room.ts'

const folder = fileURLToPath(new URL('../../examples/three-tier/', import.meta.url))

async function shop() {
  const cluster = await testCluster({ nodes: 3, seed: 5 })
  for (const file of readdirSync(folder).sort()) {
    if (file.endsWith('.yaml')) await cluster.apply(...(loadAll(readFileSync(folder + file, 'utf8')) as any[]))
  }
  await cluster.until(() => ready(cluster, 'frontend').length === 3 && ready(cluster, 'backend').length === 2)
  await cluster.until(() => endpointsOf(cluster, 'db').length === 1 && endpointsOf(cluster, 'backend').length === 2)
  return cluster
}

const ready = (cluster: TestCluster, tier: string) =>
  cluster
    .pods({ tier })
    .filter(({ status }) => status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))

const socketsOf = (cluster: TestCluster, pod: Frozen<Pod>) => cluster.cluster.nodes.network.socketsFor({ pod })

/** What the backend's program does: each request is a question to the database. */
function* askDatabase(sockets: Sockets): Step<{ status: number; headers: Record<string, string>; body: Uint8Array }> {
  try {
    const connection = yield* sockets.connect({ host: 'db', port: 5432 }, { timeout: 1000 })
    yield* connection.write(Buffer.from('select * from items'))
    connection.end()
    while ((yield* connection.read()) !== undefined);
    return { status: 200, headers: {}, body: Buffer.from('["tea","bread"]') }
  } catch (error) {
    return { status: 502, headers: {}, body: Buffer.from(String(error)) }
  }
}

/** Lets the program run in each backend that is there. */
function runBackends(cluster: TestCluster, known: Set<string>): void {
  for (const pod of ready(cluster, 'backend')) {
    const uid = pod.metadata.uid!
    if (known.has(uid)) continue
    known.add(uid)
    cluster.cluster.nodes.network.runs(uid, 'api')
    const sockets = socketsOf(cluster, pod)
    sockets.serve(8080, () => askDatabase(sockets))
  }
}

const endpointsOf = (cluster: TestCluster, service: string) =>
  (cluster.list(EndpointSlices, { 'kubernetes.io/service-name': service }) as readonly Frozen<EndpointSlice>[])
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready)

test('the frontend reaches the backend by name, which reaches the database by name', async () => {
  await using cluster = await shop()
  runBackends(cluster, new Set())
  const { network } = cluster.cluster.nodes
  for (const pod of ready(cluster, 'frontend')) {
    const answer = await drive(
      cluster.env,
      socketsOf(cluster, pod).request({ host: 'backend', port: 80 }, get('/items')),
    )
    expect([answer.status, textOf(answer)]).toEqual([200, '["tea","bread"]'])
    const hops = network.traces
      .list()
      .filter(({ end }) => !end.endsWith(' AAAA'))
      .slice(-4)
    expect(hops.map(({ to, end }) => [to.replace(/10\.\d+\.\d+\.\d+/, '…'), end])).toEqual([
      ['…:53', 'the name server: backend.shop.svc.cluster.local A'],
      ['…:80', expect.stringMatching(/^pod shop\/backend-/)],
      ['…:53', 'the name server: db.shop.svc.cluster.local A'],
      ['…:5432', expect.stringMatching(/^pod shop\/db-/)],
    ])
  }
})

test('a node dies while a client keeps asking: no request fails that was made after endpoints had moved', async () => {
  await using cluster = await shop()
  const { clock } = cluster.env
  const known = new Set<string>()
  runBackends(cluster, known)
  const [backend] = ready(cluster, 'backend')
  const dead = backend!.spec.nodeName!
  const client = ready(cluster, 'frontend').find(({ spec }) => spec.nodeName !== dead)!
  const sockets = socketsOf(cluster, client)

  const asked: { readonly at: number; readonly outcome: string | number }[] = []
  const ask = (): void => {
    const at = clock.now()
    void drive(cluster.env, sockets.request({ host: 'backend', port: 80 }, get('/items'), { timeout: 2000 })).then(
      ({ status }) => asked.push({ at, outcome: status }),
      ({ errno }: { errno: string }) => asked.push({ at, outcome: errno }),
    )
  }
  const diedAt = clock.now()
  cluster.cluster.nodes.silence(dead)
  let movedAt: number | undefined
  for (let second = 0; second < 600; second++) {
    ask()
    await cluster.advance('1s')
    runBackends(cluster, known)
    const isMoved = [...endpointsOf(cluster, 'backend'), ...endpointsOf(cluster, 'db')].every(
      each => each.nodeName !== dead,
    )
    if (isMoved && endpointsOf(cluster, 'db').length > 0) movedAt ??= clock.now()
    else movedAt = undefined
  }
  await cluster.advance('3s')
  expect(asked).toHaveLength(600)
  const failed = asked.filter(({ outcome }) => outcome !== 200)
  // Until then every other connection goes to a machine that is not there.
  expect(failed.length).toBeGreaterThan(10)
  expect(movedAt! - diedAt).toBeLessThan(400_000)
  expect(failed.filter(({ at }) => at >= movedAt!)).toEqual([])
  await cluster.until(() => ready(cluster, 'backend').filter(({ spec }) => spec.nodeName !== dead).length === 2)
  expect(cluster.get(Pods, { name: client.metadata.name, namespace: 'shop' }).status.phase).toBe('Running')
})

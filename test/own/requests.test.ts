// POST …/requests: one simulated request, and the way it took.

import { expect, test } from 'vitest'
import { sendRequest } from '../../src/own/requests.ts'
import { testCluster } from '../support/cluster.ts'
import { deployment, pod, service } from '../support/objects.ts'
import { openOwnDoor } from './own-door.ts'

const denyAll = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'deny', namespace: 'default' },
  spec: { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress'] },
}

async function webAndClient() {
  const cluster = await testCluster({ nodes: 2, delays: 0 })
  await cluster.apply(deployment('web', { replicas: 2 }), service('web', 'web'), pod('client'))
  await cluster.settle()
  return cluster
}

const running = { signal: new AbortController().signal, isPaused: false }
const fromClient = { pod: 'client', namespace: 'default' }

test('a request from a pod: the name, its answer, the table of its node, the endpoint, the status', async () => {
  await using cluster = await webAndClient()
  await using door = await openOwnDoor(cluster)
  const { code, json } = await door.post('requests', { from: fromClient, url: 'http://web/' })
  expect([code, json.kind, json.from, json.status]).toEqual([200, 'SentRequest', 'pod default/client', 200])
  expect(json.body).toContain('nginx')
  const [question] = json.packets
  expect(question.question).toEqual({ name: 'web.default.svc.cluster.local', type: 'A' })
  expect(question.answer).toMatchObject({ code: 'NOERROR', records: [{ type: 'A' }] })
  const connection = json.packets.at(-1)
  expect(connection.to).toBe(`${question.answer.records[0].data}:80`)
  const [table, end] = connection.hops
  expect(table).toMatchObject({ kind: 'table', service: 'default/web:80' })
  const addresses = cluster.pods({ app: 'web' }).map(({ status }) => `${status.podIP}:80`)
  expect(addresses).toContain(table.endpoint)
  expect(end).toMatchObject({ kind: 'end', what: 'container main answers on 80' })
  expect(json.forbiddenBy).toBeUndefined()
})

test('a policy that forbids it is named, with the way that it closes', async () => {
  await using cluster = await webAndClient()
  await cluster.apply(denyAll as never)
  const asking = sendRequest(cluster.cluster, { from: fromClient, url: 'http://web/', timeout: '1s' }, running)
  await cluster.advance('2s')
  const json = await asking
  expect(json.fault).toBe('Connection timed out')
  expect(json.forbiddenBy).toMatchObject({ policy: 'default/deny', direction: 'Ingress' })
  expect(json.forbiddenBy?.what).toContain('no rule allows from pod default/client on 80/TCP')
})

test('from a node by address, from outside by node port; outside nobody knows the names of the cluster', async () => {
  await using cluster = await webAndClient()
  await cluster.apply(service('door', 'web', { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }))
  await using door = await openOwnDoor(cluster)
  const address = cluster.pods({ app: 'web' })[0]!.status.podIP
  const fromNode = await door.post('requests', { from: { node: 'node-1' }, url: `http://${address}/` })
  expect([fromNode.json.from, fromNode.json.status]).toEqual(['node node-1', 200])
  const node = cluster.cluster.nodes.network.addressOfNode('node-2')
  const fromOutside = await door.post('requests', { from: { outside: '' }, url: `http://${node}:30080/` })
  expect([fromOutside.json.from, fromOutside.json.status]).toEqual(['outside', 200])
  const named = await door.post('requests', { from: { outside: '' }, url: 'http://web/' })
  expect(named.json.fault).toBe('web: Name or service not known')
})

test('a port that only takes connections: nobody listens there, or somebody does', async () => {
  await using cluster = await webAndClient()
  await using door = await openOwnDoor(cluster)
  const taken = await door.post('requests', { from: fromClient, url: 'web:80' })
  expect([taken.code, taken.json.fault, taken.json.packets.at(-1).end]).toEqual([
    200,
    undefined,
    expect.stringMatching(/^pod default\/web-/),
  ])
  const refused = await door.post('requests', { from: fromClient, url: 'tcp://web:81' })
  expect(refused.json.fault).toBe('Connection refused')
})

test('in a paused cluster a request that gets no answer is given up, and says so', async () => {
  await using cluster = await webAndClient()
  await cluster.apply(denyAll as never)
  cluster.clock.pause()
  const asking = sendRequest(cluster.cluster, { from: fromClient, url: 'http://web/' }, { ...running, isPaused: true })
  await cluster.env.clock.advance(1_000)
  const json = await asking
  expect(json.fault).toBe('given up: it is still under way')
  expect(json.forbiddenBy).toMatchObject({ policy: 'default/deny' })
})

test.each([
  [{}, '"from" is who sends it'],
  [{ from: fromClient }, '"url" is where it goes'],
  [{ from: fromClient, url: 'ftp://web/' }, '"url" is one such as http://web:80/, not "ftp://web/"'],
  [{ from: fromClient, url: 'tcp://web' }, '"tcp://web" names no port'],
  [{ from: fromClient, url: 'http://web/', timeout: 'soon' }, '"timeout" is a duration'],
  [{ from: { pod: 'nobody' }, url: 'http://web/' }, 'pods "nobody" not found'],
  [{ from: { node: 'node-9' }, url: 'http://web/' }, 'nodes "node-9" not found'],
])('%j is refused', async (body, words) => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  await cluster.apply(pod('client'))
  await cluster.until(() => cluster.pods().every(({ status }) => status.podIP !== undefined))
  await using door = await openOwnDoor(cluster)
  const { code, json } = await door.post('requests', body)
  expect(code).toBeGreaterThanOrEqual(400)
  expect(json.message).toContain(words)
})

test('only who may ask at such paths is heard, and only with the right method', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  await using door = await openOwnDoor(cluster)
  for (const path of ['requests', 'scheduling']) {
    const { code, json } = await door.post(path, {}, 'nobody')
    expect([code, json.reason]).toEqual([403, 'Forbidden'])
    expect((await door.get(path)).code).toBe(405)
    for (const body of [null, [], 'web', 7]) {
      const refused = await door.post(path, body)
      expect([refused.code, refused.json.message]).toEqual([400, 'the body is not a JSON object'])
    }
  }
})

// Priority and fairness at the door. Upstream: apiserver/pkg/server/filters/priority-and-fairness.go; conformance:
// test/e2e/apimachinery/flowcontrol.go.

import { expect, test } from 'vitest'
import { ClusterRoleBindings, FlowSchemas, PriorityLevelConfigurations } from '../../src/kinds/index.ts'
import { type Door, openDoor } from './door.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const jane = { token: 'jane' }
const tokens = new Map([['jane', { name: 'jane', groups: ['system:authenticated'] }]])

async function tight(door: Door, limitResponse: object, shares = 0): Promise<void> {
  const { client } = door.server
  await client.of(ClusterRoleBindings).create({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'jane' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'User', name: 'jane' }],
  })
  await client.of(PriorityLevelConfigurations).create({
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'PriorityLevelConfiguration',
    metadata: { name: 'tight' },
    spec: {
      type: 'Limited',
      limited: { nominalConcurrencyShares: shares, borrowingLimitPercent: 0, limitResponse: limitResponse as never },
    },
  })
  await client.of(FlowSchemas).create({
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'FlowSchema',
    metadata: { name: 'jane' },
    spec: {
      priorityLevelConfiguration: { name: 'tight' },
      matchingPrecedence: 50,
      distinguisherMethod: { type: 'ByUser' },
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: 'jane' } }],
          resourceRules: [{ verbs: ['*'], apiGroups: [''], resources: ['configmaps'], namespaces: ['default'] }],
        },
      ],
    },
  })
}

const uidOf = async (door: Door, plural: string, name: string): Promise<string> =>
  (await door.ask(`/apis/flowcontrol.apiserver.k8s.io/v1/${plural}/${name}`)).json.metadata.uid

test('[sig-api-machinery] API priority and fairness should ensure that requests can be classified by adding FlowSchema and PriorityLevelConfiguration', async () => {
  await using door = await openDoor({ tokens })
  await tight(door, { type: 'Reject' }, 10)
  const { headers } = await door.ask(maps, { as: jane })
  expect(headers['x-kubernetes-pf-flowschema-uid']).toBe(await uidOf(door, 'flowschemas', 'jane'))
  expect(headers['x-kubernetes-pf-prioritylevel-uid']).toBe(await uidOf(door, 'prioritylevelconfigurations', 'tight'))
  const other = await door.ask('/api/v1/namespaces', { as: jane })
  expect(other.headers['x-kubernetes-pf-flowschema-uid']).toBe(await uidOf(door, 'flowschemas', 'global-default'))
  const admin = await door.ask(maps)
  expect(admin.headers['x-kubernetes-pf-prioritylevel-uid']).toBe(
    await uidOf(door, 'prioritylevelconfigurations', 'exempt'),
  )
})

test('a level that takes nobody sends away with 429 and when to come again; others are served', async () => {
  await using door = await openDoor({ tokens })
  await tight(door, { type: 'Reject' })
  const { code, text, headers } = await door.ask(maps, { as: jane })
  expect([code, text]).toEqual([429, 'Too many requests, please try again later.\n'])
  expect(headers).toMatchObject({ 'retry-after': '1', 'content-type': 'text/plain; charset=utf-8' })
  expect(headers['x-kubernetes-pf-flowschema-uid']).toBeTruthy()
  expect((await door.ask('/api/v1/namespaces', { as: jane })).code).toBe(200)
  expect((await door.ask(maps)).code).toBe(200)
  const told = (await door.ask('/metrics')).text
  expect(told).toContain(
    'apiserver_flowcontrol_rejected_requests_total{priority_level="tight",flow_schema="jane",reason="concurrency-limit"} 1',
  )
})

test('who waits is served when there is a seat, or sent away after a quarter of a minute', async () => {
  await using door = await openDoor({ tokens })
  const { clock } = door.server.env
  await tight(door, { type: 'Queue', queuing: { queues: 2, handSize: 1, queueLengthLimit: 5 } })
  const inQueue = async (count: number) => {
    const line = `apiserver_flowcontrol_current_inqueue_requests{priority_level="tight"} ${count}`
    while (!(await door.ask('/metrics')).text.includes(line));
  }
  const late = door.ask(maps, { as: jane })
  await inQueue(1)
  await clock.advance(15_000)
  expect((await late).code).toBe(429)
  const served = door.ask(maps, { as: jane })
  await inQueue(1)
  const body = { spec: { limited: { nominalConcurrencyShares: 100 } } }
  await door.server.client.of(PriorityLevelConfigurations).patch({ name: 'tight' }, { type: 'merge', body })
  expect((await served).code).toBe(200)
  await inQueue(0)
})

test('who waits goes on waiting when his level stops queueing, or takes more queues', async () => {
  await using door = await openDoor({ tokens })
  await tight(door, { type: 'Queue', queuing: { queues: 2, handSize: 1, queueLengthLimit: 5 } })
  const configure = (limited: object) =>
    door.server.client
      .of(PriorityLevelConfigurations)
      .patch({ name: 'tight' }, { type: 'merge', body: { spec: { limited } } })
  const waiting = 'apiserver_flowcontrol_current_inqueue_requests{priority_level="tight"} 1'
  const served = door.ask(maps, { as: jane })
  while (!(await door.ask('/metrics')).text.includes(waiting));
  await configure({ limitResponse: { queuing: { queues: 7 } } })
  expect((await door.ask('/metrics')).text).toContain(waiting)
  await configure({ limitResponse: { type: 'Reject', queuing: null } })
  expect((await door.ask(maps, { as: jane })).code).toBe(429)
  expect((await door.ask('/metrics')).text).toContain(waiting)
  await configure({ nominalConcurrencyShares: 100 })
  expect((await served).code).toBe(200)
})

test('a watch gives its seat back as soon as it has begun', async () => {
  await using door = await openDoor({ tokens })
  await tight(door, { type: 'Reject' }, 1)
  const watches = []
  for (let index = 0; index < 5; index++) watches.push(await door.open(`${maps}?watch=true`, { as: jane }))
  expect(watches.map(each => each.statusCode)).toEqual([200, 200, 200, 200, 200])
  for (const watch of watches) watch.destroy()
})

test('every cluster has the mandatory and the suggested ones, and nothing dangles', async () => {
  await using door = await openDoor()
  const list = async (plural: string) => (await door.ask(`/apis/flowcontrol.apiserver.k8s.io/v1/${plural}`)).json.items
  expect((await list('prioritylevelconfigurations')).map((each: any) => each.metadata.name)).toEqual([
    ...['catch-all', 'exempt', 'global-default', 'leader-election', 'node-high', 'system', 'workload-high'],
    'workload-low',
  ])
  const schemas = await list('flowschemas')
  expect(schemas).toHaveLength(11)
  for (const { status } of schemas) {
    expect(status.conditions).toMatchObject([{ type: 'Dangling', status: 'False', reason: 'Found' }])
  }
})

test('a schema without its level dangles until the level comes', async () => {
  await using door = await openDoor({ tokens })
  await tight(door, { type: 'Reject' }, 1)
  const condition = async () =>
    (await door.ask('/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/jane')).json.status.conditions[0]
  expect(await condition()).toMatchObject({ status: 'False' })
  await door.server.client.of(PriorityLevelConfigurations).delete({ name: 'tight' })
  await door.server.env.clock.advance(1)
  expect(await condition()).toMatchObject({
    type: 'Dangling',
    status: 'True',
    reason: 'NotFound',
    message:
      'This FlowSchema references the PriorityLevelConfiguration object named "tight" but there is no such object',
  })
  expect((await door.ask(maps, { as: jane })).code).toBe(200)
})

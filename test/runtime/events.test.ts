import { expect, test } from 'vitest'
import { ApiError } from '../../src/api/errors.ts'
import { ConfigMaps, Events, Namespaces } from '../../src/kinds/index.ts'
import { createEventRecorder } from '../../src/runtime/events.ts'
import { type ControlPlane, controlPlane } from '../support/control-plane.ts'
import { Faults } from '../support/faulty-client.ts'

async function recorder(plane: ControlPlane, faults = new Faults()) {
  const event = createEventRecorder(plane.env, faults.wrap(plane.client), 'tester', new AbortController().signal)
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'about', namespace: 'default' } }
  return { event, about: await plane.create(ConfigMaps, object), faults }
}

test('an Event says what happened to what, who says so and when', async () => {
  await using plane = await controlPlane([])
  const { event, about } = await recorder(plane)
  event(about, 'Normal', 'Made', 'it was made', 'Making', { fieldPath: 'data', host: 'node-1', component: 'kubelet' })
  await plane.settle()
  const [told] = plane.list(Events)
  const { uid, resourceVersion } = about.metadata
  expect(told).toMatchObject({
    metadata: { namespace: 'default', name: expect.stringMatching(/^about\.[0-9a-f]{16}$/) },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      namespace: 'default',
      name: 'about',
      uid,
      resourceVersion,
      fieldPath: 'data',
    },
    type: 'Normal',
    reason: 'Made',
    message: 'it was made',
    action: 'Making',
    source: { component: 'kubelet', host: 'node-1' },
    reportingComponent: 'kubelet',
    reportingInstance: 'node-1',
    firstTimestamp: '2024-01-01T00:00:00Z',
    lastTimestamp: '2024-01-01T00:00:00Z',
    count: 1,
  })
})

test('what happened in one millisecond lists in the order in which it happened', async () => {
  await using plane = await controlPlane([])
  const { event, about } = await recorder(plane)
  const reasons = ['Scheduled', 'Pulling', 'Pulled', 'Created', 'Started', 'Unhealthy', 'Killing', 'BackOff']
  for (const reason of reasons) event(about, 'Normal', reason, 'it happened')
  await plane.settle()
  expect(plane.list(Events).map(({ reason }) => reason)).toEqual(reasons)
})

test('what is about an object without a namespace is told in default', async () => {
  await using plane = await controlPlane([])
  const { event } = await recorder(plane)
  event(plane.get(Namespaces, 'kube-system'), 'Warning', 'Odd', 'look here')
  await plane.settle()
  expect(plane.list(Events).map(({ metadata }) => metadata.namespace)).toEqual(['default'])
})

test('repeats become a count, in one object, with the time of the last', async () => {
  await using plane = await controlPlane([])
  const { event, about } = await recorder(plane)
  for (let at = 0; at < 5; at++) {
    event(about, 'Normal', 'Again', 'the same')
    await plane.seconds(10)
  }
  expect(plane.events('about')).toEqual(['Again: the same (x5)'])
  const [told] = plane.list(Events)
  expect([told!.firstTimestamp, told!.lastTimestamp]).toEqual(['2024-01-01T00:00:00Z', '2024-01-01T00:00:40Z'])
})

test('repeats in one moment are one write more, not one each', async () => {
  await using plane = await controlPlane([])
  const { event, about, faults } = await recorder(plane)
  for (let at = 0; at < 20; at++) event(about, 'Normal', 'Again', 'the same')
  await plane.settle()
  expect(plane.events('about')).toEqual(['Again: the same (x20)'])
  expect((faults.counts.get('patch events') ?? 0) + faults.counts.get('create events')!).toBeLessThanOrEqual(2)
})

// client-go tools/record/events_cache.go: defaultAggregateMaxEvents, defaultSpamBurst, defaultSpamQPS.
test('ten similar events within ten minutes are told as one from then on', async () => {
  await using plane = await controlPlane([])
  const { event, about } = await recorder(plane)
  for (let at = 0; at < 15; at++) event(about, 'Normal', 'Created', `Created pod: web-${at}`)
  await plane.settle()
  const told = plane.events('about')
  expect(told.filter(line => line.startsWith('Created: Created pod')).length).toBe(9)
  expect(told.filter(line => line.includes('combined'))).toEqual([
    'Created: (combined from similar events): Created pod: web-14 (x6)',
  ])
  await plane.seconds(700)
  event(about, 'Normal', 'Created', 'Created pod: late')
  await plane.settle()
  expect(plane.events('about')).toContain('Created: Created pod: late')
})

test('who tells more than 25 things about an object at once is not heard, until five minutes have passed', async () => {
  await using plane = await controlPlane([])
  const { event, about } = await recorder(plane)
  const count = (): number => plane.list(Events).reduce((sum, { count = 0 }) => sum + count, 0)
  for (let at = 0; at < 40; at++) event(about, 'Normal', `Reason${at}`, 'something')
  await plane.settle()
  expect(count()).toBe(25)
  await plane.seconds(301)
  event(about, 'Normal', 'Later', 'something')
  event(about, 'Normal', 'Much', 'something')
  await plane.settle()
  expect(plane.events('about')).toContain('Later: something')
  expect(plane.events('about')).not.toContain('Much: something')
})

test('an event that cannot be written now is written later; one that is refused is forgotten', async () => {
  await using plane = await controlPlane([])
  const { event, about, faults } = await recorder(plane)
  faults.refuse = () => {
    throw new ApiError('ServiceUnavailable', 'etcd is away')
  }
  event(about, 'Normal', 'Kept', 'in mind')
  await plane.seconds(25)
  expect(plane.events('about')).toEqual([])
  faults.refuse = () => {}
  await plane.seconds(10)
  expect(plane.events('about')).toEqual(['Kept: in mind'])
  faults.refuse = () => {
    throw new ApiError('Forbidden', 'no')
  }
  event(about, 'Normal', 'Refused', 'for good')
  await plane.settle()
  faults.refuse = () => {}
  await plane.seconds(60)
  expect(plane.events('about')).toEqual(['Kept: in mind'])
})

test('an event whose object has gone by age is told anew, with its count', async () => {
  await using plane = await controlPlane([])
  const { event, about } = await recorder(plane)
  event(about, 'Normal', 'Again', 'the same')
  await plane.settle()
  for (const { metadata } of plane.list(Events)) await plane.client.of(Events).delete(metadata)
  event(about, 'Normal', 'Again', 'the same')
  await plane.settle()
  expect(plane.events('about')).toEqual(['Again: the same (x2)'])
})

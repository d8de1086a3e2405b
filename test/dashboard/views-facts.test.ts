// What the views work out by themselves, without a browser: lanes and their scale, the form's words, a request's way, sentences.

import { describe, expect, test } from 'vitest'
import { passedWords } from '../../dashboard/views/control-plane/passed-words.ts'
import { wayOf as travelOf } from '../../dashboard/views/control-plane/travel-way.ts'
import { wayOf } from '../../dashboard/views/network/way.ts'
import { questionOf } from '../../dashboard/views/scheduling/question.ts'
import { lanesOf, scaleOf } from '../../dashboard/views/timeline/lanes.ts'
import type { EndpointSlice, Pod } from '../../generated/types.ts'
import { noNodeWords, noPodWords, WrongWords } from '../../src/api/what-if-words.ts'
import type { SentRequest } from '../../src/own/requests.ts'
import type { Happening } from '../../src/timeline.ts'

const wrote = (revision: number, type: Happening['type'], name: string, second = revision): Happening => ({
  revision,
  type,
  time: `2024-01-01T00:00:${String(second).padStart(2, '0')}.000Z`,
  object: { resource: 'pods', kind: 'Pod', namespace: 'default', name },
  changes: [],
})

describe('the timeline', () => {
  const items = [
    wrote(10, 'ADDED', 'web'),
    wrote(12, 'MODIFIED', 'other'),
    wrote(13, 'DELETED', 'web'),
    wrote(15, 'ADDED', 'web'),
  ]

  test('a lane has a life for each time its name was there; what was there before has one from the beginning', () => {
    const lanes = lanesOf(items, scaleOf(items, false), '')
    expect(lanes.map(({ key, lives }) => [key, lives])).toEqual([
      [
        'pods default web',
        [
          { from: 0, to: 0.5 },
          { from: 0.75, to: 1 },
        ],
      ],
      ['pods default other', [{ from: 0, to: 1 }]],
    ])
  })

  test('a revision between two writes stands at the next; what is yet to come at the end', () => {
    const { at } = scaleOf(items, false)
    expect([9, 10, 11, 12, 15, 16].map(at)).toEqual([0, 0, 0.25, 0.25, 0.75, 1])
  })

  test('by time the scale follows the clock; writes of one moment still have an order', () => {
    const { at } = scaleOf([wrote(1, 'ADDED', 'a', 0), wrote(2, 'ADDED', 'b', 10), wrote(3, 'ADDED', 'c', 20)], true)
    expect([1, 2, 3, 4].map(at)).toEqual([0, 0.49, 0.98, 1])
    const together = scaleOf([wrote(1, 'ADDED', 'a', 5), wrote(2, 'ADDED', 'b', 5)], true)
    expect([1, 2].map(together.at)).toEqual([0, 0.5])
  })

  test('what every cluster has comes only when asked for, or when somebody has touched it', () => {
    const role = (revision: number, user?: string): Happening => ({
      ...wrote(revision, 'MODIFIED', 'admin'),
      object: { resource: 'clusterroles.rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' },
      cause: { by: user ? 'kubectl' : 'kubesim', ...(user ? { user } : {}) },
    })
    const names = (all: readonly Happening[], withSystem: boolean) =>
      lanesOf(all, scaleOf(all, false), '', withSystem).map(({ object }) => object.name)
    expect(names([role(1), wrote(2, 'ADDED', 'web')], false)).toEqual(['web'])
    expect(names([role(1), wrote(2, 'ADDED', 'web')], true)).toEqual(['admin', 'web'])
    expect(names([role(1), role(2, 'kubernetes-admin')], false)).toEqual(['admin'])
  })

  test('only lanes that have all the words', () => {
    const names = (words: string) => lanesOf(items, scaleOf(items, false), words).map(({ object }) => object.name)
    expect([names('pod WEB'), names('other'), names('web other')]).toEqual([['web'], ['other'], []])
  })
})

describe('the form of what if', () => {
  const web = {
    metadata: { namespace: 'default', name: 'web' },
    spec: { containers: [{ name: 'app' }] },
  } as unknown as Pod
  const ask = (pod: Partial<typeof noPodWords>, node: Partial<typeof noNodeWords> = {}) =>
    questionOf(web, '', { ...noPodWords, ...pod }, new Map([['node-1', { ...noNodeWords, ...node }]]), undefined)

  test('as it is, it changes nothing', () => {
    expect(ask({})).toEqual({ pod: { namespace: 'default', name: 'web' } })
    expect(questionOf(undefined, 'shop', noPodWords, new Map(), 42)).toMatchObject({
      manifest: { kind: 'Pod', metadata: { namespace: 'shop' } },
      at: '42',
    })
  })

  test('requests, selector, tolerations and priority become a patch of the first container and the spec', () => {
    expect(
      ask({ cpu: '500m', selector: 'disk=ssd old-', tolerations: 'a=b:NoSchedule, c', priority: '5' }).changes,
    ).toEqual({
      spec: {
        containers: [{ name: 'app', resources: { requests: { cpu: '500m' } } }],
        nodeSelector: { disk: 'ssd', old: null },
        tolerations: [
          { key: 'a', operator: 'Equal', value: 'b', effect: 'NoSchedule' },
          { key: 'c', operator: 'Exists' },
        ],
        priority: 5,
        priorityClassName: null,
      },
    })
  })

  test('a node is relabelled, tainted, freed of taints, cordoned, given more', () => {
    expect(ask({}, { labels: 'disk=ssd', taints: 'x:NoExecute', memory: '1Gi', state: 'cordoned' }).nodes).toEqual([
      {
        name: 'node-1',
        labels: { disk: 'ssd' },
        allocatable: { memory: '1Gi' },
        taints: [{ key: 'x', effect: 'NoExecute' }],
        unschedulable: true,
      },
    ])
    expect(ask({}, { taints: '-' }).nodes).toEqual([{ name: 'node-1', taints: [] }])
  })

  test.each([
    [{ cpu: 'much' }, {}, 'cpu: "much" is no quantity such as 500m or 2Gi'],
    [{ selector: 'disk' }, {}, 'node selector: "disk" is neither key=value nor key-'],
    [{ priority: 'high' }, {}, 'priority: "high" is no whole number'],
    [{ tolerations: 'a:Never' }, {}, 'tolerations: "a:Never" is not like'],
    [{}, { taints: 'a=b' }, 'taints: "a=b" is not like key=value:NoSchedule'],
  ])('%j %j cannot be read, and that is said', (pod, node, words) => {
    expect(() => ask(pod, node)).toThrow(WrongWords)
    expect(() => ask(pod, node)).toThrow(words)
  })
})

test('the way of a request: the endpoints there were, the one that was chosen, the policy that forbade it', () => {
  const slice = {
    metadata: { namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    ports: [{ name: '', port: 8080 }],
    endpoints: [
      { addresses: ['10.0.0.1'], targetRef: { name: 'web-a' } },
      { addresses: ['10.0.0.2'], targetRef: { name: 'web-b' } },
      { addresses: ['10.0.0.3'], conditions: { ready: false } },
    ],
  } as unknown as EndpointSlice
  const what = 'default/web:80 → 10.0.0.2:8080'
  const forbiddenBy = {
    policy: 'default/deny',
    direction: 'Ingress',
    at: 'pod default/web-b',
    what: 'no rule',
  } as const
  const sent: SentRequest = {
    kind: 'SentRequest',
    apiVersion: 'kubesim.dev/v1alpha1',
    from: 'pod default/client',
    url: 'http://web/',
    packets: [
      {
        time: '',
        to: '10.96.0.1:80',
        protocol: 'TCP',
        hops: [{ at: 'node node-1', kind: 'table', what, service: 'default/web:80', endpoint: '10.0.0.2:8080' }],
        end: 'given up',
      },
    ],
    forbiddenBy,
    fault: 'Connection timed out',
    milliseconds: 2000,
  }
  expect(wayOf(sent, [slice])).toEqual({
    from: 'pod default/client',
    names: [],
    table: { at: 'node node-1', what, service: 'default/web:80', isRefused: false },
    endpoints: [
      { address: '10.0.0.1:8080', name: 'web-a', isChosen: false },
      { address: '10.0.0.2:8080', name: 'web-b', isChosen: true },
    ],
    policy: forbiddenBy,
    outcome: { isGood: false, text: 'Connection timed out, 2000 ms' },
  })
})

test('what passes the control plane is told in sentences, and drawn between stations', () => {
  const time = '2024-01-01T00:00:00.000Z'
  const object = { resource: 'deployments.apps', namespace: 'default', name: 'web', revision: 7 }
  const said = (passed: Parameters<typeof passedWords>[0]): string => Object.values(passedWords(passed)).join(' ')
  expect(said({ step: 'revision', station: 'store', time, object, type: 'ADDED', by: 'kubectl' })).toBe(
    'Store revision 7: deployments default/web is made, by kubectl',
  )
  expect(said({ step: 'done', station: 'kubelet', time, node: 'node-1', key: 'default/web', again: 90_000 })).toBe(
    'kubelet of node-1 is done with default/web; again in 90s',
  )
  expect(said({ step: 'done', station: 'job-controller', time, key: 'default/web', message: 'no' })).toBe(
    'job-controller fails at default/web, and will try again: no',
  )
  const isStation = (name: string): boolean => name === 'job-controller'
  const travels = (step: 'admission' | 'queue' | 'work', by?: string) =>
    travelOf(
      { step, station: step === 'admission' ? 'apiserver' : 'job-controller', time, ...(by ? { by } : {}) },
      isStation,
    )
  expect(travels('admission', 'job-controller')).toEqual({ from: 'job-controller', to: 'apiserver', tone: 'write' })
  expect(travels('admission', 'kubectl')).toBeUndefined()
  expect(travels('queue')).toEqual({ from: 'watch', to: 'job-controller', tone: 'wake' })
  expect(travels('work')).toBeUndefined()
})

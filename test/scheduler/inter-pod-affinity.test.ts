// InterPodAffinity, with scores worked out by hand from plugins/interpodaffinity/{filtering,scoring}.go (1.36).
import { describe, expect, test } from 'vitest'
import type { PodAffinityTerm } from '../../generated/types.ts'
import { plugins } from '../../scheduler/plugins/index.ts'
import { interPodAffinity, interPodAffinityWith } from '../../scheduler/plugins/inter-pod-affinity.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { cycle, node, type PodWish, pod, scores, verdicts, world } from './world.ts'

const zoneKey = 'topology.kubernetes.io/zone'
const inZone = (name: string, zone: string) => node(name, { labels: { [zoneKey]: zone } })
const nodes = [inZone('a1', 'a'), inZone('a2', 'a'), inZone('b1', 'b'), node('none')]

const term = (app: string, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: zoneKey,
  labelSelector: { matchLabels: { app } },
  ...more,
})
type Kind = 'podAffinity' | 'podAntiAffinity'
const required = (kind: Kind, ...terms: PodAffinityTerm[]): NonNullable<PodWish['spec']> => ({
  affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
})
const preferred = (kind: Kind, ...terms: [number, PodAffinityTerm][]): NonNullable<PodWish['spec']> => ({
  affinity: {
    [kind]: {
      preferredDuringSchedulingIgnoredDuringExecution: terms.map(([weight, podAffinityTerm]) => ({
        weight,
        podAffinityTerm,
      })),
    },
  },
})
const near = "node(s) didn't match pod affinity rules (final)"
const far = "node(s) didn't match pod anti-affinity rules"
const unwelcome = "node(s) didn't satisfy existing pods anti-affinity rules"
const db = pod('db', { labels: { app: 'db' } })

describe('required affinity', () => {
  test('the pod goes where in some domain the other is', () => {
    const wanted = pod('p', { spec: required('podAffinity', term('db')) })
    expect(verdicts(interPodAffinity, wanted, world(nodes, [['a1', db]]))).toEqual({
      a1: 'fits',
      a2: 'fits',
      b1: near,
      none: near,
    })
  })

  test('of several terms one and the same pod must meet all', () => {
    const wanted = pod('p', {
      spec: required('podAffinity', term('db'), term('db', { labelSelector: { matchLabels: { tier: 'x' } } })),
    })
    const both = pod('both', { labels: { app: 'db', tier: 'x' } })
    const other = pod('other', { labels: { tier: 'x' } })
    expect(
      verdicts(
        interPodAffinity,
        wanted,
        world(nodes, [
          ['a1', db],
          ['a2', other],
        ]),
      ).a1,
    ).toBe(near)
    expect(verdicts(interPodAffinity, wanted, world(nodes, [['b1', both]])).b1).toBe('fits')
  })

  test('the first pod of a group that wants its own company may begin, where the label is', () => {
    const first = pod('p', { labels: { app: 'web' }, spec: required('podAffinity', term('web')) })
    expect(verdicts(interPodAffinity, first, world(nodes))).toEqual({ a1: 'fits', a2: 'fits', b1: 'fits', none: near })
    const second = pod('q', { labels: { app: 'web' }, spec: required('podAffinity', term('web')) })
    expect(verdicts(interPodAffinity, second, world(nodes, [['b1', first]]))).toEqual({
      a1: near,
      a2: near,
      b1: 'fits',
      none: near,
    })
  })

  test.each<[string, Partial<PodAffinityTerm>, boolean]>([
    ['of its own namespace when none is named', {}, false],
    ['of a namespace that is named', { namespaces: ['other'] }, true],
    ['of all namespaces', { namespaceSelector: {} }, true],
    ['of namespaces with a label', { namespaceSelector: { matchLabels: { team: 'red' } } }, true],
    ['of namespaces with another label', { namespaceSelector: { matchLabels: { team: 'blue' } } }, false],
    ['of named ones besides', { namespaces: ['other'], namespaceSelector: { matchLabels: { team: 'blue' } } }, true],
    ['with a matchLabelKeys label alike', { namespaces: ['other'], matchLabelKeys: ['track'] }, true],
    ['with a mismatchLabelKeys label alike', { namespaces: ['other'], mismatchLabelKeys: ['track'] }, false],
    ['with no selector at all', { namespaces: ['other'], labelSelector: undefined as never }, false],
  ])('counts pods %s', (_, more, isMet) => {
    const there = pod('there', { labels: { app: 'db', track: 'v1' }, metadata: { namespace: 'other' } })
    const wanted = pod('p', { labels: { track: 'v1' }, spec: required('podAffinity', term('db', more)) })
    const namespaceLabels = (name: string) => (name === 'other' ? { team: 'red' } : {})
    const snapshot = world(nodes, [['a1', there]], { namespaceLabels })
    expect(verdicts(interPodAffinity, wanted, snapshot).a2).toBe(isMet ? 'fits' : near)
  })

  test('labels of namespaces may change', () => {
    let labels: Record<string, string> = {}
    const there = pod('there', { labels: { app: 'db' }, metadata: { namespace: 'other' } })
    const snapshot = world(nodes, [['a1', there]], { namespaceLabels: () => labels })
    const selector = { namespaceSelector: { matchLabels: { team: 'red' } } }
    const wanted = pod('p', { spec: required('podAffinity', term('db', selector)) })
    expect(verdicts(interPodAffinity, wanted, snapshot).a1).toBe(near)
    labels = { team: 'red' }
    snapshot.namespaceChanged()
    expect(verdicts(interPodAffinity, wanted, snapshot).a1).toBe('fits')
  })
})

describe('required anti-affinity', () => {
  const alone = (name: string) => pod(name, { labels: { app: 'web' }, spec: required('podAntiAffinity', term('web')) })

  test('keeps out of a domain, and nodes without the label are none', () => {
    const wanted = pod('p', { spec: required('podAntiAffinity', term('db')) })
    expect(verdicts(interPodAffinity, wanted, world(nodes, [['a1', db]]))).toEqual({
      a1: far,
      a2: far,
      b1: 'fits',
      none: 'fits',
    })
  })

  test('holds also for those that come later and do not ask for it', () => {
    const plain = pod('p', { labels: { app: 'web' } })
    expect(verdicts(interPodAffinity, plain, world(nodes, [['a1', alone('x')]]))).toEqual({
      a1: unwelcome,
      a2: unwelcome,
      b1: 'fits',
      none: 'fits',
    })
  })

  test('a group spreads itself, one in a domain, and the rest waits', () => {
    const snapshot = world(nodes)
    const homes = ['x', 'y', 'z'].map(name => {
      const wanted = alone(name)
      const { node: home } = cycle(wanted, snapshot, plugins)
      if (home !== undefined) snapshot.putPod(wanted, home)
      return home
    })
    expect(new Set(homes).size).toBe(3)
    // One in zone a, one in b; on the node of no zone there is no domain to share, so all others fit there.
    expect(cycle(alone('w'), snapshot, plugins).node).toBe('none')
  })

  test('a pod that goes takes its terms along', () => {
    const snapshot = world(nodes, [['a1', alone('x')]])
    snapshot.removePod(alone('x'))
    expect(verdicts(interPodAffinity, pod('p', { labels: { app: 'web' } }), snapshot).a1).toBe('fits')
  })

  test('in thought, without the pod in the way, the node fits, and does not when it is back', () => {
    const snapshot = world(nodes, [['a1', alone('x')]])
    const wanted = alone('p')
    const judge = interPodAffinity.prepare(wanted, snapshot)
    const a1 = snapshot.node('a1')!
    expect(judge.filter!(a1)).toBe(far)
    const back = snapshot.without(alone('x'))
    judge.moved!(alone('x'), a1, -1)
    expect(judge.filter!(a1)).toBeUndefined()
    back()
    judge.moved!(alone('x'), a1, 1)
    expect(judge.filter!(a1)).toBe(far)
  })
})

describe('scores', () => {
  test('own preferences, summed by domain, scaled from least to most', () => {
    // a: 2 db of weight 10 = 20; b: −5 for the noisy one; none: 0. Range 25: a 100, none 100·5/25 = 20, b 0.
    const affinity = {
      ...preferred('podAffinity', [10, term('db')]).affinity,
      ...preferred('podAntiAffinity', [5, term('noisy')]).affinity,
    }
    const snapshot = world(nodes, [
      ['a1', db],
      ['a2', pod('db2', { labels: { app: 'db' } })],
      ['b1', pod('noisy', { labels: { app: 'noisy' } })],
    ])
    expect(scores(interPodAffinity, pod('p', { spec: { affinity } }), snapshot)).toEqual({
      a1: 100,
      a2: 100,
      b1: 0,
      none: 20,
    })
  })

  test('what others prefer of it counts as well, and their required affinity for one', () => {
    const fan = pod('fan', { spec: preferred('podAffinity', [3, term('web')]) })
    const foe = pod('foe', { spec: preferred('podAntiAffinity', [2, term('web')]) })
    const follower = pod('follower', { spec: required('podAffinity', term('web')) })
    const snapshot = world(nodes, [
      ['a1', fan],
      ['a2', foe],
      ['b1', follower],
    ])
    // a: 3 − 2 = 1, b: 1, none: 0.
    const web = pod('p', { labels: { app: 'web' } })
    expect(scores(interPodAffinity, web, snapshot)).toEqual({ a1: 100, a2: 100, b1: 100, none: 0 })
    // hardPodAffinityWeight 4: a 1, b 4.
    const heavier = interPodAffinityWith({ hardPodAffinityWeight: 4 })
    expect(scores(heavier, web, snapshot)).toEqual({ a1: 25, a2: 25, b1: 100, none: 0 })
    const deaf = interPodAffinityWith({ ignorePreferredTermsOfExistingPods: true })
    expect(scores(deaf, web, snapshot)).toEqual({ a1: 0, a2: 0, b1: 100, none: 0 })
  })

  test('nothing is scored for a pod that concerns nobody', () => {
    expect(scores(interPodAffinity, pod('p'), world(nodes, [['a1', db]]))).toEqual({})
  })
})

describe('what may help a pod that was refused', () => {
  const lonely = pod('p', { labels: { app: 'web' }, spec: required('podAffinity', term('db')) })
  const shy = pod('p', { labels: { app: 'web' }, spec: required('podAntiAffinity', term('db')) })
  test('wanted company that comes, unwanted that goes', () => {
    const came = { kind: Pods, now: db, before: undefined }
    const went = { kind: Pods, now: undefined, before: db }
    expect(interPodAffinity.helps!(lonely, came)).toBe(true)
    expect(interPodAffinity.helps!(shy, came)).toBe(false)
    expect(interPodAffinity.helps!(shy, went)).toBe(true)
    expect(interPodAffinity.helps!(pod('q'), went)).toBe(false)
  })
  test('one that did not want it near goes', () => {
    const before = pod('x', { spec: required('podAntiAffinity', term('web')) })
    expect(interPodAffinity.helps!(pod('q', { labels: { app: 'web' } }), { kind: Pods, now: undefined, before })).toBe(
      true,
    )
  })
  test('a node comes that has the label', () => {
    expect(interPodAffinity.helps!(lonely, { kind: Nodes, now: inZone('c1', 'c'), before: undefined })).toBe(true)
    expect(interPodAffinity.helps!(lonely, { kind: Nodes, now: node('c1'), before: undefined })).toBe(false)
  })
})

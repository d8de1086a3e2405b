// Audit policies: which rule a request falls under, and what may not stand in the file. Upstream:
// k8s.io/apiserver/pkg/audit/policy/checker_test.go, reader_test.go, pkg/apis/audit/validation/validation_test.go.

import { describe, expect, test } from 'vitest'
import { PolicyError, parsePolicy } from '../../apiserver/audit/policy.ts'
import type { Asked } from '../../apiserver/auth/authorization.ts'

const policy = (rules: readonly object[] | null, more: object = {}) =>
  parsePolicy({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules, ...more })

const tim = { name: 'tim@k8s.io', groups: ['humans', 'developers'] }
const nothing = { namespace: '', group: '', version: '', resource: '', subresource: '', name: '', path: '' }
const resource = (asked: Partial<Asked>): Asked => ({
  ...nothing,
  isResource: true,
  verb: 'get',
  version: 'v1',
  namespace: 'default',
  resource: 'pods',
  name: 'busybox',
  ...asked,
})
const path = (path: string): Asked => ({ ...nothing, isResource: false, verb: 'get', path })

describe('a rule fits', () => {
  const pod = resource({})
  const scale = resource({ group: 'apps', resource: 'deployments', subresource: 'scale', name: 'web' })
  test.each([
    ['who is named', { users: ['tim@k8s.io'] }, pod, true],
    ['nobody else', { users: ['humans'] }, pod, false],
    ['who is in one of its groups', { userGroups: ['cats', 'developers'] }, pod, true],
    ['nobody outside of them', { userGroups: ['cats'] }, pod, false],
    ['its verbs', { verbs: ['get', 'list'] }, pod, true],
    ['no other verb', { verbs: ['watch'] }, pod, false],
    ['its namespaces', { namespaces: ['default'] }, pod, true],
    ['what is in none, by the empty name', { namespaces: [''] }, resource({ namespace: '', resource: 'nodes' }), true],
    ['no path, when it names namespaces', { namespaces: [''] }, path('/healthz'), false],
    ['its resources', { resources: [{ resources: ['pods'] }] }, pod, true],
    ['of its group only', { resources: [{ group: 'apps', resources: ['pods'] }] }, pod, false],
    ['all of a group', { resources: [{ group: 'apps' }] }, scale, true],
    ['all groups', { resources: [{ group: '*', resources: ['pods'] }] }, pod, true],
    [
      'not a part, by the name of the whole',
      { resources: [{ group: 'apps', resources: ['deployments'] }] },
      scale,
      false,
    ],
    ['a part', { resources: [{ group: 'apps', resources: ['deployments/scale'] }] }, scale, true],
    ['every part of a resource', { resources: [{ group: 'apps', resources: ['deployments/*'] }] }, scale, true],
    ['a part of every resource', { resources: [{ group: 'apps', resources: ['*/scale'] }] }, scale, true],
    ['everything, with its parts', { resources: [{ group: 'apps', resources: ['*'] }] }, scale, true],
    ['objects by name', { resources: [{ resources: ['pods'], resourceNames: ['busybox'] }] }, pod, true],
    ['no others', { resources: [{ resources: ['pods'], resourceNames: ['web'] }] }, pod, false],
    ['a path', { nonResourceURLs: ['/metrics'] }, path('/metrics'), true],
    ['what is below a path', { nonResourceURLs: ['/healthz*'] }, path('/healthz/etcd'), true],
    ['not its beginning', { nonResourceURLs: ['/metrics'] }, path('/metrics/slis'), false],
    ['every path', { nonResourceURLs: ['*'] }, path('/version'), true],
    ['no resource, when it names paths', { nonResourceURLs: ['*'] }, pod, false],
    ['everything, when it says nothing', {}, path('/version'), true],
  ])('%s', (_, rule, asked, fits) => {
    expect(policy([{ level: 'Request', ...rule }]).scopeOf(tim, asked).level).toBe(fits ? 'Request' : 'None')
  })
})

test('the first rule that fits counts; nobody known is in no group; stages to omit add up', () => {
  const { scopeOf } = policy(
    [
      { level: 'None', users: ['tim@k8s.io'], verbs: ['watch'] },
      { level: 'RequestResponse', userGroups: ['humans'], omitStages: ['ResponseStarted'], omitManagedFields: false },
      { level: 'Metadata' },
    ],
    { omitStages: ['RequestReceived'], omitManagedFields: true },
  )
  expect(scopeOf(tim, resource({ verb: 'watch' })).level).toBe('None')
  expect(scopeOf(tim, resource({}))).toEqual({
    level: 'RequestResponse',
    omitStages: new Set(['RequestReceived', 'ResponseStarted']),
    omitManagedFields: false,
  })
  expect(scopeOf(undefined, resource({}))).toEqual({
    level: 'Metadata',
    omitStages: new Set(['RequestReceived']),
    omitManagedFields: true,
  })
})

test.each<[string, unknown, string]>([
  ['no kind', { apiVersion: 'audit.k8s.io/v1', rules: [] }, "failed decoding: Object 'Kind' is missing"],
  [
    'an old version',
    { apiVersion: 'audit.k8s.io/v1beta1', kind: 'Policy' },
    'failed decoding: no kind "Policy" is registered for version "audit.k8s.io/v1beta1"',
  ],
  ['no rules', { apiVersion: 'audit.k8s.io/v1', kind: 'Policy' }, 'loaded illegal policy with 0 rules'],
  ['a text', 'level: None', 'failed decoding: the file holds no mapping'],
])('a file is refused: %s', (_, value, message) => {
  expect(() => parsePolicy(value)).toThrow(new PolicyError(message))
})

test.each([
  [{}, 'rules[0].level: Required value'],
  [
    { level: 'FooBar' },
    'rules[0].level: Unsupported value: "FooBar": supported values: "None", "Metadata", "Request", "RequestResponse"',
  ],
  [
    { level: 'None', nonResourceURLs: ['logs'] },
    `rules[0].nonResourceURLs[0]: Invalid value: "logs": non-resource URL rules must begin with a '/' character`,
  ],
  [
    { level: 'None', nonResourceURLs: ['/logs*/x'] },
    `rules[0].nonResourceURLs[0]: Invalid value: "/logs*/x": non-resource URL wildcards '*' must be the final character of the rule`,
  ],
  [
    { level: 'None', nonResourceURLs: ['/logs'], namespaces: ['default'] },
    'rules[0].nonResourceURLs: Invalid value: ["/logs"]: rules cannot apply to both regular resources and non-resource URLs',
  ],
  [
    { level: 'None', resources: [{ resourceNames: ['web'] }] },
    'rules[0].resources.resourceNames: Invalid value: ["web"]: using resourceNames requires at least one resource',
  ],
  [
    { level: 'None', omitStages: ['ResponseSent'] },
    'rules[0].omitStages[0]: Invalid value: "ResponseSent": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic',
  ],
  [{ level: 'None', verbs: 'get' }, 'failed decoding: rules[0].verbs must be a list of strings'],
])('a rule is refused: %j', (rule, message) => {
  expect(() => policy([rule])).toThrow(new PolicyError(message))
})

test('what means nothing is told of and left aside', () => {
  const read = policy([{ level: 'Request', verb: ['get'], users: null }], { metadata: { name: 'mine' }, colour: 'red' })
  expect(read.unknown).toEqual(['rules[0].verb', 'colour'])
  expect(read.scopeOf(tim, path('/version')).level).toBe('Request')
})

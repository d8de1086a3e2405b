// One request's events, where the door cannot easily bring them about.

import { expect, test } from 'vitest'
import { parsePolicy } from '../../apiserver/audit/policy.ts'
import { Trail } from '../../apiserver/audit/trail.ts'

function trail(level: string) {
  const { scopeOf } = parsePolicy({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level }] })
  const asked = { isResource: false, path: '/x', verb: 'get', group: '', version: '', namespace: '' }
  const all = { ...asked, resource: '', subresource: '', name: '' }
  const head = { auditId: '1', uri: '/x', userAgent: 'a'.repeat(2000), sourceIPs: [] }
  const lines: string[] = []
  const it = new Trail({
    scope: scopeOf(undefined, all),
    head,
    user: undefined,
    asked: all,
    now: () => 0,
    write: line => lines.push(line),
  })
  return { it, events: () => lines.map(line => JSON.parse(line)) }
}

test('what cannot be written down is left out, and the event is written', () => {
  const { it, events } = trail('RequestResponse')
  const endless: { self?: unknown } = {}
  endless.self = endless
  it.patched(() => 1)
  it.responded(() => endless)
  it.complete(200)
  expect(events()).toMatchObject([{ stage: 'ResponseComplete', responseStatus: { code: 200 } }])
  expect(events()[0]).not.toHaveProperty('responseObject')
})

test('an end comes once; when nothing went out, it says so', () => {
  const { it, events } = trail('Metadata')
  it.complete(undefined, true)
  it.complete(200)
  expect(events().map(({ stage, responseStatus }) => [stage, responseStatus.message])).toEqual([
    ['ResponseStarted', 'Connection closed early'],
    ['ResponseComplete', 'Connection closed early'],
  ])
})

test('the first annotation under a key stays; those for more than the level are left out, and so are bad keys', () => {
  const { it, events } = trail('Metadata')
  it.annotate('example.com/a', '1')
  it.annotate('example.com/a', '2')
  it.annotate('example.com/patch', '[]', 'Request')
  for (const key of ['plain', 'a/b/c', 'Upper.Case/x', '/x', 'example.com/']) it.annotate(key, '1')
  it.complete(200)
  expect(events()[0].annotations).toEqual({ 'example.com/a': '1' })
})

test('a long user agent is cut', () => {
  const { it, events } = trail('Metadata')
  it.received()
  expect(events()[0].userAgent).toBe(`${'a'.repeat(1024)}...TRUNCATED`)
})

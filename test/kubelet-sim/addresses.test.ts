import { expect, test } from 'vitest'
import { addressPlan, nodeIndexOf, PodAddresses, podCIDR } from '../../kubelet-sim/addresses.ts'
import { goDuration, parseDuration } from '../../kubelet-sim/duration.ts'

test('on Linux every node and load balancer has a loopback address of its own, by the port of the API server', () => {
  const plan = addressPlan({ port: 6443, platform: 'linux' })
  expect(plan.node(1)).toEqual({ address: '127.25.43.11', real: true })
  expect(plan.node(90)).toEqual({ address: '127.25.43.100', real: true })
  expect(plan.node(91)).toEqual({ address: '10.64.0.91', real: false })
  expect([plan.loadBalancers[0], plan.loadBalancers.at(-1)]).toEqual(['127.25.43.101', '127.25.43.250'])
})

test('elsewhere all share 127.0.0.1', () => {
  const plan = addressPlan({ port: 6443, platform: 'darwin' })
  expect([plan.node(1).address, plan.node(7).address, ...plan.loadBalancers]).toEqual([
    '127.0.0.1',
    '127.0.0.1',
    '127.0.0.1',
  ])
})

test('pod CIDRs and the nodes they belong to', () => {
  for (const index of [1, 2, 255, 256, 300, 5000]) expect(nodeIndexOf(podCIDR(index))).toBe(index)
  expect(podCIDR(3)).toBe('10.244.3.0/24')
  expect(nodeIndexOf('192.168.0.0/24')).toBeUndefined()
})

test('a pod address given back is not given again at once, and none is given twice', () => {
  const addresses = new PodAddresses()
  const first = addresses.take('10.244.1.0/24')
  expect(first).toBe('10.244.1.2')
  addresses.giveBack(first!)
  expect(addresses.take('10.244.1.0/24')).toBe('10.244.1.3')
  addresses.claim('10.244.1.10')
  expect(addresses.take('10.244.1.0/24')).toBe('10.244.1.11')
  const given = new Set<string>(['10.244.1.3', '10.244.1.10', '10.244.1.11'])
  for (;;) {
    const next = addresses.take('10.244.1.0/24')
    if (next === undefined) break
    expect(given.has(next)).toBe(false)
    given.add(next)
  }
  expect(given.size).toBe(253)
})

test.each([
  [0, '0s'],
  [789, '789ms'],
  [1200, '1.2s'],
  [80_000, '1m20s'],
  [300_000, '5m0s'],
  [3_725_000, '1h2m5s'],
])('%d ms is %s, as Go prints it', (span, text) => {
  expect(goDuration(span)).toBe(text)
})

test.each([
  ['5', 5000],
  ['1m30s', 90_000],
  ['500ms', 500],
  ['', undefined],
  ['soon', undefined],
])('%j is read as %j', (text, span) => {
  expect(parseDuration(text)).toBe(span)
})

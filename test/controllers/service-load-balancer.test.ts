import { expect, test } from 'vitest'
import { addressPool, serviceLoadBalancerController } from '../../controllers/service-load-balancer.ts'
import { Services } from '../../src/kinds/index.ts'
import { createManager } from '../../src/runtime/manager.ts'
import { type ControlPlane, controlPlane } from '../support/control-plane.ts'
import { service } from '../support/objects.ts'

const balancer = (...addresses: string[]) => serviceLoadBalancerController(addressPool(addresses))
const ingress = (plane: ControlPlane, name: string) =>
  (plane.get(Services, name).status.loadBalancer?.ingress ?? []).map(({ ip }) => ip)
const finalizer = 'service.kubernetes.io/load-balancer-cleanup'

test('a Service of type LoadBalancer gets an address of its own', async () => {
  await using plane = await controlPlane([balancer('127.0.9.1', '127.0.9.2')])
  await plane.create(Services, service('a', 'a', { type: 'LoadBalancer' }))
  await plane.create(Services, service('b', 'b', { type: 'LoadBalancer' }))
  await plane.create(Services, service('inside', 'c'))
  await plane.create(
    Services,
    service('foreign', 'd', { type: 'LoadBalancer', loadBalancerClass: 'example.org/other' }),
  )
  await plane.settle()
  expect([ingress(plane, 'a'), ingress(plane, 'b')]).toEqual([['127.0.9.1'], ['127.0.9.2']])
  expect([ingress(plane, 'inside'), ingress(plane, 'foreign')]).toEqual([[], []])
  expect(plane.get(Services, 'a').metadata.finalizers).toEqual([finalizer])
  expect(plane.get(Services, 'a').status.loadBalancer!.ingress).toEqual([{ ip: '127.0.9.1', ipMode: 'VIP' }])
  expect(plane.events('a')).toEqual([
    'EnsuringLoadBalancer: Ensuring load balancer',
    'EnsuredLoadBalancer: Ensured load balancer',
  ])
})

test('deleted or changed to another type, it gives the address back', async () => {
  await using plane = await controlPlane([balancer('127.0.9.1', '127.0.9.2')])
  for (const name of ['a', 'b']) await plane.create(Services, service(name, name, { type: 'LoadBalancer' }))
  await plane.settle()
  await plane.client.of(Services).delete({ namespace: 'default', name: 'a' })
  await plane.patch(Services, 'b', { spec: { type: 'ClusterIP' } })
  await plane.settle()
  expect(plane.find(Services, 'a')).toBeUndefined()
  expect(ingress(plane, 'b')).toEqual([])
  expect(plane.get(Services, 'b').metadata.finalizers).toBeUndefined()
  expect(plane.events('b')).toContain('DeletedLoadBalancer: Deleted load balancer')
  for (const name of ['c', 'd']) await plane.create(Services, service(name, name, { type: 'LoadBalancer' }))
  await plane.settle()
  expect([...ingress(plane, 'c'), ...ingress(plane, 'd')].sort()).toEqual(['127.0.9.1', '127.0.9.2'])
})

test('when no address is left it waits, says so, and takes the next that is free', async () => {
  await using plane = await controlPlane([balancer('127.0.9.1', '127.0.9.2')])
  for (const name of ['a', 'b', 'c']) await plane.create(Services, service(name, name, { type: 'LoadBalancer' }))
  await plane.seconds(10)
  expect(ingress(plane, 'c')).toEqual([])
  expect(plane.events('c').join()).toContain(
    'SyncLoadBalancerFailed: Error syncing load balancer: failed to ensure load balancer: no address is free',
  )
  await plane.client.of(Services).delete({ namespace: 'default', name: 'a' })
  await plane.seconds(1_000)
  expect(ingress(plane, 'c')).toEqual(['127.0.9.1'])
})

test('the address asked for is the one given; after a restart everybody keeps his own', async () => {
  await using plane = await controlPlane([])
  const addresses = ['127.0.9.1', '127.0.9.2', '127.0.9.3'] as const
  const first = createManager(plane.env, plane.client, [balancer(...addresses)])
  await first.start()
  await plane.create(Services, service('wants', 'a', { type: 'LoadBalancer', loadBalancerIP: '127.0.9.3' }))
  await plane.create(Services, service('zzz', 'b', { type: 'LoadBalancer' }))
  await plane.settle()
  await first.close()
  await plane.create(Services, service('aaa', 'c', { type: 'LoadBalancer' }))
  const second = createManager(plane.env, plane.client, [balancer(...addresses)])
  await second.start()
  await plane.settle()
  expect([ingress(plane, 'wants'), ingress(plane, 'zzz'), ingress(plane, 'aaa')]).toEqual([
    ['127.0.9.3'],
    ['127.0.9.1'],
    ['127.0.9.2'],
  ])
  await second.close()
})

test('where there is one address only, all share it', async () => {
  await using plane = await controlPlane([balancer('127.0.0.1')])
  for (const name of ['a', 'b']) await plane.create(Services, service(name, name, { type: 'LoadBalancer' }))
  await plane.settle()
  expect([ingress(plane, 'a'), ingress(plane, 'b')]).toEqual([['127.0.0.1'], ['127.0.0.1']])
})

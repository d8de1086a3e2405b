// The simulated network, asked in process: who answers, in which order, and when nobody does.

import { describe, expect, test } from 'vitest'
import type { Ingress } from '../../generated/types.ts'
import { imageObject } from '../../kubelet-sim/images/declared.ts'
import { routeOf, toIngress } from '../../kubelet-sim/network/ingress.ts'
import { originInside } from '../../kubelet-sim/network/routes.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { EndpointSlices, Images, IngressClasses, Ingresses, Services } from '../../src/kinds/index.ts'
import { get, textOf, virtualRoom } from './room.ts'

const web = { name: 'web', namespace: 'default' }
const quick = { pullDelay: 0, startDelay: 0 }

async function threePods() {
  const room = await virtualRoom(quick)
  for (const [index, node] of ['node-1', 'node-2', 'node-1'].entries()) await room.run(`web-${index}`, node)
  return room
}
const all = ['web-0', 'web-1', 'web-2']

describe('services', () => {
  test('the answer is the own one of nginx, its headers name the pod, and repeated calls reach everyone', async () => {
    await using room = await threePods()
    await room.serve('web', {}, all)
    const answers = await Promise.all(all.map(() => room.nodes.network.toService(web, 80, get())))
    expect(answers.map(({ headers }) => headers['x-kubesim-pod']).sort()).toEqual(all)
    expect(textOf(answers[0]!)).toMatch(/Welcome to nginx![\s\S]*<\/html>\n$/)
    expect(answers[0]).toMatchObject({ status: 200, headers: { 'content-type': 'text/html' } })
    expect((await room.nodes.network.toService(web, 80, get('/nothing'))).status).toBe(404)
  })

  test('no endpoint, no ready endpoint, a port nobody listens on: refused', async () => {
    await using room = await threePods()
    await room.serve('web', {}, [])
    await room.serve('wrong', {}, all, 8080)
    const { network } = room.nodes
    await expect(network.toService(web, 80, get())).rejects.toMatchObject({ errno: 'ECONNREFUSED' })
    await expect(network.toService({ ...web, name: 'wrong' }, 80, get())).rejects.toMatchObject({
      errno: 'ECONNREFUSED',
    })
    await expect(network.toService(web, 81, get())).rejects.toMatchObject({ errno: 'ECONNREFUSED' })
    const nobody = expect(network.toPod('10.244.1.99', 80, get())).rejects.toMatchObject({ errno: 'ETIMEDOUT' })
    await room.env.clock.advance(127_000)
    await nobody
  })

  test('endpoints that end still serve while no other is ready', async () => {
    await using room = await threePods()
    await room.serve('web', {}, ['web-0'])
    const conditions = { ready: false, serving: true, terminating: true }
    const { endpoints } = await room.client.of(EndpointSlices).get({ name: 'web-1', namespace: 'default' })
    const patch = { type: 'merge' as const, body: { endpoints: [{ ...endpoints![0], conditions }] } }
    await room.client.of(EndpointSlices).patch({ name: 'web-1', namespace: 'default' }, patch)
    await room.env.activity.idle()
    expect((await room.nodes.network.toService(web, 80, get())).status).toBe(200)
  })

  test('ClientIP affinity keeps a client at its pod until it was silent for the timeout', async () => {
    await using room = await threePods()
    await room.serve(
      'web',
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } },
      all,
    )
    const ask = async (from: string) =>
      (await room.nodes.network.toService(web, 80, get(), originInside(from))).headers['x-kubesim-pod']
    const first = await ask('10.1.1.1')
    expect([await ask('10.1.1.1'), await ask('10.1.1.1')]).toEqual([first, first])
    expect(await ask('10.1.1.2')).not.toBe(first)
    await room.env.clock.advance(59_000)
    expect(await ask('10.1.1.1')).toBe(first)
    await room.env.clock.advance(61_000)
    expect(await ask('10.1.1.1')).not.toBe(first)
  })

  test('externalTrafficPolicy Local: a node answers with its own pods, or not at all', async () => {
    await using room = await threePods()
    const ports = [{ port: 80, protocol: 'TCP', targetPort: 80, nodePort: 30080 }]
    await room.serve('web', { type: 'NodePort', externalTrafficPolicy: 'Local', ports }, ['web-1'])
    const { network } = room.nodes
    expect((await network.toNodePort('node-2', 30080, get())).headers['x-kubesim-pod']).toBe('web-1')
    // pkg/proxy/iptables/proxier.go: no local endpoints is a DROP, no endpoints at all a REJECT.
    const dropped = expect(network.toNodePort('node-1', 30080, get())).rejects.toMatchObject({ errno: 'ETIMEDOUT' })
    await room.env.clock.advance(127_000)
    await dropped
  })

  test('a dead node answers nothing, nor do its pods', async () => {
    await using room = await threePods()
    const ports = [{ port: 80, protocol: 'TCP', targetPort: 80, nodePort: 30080 }]
    await room.serve('web', { type: 'NodePort', ports }, ['web-1'])
    room.nodes.silence('node-2')
    const unreachable = { errno: 'EHOSTUNREACH' }
    const { network } = room.nodes
    const refused = ['node-2', 'node-1'].map(node =>
      expect(network.toNodePort(node, 30080, get())).rejects.toMatchObject(unreachable),
    )
    await room.env.clock.advance(3000)
    await Promise.all(refused)
    room.nodes.revive('node-2')
    expect((await network.toNodePort('node-1', 30080, get())).status).toBe(200)
  })

  test('the built flask application', async () => {
    await using room = await virtualRoom(quick)
    const image = {
      name: 'flask-app',
      ports: [5000],
      command: ['python', 'app.py'],
      routes: { '/': 'Hello World, from Dockers and Kubernetes!' },
    }
    await room.client.of(Images).create(imageObject(image))
    await room.run('web-0', 'node-1', {
      containers: [{ name: 'flask-app', image: 'flask-app', ports: [{ containerPort: 5000 }] }],
    })
    await room.serve('web', {}, ['web-0'], 5000)
    expect(textOf(await room.nodes.network.toService(web, 80, get()))).toBe(
      'Hello World, from Dockers and Kubernetes!\npod web-0 on node-1\n',
    )
  })
})

describe('what the API server asks of nodes', () => {
  test('pod and service proxy', async () => {
    await using room = await threePods()
    await room.serve('web', {}, all)
    const { nodeClient } = room.nodes
    expect((await nodeClient.proxyPod(await room.pod('web-1'), undefined, get())).headers['x-kubesim-pod']).toBe(
      'web-1',
    )
    expect((await nodeClient.proxyService(web, undefined, get())).status).toBe(200)
    await expect(nodeClient.proxyPod(await room.pod('web-1'), '81', get())).rejects.toMatchObject({
      code: 503,
      message: 'error trying to reach service: dial tcp 10.244.2.2:81: connect: connection refused',
    })
    await room.serve('empty', {}, [])
    await expect(nodeClient.proxyService({ ...web, name: 'empty' }, '80', get())).rejects.toMatchObject({
      code: 503,
      message: 'no endpoints available for service "empty"',
    })
  })
})

describe('ingress', () => {
  const ingress = (name: string, spec: object, annotations: Record<string, string> = {}) =>
    ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name, namespace: 'default', annotations },
      spec,
      status: {},
    }) as unknown as Frozen<Ingress>
  const to = (path: string, pathType: string, service = 'web') => ({
    path,
    pathType,
    backend: { service: { name: service, port: { number: 80 } } },
  })
  const rules = (host: string | undefined, ...paths: object[]) => ({
    rules: [{ ...(host ? { host } : {}), http: { paths } }],
  })

  test.each([
    ['a.example', '/', 'root'],
    ['a.example', '/api', 'api'],
    ['a.example', '/api/', 'api'],
    ['a.example', '/api/users', 'api'],
    ['a.example', '/apiary', 'root'],
    ['a.example', '/exact', 'exact'],
    ['a.example', '/exact/more', 'root'],
    ['b.wild.example', '/', 'wild'],
    ['b.c.wild.example', '/', 'any'],
    ['other.example', '/x', 'any'],
    ['strict.example', '/elsewhere', undefined],
  ])('%s%s goes to %s', (host, path, service) => {
    const ours = [
      ingress(
        'a',
        rules('a.example', to('/', 'Prefix', 'root'), to('/api', 'Prefix', 'api'), to('/exact', 'Exact', 'exact')),
      ),
      ingress('b', rules('*.wild.example', to('/', 'Prefix', 'wild'))),
      ingress('c', rules('strict.example', to('/only', 'Prefix', 'only'))),
      ingress('d', rules(undefined, to('/', 'Prefix', 'any'))),
    ]
    expect(routeOf(ours, host, path)?.backend.service?.name).toBe(service)
  })

  test('the addon: class, host, rewrite, 404 and 503', async () => {
    await using room = await threePods()
    const { network } = room.nodes
    await room.serve('web', {}, all)
    await room.serve('empty', {}, [])
    const annotations = { 'nginx.ingress.kubernetes.io/rewrite-target': '/$2' }
    const create = async (one: Frozen<Ingress>) => {
      await room.client.of(Ingresses).create(one as Ingress)
      await room.env.activity.idle()
    }
    await create(
      ingress('flask', rules('flask-app.local', to('/', 'Prefix')), {
        'nginx.ingress.kubernetes.io/rewrite-target': '/',
      }),
    )
    const ask = (host: string, path = '/') => toIngress(network, get(path, { host }), '127.0.0.1')
    expect((await ask('flask-app.local')).status).toBe(404)

    await room.client.of(IngressClasses).create({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'nginx' },
      spec: { controller: 'k8s.io/ingress-nginx' },
    })
    await create(
      ingress(
        'captures',
        { ingressClassName: 'nginx', ...rules('cap.local', to('/app(/|$)(.*)', 'ImplementationSpecific')) },
        annotations,
      ),
    )
    await create(ingress('none', rules('none.local', to('/', 'Prefix', 'empty'))))
    await create(ingress('foreign', { ingressClassName: 'other', ...rules('foreign.local', to('/', 'Prefix')) }))

    expect(await ask('flask-app.local')).toMatchObject({ status: 200 })
    expect(await ask('FLASK-APP.local:8080')).toMatchObject({ status: 200 })
    expect([
      (await ask('cap.local', '/app/index.html?x=1')).status,
      (await ask('cap.local', '/app')).status,
      (await ask('cap.local', '/app/zzz')).status,
    ]).toEqual([200, 200, 404])
    expect(textOf(await ask('nowhere.local'))).toBe('default backend - 404')
    expect((await ask('foreign.local')).status).toBe(404)
    expect((await ask('none.local')).status).toBe(503)
    const { status } = await room.client.of(Ingresses).get({ name: 'flask', namespace: 'default' })
    expect(status.loadBalancer?.ingress).toEqual([{ ip: '127.0.0.1' }])
    expect(await room.events('flask')).toEqual(['Sync: Scheduled for sync'])
    const foreign = await room.client.of(Ingresses).get({ name: 'foreign', namespace: 'default' })
    expect(foreign.status.loadBalancer?.ingress).toBeUndefined()
  })
})

test('a Service that is gone is forgotten', async () => {
  await using room = await threePods()
  await room.serve('web', {}, all)
  await room.client.of(Services).delete(web)
  await room.env.activity.idle()
  await expect(room.nodes.network.toService(web, 80, get())).rejects.toMatchObject({ errno: 'ECONNREFUSED' })
})

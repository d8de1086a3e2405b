// What objects of kind Image come to: pods of those images, live, in virtual time.

import { describe, expect, test } from 'vitest'
import type { PodSpec, V1alpha1ImageSpec } from '../../../generated/types.ts'
import { ImageBook, isAbout } from '../../../kubelet-sim/image-book.ts'
import { imageObject, imageOf, objectName } from '../../../kubelet-sim/images/declared.ts'
import { freeze } from '../../../src/api/freeze.ts'
import { Images, Nodes, Pods, Secrets } from '../../../src/kinds/index.ts'
import { type Room, virtualRoom } from '../room.ts'

const quick = { pullDelay: 0, startDelay: 0 }

const image = (name: string, spec: V1alpha1ImageSpec, labels?: Record<string, string>) => ({
  apiVersion: 'kubesim.dev/v1alpha1',
  kind: 'Image',
  metadata: { name, ...(labels ? { labels } : {}) },
  spec,
})

async function roomWith(name: string, spec: V1alpha1ImageSpec, pod: Partial<PodSpec> = {}, options = quick) {
  const room = await virtualRoom(options)
  await room.client.of(Images).create(image(name, spec))
  await room.run('web', 'node-1', { containers: [{ name: 'app', image: name }], ...pod })
  return room
}

const get = (path = '/', method = 'GET') => ({ method, path, headers: {}, body: Buffer.alloc(0) })
const ask = async (room: Room, port: number, path = '/', method = 'GET') => {
  const { status, headers, body } = await room.nodes.network.toPod('10.244.1.2', port, get(path, method))
  return { status, headers, text: Buffer.from(body).toString() }
}
const stateOf = async (room: Room) => {
  const { status } = await room.pod('web')
  const [own] = status.containerStatuses ?? []
  const { waiting, running, terminated } = own?.state ?? {}
  return `${status.phase} ${waiting?.reason ?? (running ? 'Running' : `${terminated?.reason}(${terminated?.exitCode})`)}`
}
const logsOf = async (room: Room) => {
  let text = ''
  for await (const chunk of room.nodes.nodeClient.logs(await room.pod('web'), {
    signal: new AbortController().signal,
  })) {
    text += chunk
  }
  return text
}

describe('what it serves', () => {
  test('the first route that fits says status, headers and body', async () => {
    await using room = await roomWith('shop', {
      ports: [
        {
          port: 8080,
          routes: [
            { path: '/healthz', status: 204 },
            { path: '/users/{id}', headers: { 'X-App': 'shop' }, body: '{"at":"$(path)","pod":"$(hostname)"}' },
            { path: '/orders', methods: ['POST'], status: 201, body: 'made' },
            { path: '/docs/*', body: '<h1>docs</h1>' },
          ],
        },
        { port: 9000, protocol: 'TCP' },
        { port: 9090 },
      ],
    })
    expect(await ask(room, 8080, '/healthz')).toMatchObject({ status: 204, text: '' })
    expect(await ask(room, 8080, '/users/7')).toMatchObject({
      status: 200,
      headers: { 'x-app': 'shop', 'content-type': 'application/json', 'x-kubesim-pod': 'web' },
      text: '{"at":"/users/7","pod":"web"}',
    })
    expect(await ask(room, 8080, '/orders', 'POST')).toMatchObject({ status: 201, text: 'made' })
    expect((await ask(room, 8080, '/orders')).status).toBe(405)
    expect((await ask(room, 8080, '/docs/a/b')).headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8' })
    expect((await ask(room, 8080, '/')).status).toBe(404)
    expect((await ask(room, 9090, '/any')).text).toBe('Hello from shop\npod web on node-1\n')
    await expect(room.nodes.network.toPod('10.244.1.2', 9999, get())).rejects.toMatchObject({ errno: 'ECONNREFUSED' })
  })

  test('answers take their time by the clock, and so many of a hundred fail', async () => {
    await using room = await roomWith('slow', {
      ports: [{ port: 80, routes: [{ latency: '250ms', errorPercent: 30, errorStatus: 503, body: 'ok' }] }],
    })
    const before = room.env.clock.now()
    const statuses: number[] = []
    for (let at = 0; at < 100; at++) {
      const asked = ask(room, 80)
      await room.env.clock.advance(250)
      statuses.push((await asked).status)
    }
    expect(room.env.clock.now() - before).toBe(25_000)
    const failed = statuses.filter(status => status === 503).length
    expect(failed).toBeGreaterThan(15)
    expect(failed).toBeLessThan(45)
    expect(new Set(statuses)).toEqual(new Set([200, 503]))
  })

  test('it listens once it has started up, and a probe waits for it', async () => {
    const probe = { httpGet: { path: '/ready', port: 80 }, periodSeconds: 1 }
    await using room = await roomWith(
      'late',
      { startsAfter: '5s', ports: [{ port: 80, routes: [{ path: '/ready', body: 'yes' }] }] },
      { containers: [{ name: 'app', image: 'late', readinessProbe: probe }] },
    )
    await room.env.clock.advance(3000)
    expect((await room.pod('web')).status.containerStatuses?.[0]).toMatchObject({ ready: false, started: true })
    await expect(ask(room, 80, '/ready')).rejects.toMatchObject({ errno: 'ECONNREFUSED' })
    await room.env.clock.advance(4000)
    expect((await room.pod('web')).status.containerStatuses?.[0]?.ready).toBe(true)
    expect((await ask(room, 80, '/ready')).text).toBe('yes')
  })
})

describe('how it runs', () => {
  test('it ends by itself with its code, and prints by the clock', async () => {
    await using room = await roomWith(
      'job',
      {
        endsAfter: '10s',
        exitCode: 3,
        logs: [{ text: 'begun on $(hostname)' }, { text: '$(clock) tick', after: '1s', every: '4s' }],
      },
      { restartPolicy: 'Never' },
    )
    await room.env.clock.advance(9000)
    expect(await stateOf(room)).toBe('Running Running')
    expect(await logsOf(room)).toBe('begun on web\n00:00:01 tick\n00:00:05 tick\n00:00:09 tick\n')
    await room.env.clock.advance(1000)
    expect(await stateOf(room)).toBe('Failed Error(3)')
  })

  test('a change of the object is a change of what runs', async () => {
    await using room = await roomWith(
      'app',
      { ports: [{ port: 80, routes: [{ body: 'one' }] }] },
      { restartPolicy: 'Never' },
    )
    expect((await ask(room, 80)).text).toBe('one')
    const images = room.client.of(Images)
    const body = { spec: { ports: [{ port: 80, routes: [{ body: 'two' }] }], endsAfter: '30s' } }
    await images.patch({ name: 'app' }, { type: 'merge', body })
    await room.env.activity.idle()
    expect((await ask(room, 80)).text).toBe('two')
    await room.env.clock.advance(31_000)
    expect(await stateOf(room)).toBe('Succeeded Completed(0)')
  })

  test('of an image of the catalog only what it says is another', async () => {
    await using room = await roomWith('nginx', { pull: { duration: '1m' } }, {}, { pullDelay: 1, startDelay: 0 })
    await room.env.clock.advance(59_000)
    expect(await stateOf(room)).toBe('Pending ContainerCreating')
    await room.env.clock.advance(2000)
    expect((await ask(room, 80)).text).toContain('Welcome to nginx!')
    expect(await room.events('web')).toContain(
      'Pulled: Successfully pulled image "nginx" in 1m0s (1m0s including waiting). Image size: 72319182 bytes.',
    )
  })
})

describe('how it is pulled', () => {
  test.each([
    [
      'NotFound',
      'rpc error: code = NotFound desc = failed to pull and unpack image "quay.io/a/b:v1": failed to resolve reference "quay.io/a/b:v1": quay.io/a/b:v1: not found',
    ],
    [
      'Unavailable',
      'failed to pull and unpack image "quay.io/a/b:v1": failed to resolve reference "quay.io/a/b:v1": failed to do request: Head "https://quay.io/v2/a/b/manifests/v1": dial tcp: lookup quay.io: no such host',
    ],
    [
      'no space left on device',
      'failed to pull and unpack image "quay.io/a/b:v1": failed to resolve reference "quay.io/a/b:v1": no space left on device',
    ],
  ])('a registry that is declared to fail: %s', async (failure, message) => {
    await using room = await virtualRoom(quick)
    await room.client.of(Images).create(image('quay', { names: ['quay.io/*'], pull: { failure } }))
    await room.run('web', 'node-1', { containers: [{ name: 'app', image: 'quay.io/a/b:v1' }] })
    expect(await room.events('web')).toContain(`Failed: Failed to pull image "quay.io/a/b:v1": ${message}`)
    await room.env.clock.advance(2000)
    const { state } = (await room.pod('web')).status.containerStatuses![0]!
    expect(state?.waiting).toEqual({
      reason: 'ImagePullBackOff',
      message: `Back-off pulling image "quay.io/a/b:v1": ErrImagePull: ${message}`,
    })
    // The registry is there again: at the end of the back-off it is tried again.
    await room.client.of(Images).delete({ name: 'quay' })
    await room.env.clock.advance(20_000)
    expect(await stateOf(room)).toBe('Running Running')
  })

  test('a private one wants a secret that names its registry (Pull an Image from a Private Registry)', async () => {
    await using room = await virtualRoom(quick)
    await room.client
      .of(Images)
      .create(image('team', { names: ['registry.example.com/team/*'], pull: { private: true } }))
    await room.run('web', 'node-1', {
      containers: [{ name: 'app', image: 'registry.example.com/team/app:v1' }],
      imagePullSecrets: [{ name: 'regcred' }],
    })
    await room.env.clock.advance(2000)
    expect(await stateOf(room)).toBe('Pending ImagePullBackOff')
    expect((await room.pod('web')).status.containerStatuses?.[0]?.state?.waiting?.message).toContain(
      'pull access denied',
    )
    const secret = (host: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/dockerconfigjson',
      metadata: { name: 'regcred', namespace: 'default' },
      stringData: { '.dockerconfigjson': JSON.stringify({ auths: { [host]: { auth: 'dTpw' } } }) },
    })
    const secrets = room.client.of(Secrets)
    await secrets.create(secret('https://other.example.com/v1/') as never)
    await room.env.clock.advance(60_000)
    expect(await stateOf(room)).toBe('Pending ImagePullBackOff')
    await secrets.delete({ name: 'regcred', namespace: 'default' })
    await secrets.create(secret('*.example.com') as never)
    await room.env.clock.advance(300_000)
    expect(await stateOf(room)).toBe('Running Running')
  })

  test('what every node has need not be pulled, and the node says that it has it', async () => {
    await using room = await virtualRoom({ pullDelay: 1, startDelay: 0 })
    await room.client.of(Images).create(image('app', {}, { 'kubesim.dev/present': 'true' }))
    await room.run('web', 'node-1', {
      containers: [{ name: 'app', image: 'app:v1', imagePullPolicy: 'Never' }],
    })
    expect(await stateOf(room)).toBe('Running Running')
    await room.env.clock.advance(300_000)
    const node = await room.client.of(Nodes).get({ name: 'node-1' })
    expect(node.status.images?.flatMap(({ names }) => names)).toContain('docker.io/library/app:v1')
  })

  test('a node pulls one image after another', async () => {
    await using room = await virtualRoom({ pullDelay: 1, startDelay: 0 })
    for (const name of ['one', 'two']) {
      await room.client.of(Images).create(image(name, { pull: { duration: '10s' } }))
      await room.run(name, 'node-1', { containers: [{ name: 'app', image: name }] })
    }
    await room.env.clock.advance(21_000)
    expect((await room.events('two')).find(line => line.startsWith('Pulled'))).toBe(
      'Pulled: Successfully pulled image "two" in 10s (20s including waiting). Image size: 120000000 bytes.',
    )
  })
})

describe('names', () => {
  const about = (names: string[], wanted: string) => isAbout(freeze(image('x', { names })) as never, wanted)
  test.each([
    [['app'], 'app:v7', true],
    [['app:v1'], 'app:v1', true],
    [['app:v1'], 'app', false],
    [['docker.io/library/app'], 'app', true],
    [['localhost:5000/*'], 'localhost:5000/a/b:c', true],
    [['localhost:5000/a/*'], 'localhost:5000/ab', false],
    [['team/*'], 'docker.io/team/app', true],
  ])('%j is about %s: %s', (names, wanted, yes) => expect(about(names, wanted)).toBe(yes))

  test('an image that was built comes out of its object as it went in', () => {
    const built = {
      name: 'my-registry/my-app:v1',
      ports: [5000],
      command: ['python', 'app.py'],
      env: { A: 'b' },
      routes: { '/': 'hi', '/api': '{"a":1}' },
      prints: ['started'],
    }
    const object = imageObject(built)
    expect(object.metadata.name).toMatch(/^my-registry-my-app-v1-[0-9a-f]{8}$/)
    expect(objectName('flask-app')).toBe('flask-app')
    const image = imageOf(object as never)
    expect(image).toMatchObject({ name: built.name, ports: [5000], command: built.command, env: { A: 'b' } })
    expect(image.serves?.[0]?.routes?.map(({ path, body }) => [path, body])).toEqual([
      ['/', 'hi\npod $(hostname) on $(node)\n'],
      ['/api', '{"a":1}\n'],
    ])
    expect(new ImageBook().find('my-registry/my-app:v1')).toBeUndefined()
  })
})

test('faults are told in the words of Kubernetes, all at once', async () => {
  await using room = await virtualRoom(quick)
  const wrong = image('wrong', {
    names: ['UPPER', 'a', 'a'],
    base: 'windows',
    env: [{ name: '' }],
    ports: [
      { port: 0, protocol: 'UDP' },
      { port: 80, protocol: 'TCP', routes: [{ path: 'x', status: 99, latency: 'soon' }] },
    ],
    exitCode: 300,
    usage: [{ at: '5s' }, { at: '1s', memory: '-1' }],
    logs: [{ text: 'x', every: '0s' }],
  })
  const error = await room.client
    .of(Images)
    .create(wrong)
    .catch(caught => caught)
  expect(error.code).toBe(422)
  expect(
    error.details.causes.map(({ field, message }: { field: string; message: string }) => `${field}: ${message}`),
  ).toEqual([
    `spec.names[0]: Invalid value: "UPPER": must be the name of an image, with or without a tag, or of a registry or repository and '/*'`,
    'spec.names[2]: Duplicate value: "a"',
    'spec.base: Unsupported value: "windows": supported values: "alpine", "busybox", "debian", "fedora", "none", "ubuntu"',
    'spec.env[0].name: Required value',
    'spec.exitCode: Invalid value: 300: must be between 0 and 255, inclusive',
    'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    'spec.ports[0].protocol: Unsupported value: "UDP": supported values: "HTTP", "TCP"',
    "spec.ports[1].routes: Forbidden: may not be set when protocol is 'TCP'",
    'spec.ports[1].routes[0].path: Invalid value: "x": must be an absolute path',
    'spec.ports[1].routes[0].status: Invalid value: 99: must be between 200 and 599, inclusive',
    `spec.ports[1].routes[0].latency: Invalid value: "soon": must be a span of time, such as '500ms' or '1m30s'`,
    'spec.usage[1].at: Invalid value: "1s": must be later than the one before',
    'spec.usage[1].memory: Invalid value: "-1": must be greater than or equal to 0',
    'spec.logs[0].every: Invalid value: "0s": must be longer than no time',
  ])
  expect(await room.client.of(Pods).list({ namespace: 'default' })).toMatchObject({ items: [] })
})

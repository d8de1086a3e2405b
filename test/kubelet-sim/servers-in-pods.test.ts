// What the API server asks of programs in simulated pods: admission and conversion webhooks, API servers behind it, and the proxies
// of pods and Services where TLS or another protocol is spoken. All of it over simulated connections, in TLS that is verified.

import { once } from 'node:events'
import https from 'node:https'
import { describe, expect, test } from 'vitest'
import { issue } from '../../apiserver/http/x509.ts'
import type { APIService } from '../../generated/types.ts'
import { drive } from '../../kubelet-sim/network/drive.ts'
import { realEnv } from '../../src/env/real-env.ts'
import { APIServices, ConfigMaps, Deployments } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'

const { wall } = realEnv({ logLevel: 'silent' })
const life = { serial: Buffer.from('4001', 'hex'), notBefore: wall.now() - 60_000, notAfter: wall.now() + 86_400_000 }
const subject = { commonName: 'test-ca' }
const authority = issue({ ...life, subject, use: 'ca' })
const caBundle = Buffer.from(authority.cert).toString('base64')
const base64 = (text: string) => Buffer.from(text).toString('base64')

const certificateFor = (...names: string[]) =>
  issue({ ...life, subject: { commonName: names[0]! }, use: 'server', names }, { ...authority, subject })

/** A Deployment of agnhost, its Service on 443, and the Secret it serves with. */
function served(name: string, args: readonly string[], port: number) {
  const pair = certificateFor(`${name}.default.svc`)
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `${name}-tls` },
      data: { 'tls.crt': base64(pair.cert), 'tls.key': base64(pair.key) },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            volumes: [{ name: 'tls', secret: { secretName: `${name}-tls` } }],
            containers: [
              {
                name: 'main',
                image: 'registry.k8s.io/e2e-test-images/agnhost:2.53',
                args: [
                  ...args,
                  '--tls-cert-file=/tls/tls.crt',
                  '--tls-private-key-file=/tls/tls.key',
                  `--port=${port}`,
                ],
                volumeMounts: [{ name: 'tls', mountPath: '/tls' }],
                readinessProbe: { httpGet: { scheme: 'HTTPS', port, path: '/readyz' }, periodSeconds: 1 },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: { app: name }, ports: [{ port: 443, targetPort: port }] },
    },
  ]
}

const hook = (kind: string, path: string, bundle = caBundle) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind,
  metadata: { name: `hook${path.replaceAll('/', '-')}` },
  webhooks: [
    {
      name: `hook${path.replaceAll('/', '.')}.example.com`,
      clientConfig: { service: { namespace: 'default', name: 'guard', path }, caBundle: bundle },
      rules: [
        { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['configmaps'] },
      ],
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } },
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      timeoutSeconds: 10,
    },
  ],
})

const map = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1' as const,
  kind: 'ConfigMap' as const,
  metadata: { name, namespace: 'default' },
  data,
})

/** Creates, while time goes on; the message of what is refused. */
async function created(cluster: TestCluster, name: string, data: Record<string, string> = {}): Promise<string> {
  let said: string | undefined
  cluster.client
    .of(ConfigMaps)
    .create(map(name, data))
    .then(
      () => {
        said = 'created'
      },
      (error: Error) => {
        said = error.message
      },
    )
  await cluster.until(() => said !== undefined, '2m')
  return said!
}

async function guarded(): Promise<TestCluster> {
  const cluster = await testCluster({ nodes: 2, delays: 0 })
  await cluster.apply(...served('guard', ['webhook'], 8444))
  await cluster.advance('10s')
  return cluster
}

describe('a webhook in a pod (upstream’s sample, agnhost webhook)', () => {
  test('denies, and changes in two stages', async () => {
    await using cluster = await guarded()
    await cluster.apply(
      hook('ValidatingWebhookConfiguration', '/configmaps'),
      hook('MutatingWebhookConfiguration', '/mutating-configmaps'),
    )
    expect(await created(cluster, 'bad', { 'webhook-e2e-test': 'webhook-disallow' })).toBe(
      'admission webhook "hook.configmaps.example.com" denied the request: the configmap contains unwanted key and value',
    )
    expect(await created(cluster, 'good', { 'mutation-start': 'yes' })).toBe('created')
    expect(cluster.get(ConfigMaps, 'good').data).toEqual({ 'mutation-start': 'yes', 'mutation-stage-1': 'yes' })
  })

  test('takes its five seconds of the cluster’s time, or is not waited for any longer', async () => {
    await using cluster = await guarded()
    await cluster.apply(hook('ValidatingWebhookConfiguration', '/always-allow-delay-5s'))
    const before = cluster.env.clock.now()
    expect(await created(cluster, 'late')).toBe('created')
    expect(cluster.env.clock.now() - before).toBeGreaterThanOrEqual(5000)
    expect(cluster.env.clock.now() - before).toBeLessThan(7000)
  })

  test('is held against its certificate, and against its being there', async () => {
    await using cluster = await guarded()
    const stranger = issue({ ...life, subject, use: 'ca' })
    await cluster.apply(hook('ValidatingWebhookConfiguration', '/always-deny', base64(stranger.cert)))
    expect(await created(cluster, 'one')).toContain(
      'Post "https://guard.default.svc:443/always-deny?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    )
    await cluster.apply(hook('ValidatingWebhookConfiguration', '/always-deny'))
    expect(await created(cluster, 'two')).toBe(
      'admission webhook "hook.always-deny.example.com" denied the request: this webhook denies all requests',
    )
    const heal = cluster.cluster.nodes.network.faults.set({
      between: [{ controlPlane: true }, { namespace: 'default' }],
      cut: true,
    })
    expect(await created(cluster, 'three')).toMatch(/context deadline exceeded|i\/o timeout/)
    heal()
    await cluster.client
      .of(Deployments)
      .patch({ name: 'guard', namespace: 'default' }, { type: 'merge', body: { spec: { replicas: 0 } } })
    await cluster.advance('1m')
    expect(await created(cluster, 'four')).toContain('no endpoints available for service "guard"')
  })
})

test('custom objects are converted by a program in a pod', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  await cluster.apply(...served('converter', ['crd-conversion-webhook'], 9443))
  await cluster.advance('10s')
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  await cluster.apply({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'e2es.stable.example.com' },
    spec: {
      group: 'stable.example.com',
      names: { plural: 'e2es', kind: 'E2e' },
      scope: 'Namespaced',
      versions: ['v1', 'v2'].map(name => ({ name, served: true, storage: name === 'v1', schema })),
      conversion: {
        strategy: 'Webhook',
        webhook: {
          clientConfig: { caBundle, service: { name: 'converter', namespace: 'default', path: '/crdconvert' } },
          conversionReviewVersions: ['v1'],
        },
      },
    },
  } as never)
  await cluster.apply({
    apiVersion: 'stable.example.com/v1',
    kind: 'E2e',
    metadata: { name: 'one' },
    hostPort: 'host:80',
  } as never)
  await using door = await cluster.listen()
  const text = await asked(door, '/apis/stable.example.com/v2/namespaces/default/e2es/one')
  expect(JSON.parse(text)).toMatchObject({ apiVersion: 'stable.example.com/v2', host: 'host', port: '80' })
})

test('an API server in a pod serves its group', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  await cluster.apply(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'api', labels: { app: 'api' } },
      spec: { containers: [{ name: 'main', image: 'busybox', command: ['sleep', '1d'] }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'api' },
      spec: { selector: { app: 'api' }, ports: [{ port: 443, targetPort: 4443 }] },
    },
  )
  await cluster.advance('5s')
  const [pod] = cluster.pods({ app: 'api' })
  const sockets = cluster.cluster.nodes.network.socketsFor({ pod: pod! })
  const seen: (string | undefined)[] = []
  const resources = [{ name: 'flunders', namespaced: true, kind: 'Flunder', verbs: ['list'] }]
  // biome-ignore lint/correctness/useYield: an answer that waits for nothing
  const answer = function* ({ path, headers }: { path: string; headers: Readonly<Record<string, string>> }) {
    seen.push(headers['x-remote-user'])
    const body =
      path.startsWith('/apis/wardle.example.com/v1?') || path === '/apis/wardle.example.com/v1'
        ? { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'wardle.example.com/v1', resources }
        : { kind: 'FlunderList', apiVersion: 'wardle.example.com/v1', metadata: {}, items: [], path }
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(body)) }
  }
  sockets.serve(4443, answer, undefined, certificateFor('api.default.svc'))
  await cluster.apply({
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: 'v1.wardle.example.com' },
    spec: {
      group: 'wardle.example.com',
      version: 'v1',
      service: { name: 'api', namespace: 'default' },
      caBundle,
      groupPriorityMinimum: 2000,
      versionPriority: 200,
    },
  })
  await cluster.advance('1m')
  const service = cluster.get(APIServices, { name: 'v1.wardle.example.com' }) as unknown as APIService
  expect(service.status?.conditions?.[0]).toMatchObject({ type: 'Available', status: 'True', reason: 'Passed' })
  await using door = await cluster.listen()
  const list = JSON.parse(await asked(door, '/apis/wardle.example.com/v1/flunders?limit=3'))
  expect(list).toMatchObject({ kind: 'FlunderList', path: '/apis/wardle.example.com/v1/flunders?limit=3' })
  expect(seen.at(-1)).toBe('kubernetes-admin')
  sockets.closeAll()
})

type Open = Awaited<ReturnType<TestCluster['listen']>>

async function asked({ access, url }: Open, path: string): Promise<string> {
  const { ca, cert, key } = access as { ca: string; cert: string; key: string }
  const request = https.get(`${url}${path}`, { ca, cert, key })
  const [response] = await once(request, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  return text
}

describe('proxies', () => {
  test('a port that speaks TLS, through a Service and a pod', async () => {
    await using cluster = await testCluster({ nodes: 1, delays: 0 })
    await cluster.apply(
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'porter', labels: { app: 'porter' } },
        spec: {
          containers: [
            {
              name: 'main',
              image: 'registry.k8s.io/e2e-test-images/agnhost:2.53',
              args: ['porter'],
              env: [
                { name: 'SERVE_PORT_80', value: 'plain' },
                { name: 'SERVE_TLS_PORT_443', value: 'secret' },
              ],
              ports: [{ name: 'tls', containerPort: 443 }],
            },
          ],
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'porter' },
        spec: {
          selector: { app: 'porter' },
          ports: [
            { name: 'secure', port: 443 },
            { name: 'plain', port: 80 },
          ],
        },
      },
    )
    await cluster.advance('5s')
    await using door = await cluster.listen()
    const root = '/api/v1/namespaces/default'
    for (const path of [
      'services/https:porter:secure',
      'services/https:porter:443',
      'pods/https:porter:tls',
      'pods/https:porter:443',
    ]) {
      expect([path, await asked(door, `${root}/${path}/proxy/`)]).toEqual([path, 'secret'])
    }
    expect(await asked(door, `${root}/services/porter:plain/proxy/`)).toBe('plain')
    expect(JSON.parse(await asked(door, `${root}/pods/https:porter:80/proxy/`)).message).toBe(
      'error trying to reach service: tls: first record does not look like a TLS handshake',
    )
  })

  test('another protocol passes through both ways', async () => {
    await using cluster = await testCluster({ nodes: 1, delays: 0 })
    await cluster.apply(
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'echo', labels: { app: 'echo' } },
        spec: { containers: [{ name: 'main', image: 'busybox', command: ['sleep', '1d'] }] },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'echo' },
        spec: { selector: { app: 'echo' }, ports: [{ port: 80, targetPort: 7000 }] },
      },
    )
    await cluster.advance('5s')
    const [pod] = cluster.pods({ app: 'echo' })
    const { network } = cluster.cluster.nodes
    const listener = network.socketsFor({ pod: pod! }).listen(7000)
    const heads: string[] = []
    void drive(
      cluster.env,
      (function* () {
        for (;;) {
          const connection = yield* listener.accept()
          let head = ''
          while (!head.endsWith('\r\n\r\n')) head += Buffer.from((yield* connection.read())!).toString()
          heads.push(head)
          yield* connection.write(
            Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: shout\r\nConnection: Upgrade\r\n\r\n'),
          )
          const said = Buffer.from((yield* connection.read())!).toString()
          yield* connection.write(Buffer.from(said.toUpperCase()))
          connection.close()
        }
      })(),
    ).catch(() => 'the listener is closed in the end')
    await using door = await cluster.listen()
    const { ca, cert, key } = door.access as { ca: string; cert: string; key: string }
    for (const path of ['pods/echo:7000/proxy/chat?room=1', 'services/echo/proxy/chat?room=1']) {
      const request = https.get(`${door.url}/api/v1/namespaces/default/${path}`, {
        ca,
        cert,
        key,
        headers: { connection: 'Upgrade', upgrade: 'shout', authorization: 'Bearer mine' },
      })
      const [response, socket] = await once(request, 'upgrade')
      expect(response.headers.upgrade).toBe('shout')
      socket.write('hello')
      const [answer] = await once(socket, 'data')
      expect(answer.toString()).toBe('HELLO')
      socket.destroy()
    }
    expect(heads[0]).toMatch(/^GET \/chat\?room=1 HTTP\/1\.1\r\n/)
    expect(heads.join('').toLowerCase()).not.toContain('authorization')
    listener.close()
  })
})

// Upstream's conformance items whose pods run programs that kubectl asks, by their names (test/e2e/auth/service_accounts.go,
// test/e2e/kubectl/logs.go, test/e2e/kubectl/kubectl.go with testing-manifests/guestbook).

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { type Server, startServer } from '../support/server.ts'

const agnhost = 'registry.k8s.io/e2e-test-images/agnhost:2.53'

describe.skipIf(noKubectl)(`programs in pods${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
  let server: Server
  const kubectl = (...words: string[]) => server.kubectl(...words)
  const given = async (stdin: string, ...words: string[]) => {
    const { code, stdout, stderr } = await server.kubectl.run(words, { stdin })
    expect([code, stderr]).toEqual([0, ''])
    return stdout
  }
  const reviewed = async (token: string, ...audiences: string[]) => {
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } }
    return JSON.parse(await given(JSON.stringify(review), 'create', '-f', '-', '-o', 'json')).status
  }

  beforeAll(async () => {
    server = await startServer({ words: ['--memory'] })
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())

  test('[sig-auth] ServiceAccounts should mount an API token into pods', async () => {
    await kubectl('create', 'serviceaccount', 'mount-test')
    await given(
      `
apiVersion: v1
kind: Pod
metadata: { name: pod-service-account }
spec:
  serviceAccountName: mount-test
  containers: [{ name: test, image: ${agnhost}, command: [sleep, '100000'] }]
`,
      'apply',
      '-f',
      '-',
    )
    await kubectl('wait', '--for=condition=Ready', 'pod/pod-service-account', '--timeout=30s')
    const mounted = (file: string) =>
      kubectl('exec', 'pod-service-account', '--', 'cat', `/var/run/secrets/kubernetes.io/serviceaccount/${file}`)
    expect(await reviewed(await mounted('token'))).toMatchObject({
      authenticated: true,
      user: {
        username: 'system:serviceaccount:default:mount-test',
        groups: expect.arrayContaining(['system:serviceaccounts', 'system:serviceaccounts:default']),
      },
    })
    expect(await mounted('namespace')).toBe('default')
    const root = JSON.parse(await kubectl('get', 'configmap', 'kube-root-ca.crt', '-o', 'json'))
    expect(await mounted('ca.crt')).toBe(root.data['ca.crt'])
  })

  test('[sig-auth] ServiceAccounts should mount projected service account token', async () => {
    await given(
      `
apiVersion: v1
kind: Pod
metadata: { name: test-pod }
spec:
  restartPolicy: Never
  containers:
    - name: agnhost-container
      image: ${agnhost}
      args: [mounttest, '--file_content=/test-volume/token']
      volumeMounts: [{ name: projected, mountPath: /test-volume }]
  volumes:
    - name: projected
      projected:
        sources: [{ serviceAccountToken: { path: token, audience: vault, expirationSeconds: 3600 } }]
`,
      'apply',
      '-f',
      '-',
    )
    await kubectl('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/test-pod', '--timeout=30s')
    const [, token = ''] = /content of file "\/test-volume\/token": (\S+)/.exec(await kubectl('logs', 'test-pod')) ?? []
    expect(await reviewed(token, 'vault')).toMatchObject({ authenticated: true, audiences: ['vault'] })
    expect((await reviewed(token)).authenticated).not.toBe(true)
  })

  test('[sig-cli] Kubectl logs logs should be able to retrieve and filter logs', async () => {
    const words = ['--restart=Never', '--pod-running-timeout=2m0s', '--', 'logs-generator']
    await kubectl(
      'run',
      'logs-generator',
      `--image=${agnhost}`,
      ...words,
      '--log-lines-total',
      '100',
      '--run-duration',
      '20s',
    )
    await kubectl('wait', '--for=condition=Ready', 'pod/logs-generator', '--timeout=30s')
    const lines = (text: string) => text.split('\n').filter(Boolean)
    const logs = (...more: string[]) => kubectl('logs', 'logs-generator', 'logs-generator', ...more)
    await expect.poll(async () => lines(await logs()).length, { timeout: 20_000 }).toBeGreaterThan(10)
    const all = lines(await logs())
    expect(all[0]).toMatch(/\d+ (GET|PUT|POST) \/api\/v1\/namespaces\/\S+ \d+$/)
    expect(lines(await logs('--tail=1'))).toHaveLength(1)
    expect(await logs('--limit-bytes=1')).toHaveLength(1)
    const [stamped = ''] = lines(await logs('--tail=1', '--timestamps'))
    expect(Date.parse(stamped.split(' ')[0]!)).toBeGreaterThan(0)
    const recent = lines(await logs('--since=1s')).length
    expect(lines(await logs('--since=24h')).length).toBeGreaterThan(recent)
  })

  test('[sig-cli] Kubectl client Guestbook application should create and stop a working application', async () => {
    const part = (name: string, replicas: number, port: number, ...args: string[]) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - { name: main, image: ${agnhost}, args: ${JSON.stringify(['guestbook', ...args])}, ports: [{ containerPort: ${port} }] }
---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${name} }, ports: [{ port: ${port} }] }
`
    const manifests = [
      part('agnhost-primary', 1, 6379, '--http-port', '6379'),
      part('agnhost-replica', 2, 6379, '--replicaof', 'agnhost-primary', '--http-port', '6379'),
      part('frontend', 3, 80, '--backend-port', '6379'),
    ].join('---')
    await given(manifests, 'create', '-f', '-')
    for (const name of ['agnhost-primary', 'agnhost-replica', 'frontend'])
      await kubectl('rollout', 'status', `deployment/${name}`, '--timeout=60s')
    const ask = (query: string) =>
      kubectl('get', '--raw', `/api/v1/namespaces/default/services/frontend/proxy/guestbook?${query}`)
    // The replicas have yet to find their primary, and upstream asks again as well.
    const asked = (query: string, wanted: string) =>
      expect.poll(() => ask(query).catch(error => String(error)), { timeout: 30_000, interval: 500 }).toBe(wanted)
    await asked('cmd=get&key=messages&value=', '{"data":""}')
    await asked('cmd=set&key=messages&value=TestEntry', '{"message":"Updated"}')
    await asked('cmd=get&key=messages&value=', '{"data":"TestEntry"}')
    await given(manifests, 'delete', '--grace-period=0', '--force', '-f', '-').catch(() => '')
    await kubectl(
      'wait',
      '--for=delete',
      'pods',
      '-l',
      'app in (agnhost-primary,agnhost-replica,frontend)',
      '--timeout=30s',
    )
  })
})

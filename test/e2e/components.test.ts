// The parts of a control plane as processes of their own, as a user starts them: `kubesim scheduler --kubeconfig F`.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { signingRequest } from '../support/certificate-requests.ts'
import { type Kubectl, noKubectl } from '../support/kubectl.ts'
import { kubesim, startComponent, startServer } from '../support/server.ts'

const manifest = (name: string, replicas: number): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'nginx', image: 'nginx', ports: [{ containerPort: 80 }] }] },
      },
    },
  })

async function deploy(kubectl: Kubectl, name: string, replicas: number): Promise<void> {
  const applied = await kubectl.run(['apply', '-f', '-'], { stdin: manifest(name, replicas) })
  expect(applied.stderr).toBe('')
  await kubectl('rollout', 'status', `deployment/${name}`, '--timeout=30s')
}

const quick = ['--memory', '--delays', '0', '--nodes', '2']

describe.skipIf(noKubectl)('components of their own', () => {
  test('without a scheduler pods stay Pending until one comes, which ends with 0 on SIGTERM', async () => {
    await using server = await startServer({ words: [...quick, '--without', 'scheduler'] })
    const { kubectl } = server
    await kubectl('run', 'waiting', '--image=nginx')
    const early = await kubectl.run(['wait', '--for=condition=PodScheduled', 'pod/waiting', '--timeout=1s'])
    expect(early.code).toBe(1)
    expect(await kubectl('get', 'pod', 'waiting')).toMatch(/0\/1\s+Pending/)
    await using scheduler = startComponent('scheduler', server.kubeconfig)
    await kubectl('wait', '--for=condition=Ready', 'pod/waiting', '--timeout=30s')
    expect(await scheduler.stop()).toBe(0)
    expect(scheduler.stderr()).toBe(`✓ kubesim scheduler is running against ${server.url}\n`)
  })

  test('of two schedulers one stands by, and takes over when the other ends', async () => {
    await using server = await startServer({ words: [...quick, '--without', 'scheduler'] })
    const { kubectl } = server
    await using first = startComponent('scheduler', server.kubeconfig)
    await first.says('is running')
    await using second = startComponent('scheduler', server.kubeconfig)
    await second.says('standing by')
    const holder = () =>
      kubectl('get', 'lease', 'kube-scheduler', '-n', 'kube-system', '-o', 'jsonpath={.spec.holderIdentity}')
    expect(second.stderr()).toContain(`standing by, ${await holder()} leads ...`)
    expect(await first.stop()).toBe(0)
    await second.says('is running')
    await kubectl('run', 'late', '--image=nginx')
    await kubectl('wait', '--for=condition=Ready', 'pod/late', '--timeout=30s')
  })

  test('every component apart from the others: pods run, node ports answer, logs and proxies lead to them', async () => {
    await using server = await startServer({ words: [...quick, '--without', 'controllers,scheduler,kubelet,proxy'] })
    const { kubectl, kubeconfig } = server
    await using controllers = startComponent('controllers', kubeconfig)
    await using scheduler = startComponent('scheduler', kubeconfig)
    const manifests = mkdtempSync(join(tmpdir(), 'kubesim-static-'))
    const containers = [{ name: 'main', image: 'nginx' }]
    const own = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'own' }, spec: { containers } }
    writeFileSync(join(manifests, 'own.json'), JSON.stringify(own))
    const words = ['--delays', '0', '--nodes', '2', '--static-pods', manifests]
    await using kubelet = startComponent('kubelet', kubeconfig, ...words)
    await using proxy = startComponent('proxy', kubeconfig, '--ingress-port', '0')
    await deploy(kubectl, 'web', 2)
    await kubectl('expose', 'deployment', 'web', '--port=80', '--type=NodePort')
    await proxy.says('is running')
    const address = await kubectl('get', 'node', 'node-1', '-o', 'jsonpath={.status.addresses[0].address}')
    const port = await kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.ports[0].nodePort}')
    expect(await page(address, Number(port))).toContain('nginx')

    const name = (await kubectl('get', 'pods', '-o', 'name')).split('\n')[0]!
    expect(await kubectl('exec', name, '--', 'cat', '/etc/hostname')).toBe(`${name.replace('pod/', '')}\n`)
    const typed = await kubectl.run(['exec', '-i', name, '--', 'sh'], { stdin: 'echo $((2 * 21)); exit 6' })
    expect([typed.stdout, typed.code]).toEqual(['42\n', 6])
    expect(await kubectl('get', '--raw', `/api/v1/namespaces/default/${name.replace('pod', 'pods')}/proxy/`)).toContain(
      'nginx',
    )
    expect(await kubectl('logs', name, '--tail=1')).toMatch(/GET \/ HTTP/)
    expect(await kubectl('get', '--raw', '/api/v1/namespaces/default/services/web/proxy/')).toContain('nginx')
    await kubectl('wait', '--for=condition=Ready', 'pod/own-node-1', '--timeout=30s')
    // Measured by the kubelets' own process; of a pod only once it has run for a quarter of a minute.
    expect(await kubectl('top', 'nodes', '--no-headers')).toMatch(/^node-1 +\d+m +\d+% +\d+Mi/)
    const refused = await kubectl.run(['logs', '-f', name, '-c', 'nope'])
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('container nope is not valid for pod') })

    for (const component of [proxy, kubelet, scheduler, controllers]) expect(await component.stop()).toBe(0)
    const gone = await kubectl.run(['logs', name])
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('no kubelet runs') })
  })

  test('controllers of their own sign, when they are given the keys', async () => {
    await using server = await startServer({ words: ['--nodes', '0', '--without', 'controllers'] })
    const { kubectl, kubeconfig, dataDir } = server
    const pki = (name: string) => join(dataDir, 'pki', name)
    const files = [
      ['--cluster-signing-cert-file', pki('ca.crt')],
      ['--cluster-signing-key-file', pki('ca.key')],
      ['--service-account-private-key-file', pki('sa.key')],
    ].flat()
    await using controllers = startComponent('controllers', kubeconfig, ...files)
    await controllers.says('is running')
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot' } },
        {
          apiVersion: 'v1',
          kind: 'Secret',
          type: 'kubernetes.io/service-account-token',
          metadata: { name: 'bot', annotations: { 'kubernetes.io/service-account.name': 'bot' } },
        },
        {
          apiVersion: 'certificates.k8s.io/v1',
          kind: 'CertificateSigningRequest',
          metadata: { name: 'jane' },
          spec: {
            request: signingRequest('jane'),
            signerName: 'kubernetes.io/kube-apiserver-client',
            usages: ['client auth'],
          },
        },
      ],
    }
    expect((await kubectl.run(['apply', '-f', '-'], { stdin: JSON.stringify(list) })).stderr).toBe('')
    await kubectl('wait', '--for=jsonpath={.data.token}', 'secret/bot', '--timeout=20s')
    const token = Buffer.from(
      await kubectl('get', 'secret', 'bot', '-o', 'jsonpath={.data.token}'),
      'base64',
    ).toString()
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }
    const reviewed = await kubectl.run(['create', '-o', 'jsonpath={.status.user.username}', '-f', '-'], {
      stdin: JSON.stringify(review),
    })
    expect(reviewed.stdout).toBe('system:serviceaccount:default:bot')
    await kubectl('certificate', 'approve', 'jane')
    await kubectl('wait', '--for=jsonpath={.status.certificate}', 'csr/jane', '--timeout=20s')
    expect(await controllers.stop()).toBe(0)
    const half = ['--cluster-signing-key-file', pki('ca.key')]
    const refused = await kubesim(server.home, 'controllers', '--kubeconfig', kubeconfig, ...half)
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining(
        '--cluster-signing-cert-file and --cluster-signing-key-file go together: one was left out',
      ),
    ])
  })

  test("nobody but an administrator reads a container's log from the kubelet's own port", async () => {
    await using server = await startServer({ words: [...quick, '--without', 'kubelet'] })
    await using kubelet = startComponent('kubelet', server.kubeconfig, '--nodes', '1')
    await kubelet.says('is running')
    const at = await server.kubectl(
      'get',
      'node',
      'node-1',
      '-o',
      'jsonpath={.status.daemonEndpoints.kubeletEndpoint.Port}',
    )
    for (const authorization of [undefined, 'Bearer ', `Bearer ${'x'.repeat(43)}`]) {
      const asked = await fetch(`http://127.0.0.1:${at}/logs`, {
        method: 'POST',
        body: '{}',
        ...(authorization === undefined ? {} : { headers: { authorization } }),
      })
      expect(asked.status).toBe(401)
    }
  })

  test('a server that is started again finds its components going on where they were', async () => {
    const home = mkdtempSync(join(tmpdir(), 'kubesim-components-'))
    try {
      const words = [
        '--fsync',
        'false',
        '--delays',
        '0',
        '--nodes',
        '2',
        '--without',
        'controllers,scheduler,kubelet,proxy',
      ]
      const first = await startServer({ dataDir: home, words })
      const names = ['controllers', 'scheduler', 'kubelet', 'proxy']
      const running = names.map(name => startComponent(name, first.kubeconfig, '--delays', '0', '--ingress-port', '0'))
      await deploy(first.kubectl, 'before', 2)
      expect(await first.stop()).toBe(0)
      const { port } = new URL(first.url)
      await using second = await startServer({ dataDir: home, words: [...words, '--port', port] })
      await deploy(second.kubectl, 'after', 2)
      expect(await second.kubectl('logs', 'deploy/after')).toContain('start worker processes')
      for (const component of running) expect(await component.stop()).toBe(0)
      await first[Symbol.asyncDispose]()
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  })
})

describe('a component that cannot work', () => {
  const kubeconfig = (server: string, file: string): string => {
    const text = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'c', user: { token: 'wrong' } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
    }
    writeFileSync(file, JSON.stringify(text))
    return file
  }

  test('waits for a server that is not there, and ends with 0 when told to', async () => {
    const home = mkdtempSync(join(tmpdir(), 'kubesim-components-'))
    const file = kubeconfig('https://127.0.0.1:1', join(home, 'config'))
    await using kubelet = startComponent('kubelet', file)
    await kubelet.says('waiting for https://127.0.0.1:1 ...')
    expect(await kubelet.stop()).toBe(0)
    rmSync(home, { recursive: true, force: true })
  })

  test('says in one line that the server refuses it, or that there is no such kubeconfig', async () => {
    await using server = await startServer({ words: [...quick] })
    const file = kubeconfig(server.url, join(server.home, 'wrong'))
    const refused = await kubesim(server.home, 'scheduler', '--kubeconfig', file)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toBe('kubesim: Unauthorized\n')
    const missing = await kubesim(server.home, 'scheduler', '--kubeconfig', '/does/not/exist')
    expect(missing).toMatchObject({ code: 1, stdout: '' })
    expect(missing.stderr).toMatch(/^kubesim: .*\/does\/not\/exist.*\n$/)
  })
})

function page(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    http
      .get({ host, port, path: '/', agent: false }, response => {
        let text = ''
        response.on('data', chunk => {
          text += chunk
        })
        response.on('end', () => resolve(text))
      })
      .on('error', reject)
  })
}

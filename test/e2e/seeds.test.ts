// The seeds, with the real kubectl: every manifest and every command of the documents this project came from.

import { mkdirSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { noSeeds, seedBlock, seedManifests } from '../support/seeds.ts'
import { kubesim, type Server, startServer } from '../support/server.ts'

const cannot = noKubectl ?? noSeeds

describe.skipIf(cannot)(`the seeds${cannot ? ` (skipped: ${cannot})` : ''}`, () => {
  let server: Server
  let folder: string
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }

  beforeAll(async () => {
    server = await startServer()
    folder = join(server.home, 'flask-app')
    mkdirSync(folder)
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())

  test('kubectl cluster-info and get nodes', async () => {
    expect(await server.kubectl('cluster-info')).toContain(`Kubernetes control plane is running at ${server.url}`)
    const nodes = await server.kubectl('get', 'nodes')
    expect(nodes.split('\n').filter(line => / Ready /.test(line))).toHaveLength(3)
  })

  test('the flask application: from Dockerfile to an answer of each of its three pods', async () => {
    file('Dockerfile', seedBlock('dockerfile', 'python:3.10.6'))
    file('app.py', seedBlock('python', 'from flask'))
    const built = await kubesim(server.home, 'image', 'build', '--data-dir', server.dataDir, '-t', 'flask-app', folder)
    expect(built).toMatchObject({ code: 0 })

    const deployment = file('deployment.yaml', seedBlock('yaml', 'image: flask-app'))
    const service = file('service.yaml', seedBlock('yaml', 'name: flask-app-service'))
    expect(await server.kubectl('apply', '-f', deployment)).toBe('deployment.apps/flask-app created\n')
    expect(await server.kubectl('apply', '-f', service)).toBe('service/flask-app-service created\n')
    expect(await server.kubectl('rollout', 'status', 'deployment/flask-app', '--timeout=60s')).toContain(
      'successfully rolled out',
    )
    expect(await server.kubectl('get', 'deployments')).toMatch(/flask-app\s+3\/3\s+3\s+3/)
    await server.kubectl(
      'wait',
      '--for=jsonpath={.status.loadBalancer.ingress[0].ip}',
      'service/flask-app-service',
      '--timeout=30s',
    )

    const [address, external, nodePort] = (
      await server.kubectl(
        'get',
        'service',
        'flask-app-service',
        '-o',
        'jsonpath={.status.loadBalancer.ingress[0].ip} {.spec.type} {.spec.ports[0].nodePort}',
      )
    ).split(' ')
    expect(external).toBe('LoadBalancer')
    const nodeIP = (await kubesim(server.home, 'ip', '--data-dir', server.dataDir)).stdout.trim()
    const pods = (
      await server.kubectl('get', 'pods', '-l', 'app=flask-app', '-o', 'jsonpath={.items[*].metadata.name}')
    ).split(' ')
    expect(pods).toHaveLength(3)

    for (const url of [`http://${nodeIP}:${nodePort}/`, `http://${address}:80/`]) {
      const answers = await Promise.all(Array.from({ length: 40 }, () => get(url)))
      expect(answers.every(({ status }) => status === 200)).toBe(true)
      expect(answers.every(({ body }) => body.includes('Hello World, from Dockers and Kubernetes!'))).toBe(true)
      expect(new Set(pods.filter(pod => answers.some(({ body }) => body.includes(pod)))).size).toBe(3)
      expect(answers.every(({ body }) => /node-\d/.test(body))).toBe(true)
    }

    const url = await kubesim(server.home, 'service', 'flask-app-service', '--url', '--data-dir', server.dataDir)
    expect(url.code).toBe(0)
    expect((await get(url.stdout.trim().split('\n')[0]!)).body).toContain('Hello World')
  })

  test('the ingress routes flask-app.local', async () => {
    const enabled = await kubesim(server.home, 'addons', 'enable', 'ingress', '--data-dir', server.dataDir)
    expect(enabled.code).toBe(0)
    const ingress = file('ingress.yaml', seedBlock('yaml', 'kind: Ingress'))
    expect(await server.kubectl('apply', '-f', ingress)).toBe('ingress.networking.k8s.io/flask-app-ingress created\n')
    await server.kubectl(
      'wait',
      '--for=jsonpath={.status.loadBalancer.ingress[0].ip}',
      'ingress/flask-app-ingress',
      '--timeout=30s',
    )
    expect(await server.kubectl('get', 'ingress')).toMatch(/flask-app-ingress\s+nginx\s+flask-app\.local/)
    const listed = JSON.parse(
      (await kubesim(server.home, 'status', '--data-dir', server.dataDir, '-o', 'json')).stdout,
    ) as { ingress?: string }
    expect(listed.ingress).toMatch(/^127\.0\.0\.1:\d+$/)
    const routed = await get(`http://${listed.ingress}/`, { host: 'flask-app.local' })
    expect(routed.body).toContain('Hello World, from Dockers and Kubernetes!')
    expect((await get(`http://${listed.ingress}/`, { host: 'elsewhere.local' })).status).toBe(404)
  })

  test('every other manifest applies and comes to what a cluster would make of it', async () => {
    const manifests = seedManifests()
    expect(manifests.length).toBeGreaterThanOrEqual(7)
    for (const [index, { text }] of manifests.entries()) {
      const applied = await server.kubectl.run(['apply', '-f', file(`seed-${index}.yaml`, text)])
      if (text.includes('<your_service_name>')) {
        expect(applied.stderr).toContain('Invalid value: "<your_service_name>"')
      } else {
        expect(applied).toMatchObject({ code: 0 })
      }
    }
    await server.kubectl('rollout', 'status', 'deployment/my-app', '--timeout=60s')
    // A placeholder is not an image name: as on a real node.
    await server.kubectl(
      'wait',
      '--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=InvalidImageName',
      'pod',
      '-l',
      'app=my-python-app',
      '--timeout=30s',
    )
    expect(await server.kubectl('get', 'pods', '-l', 'app=my-python-app')).toMatch(/0\/1\s+InvalidImageName/)
    expect(await server.kubectl('get', 'svc', 'my-app')).toMatch(
      /my-app\s+ClusterIP\s+10\.\d+\.\d+\.\d+\s+<none>\s+80\/TCP/,
    )
  })

  test('cleaning up', async () => {
    await server.kubectl('delete', '-f', join(folder, 'deployment.yaml'))
    await server.kubectl('delete', '-f', join(folder, 'service.yaml'))
    await server.kubectl('wait', '--for=delete', 'pod', '-l', 'app=flask-app', '--timeout=60s')
    expect(await server.kubectl('get', 'pods', '-l', 'app=flask-app')).toBe('')
  })
})

function get(url: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { headers, agent: false }, incoming => {
        let body = ''
        incoming.on('data', chunk => {
          body += chunk
        })
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body }))
      })
      .on('error', reject)
  })
}

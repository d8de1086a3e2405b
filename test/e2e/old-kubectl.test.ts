// A kubectl of three years ago: older discovery, no aggregated form of it, SPDY instead of WebSockets, other patches.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Kubectl, kubectlFor, noKubectl } from '../support/kubectl.ts'
import { type Server, startServer } from '../support/server.ts'

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.25", ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`

describe.skipIf(noKubectl)(`kubectl 1.25${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
  let server: Server
  let kubectl: Kubectl
  beforeAll(async () => {
    server = await startServer({ words: ['--memory', '--delays', '0.1'] })
    kubectl = kubectlFor(server.kubeconfig, 25)
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())

  test('is the old one', async () => {
    expect(await kubectl('version', '--short')).toMatch(/Client Version: v1\.25/)
  })

  test('applies, changes, rolls back and deletes', async () => {
    const applied = await kubectl.run(['apply', '-f', '-'], { stdin: web })
    expect(applied.stdout).toBe('deployment.apps/web created\nservice/web created\n')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
    await kubectl('set', 'image', 'deployment/web', 'web=nginx:1.27')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
    expect(await kubectl('rollout', 'history', 'deployment/web')).toMatch(/^1\s.*\n2\s/m)
    await kubectl('rollout', 'undo', 'deployment/web')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
    expect(await kubectl('get', 'deployment', 'web', '-o', 'jsonpath={..image}')).toBe('nginx:1.25')
    await kubectl('scale', 'deployment/web', '--replicas=3')
    expect((await kubectl.run(['diff', '-f', '-'], { stdin: web })).stdout).toMatch(/-\s+replicas: 3\n\+\s+replicas: 2/)
    await kubectl('label', 'deployment/web', 'tier=front')
    await kubectl('annotate', 'service/web', 'note=seen')
    expect(await kubectl('describe', 'deployment/web')).toMatch(/tier=front/)
    expect(await kubectl('get', 'all', '-l', 'app=web', '--no-headers')).toMatch(/pod\/web-/)
    expect((await kubectl.run(['delete', '-f', '-'], { stdin: web })).stdout).toContain('deployment.apps "web" deleted')
  })

  test('lists what there is, and explains it', async () => {
    expect(await kubectl('api-resources')).toMatch(/^deployments\s+deploy\s+apps\/v1\s+true\s+Deployment$/m)
    expect(await kubectl('explain', 'pod.spec.containers.image')).toMatch(/FIELD:\s+image <string>/)
    expect(await kubectl('get', 'nodes', '-o', 'wide')).toMatch(/node-1\s+Ready/)
    expect(await kubectl('cluster-info')).toContain(server.url)
  })

  test('runs a pod and reads its log', async () => {
    await kubectl('run', 'one', '--image=nginx')
    await kubectl('wait', 'pod/one', '--for=condition=Ready', '--timeout=30s')
    expect((await kubectl.run(['logs', 'one'])).code).toBe(0)
    await kubectl('delete', 'pod', 'one', '--grace-period=1')
  })
})

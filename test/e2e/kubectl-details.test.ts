// The real kubectl where a small thing of an answer decides what a user sees: a refusal's details, a table's columns, a
// warning, a review.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { type Server, startServer } from '../support/server.ts'

describe.skipIf(noKubectl)(`kubectl${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
  let server: Server
  let kubectl: Server['kubectl']

  beforeAll(async () => {
    server = await startServer({ words: ['--delays', '0.1'] })
    kubectl = server.kubectl
    await kubectl('create', 'deployment', 'web', '--image=nginx', '--replicas=2')
    await kubectl('rollout', 'status', 'deployment/web')
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())

  test('debug puts an ephemeral container into a running pod; describe and logs show it', async () => {
    const pod = (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'name')).split('\n')[0]!
    const command = ['sh', '-c', 'echo looking around; sleep 3600']
    await kubectl('debug', pod, '--image=busybox', '--container=looker', '--attach=false', '--', ...command)
    await kubectl('wait', pod, '--for=jsonpath={.status.ephemeralContainerStatuses[0].state.running}', '--timeout=20s')
    expect(await kubectl('describe', pod)).toMatch(/Ephemeral Containers:\n {2}looker:\n(.*\n)* {4}State: +Running\n/)
    expect(await kubectl('logs', pod, '-c', 'looker')).toBe('looking around\n')
    expect(await kubectl('get', pod, '--no-headers')).toMatch(/ 1\/1 +Running /)
  })

  test('get deployment --subresource=scale shows the columns of a scale', async () => {
    const text = await kubectl('get', 'deployment', 'web', '--subresource=scale')
    expect(text).toMatch(/^NAME\s+DESIRED\s+AVAILABLE\s+AGE\nweb\s+2\s+2\s+\d+s\n$/)
  })

  test('get endpoints warns that they are deprecated, and still shows them', async () => {
    const { stdout, stderr } = await kubectl.run(['get', 'ep', 'kubernetes'])
    expect(stderr).toBe('Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\n')
    expect(stdout).toMatch(/^NAME\s+ENDPOINTS\s+AGE\nkubernetes\s/)
  })

  test('the metrics are there in the built command too', async () => {
    const text = await kubectl('get', '--raw', '/metrics')
    expect(text).toMatch(/^apiserver_request_total\{.*resource="deployments".*\} \d+$/m)
    expect(text).toMatch(/^# TYPE apiserver_request_duration_seconds histogram$/m)
  })

  test('auth can-i says yes, auth whoami says who', async () => {
    expect(await kubectl('auth', 'can-i', 'get', 'pods')).toBe('yes\n')
    expect(await kubectl('auth', 'can-i', 'get', '/healthz')).toBe('yes\n')
    const rules = await kubectl('auth', 'can-i', '--list')
    expect(rules).toMatch(/^\*\.\*\s+\[\]\s+\[\]\s+\[\*\]$/m)
    expect(rules.match(/^\s+\[\*\]\s+\[\]\s+\[\*\]$/gm)).toHaveLength(1)
    const who = await kubectl('auth', 'whoami')
    expect(who).toMatch(/^ATTRIBUTE\s+VALUE\nUsername\s+\S+\nGroups\s+\[system:masters system:authenticated\]\n$/)
    expect(await kubectl('auth', 'whoami', '--as=jane', '-o', 'jsonpath={.status.userInfo.username}')).toBe('jane')
    expect(await kubectl('api-resources', '--api-group=authorization.k8s.io', '-o', 'name')).toBe(
      ['localsubjectaccessreviews', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews', 'subjectaccessreviews']
        .map(name => `${name}.authorization.k8s.io\n`)
        .join(''),
    )
    const { code, stderr } = await kubectl.run(['get', 'selfsubjectreviews'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('(MethodNotAllowed)')])
  })

  test('get --raw of a node’s healthz says ok, and its summary what its pods take', async () => {
    expect(await kubectl('get', '--raw', '/api/v1/nodes/node-1/proxy/healthz')).toBe('ok')
    const summary = JSON.parse(await kubectl('get', '--raw', '/api/v1/nodes/node-1/proxy/stats/summary'))
    expect(summary.node.nodeName).toBe('node-1')
    const { code, stderr } = await kubectl.run(['get', '--raw', '/api/v1/nodes/node-1/proxy/nothing'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('the server could not find the requested resource')])
  })
})

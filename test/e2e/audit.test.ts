// The audit log of the real command, with the policy of the documentation's page "Auditing" in small, and the real kubectl.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { kubesim, type Server, startServer } from '../support/server.ts'

const policy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: ["RequestReceived"]
rules:
- level: RequestResponse
  resources: [{ group: "", resources: ["pods"] }]
- level: Metadata
  resources: [{ group: "", resources: ["secrets"] }]
- level: None
`

describe.skipIf(noKubectl)(`the audit log${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
  let folder: string
  let server: Server
  const written = () =>
    readFileSync(join(folder, 'logs', 'audit.log'), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kubesim-audit-'))
    writeFileSync(join(folder, 'policy.yaml'), policy)
    const flags = [
      '--audit-policy-file',
      join(folder, 'policy.yaml'),
      '--audit-log-path',
      join(folder, 'logs', 'audit.log'),
    ]
    server = await startServer({ words: ['--memory', ...flags] })
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  test('what kubectl does stands in it, as far as the policy wants', async () => {
    await server.kubectl('create', 'secret', 'generic', 'pw', '--from-literal=word=geheim')
    await server.kubectl('create', 'configmap', 'unseen')
    await server.kubectl('run', 'web', '--image=nginx')
    await server.kubectl.run(['get', 'pods', '--as=jane', '--as-group=dev'])
    const [secret, pod, list, ...others] = written()
    expect(others).toEqual([])
    expect(secret).toMatchObject({
      level: 'Metadata',
      stage: 'ResponseComplete',
      verb: 'create',
      user: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
      userAgent: expect.stringMatching(/^kubectl\/v1\./),
      objectRef: { resource: 'secrets', namespace: 'default', name: 'pw' },
      responseStatus: { code: 201 },
    })
    expect(JSON.stringify(written())).not.toContain('geheim')
    expect(pod).toMatchObject({
      level: 'RequestResponse',
      requestObject: { kind: 'Pod', metadata: { name: 'web' } },
      responseObject: { kind: 'Pod', status: { phase: 'Pending' } },
      annotations: { 'pod-security.kubernetes.io/enforce-policy': 'privileged:latest' },
    })
    expect(list).toMatchObject({
      verb: 'list',
      impersonatedUser: { username: 'jane', groups: ['dev', 'system:authenticated'] },
      responseStatus: { reason: 'Forbidden', code: 403 },
      annotations: { 'authorization.k8s.io/decision': 'forbid' },
    })
  })

  test('a policy that cannot be used keeps the cluster from starting', async () => {
    const file = join(folder, 'bad.yaml')
    writeFileSync(file, policy.replace('level: None', 'level: Some'))
    const words = ['--audit-policy-file', file, '--audit-log-path', join(folder, 'other.log')]
    const { code, stderr } = await kubesim(folder, 'start', '--foreground', '--memory', '--port', '0', ...words)
    expect([code, stderr]).toEqual([
      1,
      `kubesim: loading audit policy file: rules[2].level: Unsupported value: "Some": supported values: "None", "Metadata", "Request", "RequestResponse": from file ${file}\n`,
    ])
  })
})

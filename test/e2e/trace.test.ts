// kubesim trace, as a user types it: the built command, a real server, the real kubectl.

import { Resolver } from 'node:dns/promises'
import { expect, test } from 'vitest'
import type { TraceReport } from '../../kubelet-sim/network/trace-request.ts'
import { noKubectl } from '../support/kubectl.ts'
import { kubesim, startServer } from '../support/server.ts'

test.skipIf(noKubectl)('the way of a request, and the policy that ends it', async () => {
  await using server = await startServer({ words: ['--memory', '--nodes', '2', '--delays', '0'] })
  const { kubectl, dataDir, home } = server
  await kubectl('run', 'web', '--image=nginx', '--port=80', '--expose')
  await kubectl('run', 'client', '--image=nginx')
  await kubectl('wait', '--for=condition=Ready', 'pod/web', 'pod/client')
  const trace = (...words: string[]) => kubesim(home, 'trace', 'client', ...words, '--data-dir', dataDir)
  const status = await kubesim(home, 'status', '--data-dir', dataDir, '--output', 'json')
  const resolver = new Resolver()
  resolver.setServers([JSON.parse(status.stdout).dns])
  const address = await kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}')
  expect(await resolver.resolve4('web.default.svc.cluster.local')).toEqual([address])
  const told = await trace('http://web/')
  expect([told.code, told.stderr]).toEqual([0, ''])
  expect(told.stdout).toMatch(/^pod default\/client to http:\/\/web\/: status 200, \d+ ms\n/)
  expect(told.stdout).toMatch(/10\.96\.0\.10:53\/UDP .*kube-system\/kube-dns:dns → 10\.244\.0\.[34]:53/)
  expect(told.stdout).toMatch(/node node-\d +table +default\/web:80 → 10\.244\.\d\.\d:80/)
  expect(told.stdout).toMatch(/pod default\/web +end +container web answers on 80\n/)

  const policy = { podSelector: {}, policyTypes: ['Ingress'] }
  const deny = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'deny' }, spec: policy }
  const applied = await kubectl.run(['apply', '-f', '-'], { stdin: JSON.stringify(deny) })
  expect(applied.stderr).toBe('')
  const refused = await trace('http://web/', '--timeout', '1s', '--output', 'json')
  const report = JSON.parse(refused.stdout) as TraceReport
  expect([refused.code, report.fault]).toEqual([1, 'Connection timed out'])
  expect(report.forbiddenBy).toMatchObject({ policy: 'default/deny', direction: 'Ingress' })
  expect(report.packets.at(-1)?.hops.at(-1)).toMatchObject({
    at: 'pod default/web',
    kind: 'policy',
    what: 'default/deny isolates it for ingress, and no rule allows from pod default/client on 80/TCP: drop',
  })
  const wrong = await trace('web')
  expect([wrong.code, wrong.stderr]).toEqual([1, 'kubesim: "url" is one such as http://web:80/, not "web"\n'])
})

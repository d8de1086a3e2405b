// kubesim start --record and replay, as a user types them: the built command, a real server, the real kubectl, by the wall's time.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readRecording } from '../../src/recording/recording-file.ts'
import { kubectlFor, noKubectl } from '../support/kubectl.ts'
import { kubesim, startServer } from '../support/server.ts'

test.skipIf(noKubectl)(
  'a session with kubectl comes again byte for byte, is told apart from another, and goes on as a cluster',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kubesim-recording-'))
    const file = join(folder, 'session.ndjson')
    await using server = await startServer({
      words: ['--nodes', '2', '--delays', '0', '--memory', '--no-merge-kubeconfig', '--record', file],
    })
    const { kubectl, home, dataDir } = server
    const say = async (...words: string[]) => {
      const ran = await kubesim(home, ...words, '--data-dir', dataDir)
      expect([ran.code, words, ran.code === 0 ? '' : ran.stderr]).toEqual([0, words, ''])
    }
    await kubectl('create', 'deployment', 'web', '--image=nginx', '--replicas=2')
    await Promise.all([
      kubectl('expose', 'deployment', 'web', '--port=80'),
      kubectl('create', 'cronjob', 'tick', '--image=busybox', '--schedule=*/5 * * * *', '--', 'true'),
      kubectl('create', 'secret', 'generic', 'key', '--from-literal=word=sesame'),
      kubectl('run', 'once', '--image=busybox', '--restart=Never', '--', 'sh', '-c', 'sleep 1; exit 3'),
    ])
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=20s')
    await say('clock', 'advance', '17m')
    await kubectl('get', 'leases', '-n', 'kube-node-lease')
    await say('clock', 'speed', '60')
    await kubectl('scale', 'deployment', 'web', '--replicas=4')
    await kubectl('delete', 'pod', 'once')
    await say('clock', 'pause')
    await kubectl('create', 'deployment', 'late', '--image=nginx')
    await say('clock', 'step', '3')
    await say('clock', 'resume')
    await kubectl('delete', 'service', 'web')
    await server.stop()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const text = readFileSync(file, 'utf8')
    const { traces, inputs } = readRecording(text)
    const same = JSON.parse((await kubesim(home, 'replay', file, '-o', 'json')).stdout)
    expect(same).toMatchObject({ same: true, events: traces.length })
    expect(inputs.length).toBeGreaterThan(12)

    const other = join(home, 'other.ndjson')
    writeFileSync(other, text.replace('"replicas":4', '"replicas":3'))
    const ran = await kubesim(home, 'replay', other)
    expect(ran.code).toBe(1)
    expect(ran.stdout).toMatch(
      /the histories part at .* writes that are the same:\n.*recorded: revision \d+ changed apps\/deployments\/default\/web/,
    )

    const again = join(home, 'again')
    const until = traces.find(({ key }) => key.endsWith('/deployments/default/late'))!.revision
    const words = ['replay', file, '--until', String(until), '--name', 'again', '--data-dir', again]
    const started = await kubesim(home, ...words)
    expect([started.code, started.code === 0 ? '' : started.stderr]).toEqual([0, ''])
    try {
      const there = kubectlFor(join(again, 'kubeconfig'))
      await there('rollout', 'status', 'deployment/late', '--timeout=20s')
      expect(await there('get', 'service', 'web')).toContain('ClusterIP')
    } finally {
      await kubesim(home, 'stop', '--data-dir', again)
      rmSync(folder, { recursive: true, force: true })
    }
  },
  90_000,
)

const asking = `apiVersion: v1
kind: Pod
metadata: { name: asking }
spec:
  restartPolicy: Never
  containers:
  - name: c
    image: curlimages/curl
    command: [sh, -c]
    args:
    - |
      T=$(cat /var/run/secrets/kubernetes.io/serviceaccount/token)
      curl -sk -X POST -H "Authorization: Bearer $T" -H 'Content-Type: application/json' \\
        https://kubernetes.default.svc/api/v1/namespaces/default/configmaps -d '{"metadata":{"name":"from-pod"}}'
`

test.skipIf(noKubectl)(
  'a program in a pod that asks the API server is answered while the cluster is recorded, and what cannot come again is told',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kubesim-recording-'))
    const file = join(folder, 'session.ndjson')
    await using server = await startServer({
      words: ['--nodes', '1', '--delays', '0', '--memory', '--no-merge-kubeconfig', '--record', file],
    })
    const { kubectl, home } = server
    await kubectl(
      'create',
      'clusterrolebinding',
      'all',
      '--clusterrole=cluster-admin',
      '--serviceaccount=default:default',
    )
    await kubectl('run', 'other', '--image=nginx')
    expect((await kubectl.run(['apply', '-f', '-'], { stdin: asking })).code).toBe(0)
    await kubectl('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/asking', '--timeout=20s')
    await kubectl('get', 'configmap', 'from-pod')
    await kubectl('wait', '--for=condition=Ready', 'pod/other', '--timeout=20s')
    await kubectl('exec', 'other', '--', 'true')
    await server.stop()
    const { code, stdout, stderr } = await kubesim(home, 'replay', file)
    expect(code).toBe(1)
    expect(stdout).toMatch(/recorded: revision \d+ created core\/configmaps\/default\/from-pod/)
    expect(stderr).toMatch(/not done again: .* exec of pods default\/other/)
    rmSync(folder, { recursive: true, force: true })
  },
  60_000,
)

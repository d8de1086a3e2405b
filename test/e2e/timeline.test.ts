// kubesim timeline and kubesim diff, and kubectl in a context of the past: the built command, a real server.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Timeline } from '../../src/timeline.ts'
import { noKubectl } from '../support/kubectl.ts'
import { kubesim, startServer } from '../support/server.ts'

test.skipIf(noKubectl)('what was is told, compared, and seen by kubectl itself; also after a restart', async () => {
  await using server = await startServer({ words: ['--nodes', '1', '--delays', '0', '--no-merge-kubeconfig'] })
  const { kubectl, dataDir, home } = server
  const own = join(home, '.kube', 'config')
  mkdirSync(join(home, '.kube'))
  writeFileSync(own, readFileSync(server.kubeconfig))
  const ask = async (...words: string[]) => {
    const { code, stdout, stderr } = await kubesim(home, ...words, '--data-dir', dataDir)
    expect([code, stderr.startsWith('kubesim:')]).toEqual([0, false])
    return { stdout, stderr }
  }
  await kubectl('create', 'deployment', 'web', '--image=nginx', '--replicas=2')
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=20s')
  const before = (JSON.parse((await ask('timeline', '-o', 'json')).stdout) as Timeline).to
  await kubectl('scale', 'deployment', 'web', '--replicas=1')
  await kubectl('wait', '--for=jsonpath={.status.replicas}=1', 'deployment/web', '--timeout=20s')

  const told = (await ask('timeline', 'deploy/web')).stdout
  expect(told).toMatch(/created default\/deployment\.apps\/web by kubectl-create, for kubernetes-admin\n/)
  expect(told).toMatch(
    /changed default\/deployment\.apps\/web by kubectl, for kubernetes-admin\n +spec\.replicas: 2 -> 1\n/,
  )
  expect((await ask('timeline', 'pods', '--by-object')).stdout).toMatch(
    /^default\/pod\/web-\S+\n\S+ +\d+ +created by replicaset-controller for replicaset\.apps\/web-\S+ \(revision \d+\)\n/,
  )
  const diff = (await ask('diff', String(before), 'now', 'deploy/web')).stdout
  expect(diff).toMatch(/\n~ default\/deployment\.apps\/web\n {4}spec\.replicas: 2 -> 1\n/)

  const made = await ask('timeline', '--at', String(before))
  expect(made.stdout).toContain(`--context kubesim@${before} get pods`)
  const past = ['--context', `kubesim@${before}`]
  expect(await kubectl(...past, 'get', 'deployment', 'web')).toMatch(/web +2\/2 +2 +2/)
  expect(await kubectl(...past, 'describe', 'deployment', 'web')).toContain(
    '2 desired | 2 updated | 2 total | 2 available',
  )
  expect((await kubectl(...past, 'get', 'pods', '-l', 'app=web', '-o', 'name')).trim().split('\n')).toHaveLength(2)
  const refused = await kubectl.run([...past, 'delete', 'deployment', 'web'])
  expect(refused.stderr).toContain(`the cluster as it was at revision ${before} can only be read`)
  expect(await kubectl('get', 'deployment', 'web')).toMatch(/web +1\/1/)
  expect(readFileSync(own, 'utf8')).toContain(`kubesim@${before}`)

  await server.stop()
  await using again = await startServer({ dataDir, words: ['--nodes', '1', '--no-merge-kubeconfig'] })
  const since = (await kubesim(home, 'timeline', 'deploy/web', '--data-dir', dataDir)).stdout
  expect(since.startsWith(told)).toBe(true)
  expect((await kubesim(home, 'timeline', '--at', '-99999', '--data-dir', dataDir)).stderr).toMatch(
    /^kubesim: revision -\d+ is forgotten/,
  )
  await again.stop()
  await kubesim(home, 'delete', '--data-dir', dataDir)
  expect(existsSync(own) && readFileSync(own, 'utf8')).not.toContain('kubesim@')
})

test('a clock that was advanced does not go back with a restart', async () => {
  await using server = await startServer({ words: ['--nodes', '1', '--no-merge-kubeconfig'] })
  const { dataDir, home } = server
  const { to } = JSON.parse((await kubesim(home, 'clock', 'advance', '2h', '-o', 'json', '--data-dir', dataDir)).stdout)
  await server.stop()
  await using again = await startServer({ dataDir, words: ['--nodes', '1', '--no-merge-kubeconfig'] })
  const { time } = JSON.parse((await kubesim(home, 'clock', 'status', '-o', 'json', '--data-dir', dataDir)).stdout)
  expect(Date.parse(time)).toBeGreaterThan(Date.parse(to) - 20_000)
  await again.stop()
})

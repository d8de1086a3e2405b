// helm 4 against the real server: the chart that `helm create` makes, and one of our own (test/e2e/chart) with hooks in order,
// a definition and an object of its kind, roles, and a test.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { bundledTool } from '../../src/cli/bundled-tools.ts'
import { noKubectl, type Ran } from '../support/kubectl.ts'
import { type Server, startServer } from '../support/server.ts'

const bakery = fileURLToPath(new URL('./chart', import.meta.url))

let server: Server
beforeAll(async () => {
  if (noKubectl === undefined) server = await startServer({ words: ['--memory', '--delays', '0.1'] })
})
afterAll(async () => server?.[Symbol.asyncDispose]())

async function run(...words: string[]): Promise<Ran> {
  const binary = await bundledTool('helm')
  const env = { PATH: process.env.PATH ?? '', HOME: server.home, KUBECONFIG: server.kubeconfig }
  return new Promise(resolve => {
    execFile(binary, words, { env, cwd: server.home, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : 1, stdout, stderr }),
    )
  })
}

async function helm(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...words)
  if (code !== 0) throw new Error(`helm ${words.join(' ')}: ${stderr}`)
  return stdout
}

const statuses = async (release: string): Promise<string[]> =>
  JSON.parse(await helm('history', release, '-o', 'json')).map(
    ({ status, description }: { status: string; description: string }) => `${status}: ${description}`,
  )

const names = async (kinds: string, ...words: string[]) =>
  (await server.kubectl('get', kinds, '-o', 'name', ...words)).split('\n').filter(Boolean)

describe.skipIf(noKubectl)(`helm${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
  test('the chart of `helm create` is installed, upgraded and taken away again', async () => {
    await helm('create', 'shop')
    const installed = await helm('install', '--wait', '--timeout=60s', 'one', join(server.home, 'shop'))
    expect(installed).toMatch(/STATUS: deployed/)
    expect(await server.kubectl('get', 'deployment', 'one-shop')).toMatch(/one-shop\s+1\/1/)
    await helm('upgrade', '--wait', 'one', join(server.home, 'shop'), '--set', 'replicaCount=2')
    expect(await server.kubectl('get', 'deployment', 'one-shop')).toMatch(/one-shop\s+2\/2/)
    expect(await helm('history', 'one')).toMatch(/2\s+.*deployed/)
    await helm('rollback', 'one', '1')
    await helm('uninstall', '--wait', 'one')
    expect(await names('deployments,services', '-l', 'app.kubernetes.io/instance=one')).toEqual([])
    // Helm 4 applies on the server unless it is told otherwise.
    await helm('install', '--server-side=false', '--wait', 'two', join(server.home, 'shop'))
    await helm('uninstall', '--wait', 'two')
  })
})

describe.skipIf(noKubectl)('a chart of our own', () => {
  const jsonpath = (path: string, ...words: string[]) => server.kubectl('get', ...words, '-o', `jsonpath=${path}`)

  afterEach(async () => {
    await run('uninstall', 'rolls', '--wait')
    await server.kubectl('delete', 'jobs,pods', '--all')
  })

  test('hooks run in the order of their weights, the definition comes first, the roles count', async () => {
    expect(await helm('install', 'rolls', bakery, '--wait', '--timeout=30s')).toContain('STATUS: deployed')
    // The recipe is there before the Job that reads it; what the chart holds comes when the Job has ended.
    expect(await jsonpath('{.data.revision}', 'configmap', 'rolls-recipe')).toBe('1')
    const completed = await jsonpath('{.status.completionTime}', 'job', 'rolls-migrate')
    const created = await jsonpath('{.metadata.creationTimestamp}', 'deployment', 'rolls')
    expect(Date.parse(completed)).toBeLessThanOrEqual(Date.parse(created))
    // That one is deleted as soon as it has succeeded.
    expect(await names('jobs')).toEqual(['job.batch/rolls-migrate'])
    expect(await server.kubectl('get', 'breads')).toMatch(/^NAME\s+FLOUR\nrolls\s+rye\n$/)
    expect(await jsonpath('{.spec.grams}', 'bread', 'rolls')).toBe('500')

    const mayList = async () =>
      (await server.kubectl.run(['auth', 'can-i', 'list', 'breads', '--as=system:serviceaccount:default:rolls'])).stdout
    expect(await mayList()).toBe('yes\n')
    expect(await helm('test', 'rolls')).toMatch(/TEST SUITE: +rolls-taste[\s\S]*Phase: +Succeeded/)
    expect(await names('pods', '--field-selector=status.phase=Succeeded')).toContain('pod/rolls-taste')

    expect(await helm('uninstall', 'rolls', '--wait')).toBe('release "rolls" uninstalled\n')
    expect(await mayList()).toBe('no\n')
    // Hooks are not the release's, and definitions are left to who owns their objects.
    expect(await names('deployments,services,breads,roles,rolebindings,serviceaccounts')).toEqual([
      'service/kubernetes',
      'serviceaccount/default',
    ])
    expect(await names('jobs')).toEqual(['job.batch/rolls-clean', 'job.batch/rolls-migrate'])
    expect(await names('customresourcedefinitions')).toContain(
      'customresourcedefinition.apiextensions.k8s.io/breads.bakery.example.com',
    )
  })

  test('an upgrade takes hold, one that fails is rolled back or left as it is, a rollback leads back', async () => {
    await helm('install', 'rolls', bakery, '--wait', '--timeout=30s')
    await helm('upgrade', 'rolls', bakery, '--wait', '--timeout=30s', '--set', 'replicas=2,bread=spelt')
    expect(await jsonpath('{.spec.flour}', 'bread', 'rolls')).toBe('spelt')
    expect(await jsonpath('{.data.revision}', 'configmap', 'rolls-recipe')).toBe('2')

    const never = ['--set', 'replicas=3,image=nginx:nonexistent', '--timeout=3s']
    const { code, stderr } = await run('upgrade', 'rolls', bakery, '--rollback-on-failure', ...never)
    expect(code).toBe(1)
    expect(stderr).toContain(
      'rolled back due to rollback-on-failure being set: resource Deployment/default/rolls not ready',
    )
    expect(await jsonpath('{.spec.replicas} {.status.readyReplicas}', 'deployment', 'rolls')).toBe('2 2')
    expect(await jsonpath('{.spec.flour}', 'bread', 'rolls')).toBe('spelt')

    const refused = await run('upgrade', 'rolls', bakery, '--set', 'bread=oat')
    expect(refused.stderr).toContain(
      'Error: UPGRADE FAILED: Bread.bakery.example.com "rolls" is invalid: ' +
        'spec.flour: Unsupported value: "oat": supported values: "wheat", "rye", "spelt"',
    )
    const hook = await run('upgrade', 'rolls', bakery, '--set', 'migrationExit=3', '--timeout=20s')
    expect(hook.stderr).toContain(
      'pre-upgrade hooks failed: resource Job/default/rolls-migrate not ready. status: Failed, message: Job Failed. failed: 1/1',
    )

    await helm('rollback', 'rolls', '1', '--wait', '--timeout=30s')
    expect(await jsonpath('{.spec.replicas} {.status.readyReplicas}', 'deployment', 'rolls')).toBe('1 1')
    expect(await jsonpath('{.spec.flour}', 'bread', 'rolls')).toBe('rye')
    expect(await statuses('rolls')).toEqual([
      'superseded: Install complete',
      'superseded: Upgrade complete',
      expect.stringMatching(/^failed: Upgrade "rolls" failed: resource Deployment/),
      'superseded: Rollback to 2',
      expect.stringMatching(/^failed: Upgrade "rolls" failed: Bread/),
      expect.stringMatching(/^failed: Upgrade "rolls" failed: pre-upgrade hooks failed/),
      'deployed: Rollback to 1',
    ])
  })

  test('an install that fails is taken away again', async () => {
    const words = ['--rollback-on-failure', '--timeout=3s', '--set', 'image=nginx:nonexistent']
    const { stderr } = await run('install', 'rolls', bakery, ...words)
    expect(stderr).toContain('release rolls failed, and has been uninstalled due to rollback-on-failure being set')
    expect(await helm('list', '-q')).toBe('')
    expect(await names('deployments,breads,roles')).toEqual([])
  })

  test('a dry run on the server changes nothing, and is judged', async () => {
    await helm('install', 'rolls', bakery, '--wait', '--timeout=30s')
    const dry = await helm('upgrade', 'rolls', bakery, '--dry-run=server', '--set', 'bread=wheat')
    expect(dry).toContain('flour: wheat')
    expect(await jsonpath('{.spec.flour}', 'bread', 'rolls')).toBe('rye')
    expect(await statuses('rolls')).toEqual(['deployed: Install complete'])
  })
})

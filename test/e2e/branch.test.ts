// kubesim export, import and branch, as a user types them: the built command, real servers, the real kubectl.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSnapshot } from '../../src/snapshot-file.ts'
import type { Timeline } from '../../src/timeline.ts'
import { kubectlFor, noKubectl } from '../support/kubectl.ts'
import { kubesim, startServer } from '../support/server.ts'

test.skipIf(noKubectl)(
  'a cluster goes on from a file, and from how another was, without that one noticing',
  async () => {
    await using server = await startServer({
      words: ['--nodes', '1', '--delays', '0', '--memory', '--no-merge-kubeconfig'],
    })
    const { kubectl, dataDir, home } = server
    const say = async (...words: string[]) => {
      const ran = await kubesim(home, ...words)
      expect([ran.code, words, ran.code === 0 ? '' : ran.stderr]).toEqual([0, words, ''])
      return ran.stdout
    }
    await kubectl('create', 'deployment', 'web', '--image=nginx', '--replicas=2')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=20s')
    const { to } = JSON.parse(await say('timeline', '-o', 'json', '--data-dir', dataDir)) as Timeline
    await kubectl('delete', 'deployment', 'web')

    const file = join(home, 'lab.ndjson')
    await say('export', file, '--until', String(to), '--data-dir', dataDir)
    expect(readSnapshot(readFileSync(file, 'utf8')).heading.revision).toBe(to)
    expect((await say('export', '--data-dir', dataDir)).split('\n').length).toBeGreaterThan(to)

    const branch = join(home, 'branch')
    await say('branch', String(to), '--name', 'what-if', '--branch-dir', branch, '--data-dir', dataDir)
    try {
      const there = kubectlFor(join(branch, 'kubeconfig'))
      expect(await there('get', 'deployment', 'web')).toMatch(/web +2\/2/)
      await there('scale', 'deployment', 'web', '--replicas=3')
      await there('rollout', 'status', 'deployment/web', '--timeout=20s')
      expect((await there('get', 'nodes', '-o', 'name')).trim()).toBe('node/node-1')
      const past = await say('timeline', 'deploy/web', '--data-dir', branch)
      expect(past).toMatch(/created default\/deployment\.apps\/web by kubectl-create, for kubernetes-admin/)
      expect((await kubectl.run(['get', 'deployment', 'web'])).stderr).toContain('not found')
      const again = await kubesim(
        home,
        'branch',
        '1',
        '--name',
        'what-if',
        '--branch-dir',
        branch,
        '--data-dir',
        dataDir,
      )
      expect(again.stderr).toContain(`a cluster runs in ${branch} already`)
    } finally {
      await say('stop', '--data-dir', branch)
    }

    const imported = join(home, 'imported')
    await say('import', file, '--data-dir', imported)
    const twice = await kubesim(home, 'import', file, '--data-dir', imported)
    expect([twice.code, twice.stderr]).toEqual([
      1,
      expect.stringContaining('there is a cluster already; "kubesim delete"'),
    ])
    await using second = await startServer({ dataDir: imported, words: ['--nodes', '1', '--no-merge-kubeconfig'] })
    expect(await second.kubectl('get', 'deployment', 'web')).toMatch(/web +2\/2/)
    await second.stop()

    writeFileSync(file, '{"kind":"List"}')
    const none = await kubesim(home, 'import', file, '--data-dir', join(home, 'none'))
    expect(none.stderr).toBe(`kubesim: ${file}: it is not a snapshot of kubesim\n`)
    expect(existsSync(join(home, 'none', 'store'))).toBe(false)
  },
)

// kubesim what-if, as a user types it: the built command, a real server, the real kubectl.

import { expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { kubesim, startServer } from '../support/server.ts'

test.skipIf(noKubectl)(
  'where a pod would go, as it is and with this and that changed; nothing is applied',
  async () => {
    await using server = await startServer({ words: ['--memory', '--nodes', '2', '--delays', '0'] })
    const { kubectl, dataDir, home } = server
    await kubectl('run', 'web', '--image=nginx', '--overrides={"spec":{"nodeSelector":{"disk":"ssd"}}}')
    const whatIf = (...words: string[]) => kubesim(home, 'what-if', ...words, '--data-dir', dataDir)
    const asItIs = await whatIf('pod/web')
    expect([asItIs.code, asItIs.stderr]).toEqual([1, ''])
    expect(asItIs.stdout).toMatch(/^default\/web would have no node\n/)
    expect(asItIs.stdout).toContain("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.")
    expect(asItIs.stdout).toMatch(/node-1 +NodeAffinity: node\(s\) didn't match Pod's node affinity\/selector\n/)
    const labelled = await whatIf('pod', 'web', '--node', 'node-2 labels=disk=ssd')
    expect([labelled.code, labelled.stderr]).toEqual([0, ''])
    expect(labelled.stdout).toMatch(/^default\/web would go to node-2\n/)
    const free = await whatIf(
      'pod/web',
      '--selector',
      'disk-',
      '--node',
      'node-1 taints=x:PreferNoSchedule',
      '--output',
      'json',
    )
    expect(JSON.parse(free.stdout)).toMatchObject({ kind: 'SchedulingAnswer', best: ['node-2'] })
    const wrong = await whatIf('pod/web', '--node', 'node-1 taints=x')
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      'kubesim: taints: "x" is not like key=value:NoSchedule; a single "-" takes all away\n',
    ])
    expect((await whatIf('deploy/web')).stderr).toBe('kubesim: which pod? what-if takes one: pod/NAME\n')
    expect((await whatIf('pod/none')).stderr).toBe('kubesim: pods "none" not found\n')
    expect(await kubectl('get', 'node', 'node-2', '--show-labels')).not.toContain('disk=ssd')
  },
)

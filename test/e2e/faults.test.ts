// Faults as a user applies them: the built command, a real server, the real kubectl.

import { expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { kubesim, startServer } from '../support/server.ts'

const fault = (name: string, spec: object): string =>
  JSON.stringify({ apiVersion: 'kubesim.dev/v1alpha1', kind: 'Fault', metadata: { name }, spec })

test.skipIf(noKubectl)(
  'a full store, a machine that is taken away and one that is parted from the rest, seen with kubectl',
  async () => {
    await using server = await startServer({
      words: ['--nodes', '3', '--delays', '0', '--memory', '--no-merge-kubeconfig'],
    })
    const { kubectl, home, dataDir } = server
    const advance = async (by: string) => {
      const { code, stderr } = await kubesim(home, 'clock', 'advance', by, '--data-dir', dataDir)
      expect([code, stderr]).toEqual([0, expect.anything()])
    }
    const apply = (text: string) => kubectl.run(['apply', '-f', '-'], { stdin: text })
    await kubectl('create', 'deployment', 'web', '--image=nginx', '--replicas=3')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=20s')

    expect((await apply(fault('full', { store: {} }))).code).toBe(0)
    const refused = await kubectl.run(['create', 'configmap', 'x'])
    expect(refused.stderr).toContain('etcdserver: mvcc: database space exceeded')
    expect(refused.stderr).not.toContain('InternalError')
    expect(await kubectl('get', 'deployment', 'web')).toMatch(/3\/3/)
    await kubectl('delete', 'fault', 'full')
    await kubectl('create', 'configmap', 'x')

    const effects = { nodes: { names: ['node-1'], effect: 'Gone' } }
    const partition = { between: [{ nodes: ['node-2'] }, { apiServer: true }] }
    await apply(fault('both', { duration: '10m', ...effects, partition }))
    await advance('9m')
    const nodes = await kubectl('get', 'nodes')
    expect(nodes).not.toContain('node-1')
    expect(nodes).toMatch(/node-2 +NotReady/)
    expect(await kubectl('get', 'faults')).toMatch(/both +nodes,partition +Active +2/)
    expect(await kubectl('get', 'pods', '-o', 'wide', '--field-selector=spec.nodeName=node-3')).toMatch(
      /(web.*Running.*\n){3}/,
    )
    await advance('3m')
    expect((await kubectl('get', 'nodes')).match(/ Ready /g)).toHaveLength(3)
  },
  60_000,
)

// kubesim why, and a scheduler configured by a file, as a user types it: the built command, a real server, the real kubectl.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DecisionRecord } from '../../scheduler/decisions.ts'
import { explained } from '../../src/cli/why.ts'
import { noKubectl } from '../support/kubectl.ts'
import { kubesim, startServer } from '../support/server.ts'

const configuration = (type: string) => `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
- schedulerName: packer
  pluginConfig:
  - name: NodeResourcesFit
    args: { scoringStrategy: { type: ${type} } }
`

function withFile<R>(text: string, work: (file: string) => Promise<R>): Promise<R> {
  const folder = mkdtempSync(join(tmpdir(), 'kubesim-scheduler-'))
  const file = join(folder, 'scheduler.yaml')
  writeFileSync(file, text)
  return work(file).finally(() => rmSync(folder, { recursive: true, force: true }))
}

test.skipIf(noKubectl)('why says of each node who refused it, or what each rule gave it', async () => {
  await withFile(configuration('MostAllocated'), async file => {
    await using server = await startServer({ words: ['--memory', '--nodes', '3', '--scheduler-config', file] })
    const { kubectl, dataDir, home } = server
    await kubectl('taint', 'nodes', 'node-3', 'dedicated=db:NoSchedule')
    const overrides = (spec: object) => `--overrides=${JSON.stringify({ spec })}`
    await kubectl('run', 'packed', '--image=nginx', overrides({ schedulerName: 'packer' }))
    await kubectl('wait', '--for=condition=PodScheduled', 'pod/packed', '--timeout=20s')
    const resources = { requests: { cpu: '900' } }
    await kubectl(
      'run',
      'big',
      '--image=nginx',
      overrides({ containers: [{ name: 'big', image: 'nginx', resources }] }),
    )
    await kubectl('wait', '--for=condition=PodScheduled=false', 'pod/big', '--timeout=20s')

    const placed = await kubesim(home, 'why', 'pod', 'packed', '--data-dir', dataDir)
    expect(placed.stdout).toMatch(
      /^default\/pod\/packed\n\nwhy it is there\n.* kubernetes-admin, with kubectl-run, created pod\/packed\n/,
    )
    expect(placed.stdout).toMatch(/^ {2}default\/packed goes to node-\d: packer, attempt 1, /m)
    expect(placed.stdout).toMatch(/^ {2}3 nodes, 2 fit, 1 refused$/m)
    expect(placed.stdout).toMatch(/^ {2}NODE +TOTAL +TaintToleration x3 +NodeResourcesFit x1/m)
    expect(placed.stdout).toMatch(/^ {2}node-3 +TaintToleration +node\(s\) had untolerated taint\(s\) +no$/m)
    const told = await kubesim(home, 'why', 'pod', 'big', '--data-dir', dataDir, '--output', 'json')
    expect(JSON.parse(told.stdout).decision).toMatchObject({
      scheduler: 'default-scheduler',
      nodeCount: 3,
      feasible: [],
      message: expect.stringMatching(
        /^0\/3 nodes are available: 1 node\(s\) had untolerated taint\(s\), 2 Insufficient cpu\. /,
      ),
    })
    const not = await kubesim(home, 'why-not', 'pod/big', '--data-dir', dataDir)
    expect(not.stdout).toMatch(
      /^default\/pod\/big\n\npod\/big: not scheduled\n {2}waits for +a node that fits: 0\/3 nodes are available: .*\n {2}would change +ask for less/,
    )
    const fine = await kubesim(home, 'why-not', 'pod', 'packed', '--data-dir', dataDir)
    expect(fine.code).toBe(0)
    const absent = await kubesim(home, 'why', 'pod', 'nope', '--data-dir', dataDir)
    expect([absent.code, absent.stderr]).toEqual([1, 'kubesim: pods "nope" not found\n'])
  })
})

test('a configuration that is wrong is told in one line', async () => {
  await withFile(configuration('Mostly'), async file => {
    const ran = await kubesim(tmpdir(), 'start', '--foreground', '--memory', '--port', '0', '--scheduler-config', file)
    expect(ran.code).toBe(1)
    expect(ran.stderr).toBe(
      `kubesim: ${file}: profiles[1].pluginConfig[0].args.scoringStrategy.type: Unsupported value: "Mostly": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"\n`,
    )
  })
})

test('the tables: the best first, what was not needed or not asked, whom others wait for', () => {
  const base: DecisionRecord = {
    pod: { namespace: 'default', name: 'web', uid: 'u' },
    scheduler: 'default-scheduler',
    time: '2026-01-01T00:00:00Z',
    attempt: 2,
    nodeCount: 5,
    refused: [],
    feasible: [],
    scores: [],
    totals: [],
  }
  const chosen = { ...base, node: 'b', feasible: ['a', 'b'], totals: [110, 320] }
  const scores = [{ plugin: 'NodeAffinity', weight: 2, raw: [5, 10], values: [50, 100] }]
  expect(explained({ ...chosen, scores }, 1)).toBe(
    [
      'default/web goes to b: default-scheduler, attempt 2, 2026-01-01T00:00:00Z',
      '5 nodes, 2 fit, 0 refused, 3 not looked at',
      '',
      'NODE   TOTAL   NodeAffinity x2',
      'b *    320     10 -> 200',
      '… and 1 more (--nodes, or --output json)',
      '',
    ].join('\n'),
  )
  const refused = [{ node: 'a', plugin: 'NodeResourcesFit', reasons: ['Insufficient cpu'], isFinal: false }]
  const waits = { ...base, nodeCount: 1, refused, message: '0/1', nominatedNode: 'a', victims: ['default/x'] }
  expect(explained(waits, 9)).toBe(
    [
      'default/web has no node: default-scheduler, attempt 2, 2026-01-01T00:00:00Z',
      '1 nodes, 0 fit, 1 refused',
      '',
      '0/1',
      '',
      'It is to have a when default/x has gone.',
      '',
      'NODE   REFUSED BY         REASON             OTHERS GOING WOULD HELP',
      'a      NodeResourcesFit   Insufficient cpu   maybe',
      '',
    ].join('\n'),
  )
})

// The same seed gives the same history, byte for byte: with the memory journal, with LevelDB, and on a slow disk.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Journal, MemoryJournal } from '../apiserver/storage/journal.ts'
import { LevelJournal } from '../apiserver/storage/level-journal.ts'
import { Deployments } from '../src/kinds/index.ts'
import { testCluster } from './support/cluster.ts'
import { deployment, service } from './support/objects.ts'

/** A life with some of everything: rollout, scaling, a dead node, deletion. */
async function live(seed: number, journal: Journal): Promise<string> {
  await using cluster = await testCluster({ nodes: 3, seed, journal })
  await cluster.apply(
    deployment('web', { replicas: 5, image: 'nginx:1' }),
    service('web', 'web'),
    deployment('api', { replicas: 3 }),
  )
  await cluster.advance('20s')
  await cluster.apply(deployment('web', { replicas: 8, image: 'nginx:2' }))
  await cluster.advance('5s')
  cluster.cluster.nodes.silence('node-2')
  await cluster.advance('7m')
  cluster.cluster.nodes.revive('node-2')
  await cluster.client.of(Deployments).delete({ name: 'api', namespace: 'default' })
  await cluster.advance('1m')
  return cluster.history.exact()
}

test('two runs of one seed are the same, two seeds are not', async () => {
  const first = await live(7, new MemoryJournal())
  expect(first.split('\n').length).toBeGreaterThan(100)
  expect(await live(7, new MemoryJournal())).toBe(first)
  expect(await live(8, new MemoryJournal())).not.toBe(first)
})

test('LevelDB gives the same history as memory', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubesim-determinism-'))
  try {
    const kept = await live(7, await LevelJournal.open(join(folder, 'store')))
    expect(kept).toBe(await live(7, new MemoryJournal()))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a disk that takes its time, more on one commit than on another, changes nothing', async () => {
  class SlowJournal extends MemoryJournal {
    override async append(entries: Parameters<Journal['append']>[0]): Promise<void> {
      for (let wait = entries.length % 5; wait > 0; wait--) await new Promise(resolve => setImmediate(resolve))
      await super.append(entries)
    }
  }
  expect(await live(7, new SlowJournal())).toBe(await live(7, new MemoryJournal()))
})

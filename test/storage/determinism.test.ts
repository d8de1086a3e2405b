// The same seed gives the same history, byte for byte, however long the journal takes: three keepers race over a set of
// pods, with conflicts, retries and waits by the clock, upon memory, LevelDB, and a journal of random real delay.

import { describe, expect, test } from 'vitest'
import { type Journal, type JournalEntry, MemoryJournal } from '../../apiserver/storage/journal.ts'
import { LevelJournal } from '../../apiserver/storage/level-journal.ts'
import { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { Stored } from '../../apiserver/storage/storage.ts'
import { hasReason, staleObject } from '../../src/api/errors.ts'
import type { Env } from '../../src/env/env.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'
import { labelTerms, pod, podKey, pods } from '../contracts/storage.ts'
import { dataDirectory } from './data-directory.ts'

/** Keeps each batch for a while of real time, another in every run: what a busy disk does. */
class SlowJournal extends MemoryJournal {
  override async append(entries: readonly JournalEntry[]): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, Math.random() * 4))
    await super.append(entries)
  }
}

const podsAbout = { group: '', plural: 'pods', kind: 'Pod' }

/** Reads what it is told of, waits a little, and writes upon that: so it often meets a newer object, and tries again. */
function keep(env: Env, store: RevisionStore, name: string): void {
  const random = env.random.fork(name)
  const work = async (seen: Stored, attempt: number): Promise<void> => {
    await env.clock.sleep(Math.floor(random.fraction() * 3) * 10)
    try {
      await env.activity.track(() =>
        store.write(seen.key, (current, present) => {
          if (current === undefined) return { keep: true }
          if (current.revision !== seen.revision) throw staleObject(podsAbout, seen.key)
          const { labels } = current.object.metadata
          const count = Number(labels?.[name] ?? 0) + 1
          if (count > 4) return name === 'one' && random.fraction() < 0.3 ? { remove: true } : { keep: true }
          const near = [...present.withTerm(pods, `label:${name}=${count}`)].length
          return {
            put: pod(current.object.metadata.name, { ...labels, [name]: `${count}`, [`${name}-near`]: `${near}` }),
          }
        }),
      )
    } catch (error) {
      if (!hasReason(error, 'Conflict')) throw error
      const current = store.get(seen.key)
      if (current !== undefined && attempt < 20) await work(current, attempt + 1)
    }
  }
  store.subscribe(pods, store.revision, events => {
    for (const { type, stored } of events) if (type !== 'DELETED') void work(stored, 0)
  })
}

async function history(journal: Journal, seed: number): Promise<string> {
  const env = virtualEnv({ seed })
  const store = await RevisionStore.open(env, journal, { terms: labelTerms })
  const lines: string[] = []
  store.subscribe('', store.revision, events => {
    for (const { type, stored } of events) lines.push(`${env.clock.now()} ${type} ${stored.bytes.toString()}`)
  })
  for (const name of ['one', 'two', 'three']) keep(env, store, name)
  for (let count = 0; count < 8; count++) void store.write(podKey(`pod-${count}`), () => ({ put: pod(`pod-${count}`) }))
  await env.clock.advance(5_000)
  await store.close()
  return lines.join('\n')
}

describe('the same seed gives the same history', () => {
  test('run after run, and upon LevelDB and slow journals as in memory', async () => {
    const expected = await history(new MemoryJournal(), 7)
    expect(expected.split('\n').length).toBeGreaterThan(80)
    expect(expected).toContain('DELETED')
    for (let round = 0; round < 3; round++) {
      expect(await history(new MemoryJournal(), 7)).toBe(expected)
      expect(await history(await LevelJournal.open(dataDirectory()), 7)).toBe(expected)
      expect(await history(await LevelJournal.open(dataDirectory(), { fsync: false }), 7)).toBe(expected)
      expect(await history(new SlowJournal(), 7)).toBe(expected)
    }
  })

  test('and another seed another history', async () => {
    expect(await history(new MemoryJournal(), 8)).not.toBe(await history(new MemoryJournal(), 7))
  })
})

// What every journal promises. A journal under test can be opened again on what it kept.

import { afterEach, describe, expect, test } from 'vitest'
import type { Journal, JournalEntry } from '../../apiserver/storage/journal.ts'

export interface JournalUnderTest {
  /** Opens it; what was closed before is there again. */
  open(): Promise<Journal>
  destroy?(): Promise<void>
}

export function journalContract(name: string, make: () => Promise<JournalUnderTest>): void {
  describe(name, () => {
    let made: JournalUnderTest[] = []
    afterEach(async () => {
      for (const each of made) await each.destroy?.()
      made = []
    })
    const start = async () => {
      const each = await make()
      made.push(each)
      return each
    }
    /** Closes, opens again, and says what is kept. */
    const reloaded = async (under: JournalUnderTest, journal: Journal) => {
      await journal.close()
      const again = await under.open()
      const { revision, compacted, now, log } = await again.load()
      const kept = {
        revision,
        compacted,
        now: now.map(line).sort(),
        log: log.map(line),
      }
      return { again, kept }
    }

    test('a new one is empty', async () => {
      const journal = await (await start()).open()
      expect(await journal.load()).toEqual({ revision: 0, compacted: 0, now: [], log: [] })
      await journal.close()
    })

    test('what was appended is there after opening again, byte for byte', async () => {
      const under = await start()
      const journal = await under.open()
      await journal.load()
      const bytes = Buffer.from('{"text":"Zürich 東京 🚢","nil":"\\u0000"}')
      await journal.append([entry(2, 'ADDED', 'a', 2, bytes), entry(3, 'ADDED', 'b', 3)])
      await journal.append([entry(4, 'MODIFIED', 'a', 2), entry(5, 'DELETED', 'b', 3)])
      const { again, kept } = await reloaded(under, journal)
      expect(kept).toEqual({
        revision: 5,
        compacted: 0,
        now: ['4 MODIFIED a from 2: a@4'],
        log: [
          `2 ADDED a from 2: ${bytes.toString()}`,
          '3 ADDED b from 3: b@3',
          '4 MODIFIED a from 2: a@4',
          '5 DELETED b from 3: b@5',
        ],
      })
      await again.close()
    })

    test('what was appended while it was relaxed is there as well, whether or not that has ended', async () => {
      for (const hasEnded of [true, false]) {
        const under = await start()
        const journal = await under.open()
        await journal.load()
        await journal.append([entry(2, 'ADDED', 'a', 2)])
        await journal.relax?.(true)
        await journal.append([entry(3, 'ADDED', 'b', 3)])
        await journal.append([entry(4, 'MODIFIED', 'a', 2)])
        if (hasEnded) {
          await journal.relax?.(false)
          await journal.append([entry(5, 'ADDED', 'c', 5)])
        }
        const { again, kept } = await reloaded(under, journal)
        expect(kept.revision).toBe(hasEnded ? 5 : 4)
        expect(kept.now).toContain('4 MODIFIED a from 2: a@4')
        await again.close()
      }
    })

    test('a key may be written many times in one batch: the last counts', async () => {
      const under = await start()
      const journal = await under.open()
      await journal.load()
      await journal.append([
        entry(2, 'ADDED', 'a', 2),
        entry(3, 'DELETED', 'a', 2),
        entry(4, 'ADDED', 'a', 4),
        entry(5, 'ADDED', 'b', 5),
        entry(6, 'DELETED', 'b', 5),
      ])
      const { again, kept } = await reloaded(under, journal)
      expect(kept.now).toEqual(['4 ADDED a from 4: a@4'])
      expect(kept.log).toHaveLength(5)
      await again.close()
    })

    test('an append takes at least a macrotask, so that all journals let the same things happen before it is done', async () => {
      const journal = await (await start()).open()
      await journal.load()
      let isDone = false
      const append = journal.append([entry(2, 'ADDED', 'a', 2)]).then(() => {
        isDone = true
      })
      for (let wait = 0; wait < 100; wait++) await Promise.resolve()
      expect(isDone).toBe(false)
      await append
      await journal.close()
    })

    test('when and why each entry was is kept with it, and forgotten with what was before', async () => {
      const under = await start()
      const journal = await under.open()
      await journal.load()
      const cause = { by: 'kubectl-create', user: 'ada', of: { resource: 'pods', name: 'ä', revision: 1 } }
      const noted = (revision: number, note: JournalEntry['note']) => ({
        ...entry(revision, 'ADDED', `k${revision}`, revision),
        note,
      })
      const shared = { at: 1_000, cause }
      await journal.append([noted(2, shared), noted(3, shared), noted(4, undefined)])
      await journal.append([noted(5, undefined)])
      await journal.append([noted(6, { at: 2_000 }), noted(7, { at: 2_000, cause: { by: 'kubelet' } })])
      await journal.close()
      let again = await under.open()
      const notes = (log: readonly JournalEntry[]) => log.map(({ note }) => note && JSON.parse(JSON.stringify(note)))
      expect(notes((await again.load()).log)).toEqual([
        shared,
        shared,
        undefined,
        undefined,
        { at: 2_000 },
        { at: 2_000, cause: { by: 'kubelet' } },
      ])
      await again.forget(5, [])
      await again.close()
      again = await under.open()
      expect(notes((await again.load()).log).slice(4)).toEqual([{ at: 2_000 }, { at: 2_000, cause: { by: 'kubelet' } }])
      await again.close()
    })

    test('it goes on after opening again', async () => {
      const under = await start()
      let journal = await under.open()
      for (let revision = 2; revision < 8; revision++) {
        await journal.load()
        await journal.append([entry(revision, 'ADDED', `k${revision}`, revision)])
        const { again, kept } = await reloaded(under, journal)
        expect([kept.revision, kept.now.length, kept.log.length]).toEqual([revision, revision - 1, revision - 1])
        journal = again
      }
      await journal.close()
    })

    test('the log comes in order of revision, also where the number of digits grows', async () => {
      const under = await start()
      const journal = await under.open()
      await journal.load()
      const revisions = Array.from({ length: 1_200 }, (_, index) => index + 2)
      await journal.append(revisions.map(revision => entry(revision, 'ADDED', `k${revision}`, revision)))
      await journal.append([entry(2 ** 40, 'MODIFIED', 'k2', 2)])
      const { again, kept } = await reloaded(under, journal)
      expect(kept.log.map(text => Number.parseInt(text, 10))).toEqual([...revisions, 2 ** 40])
      expect(kept.revision).toBe(2 ** 40)
      await again.close()
    })

    test('many small batches and one of many entries are kept', async () => {
      const under = await start()
      const journal = await under.open()
      await journal.load()
      for (let revision = 2; revision < 52; revision++)
        await journal.append([entry(revision, 'ADDED', `s${revision}`, revision)])
      await journal.append(
        Array.from({ length: 9_000 }, (_, index) => entry(52 + index, 'ADDED', `l${index}`, 52 + index)),
      )
      const { again, kept } = await reloaded(under, journal)
      expect([kept.revision, kept.now.length, kept.log.length]).toEqual([9_051, 9_050, 9_050])
      await again.close()
    })

    describe('forgets', () => {
      const history: JournalEntry[] = [
        entry(2, 'ADDED', 'a', 2),
        entry(3, 'ADDED', 'b', 3),
        entry(4, 'MODIFIED', 'a', 2),
        entry(5, 'ADDED', 'c', 5),
        entry(6, 'DELETED', 'c', 5),
        entry(7, 'MODIFIED', 'a', 2),
      ]
      const of = (...revisions: number[]) => history.filter(({ revision }) => revisions.includes(revision))
      const filled = async () => {
        const under = await start()
        const journal = await under.open()
        await journal.load()
        await journal.append(history)
        return { under, journal }
      }
      const revisionsOf = (log: readonly string[]) => log.map(text => Number.parseInt(text, 10))

      test('the entries named, and no others', async () => {
        const { under, journal } = await filled()
        await journal.forget(6, of(2, 5, 6))
        const { again, kept } = await reloaded(under, journal)
        expect(kept).toMatchObject({
          revision: 7,
          compacted: 6,
          now: ['3 ADDED b from 3: b@3', '7 MODIFIED a from 2: a@7'],
        })
        expect(revisionsOf(kept.log)).toEqual([3, 4, 7])
        await again.close()
      })

      test('nothing, and notes the revision all the same', async () => {
        const { under, journal } = await filled()
        await journal.forget(3, [])
        const { again, kept } = await reloaded(under, journal)
        expect([kept.compacted, kept.log.length]).toEqual([3, 6])
        await again.close()
      })

      test('everything, when nothing is left: only the revision stays', async () => {
        const under = await start()
        const journal = await under.open()
        await journal.load()
        const all = [entry(2, 'ADDED', 'a', 2), entry(3, 'DELETED', 'a', 2)]
        await journal.append(all)
        await journal.forget(3, all)
        const { again, kept } = await reloaded(under, journal)
        expect(kept).toEqual({ revision: 3, compacted: 3, now: [], log: [] })
        await again.append([entry(4, 'ADDED', 'a', 4)])
        await again.close()
      })

      test('step by step, also what was forgotten before; and never an earlier revision', async () => {
        const { under, journal } = await filled()
        await journal.forget(4, of(2))
        await journal.forget(6, of(2, 5, 6))
        await journal.forget(4, of(2))
        const { again, kept } = await reloaded(under, journal)
        expect([kept.compacted, revisionsOf(kept.log)]).toEqual([6, [3, 4, 7]])
        await again.close()
      })

      test('while a batch is on its way', async () => {
        const { under, journal } = await filled()
        await Promise.all([
          journal.forget(7, of(2, 4, 5, 6)),
          journal.append([entry(8, 'ADDED', 'd', 8), entry(9, 'MODIFIED', 'a', 2)]),
        ])
        const { again, kept } = await reloaded(under, journal)
        expect(revisionsOf(kept.log)).toEqual([3, 7, 8, 9])
        await again.close()
      })
    })
  })
}

export function entry(
  revision: number,
  type: JournalEntry['type'],
  name: string,
  createRevision: number,
  bytes = Buffer.from(`${name}@${revision}`),
): JournalEntry {
  return { revision, type, key: `/registry/core/configmaps/default/${name}`, createRevision, bytes }
}

function line({ revision, type, key, createRevision, bytes }: JournalEntry): string {
  return `${revision} ${type} ${key.slice(key.lastIndexOf('/') + 1)} from ${createRevision}: ${bytes.toString()}`
}

// What the store promises, whatever its journal. A store under test can be closed and opened again on what it kept.

import { afterEach, describe, expect, test } from 'vitest'
import type { Journal, JournalEntry, JournalHeading } from '../../apiserver/storage/journal.ts'
import { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { Storage, StorageEvent, StorageOptions, Stored, Written } from '../../apiserver/storage/storage.ts'
import { type ApiError, isExpired } from '../../src/api/errors.ts'
import { draft, freeze } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { type VirtualEnv, virtualEnv } from '../../src/env/virtual-env.ts'

export const pods = '/registry/core/pods/'

export function podKey(name: string, namespace = 'default'): string {
  return `${pods}${namespace}/${name}`
}

export function pod(name: string, labels: Record<string, string> = {}, namespace = 'default'): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels: { ...labels } } }
}

export function labelTerms(_key: string, { metadata }: Frozen<KubeObject>): readonly string[] {
  return Object.entries(metadata.labels ?? {}).map(([name, value]) => `label:${name}=${value}`)
}

export function put(
  storage: Storage,
  name: string,
  labels?: Record<string, string>,
  namespace?: string,
): Promise<Written> {
  return storage.write(podKey(name, namespace), () => ({ put: pod(name, labels, namespace) }))
}

export function remove(storage: Storage, name: string, namespace?: string): Promise<Written> {
  return storage.write(podKey(name, namespace), () => ({ remove: true }))
}

export const names = (list: Iterable<Stored>) => [...list].map(({ object }) => object.metadata.name)

export function told(event: StorageEvent): string {
  const { type, revision, stored, previous } = event
  return `${revision} ${type} ${stored.object.metadata.name}${previous ? ` after ${previous.revision}` : ''}`
}

/** A journal before which something can be put: one call that fails, or is kept waiting. */
export class InterceptedJournal implements Journal {
  readonly #journal: Journal
  before: ((entries: readonly JournalEntry[]) => Promise<void>) | undefined
  appended = 0

  constructor(journal: Journal) {
    this.#journal = journal
  }

  load = () => this.#journal.load()
  forget = (before: number, needless: readonly JournalHeading[]) => this.#journal.forget(before, needless)
  close = () => this.#journal.close()

  async append(entries: readonly JournalEntry[]): Promise<void> {
    const { before } = this
    this.before = undefined
    await before?.(entries)
    await this.#journal.append(entries)
    this.appended++
  }
}

interface StorageUnderTest {
  readonly env: VirtualEnv
  readonly storage: RevisionStore
  readonly journal: InterceptedJournal
  /** Closes the store and opens it again. */
  reopen(): Promise<RevisionStore>
  lastJournal(): Journal
}

export function storageContract(name: string, makeJournal: () => Promise<() => Promise<Journal>>): void {
  describe(name, () => {
    let open: RevisionStore[] = []
    afterEach(async () => {
      for (const each of open) await each.close()
      open = []
    })

    async function start(options: StorageOptions = {}): Promise<StorageUnderTest> {
      const env = virtualEnv()
      const openJournal = await makeJournal()
      let last: Journal
      const openStore = async () => {
        const journal = new InterceptedJournal(await openJournal())
        last = journal
        const storage = await RevisionStore.open(env, journal, { terms: labelTerms, ...options })
        open.push(storage)
        return { storage, journal }
      }
      const { storage, journal } = await openStore()
      return {
        env,
        storage,
        journal,
        async reopen() {
          await open.at(-1)!.close()
          return (await openStore()).storage
        },
        lastJournal: () => last,
      }
    }

    describe('a write', () => {
      test('gets the next revision, and the object carries it', async () => {
        const { storage } = await start()
        expect(storage.revision).toBe(1)
        const { stored, previous, changed } = await put(storage, 'web')
        expect([stored.revision, stored.createRevision, storage.revision]).toEqual([2, 2, 2])
        expect(stored.object.metadata.resourceVersion).toBe('2')
        expect([previous, changed]).toEqual([undefined, true])
        const second = await put(storage, 'web', { app: 'web' })
        expect([second.stored.revision, second.stored.createRevision, second.previous?.revision]).toEqual([3, 2, 2])
        expect(storage.get(podKey('web'))).toBe(second.stored)
      })

      test('freezes what it is given, and makes its JSON once', async () => {
        const { storage } = await start()
        const { stored } = await put(storage, 'web', { app: 'Zürich 東京 🚢' })
        expect(Object.isFrozen(stored.object.metadata.labels)).toBe(true)
        expect(JSON.parse(stored.bytes.toString())).toEqual(stored.object)
        expect(storage.get(podKey('web'))!.bytes).toBe(stored.bytes)
      })

      test('takes an object of which parts, or all, are frozen already', async () => {
        const { storage } = await start()
        const first = (await put(storage, 'web', { app: 'web' })).stored.object
        const second = await storage.write(podKey('web'), () => ({
          put: { ...draft(first), metadata: first.metadata } as KubeObject,
        }))
        const third = await storage.write(podKey('web'), () => ({ put: first as KubeObject }))
        const versions = [first, second.stored.object, third.stored.object].map(
          object => object.metadata.resourceVersion,
        )
        expect(versions).toEqual(['2', '3', '4'])
        expect(third.stored.object.metadata.labels).toBe(first.metadata.labels)
        expect(third.stored.bytes.toString()).toContain('"resourceVersion":"4"')
      })

      test('decides once, before write returns, and sees what turns before it will leave', async () => {
        const { storage } = await start()
        let calls = 0
        const first = put(storage, 'web', { turn: 'first' })
        const second = storage.write(podKey('web'), current => {
          calls++
          expect(current?.object.metadata.labels).toEqual({ turn: 'first' })
          return { put: pod('web', { turn: 'second' }) }
        })
        expect(calls).toBe(1)
        await Promise.all([first, second])
        expect([calls, storage.revision]).toEqual([1, 3])
      })

      test('is seen by no reader before it is durable', async () => {
        const { storage, journal } = await start()
        await put(storage, 'old', { app: 'web' })
        const seen = () => [
          storage.revision,
          names(storage.list(pods)),
          names(storage.withTerm(pods, 'label:app=web')),
          storage.count(pods),
          storage.get(podKey('new')),
        ]
        let duringAppend: unknown
        journal.before = async () => {
          duringAppend = seen()
        }
        const before = seen()
        const writes = [put(storage, 'new', { app: 'web' }), remove(storage, 'old')]
        expect(seen()).toEqual(before)
        await Promise.all(writes)
        expect(duringAppend).toEqual(before)
        expect(seen().slice(0, 4)).toEqual([4, ['new'], ['new'], 1])
      })

      test('that throws rejects alone, and costs no revision', async () => {
        const { storage } = await start()
        const refuse = () => {
          throw new Error('refused')
        }
        const outcomes = await Promise.allSettled([
          put(storage, 'a'),
          storage.write(podKey('b'), refuse),
          put(storage, 'c'),
        ])
        expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
        expect([storage.revision, names(storage.list(pods))]).toEqual([3, ['a', 'c']])
        await expect(storage.write(podKey('b'), refuse)).rejects.toThrow('refused')
      })

      test('of what cannot be JSON rejects alone', async () => {
        const { storage } = await start()
        const odd = { ...pod('odd'), spec: { count: 1n } } as KubeObject
        await expect(storage.write(podKey('odd'), () => ({ put: odd }))).rejects.toThrow('BigInt')
        await put(storage, 'even')
        expect([storage.revision, names(storage.list(pods))]).toEqual([2, ['even']])
      })

      test('that keeps writes nothing and gives what is there', async () => {
        const { storage, journal } = await start()
        const { stored } = await put(storage, 'web')
        const kept = await storage.write(podKey('web'), () => ({ keep: true }))
        expect([kept.stored, kept.changed]).toEqual([stored, false])
        expect((await storage.write(podKey('none'), () => ({ keep: true }))).stored).toBeUndefined()
        expect([storage.revision, journal.appended]).toEqual([2, 1])
      })

      test('that would change nothing is kept back, if it asks for that', async () => {
        const { storage } = await start()
        const { stored } = await put(storage, 'web', { app: 'web' })
        const write = (labels: Record<string, string>) =>
          storage.write(podKey('web'), () => ({ put: pod('web', labels), unlessSame: true }))
        const same = await write({ app: 'web' })
        expect([same.changed, same.stored, storage.revision]).toEqual([false, stored, 2])
        expect((await write({ app: 'db' })).stored.revision).toBe(3)
      })

      test('carries others with it, just before it, in one batch; what cannot be JSON takes them along', async () => {
        const { storage, journal } = await start()
        await put(storage, 'a')
        const before = journal.appended
        const written = await storage.write(podKey('b'), (_, present) => {
          expect(present.get(podKey('a'))?.revision).toBe(2)
          return {
            put: pod('b'),
            also: [
              { key: podKey('a'), put: pod('a', { seen: 'yes' }) },
              { key: podKey('c'), put: pod('c') },
            ],
          }
        })
        expect(written.stored.revision).toBe(5)
        expect(journal.appended).toBe(before + 1)
        expect(storage.list(pods).map(({ key, revision }) => `${key.slice(pods.length)} ${revision}`)).toEqual([
          'default/a 3',
          'default/b 5',
          'default/c 4',
        ])
        const broken = { ...pod('d'), spec: 1n } as unknown as KubeObject
        const also = [{ key: podKey('e'), put: pod('e') }]
        await expect(storage.write(podKey('d'), () => ({ put: broken, also }))).rejects.toThrow()
        expect(storage.get(podKey('e'))).toBeUndefined()
        expect((await put(storage, 'f')).stored.revision).toBe(6)
      })

      test('removes: the last state carries the revision of the removal', async () => {
        const { storage } = await start()
        await put(storage, 'web', { app: 'web' })
        const { stored, previous } = await remove(storage, 'web')
        expect(stored.object.metadata).toMatchObject({ name: 'web', labels: { app: 'web' }, resourceVersion: '3' })
        expect(JSON.parse(stored.bytes.toString())).toEqual(stored.object)
        expect([stored.revision, stored.createRevision, previous?.revision]).toEqual([3, 2, 2])
        expect([storage.get(podKey('web')), storage.count(pods)]).toEqual([undefined, 0])
        const again = await put(storage, 'web')
        expect([again.stored.createRevision, again.previous]).toEqual([4, undefined])
      })

      test('from within another turn is refused', async () => {
        const { storage } = await start()
        let inner: Promise<unknown> | undefined
        await storage.write(podKey('outer'), () => {
          inner = put(storage, 'inner')
          inner.catch(() => {})
          return { put: pod('outer') }
        })
        await expect(inner).rejects.toThrow('within another turn')
        expect(names(storage.list(pods))).toEqual(['outer'])
      })

      test('of a key that is none, or the removal of what is not there, is a fault of ours', async () => {
        const { storage } = await start()
        for (const key of ['web', '/registry/core/pods/', '/registry/core', '']) {
          await expect(storage.write(key, () => ({ put: pod('web') }))).rejects.toThrow('is not the key of an object')
        }
        await expect(remove(storage, 'web')).rejects.toThrow('not there')
        expect(storage.revision).toBe(1)
      })
    })

    describe('writes that come together', () => {
      test('go to the journal together, and are answered in order', async () => {
        const { storage, journal } = await start()
        const answered: string[] = []
        await Promise.all(
          ['c', 'a', 'b'].map(name =>
            put(storage, name).then(({ stored }) => answered.push(`${name}@${stored.revision}`)),
          ),
        )
        expect(answered).toEqual(['c@2', 'a@3', 'b@4'])
        expect(journal.appended).toBe(1)
      })

      test('gather while one batch is on its way', async () => {
        const { storage, journal } = await start()
        const later: Promise<Written>[] = []
        journal.before = async () => {
          later.push(put(storage, 'b'), put(storage, 'c'))
        }
        await put(storage, 'a')
        expect([journal.appended, names(storage.list(pods))]).toEqual([1, ['a']])
        await Promise.all(later)
        expect([journal.appended, names(storage.list(pods))]).toEqual([2, ['a', 'b', 'c']])
      })

      test('that only learnt something from others on their way are answered after those are durable', async () => {
        const { storage } = await start()
        const answered: string[] = []
        const note = (text: string) => () => answered.push(text)
        await Promise.all([
          put(storage, 'web').then(note('put')),
          storage.write(podKey('web'), () => ({ keep: true })).then(note('keep')),
          storage
            .write(podKey('web'), current => {
              throw new Error(`exists at ${current?.revision}`)
            })
            .catch(({ message }) => note(message)()),
        ])
        expect(answered).toEqual(['put', 'keep', 'exists at 2'])
      })

      test('count as busy until they are durable', async () => {
        const { storage, env, journal } = await start()
        const steps: string[] = []
        journal.before = async () => {
          for (let wait = 0; wait < 5; wait++) await new Promise(resolve => setImmediate(resolve))
          steps.push('on disk')
        }
        const write = put(storage, 'a').then(() => put(storage, 'b'))
        await env.activity.idle()
        expect([...steps, names(storage.list(pods))]).toEqual(['on disk', ['a', 'b']])
        await write
      })
    })

    describe('the present of a turn', () => {
      test('is the state as it will be: what is on its way is in its lists, in order', async () => {
        const { storage } = await start()
        await Promise.all(['b', 'd', 'f'].map(name => put(storage, name, { app: 'web' })))
        await put(storage, 'x', {}, 'other')
        const writes = [
          put(storage, 'a', { app: 'web' }),
          put(storage, 'b', { app: 'db' }),
          remove(storage, 'd'),
          put(storage, 'e', { app: 'web' }),
          put(storage, 'z', { app: 'web' }),
        ]
        let seen: unknown
        writes.push(
          storage.write(podKey('look'), (_, present) => {
            seen = {
              all: names(present.list(pods)),
              inNamespace: names(present.list(`${pods}default/`)),
              everything: names(present.list('/registry/')),
              web: names(present.withTerm(pods, 'label:app=web')),
              db: names(present.withTerm(`${pods}default/`, 'label:app=db')),
              dbElsewhere: names(present.withTerm(`${pods}other/`, 'label:app=db')),
              d: present.get(podKey('d')),
              e: present.get(podKey('e'))?.revision,
              nodes: names(present.list('/registry/core/nodes/')),
            }
            return { keep: true }
          }),
        )
        await Promise.all(writes)
        expect(seen).toEqual({
          all: ['a', 'b', 'e', 'f', 'z', 'x'],
          inNamespace: ['a', 'b', 'e', 'f', 'z'],
          everything: ['a', 'b', 'e', 'f', 'z', 'x'],
          web: ['a', 'e', 'f', 'z'],
          db: ['b'],
          dbElsewhere: [],
          d: undefined,
          e: 9,
          nodes: [],
        })
      })
    })

    describe('lists', () => {
      test('are in order of key, of a collection, a namespace, or everything', async () => {
        const { storage } = await start()
        for (const name of ['m', 'z', 'a']) await put(storage, name)
        await put(storage, 'q', {}, 'default-2')
        await put(storage, 'b', {}, 'another')
        await storage.write('/registry/apps/deployments/default/d', () => ({ put: pod('d') }))
        await storage.write('/registry/core/pods-of-another-kind/p', () => ({ put: pod('p') }))
        expect(names(storage.list(pods))).toEqual(['b', 'q', 'a', 'm', 'z'])
        expect(names(storage.list(`${pods}default/`))).toEqual(['a', 'm', 'z'])
        expect(names(storage.list('/registry/core/'))).toEqual(['p', 'b', 'q', 'a', 'm', 'z'])
        expect(names(storage.list(''))).toEqual(['d', 'p', 'b', 'q', 'a', 'm', 'z'])
        expect(names(storage.list('/registry/core/nodes/'))).toEqual([])
        const counts = [pods, `${pods}default/`, '/registry/core/', '', '/registry/core/nodes/'].map(prefix =>
          storage.count(prefix),
        )
        expect(counts).toEqual([5, 3, 6, 7, 0])
      })

      test('by term hold who carries it now, in order, whenever the index was first asked', async () => {
        const { storage } = await start()
        for (const name of ['c', 'a', 'b']) await put(storage, name, { app: 'web' })
        await put(storage, 'd', { app: 'web' }, 'other')
        const web = (prefix = pods) => names(storage.withTerm(prefix, 'label:app=web'))
        expect([web(), web(`${pods}default/`), web('')]).toEqual([
          ['a', 'b', 'c', 'd'],
          ['a', 'b', 'c'],
          ['a', 'b', 'c', 'd'],
        ])
        await put(storage, 'b', { app: 'db', tier: 'back' })
        await remove(storage, 'a')
        await put(storage, 'e', { app: 'web' })
        expect(web()).toEqual(['c', 'e', 'd'])
        expect(names(storage.withTerm(pods, 'label:tier=back'))).toEqual(['b'])
        expect(storage.withTerm(pods, 'label:tier=none')).toEqual([])
      })

      test('of an earlier revision are as they were', async () => {
        const { storage } = await start()
        await put(storage, 'b', { v: '1' }) // 2
        await put(storage, 'a', { v: '1' }) // 3
        await put(storage, 'b', { v: '2' }) // 4
        await remove(storage, 'a') // 5
        await put(storage, 'c', { v: '1' }, 'other') // 6
        await put(storage, 'a', { v: '2' }) // 7
        const at = (revision: number, prefix = pods) =>
          storage.list(prefix, revision).map(({ object, revision }) => `${object.metadata.name}@${revision}`)
        expect([2, 3, 4, 5, 6, 7].map(revision => at(revision))).toEqual([
          ['b@2'],
          ['a@3', 'b@2'],
          ['a@3', 'b@4'],
          ['b@4'],
          ['b@4', 'c@6'],
          ['a@7', 'b@4', 'c@6'],
        ])
        expect(at(1)).toEqual([])
        expect(at(3)).toEqual(['a@3', 'b@2'])
        expect(at(6, `${pods}other/`)).toEqual(['c@6'])
        expect(at(3, '')).toEqual(['a@3', 'b@2'])
        expect(() => at(8)).toThrow('Too large resource version: 8, current: 7')
      })
    })

    describe('subscribers', () => {
      const listen = (storage: Storage, prefix: string, after: number) => {
        const heard: string[][] = []
        const cancel = storage.subscribe(prefix, after, events => heard.push(events.map(told)))
        return { heard, cancel }
      }

      test('hear what happens, in order, a commit at once, before the writer is answered', async () => {
        const { storage } = await start()
        const { heard } = listen(storage, pods, storage.revision)
        const answered = Promise.all([put(storage, 'a'), put(storage, 'b'), put(storage, 'a', { v: '2' })]).then(
          () => heard.length,
        )
        expect(heard).toEqual([])
        expect(await answered).toBe(1)
        await remove(storage, 'b')
        expect(heard).toEqual([['2 ADDED a', '3 ADDED b', '4 MODIFIED a after 2'], ['5 DELETED b after 3']])
      })

      test('find what they are told when they read', async () => {
        const { storage } = await start()
        let seen: unknown
        storage.subscribe(pods, storage.revision, ([event]) => {
          seen = [storage.revision, storage.get(event!.key) === event!.stored, names(storage.list(pods))]
        })
        await put(storage, 'a')
        expect(seen).toEqual([2, true, ['a']])
      })

      test('hear what is past first, from any revision, never before subscribe returns', async () => {
        const { storage } = await start()
        for (const name of ['a', 'b', 'c']) await put(storage, name)
        const { heard } = listen(storage, pods, 2)
        expect(heard).toEqual([])
        await put(storage, 'd')
        expect(heard).toEqual([['3 ADDED b', '4 ADDED c'], ['5 ADDED d']])
        const all = listen(storage, '', 0)
        await put(storage, 'e')
        expect(all.heard.flat()).toHaveLength(5)
      })

      test('hear only what begins with their prefix', async () => {
        const { storage } = await start()
        const prefixes = [
          '',
          '/registry/core/',
          pods,
          `${pods}default/`,
          podKey('a'),
          '/registry/apps/',
          '/registry/core/po',
        ]
        const listeners = prefixes.map(prefix => listen(storage, prefix, 1))
        await put(storage, 'a')
        await put(storage, 'b', {}, 'other')
        await storage.write('/registry/apps/deployments/default/d', () => ({ put: pod('d') }))
        expect(
          listeners.map(({ heard }) =>
            heard
              .flat()
              .map(text => text.slice(-1))
              .join(''),
          ),
        ).toEqual(['abd', 'ab', 'ab', 'a', 'a', 'd', 'ab'])
      })

      test('of a revision still to come hear nothing before it', async () => {
        const { storage } = await start()
        const { heard } = listen(storage, pods, 3)
        for (const name of ['a', 'b', 'c']) await put(storage, name)
        expect(heard).toEqual([['4 ADDED c']])
      })

      test('can leave at any time, also while they are told', async () => {
        const { storage } = await start()
        const heard: string[] = []
        const cancels = ['first', 'second', 'third'].map(name =>
          storage.subscribe(pods, storage.revision, () => {
            heard.push(name)
            if (name === 'first') for (const cancel of cancels.slice(0, 2)) cancel()
          }),
        )
        await put(storage, 'a')
        await put(storage, 'b')
        expect(heard).toEqual(['first', 'third', 'third'])
        const { heard: never, cancel } = listen(storage, pods, 1)
        cancel()
        cancel()
        await put(storage, 'c')
        expect(never).toEqual([])
      })

      test('can come while others are told, and hear everything once', async () => {
        const { storage } = await start()
        const late: string[] = []
        const later: string[] = []
        const cancel = storage.subscribe(pods, storage.revision, () => {
          cancel()
          storage.subscribe(pods, 1, events => late.push(...events.map(told)))
          storage.subscribe(podKey('b'), storage.revision, events => later.push(...events.map(told)))
        })
        await Promise.all([put(storage, 'a'), put(storage, 'b')])
        await put(storage, 'b', { v: '2' })
        expect(late).toEqual(['2 ADDED a', '3 ADDED b', '4 MODIFIED b after 3'])
        expect(later).toEqual(['4 MODIFIED b after 3'])
      })

      test('that write when told of something write the next commit', async () => {
        const { storage, journal, env } = await start()
        storage.subscribe(pods, storage.revision, events => {
          for (const { stored } of events) {
            const { name } = stored.object.metadata
            if (name.length < 3) void put(storage, `${name}x`)
          }
        })
        void put(storage, 'a')
        void put(storage, 'z')
        await env.activity.idle()
        expect(names(storage.list(pods))).toEqual(['a', 'ax', 'axx', 'z', 'zx', 'zxx'])
        expect(journal.appended).toBe(3)
      })
    })

    describe('the past', () => {
      test('is forgotten on demand, as etcd does: up to, and listed at, the revision named', async () => {
        const { storage } = await start()
        for (const name of ['a', 'b', 'c']) await put(storage, name)
        await put(storage, 'a', { v: '2' })
        await storage.compact(4)
        expect(storage.compacted).toBe(4)
        expect(names(storage.list(pods, 4))).toEqual(['a', 'b', 'c'])
        expect(storage.list(pods, 4)[0]!.revision).toBe(2)
        const tooOld = fault(() => storage.list(pods, 3))
        // The sentences are those of k8s.io/apiserver (storage/etcd3/errors.go, storage/cacher/watch_cache.go).
        expect([isExpired(tooOld), tooOld.code, tooOld.message]).toEqual([
          true,
          410,
          'The resourceVersion for the provided list is too old.',
        ])
        const tooLate = fault(() => storage.subscribe(pods, 3, () => {}))
        expect([isExpired(tooLate), tooLate.message]).toEqual([true, 'too old resource version: 3 (4)'])
        const heard: string[] = []
        storage.subscribe(pods, 4, events => heard.push(...events.map(told)))
        await put(storage, 'd')
        expect(heard).toEqual(['5 MODIFIED a after 2', '6 ADDED d'])
        await storage.compact(2)
        expect(storage.compacted).toBe(4)
      })

      const keptFrom: readonly [before: number, revisions: readonly number[]][] = [
        [1, [2, 3, 4, 5, 6, 7, 8, 9]],
        [4, [3, 4, 5, 6, 7, 8, 9]],
        [5, [3, 4, 5, 6, 7, 8, 9]],
        [6, [3, 4, 7, 8, 9]],
        [7, [3, 7, 8, 9]],
        [8, [7, 9]],
        [9, [9]],
      ]
      for (const [before, revisions] of keptFrom) {
        test(`forgotten from revision ${before} on leaves the journal what is needed from there, and no more`, async () => {
          const { storage, journal, reopen } = await start()
          await put(storage, 'a') // 2
          await put(storage, 'b') // 3
          await put(storage, 'a', { v: '2' }) // 4
          await put(storage, 'c') // 5
          await remove(storage, 'c') // 6
          await put(storage, 'a', { v: '3' }) // 7
          await remove(storage, 'b') // 8
          await put(storage, 'a', { v: '4' }) // 9
          await Promise.all([storage.compact(Math.max(1, before - 2)), storage.compact(before)])
          const { log, compacted } = await journal.load()
          expect(log.map(({ revision }) => revision)).toEqual(revisions)
          expect(compacted).toBe(before)
          const again = await reopen()
          expect([names(again.list(pods)), again.revision, again.compacted]).toEqual([['a'], 9, before])
        })
      }

      test('that a crash left in the journal goes after opening again', async () => {
        const { storage, journal, reopen, lastJournal } = await start()
        for (const v of ['1', '2', '3']) await put(storage, 'a', { v })
        await put(storage, 'b')
        await remove(storage, 'b')
        // The crash: the revision is noted, nothing is gone yet.
        await journal.forget(6, [])
        const again = await reopen()
        expect([again.compacted, names(again.list(pods))]).toEqual([6, ['a']])
        await put(again, 'c')
        await again.compact(6)
        const { log } = await lastJournal().load()
        expect(log.map(({ revision }) => revision)).toEqual([4, 7])
      })

      test('is bounded by count', async () => {
        const { storage } = await start({ history: { maxEvents: 10 } })
        for (let count = 0; count < 25; count++) await put(storage, 'a', { count: `${count}` })
        expect([storage.revision, storage.compacted]).toEqual([26, 16])
        expect(storage.list(pods, 16)[0]!.revision).toBe(16)
      })

      test('is bounded by bytes, counting what only it still holds', async () => {
        const { storage } = await start({ history: { maxBytes: 20_000 } })
        const big = 'x'.repeat(2_000)
        for (let count = 0; count < 50; count++) await put(storage, `pod-${count}`, { big })
        expect(storage.compacted).toBe(1)
        for (let count = 0; count < 50; count++) await put(storage, 'pod-1', { big })
        const kept = storage.revision - storage.compacted
        expect(kept).toBeGreaterThan(5)
        expect(kept).toBeLessThan(10)
      })

      test('is forgotten with age, but for the least that is always kept', async () => {
        const { storage, env } = await start({ history: { maxAge: 300_000, leastEvents: 3 } })
        for (let count = 0; count < 6; count++) await put(storage, 'a', { count: `${count}` })
        await env.clock.advance(290_000)
        for (let count = 0; count < 6; count++) await put(storage, 'b', { count: `${count}` })
        expect(storage.compacted).toBe(1)
        await env.clock.advance(70_000)
        expect(storage.compacted).toBe(7)
        await env.clock.advance(3_600_000)
        expect([storage.compacted, storage.revision]).toEqual([10, 13])
      })

      test('is not the present: what is there stays, however old', async () => {
        const { storage, env, reopen } = await start({ history: { maxAge: 60_000, leastEvents: 0 } })
        for (const name of ['a', 'b', 'c']) await put(storage, name, { app: 'web' })
        await remove(storage, 'b')
        await env.clock.advance(600_000)
        expect(storage.compacted).toBe(5)
        const again = await reopen()
        expect([names(again.list(pods)), again.revision, again.compacted]).toEqual([['a', 'c'], 5, 5])
      })
    })

    describe('opened again', () => {
      test('everything is there, and revisions go on', async () => {
        const { storage, reopen } = await start()
        await put(storage, 'a', { app: 'web' })
        await put(storage, 'b', { app: 'Zürich 東京 🚢' })
        await put(storage, 'a', { app: 'web', v: '2' })
        await remove(storage, 'b')
        await put(storage, 'c', { app: 'web' })
        const before = storage.list(pods).map(({ object, createRevision }) => ({ object, createRevision }))
        const again = await reopen()
        expect(again.revision).toBe(6)
        expect(again.list(pods).map(({ object, createRevision }) => ({ object, createRevision }))).toEqual(before)
        expect(Object.isFrozen(again.get(podKey('a'))!.object.metadata.labels)).toBe(true)
        expect(again.get(podKey('a'))!.object).toBe(again.get(podKey('a'))!.object)
        expect(names(again.withTerm(pods, 'label:app=web'))).toEqual(['a', 'c'])
        expect((await put(again, 'd')).stored.revision).toBe(7)
      })

      test('a watch goes on from where it was', async () => {
        const { storage, reopen } = await start()
        await put(storage, 'a')
        await put(storage, 'b', { v: '1' })
        await put(storage, 'b', { v: '2' })
        await remove(storage, 'a')
        const past: string[] = []
        storage.subscribe(pods, 2, events => past.push(...events.map(told)))
        await Promise.resolve()
        const again = await reopen()
        const heard: string[] = []
        again.subscribe(pods, 2, events => heard.push(...events.map(told)))
        await put(again, 'c')
        expect(heard).toEqual([...past, '6 ADDED c'])
        expect(heard).toEqual(['3 ADDED b', '4 MODIFIED b after 3', '5 DELETED a after 2', '6 ADDED c'])
        expect(names(again.list(pods, 4))).toEqual(['a', 'b'])
      })

      test('what was compacted is expired, and what was not can be read as before', async () => {
        const { storage, reopen } = await start()
        for (const name of ['a', 'b', 'c']) await put(storage, name)
        await put(storage, 'a', { v: '2' })
        await remove(storage, 'b')
        await storage.compact(4)
        const again = await reopen()
        expect([again.revision, again.compacted]).toEqual([6, 4])
        expect(again.list(pods, 4).map(({ revision }) => revision)).toEqual([2, 3, 4])
        expect(again.list(pods, 5).map(({ revision }) => revision)).toEqual([5, 3, 4])
        expect(() => again.list(pods, 3)).toThrow('too old')
        const events: StorageEvent[] = []
        again.subscribe(pods, 4, past => events.push(...past))
        await put(again, 'd')
        expect(events.map(told)).toEqual(['5 MODIFIED a after 2', '6 DELETED b after 3', '7 ADDED d'])
      })

      test('a journal with a hole in it is refused', async () => {
        const openJournal = await makeJournal()
        const journal = await openJournal()
        await journal.load()
        const stored = (revision: number): JournalEntry => ({
          revision,
          type: 'ADDED',
          key: podKey(`p${revision}`),
          createRevision: revision,
          bytes: Buffer.from(JSON.stringify(pod(`p${revision}`))),
        })
        await journal.append([stored(2), stored(4)])
        const store = RevisionStore.open(virtualEnv(), journal)
        await expect(store).rejects.toThrow('what was written between revisions 2 and 4 is missing')
        await journal.close()
      })
    })

    describe('when the journal cannot keep a batch', () => {
      const failing = async () => {
        throw new Error('no space left on device')
      }

      test('its writers, and those who built upon it, are told so, and nothing of it has happened', async () => {
        const { storage, journal, reopen } = await start()
        await put(storage, 'a', { v: '1' })
        const heard: string[] = []
        storage.subscribe(pods, storage.revision, events => heard.push(...events.map(told)))
        let later: Promise<unknown> | undefined
        journal.before = async () => {
          later = Promise.allSettled([
            put(storage, 'a', { v: '3' }),
            storage.write(podKey('b'), current => (current ? { keep: true } : { put: pod('b') })),
          ])
          await failing()
        }
        const outcomes = await Promise.allSettled([
          put(storage, 'a', { v: '2' }),
          put(storage, 'b'),
          remove(storage, 'a'),
        ])
        for (const outcome of [...outcomes, ...((await later) as PromiseSettledResult<unknown>[])]) {
          const { reason, code, message } = (outcome as PromiseRejectedResult).reason as ApiError
          expect([reason, code]).toEqual(['InternalError', 500])
          expect(message).toContain('the journal could not keep the write: no space left on device')
        }
        expect([storage.revision, names(storage.list(pods)), heard]).toEqual([2, ['a'], []])
        const seen = await storage.write(podKey('a'), (current, present) => {
          expect([current?.object.metadata.labels, names(present.list(pods))]).toEqual([{ v: '1' }, ['a']])
          return { put: pod('a', { v: '4' }) }
        })
        expect([seen.stored.revision, seen.previous?.revision, heard]).toEqual([3, 2, ['3 MODIFIED a after 2']])
        const again = await reopen()
        expect([again.revision, names(again.list(pods))]).toEqual([3, ['a']])
      })

      test('the store is not busy for ever', async () => {
        const { storage, journal, env } = await start()
        journal.before = failing
        await expect(put(storage, 'a')).rejects.toThrow('no space left')
        await env.activity.idle()
        expect(env.activity.busy).toBe(0)
      })
    })

    test('closing finishes what was begun, and refuses what comes later', async () => {
      const { storage, reopen } = await start()
      const begun = [put(storage, 'a'), put(storage, 'b')]
      const closed = storage.close()
      await expect(put(storage, 'c')).rejects.toMatchObject({ reason: 'ServiceUnavailable' })
      await Promise.all([...begun, closed])
      expect(names((await reopen()).list(pods))).toEqual(['a', 'b'])
    })

    test('what is superseded or removed is kept as bytes, and parsed anew for who asks', async () => {
      const { storage, env } = await start()
      const written = [await put(storage, 'a', { v: '1' })]
      const parsed = [written[0]!.stored.object]
      for (const write of [() => put(storage, 'a', { v: '2' }), () => remove(storage, 'a')]) {
        written.push(await write())
        parsed.push(written.at(-1)!.stored.object)
      }
      await env.activity.idle()
      const again = written.map(({ stored }) => stored.object)
      expect(again).toEqual(parsed)
      for (const [index, object] of again.entries()) {
        expect(object).not.toBe(parsed[index])
        expect(Object.isFrozen(object.metadata.labels)).toBe(true)
      }
      const present = (await put(storage, 'b')).stored
      const { object } = present
      await env.activity.idle()
      expect(present.object).toBe(object)
    })

    test('objects whose parsed form is not kept read the same as others', async () => {
      const { storage } = await start({ keepParsed: key => !key.includes('/other/') })
      await put(storage, 'a', { app: 'web' })
      const { stored } = await put(storage, 'b', { app: 'web' }, 'other')
      await put(storage, 'b', { app: 'db' }, 'other')
      await put(storage, 'c', { app: 'web' }, 'other')
      const [a, c] = storage.withTerm(pods, 'label:app=web')
      expect([a, c].map(each => each!.object)).toEqual([
        freeze({
          ...pod('a', { app: 'web' }),
          metadata: { ...pod('a', { app: 'web' }).metadata, resourceVersion: '2' },
        }),
        { ...pod('c'), metadata: { name: 'c', namespace: 'other', labels: { app: 'web' }, resourceVersion: '5' } },
      ])
      expect(Object.isFrozen(c!.object.metadata)).toBe(true)
      expect(stored.object.metadata.labels).toEqual({ app: 'web' })
    })
  })
}

function fault(call: () => unknown): ApiError {
  try {
    call()
  } catch (error) {
    return error as ApiError
  }
  throw new Error('it was not refused')
}

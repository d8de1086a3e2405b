// Random bursts of writes against a naive model: a list of events, replayed from the start for every question. What the
// store says of the present, of every revision in its window, to watches from anywhere, by index, and in its turns, must be
// what the model says; also after a compaction, and after opening again.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Journal, MemoryJournal } from '../../apiserver/storage/journal.ts'
import { LevelJournal } from '../../apiserver/storage/level-journal.ts'
import { PastStorage } from '../../apiserver/storage/past.ts'
import { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { Stored } from '../../apiserver/storage/storage.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'
import { labelTerms, pod } from '../contracts/storage.ts'
import { dataDirectory } from './data-directory.ts'

interface Op {
  readonly key: string
  readonly what: 'put' | 'same' | 'remove' | 'keep' | 'throw'
  readonly label: string
}

type Burst =
  | { readonly kind: 'writes'; readonly ops: readonly Op[] }
  | { readonly kind: 'compact'; readonly back: number }
  | { readonly kind: 'reopen' }

interface ModelEvent {
  readonly type: string
  readonly key: string
  readonly revision: number
  readonly label: string
  readonly created: number
  readonly before: number | undefined
}

class Model {
  readonly events: ModelEvent[] = []
  compacted = 1

  get revision(): number {
    return this.events.length + 1
  }

  at(revision: number): Map<string, ModelEvent> {
    const state = new Map<string, ModelEvent>()
    for (const event of this.events) {
      if (event.revision > revision) break
      if (event.type === 'DELETED') state.delete(event.key)
      else state.set(event.key, event)
    }
    return state
  }

  /** What a turn comes to; undefined when it writes nothing. */
  write({ key, what, label }: Op): ModelEvent | undefined {
    const current = this.at(this.revision).get(key)
    if (what === 'keep' || what === 'throw' || (what === 'remove' && current === undefined)) return undefined
    if (what === 'same' && current?.label === label) return undefined
    const revision = this.revision + 1
    const type = what === 'remove' ? 'DELETED' : current ? 'MODIFIED' : 'ADDED'
    const event = {
      type,
      key,
      revision,
      label: what === 'remove' ? current!.label : label,
      created: current?.created ?? revision,
      before: current?.revision,
    }
    this.events.push(event)
    return event
  }
}

const prefixes = [
  '',
  '/registry/core/',
  '/registry/core/pods/',
  '/registry/core/pods/a/',
  '/registry/core/nodes/',
  '/registry/apps/',
]
const keys = [
  ...['a', 'b'].flatMap(namespace => ['1', '2', '3', '10'].map(name => `/registry/core/pods/${namespace}/${name}`)),
  '/registry/core/pods/a-b/1',
  '/registry/core/nodes/n1',
  '/registry/core/nodes/n2',
]
const labels = ['x', 'y', 'z']

const op: fc.Arbitrary<Op> = fc.record({
  key: fc.constantFrom(...keys),
  what: fc.constantFrom('put', 'put', 'put', 'same', 'remove', 'remove', 'keep', 'throw'),
  label: fc.constantFrom(...labels),
})
const burst: fc.Arbitrary<Burst> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('writes' as const), ops: fc.array(op, { minLength: 1, maxLength: 12 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const), back: fc.nat(15) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
)

const shownModel = ({ key, revision, label, created }: ModelEvent) => `${key}@${revision} ${label} from ${created}`
const shown = ({ key, revision, createRevision, object, bytes }: Stored) => {
  expect(JSON.parse(bytes.toString())).toEqual(object)
  expect(object.metadata.resourceVersion).toBe(String(revision))
  return `${key}@${revision} ${object.metadata.labels?.l} from ${createRevision}`
}

function listed(state: ReadonlyMap<string, ModelEvent>, prefix: string, label?: string): string[] {
  return [...state.values()]
    .filter(event => event.key.startsWith(prefix) && (label === undefined || event.label === label))
    .sort((one, other) => (one.key < other.key ? -1 : 1))
    .map(shownModel)
}

/** One write, whose turn must see `ahead`: the model after all turns before it. */
async function write(store: RevisionStore, op: Op, ahead: ReadonlyMap<string, ModelEvent>): Promise<void> {
  const { key, what, label } = op
  const prefix = prefixes[key.length % prefixes.length]!
  await store
    .write(key, (current, present) => {
      expect(current?.revision).toBe(ahead.get(key)?.revision)
      expect([...present.list(prefix)].map(shown)).toEqual(listed(ahead, prefix))
      expect([...present.withTerm(prefix, `label:l=${label}`)].map(shown)).toEqual(listed(ahead, prefix, label))
      if (what === 'throw') throw refusal
      if (what === 'keep' || (what === 'remove' && current === undefined)) return { keep: true }
      if (what === 'remove') return { remove: true }
      return { put: pod(key.slice(key.lastIndexOf('/') + 1), { l: label }), unlessSame: what === 'same' }
    })
    .catch(error => {
      if (error !== refusal) throw error
    })
}

const refusal = new Error('refused')

function check(store: RevisionStore, model: Model): void {
  const now = model.at(model.revision)
  expect([store.revision, store.compacted]).toEqual([model.revision, model.compacted])
  for (const prefix of prefixes) {
    expect(store.list(prefix).map(shown)).toEqual(listed(now, prefix))
    expect(store.count(prefix)).toBe(listed(now, prefix).length)
    for (const label of labels) {
      expect(store.withTerm(prefix, `label:l=${label}`).map(shown)).toEqual(listed(now, prefix, label))
    }
  }
  for (const key of keys) expect(store.get(key)?.revision).toBe(now.get(key)?.revision)
}

async function checkPast(store: RevisionStore, model: Model): Promise<void> {
  for (let revision = model.compacted; revision <= model.revision; revision++) {
    const state = model.at(revision)
    const prefix = prefixes[revision % prefixes.length]!
    expect(store.list(prefix, revision).map(shown)).toEqual(listed(state, prefix))
    const heard: string[] = []
    const cancel = store.subscribe(prefix, revision, events => {
      for (const { type, stored, previous } of events)
        heard.push(`${type} ${shown(stored)} after ${previous?.revision}`)
    })
    await Promise.resolve()
    cancel()
    const past = new PastStorage(store, revision, labelTerms)
    expect([past.revision, past.list(prefix).map(shown), past.count(prefix)]).toEqual([
      revision,
      listed(state, prefix),
      listed(state, prefix).length,
    ])
    for (const label of labels) {
      expect(past.withTerm(prefix, `label:l=${label}`).map(shown)).toEqual(listed(state, prefix, label))
    }
    for (const key of keys) expect(past.get(key)?.revision).toBe(state.get(key)?.revision)
    const expected = model.events.filter(event => event.revision > revision && event.key.startsWith(prefix))
    expect(heard).toEqual(expected.map(event => `${event.type} ${shownModel(event)} after ${event.before}`))
  }
  if (model.compacted > 1) {
    expect(() => store.list('', model.compacted - 1)).toThrow('too old')
    expect(() => store.subscribe('', model.compacted - 1, () => {})).toThrow('too old')
  }
}

async function run(bursts: readonly Burst[], openJournal: () => Promise<Journal>): Promise<string[]> {
  const env = virtualEnv()
  const open = async () => RevisionStore.open(env, await openJournal(), { terms: labelTerms })
  const model = new Model()
  const heard: string[] = []
  let store = await open()
  const listen = () =>
    store.subscribe('', store.revision, events => {
      for (const { type, stored } of events) heard.push(`${type} ${shown(stored)}`)
    })
  listen()
  for (const each of bursts) {
    if (each.kind === 'reopen') {
      await store.close()
      store = await open()
      listen()
    } else if (each.kind === 'compact') {
      const before = Math.max(1, model.revision - each.back)
      await store.compact(before)
      model.compacted = Math.max(model.compacted, before)
    } else {
      const durable = listed(model.at(model.revision), '')
      const writes = each.ops.map(op => {
        const ahead = model.at(model.revision)
        model.write(op)
        return write(store, op, ahead)
      })
      expect(store.list('').map(shown)).toEqual(durable)
      await Promise.all(writes)
    }
    check(store, model)
  }
  await checkPast(store, model)
  await store.close()
  expect(heard).toEqual(model.events.map(event => `${event.type} ${shownModel(event)}`))
  return heard
}

describe('the store does what a naive model does', () => {
  test('upon the memory journal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(burst, { maxLength: 25 }), async bursts => {
        const journal = new MemoryJournal()
        await run(bursts, async () => journal)
      }),
      { numRuns: 150 },
    )
  })

  test('upon LevelDB', async () => {
    const directory = dataDirectory()
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(burst, { maxLength: 25 }), async bursts => {
        const here = `${directory}-${runs++}`
        await run(bursts, () => LevelJournal.open(here, { fsync: false }))
      }),
      { numRuns: 40 },
    )
  })
})

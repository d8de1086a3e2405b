// What is answered is kept. A process that writes without a pause, sixteen writers at once, is killed with SIGKILL, ten times
// over, and afterwards each write it was answered must be in the data directory it left.
//
// SIGKILL alone cannot show that a write reached the disk: the kernel still has what was only written. So the power is cut
// as well, in a copy of the data directory from which everything is taken that no sync had made durable:
//   1. By the system calls themselves, where strace is there and allowed. Every write, fdatasync, fsync and rename of the
//      process is traced, in one order with what it reports on standard output. At many points of that order each file is
//      cut to its length at the last sync of it that had returned (or a little more: a torn tail), and the store must open
//      and have each write that was answered by then. That a synced file's name is durable too is taken for granted, as it
//      is on ext4 and xfs.
//   2. Everywhere, by LevelDB's word: each batch that was handed to its binding with `sync` counts as durable when it returns,
//      and nothing else of the log file does. This shows that the journal asks for the sync and waits for it; that LevelDB
//      keeps its word is shown by 1.
// Both have a control: the same without fsync must lose something, or the test would prove nothing.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LevelJournal } from '../../apiserver/storage/level-journal.ts'
import { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { StorageEvent } from '../../apiserver/storage/storage.ts'
import { SeededRandom } from '../../src/env/random.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'
import { dataDirectory } from './data-directory.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
let folder: string
let program: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kubesim-crash-'))
  program = join(folder, 'child.mjs')
  await build({
    entryPoints: [join(root, 'test/storage/crash-child.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    plugins: [
      {
        name: 'packages stay where they are',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^(level|classic-level|pino)$/ }, ({ path }) => ({
            path: fileURLToPath(import.meta.resolve(path)),
            external: true,
          })),
      },
    ],
  })
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Answer {
  readonly revision: number
  readonly type: string
  readonly key: string
  readonly mark: string
}

interface Ended {
  readonly answers: readonly Answer[]
  readonly refusals: readonly string[]
  /** The last sizes of log files that were said to be synced. */
  readonly synced: Readonly<Record<string, number>>
}

interface Orders {
  readonly directory: string
  readonly fsync?: boolean
  readonly writers?: number
  readonly seed?: number
  readonly ballast?: number
  readonly compactEvery?: number
  readonly tellSynced?: boolean
  readonly stopAfter?: number
}

/** Runs the child, kills it after so many answers (or lets it end), and says what it was answered. */
async function crash(orders: Orders, after: number, wrap: readonly string[] = []): Promise<Ended> {
  const words = [
    ...wrap,
    process.execPath,
    program,
    JSON.stringify({ fsync: true, writers: 16, seed: 1, ballast: 800, ...orders }),
  ]
  const child = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr.on('data', text => {
    complaints += text
  })
  const answers: Answer[] = []
  const refusals: string[] = []
  let synced = {}
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('refused ')) refusals.push(line)
    else if (line.startsWith('synced ')) synced = JSON.parse(line.slice('synced '.length))
    else if (!/^(opened|closed)/.test(line)) answers.push(answerOf(line))
    if (answers.length === after) kill(child, wrap.length > 0)
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  expect(complaints).toBe('')
  return { answers, refusals, synced }
}

/** Of a tracer, what it traces is killed. */
function kill(child: ChildProcess, isTraced: boolean): void {
  if (!isTraced) {
    child.kill('SIGKILL')
    return
  }
  const traced = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
  for (const pid of traced) process.kill(Number(pid), 'SIGKILL')
}

function answerOf(line: string): Answer {
  const [revision, type, key, mark] = line.split(' ') as [string, string, string, string]
  return { revision: Number(revision), type, key, mark }
}

/** Opens what a crash left, which checks that there is no hole in its revisions; everything in it. */
async function reopened(directory: string) {
  const journal = await LevelJournal.open(directory, { fsync: false })
  const store = await RevisionStore.open(virtualEnv(), journal, {
    history: { maxAge: 0, maxEvents: 1_000_000, maxBytes: 1_000_000_000 },
  })
  const events = new Map<number, Answer>()
  store.subscribe('', store.compacted, past => {
    for (const event of past) events.set(event.revision, shown(event))
  })
  await Promise.resolve()
  const present = new Map(store.list('').map(({ key, revision }) => [key, revision]))
  const { revision, compacted } = store
  await store.close()
  return { revision, compacted, events, present }
}

type Found = Awaited<ReturnType<typeof reopened>>

function shown({ revision, type, key, stored }: StorageEvent): Answer {
  const { data } = stored.object as unknown as { data: { mark: string } }
  return { revision, type, key, mark: data.mark }
}

/** Answered, and not to be found. */
function lost(found: Found, answers: readonly Answer[]): Answer[] {
  return answers.filter(answer => {
    if (answer.revision <= found.compacted) return false
    const event = found.events.get(answer.revision)
    return event === undefined || JSON.stringify(event) !== JSON.stringify(answer)
  })
}

/** The present of each key must be what its last write says, whether that was answered or only durable. */
function expectPresent(found: Found, writes: readonly Answer[]): void {
  const present = new Map<string, number>()
  for (const { key, revision, type } of [...writes].sort((one, other) => one.revision - other.revision)) {
    if (type === 'DELETED') present.delete(key)
    else present.set(key, revision)
  }
  expect(Object.fromEntries(found.present)).toEqual(Object.fromEntries(present))
}

describe('a process killed in the midst of writing', () => {
  test('has kept each write it was answered, ten times over', async () => {
    const directory = dataDirectory()
    const random = new SeededRandom(1)
    const all: Answer[] = []
    /** Also what was durable, though its writer died before it was answered. */
    const known = new Map<number, Answer>()
    for (let round = 0; round < 10; round++) {
      const { answers } = await crash(
        { directory, seed: round, ...(round % 3 === 2 ? { compactEvery: 150 } : {}) },
        200 + Math.floor(random.fraction() * 1_500),
      )
      all.push(...answers)
      const found = await reopened(directory)
      expect(lost(found, all)).toEqual([])
      for (const event of [...answers, ...found.events.values()]) known.set(event.revision, event)
      expectPresent(found, [...known.values()])
      expect(found.revision).toBeGreaterThanOrEqual(all.at(-1)!.revision)
      if (round === 2) expect(found.compacted).toBeGreaterThan(1)
    }
    expect(all.length).toBeGreaterThan(5_000)
  })
})

describe('when the power is cut', () => {
  /** A copy of a data directory in which every file has the length given; those not named are as they are. */
  function cut(directory: string, lengths: Readonly<Record<string, number>>, isAll: (file: string) => boolean): string {
    const copy = dataDirectory()
    cpSync(directory, copy, {
      recursive: true,
      filter: from => from === directory || !isAll(basename(from)) || basename(from) in lengths,
    })
    for (const [file, length] of Object.entries(lengths)) truncateSync(join(copy, file), length)
    return copy
  }

  describe("by LevelDB's word", () => {
    const isLog = (file: string) => file.endsWith('.log')

    test('each write that was answered is kept', async () => {
      const directory = dataDirectory()
      const { answers, synced } = await crash({ directory, tellSynced: true }, 1_000)
      expect(Object.keys(synced)).toHaveLength(1)
      const found = await reopened(cut(directory, synced, isLog))
      expect(lost(found, answers)).toEqual([])
      expectPresent(found, [...found.events.values()])
    })

    test('and without fsync it is not', async () => {
      const directory = dataDirectory()
      const { answers, synced } = await crash({ directory, tellSynced: true, fsync: false }, 1_000)
      expect(synced).toEqual({})
      const found = await reopened(cut(directory, synced, isLog))
      expect(lost(found, answers).length).toBeGreaterThan(900)
    })
  })

  const why = straceFault()
  describe.skipIf(why !== undefined)(`by the system calls${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
    const calls = 'trace=openat,write,writev,pwrite64,pwritev,ftruncate,fdatasync,fsync,rename,renameat,renameat2'

    async function traced(fsync: boolean) {
      const directory = dataDirectory()
      const file = `${directory}.trace`
      await crash({ directory, fsync }, 1_000, [
        'strace',
        '-f',
        '-y',
        '-s',
        '200',
        '-e',
        'signal=none',
        '-e',
        calls,
        '-o',
        file,
      ])
      const moments = [...replay(readFileSync(file, 'utf8'), directory)]
      return { directory, moments }
    }

    test('each write that was answered is kept, wherever the cut comes', async () => {
      const { directory, moments } = await traced(true)
      const random = new SeededRandom(2)
      const step = Math.floor(moments.length / 12)
      expect(step).toBeGreaterThan(50)
      for (let at = moments.length - 1; at > 0; at -= step) {
        const { synced, written, answers } = moments[at]!
        const torn = Object.fromEntries(
          Object.entries(synced).map(([file, length]) => [
            file,
            at % 2 ? length : length + Math.floor(random.fraction() * (written[file]! - length + 1)),
          ]),
        )
        const found = await reopened(cut(directory, torn, () => true))
        expect(lost(found, answers)).toEqual([])
      }
    })

    test('and without fsync it is not', async () => {
      const { directory, moments } = await traced(false)
      const { synced, answers } = moments.at(-1)!
      const found = await reopened(cut(directory, synced, () => true))
      expect(lost(found, answers).length).toBeGreaterThan(900)
    })
  })
})

interface Moment {
  /** By file of the data directory: its length at its last sync. */
  readonly synced: Readonly<Record<string, number>>
  readonly written: Readonly<Record<string, number>>
  readonly answers: readonly Answer[]
}

/** What was durable and what was answered, at each answer. */
function* replay(trace: string, directory: string): Iterable<Moment> {
  const written: Record<string, number> = {}
  const synced: Record<string, number> = {}
  const answers: Answer[] = []
  const begun = new Map<string, { call: string; length: number }>()
  for (const line of trace.split('\n')) {
    const [, pid, text] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (pid === undefined || text === undefined) continue
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(text)
    if (unfinished) {
      // Only what was written before a sync begins is certain to be made durable by it.
      begun.set(pid, { call: unfinished[1]!, length: written[fileOf(unfinished[1]!, directory) ?? ''] ?? 0 })
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)
    const start = resumed ? begun.get(pid) : undefined
    const call = start ? start.call + resumed![1]! : text
    const result = Number(/ = (-?\d+)/.exec(call)?.[1] ?? -1)
    const name = call.slice(0, call.indexOf('('))
    if (result < 0) continue
    const answer = /^write\(1<[^>]*>, "(\d+ [^"\\]*)\\n"/.exec(call)
    if (answer) {
      answers.push(answerOf(answer[1]!))
      yield { synced: { ...synced }, written: { ...written }, answers: [...answers] }
      continue
    }
    if (name.startsWith('rename')) {
      const [from, to] = [...call.matchAll(/"([^"]*)"/g)].map(([, path]) => basename(path!))
      for (const lengths of [written, synced]) {
        if (from! in lengths) lengths[to!] = lengths[from!]!
        delete lengths[from!]
      }
      continue
    }
    const file = fileOf(call, directory)
    if (file === undefined) continue
    if (name === 'openat') written[file] ??= 0
    else if (name === 'write' || name === 'writev') written[file] = (written[file] ?? 0) + result
    else if (name === 'fdatasync' || name === 'fsync') synced[file] = start?.length ?? written[file] ?? 0
    // LevelDB only ever appends; should that change, this replay would have to.
    else throw new Error(`unexpected: ${call}`)
  }
}

/** The name of the data directory's file that a call is about. */
function fileOf(call: string, directory: string): string | undefined {
  const at = call.indexOf(`${directory}/`)
  return at < 0 ? undefined : /^[^>"]+/.exec(call.slice(at + directory.length + 1))?.[0]
}

function straceFault(): string | undefined {
  if (process.platform !== 'linux') return 'strace is of Linux'
  const { error, status, stderr } = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'], { encoding: 'utf8' })
  if (error) return 'there is no strace'
  return status === 0 ? undefined : `strace may not trace: ${stderr.trim()}`
}

describe('a disk that is full', () => {
  test.skipIf(process.platform === 'win32')(
    'refuses writes, one by one, and all that were answered before and after are kept, and no others',
    async () => {
      const directory = dataDirectory()
      // The shell lets no file grow beyond 1 MiB: LevelDB's log file hits that in the middle of a batch, again and again.
      const { answers, refusals } = await crash({ directory, stopAfter: 4_000 }, Number.POSITIVE_INFINITY, [
        '/bin/bash',
        '-c',
        'ulimit -f 1024; exec "$0" "$@"',
      ])
      expect(refusals.length).toBeGreaterThan(0)
      for (const refusal of refusals) expect(refusal).toContain('the journal could not keep the write')
      const found = await reopened(directory)
      expect(answers.length).toBeGreaterThan(3_000)
      expect(lost(found, answers)).toEqual([])
      expectPresent(found, [...found.events.values()])
      expect(found.revision).toBe(answers.at(-1)!.revision)
      expect(found.events.size).toBe(answers.length)
    },
  )
})

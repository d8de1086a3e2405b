// Run by crash.test.ts as a process of its own, to be killed: writers that write without a pause, each its own keys, and say
// on standard output what they were answered, at once. One line an answer: revision, type, key, and the object's mark.

import { readdirSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { LevelJournal } from '../../apiserver/storage/level-journal.ts'
import { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import type { Random } from '../../src/env/random.ts'
import { realEnv } from '../../src/env/real-env.ts'

interface Orders {
  readonly directory: string
  readonly fsync: boolean
  readonly writers: number
  readonly seed: number
  /** Bytes in each object beside what every object has. */
  readonly ballast: number
  /** Forget history every so many answers. */
  readonly compactEvery?: number
  /** Say after each batch that LevelDB calls synced how long its log files then are. */
  readonly tellSynced?: boolean
  /** End after so many answers or refusals. */
  readonly stopAfter?: number
}

const orders = JSON.parse(process.argv[2]!) as Orders
const env = realEnv({ seed: orders.seed, logLevel: 'silent' })
// Node leaves this signal deadly: a write beyond `ulimit -f` is to fail instead.
process.on('SIGXFSZ', () => {})
if (orders.tellSynced) await tellSyncedSizes(orders.directory)

const journal = await LevelJournal.open(orders.directory, { fsync: orders.fsync })
const store = await RevisionStore.open(env, journal, {
  history: { maxAge: 0, maxEvents: 1_000_000, maxBytes: 1_000_000_000 },
})
let answers = 0
say(`opened ${store.revision}`)
await Promise.all(
  Array.from({ length: orders.writers }, (_, index) => write(index, env.random.fork(`writer ${index}`))),
)
await store.close()
say('closed')

async function write(writer: number, random: Random): Promise<void> {
  const ballast = random
    .suffix(64)
    .repeat(Math.ceil(orders.ballast / 64))
    .slice(0, orders.ballast)
  while (orders.stopAfter === undefined || answers < orders.stopAfter) {
    const name = `w${writer}-${Math.floor(random.fraction() * 20)}`
    const mark = random.suffix(12)
    const isRemoval = random.fraction() < 0.2
    try {
      const { stored, previous } = await store.write(`/registry/core/configmaps/default/${name}`, current => {
        if (current !== undefined && isRemoval) return { remove: true }
        return {
          put: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { mark, ballast } } as KubeObject,
        }
      })
      const isRemoved = previous !== undefined && isRemoval
      const { data } = stored.object as unknown as { data: { mark: string } }
      say(`${stored.revision} ${isRemoved ? 'DELETED' : previous ? 'MODIFIED' : 'ADDED'} ${stored.key} ${data.mark}`)
    } catch (error) {
      say(`refused ${name} ${(error as Error).message}`)
    }
    answers++
    if (orders.compactEvery && answers % orders.compactEvery === 0) void store.compact(store.revision - 100)
  }
}

/** Written before it returns: what stands in the pipe outlives the process. */
function say(line: string): void {
  writeSync(1, `${line}\n`)
}

/** Asks LevelDB's own binding which batches it was told to sync; what it says of them is then taken at its word. */
async function tellSyncedSizes(directory: string): Promise<void> {
  const other = new ClassicLevel(`${directory}-other`)
  await other.open()
  const prototype = Object.getPrototypeOf(other.batch()) as { _write(options: { sync?: boolean }): Promise<void> }
  await other.close()
  const { _write } = prototype
  prototype._write = async function (options) {
    await _write.call(this, options)
    if (!options.sync) return
    const logs = readdirSync(directory).filter(file => file.endsWith('.log'))
    say(`synced ${JSON.stringify(Object.fromEntries(logs.map(file => [file, statSync(join(directory, file)).size])))}`)
  }
}

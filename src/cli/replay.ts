// kubesim replay FILE: what came to a recorded cluster from outside comes to a new one, in virtual time; says whether the history is the
// same, byte for byte, or where it first is not. With --name the new cluster then goes on running.

import { Command } from 'commander'
import { isTime, parseTime, rfc3339Milli } from '../api/time.ts'
import { readConfig, unreadable } from '../config.ts'
import { RealClock } from '../env/clock.ts'
import { type Recording, RecordingError, type Trace } from '../recording/recording-file.ts'
import type { FirstDifference, Replayed, ReplayOptions } from '../recording/replay.ts'
import { paint, print, UserError, warning } from './output.ts'
import { outputOption } from './settings.ts'
import { startFrom } from './snapshot.ts'

interface Options {
  readonly output: string
  readonly until?: string
  readonly name?: string
  readonly dataDir?: string
  readonly port: string
}

export function replayCommand(): Command {
  return outputOption(new Command('replay'))
    .description('do again what was recorded with "kubesim start --record", and hold the histories against each other')
    .argument('<file>')
    .option('--until <point>', 'no further than a revision (123) or a time (2024-01-01T12:00:00Z) of the cluster')
    .option('--name <name>', 'start a cluster of this name that goes on from there')
    .option('--data-dir <dir>', 'where it keeps its data (default: ~/.kubesim-NAME)')
    .option('--port <number>', 'port of its API server (default: a free one)', '0')
    .action(async (file: string, options: Options) => {
      const recording = await readable(file)
      const { replay } = await import('../recording/replay.ts')
      const clock = new RealClock()
      const begun = clock.now()
      const replayed = await replay(recording, untilOf(options.until))
      const took = `${((clock.now() - begun) / 1000).toFixed(1)} s`
      clock.close()
      for (const note of replayed.notes) warning(`not done again: ${note}`)
      const { difference, inputs, events } = replayed
      const revision = replayed.cluster.storage.revision
      print(options.output, { kind: 'Replay', inputs, events, revision, same: !difference, difference }, () =>
        outcomeText(replayed, took),
      )
      if (difference !== undefined) process.exitCode = 1
      if (options.name !== undefined) await goOn(replayed, { ...options, name: options.name })
      await replayed[Symbol.asyncDispose]()
    })
}

async function goOn({ cluster, env }: Replayed, { name, dataDir, port, output }: Options & { name: string }) {
  const { snapshotLines, readSnapshot } = await import('../snapshot-file.ts')
  await cluster.nodes.renewals.make()
  const { storage } = cluster
  const snapshot = readSnapshot([...snapshotLines(storage, storage.revision, env.clock.now())].join(''))
  const folder = dataDir ?? `${readConfig({}).dataDir}-${name}`
  await startFrom(snapshot, { folder, name, port, output })
}

function untilOf(point: string | undefined): ReplayOptions {
  if (point === undefined) return {}
  if (/^\d+$/.test(point)) return { until: { revision: Number(point) } }
  if (isTime(point)) return { until: { time: parseTime(point) } }
  throw new UserError(`"${point}" is no point in a recording: 123 (a revision) or 2024-01-01T12:00:00Z`)
}

async function readable(file: string): Promise<Recording> {
  const { readFile } = await import('node:fs/promises')
  const { readRecording } = await import('../recording/recording-file.ts')
  const text = await readFile(file, 'utf8').catch(error => {
    throw new UserError(unreadable(file, error))
  })
  try {
    return readRecording(text)
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error
    throw new UserError(`${file}: ${error.message}`)
  }
}

export function outcomeText({ inputs, events, difference, cluster, env }: Replayed, took: string): string {
  const so = `${inputs} deeds, ${events} writes, up to revision ${cluster.storage.revision} (${took})`
  if (difference === undefined) return `the history is the same, byte for byte: ${so}\n`
  const at = paint('bold', difference.time)
  return [
    `the histories part at ${at} of the cluster, after ${events} writes that are the same:`,
    `  recorded: ${traceText(difference, 'recorded')}`,
    `  replayed: ${traceText(difference, 'replayed')}`,
    `  (${so}; the clock stands at ${rfc3339Milli(env.clock.now())})`,
    '',
  ].join('\n')
}

const deeds = { ADDED: 'created', MODIFIED: 'changed', DELETED: 'removed' } as const

function traceText(difference: FirstDifference, side: 'recorded' | 'replayed'): string {
  const trace: Trace | undefined = difference[side]
  if (trace === undefined) return 'nothing'
  const isSamePlace = difference.recorded?.key === difference.replayed?.key
  const content = isSamePlace ? `, content ${trace.digest}` : ''
  return `revision ${trace.revision} ${deeds[trace.type]} ${trace.key.slice('/registry/'.length)}${content}`
}

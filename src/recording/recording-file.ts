// A recording: all that came to a cluster from outside, and what came of it, as lines of JSON: a heading that says how the
// cluster was made, then inputs with when each was let in, and a digest of every event of the log in between. Written by
// recorder.ts, read by replay.ts; what is read is checked first. Secrets that were sent are in it as they are.

import { createHash } from 'node:crypto'
import type { Revision, StorageEvent } from '../../apiserver/storage/storage.ts'
import type { Millis } from '../env/clock.ts'
import { version } from '../version.ts'

export interface RecordingHeading {
  readonly kind: 'KubesimRecording'
  readonly format: 1
  readonly version: string
  readonly seed: number | string
  /** The cluster's clock when it was made. */
  readonly startAt: Millis
  readonly nodes: number
  readonly without: readonly string[]
  readonly delays: number
  readonly platform: string
  readonly withRoles: boolean
  /** It was there before, and its nodes were switched off meanwhile. */
  readonly areNodesRebooted: boolean
  readonly endpoint?: { readonly address: string; readonly port: number }
  readonly certificateAuthority?: string
  /** The cluster that it went on from, as a snapshot. */
  readonly from?: string
}

/** What somebody outside did. */
export type Input = { readonly at: Millis } & InputDeed

export type InputDeed =
  /** A write, or a reading that brings about writes (put-off.ts): `resource` is `apps/v1/deployments`. */
  | { readonly do: 'request'; readonly verb: Verb; readonly resource: string; readonly words: readonly unknown[] }
  /** A watch of what is written only for whoever looks, and its end. */
  | { readonly do: 'watch' | 'leave'; readonly resource: string; readonly id: number }
  /** A path of kubesim's own, such as a move of the clock. */
  | { readonly do: 'own'; readonly method: string; readonly path: string; readonly body: unknown }
  /** A fault struck a request, which never came in. */
  | { readonly do: 'struck'; readonly fault: string; readonly what: string }
  /** Something was done that cannot be done again. */
  | { readonly do: 'note'; readonly what: string }
  /** Nothing more until then. */
  | { readonly do: 'end' }

export type Verb = 'create' | 'update' | 'patch' | 'delete' | 'deleteCollection' | 'act' | 'get' | 'list'

/** An event of the log, as far as two are compared. */
export interface Trace {
  readonly revision: Revision
  readonly type: StorageEvent['type']
  readonly key: string
  readonly digest: string
}

/** All that came to a cluster from outside, when, and what it wrote. */
export interface Recording {
  readonly heading: RecordingHeading
  readonly inputs: readonly Input[]
  readonly traces: readonly Trace[]
}

/** A file that is none of ours, or damaged: the message is for the user. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError'
}

export function traceOf({ revision, type, key, stored }: StorageEvent): Trace {
  return { revision, type, key, digest: createHash('sha256').update(stored.bytes).digest('hex').slice(0, 16) }
}

const letters = { ADDED: 'A', MODIFIED: 'M', DELETED: 'D' } as const
const types = { A: 'ADDED', M: 'MODIFIED', D: 'DELETED' } as const

/** What a cluster was made with, as far as it is one of these. */
export function recordingHeading(
  made: Pick<RecordingHeading, 'seed' | 'startAt'> & Partial<Omit<RecordingHeading, 'seed' | 'startAt'>>,
): RecordingHeading {
  const { seed, startAt, endpoint, certificateAuthority, from } = made
  return {
    kind: 'KubesimRecording',
    format: 1,
    version,
    seed,
    startAt,
    nodes: made.nodes ?? 3,
    without: made.without ?? [],
    delays: made.delays ?? 1,
    platform: made.platform ?? 'linux',
    withRoles: made.withRoles ?? false,
    areNodesRebooted: made.areNodesRebooted ?? false,
    ...(endpoint && { endpoint }),
    ...(certificateAuthority && { certificateAuthority }),
    ...(from && { from }),
  }
}

export const headingLine = (heading: RecordingHeading): string => `${JSON.stringify(heading)}\n`
export const inputLine = (input: Input): string => `${JSON.stringify({ in: input })}\n`
export const traceLine = ({ revision, type, key, digest }: Trace): string =>
  `${JSON.stringify([revision, letters[type], key, digest])}\n`

/** A last line that is cut off, as by a crash, is left out. Throws RecordingError. */
export function readRecording(text: string): Recording {
  const lines = text.split('\n')
  const rest = lines.pop()
  const heading = parsed(lines[0] ?? rest ?? '') as Partial<RecordingHeading> | undefined
  if (heading?.kind !== 'KubesimRecording') throw new RecordingError('it is not a recording of kubesim')
  if (heading.format !== 1) {
    throw new RecordingError(
      `it was written by a newer version of kubesim (${heading.version}, format ${heading.format})`,
    )
  }
  const inputs: Input[] = []
  const traces: Trace[] = []
  for (const [index, line] of lines.slice(1).entries()) {
    const value = parsed(line)
    if (Array.isArray(value) && value.length === 4 && (value[1] as string) in types) {
      const [revision, letter, key, digest] = value as [number, keyof typeof types, string, string]
      traces.push({ revision, type: types[letter], key, digest })
    } else if (isInput(value)) inputs.push(value.in)
    else throw new RecordingError(`it is damaged at line ${index + 2}`)
  }
  return { heading: heading as RecordingHeading, inputs, traces }
}

function isInput(value: unknown): value is { in: Input } {
  const input = (value as { in?: Partial<Input> } | undefined)?.in
  return typeof input?.at === 'number' && typeof input.do === 'string'
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

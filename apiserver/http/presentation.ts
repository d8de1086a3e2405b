// How what was read is shown: as the object, a Table or its metadata alone, in JSON, YAML or protobuf. Called by verbs.ts with the form
// that negotiation.ts chose; writes through reply.ts.

import type { ServerResponse } from 'node:http'
import { type ApiError, badRequest, invalidValue, type Status } from '../../src/api/errors.ts'
import type { Clock } from '../../src/env/clock.ts'
import { scaleColumns } from '../../src/kinds/columns.ts'
import type { Column, Kind } from '../../src/kinds/kind.ts'
import type { Trail } from '../audit/trail.ts'
import { wholeObject } from '../registry/collection.ts'
import type { Reading, ReadingList } from '../registry/registry.ts'
import type { ChunkPool } from './chunk-pool.ts'
import { type Form, prefersProtobuf, protobuf } from './negotiation.ts'
import {
  type Headers,
  isStatus,
  listMetaOf,
  listObject,
  sendBytes,
  sendList,
  sendObject,
  sendPieces,
  sendReading,
  sendStatus,
  sendYaml,
} from './reply.ts'
import type { Query } from './request.ts'
import { type IncludeObject, partialOf, type TableOptions, tableOf } from './table.ts'

/** Where an answer goes, and what the client said of its form. */
export interface Answer {
  readonly kind: Kind<any>
  readonly form: Form
  readonly query: Query
  readonly clock: Clock
  readonly response: ServerResponse
  readonly headers: Headers
  readonly chunks: ChunkPool
  /** Told of what goes out; absent: nobody is. */
  readonly trail?: Trail | undefined
}

export function presentObject(answer: Answer, status: number, reading: Reading): void | Promise<void> {
  const { kind, form, response, headers, trail } = answer
  if (trail !== undefined && isStatus(reading.object)) trail.stated(reading.object as unknown as Status)
  else if (form.as === 'object') trail?.responded(() => wholeObject(reading))
  if (form.encoding === 'protobuf') return presentMessage(answer, status, reading)
  if (isStatus(reading.object) || form.as === 'object') {
    if (form.encoding === 'yaml') return sendYaml(response, status, wholeObject(reading), headers)
    if (isPretty(answer)) return sendObject(response, status, wholeObject(reading), headers, true)
    return sendReading(response, status, reading, headers)
  }
  if (form.as === 'metadata') return sendOther(answer, status, partialOf(wholeObject(reading), form.version))
  const { resourceVersion } = reading.object.metadata
  const metadata = resourceVersion ? { resourceVersion } : {}
  return sendOther(answer, status, tableOf(columnsOf(kind, reading), [reading], metadata, tableOptions(answer)))
}

export function presentList(answer: Answer, list: ReadingList): void | Promise<void> {
  const { kind, form, response, headers, trail } = answer
  if (form.as === 'object') trail?.responded(() => listObject(kind, list))
  if (form.encoding === 'protobuf') return presentListMessage(answer, list)
  if (form.as === 'table') {
    return sendOther(answer, 200, tableOf(kind.columns, list.items, listMetaOf(list), tableOptions(answer)))
  }
  if (form.as === 'metadata') {
    const items = list.items.map(item => partialOf(wholeObject(item), form.version))
    const apiVersion = `meta.k8s.io/${form.version}`
    return sendOther(answer, 200, { kind: 'PartialObjectMetadataList', apiVersion, metadata: listMetaOf(list), items })
  }
  if (form.encoding === 'yaml') return sendYaml(response, 200, listObject(kind, list), headers)
  if (isPretty(answer)) return sendObject(response, 200, listObject(kind, list), headers, true)
  return sendList(response, kind, list, headers, answer.chunks)
}

/** What was made of objects for this answer: a Table, metadata alone. */
function sendOther(answer: Answer, status: number, object: object): void {
  answer.trail?.responded(() => object)
  sendObject(answer.response, status, object, answer.headers, isPretty(answer))
}

async function presentMessage({ form, response, headers }: Answer, status: number, reading: Reading): Promise<void> {
  const object = wholeObject(reading)
  const { objectMessage, partialMessage } = await import('./protobuf-writing.ts')
  const isWhole = form.as === 'object' || isStatus(object)
  sendBytes(response, status, protobuf, isWhole ? objectMessage(object) : partialMessage(object, form.version), headers)
}

/** After so many bytes the others get their turn: what is encoded takes some ten times as long as what is copied. */
const encodingTurn = 64 * 1024

async function presentListMessage({ kind, form, response, headers }: Answer, list: ReadingList): Promise<void> {
  const { itemMessage, listMessage, partialItemMessage } = await import('./protobuf-writing.ts')
  const encode = form.as === 'metadata' ? partialItemMessage : itemMessage
  const items: Uint8Array[] = []
  let turn = 0
  for (const reading of list.items) {
    const item = encode(wholeObject(reading))
    items.push(item)
    turn += item.length
    if (turn < encodingTurn) continue
    turn = 0
    await new Promise(resolve => setImmediate(resolve))
    if (response.destroyed) return
  }
  const name =
    form.as === 'metadata'
      ? { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.version}` }
      : { kind: `${kind.kind}List`, apiVersion: kind.apiVersion }
  return sendPieces(response, protobuf, listMessage(name, listMetaOf(list), items), headers)
}

/** What was refused or went wrong, in the form that the client would rather have. */
export async function presentRefusal(
  response: ServerResponse,
  error: ApiError,
  headers: Headers,
  accept: string | undefined,
): Promise<void> {
  if (!prefersProtobuf(accept)) return sendStatus(response, error, headers)
  const { objectMessage } = await import('./protobuf-writing.ts')
  sendStatus(response, error, headers, objectMessage(error.toStatus()))
}

/** Who asks for it, and who has a person before it (pkg/endpoints/handlers/negotiation/negotiate.go, isPrettyPrint). */
function isPretty({ query, response }: Answer): boolean {
  const asked = query.get('pretty')
  if (asked) return /^(?:1|t|T|TRUE|true|True)$/.test(asked)
  const agent = response.req?.headers['user-agent']
  return agent !== undefined && /^(?:curl|Wget|Mozilla\/5\.0)/.test(agent)
}

/** Of what was read: the kind's own, unless it is its scale. */
function columnsOf(kind: Kind<any>, { object }: Reading): readonly Column<any>[] {
  return object.kind === 'Scale' ? scaleColumns : kind.columns
}

function tableOptions({ form, query, clock }: Answer): TableOptions {
  return { version: form.version, include: includeOf(query), now: clock.now(), withColumns: true }
}

export function includeOf(query: Query): IncludeObject {
  const value = query.get('includeObject') || 'Metadata'
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value
  // k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go, ValidateTableOptions.
  const fault = invalidValue('includeObject', value, "must be 'Metadata', 'Object', 'None', or empty")
  throw badRequest(`Unable to convert to Table as requested: ${fault.field}: ${fault.message}`)
}

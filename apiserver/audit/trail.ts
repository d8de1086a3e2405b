// What is written of one request: an Event of audit.k8s.io that fills up as the request goes on, and goes out as a line at each
// of its stages. Made by audit.ts; http/ tells it what happens.
// Upstream: k8s.io/apiserver/pkg/audit/{context,request}.go, pkg/apis/audit/v1/types.go, pkg/endpoints/filters/audit.go.

import type { Status } from '../../src/api/errors.ts'
import type { Frozen, ObjectMeta } from '../../src/api/meta.ts'
import { qualifiedNameFaults } from '../../src/api/names.ts'
import { rfc3339Micro } from '../../src/api/time.ts'
import type { Millis } from '../../src/env/clock.ts'
import type { Asked } from '../auth/authorization.ts'
import type { User } from '../registry/registry.ts'
import { type Level, levels, type Scope, type Stage } from './policy.ts'

/** Of a request, what its head says. */
export interface RequestHead {
  readonly auditId: string
  readonly uri: string
  readonly userAgent: string | undefined
  readonly sourceIPs: readonly string[]
}

/** Where lines go, each with its newline. Never throws: that a line is lost is its own matter to tell. */
export interface AuditSink {
  write(line: string): void
  /** What comes after this is dropped. */
  close(): void
  /** How many lines could not be written. */
  readonly lost: number
}

export interface TrailOptions {
  readonly scope: Scope
  readonly head: RequestHead
  readonly user: User | undefined
  readonly asked: Asked
  readonly now: () => Millis
  readonly write: (line: string) => void
}

const longestUserAgent = 1024

type SentStatus = Partial<Omit<Status, 'kind' | 'apiVersion'>>

export class Trail {
  readonly #options: TrailOptions
  readonly #received: string
  readonly #annotations: Record<string, string> = {}
  #impersonated: User | undefined
  #object: ObjectMeta | undefined
  #requestObject: unknown
  #responseObject: unknown
  #status: SentStatus | undefined
  #isStarted = false
  #isComplete = false

  constructor(options: TrailOptions) {
    this.#options = options
    this.#received = rfc3339Micro(options.now())
  }

  reaches(level: Level): boolean {
    return levels.indexOf(this.#options.scope.level) >= levels.indexOf(level)
  }

  received(): void {
    this.#write('RequestReceived', this.#received)
  }

  impersonates(user: User): void {
    this.#impersonated = user
  }

  /** The first to say something under a key is right. What is said for a higher level than this one's is left out. */
  annotate(key: string, value: string, level: Level = 'Metadata'): void {
    if (!this.reaches(level) || Object.hasOwn(this.#annotations, key)) return
    // plugin/attributes.go, checkKeyFormat: qualified, with a prefix. Those of the server itself are.
    if (key.split('/').length !== 2 || qualifiedNameFaults(key).length > 0) return
    this.#annotations[key] = value
  }

  /** What was sent, before anybody changes it: this takes a copy. `complete` fills in what the kind's defaults are. */
  requested(object: unknown, complete?: (copy: any) => void): void {
    if (typeof object !== 'object' || object === null) return
    this.#object = metadataOf(object)
    if (!this.reaches('Request')) return
    const copy = copyOf(object)
    try {
      complete?.(copy)
    } catch {
      // What cannot be read is refused elsewhere, and shown as it came.
    }
    this.#requestObject = this.#pruned(copy)
  }

  patched(patch: unknown): void {
    if (this.reaches('Request')) this.#requestObject = copyOf(patch)
  }

  /** `object` makes it, where it is asked for. */
  responded(object: () => unknown): void {
    if (this.reaches('RequestResponse')) this.#responseObject = this.#pruned(object())
  }

  /** The answer is a Status: of what was refused, or of what has nothing else to show. */
  stated(status: Status): void {
    const { message, reason, details, code } = status
    this.#status = {
      metadata: {},
      status: status.status,
      ...(message ? { message } : {}),
      ...(reason ? { reason } : {}),
      ...(details ? { details } : {}),
      ...(code ? { code } : {}),
    }
    this.responded(() => status)
  }

  /** Of what goes on for long: its answer has begun. */
  started(code: number): void {
    this.#isStarted = true
    this.#answered(code)
    this.#write('ResponseStarted')
  }

  /** `code` is undefined when nothing went out. `isLong`: its beginning is told, if it has not been. */
  complete(code: number | undefined, isLong = false): void {
    if (this.#isComplete) return
    this.#isComplete = true
    if (code === undefined) {
      this.#status = { metadata: {}, status: 'Success', message: 'Connection closed early', code: 200 }
    } else this.#answered(code)
    if (isLong && !this.#isStarted) this.#write('ResponseStarted')
    this.#write('ResponseComplete')
  }

  #answered(code: number): void {
    this.#status = { ...(this.#status ?? { metadata: {} }), code }
  }

  #write(stage: Stage, at = rfc3339Micro(this.#options.now())): void {
    const { scope, head, user, asked, write } = this.#options
    if (scope.omitStages.has(stage)) return
    const hasAnnotations = Object.keys(this.#annotations).length > 0
    // In the order of upstream's fields.
    const event = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: scope.level,
      auditID: head.auditId,
      stage,
      requestURI: head.uri,
      verb: asked.verb,
      user: userInfo(user),
      impersonatedUser: this.#impersonated && userInfo(this.#impersonated),
      sourceIPs: head.sourceIPs,
      userAgent: shortened(head.userAgent),
      objectRef: asked.isResource ? this.#objectRef(asked) : undefined,
      responseStatus: this.#status,
      requestObject: this.#requestObject,
      responseObject: this.#responseObject,
      requestReceivedTimestamp: this.#received,
      stageTimestamp: at,
      annotations: hasAnnotations ? this.#annotations : undefined,
    }
    write(`${textOf(event)}\n`)
  }

  /** What the path does not say, the object that was sent may. */
  #objectRef({ resource, namespace, name, group, version, subresource }: Asked) {
    const { namespace: ownNamespace, name: ownName, uid, resourceVersion } = this.#object ?? ({} as ObjectMeta)
    return {
      resource: resource || undefined,
      namespace: namespace || ownNamespace || undefined,
      name: name || ownName || undefined,
      uid: uid || undefined,
      apiGroup: group || undefined,
      apiVersion: version || undefined,
      resourceVersion: resourceVersion || undefined,
      subresource: subresource || undefined,
    }
  }

  #pruned(object: unknown): unknown {
    return this.#options.scope.omitManagedFields ? withoutManagedFields(object as any) : object
  }
}

function copyOf(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    return undefined
  }
}

/** What cannot be written down (nested deeper than the stack) is left out: the request goes on. */
function textOf(event: { requestObject: unknown; responseObject: unknown }): string {
  try {
    return JSON.stringify(event)
  } catch {
    return JSON.stringify({ ...event, requestObject: undefined, responseObject: undefined })
  }
}

function userInfo(user: User | undefined) {
  if (user === undefined) return {}
  const { name, uid, groups, extra } = user
  return {
    username: name || undefined,
    uid: uid || undefined,
    groups: groups.length > 0 ? groups : undefined,
    extra: extra && Object.keys(extra).length > 0 ? extra : undefined,
  }
}

function shortened(agent: string | undefined): string | undefined {
  if (!agent) return undefined
  return agent.length > longestUserAgent ? `${agent.slice(0, longestUserAgent)}...TRUNCATED` : agent
}

function metadataOf(object: object): ObjectMeta | undefined {
  const { metadata } = object as { metadata?: unknown }
  if (typeof metadata !== 'object' || metadata === null) return undefined
  const texts = Object.entries(metadata).filter(([, value]) => typeof value === 'string')
  return Object.fromEntries(texts) as unknown as ObjectMeta
}

/** Of an object, of the items of a list, of the objects in a Table's rows. */
function withoutManagedFields(object: Frozen<any>): unknown {
  if (typeof object !== 'object' || object === null) return object
  if (Array.isArray(object.items)) return { ...object, items: object.items.map(withoutManagedFields) }
  if (object.kind === 'Table' && Array.isArray(object.rows)) {
    const rows = object.rows.map((row: any) =>
      row.object ? { ...row, object: withoutManagedFields(row.object) } : row,
    )
    return { ...object, rows }
  }
  if (object.metadata?.managedFields === undefined) return object
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

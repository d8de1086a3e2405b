// Cause: who wrote, and in answer to what. Kept beside a revision in the store's log, never in an object. Made by the manager
// for each turn of a controller, and by the HTTP door for each request; read by `kubesim why` and the timeline.

export interface Cause {
  /** The program: a component, or a request's field manager (`kubectl-client-side-apply`). */
  readonly by: string
  /** As whom it asked, when it came over HTTP. */
  readonly user?: string | undefined
  /** What was asked for, in the API's word: `create`, `patch`, `delete` … */
  readonly verb?: string | undefined
  /** The object that was being worked, as it was seen. */
  readonly of?: ObjectAt | undefined
  /** What had woken the worker, when that was another object. */
  readonly woken?: ObjectAt | undefined
}

/** By which a component in a process of its own says why it writes. */
export const causeHeader = 'x-kubesim-cause'

/** What the header says; undefined unless it is a cause. */
export function readCause(text: string): Pick<Cause, 'by' | 'of' | 'woken'> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { by, of, woken } = value as Record<string, unknown>
  if (typeof by !== 'string') return undefined
  return { by, ...(isObjectAt(of) ? { of } : {}), ...(isObjectAt(woken) ? { woken } : {}) }
}

function isObjectAt(value: unknown): value is ObjectAt {
  if (typeof value !== 'object' || value === null) return false
  const { resource, name, namespace, revision } = value as Record<string, unknown>
  const isOptional = (each: unknown, type: string): boolean => each === undefined || typeof each === type
  return (
    typeof resource === 'string' &&
    typeof name === 'string' &&
    isOptional(namespace, 'string') &&
    isOptional(revision, 'number')
  )
}

/** One object at one revision. */
export interface ObjectAt {
  /** `pods`, `deployments.apps` */
  readonly resource: string
  readonly namespace?: string | undefined
  readonly name: string
  /** Undefined: it is gone. */
  readonly revision?: number | undefined
}

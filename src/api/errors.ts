// The API's errors: one table reason ↔ HTTP code, one class, and the way to and from a Status body.
// Messages are Kubernetes' own (k8s.io/apimachinery/pkg/api/errors/errors.go).

/** A fault of one field, as k8s.io/apimachinery/pkg/util/validation/field words it. */
export interface FieldError {
  readonly type: FieldErrorType
  /** `spec.template.spec.containers[0].image` */
  readonly field: string
  /** Whole, without the path: `Required value`, `Invalid value: "x": must be …`. */
  readonly message: string
}

export type FieldErrorType =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueDuplicate'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooShort'
  | 'FieldValueTooMany'
  | 'FieldValueTooFew'
  | 'FieldValueNotFound'
  | 'FieldValueTypeInvalid'
  | 'InternalError'

const codes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServerTimeout: 500,
  NotImplemented: 501,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const

export type Reason = keyof typeof codes

export interface StatusCause {
  reason?: string
  message?: string
  field?: string
}

export interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  uid?: string
  causes?: StatusCause[]
  retryAfterSeconds?: number
}

export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: Record<string, unknown>
  status: 'Success' | 'Failure'
  message?: string
  reason?: string
  details?: StatusDetails
  code?: number
}

/** What the API refuses, in Kubernetes' own reason, code and words. docs/errors.md has all of them. */
export class ApiError extends Error {
  readonly reason: Reason
  readonly code: number
  readonly details: StatusDetails | undefined
  /** As somebody else sent it, whose reasons and fields need not be ours. */
  #sent: Status | undefined

  constructor(reason: Reason, message: string, details?: StatusDetails, code?: number) {
    super(message)
    this.name = 'ApiError'
    this.reason = reason
    this.code = code ?? codes[reason]
    this.details = details
  }

  /** As it is sent: a `Status` of kind Failure. */
  toStatus(): Status {
    if (this.#sent !== undefined) return this.#sent
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    }
  }

  /** What upstream has not made an API error of: 500 with its words and no reason (handlers/responsewriters/status.go). */
  static plain(message: string): ApiError {
    const error = new ApiError('InternalError', message)
    error.#sent = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 }
    return error
  }

  /** As a client reads it from a `Status`. */
  static fromStatus(status: Status): ApiError {
    const reason = status.reason !== undefined && status.reason in codes ? (status.reason as Reason) : 'InternalError'
    const error = new ApiError(reason, status.message ?? reason, status.details, status.code)
    error.#sent = status
    return error
  }
}

/** What an error is about: the plural resource and its group, as in `deployments.apps "web" not found`. */
export interface About {
  readonly group: string
  readonly plural: string
  readonly kind: string
}

function resource(about: About): string {
  return about.group === '' ? about.plural : `${about.plural}.${about.group}`
}

function detailsOf(about: About, name: string): StatusDetails {
  return { ...(name ? { name } : {}), ...(about.group ? { group: about.group } : {}), kind: about.plural }
}

export function notFound(about: About, name: string): ApiError {
  return new ApiError('NotFound', `${resource(about)} "${name}" not found`, detailsOf(about, name))
}

export function alreadyExists(about: About, name: string): ApiError {
  return new ApiError('AlreadyExists', `${resource(about)} "${name}" already exists`, detailsOf(about, name))
}

export function conflict(about: About, name: string, why: string): ApiError {
  return new ApiError(
    'Conflict',
    `Operation cannot be fulfilled on ${resource(about)} "${name}": ${why}`,
    detailsOf(about, name),
  )
}

export function staleObject(about: About, name: string): ApiError {
  return conflict(
    about,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  )
}

export function forbidden(about: About, name: string, why: string): ApiError {
  const what = name === '' ? resource(about) : `${resource(about)} "${name}"`
  return new ApiError('Forbidden', `${what} is forbidden: ${why}`, detailsOf(about, name))
}

export function invalid(about: About, name: string, faults: readonly FieldError[]): ApiError {
  const qualified = about.group === '' ? about.kind : `${about.kind}.${about.group}`
  const summary = faults.length === 0 ? '' : `: ${aggregate(faults)}`
  return new ApiError('Invalid', `${qualified} "${name}" is invalid${summary}`, {
    ...(name ? { name } : {}),
    ...(about.group ? { group: about.group } : {}),
    kind: about.kind,
    causes: faults.map(({ type, message, field }) => ({ reason: type, message, field })),
  })
}

/** Several faults as one sentence: each once, in brackets when there is more than one. */
export function aggregate(faults: readonly FieldError[]): string {
  const lines = [...new Set(faults.map(fault => `${fault.field}: ${fault.message}`))]
  return lines.length === 1 ? lines[0]! : `[${lines.join(', ')}]`
}

export function badRequest(message: string): ApiError {
  return new ApiError('BadRequest', message)
}

export function expired(message: string): ApiError {
  return new ApiError('Expired', message)
}

export function methodNotAllowed(what: string, details?: StatusDetails): ApiError {
  return new ApiError('MethodNotAllowed', what, details)
}

/** A verb that the kind does not have: `create is not supported on resources of kind "pods"`. */
export function methodNotSupported(about: About, action: string): ApiError {
  return new ApiError(
    'MethodNotAllowed',
    `${action} is not supported on resources of kind "${resource(about)}"`,
    detailsOf(about, ''),
  )
}

export function internalError(why: string): ApiError {
  return new ApiError('InternalError', `Internal error occurred: ${why}`, { causes: [{ message: why }] })
}

export function notImplemented(what: string): ApiError {
  return new ApiError('NotImplemented', `${what} is not implemented by kubesim yet`)
}

export function hasReason(error: unknown, reason: Reason): error is ApiError {
  return error instanceof ApiError && error.reason === reason
}
/** Whether it is an ApiError of the reason NotFound (404). */
export const isNotFound = (error: unknown): error is ApiError => hasReason(error, 'NotFound')
/** Whether it is an ApiError of the reason Conflict (409). */
export const isConflict = (error: unknown): error is ApiError => hasReason(error, 'Conflict')
/** Whether it is an ApiError of the reason AlreadyExists (409). */
export const isAlreadyExists = (error: unknown): error is ApiError => hasReason(error, 'AlreadyExists')
/** Whether it is an ApiError of the reason Expired (410). */
export const isExpired = (error: unknown): error is ApiError => hasReason(error, 'Expired') || hasReason(error, 'Gone')

// ---- field errors, in the words of apimachinery/pkg/util/validation/field/errors.go

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (value === undefined || value === null) return 'null'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

export function required(field: string, detail = ''): FieldError {
  return { type: 'FieldValueRequired', field, message: detail ? `Required value: ${detail}` : 'Required value' }
}
export function invalidValue(field: string, value: unknown, detail: string): FieldError {
  const tail = detail ? `: ${detail}` : ''
  return { type: 'FieldValueInvalid', field, message: `Invalid value: ${shown(value)}${tail}` }
}
/** The supported values come in the order given, quoted, as upstream prints them. */
export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const list = supported.map(each => JSON.stringify(each)).join(', ')
  const tail = supported.length > 0 ? `: supported values: ${list}` : ''
  return { type: 'FieldValueNotSupported', field, message: `Unsupported value: ${shown(value)}${tail}` }
}
export function duplicate(field: string, value: unknown): FieldError {
  return { type: 'FieldValueDuplicate', field, message: `Duplicate value: ${shown(value)}` }
}
export function forbiddenField(field: string, detail: string): FieldError {
  return { type: 'FieldValueForbidden', field, message: detail ? `Forbidden: ${detail}` : 'Forbidden' }
}
export function tooLong(field: string, limit: number): FieldError {
  return { type: 'FieldValueTooLong', field, message: `Too long: may not be more than ${counted(limit, 'byte')}` }
}
export function tooShort(field: string, least: number): FieldError {
  return { type: 'FieldValueTooShort', field, message: `Too short: must be at least ${counted(least, 'character')}` }
}
export function tooMany(field: string, actual: number, limit: number): FieldError {
  return {
    type: 'FieldValueTooMany',
    field,
    message: `Too many: ${actual}: must have at most ${counted(limit, 'item')}`,
  }
}
export function typeInvalid(field: string, value: unknown, detail: string): FieldError {
  return { type: 'FieldValueTypeInvalid', field, message: `Invalid value: ${shown(value)}: ${detail}` }
}
export function internalFault(field: string, detail: string): FieldError {
  return { type: 'InternalError', field, message: `Internal error: ${detail}` }
}
export function fieldNotFound(field: string, value: unknown): FieldError {
  return { type: 'FieldValueNotFound', field, message: `Not found: ${shown(value)}` }
}

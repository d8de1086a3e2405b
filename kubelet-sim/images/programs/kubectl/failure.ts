// What ends kubectl: its last words, and its exit code.

export class Failure extends Error {
  readonly code: number

  constructor(message: string, code = 1) {
    super(message)
    this.code = code
  }
}

/** The API server's refusal. */
export class Refusal extends Failure {
  readonly reason: string

  constructor({ reason = '', message = '' }: { readonly reason?: string; readonly message?: string }) {
    super(
      reason === 'Unauthorized'
        ? 'error: You must be logged in to the server (Unauthorized)'
        : `Error from server${reason && reason !== 'Unknown' ? ` (${reason})` : ''}: ${message}`,
    )
    this.reason = reason
  }
}

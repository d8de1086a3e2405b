// What unwinds a shell: faults that end a command or the whole script, and the control flow of break, continue, return, exit.
// None of the latter is an Error: a loop's `break` costs no stack trace.

/** An expansion that cannot be done: a script ends with it, an interactive shell goes back to its prompt. */
export class ShellFault extends Error {
  override readonly name = 'ShellFault'
  readonly code: number

  constructor(message: string, code: number) {
    super(message)
    this.code = code
  }
}

export class LoopJump {
  readonly kind: 'break' | 'continue'
  /** Loops still to leave. */
  levels: number

  constructor(kind: 'break' | 'continue', levels: number) {
    this.kind = kind
    this.levels = levels
  }
}

export class Return {
  readonly code: number

  constructor(code: number) {
    this.code = code
  }
}

export class Exit {
  readonly code: number

  constructor(code: number) {
    this.code = code
  }
}

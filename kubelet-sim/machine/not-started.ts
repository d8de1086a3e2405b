// NotStarted: a container's command, or one that somebody wants to run in it, could not be started: the words of the OCI
// runtime (runc), and the exit code a shell would give for it.

export class NotStarted extends Error {
  override readonly name = 'NotStarted'
  /** 127: not found, 126: found, but nothing that could be run. */
  readonly exitCode: number

  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

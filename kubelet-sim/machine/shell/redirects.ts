// Redirects: what descriptors a command has instead of the shell's own. Opened in order, each upon those before it.

import { bytesStream, openStream } from '../open-stream.ts'
import type { Stream } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { expandText } from './expansion.ts'
import { ShellFault } from './faults.ts'
import type { Shell } from './shell.ts'
import type { Redirect } from './syntax.ts'

/** A redirect that could not be opened: the command is not run. */
export class RedirectFault extends Error {
  override readonly name = 'RedirectFault'
}

export class Redirected {
  /** All descriptors as the command sees them. */
  readonly view: Map<number, Stream>
  readonly #opened = new Map<number, Stream>()

  constructor(descriptors: ReadonlyMap<number, Stream>) {
    this.view = new Map(descriptors)
  }

  set(number: number, stream: Stream | undefined): void {
    this.#opened.get(number)?.close()
    this.#opened.delete(number)
    if (stream === undefined) {
      this.view.delete(number)
      return
    }
    this.view.set(number, stream)
    this.#opened.set(number, stream)
  }

  /** For a child, which closes what it is given. */
  forChild(): Map<number, Stream> {
    const all = new Map<number, Stream>()
    for (const [number, stream] of this.view) all.set(number, this.#opened.has(number) ? stream : stream.share())
    return all
  }

  /** In the place of a process' own; the returned function puts those back and closes these. */
  swapInto(descriptors: Map<number, Stream>): () => void {
    const before = new Map(descriptors)
    replace(descriptors, this.view)
    return () => {
      // What `exec` opened meanwhile stays.
      const later = new Map([...descriptors].filter(([number, stream]) => this.view.get(number) !== stream))
      replace(descriptors, before)
      for (const [number, stream] of later) descriptors.set(number, stream)
      this.close()
    }
  }

  /** For good: what was there is closed. */
  moveInto(descriptors: Map<number, Stream>): void {
    for (const [number, stream] of descriptors) if (this.view.get(number) !== stream) stream.close()
    replace(descriptors, this.view)
    this.#opened.clear()
  }

  close(): void {
    for (const stream of this.#opened.values()) stream.close()
    this.#opened.clear()
  }
}

function replace(descriptors: Map<number, Stream>, by: ReadonlyMap<number, Stream>): void {
  descriptors.clear()
  for (const [number, stream] of by) descriptors.set(number, stream)
}

/** Throws RedirectFault; what was opened till then is closed. */
export function* redirected(shell: Shell, redirects: readonly Redirect[]): Step<Redirected> {
  const result = new Redirected(shell.process.descriptors)
  try {
    for (const redirect of redirects) yield* open(shell, redirect, result)
  } catch (error) {
    result.close()
    throw error
  }
  return result
}

function* open(shell: Shell, { operator, descriptor, target }: Redirect, into: Redirected): Step<void> {
  const text = yield* expandText(shell, target)
  switch (operator) {
    case '<<':
      into.set(descriptor ?? 0, bytesStream(Buffer.from(text)))
      return
    case '<<<':
      into.set(descriptor ?? 0, bytesStream(Buffer.from(`${text}\n`)))
      return
    case '<':
      into.set(descriptor ?? 0, opened(shell, text, { read: true }))
      return
    case '<>':
      into.set(descriptor ?? 0, opened(shell, text, { read: true, write: true, create: true }))
      return
    case '>>':
      into.set(descriptor ?? 1, opened(shell, text, { write: true, append: true, create: true }))
      return
    case '&>':
    case '&>>':
      both(shell, text, operator === '&>>', into)
      return
    case '>':
      if (shell.options.noclobber) {
        const path = shell.absolute(text)
        if (shell.process.files.exists(path) && shell.process.files.stat(path).kind === 'file') {
          throw new RedirectFault(
            shell.dialect === 'bash' ? `${text}: cannot overwrite existing file` : `can't create ${text}: File exists`,
          )
        }
      }
      into.set(descriptor ?? 1, opened(shell, text, { write: true, create: true, truncate: true }))
      return
    case '>|':
      into.set(descriptor ?? 1, opened(shell, text, { write: true, create: true, truncate: true }))
      return
    case '<&':
    case '>&':
      if (operator === '>&' && descriptor === undefined && !/^(?:\d+-?|-)$/.test(text)) {
        both(shell, text, false, into)
        return
      }
      duplicate(shell, descriptor ?? (operator === '<&' ? 0 : 1), text, into)
  }
}

function both(shell: Shell, path: string, appends: boolean, into: Redirected): void {
  const stream = opened(shell, path, {
    write: true,
    create: true,
    ...(appends ? { append: true } : { truncate: true }),
  })
  into.set(1, stream)
  into.set(2, stream.share())
}

function duplicate(shell: Shell, number: number, from: string, into: Redirected): void {
  if (from === '-') {
    into.set(number, undefined)
    return
  }
  const match = /^(\d+)(-?)$/.exec(from)
  const source = match ? into.view.get(Number(match[1])) : undefined
  if (source === undefined) {
    if (!match)
      throw new ShellFault(shell.dialect === 'bash' ? `${from}: ambiguous redirect` : `syntax error: bad fd number`, 2)
    throw new RedirectFault(
      shell.dialect === 'bash' ? `${from}: Bad file descriptor` : `dup2(${from},${number}): Bad file descriptor`,
    )
  }
  if (Number(match![1]) === number) return
  into.set(number, source.share())
  if (match![2] === '-') into.set(Number(match![1]), undefined)
}

function opened(shell: Shell, path: string, how: Parameters<typeof openStream>[2]): Stream {
  try {
    return openStream(shell.process, path, how)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw new RedirectFault(wording(shell, path, how.create === true, error))
  }
}

function wording({ dialect }: Shell, path: string, creates: boolean, { errno, message }: SystemError): string {
  if (dialect === 'bash') return `${path}: ${message}`
  const isMissing = errno === 'ENOENT' || errno === 'ENOTDIR'
  if (dialect === 'dash') {
    return creates
      ? `cannot create ${path}: ${isMissing ? 'Directory nonexistent' : message}`
      : `cannot open ${path}: ${isMissing ? 'No such file' : message}`
  }
  return creates
    ? `can't create ${path}: ${isMissing ? 'nonexistent directory' : message}`
    : `can't open ${path}: ${isMissing ? 'no such file' : message}`
}

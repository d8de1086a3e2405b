// What awk's print, getline, close and system open beside its input: files and commands, each by its name and once. Called by awk.ts.

import { openStream } from '../open-stream.ts'
import { Pipe } from '../pipe.ts'
import type { Child, Process, Stream } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import type { Redirect } from './awk-syntax.ts'
import { Lines, Output, openInput } from './text-streams.ts'

interface Writer {
  readonly stream: Stream
  readonly output: Output
  readonly child?: Child
}

interface Reader {
  readonly stream: Stream
  readonly lines: Lines
  readonly child?: Child
}

export class Streams {
  readonly #process: Process
  /** What print writes to when it is told nothing else. */
  readonly #output: Output
  readonly #writers = new Map<string, Writer>()
  readonly #readers = new Map<string, Reader>()

  constructor(process: Process, output: Output) {
    this.#process = process
    this.#output = output
  }

  *writer(kind: Redirect['kind'], name: string): Step<Output> {
    const known = this.#writers.get(name)
    if (known !== undefined) return known.output
    let made: Writer
    if (kind === '|') {
      yield* this.#output.flush()
      const { readEnd: read, writeEnd: write } = new Pipe()
      const descriptors = sharedOf(this.#process)
      descriptors.get(0)?.close()
      descriptors.set(0, read)
      const child = this.#process.spawn({ argv: ['/bin/sh', '-c', named(name)], descriptors })
      made = { stream: write, output: new Output(this.#process, write), child }
    } else {
      const how = kind === '>>' ? { append: true } : { write: true, truncate: true }
      const stream = openStream(this.#process, named(name), { ...how, create: true })
      made = { stream, output: new Output(this.#process, stream) }
    }
    this.#writers.set(name, made)
    return made.output
  }

  *reader(name: string, isCommand: boolean): Step<Lines | undefined> {
    const known = this.#readers.get(name)
    if (known !== undefined) return known.lines
    try {
      if (!isCommand) {
        const stream = openInput(this.#process, named(name))
        this.#readers.set(name, { stream, lines: new Lines(this.#process, stream) })
      } else {
        yield* this.#output.flush()
        const { readEnd: read, writeEnd: write } = new Pipe()
        const descriptors = sharedOf(this.#process)
        descriptors.get(1)?.close()
        descriptors.set(1, write)
        const child = this.#process.spawn({ argv: ['/bin/sh', '-c', named(name)], descriptors })
        this.#readers.set(name, { stream: read, lines: new Lines(this.#process, read), child })
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      return undefined
    }
    return this.#readers.get(name)!.lines
  }

  *close(name: string): Step<number> {
    const writer = this.#writers.get(name)
    const reader = this.#readers.get(name)
    this.#writers.delete(name)
    this.#readers.delete(name)
    if (writer !== undefined) {
      yield* this.#output.flush()
      yield* writer.output.flush()
      writer.stream.close()
    }
    reader?.stream.close()
    const child = writer?.child ?? reader?.child
    if (child !== undefined) return yield* child.exited()
    return (writer ?? reader) ? 0 : -1
  }

  *flush(): Step<void> {
    yield* this.#output.flush()
    for (const { output } of this.#writers.values()) yield* output.flush()
  }

  *closeAll(): Step<void> {
    for (const name of [...this.#writers.keys(), ...this.#readers.keys()]) yield* this.close(name)
  }

  *system(command: string): Step<number> {
    yield* this.#output.flush()
    const child = this.#process.spawn({ argv: ['/bin/sh', '-c', named(command)] })
    return yield* child.exited()
  }
}

/** Words for the system are text again. */
function named(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString()
}

function sharedOf(process: Process): Map<number, Stream> {
  return new Map([...process.descriptors].map(([number, stream]) => [number, stream.share()]))
}

// The recorder: lets in what comes from outside one after another, each when everybody is at rest, and writes down what it was
// and when. That is what makes a run repeatable: between two inputs the cluster's own work has one order only. Made by serve.ts
// (`--record`) and testCluster (`record`); outside.ts and own-paths bring it the inputs.

import type { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { Cancel, Clock } from '../env/clock.ts'
import { headingLine, type InputDeed, inputLine, type RecordingHeading, traceLine, traceOf } from './recording-file.ts'

export interface RecorderOptions {
  readonly clock: Clock
  /** Resolves when all that was due is done and everybody is at rest. */
  readonly rest: () => Promise<void>
  readonly write: (line: string) => void
  readonly heading: RecordingHeading
}

export class Recorder {
  readonly #options: RecorderOptions
  #open: () => void = () => {}
  #turn: Promise<unknown> = new Promise<void>(resolve => {
    this.#open = resolve
  })
  #stop: Cancel = () => {}
  #ids = 0

  constructor(options: RecorderOptions) {
    this.#options = options
    options.write(headingLine(options.heading))
  }

  /** From the store's first event on. */
  follow(storage: RevisionStore): void {
    this.#stop = storage.subscribe('', storage.revision, events => {
      for (const event of events) this.#options.write(traceLine(traceOf(event)))
    })
  }

  /** The cluster is made: what has come meanwhile is let in. */
  open(): void {
    this.#open()
  }

  /** Runs it in its turn. Others need not wait for its end, only for the rest after it. */
  admit<T>(deed: InputDeed, run: () => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      this.#note(deed)
      return { ended: run() }
    }).then(({ ended }) => ended)
  }

  /** Nothing else is let in until it is done; what it was is told by how it ended. */
  admitWhole<T>(run: () => Promise<T>, deedOf: (outcome: T) => InputDeed): Promise<T> {
    return this.#inTurn(async () => {
      const { clock, write } = this.#options
      const at = clock.now()
      const outcome = await run()
      write(inputLine({ at, ...deedOf(outcome) }))
      return outcome
    })
  }

  /** Something that cannot be done again. */
  note(what: string): void {
    void this.#inTurn(async () => this.#note({ do: 'note', what }))
  }

  /** Resolves when all that has come was let in. */
  async letIn(): Promise<void> {
    for (let turn: Promise<unknown> | undefined; turn !== this.#turn; ) {
      turn = this.#turn
      await turn
    }
  }

  nextId(): number {
    return ++this.#ids
  }

  /** Resolves when all that was let in has come to rest; so far a replay goes. */
  mark(): Promise<void> {
    return this.#inTurn(async () => this.#note({ do: 'end' }))
  }

  async close(): Promise<void> {
    await this.mark()
    this.#stop()
  }

  #note(deed: InputDeed): void {
    this.#options.write(inputLine({ at: this.#options.clock.now(), ...deed }))
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => {
      await this.#options.rest()
      return run()
    })
    this.#turn = turn.catch(() => {})
    return turn
  }
}

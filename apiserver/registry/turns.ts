// A request in turns: when somebody outside is to be asked (RemoteAdmission), the turn is left without a decision, the answer
// is awaited, and a new turn looks at everything again. Called by write.ts and delete.ts. Without anybody configured it is
// one turn and nothing else.

import { jsonClone } from '../../src/api/freeze.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import type { RemoteRound } from '../admission/admission.ts'
import type { Decision, Present, Revision, Stored, Written } from '../storage/storage.ts'
import type { Collection } from './collection.ts'
import type { RequestInfo } from './registry.ts'

/** The turn ends undecided: this is awaited, and then it is tried again. */
export interface Awaiting {
  readonly awaiting: () => Promise<void>
}

/** What one turn has to know of those before it. */
export class Turns {
  readonly round: RemoteRound
  /** The draft as those who were asked made it. */
  draft: KubeObject | undefined
  /** Of the object as it was when they were asked; 0: there was none. */
  #revision: Revision = -1

  constructor(round: RemoteRound) {
    this.round = round
  }

  /** When somebody else wrote the object in the meantime, nothing that was said of it counts any more. */
  look(current: Stored | undefined): void {
    const revision = current?.revision ?? 0
    if (this.#revision === revision) return
    if (this.#revision !== -1) this.round.restart()
    this.#revision = revision
    this.draft = undefined
  }
}

export type Decide = (current: Stored | undefined, present: Present, turns: Turns | undefined) => Decision | Awaiting

export async function inTurns(
  { storage, remote }: Collection,
  key: string,
  { cause }: Pick<RequestInfo, 'cause'>,
  decide: Decide,
): Promise<Written> {
  const round = remote?.begin()
  if (round === undefined) {
    return storage.write(key, (current, present) => decide(current, present, undefined) as Decision, cause)
  }
  const turns = new Turns(round)
  for (;;) {
    let awaiting: Awaiting['awaiting'] | undefined
    const written = await storage.write(
      key,
      (current, present) => {
        awaiting = undefined
        turns.look(current)
        const outcome = decide(current, present, turns)
        if (!('awaiting' in outcome)) return outcome
        awaiting = outcome.awaiting
        return { keep: true }
      },
      cause,
    )
    if (awaiting === undefined) return written
    await awaiting()
  }
}

/** What a body is made of anew in each turn: itself when there will be only one. */
export function eachTurn<T>({ remote }: Collection, body: T): () => T {
  if (remote?.begin() === undefined) return () => body
  const kept = jsonClone(body)
  return () => jsonClone(kept) as T
}

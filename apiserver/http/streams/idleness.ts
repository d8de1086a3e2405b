// When nothing has been said on a connection for long, it is hung up on. One timer, which looks again and not at every byte.

import type { Cancel, Clock, Millis } from '../../../src/env/clock.ts'

/** As long as kubelets let streams be idle (k8s.io/cri-streaming pkg/streaming/server.go, StreamIdleTimeout). */
const longestSilence: Millis = 4 * 60 * 60 * 1000

export class Idleness {
  readonly #clock: Clock
  readonly #hangUp: () => void
  #heardAt: Millis
  #cancel: Cancel

  constructor(clock: Clock, hangUp: () => void) {
    this.#clock = clock
    this.#hangUp = hangUp
    this.#heardAt = clock.now()
    this.#cancel = clock.after(longestSilence, () => this.#look())
  }

  heard(): void {
    this.#heardAt = this.#clock.now()
  }

  end(): void {
    this.#cancel()
  }

  #look(): void {
    const left = this.#heardAt + longestSilence - this.#clock.now()
    if (left <= 0) this.#hangUp()
    else this.#cancel = this.#clock.after(left, () => this.#look())
  }
}

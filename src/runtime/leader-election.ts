// Leader election by a Lease: of several processes that would do the same work, one does it, and another takes over when that
// one is not heard of any more. Called by components that run on their own. What a candidate goes by is how long *it* has seen
// no renewal, never another's clock. Upstream: client-go's tools/leaderelection/leaderelection.go, with its defaults.

import type { Lease } from '../../generated/types.ts'
import { hasReason } from '../api/errors.ts'
import type { Frozen, NewObject } from '../api/meta.ts'
import { rfc3339Micro } from '../api/time.ts'
import type { Client } from '../client/client.ts'
import type { Millis } from '../env/clock.ts'
import { createEnding } from '../env/ending.ts'
import type { Env } from '../env/env.ts'
import { Leases } from '../kinds/lease.ts'

export interface Candidacy {
  /** The Lease in kube-system: `kube-scheduler`. */
  readonly lease: string
  /** Different for each process. */
  readonly identity: string
  readonly signal: AbortSignal
  /** Does the work until the signal; it is aborted when the lease is lost. */
  lead(signal: AbortSignal): Promise<void>
  /** Another leads; told whenever that is somebody else than before. */
  readonly standingBy?: ((holder: string) => void) | undefined
}

/** How long a leader who is not heard of keeps his lease; how long he tries to renew it before he steps down; how often. */
const leaseDuration: Millis = 15_000
const renewDeadline: Millis = 10_000
const retryPeriod: Millis = 2_000

/** Campaigns, leads, and campaigns again when the lease was lost; resolves after the signal. Rejects with what `lead` throws. */
export async function leadInTurn(env: Env, client: Client, candidacy: Candidacy): Promise<void> {
  const { signal, lead, standingBy } = candidacy
  const candidate = new Candidate(env, client, candidacy)
  let holder: string | undefined
  while (!signal.aborted) {
    while (!signal.aborted && !(await candidate.acquire())) {
      const { other } = candidate
      if (other !== undefined && other !== holder) standingBy?.(other)
      holder = other ?? holder
      await pause(env, retryPeriod * (1 + env.random.fraction() * 0.2), signal)
    }
    if (signal.aborted) return
    holder = undefined
    const term = createEnding()
    const end = () => term.abort()
    signal.addEventListener('abort', end, { once: true })
    // A leader whose work has failed does not keep the others waiting.
    const work = lead(term.signal).finally(end)
    await candidate.keep(term.signal)
    term.abort()
    signal.removeEventListener('abort', end)
    try {
      await work
    } finally {
      await candidate.release()
    }
  }
}

class Candidate {
  readonly #env: Env
  readonly #leases: ReturnType<typeof leasesOf>
  readonly #name: string
  readonly #identity: string
  /** When the request was sent that took the lease, or renewed it last. */
  #held: Millis = 0
  /** The lease as last seen, and when it was first seen so. */
  #seen: Frozen<Lease> | undefined
  #seenAt: Millis = 0

  constructor(env: Env, client: Client, { lease, identity }: Candidacy) {
    this.#env = env
    this.#leases = leasesOf(client)
    this.#name = lease
    this.#identity = identity
  }

  /** Who leads, when that is another. */
  get other(): string | undefined {
    const holder = this.#seen?.spec.holderIdentity
    return holder && holder !== this.#identity ? holder : undefined
  }

  /** Takes the lease, or renews it; false when it is another's, cannot be had for now, or was had too long ago. */
  async acquire(): Promise<boolean> {
    const { clock } = this.#env
    const begun = clock.now()
    try {
      if (!(await this.#acquire())) return false
      // Others count from the write, which may have been any time since: an answer that was long under way says nothing.
      if (clock.now() - begun >= renewDeadline) return false
      this.#held = begun
      return true
    } catch (error) {
      this.#env.log.debug({ lease: this.#name, error }, 'the lease could not be had')
      return false
    }
  }

  /** Renews it until it is lost, or the signal. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock } = this.#env
    const left = (): Millis => this.#held + renewDeadline - clock.now()
    while (!signal.aborted) {
      await pause(this.#env, Math.min(retryPeriod, left()), signal)
      if (signal.aborted) return
      const isLate = pause(this.#env, left(), signal).then(() => false)
      const isRenewed = await Promise.race([this.acquire(), isLate])
      if (!isRenewed && (this.other !== undefined || left() <= 0)) return
    }
  }

  /** Whoever waits need not wait for the end of it. */
  async release(): Promise<void> {
    const lease = this.#seen
    if (lease === undefined || lease.spec.holderIdentity !== this.#identity) return
    const now = rfc3339Micro(this.#env.clock.now())
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now }
    try {
      await this.#leases.update({ ...lease, spec } as Lease)
    } catch (error) {
      this.#env.log.debug({ lease: this.#name, error }, 'the lease could not be given back')
    }
    this.#seen = undefined
  }

  async #acquire(): Promise<boolean> {
    const now = rfc3339Micro(this.#env.clock.now())
    const mine = { holderIdentity: this.#identity, leaseDurationSeconds: leaseDuration / 1000, renewTime: now }
    const lease = await this.#look()
    if (lease === undefined) {
      const made: NewObject<Lease> = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: this.#name, namespace: 'kube-system' },
        spec: { ...mine, acquireTime: now, leaseTransitions: 0 },
      }
      this.#note(await this.#leases.create(made))
      return true
    }
    const { holderIdentity, leaseDurationSeconds = 0, acquireTime, leaseTransitions = 0 } = lease.spec
    const isMine = holderIdentity === this.#identity
    const isHeld = this.#seenAt + leaseDurationSeconds * 1000 > this.#env.clock.now()
    if (!isMine && holderIdentity && isHeld) return false
    const since = isMine
      ? { acquireTime, leaseTransitions }
      : { acquireTime: now, leaseTransitions: leaseTransitions + 1 }
    this.#note(await this.#leases.update({ ...lease, spec: { ...lease.spec, ...mine, ...since } } as Lease))
    return true
  }

  async #look(): Promise<Frozen<Lease> | undefined> {
    try {
      const lease = await this.#leases.get({ name: this.#name, namespace: 'kube-system' })
      this.#note(lease)
      return lease
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined
      throw error
    }
  }

  #note(lease: Frozen<Lease>): void {
    const { renewTime, holderIdentity } = this.#seen?.spec ?? {}
    if (lease.spec.renewTime !== renewTime || lease.spec.holderIdentity !== holderIdentity) {
      this.#seenAt = this.#env.clock.now()
    }
    this.#seen = lease
  }
}

const leasesOf = (client: Client) => client.of(Leases)

/** Ends early, and quietly, with the signal. */
async function pause({ clock }: Env, time: Millis, signal: AbortSignal): Promise<void> {
  await clock.sleep(Math.max(0, time), signal).catch(() => {})
}

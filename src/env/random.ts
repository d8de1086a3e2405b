// Random: every uid, name suffix, address and jitter of a cluster, drawn from one seed.

export interface Random {
  /** A version-4 UUID. */
  uid(): string
  /** Letters and digits of Kubernetes' safe alphabet (bcdfghjklmnpqrstvwxz2456789), for generated names. */
  suffix(length: number): string
  /** A number in [0, 1). */
  fraction(): number
  /** A stream of its own, so that what one component draws never shifts what another gets. */
  fork(name: string): Random
}

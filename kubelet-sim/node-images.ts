// The images a node has, and those on their way to it: the first pod that wants one pulls it, others wait with it.
// Also what the node's status says of them.

import type { ContainerImage, Node } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import { fingerprint } from './fingerprint.ts'
import { canonicalName } from './images.ts'

export class NodeImages {
  private readonly present = new Map<string, number>()
  private readonly pulls = new Map<string, { readonly from: Millis; readonly until: Millis }>()
  private busyUntil: Millis = 0
  readonly #changed: () => void
  /** Counts up with every image that comes or goes. */
  version = 0

  constructor(changed: () => void = () => {}) {
    this.#changed = changed
  }

  has(image: string): boolean {
    return this.present.has(canonicalName(image))
  }

  /**
   * When a pull that is asked for now begins and ends, given what it takes: with one of the same image, together with that;
   * else after all others (serializeImagePulls, which is a kubelet's default).
   */
  beginPull(image: string, now: Millis, takes: Millis): { readonly from: Millis; readonly until: Millis } {
    const name = canonicalName(image)
    const underWay = this.pulls.get(name)
    if (underWay !== undefined && underWay.until > now) return underWay
    const from = Math.max(now, this.busyUntil)
    const pull = { from, until: from + takes }
    this.busyUntil = pull.until
    this.pulls.set(name, pull)
    return pull
  }

  add(image: string, size: number): void {
    const name = canonicalName(image)
    this.pulls.delete(name)
    if (this.present.has(name)) return
    this.present.set(name, size)
    this.version++
    this.#changed()
  }

  /** Bytes. */
  get size(): number {
    let size = 0
    for (const each of this.present.values()) size += each
    return size
  }

  /** Takes away those that none of these need; says how many bytes that gave. */
  prune(needed: ReadonlySet<string>): number {
    let freed = 0
    for (const [name, size] of [...this.present]) {
      if (needed.has(name)) continue
      this.present.delete(name)
      freed += size
    }
    if (freed > 0) {
      this.version++
      this.#changed()
    }
    return freed
  }

  /** As `status.images` says it, largest first, at most 50 (the kubelet's nodeStatusMaxImages). */
  list(): ContainerImage[] {
    return [...this.present]
      .sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1))
      .slice(0, 50)
      .map(([name, sizeBytes]) => ({ names: [digestName(name), name], sizeBytes }))
  }

  /** Takes over what a node's status says: the images that were there before this process. */
  restore(images: Frozen<ContainerImage[]> | undefined): void {
    for (const { names, sizeBytes } of images ?? []) {
      const name = names?.find(each => !each.includes('@'))
      if (name !== undefined && !this.present.has(name)) this.present.set(name, sizeBytes ?? 0)
    }
  }
}

/** The images of every node, by its name; what a node's status says it has counts. */
export class AllNodeImages {
  private readonly nodes = new Map<string, NodeImages>()
  private readonly listeners = new Set<(node: string) => void>()

  of(node: Frozen<Node>): NodeImages {
    let images = this.nodes.get(node.metadata.name)
    if (!images) {
      const { name } = node.metadata
      images = new NodeImages(() => {
        for (const listener of this.listeners) listener(name)
      })
      images.restore(node.status.images)
      this.nodes.set(node.metadata.name, images)
    }
    return images
  }

  forget(node: string): void {
    this.nodes.delete(node)
  }

  /** Of the images of which node others have come or gone. */
  onChange(signal: AbortSignal, listener: (node: string) => void): void {
    this.listeners.add(listener)
    signal.addEventListener('abort', () => this.listeners.delete(listener), { once: true })
  }
}

/** `docker.io/library/nginx@sha256:…`, the same for every cluster. */
export function digestName(canonical: string): string {
  const at = canonical.indexOf('@')
  if (at >= 0) return canonical
  const colon = canonical.lastIndexOf(':')
  return `${canonical.slice(0, colon)}@sha256:${fingerprint(canonical)}`
}

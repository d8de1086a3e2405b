// Which nodes are silenced from within this process, as if their machines had died (testCluster's `silence`). From outside
// it is done with the silentAnnotation; both work alike.

export class Silences {
  private readonly names = new Set<string>()
  private readonly cut = new Set<string>()
  private readonly listeners = new Set<(node: string) => void>()

  /** Whether nothing is heard of the node: its machine is dead, or the API server is out of its reach. */
  has(node: string): boolean {
    return this.names.has(node) || this.cut.has(node)
  }

  isDead(node: string): boolean {
    return this.names.has(node)
  }

  set(node: string, silent: boolean): void {
    if (silent) this.names.add(node)
    else this.names.delete(node)
    for (const listener of this.listeners) listener(node)
  }

  /** What runs on it goes on; its kubelet can neither say nor hear anything. */
  cutOff(node: string, isCut: boolean): void {
    if (this.cut.has(node) === isCut) return
    if (isCut) this.cut.add(node)
    else this.cut.delete(node)
    for (const listener of this.listeners) listener(node)
  }

  onChange(signal: AbortSignal, listener: (node: string) => void): void {
    this.listeners.add(listener)
    signal.addEventListener('abort', () => this.listeners.delete(listener), { once: true })
  }
}

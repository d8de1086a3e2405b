// Which nodes are silenced from within this process, as if their machines had died (testCluster's `silence`). From outside
// it is done with the silentAnnotation; both work alike.

export class Silences {
  private readonly names = new Set<string>()
  private readonly listeners = new Set<(node: string) => void>()

  has(node: string): boolean {
    return this.names.has(node)
  }

  set(node: string, silent: boolean): void {
    if (silent) this.names.add(node)
    else this.names.delete(node)
    for (const listener of this.listeners) listener(node)
  }

  onChange(signal: AbortSignal, listener: (node: string) => void): void {
    this.listeners.add(listener)
    signal.addEventListener('abort', () => this.listeners.delete(listener), { once: true })
  }
}

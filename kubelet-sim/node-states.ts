// What the kubelet of each fake node says of it beside that it lives: pressure on its memory, disk and process numbers, and
// that it is shutting down. Told by eviction/ and shutdown.ts, read by the heartbeat and by those who admit pods.

export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure'

export interface NodeState {
  readonly pressures: ReadonlySet<Pressure>
  readonly isShuttingDown: boolean
}

const well: NodeState = Object.freeze({ pressures: new Set<Pressure>(), isShuttingDown: false })

export class NodeStates {
  readonly #states = new Map<string, NodeState>()
  readonly #listeners = new Set<(node: string) => void>()

  of(node: string): NodeState {
    return this.#states.get(node) ?? well
  }

  setPressure(node: string, pressure: Pressure, holds: boolean): void {
    const before = this.of(node)
    if (before.pressures.has(pressure) === holds) return
    const pressures = new Set(before.pressures)
    if (holds) pressures.add(pressure)
    else pressures.delete(pressure)
    this.#set(node, { ...before, pressures })
  }

  setShuttingDown(node: string, isShuttingDown: boolean): void {
    const before = this.of(node)
    if (before.isShuttingDown !== isShuttingDown) this.#set(node, { ...before, isShuttingDown })
  }

  forget(node: string): void {
    this.#states.delete(node)
  }

  onChange(signal: AbortSignal, listener: (node: string) => void): void {
    this.#listeners.add(listener)
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true })
  }

  #set(node: string, { pressures, isShuttingDown }: NodeState): void {
    if (pressures.size === 0 && !isShuttingDown) this.#states.delete(node)
    else this.#states.set(node, { pressures, isShuttingDown })
    for (const listener of this.#listeners) listener(node)
  }
}

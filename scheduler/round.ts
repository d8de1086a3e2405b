// The judges of one cycle, and what they say of a node: as things are, and as they would be if some pods had gone or come.
// Called by cycle.ts, and by rules that look for a way out when no node is left.

import type { Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Refused } from './cycle.ts'
import type { Judge, Plugin, Refusal } from './plugin.ts'
import type { LiveSnapshot, NodeView } from './snapshot.ts'

export class Round {
  readonly pod: Frozen<Pod>
  readonly snapshot: LiveSnapshot
  readonly plugins: readonly Plugin[]
  readonly judges: readonly Judge[]
  /** What the first rule that will have the pod nowhere says. */
  readonly refusal: Refused | undefined
  readonly #filters: readonly Filter[]

  constructor(pod: Frozen<Pod>, snapshot: LiveSnapshot, plugins: readonly Plugin[]) {
    this.pod = pod
    this.snapshot = snapshot
    this.plugins = plugins
    const judges: Judge[] = []
    for (const plugin of plugins) {
      const judge = plugin.prepare(pod, snapshot)
      judges.push(judge)
      if (judge.refuses === undefined) continue
      this.refusal = refusedAs('', plugin.name, judge.refuses)
      break
    }
    this.judges = judges
    this.#filters = filtersOf(plugins, judges)
  }

  /** Who refuses the node and why; undefined when nobody does. */
  verdict(node: NodeView): Refused | undefined {
    const verdict = ask(this.#filters, node)
    if (verdict !== undefined || !this.snapshot.hasNominations) return verdict
    return this.#verdictBeside(this.#rivals(node.name), node)
  }

  /**
   * Those that are to run here must still find room, should they come first; and they may not come at all, so that nothing
   * may depend on them: asked without them, then with (RunFilterPluginsWithNominatedPods in framework.go).
   */
  #verdictBeside(rivals: readonly Frozen<Pod>[] | undefined, node: NodeView): Refused | undefined {
    if (rivals === undefined) return undefined
    const back = rivals.map(rival => this.snapshot.with(rival, node.name))
    try {
      // Most rules read the node as it is at the moment; only if none of them refuses is everything worked out anew.
      const verdict = ask(this.#filters, node)
      if (verdict !== undefined) return verdict
      const judges = this.plugins.map(plugin => plugin.prepare(this.pod, this.snapshot))
      return ask(filtersOf(this.plugins, judges), node)
    } finally {
      for (const undo of back) undo()
    }
  }

  /** In thought only: a pod of the node is gone, until the returned function is called. */
  without(pod: Frozen<Pod>, node: NodeView): () => void {
    const back = this.snapshot.without(pod)
    this.#tell(pod, node, -1)
    return () => {
      back()
      this.#tell(pod, node, 1)
    }
  }

  #tell(pod: Frozen<Pod>, node: NodeView, by: 1 | -1): void {
    for (const judge of this.judges) judge.moved?.(pod, node, by)
  }

  #rivals(node: string): readonly Frozen<Pod>[] | undefined {
    const nominated = this.snapshot.nominated(node)
    if (nominated.length === 0) return undefined
    const { uid } = this.pod.metadata
    const priority = this.pod.spec.priority ?? 0
    const rivals = nominated.filter(({ metadata, spec }) => metadata.uid !== uid && (spec.priority ?? 0) >= priority)
    return rivals.length > 0 ? rivals : undefined
  }
}

interface Filter {
  readonly plugin: string
  readonly judge: Judge
}

function filtersOf(plugins: readonly Plugin[], judges: readonly Judge[]): readonly Filter[] {
  const filters: Filter[] = []
  judges.forEach((judge, index) => {
    if (judge.filter !== undefined) filters.push({ plugin: plugins[index]!.name, judge })
  })
  return filters
}

function ask(filters: readonly Filter[], node: NodeView): Refused | undefined {
  for (let index = 0; index < filters.length; index++) {
    const { judge, plugin } = filters[index]!
    const refusal = judge.filter!(node)
    if (refusal !== undefined) return refusedAs(node.name, plugin, refusal)
  }
  return undefined
}

function refusedAs(node: string, plugin: string, refusal: Refusal): Refused {
  if (typeof refusal === 'string') return { node, plugin, reasons: [refusal], isFinal: false }
  return { node, plugin, reasons: refusal.reasons, isFinal: refusal.isFinal }
}

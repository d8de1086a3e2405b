// Which nodes a pod asks for: nodeSelector and required node affinity
// (k8s.io/component-helpers/scheduling/corev1/nodeaffinity). Called by the scheduler, once a cycle, and by the DaemonSet
// controller; the returned tests are cheap.

import type { NodeSelectorTerm, Pod } from '../../generated/types.ts'
import { type LabelRequirement, meets } from './labels.ts'
import type { Frozen } from './meta.ts'

export interface NodeLike {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}
export type NodeTest = (node: NodeLike) => boolean

/** Undefined when the pod asks for nothing. */
export function requiredNodes(pod: Frozen<Pod>): NodeTest | undefined {
  const { nodeSelector, affinity } = pod.spec
  const wanted = nodeSelector === undefined ? [] : Object.entries(nodeSelector)
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (wanted.length === 0 && required === undefined) return undefined
  const terms = required?.nodeSelectorTerms.map(nodeTest)
  return node => {
    for (const [key, value] of wanted) if (node.labels[key] !== value) return false
    return terms === undefined || terms.some(test => test(node))
  }
}

/** The only nodes that can be meant, when every required term names nodes by metadata.name. */
export function namedNodes(pod: Frozen<Pod>): ReadonlySet<string> | undefined {
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (terms === undefined || terms.length === 0) return undefined
  const names = new Set<string>()
  for (const { matchFields = [] } of terms) {
    let ofTerm: readonly string[] | undefined
    for (const { key, operator, values = [] } of matchFields) {
      if (key !== 'metadata.name' || operator !== 'In') continue
      ofTerm = ofTerm === undefined ? values : ofTerm.filter(name => values.includes(name))
    }
    if (ofTerm === undefined) return undefined
    for (const name of ofTerm) names.add(name)
  }
  return names
}

/** All of a term's expressions and fields hold; a term without any selects nothing. */
export function nodeTest(term: Frozen<NodeSelectorTerm>): NodeTest {
  const labels = (term.matchExpressions ?? []).map(asRequirement)
  const fields = (term.matchFields ?? []).map(asRequirement)
  if (labels.length + fields.length === 0) return () => false
  return node => {
    for (const each of labels) if (!meets(each, node.labels)) return false
    for (const each of fields) if (!meets(each, { 'metadata.name': node.name })) return false
    return true
  }
}

const operators: Readonly<Record<string, LabelRequirement['operator']>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
}

function asRequirement(expression: {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}): LabelRequirement {
  const operator = operators[expression.operator]
  // Validation lets no other operator through; were there one, nothing would meet it.
  if (operator === undefined) return { key: expression.key, operator: 'in', values: [] }
  return { key: expression.key, operator, values: expression.values ?? [] }
}

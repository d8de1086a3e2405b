// What an evaluation costs: each step is counted, in cel-go's units as far as they follow from the expression – one a step, ten
// a list, thirty a map, and a tenth of a text's length for what reads it. Called by compiler.ts, once an expression.
// Upstream: k8s.io/apiserver/pkg/cel/library/cost.go, github.com/google/cel-go/interpreter/runtimecost.go.

/** A node of the library's syntax tree, as far as it is needed here. */
interface Node {
  readonly op: string
  readonly args: unknown
  readonly meta: Readonly<Record<string, unknown>>
  evaluate(evaluator: unknown, node: Node, context: unknown): unknown
}

const stepCosts: Readonly<Record<string, number>> = {
  value: 0,
  list: 10,
  map: 30,
  accuValue: 0,
  accuPush: 1,
  accuInc: 0,
}
/** Their cost grows with the text they read. */
const reading: ReadonlySet<string> = new Set([
  'contains',
  'matches_re2',
  'startsWith',
  'endsWith',
  'replace',
  'split',
  'find',
  'findAll',
  'lowerAscii',
  'upperAscii',
  'join',
  'format',
])

/** Makes every step of the tree call `spend` before it is done. */
export function meter(tree: unknown, spend: (cost: number) => void): void {
  const seen = new Set<object>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    if (isNode(value)) count(value, spend)
    for (const each of Array.isArray(value) ? value : Object.values(value)) visit(each)
    if (isNode(value)) visit(value.meta)
  }
  visit(tree)
}

const isNode = (value: object): value is Node =>
  typeof (value as Partial<Node>).op === 'string' && typeof (value as Partial<Node>).evaluate === 'function'

function count(node: Node, spend: (cost: number) => void): void {
  const cost = stepCosts[node.op] ?? 1
  const readsText = (node.op === 'rcall' || node.op === 'call') && reading.has((node.args as readonly string[])[0]!)
  const prototype = Object.getPrototypeOf(node) as Node
  // The library puts the real work in the place of this method when it is first called.
  let work: Node['evaluate'] | undefined
  Object.defineProperty(node, 'evaluate', {
    get: () => run,
    set(found: Node['evaluate']) {
      work = found
    },
  })
  function run(this: Node, evaluator: unknown, self: Node, context: unknown): unknown {
    // The first call only looks for the work, and comes back here with it.
    if (work === undefined) return prototype.evaluate.call(node, evaluator, self, context)
    spend(cost)
    const result = work.call(node, evaluator, self, context)
    if (typeof result === 'string' && readsText) spend(Math.ceil(result.length / 10))
    return result
  }
}

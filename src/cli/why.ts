// kubesim why pod NAME: why the scheduler put a pod where it is, or nowhere: every node with who refused it and why, or with
// what each rule gave it. Asks the cluster for the decision as it was made; nothing is computed anew.

import { Command } from 'commander'
import type { DecisionRecord } from '../../scheduler/decisions.ts'
import { isNotFound } from '../api/errors.ts'
import { Pods } from '../kinds/pod.ts'
import { withCluster } from './connect.ts'
import { paint, print, table, UserError } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'

export function whyCommand(): Command {
  const pod = outputOption(dataDirOption(new Command('pod')))
    .description('why a pod was put on its node, or is on none')
    .argument('<name>')
    .option('-n, --namespace <namespace>', 'where the pod is', 'default')
    .option('--nodes <number>', 'how many nodes of each table are shown', '30')
    .action(async (name: string, options: { dataDir?: string; output: string; namespace: string; nodes: string }) => {
      const { namespace } = options
      const decision = await withCluster(options.dataDir, async (client, _, get) => {
        try {
          return await get<DecisionRecord>(`/simulator/scheduler/decisions/${namespace}/${encodeURIComponent(name)}`)
        } catch (error) {
          if (!isNotFound(error)) throw error
          // In the API's words, if it is not there.
          await client.of(Pods).get({ namespace, name })
          throw new UserError(
            `nothing is known of how pod "${name}" came to its node: decisions are kept by the scheduler of the cluster's own process, until it ends or there are too many`,
          )
        }
      })
      print(options.output, decision, () => explained(decision, Number(options.nodes)))
    })
  return new Command('why').description('explain what the cluster decided').addCommand(pod)
}

export function explained(decision: DecisionRecord, mostNodes: number): string {
  const { pod, node, scheduler, time, attempt, feasible, refused, nodeCount, nominatedNode, victims = [] } = decision
  const name = `${pod.namespace}/${pod.name}`
  const outcome = node === undefined ? 'has no node' : `goes to ${paint('green', node, process.stdout)}`
  const parts = [`${name} ${outcome}: ${scheduler}, attempt ${attempt}, ${time}\n`]
  const unseen = nodeCount - feasible.length - refused.length
  const counts = [`${nodeCount} nodes`, `${feasible.length} fit`, `${refused.length} refused`]
  if (unseen > 0 && decision.refusal === undefined) counts.push(`${unseen} not looked at`)
  parts.push(`${counts.join(', ')}\n`)
  if (decision.message !== undefined) parts.push(`\n${decision.message}\n`)
  if (nominatedNode !== undefined) {
    parts.push(`\nIt is to have ${nominatedNode} when ${victims.join(', ') || 'there is room'} has gone.\n`)
  }
  if (decision.refusal !== undefined) {
    const { plugin, reasons } = decision.refusal
    parts.push(`\nWherever: ${plugin} – ${reasons.join(', ')}\n`)
  }
  if (feasible.length > 0) parts.push(`\n${scoreTable(decision, mostNodes)}`)
  if (refused.length > 0) {
    const rows = refused.map(each => [each.node, each.plugin, each.reasons.join(', '), each.isFinal ? 'no' : 'maybe'])
    parts.push(`\n${cut(['NODE', 'REFUSED BY', 'REASON', 'OTHERS GOING WOULD HELP'], rows, mostNodes)}`)
  }
  return parts.join('')
}

/** Each cell: what the rule gave, and what that counts once it is scaled and weighted. */
function scoreTable({ feasible, scores, totals, node }: DecisionRecord, mostNodes: number): string {
  if (scores.length === 0) return table(['NODE', 'SCORE'], [[feasible[0]!, 'not needed: the only one that fits']])
  const order = feasible.map((_, index) => index).sort((one, other) => totals[other]! - totals[one]!)
  const header = ['NODE', 'TOTAL', ...scores.map(({ plugin, weight }) => `${plugin} x${weight}`)]
  const rows = order.map(at => [
    feasible[at] === node ? `${feasible[at]} *` : feasible[at]!,
    String(totals[at]),
    ...scores.map(({ raw, values, weight }) => `${raw[at]} -> ${weight * values[at]!}`),
  ])
  return cut(header, rows, mostNodes)
}

function cut(header: readonly string[], rows: readonly (readonly string[])[], most: number): string {
  const left = rows.length - most
  return table(header, rows.slice(0, most)) + (left > 0 ? `… and ${left} more (--nodes, or --output json)\n` : '')
}

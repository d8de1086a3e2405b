// kubesim why OBJECT: from what somebody asked for to the object at hand, and what became of it; of a pod also how the
// scheduler placed it, as it was decided: every node with who refused it, or with what each rule gave it. kubesim why-not
// OBJECT: what has not happened, what is waited for, and what would change it.

import { Command } from 'commander'
import type { DecisionRecord } from '../../scheduler/decisions.ts'
import type { Said, Why } from '../why/chain.ts'
import type { WhyNot } from '../why/why-not.ts'
import { withCluster } from './connect.ts'
import { objectOf, shownName } from './object-words.ts'
import { paint, print, table, UserError } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'
import { chainText, happeningText } from './timeline-text.ts'

interface Options {
  readonly dataDir?: string
  readonly output: string
  readonly namespace: string
  readonly nodes: string
}

export function whyCommand(): Command {
  return outputOption(dataDirOption(new Command('why')))
    .description('why an object is there and as it is: the chain of causes; of a pod also how it was placed')
    .argument('<object...>', 'pod/NAME, or pod NAME')
    .option('-n, --namespace <namespace>', 'where it is', 'default')
    .option('--nodes <number>', 'how many nodes of each table are shown', '30')
    .action(async (words: string[], options: Options) => {
      const told = await ask<Why>('why', words, options)
      print(options.output, told, () => whyText(told, Number(options.nodes)))
    })
}

export function whyNotCommand(): Command {
  return outputOption(dataDirOption(new Command('why-not')))
    .description('what has not happened to an object, what is waited for, and what would change it')
    .argument('<object...>', 'pod/NAME, or pod NAME')
    .option('-n, --namespace <namespace>', 'where it is', 'default')
    .action(async (words: string[], options: Options) => {
      const told = await ask<WhyNot>('why-not', words, options)
      print(options.output, told, () => whyNotText(told))
    })
}

function ask<R>(question: string, words: readonly string[], { dataDir, namespace }: Options): Promise<R> {
  const { resource, name } = objectOf(words)
  if (name === undefined) throw new UserError(`which ${resource}? ${question} takes one object: pod/NAME`)
  const query = new URLSearchParams({ resource, namespace, name })
  return withCluster(dataDir, (_, __, get) => get<R>(`/kubesim/v1alpha1/${question}?${query}`))
}

export function whyText({ object, isThere, chain, forgottenBefore, since, decision }: Why, mostNodes: number): string {
  const name = `${object.namespace ? `${object.namespace}/` : ''}${shownName(object)}`
  const parts = [`${paint('bold', name)}${isThere ? '' : ', which is gone'}\n`]
  parts.push(`\n${paint('bold', 'why it is there', process.stdout)}\n`)
  if (forgottenBefore !== undefined) {
    parts.push(
      `  ${paint('dim', `what was before revision ${forgottenBefore} is forgotten (--history-age, --history-events)`)}\n`,
    )
  }
  parts.push(...chain.map(chainText))
  if (decision !== undefined) {
    parts.push(`\n${paint('bold', 'how it was placed')}\n${indented(explained(decision, mostNodes))}`)
  }
  if (since.length > 0) parts.push(`\n${paint('bold', 'what became of it')}\n`)
  for (const each of since) parts.push(indented('reason' in each ? saidText(each) : happeningText(each, false)))
  return parts.join('')
}

function saidText({ time, by, type, reason, message, count }: Said): string {
  const word = type === 'Warning' ? paint('yellow', reason) : reason
  const times = count > 1 ? ` (${count} times)` : ''
  return `${paint('dim', `${time.slice(11, -1).padEnd(12)}${' '.repeat(7)}`)}  ${by} says ${word}: ${message}${times}\n`
}

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ')

export function whyNotText({ object, findings }: WhyNot): string {
  const name = `${object.namespace ? `${object.namespace}/` : ''}${shownName(object)}`
  if (findings.length === 0) return `${paint('bold', name)}: nothing is waited for, as far as is known here\n`
  const lines = findings.map(
    ({ what, about, waitsFor, remedy }) =>
      `\n${paint('yellow', `${about}: ${what}`)}\n  waits for      ${waitsFor}\n  would change   ${remedy}\n`,
  )
  return `${paint('bold', name)}\n${lines.join('')}`
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

// kubesim what-if POD: where the scheduler would put a pod if it were tried now – as it is, or with another request, selector,
// toleration or priority, or with nodes that are otherwise. Nothing is applied.

import { Command } from 'commander'
import {
  type NodeWords,
  nodeChange,
  noNodeWords,
  noPodWords,
  type PodWords,
  podChanges,
  WrongWords,
} from '../api/what-if-words.ts'
import { Pods } from '../kinds/pod.ts'
import type { SchedulingAnswer, SchedulingQuestion } from '../own/scheduling.ts'
import { withCluster } from './connect.ts'
import { objectOf } from './object-words.ts'
import { paint, print, table, UserError } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'

interface Options extends Partial<PodWords> {
  readonly dataDir?: string
  readonly output: string
  readonly namespace: string
  readonly node: readonly string[]
  readonly at?: string
}

const collect = (word: string, before: readonly string[]): readonly string[] => [...before, word]

export function whatIfCommand(): Command {
  return outputOption(dataDirOption(new Command('what-if')))
    .description('where a pod would be placed, with this changed of it or of the nodes; nothing is applied')
    .argument('<object...>', 'pod/NAME, or pod NAME')
    .option('-n, --namespace <namespace>', 'where it is', 'default')
    .option('--cpu <quantity>', 'what its first container requests')
    .option('--memory <quantity>', 'what its first container requests')
    .option('--selector <labels>', 'its node selector: disk=ssd, or old- to take one away')
    .option('--tolerations <words>', 'what it tolerates: key=value:NoSchedule, key:NoSchedule, key')
    .option('--priority <number>', 'its priority')
    .option(
      '--node <words>',
      'a node that is otherwise: "node-2 taints=- labels=disk=ssd cpu=16", "node-3 gone", "node-1 cordoned"; again for another',
      collect,
      [],
    )
    .option('--at <point>', 'as of then: a revision, a time, 5m-ago')
    .action(async (words: string[], options: Options) => {
      const { resource, name } = objectOf(words)
      if (resource !== 'pods' || name === undefined) throw new UserError('which pod? what-if takes one: pod/NAME')
      const { namespace, at } = options
      const answer = await withCluster(options.dataDir, async (client, _, __, post) => {
        const pod = await client.of(Pods).get({ namespace, name })
        const question = asked({ namespace, name }, pod.spec.containers[0]?.name ?? '', options)
        return post<SchedulingAnswer>('/kubesim/v1alpha1/scheduling', { ...question, ...(at ? { at } : {}) })
      })
      if (answer.best.length === 0) process.exitCode = 1
      print(options.output, answer, () => whatIfText(answer))
    })
}

function asked(
  pod: NonNullable<SchedulingQuestion['pod']>,
  container: string,
  { cpu, memory, selector, tolerations, priority, node }: Options,
): SchedulingQuestion {
  const given = Object.entries({ cpu, memory, selector, tolerations, priority }).filter(
    ([, word]) => word !== undefined,
  )
  try {
    const changes = podChanges({ ...noPodWords, ...Object.fromEntries(given) }, container)
    const nodes = node.flatMap(words => nodeChange(...nodeWords(words)))
    return { pod, ...(changes && { changes }), ...(nodes.length > 0 && { nodes }) }
  } catch (error) {
    if (!(error instanceof WrongWords)) throw error
    throw new UserError(error.message)
  }
}

/** `node-2 taints=- labels=disk=ssd`, `node-1 gone`. */
function nodeWords(text: string): [name: string, words: NodeWords] {
  const [name = '', ...rest] = text.trim().split(/\s+/)
  const words: Record<keyof NodeWords, string> = { ...noNodeWords }
  for (const word of rest) {
    const [, key = '', value = ''] = /^([a-z]+)=(.*)$/.exec(word) ?? []
    if (['cordoned', 'uncordoned', 'gone'].includes(word)) words.state = word
    else if (key !== 'state' && Object.hasOwn(words, key)) words[key as keyof NodeWords] = value
    else
      throw new WrongWords(
        `--node: "${word}" is none of labels=…, taints=…, cpu=…, memory=…, cordoned, uncordoned, gone`,
      )
  }
  return [name, words as NodeWords]
}

export function whatIfText({
  pod,
  best,
  nodes,
  message,
  refusal,
  gates,
  preemption,
  plugins,
}: SchedulingAnswer): string {
  const name = paint('bold', `${pod.namespace}/${pod.name}`)
  const outcome =
    best.length === 0 ? paint('red', 'would have no node') : `would go to ${paint('green', best.join(' or '))}`
  const parts = [`${name} ${outcome}${pod.node ? `; it is on ${pod.node}` : ''}\n`]
  if (gates) parts.push(`It is not tried at all while it has the gate ${gates.join(', ')}.\n`)
  if (refusal) parts.push(`Wherever: ${refusal.plugin} – ${refusal.reasons.join(', ')}\n`)
  if (message !== undefined) parts.push(`\n${message}\n`)
  const scorers = plugins.filter(({ name: rule }) =>
    nodes.some(({ scores }) => scores.some(each => each.plugin === rule)),
  )
  const header = ['NODE', 'TOTAL', ...scorers.map(({ name: rule, weight }) => `${rule} x${weight}`), 'REFUSED BY']
  const rows = nodes.map(node => [
    best.includes(node.name) ? `${node.name} *` : node.name,
    node.total === undefined ? '' : String(node.total),
    ...scorers.map(({ name: rule }) => {
      const score = node.scores.find(({ plugin }) => plugin === rule)
      return score === undefined ? '' : `${score.raw} -> ${score.weighted}`
    }),
    node.refusals.map(({ plugin, reasons }) => `${plugin}: ${reasons.join(', ')}`).join('; '),
  ])
  parts.push(`\n${table(header, rows)}`)
  for (const { node, victims } of preemption?.ways ?? []) {
    const mark = node === preemption?.node ? ' (the least harm)' : ''
    parts.push(`\nThere would be room on ${node} without ${victims.join(', ')}${mark}\n`)
  }
  return parts.join('')
}

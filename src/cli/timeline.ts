// kubesim timeline and kubesim diff: what happened, object by object; two points held against each other; and a context in
// which kubectl itself sees the cluster as it was.

import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { readConfig } from '../config.ts'
import type { Difference, RevisionAt, Timeline } from '../timeline.ts'
import { withCluster } from './connect.ts'
import { objectOf } from './object-words.ts'
import { done, paint, print } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'
import { differenceText, timelineText } from './timeline-text.ts'

const root = '/kubesim/v1alpha1'

interface Selecting {
  readonly dataDir?: string
  readonly output: string
  readonly namespace?: string
  readonly all?: boolean
}

interface TimelineOptions extends Selecting {
  readonly at?: string
  readonly from?: string
  readonly to?: string
  readonly last: string
  readonly byObject?: boolean
}

const points = 'a revision (123), now, now-20, 5m-ago or 2024-01-01T12:00:00Z'

function selecting(command: Command): Command {
  return outputOption(dataDirOption(command))
    .option('-n, --namespace <namespace>', 'only what is in this namespace')
    .option('--all', 'also Events and leases')
}

export function timelineCommand(): Command {
  return selecting(new Command('timeline'))
    .description('what happened, by whom and in answer to what; with --at, a kubectl context of the cluster as it was')
    .argument('[object...]', 'pod/NAME, or a kind')
    .option('--at <point>', `make a context for ${points}`)
    .option('--from <point>', 'what happened after it')
    .option('--to <point>', 'what happened until then')
    .option('--last <number>', 'only the last so many', '100')
    .option('--by-object', 'one object after the other')
    .action(async (words: string[], options: TimelineOptions) => {
      if (options.at !== undefined) return makeContext(options.at, options)
      const query = queryOf({
        ...(words.length > 0 ? objectOf(words) : {}),
        namespace: options.namespace,
        all: options.all ? 'true' : undefined,
        from: options.from,
        to: options.to,
        limit: options.last,
      })
      const told = await withCluster(options.dataDir, (_, __, get) => get<Timeline>(`${root}/timeline${query}`))
      print(options.output, told, () => timelineText(told, options.byObject === true))
    })
}

export function diffCommand(): Command {
  return selecting(new Command('diff'))
    .description('what was added, changed and deleted between two points')
    .argument('<from>', points)
    .argument('[to]', 'default: now', 'now')
    .argument('[object...]', 'pod/NAME, or a kind')
    .action(async (from: string, to: string, words: string[], options: Selecting) => {
      const query = queryOf({
        ...(words.length > 0 ? objectOf(words) : {}),
        namespace: options.namespace,
        all: options.all ? 'true' : undefined,
        from,
        to,
      })
      const told = await withCluster(options.dataDir, (_, __, get) => get<Difference>(`${root}/diff${query}`))
      print(options.output, told, () => differenceText(told))
    })
}

/** `kubesim@REVISION` in the cluster's own kubeconfig, and in the user's if it knows the cluster. */
async function makeContext(at: string, { dataDir, output }: TimelineOptions): Promise<void> {
  const made = await withCluster(dataDir, async (_, record, get) => {
    const { revision, time } = await get<RevisionAt>(`${root}/revision${queryOf({ at })}`)
    const { addContext, leadsTo, readKubeconfig } = await import('../client/user-kubeconfig.ts')
    const access = readKubeconfig(record.kubeconfig, record.name)
    const context = `${record.name}@${revision}`
    const server = `${record.server}/at/${revision}`
    const own = readConfig(dataDir === undefined ? {} : { dataDir }).userKubeconfigs
    const files = [
      record.kubeconfig,
      ...own.filter(file => existsSync(file) && leadsTo(file, record.name, record.server)),
    ]
    for (const file of new Set(files)) addContext(file, context, { ...access, server })
    return { context, revision, time, server, kubeconfigs: [...new Set(files)] }
  })
  print(output, made, () => {
    const kubectl = made.kubeconfigs.length > 1 ? 'kubectl' : `kubectl --kubeconfig ${made.kubeconfigs[0]}`
    done(`the cluster as it was at revision ${made.revision}${made.time ? ` (${made.time})` : ''}, to be read only`)
    return `  ${paint('dim', 'try:')} ${kubectl} --context ${made.context} get pods\n`
  })
}

function queryOf(words: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(words)) if (value !== undefined) query.set(key, value)
  return query.size > 0 ? `?${query}` : ''
}

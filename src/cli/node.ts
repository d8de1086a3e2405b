// kubesim node list|add|delete|shutdown|stop|start: the fake nodes. A node is simulated when its Node object says so, so these
// commands only write what kubectl could write too.

import { Command } from 'commander'
import { shutdownAnnotation, silentAnnotation, simulatedNode } from '../../kubelet-sim/nodes.ts'
import { findCondition } from '../api/conditions.ts'
import type { Client } from '../client/client.ts'
import { Nodes } from '../kinds/node.ts'
import { withCluster } from './connect.ts'
import { done, print, table, UserError } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'

export function nodeCommand(): Command {
  const command = new Command('node').description('list, add, delete, shut down, stop and start fake nodes')
  command.addCommand(
    outputOption(dataDirOption(new Command('list'))).action(async (options: { dataDir?: string; output: string }) => {
      const nodes = await withCluster(options.dataDir, listNodes)
      print(options.output, nodes, () =>
        table(
          ['NAME', 'STATUS', 'ADDRESS'],
          nodes.map(({ name, status, address }) => [name, status, address]),
        ),
      )
    }),
  )
  command.addCommand(
    dataDirOption(new Command('add'))
      .argument('[name]', 'default: the next node-N that is free')
      .action(async (name: string | undefined, options: { dataDir?: string }) => {
        const added = await withCluster(options.dataDir, client => addNode(client, name))
        done(`${added} is added`)
      }),
  )
  command.addCommand(
    dataDirOption(new Command('delete'))
      .argument('<name>')
      .action(async (name: string, options: { dataDir?: string }) => {
        await withCluster(options.dataDir, client => client.of(Nodes).delete({ name }))
        done(`${name} is deleted; its pods are cleaned up by the control plane`)
      }),
  )
  command.addCommand(
    dataDirOption(new Command('shutdown'))
      .argument('<name>')
      .description('shut a node down in good order: its pods are ended first')
      .action(async (name: string, options: { dataDir?: string }) => {
        const body = { metadata: { annotations: { [shutdownAnnotation]: 'true' } } }
        await withCluster(options.dataDir, client => client.of(Nodes).patch({ name }, { type: 'merge', body }))
        done(`${name} shuts down`)
      }),
  )
  for (const verb of ['stop', 'start'] as const) {
    command.addCommand(
      dataDirOption(new Command(verb))
        .argument('<name>')
        .description(verb === 'stop' ? 'silence a node, as if its machine had died' : 'bring a silenced node back')
        .action(async (name: string, options: { dataDir?: string }) => {
          const annotations =
            verb === 'stop' ? { [silentAnnotation]: 'true' } : { [silentAnnotation]: null, [shutdownAnnotation]: null }
          const body = { metadata: { annotations } }
          await withCluster(options.dataDir, client => client.of(Nodes).patch({ name }, { type: 'merge', body }))
          done(verb === 'stop' ? `${name} is silent` : `${name} is back`)
        }),
    )
  }
  return command
}

async function listNodes(client: Client): Promise<{ name: string; status: string; address: string }[]> {
  const { items } = await client.of(Nodes).list()
  return items.map(node => ({
    name: node.metadata.name,
    status: findCondition(node.status.conditions, 'Ready')?.status === 'True' ? 'Ready' : 'NotReady',
    address: node.status.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
  }))
}

async function addNode(client: Client, wanted: string | undefined): Promise<string> {
  const taken = new Set((await client.of(Nodes).list()).items.map(({ metadata }) => metadata.name))
  let name = wanted
  for (let index = 1; name === undefined; index++) if (!taken.has(`node-${index}`)) name = `node-${index}`
  if (taken.has(name)) throw new UserError(`there is a node "${name}" already`)
  await client.of(Nodes).create(simulatedNode(name))
  return name
}

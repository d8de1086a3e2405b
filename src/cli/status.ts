// kubesim status: whether a cluster runs, and how it does. Exit code 0 when it is ready, 1 when it is not.

import { Command } from 'commander'
import { findCondition } from '../api/conditions.ts'
import { readConfig } from '../config.ts'
import { Nodes } from '../kinds/node.ts'
import { runningCluster } from './cluster-record.ts'
import { connect } from './connect.ts'
import { paint, print } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'

export function statusCommand(): Command {
  return outputOption(dataDirOption(new Command('status')))
    .description('say whether the cluster runs')
    .action(async (options: { dataDir?: string; output: string }) => {
      const { dataDir } = readConfig({ ...(options.dataDir ? { dataDir: options.dataDir } : {}) })
      const record = runningCluster(dataDir)
      if (!record) {
        process.exitCode = 1
        print(options.output, { running: false, dataDir }, () => `kubesim: Stopped (data: ${dataDir})\n`)
        return
      }
      const nodes = await nodesOf(record.kubeconfig)
      const ready = nodes.filter(node => node.ready).length
      print(options.output, { running: true, dataDir, ...record, nodes }, () =>
        [
          `kubesim:    ${paint('green', 'Running')} (pid ${record.pid}, since ${record.startedAt})`,
          `apiserver:  ${record.server}`,
          `nodes:      ${ready} of ${nodes.length} ready`,
          `kubeconfig: ${record.kubeconfig}`,
          `data:       ${record.memory ? 'in memory' : dataDir}`,
          '',
        ].join('\n'),
      )
    })
}

async function nodesOf(kubeconfig: string): Promise<{ name: string; ready: boolean }[]> {
  const connection = await connect(kubeconfig)
  try {
    const { items } = await connection.client.of(Nodes).list()
    return items.map(node => ({
      name: node.metadata.name,
      ready: findCondition(node.status.conditions, 'Ready')?.status === 'True',
    }))
  } finally {
    connection.close()
  }
}

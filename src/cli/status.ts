// kubesim status: whether a cluster runs, and how it does. Exit code 0 when it is ready, 1 when it is not.

import { Command } from 'commander'
import { nginxController } from '../../kubelet-sim/network/ingress.ts'
import { movedPorts } from '../../kubelet-sim/network/reachable.ts'
import { findCondition } from '../api/conditions.ts'
import { readConfig } from '../config.ts'
import { Ingresses } from '../kinds/ingress.ts'
import { IngressClasses } from '../kinds/ingressclass.ts'
import { Nodes } from '../kinds/node.ts'
import { type ClusterRecord, runningCluster } from './cluster-record.ts'
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
      const { nodes, ingress, ingressTls } = await stateOf(record)
      const ready = nodes.filter(node => node.ready).length
      print(options.output, { running: true, dataDir, ...record, ingress, ingressTls, nodes }, () =>
        [
          `kubesim:    ${paint('green', 'Running')} (pid ${record.pid}, since ${record.startedAt})`,
          `apiserver:  ${record.server}`,
          `nodes:      ${ready} of ${nodes.length} ready`,
          ...(ingress ? [`ingress:    http://${ingress}${ingressTls ? `, https://${ingressTls}` : ''}`] : []),
          ...(record.dns ? [`dns:        ${record.dns} (cluster.local)`] : []),
          ...(record.dashboard ? [`dashboard:  ${record.dashboard}`] : []),
          `kubeconfig: ${record.kubeconfig}`,
          `data:       ${record.memory ? 'in memory' : dataDir}`,
          '',
        ].join('\n'),
      )
    })
}

interface State {
  readonly nodes: readonly { readonly name: string; readonly ready: boolean }[]
  /** Where the ingress really listens; absent while its addon is not enabled. */
  readonly ingress?: string
  /** … and for TLS; absent while no Ingress has any. */
  readonly ingressTls?: string
}

async function stateOf({ kubeconfig, ingress }: ClusterRecord): Promise<State> {
  const connection = await connect(kubeconfig)
  try {
    const { items } = await connection.client.of(Nodes).list()
    const nodes = items.map(node => ({
      name: node.metadata.name,
      ready: findCondition(node.status.conditions, 'Ready')?.status === 'True',
    }))
    const served = (await connection.client.of(IngressClasses).list()).items.find(
      each => each.spec.controller === nginxController,
    )
    if (!served) return { nodes }
    const moved = movedPorts(served)
    const { items: ingresses } = await connection.client.of(Ingresses).list()
    const tls = `${ingress.split(':')[0]}:443`
    return {
      nodes,
      ingress: moved[ingress] ?? ingress,
      ...(ingresses.some(({ spec }) => spec.tls?.length) ? { ingressTls: moved[tls] ?? tls } : {}),
    }
  } finally {
    connection.close()
  }
}

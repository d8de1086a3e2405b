// NodePorts: a host port has one holder on a node (plugins/nodeports/node_ports.go).

import type { Pod } from '../../generated/types.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { Pods } from '../../src/kinds/pod.ts'
import type { Change, Plugin } from '../plugin.ts'
import { type HostPort, needsOf } from '../requests.ts'

const refusal = "node(s) didn't have free ports for the requested pod ports"

export const nodePorts: Plugin = {
  name: 'NodePorts',
  wakes: [Pods, Nodes],
  helps: (pod, change: Change) => {
    if (change.kind !== Pods) return change.before === undefined
    const gone = (change as Change<Pod>).now === undefined ? (change as Change<Pod>).before : undefined
    if (gone === undefined) return false
    const freed = needsOf(gone).hostPorts
    return needsOf(pod).hostPorts.some(wanted => freed.some(port => clash(wanted, port)))
  },
  prepare: (pod, snapshot) => {
    const { hostPorts } = snapshot.needs(pod)
    if (hostPorts.length === 0) return {}
    return {
      filter: node => {
        for (const { ip, protocol, port } of hostPorts) if (node.usesPort(ip, protocol, port)) return refusal
        return undefined
      },
    }
  },
}

function clash(one: HostPort, other: HostPort): boolean {
  const everywhere = '0.0.0.0'
  return (
    one.port === other.port &&
    one.protocol === other.protocol &&
    (one.ip === other.ip || one.ip === everywhere || other.ip === everywhere)
  )
}

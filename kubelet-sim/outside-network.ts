// Outside, as a kubelet of a fake node reaches it: the simulated network from the node's own address.

import { ConnectionRefused, type Network } from './network/network.ts'
import type { Outside } from './outside.ts'

export function outsideOf(network: Network): Outside {
  return {
    ask(pod, { host, port }, request) {
      const found = network.listening(host, port)
      if (!found) throw new ConnectionRefused(`dial tcp ${host}:${port}: connect: connection refused`)
      if (found.behaviour.tcp) throw new Error('EOF')
      return network.answer(found, request, pod.status.hostIP ?? '')
    },
  }
}

// Outside, as a kubelet of a fake node reaches it: the simulated network from the node's own address. What is only told of
// answers at once.

import { SystemError } from './machine/system-error.ts'
import { dialFault } from './network/dial-fault.ts'
import { latencyOf } from './network/http.ts'
import type { Network } from './network/network.ts'
import { originOfNode } from './network/routes.ts'
import type { Outside } from './outside.ts'

export function outsideOf(network: Network): Outside {
  return {
    ask(pod, to, request) {
      const found = network.listening(to.host, to.port)
      if (found && !found.behaviour.tcp && latencyOf(found.behaviour, request) === 0) {
        return network.answer(found, request, pod.status.hostIP ?? '')
      }
      const asking = network.ask(originOfNode(network, pod.spec.nodeName ?? ''), to.host, to.port, request)
      return asking.catch(error => {
        throw error instanceof SystemError ? new Error(dialFault(error, to)) : error
      })
    },
  }
}

// Every node says which drivers of volumes it has: the simulated one, by the node's name. Drivers that others have registered stay
// (pkg/volume/csi/nodeinfomanager/nodeinfomanager.go).

import type { CSINode, Node } from '../generated/types.ts'
import { isAlreadyExists } from '../src/api/errors.ts'
import type { Frozen, NewObject } from '../src/api/meta.ts'
import { CSINodes, Nodes } from '../src/kinds/index.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { isSimulated } from './nodes.ts'
import { registeredDriver } from './references.ts'

export function csiNodes(): ControllerSpec {
  return defineController({
    name: 'kubelet-csi-nodes',
    wakes: [
      {
        kind: Nodes,
        keys: (now: Frozen<Node> | undefined, before: Frozen<Node> | undefined) =>
          now && isSimulated(now) && !(before && isSimulated(before)) ? [now.metadata] : [],
      },
      {
        kind: CSINodes,
        keys: (now, before) =>
          now === undefined || before !== undefined ? [{ name: (now ?? before)!.metadata.name }] : [],
      },
    ],
    workers: 16,
    async work({ name }, { lister, client }) {
      const owner = lister(Nodes).get({ name })
      if (owner === undefined || !isSimulated(owner) || owner.metadata.deletionTimestamp !== undefined) return
      const { uid } = owner.metadata
      const present = lister(CSINodes).get({ name })
      const driver = { name: registeredDriver, nodeID: name }
      if (present === undefined) {
        const node: NewObject<CSINode> = {
          apiVersion: 'storage.k8s.io/v1',
          kind: 'CSINode',
          metadata: { name, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: uid! }] },
          spec: { drivers: [driver] },
        }
        try {
          await client.of(CSINodes).create(node)
        } catch (error) {
          if (!isAlreadyExists(error)) throw error
        }
      } else if (!present.spec.drivers.some(each => each.name === registeredDriver)) {
        const spec = { drivers: [...present.spec.drivers, driver] }
        await client.of(CSINodes).update({ ...present, spec })
      }
    },
  })
}

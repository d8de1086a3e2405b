// PodTopologyLabels: a pod that is made on its node carries the node's zone and region from the first; one that is bound
// later gets them with the binding (registry/subresources.ts). plugin/pkg/admission/podtopologylabels/admission.go.

import type { Pod } from '../../generated/types.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { keyOf } from '../storage/keys.ts'
import type { Admission } from './admission.ts'

const topology = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']

export const podTopologyLabels: Admission = {
  name: 'PodTopologyLabels',
  concerns: kind => kind === Pods,
  admit(draft, { operation, subresource, present }) {
    if (operation !== 'CREATE' || subresource !== undefined) return
    const { metadata, spec } = draft as Pod
    if (!spec.nodeName) return
    const labels = present.get(keyOf(Nodes, { name: spec.nodeName }))?.object.metadata.labels
    for (const name of topology) {
      const value = labels?.[name]
      if (value === undefined) continue
      metadata.labels ??= {}
      metadata.labels[name] = value
    }
  },
}

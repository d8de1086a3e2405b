// NodeName: a pod that names its node runs there or nowhere (plugins/nodename/node_name.go).

import { Nodes } from '../../src/kinds/node.ts'
import type { Plugin } from '../plugin.ts'

const refusal = { reasons: ["node(s) didn't match the requested node name"], isFinal: true }

export const nodeName: Plugin = {
  name: 'NodeName',
  wakes: [Nodes],
  helps: (pod, { now, before }) => before === undefined && now?.metadata.name === pod.spec.nodeName,
  prepare: pod => {
    const wanted = pod.spec.nodeName
    return wanted ? { filter: node => (node.name === wanted ? undefined : refusal) } : {}
  },
}

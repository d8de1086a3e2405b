// DefaultTolerationSeconds: a pod outlives a silent node by five minutes, unless it says otherwise
// (plugin/pkg/admission/defaulttolerationseconds/admission.go).

import type { Pod, Toleration } from '../../generated/types.ts'
import { Pods } from '../../src/kinds/pod.ts'
import type { Admission } from './admission.ts'

const nodeTaints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

export const defaultTolerationSeconds: Admission = {
  name: 'DefaultTolerationSeconds',
  concerns: kind => kind === Pods,
  admit(draft, { operation, subresource }) {
    if (operation === 'DELETE' || subresource !== undefined) return
    const { spec } = draft as Pod
    for (const key of nodeTaints) {
      if (spec.tolerations?.some(toleration => toleratesEviction(toleration, key))) continue
      spec.tolerations ??= []
      spec.tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })
    }
  },
}

const toleratesEviction = ({ key, effect }: Toleration, taint: string): boolean =>
  (!key || key === taint) && (!effect || effect === 'NoExecute')

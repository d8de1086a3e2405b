// What every kind with a pod template shares: its defaults and its rules. Called by the kinds' own files; the parts of
// a pod's spec are in pod-spec-defaults.ts.

import type { PodTemplateSpec } from '../../generated/types.ts'
import { defaultPodSpec } from './pod-spec-defaults.ts'

export function defaultPodTemplate(template: PodTemplateSpec): void {
  template.metadata ??= {}
  template.spec ??= { containers: [] }
  defaultPodSpec(template.spec)
}

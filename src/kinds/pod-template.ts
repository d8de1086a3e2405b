// What every kind with a pod template shares: its defaults and its rules. Called by the kinds' own files; the parts of
// a pod's spec are in pod-spec-defaults.ts and pod-spec-rules.ts.

import type { PodTemplateSpec } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { annotationFaults } from '../api/names.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { labelRules } from './label-selector-rules.ts'
import { podAnnotationRules, profileAgreementRules } from './pod-annotation-rules.ts'
import { defaultPodSpec } from './pod-spec-defaults.ts'
import { podSpecRules } from './pod-spec-rules.ts'

export function defaultPodTemplate(template: PodTemplateSpec): void {
  template.metadata ??= {}
  template.spec ??= { containers: [] }
  defaultPodSpec(template.spec)
}

export function podTemplateRules(template: Frozen<PodTemplateSpec>, path: FieldPath, faults: Faults): void {
  const { metadata, spec } = template
  const annotations = metadata?.annotations
  // Upstream leaves `metadata` out of these two paths.
  labelRules(metadata?.labels, path, 'labels', faults)
  if (annotations && annotationFaults(annotations, '').length > 0) {
    faults.addAll(annotationFaults(annotations, `${path.child('annotations')}`))
  }
  if (!spec) {
    faults.required(path.child('spec', 'containers'))
    return
  }
  if (annotations) podAnnotationRules(annotations, spec, path.child('annotations'), faults)
  podSpecRules(spec, undefined, path.child('spec'), faults)
  if (annotations) profileAgreementRules(annotations, spec, path.child('spec'), faults)
  if (spec.ephemeralContainers?.length) {
    faults.forbidden(path.child('spec', 'ephemeralContainers'), 'ephemeral containers not allowed in pod template')
  }
}

/** Of a controller that keeps pods running: they are its own by their labels, and they never just end. */
export function runningTemplateRules(
  template: Frozen<PodTemplateSpec>,
  isSelected: boolean,
  owner: 'ReplicaSet' | 'ReplicationController' | 'StatefulSet' | 'DaemonSet',
  path: FieldPath,
  faults: Faults,
): void {
  if (!isSelected) {
    const detail = '`selector` does not match template `labels`'
    faults.invalid(path.child('metadata', 'labels'), template.metadata?.labels ?? null, detail)
  }
  podTemplateRules(template, path, faults)
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {}
  if (restartPolicy !== 'Always') {
    faults.notSupported(path.child('spec', 'restartPolicy'), restartPolicy ?? '', ['Always'])
  }
  if (activeDeadlineSeconds !== undefined) {
    const detail = `activeDeadlineSeconds in ${owner} is not Supported`
    faults.forbidden(path.child('spec', 'activeDeadlineSeconds'), detail)
  }
}

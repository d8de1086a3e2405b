// Which secrets and config maps a pod's spec names, wherever it may (pkg/api/pod/util.go: VisitPodSecretNames,
// VisitPodConfigmapNames).

import type { Container, PodSpec } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'

function allContainers(spec: Frozen<PodSpec>): readonly Frozen<Pick<Container, 'env' | 'envFrom'>>[] {
  return [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]
}

export function secretNames(spec: Frozen<PodSpec>): string[] {
  const names: (string | undefined)[] = spec.imagePullSecrets?.map(({ name }) => name) ?? []
  for (const { env, envFrom } of allContainers(spec)) {
    for (const { secretRef } of envFrom ?? []) names.push(secretRef?.name)
    for (const { valueFrom } of env ?? []) names.push(valueFrom?.secretKeyRef?.name)
  }
  for (const volume of spec.volumes ?? []) {
    names.push(
      volume.azureFile?.secretName,
      volume.cephfs?.secretRef?.name,
      volume.cinder?.secretRef?.name,
      volume.flexVolume?.secretRef?.name,
      volume.rbd?.secretRef?.name,
      volume.secret?.secretName,
      volume.scaleIO?.secretRef?.name,
      volume.iscsi?.secretRef?.name,
      volume.storageos?.secretRef?.name,
      volume.csi?.nodePublishSecretRef?.name,
    )
    for (const { secret } of volume.projected?.sources ?? []) names.push(secret?.name)
  }
  return names.filter((name): name is string => !!name)
}

export function configMapNames(spec: Frozen<PodSpec>): string[] {
  const names: (string | undefined)[] = []
  for (const { env, envFrom } of allContainers(spec)) {
    for (const { configMapRef } of envFrom ?? []) names.push(configMapRef?.name)
    for (const { valueFrom } of env ?? []) names.push(valueFrom?.configMapKeyRef?.name)
  }
  for (const volume of spec.volumes ?? []) {
    names.push(volume.configMap?.name)
    for (const { configMap } of volume.projected?.sources ?? []) names.push(configMap?.name)
  }
  return names.filter((name): name is string => !!name)
}

// What a pod's spec is filled up with (pkg/apis/core/v1/defaults.go and zz_generated.defaults.go): `defaultPodSpec` for
// pods and templates alike, `defaultPodOnly` for what materialises in pods alone. Run on every write, they change nothing
// the second time.

import type {
  Container,
  DownwardAPIVolumeFile,
  EphemeralContainer,
  HTTPGetAction,
  PodSpec,
  Probe,
  ResourceFieldSelector,
  Volume,
} from '../../generated/types.ts'
import { canonicalQuantity } from '../api/quantity.ts'
import { defaultClaimSpec } from './claim-spec.ts'
import { parseImageName } from './image-name.ts'
import { defaultPodResources } from './pod-resources.ts'
import { canonicalResources } from './resources.ts'

type AnyContainer = Container | EphemeralContainer

export function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst'
  spec.restartPolicy ||= 'Always'
  spec.securityContext ??= {}
  spec.terminationGracePeriodSeconds ??= 30
  spec.schedulerName ||= 'default-scheduler'
  // The deprecated twin always reads the same (pkg/apis/core/v1/conversion.go).
  const account = spec.serviceAccountName || spec.serviceAccount
  if (account) {
    spec.serviceAccountName = account
    spec.serviceAccount = account
  }
  if (spec.initContainers) for (const each of spec.initContainers) defaultContainer(each)
  spec.containers ??= []
  for (const each of spec.containers) defaultContainer(each)
  if (spec.ephemeralContainers) for (const each of spec.ephemeralContainers) defaultContainer(each)
  if (spec.volumes) for (const each of spec.volumes) defaultVolume(each)
  if (spec.overhead) canonicalResources(spec.overhead)
  for (const each of spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
    each.preference ??= {}
  }
  if (spec.resources) {
    if (spec.resources.limits) canonicalResources(spec.resources.limits)
    if (spec.resources.requests) canonicalResources(spec.resources.requests)
  }
}

export function defaultPodOnly(spec: PodSpec): void {
  for (const each of spec.containers) requestsFromLimits(each)
  if (spec.initContainers) for (const each of spec.initContainers) requestsFromLimits(each)
  if (spec.resources) defaultPodResources(spec)
  spec.enableServiceLinks ??= true
  if (spec.hostNetwork) {
    for (const each of spec.containers) hostPorts(each)
    if (spec.initContainers) for (const each of spec.initContainers) hostPorts(each)
  }
}

function requestsFromLimits({ resources }: Container): void {
  if (!resources?.limits) return
  resources.requests = { ...resources.limits, ...resources.requests }
}

function hostPorts(container: Container): void {
  for (const port of container.ports ?? []) port.hostPort ||= port.containerPort
}

export function pullPolicyOf(image: string | undefined): 'Always' | 'IfNotPresent' {
  return image !== undefined && parseImageName(image)?.tag === 'latest' ? 'Always' : 'IfNotPresent'
}

function defaultContainer(container: AnyContainer): void {
  container.imagePullPolicy ||= pullPolicyOf(container.image)
  container.terminationMessagePath ||= '/dev/termination-log'
  container.terminationMessagePolicy ||= 'File'
  container.resources ??= {}
  if (container.resources.limits) canonicalResources(container.resources.limits)
  if (container.resources.requests) canonicalResources(container.resources.requests)
  if (container.ports) for (const port of container.ports) port.protocol ||= 'TCP'
  if (container.env) {
    for (const { valueFrom } of container.env) {
      if (!valueFrom) continue
      if (valueFrom.fieldRef) valueFrom.fieldRef.apiVersion ||= 'v1'
      if (valueFrom.fileKeyRef) valueFrom.fileKeyRef.optional ??= false
      if (valueFrom.resourceFieldRef) defaultDivisor(valueFrom.resourceFieldRef)
    }
  }
  if (container.livenessProbe) defaultProbe(container.livenessProbe)
  if (container.readinessProbe) defaultProbe(container.readinessProbe)
  if (container.startupProbe) defaultProbe(container.startupProbe)
  if (container.lifecycle?.postStart?.httpGet) defaultHttpGet(container.lifecycle.postStart.httpGet)
  if (container.lifecycle?.preStop?.httpGet) defaultHttpGet(container.lifecycle.preStop.httpGet)
}

/** A quantity is always written, and zero means the resource's own unit. */
function defaultDivisor(reference: ResourceFieldSelector): void {
  reference.divisor = canonicalQuantity(String(reference.divisor ?? '0'))
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  if (probe.httpGet) defaultHttpGet(probe.httpGet)
  if (probe.grpc) probe.grpc.service ??= ''
}

function defaultHttpGet(action: HTTPGetAction): void {
  action.path ||= '/'
  action.scheme ||= 'HTTP'
}

function defaultVolume(volume: Volume): void {
  let isSourced = false
  for (const key in volume) if (key !== 'name' && volume[key as keyof Volume] !== undefined) isSourced = true
  if (!isSourced) volume.emptyDir = {}
  if (volume.emptyDir?.sizeLimit !== undefined) {
    volume.emptyDir.sizeLimit = canonicalQuantity(String(volume.emptyDir.sizeLimit))
  }
  if (volume.hostPath) volume.hostPath.type ??= ''
  if (volume.secret) volume.secret.defaultMode ??= 420
  if (volume.configMap) volume.configMap.defaultMode ??= 420
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= 420
    for (const file of volume.downwardAPI.items ?? []) defaultDownwardFile(file)
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= 420
    for (const source of volume.projected.sources ?? []) {
      for (const file of source.downwardAPI?.items ?? []) defaultDownwardFile(file)
      if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600
    }
  }
  if (volume.image) volume.image.pullPolicy ||= pullPolicyOf(volume.image.reference)
  if (volume.ephemeral?.volumeClaimTemplate) {
    const claim = volume.ephemeral.volumeClaimTemplate
    claim.metadata ??= {}
    claim.spec ??= {}
    defaultClaimSpec(claim.spec)
  }
  if (volume.iscsi) volume.iscsi.iscsiInterface ||= 'default'
  if (volume.rbd) {
    volume.rbd.pool ||= 'rbd'
    volume.rbd.user ||= 'admin'
    volume.rbd.keyring ||= '/etc/ceph/keyring'
  }
  if (volume.azureDisk) {
    volume.azureDisk.cachingMode ??= 'ReadWrite'
    volume.azureDisk.fsType ??= 'ext4'
    volume.azureDisk.readOnly ??= false
    volume.azureDisk.kind ??= 'Shared'
  }
  if (volume.scaleIO) {
    volume.scaleIO.storageMode ||= 'ThinProvisioned'
    volume.scaleIO.fsType ||= 'xfs'
  }
}

function defaultDownwardFile({ fieldRef, resourceFieldRef }: DownwardAPIVolumeFile): void {
  if (fieldRef) fieldRef.apiVersion ||= 'v1'
  if (resourceFieldRef) defaultDivisor(resourceFieldRef)
}

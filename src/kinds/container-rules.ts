// The rules of one container, of whatever sort (validateContainerCommon and its helpers in
// pkg/apis/core/validation/validation.go). Called by pod-spec-rules.ts for containers, init and ephemeral containers.

import type {
  Container,
  ContainerPort,
  ContainerResizePolicy,
  ContainerRestartRule,
  EphemeralContainer,
  VolumeDevice,
  VolumeMount,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults, portNameFaults, portNumberFaults } from '../api/names.ts'
import { envFromRules, envRules } from './env-rules.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { descendingPath, oneOf, optionalOneOf } from './field-rules.ts'
import { type ResourceScope, resourceRules } from './resources.ts'
import { containerSecurityRules } from './security-rules.ts'
import type { VolumeNames } from './volume-rules.ts'

export type AnyContainer = Frozen<Container> | Frozen<EphemeralContainer>

/** What a container's rules must know of its pod. */
export interface PodOfContainer {
  readonly volumes: VolumeNames
  readonly resources: ResourceScope
  readonly restartPolicy: string | undefined
  readonly usesHostUsers: boolean
}

export const protocols = ['SCTP', 'TCP', 'UDP']
export const pullPolicies = ['Always', 'IfNotPresent', 'Never']

export function containerRules(container: AnyContainer, pod: PodOfContainer, path: FieldPath, faults: Faults): void {
  if (container.name) faults.invalids(dns1123LabelFaults(container.name), container.name, path, 'name')
  else faults.required(path.child('name'))
  if (!container.image) faults.required(path.child('image'))
  const { terminationMessagePolicy } = container
  if (terminationMessagePolicy !== 'File') {
    oneOf(terminationMessagePolicy, ['File', 'FallbackToLogsOnError'], path, 'terminationMessagePolicy', faults)
  }
  if (container.ports) portRules(container.ports, path.child('ports'), faults)
  if (container.env) envRules(container.env, path.child('env'), faults)
  if (container.envFrom) envFromRules(container.envFrom, path.child('envFrom'), faults)
  if (container.volumeMounts) mountRules(container, container.volumeMounts, pod, path.child('volumeMounts'), faults)
  if (container.volumeDevices) deviceRules(container, container.volumeDevices, pod, path.child('volumeDevices'), faults)
  oneOf(container.imagePullPolicy, pullPolicies, path, 'imagePullPolicy', faults)
  const { resources } = container
  if (resources && (resources.limits || resources.requests || resources.claims)) {
    resourceRules(resources, pod.resources, path.child('resources'), faults)
  }
  if (container.resizePolicy) {
    resizeRules(container.resizePolicy, pod.restartPolicy, path.child('resizePolicy'), faults)
  }
  if (container.securityContext) {
    containerSecurityRules(container.securityContext, pod.usesHostUsers, path.child('securityContext'), faults)
  }
}

function portRules(ports: readonly Frozen<ContainerPort>[], path: FieldPath, faults: Faults): void {
  const names = new Set<string>()
  for (const [index, port] of ports.entries()) {
    const at = path.index(index)
    if (port.name) {
      const sentences = portNameFaults(port.name)
      if (sentences.length > 0) faults.invalids(sentences, port.name, at, 'name')
      else if (names.has(port.name)) faults.duplicate(at.child('name'), port.name)
      else names.add(port.name)
    }
    if (port.containerPort) {
      faults.invalids(portNumberFaults(port.containerPort), port.containerPort, at, 'containerPort')
    } else faults.required(at.child('containerPort'))
    if (port.hostPort) faults.invalids(portNumberFaults(port.hostPort), port.hostPort, at, 'hostPort')
    oneOf(port.protocol, protocols, at, 'protocol', faults)
  }
}

function mountRules(
  container: AnyContainer,
  mounts: readonly Frozen<VolumeMount>[],
  { volumes }: PodOfContainer,
  path: FieldPath,
  faults: Faults,
): void {
  const devices = container.volumeDevices ?? []
  const points = new Set<string>()
  for (const [index, mount] of mounts.entries()) {
    const at = path.index(index)
    if (!mount.name) faults.required(at.child('name'))
    if (!volumes.has(mount.name)) faults.notFound(at.child('name'), mount.name)
    if (!mount.mountPath) faults.required(at.child('mountPath'))
    if (points.has(mount.mountPath)) faults.invalid(at.child('mountPath'), mount.mountPath, 'must be unique')
    points.add(mount.mountPath)
    if (devices.some(device => device.name === mount.name)) {
      faults.invalid(at.child('name'), mount.name, 'must not already exist in volumeDevices')
    }
    if (devices.some(device => device.devicePath === mount.mountPath)) {
      faults.invalid(at.child('mountPath'), mount.mountPath, 'must not already exist as a path in volumeDevices')
    }
    // From here on upstream names the list and not the mount.
    if (mount.subPath) descendingPath(mount.subPath, path.child('subPath'), faults)
    if (mount.subPathExpr) {
      if (mount.subPath) {
        faults.invalid(at.child('subPathExpr'), mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive')
      }
      descendingPath(mount.subPathExpr, path.child('subPathExpr'), faults)
    }
    if (mount.mountPropagation) {
      optionalOneOf(
        mount.mountPropagation,
        ['Bidirectional', 'HostToContainer', 'None'],
        path,
        'mountPropagation',
        faults,
      )
      if (mount.mountPropagation === 'Bidirectional' && !container.securityContext?.privileged) {
        faults.forbidden(
          path.child('mountPropagation'),
          'Bidirectional mount propagation is available only to privileged containers',
        )
      }
    }
    if (mount.recursiveReadOnly) recursiveReadOnlyRule(mount, path, faults)
  }
}

function recursiveReadOnlyRule(mount: Frozen<VolumeMount>, path: FieldPath, faults: Faults): void {
  const at = path.child('recursiveReadOnly')
  switch (mount.recursiveReadOnly) {
    case 'Disabled':
      return
    case 'Enabled':
    case 'IfPossible':
      if (!mount.readOnly) faults.forbidden(at, 'may only be specified when readOnly is true')
      if (mount.mountPropagation && mount.mountPropagation !== 'None') {
        faults.forbidden(at, 'may only be specified when mountPropagation is None or not specified')
      }
      return
    default:
      faults.notSupported(at, mount.recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible'])
  }
}

function deviceRules(
  container: AnyContainer,
  devices: readonly Frozen<VolumeDevice>[],
  { volumes }: PodOfContainer,
  path: FieldPath,
  faults: Faults,
): void {
  const mounts = container.volumeMounts ?? []
  const names = new Set<string>()
  const paths = new Set<string>()
  for (const [index, { name, devicePath }] of devices.entries()) {
    const at = path.index(index)
    if (!name) faults.required(at.child('name'))
    if (names.has(name)) faults.invalid(at.child('name'), name, 'must be unique')
    const isClaim = volumes.get(name)
    if (isClaim === false) {
      const detail = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'
      faults.invalid(at.child('name'), name, detail)
    }
    if (isClaim === undefined) faults.notFound(at.child('name'), name)
    if (!devicePath) faults.required(at.child('devicePath'))
    if (paths.has(devicePath)) faults.invalid(at.child('devicePath'), devicePath, 'must be unique')
    if (devicePath?.split('/').includes('..')) {
      faults.invalid(at.child('devicePath'), devicePath, "can not contain backsteps ('..')")
    } else paths.add(devicePath)
    if (mounts.some(mount => mount.name === name)) {
      faults.invalid(at.child('name'), name, 'must not already exist in volumeMounts')
    }
    if (mounts.some(mount => mount.mountPath === devicePath)) {
      faults.invalid(at.child('devicePath'), devicePath, 'must not already exist as a path in volumeMounts')
    }
    names.add(name)
  }
}

function resizeRules(
  policies: readonly Frozen<ContainerResizePolicy>[],
  podRestartPolicy: string | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  const seen = new Set<string>()
  for (const [index, { resourceName, restartPolicy }] of policies.entries()) {
    if (seen.has(resourceName)) faults.duplicate(path.index(index), resourceName)
    seen.add(resourceName)
    if (!resourceName) faults.required(path)
    else if (resourceName !== 'cpu' && resourceName !== 'memory') {
      faults.notSupported(path, resourceName, ['cpu', 'memory'])
    }
    if (!restartPolicy) faults.required(path)
    else if (restartPolicy !== 'NotRequired' && restartPolicy !== 'RestartContainer') {
      faults.notSupported(path, restartPolicy, ['NotRequired', 'RestartContainer'])
    }
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      faults.invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'")
    }
  }
}

const restartPolicies = ['Always', 'Never', 'OnFailure']

/** restartPolicy and restartPolicyRules of a container of its own (ContainerRestartRules, on by default since 1.35). */
export function restartRules(container: AnyContainer, isInit: boolean, path: FieldPath, faults: Faults): void {
  const { restartPolicy } = container
  const rules = container.restartPolicyRules ?? []
  if (restartPolicy === undefined) {
    if (rules.length > 0) {
      faults.required(path.child('restartPolicy'), 'must specify restartPolicy when restart rules are used')
    }
    if (isInit || rules.length === 0) return
  } else if (isInit && restartPolicy === 'Always') {
    if (rules.length > 0) {
      faults.forbidden(
        path.child('restartPolicyRules'),
        'restartPolicyRules are not allowed for init containers with restart policy Always',
      )
    }
    return
  } else optionalOneOf(restartPolicy, restartPolicies, path, 'restartPolicy', faults)
  if (rules.length > 20) faults.tooLong(path.child('restartPolicyRules'), 20)
  for (const [index, rule] of rules.entries()) {
    restartRule(rule, path.child('restartPolicyRules').index(index), faults)
  }
}

function restartRule({ action, exitCodes }: Frozen<ContainerRestartRule>, path: FieldPath, faults: Faults): void {
  if (action !== 'Restart') faults.notSupported(path.child('action'), action, ['Restart'])
  if (!exitCodes) {
    faults.required(path.child('exitCodes'), 'must be specified')
    return
  }
  if (exitCodes.operator !== 'In' && exitCodes.operator !== 'NotIn') {
    faults.notSupported(path.child('exitCodes', 'operator'), exitCodes.operator, ['In', 'NotIn'])
  }
  if ((exitCodes.values?.length ?? 0) > 255) faults.tooLong(path.child('exitCodes', 'values'), 255)
}

/** In a running pod, not in a template: the image is a name that can be pulled as it stands. */
export function imageIsTrimmed(container: AnyContainer, path: FieldPath, faults: Faults): void {
  const { image } = container
  if (image && image.trim().length !== image.length) {
    faults.invalid(path.child('image'), image, 'must not have leading or trailing whitespace')
  }
}

export function hostPortConflicts(container: AnyContainer, seen: Set<string>, path: FieldPath, faults: Faults): void {
  for (const [index, { protocol, hostIP, hostPort }] of (container.ports ?? []).entries()) {
    if (!hostPort) continue
    const key = `${protocol}/${hostIP ?? ''}/${hostPort}`
    if (seen.has(key)) faults.duplicate(path.child('ports').index(index).child('hostPort'), key)
    seen.add(key)
  }
}

// The rules of a pod's spec, in a pod and in a template (ValidatePodSpec, ValidatePodTemplateSpec in
// pkg/apis/core/validation/validation.go). The parts are in files of their own; this one walks them in upstream's order.

import type { HostAlias, ObjectMeta, PodDNSConfig, PodResourceClaim, PodSpec } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { between, dns1123LabelFaults, dns1123SubdomainFaults, qualifiedNameFaults } from '../api/names.ts'
import {
  type AnyContainer,
  containerRules,
  hostPortConflicts,
  type PodOfContainer,
  restartRules,
} from './container-rules.ts'
import { ephemeralRules } from './ephemeral-container-rules.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { oneOf } from './field-rules.ts'
import { ipRule } from './ip-address.ts'
import { labelRules } from './label-selector-rules.ts'
import { podResourceRules } from './pod-resources.ts'
import { handlerRules, noHandlers } from './probe-rules.ts'
import { resourceRules } from './resources.ts'
import { affinityRules, gateRules, spreadRules, tolerationRules } from './scheduling-rules.ts'
import { podSecurityRules } from './security-rules.ts'
import { noVolumes, volumeRules } from './volume-rules.ts'
import { linuxOnlyRules, windowsHostProcessRules, windowsOnlyRules } from './windows-rules.ts'

const none: ReadonlySet<string> = new Set()

/** `meta` is the pod's own metadata, and absent for a template. */
export function podSpecRules(
  spec: Frozen<PodSpec>,
  meta: Frozen<ObjectMeta> | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  const grace = spec.terminationGracePeriodSeconds
  if (grace === undefined) faults.required(path.child('terminationGracePeriodSeconds'))
  const volumes = spec.volumes?.length ? volumeRules(spec.volumes, { meta }, path.child('volumes'), faults) : noVolumes
  const claims = spec.resourceClaims?.length ? new Set(spec.resourceClaims.map(each => each.name)) : none
  if (spec.resourceClaims?.length) resourceClaimRules(spec.resourceClaims, meta, path.child('resourceClaims'), faults)
  const pod: PodOfContainer = {
    volumes,
    resources: { of: 'container', claims },
    restartPolicy: spec.restartPolicy,
    usesHostUsers: spec.hostUsers !== false,
  }
  containerListRules(spec, pod, path.child('containers'), faults)
  if (spec.initContainers?.length) initContainerRules(spec, pod, path.child('initContainers'), faults)
  if (spec.ephemeralContainers?.length) ephemeralRules(spec, pod, path.child('ephemeralContainers'), faults)
  if (spec.resources) podResourceRules(spec, claims, path.child('resources'), faults)
  if (spec.hostNetwork) hostNetworkRules(spec, meta !== undefined, path.child('containers'), faults)
  oneOf(spec.restartPolicy, ['Always', 'OnFailure', 'Never'], path, 'restartPolicy', faults)
  oneOf(spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'], path, 'dnsPolicy', faults)
  labelRules(spec.nodeSelector, path, 'nodeSelector', faults)
  if (spec.securityContext) podSecurityRules(spec.securityContext, spec, path.child('securityContext'), faults)
  if (spec.shareProcessNamespace && spec.hostPID) {
    faults.invalid(
      path.child('securityContext', 'shareProcessNamespace'),
      true,
      'ShareProcessNamespace and HostPID cannot both be enabled',
    )
  }
  if (spec.affinity) affinityRules(spec.affinity, path.child('affinity'), faults)
  dnsConfigRules(spec.dnsConfig, spec.dnsPolicy, path.child('dnsConfig'), faults)
  for (const [index, { conditionType }] of (spec.readinessGates ?? []).entries()) {
    faults.invalids(
      qualifiedNameFaults(conditionType ?? ''),
      conditionType,
      path.child('readinessGates').index(index),
      'conditionType',
    )
  }
  if (spec.schedulingGates) gateRules(spec.schedulingGates, path.child('schedulingGates'), faults)
  if (spec.topologySpreadConstraints) {
    spreadRules(spec.topologySpreadConstraints, path.child('topologySpreadConstraints'), faults)
  }
  windowsHostProcessRules(spec, path, faults)
  if (spec.hostUsers === false) hostUsersRules(spec, path, faults)
  nameRules(spec, path, faults)
  const deadline = spec.activeDeadlineSeconds
  if (typeof deadline === 'number' && (deadline < 1 || deadline > 2147483647)) {
    faults.invalid(path.child('activeDeadlineSeconds'), deadline, between(1, 2147483647))
  }
  if (spec.tolerations) tolerationRules(spec.tolerations, path.child('tolerations'), faults)
  if (spec.hostAliases) hostAliasRules(spec.hostAliases, path.child('hostAliases'), faults)
  if (spec.preemptionPolicy !== undefined) {
    oneOf(spec.preemptionPolicy, ['PreemptLowerPriority', 'Never'], path, 'preemptionPolicy', faults)
  }
  if (spec.overhead) {
    resourceRules({ limits: spec.overhead }, pod.resources, path.child('overhead'), faults)
  }
  if (spec.os) osRules(spec, path, faults)
  fileKeyVolumeRules(spec, path, faults)
}

function containerListRules(spec: Frozen<PodSpec>, pod: PodOfContainer, path: FieldPath, faults: Faults): void {
  const { containers } = spec
  if (!containers?.length) {
    faults.required(path)
    return
  }
  const names = new Set<string>()
  const hostPorts = new Set<string>()
  for (const [index, container] of containers.entries()) {
    const at = path.index(index)
    containerRules(container, pod, at, faults)
    if (names.has(container.name)) faults.duplicate(at.child('name'), container.name)
    names.add(container.name)
    handlerRules(container, spec.terminationGracePeriodSeconds, spec.os, at, faults)
    restartRules(container, false, at, faults)
    if (container.ports) hostPortConflicts(container, hostPorts, at, faults)
  }
}

function initContainerRules(spec: Frozen<PodSpec>, pod: PodOfContainer, path: FieldPath, faults: Faults): void {
  const names = new Set<string>((spec.containers ?? []).map(each => each.name))
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const at = path.index(index)
    containerRules(container, pod, at, faults)
    restartRules(container, true, at, faults)
    if (names.has(container.name)) faults.duplicate(at.child('name'), container.name)
    else if (container.name) names.add(container.name)
    hostPortConflicts(container, new Set(), path.index(0), faults)
    if (container.restartPolicy === 'Always') {
      handlerRules(container, spec.terminationGracePeriodSeconds, spec.os, at, faults)
    } else noHandlers(container, at, faults)
  }
}

function resourceClaimRules(
  claims: readonly Frozen<PodResourceClaim>[],
  meta: Frozen<ObjectMeta> | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  const names = new Set<string>()
  for (const [index, claim] of claims.entries()) {
    const at = path.index(index)
    if (meta?.annotations && 'kubernetes.io/config.mirror' in meta.annotations) {
      faults.add({
        type: 'FieldValueForbidden',
        field: '',
        message: 'Forbidden: static pods do not support resource claims',
      })
      continue
    }
    const { name, resourceClaimName: own, resourceClaimTemplateName: template } = claim
    if (!name) faults.required(at.child('name'))
    else if (names.has(name)) faults.duplicate(at.child('name'), name)
    else {
      faults.invalids(dns1123LabelFaults(name), name, at, 'name')
      names.add(name)
    }
    if (own !== undefined && template !== undefined) {
      const detail = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'
      faults.invalid(at, claim, detail)
    }
    if (own === undefined && template === undefined) {
      faults.invalid(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`')
    }
    if (own !== undefined) faults.invalids(dns1123SubdomainFaults(own), own, at, 'resourceClaimName')
    if (template !== undefined) {
      faults.invalids(dns1123SubdomainFaults(template), template, at, 'resourceClaimTemplateName')
    }
  }
}

function hostNetworkRules(spec: Frozen<PodSpec>, isPod: boolean, path: FieldPath, faults: Faults): void {
  for (const [index, container] of (spec.containers ?? []).entries()) {
    for (const [position, { hostPort = 0, containerPort }] of (container.ports ?? []).entries()) {
      if ((isPod || hostPort !== 0) && hostPort !== containerPort) {
        const at = path.index(index).child('ports').index(position).child('hostPort')
        faults.invalid(at, hostPort, 'must match `containerPort` when `hostNetwork` is true')
      }
    }
  }
}

const searchName = /^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$/

function dnsConfigRules(
  config: Frozen<PodDNSConfig> | undefined,
  policy: string | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  if (policy === 'None') {
    if (!config) {
      faults.required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')
      return
    }
    if (!config.nameservers?.length) {
      const detail = 'must provide at least one DNS nameserver when `dnsPolicy` is None'
      faults.required(path.child('nameservers'), detail)
      return
    }
  }
  if (!config) return
  const { nameservers = [], searches = [], options = [] } = config
  if (nameservers.length > 3) {
    faults.invalid(path.child('nameservers'), nameservers, 'must not have more than 3 nameservers')
  }
  for (const [index, address] of nameservers.entries()) ipRule(address, path.child('nameservers').index(index), faults)
  if (searches.length > 32) {
    faults.invalid(path.child('searches'), searches, 'must not have more than 32 search paths')
  }
  if (searches.join(' ').length > 2048) {
    const detail = 'must not have more than 2048 characters (including spaces) in the search list'
    faults.invalid(path.child('searches'), searches, detail)
  }
  for (const [index, search] of searches.entries()) {
    const name = search.endsWith('.') ? search.slice(0, -1) : search
    if (search === '.' || (name.length <= 253 && searchName.test(name))) continue
    const at = path.child('searches').index(index)
    const sentences = dns1123SubdomainFaults(name)
    faults.invalids(
      sentences.map(sentence => sentence.replace("'-' or '.'", "'-', '_' or '.'").replaceAll('a-z0-9', 'a-z0-9_')),
      name,
      at,
    )
  }
  for (const [index, { name }] of options.entries()) {
    if (!name) faults.required(path.child('options').index(index), 'must not be empty')
  }
}

function hostUsersRules(spec: Frozen<PodSpec>, path: FieldPath, faults: Faults): void {
  const detail = 'when `hostUsers` is false'
  if (spec.hostNetwork) faults.forbidden(path.child('hostNetwork'), detail)
  // Upstream spells these two with a capital.
  if (spec.hostPID) faults.forbidden(path.child('HostPID'), detail)
  if (spec.hostIPC) faults.forbidden(path.child('HostIPC'), detail)
  visitContainers(spec, path, (container, at) => {
    if (container.volumeDevices?.length) faults.forbidden(at.child('volumeDevices'), detail)
  })
}

function nameRules(spec: Frozen<PodSpec>, path: FieldPath, faults: Faults): void {
  const { hostnameOverride } = spec
  if (typeof hostnameOverride === 'string') {
    const at = path.child('hostnameOverride')
    if (spec.setHostnameAsFQDN) faults.forbidden(at, 'may not be specified when setHostnameAsFQDN is true')
    if (spec.hostNetwork) faults.forbidden(at, 'may not be specified when hostNetwork is true')
    if (hostnameOverride.length > 64) faults.tooLong(at, 64)
    faults.invalids(dns1123SubdomainFaults(hostnameOverride), hostnameOverride, at)
  }
  for (const name of ['serviceAccountName', 'nodeName', 'priorityClassName', 'runtimeClassName'] as const) {
    const value = spec[name]
    if (value) faults.invalids(dns1123SubdomainFaults(value), value, path, name)
  }
  for (const name of ['hostname', 'subdomain'] as const) {
    const value = spec[name]
    if (value) faults.invalids(dns1123LabelFaults(value), value, path, name)
  }
  if (spec.schedulingGroup?.podGroupName) {
    const { podGroupName } = spec.schedulingGroup
    faults.invalids(dns1123SubdomainFaults(podGroupName), podGroupName, path.child('schedulingGroup'), 'podGroupName')
  }
}

function hostAliasRules(aliases: readonly Frozen<HostAlias>[], path: FieldPath, faults: Faults): void {
  for (const [index, { ip, hostnames }] of aliases.entries()) {
    ipRule(ip ?? '', path.index(index).child('ip'), faults)
    for (const [position, name] of (hostnames ?? []).entries()) {
      const sentences = dns1123SubdomainFaults(name)
      if (sentences.length > 0) {
        faults.invalids(sentences, name, path.index(index).child('hostnames').index(position))
      }
    }
  }
}

function osRules(spec: Frozen<PodSpec>, path: FieldPath, faults: Faults): void {
  const name = spec.os?.name
  if (!name) faults.required(path.child('os', 'name'))
  else if (name === 'linux') linuxOnlyRules(spec, path, faults)
  else if (name === 'windows') windowsOnlyRules(spec, path, faults)
  else faults.notSupported(path.child('os'), name, ['linux', 'windows'])
}

function fileKeyVolumeRules(spec: Frozen<PodSpec>, path: FieldPath, faults: Faults): void {
  visitContainers(spec, path, (container, at) => {
    if (!container.env) return
    for (const [index, { valueFrom }] of container.env.entries()) {
      if (!valueFrom?.fileKeyRef) continue
      const { volumeName } = valueFrom.fileKeyRef
      const field = at.child('env').index(index).child('valueFrom', 'fileKeyRef', 'volumeName')
      const volume = spec.volumes?.find(each => each.name === volumeName)
      if (!volume) faults.notFound(field, volumeName)
      else if (!volume.emptyDir) faults.invalid(field, volumeName, 'referenced volume must be of type emptyDir')
    }
  })
}

/** All containers, in upstream's order: init, ordinary, ephemeral. */
export function visitContainers(
  spec: Frozen<PodSpec>,
  path: FieldPath,
  visit: (container: AnyContainer, at: FieldPath) => void,
): void {
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    const containers: readonly AnyContainer[] | undefined = spec[list]
    if (!containers?.length) continue
    const at = path.child(list)
    for (const [index, container] of containers.entries()) visit(container, at.index(index))
  }
}

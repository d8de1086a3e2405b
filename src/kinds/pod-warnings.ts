// What a user should know of a pod or a template that is valid all the same (pkg/api/pod/warnings.go).

import type {
  ContainerPort,
  NodeSelectorTerm,
  Pod,
  PodAffinityTerm,
  PodSpec,
  PodTemplateSpec,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults } from '../api/names.ts'
import { milliValue } from '../api/quantity.ts'
import type { AnyContainer } from './container-rules.ts'
import { type FieldPath, root } from './field-path.ts'
import { visitContainers } from './pod-spec-rules.ts'

export function podWarnings(pod: Frozen<Pod>): string[] {
  const warnings: string[] = []
  const wrong = dns1123LabelFaults(pod.metadata.name)
  if (wrong.length > 0) {
    const why =
      "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended"
    warnings.push(`metadata.name: ${why}: [${wrong.join(' ')}]`)
  }
  podSpecWarnings(pod.spec, pod.metadata.annotations, root, warnings)
  return warnings
}

/** `prefix` is where the template stands: `spec.template`. */
export function podTemplateWarnings(template: Frozen<PodTemplateSpec> | undefined, prefix: FieldPath): string[] {
  const warnings: string[] = []
  if (template?.spec) podSpecWarnings(template.spec, template.metadata?.annotations, prefix, warnings)
  return warnings
}

const oldNodeLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}

const oldAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
}

const oldVolumes = [
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
] as const

function podSpecWarnings(
  spec: Frozen<PodSpec>,
  annotations: Readonly<Record<string, string>> | undefined,
  prefix: FieldPath,
  warnings: string[],
): void {
  const path = prefix.child('spec')
  for (const key in spec.nodeSelector) {
    const old = oldNodeLabels[key]
    if (old) warnings.push(`${path.child('nodeSelector').key(key)}: ${old}`)
  }
  affinityWarnings(spec, path, warnings)
  for (const [index, { topologyKey, labelSelector }] of (spec.topologySpreadConstraints ?? []).entries()) {
    const at = path.child('topologySpreadConstraints').index(index)
    const old = oldNodeLabels[topologyKey]
    if (old) warnings.push(`${at.child('topologyKey')}: ${topologyKey} is ${old}`)
    if (!labelSelector) warnings.push(matchesNothing(at.child('labelSelector')))
  }
  for (const key in oldAnnotations) {
    if (annotations?.[key] !== undefined) {
      warnings.push(`${prefix.child('metadata', 'annotations').key(key)}: ${oldAnnotations[key]}`)
    }
  }
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    for (const [type, why] of oldVolumes) {
      if (volume[type]) warnings.push(`${path.child('volumes').index(index).child(type)}: ${why}`)
    }
  }
  repetitionWarnings(spec, path, warnings)
  visitContainers(spec, path, (container, at) => containerWarnings(container, at, warnings))
  portWarnings(spec, path, warnings)
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    const why = 'must be >= 0; negative values are invalid and will be treated as 1'
    warnings.push(`${path.child('terminationGracePeriodSeconds')}: ${why}`)
  }
}

function matchesNothing(at: FieldPath): string {
  return `${at}: a null labelSelector results in matching no pod`
}

function affinityWarnings({ affinity }: Frozen<PodSpec>, path: FieldPath, warnings: string[]): void {
  const required = 'requiredDuringSchedulingIgnoredDuringExecution'
  const preferred = 'preferredDuringSchedulingIgnoredDuringExecution'
  const ofNode = (term: Frozen<NodeSelectorTerm>, at: FieldPath): void => {
    for (const [index, { key }] of (term.matchExpressions ?? []).entries()) {
      const old = oldNodeLabels[key]
      if (old) warnings.push(`${at.child('matchExpressions').index(index).child('key')}: ${key} is ${old}`)
    }
  }
  const node = affinity?.nodeAffinity
  const nodePath = path.child('affinity', 'nodeAffinity')
  for (const [index, term] of (node?.[required]?.nodeSelectorTerms ?? []).entries()) {
    ofNode(term, nodePath.child(required, 'nodeSelectorTerms').index(index))
  }
  for (const [index, { preference }] of (node?.[preferred] ?? []).entries()) {
    ofNode(preference, nodePath.child(preferred).index(index).child('preference'))
  }
  const ofPod = ({ labelSelector }: Frozen<PodAffinityTerm>, at: FieldPath): void => {
    if (!labelSelector) warnings.push(matchesNothing(at.child('labelSelector')))
  }
  for (const name of ['podAffinity', 'podAntiAffinity'] as const) {
    const at = path.child('affinity', name)
    for (const [index, term] of (affinity?.[name]?.[required] ?? []).entries()) {
      ofPod(term, at.child(required).index(index))
    }
    for (const [index, { podAffinityTerm }] of (affinity?.[name]?.[preferred] ?? []).entries()) {
      ofPod(podAffinityTerm, at.child(preferred).index(index).child('podAffinityTerm'))
    }
  }
}

function repetitionWarnings(spec: Frozen<PodSpec>, path: FieldPath, warnings: string[]): void {
  const addresses = new Set<string>()
  for (const [index, { ip }] of (spec.hostAliases ?? []).entries()) {
    const at = path.child('hostAliases').index(index).child('ip')
    if (addresses.has(ip)) warnings.push(`${at}: duplicate ip ${JSON.stringify(ip)}`)
    addresses.add(ip)
  }
  const names = new Set<string>()
  for (const [index, { name = '' }] of (spec.imagePullSecrets ?? []).entries()) {
    const at = path.child('imagePullSecrets').index(index).child('name')
    if (names.has(name)) warnings.push(`${at}: duplicate name ${JSON.stringify(name)}`)
    names.add(name)
    if (name === '') warnings.push(`${at}: invalid empty name ""`)
  }
}

function containerWarnings(container: AnyContainer, path: FieldPath, warnings: string[]): void {
  for (const list of ['limits', 'requests'] as const) {
    for (const name of ['memory', 'ephemeral-storage']) {
      const amount = container.resources?.[list]?.[name]
      if (amount?.endsWith('m') && milliValue(amount) % 1000 !== 0) {
        const why = `fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`
        warnings.push(`${path.child('resources', list).key(name)}: ${why}`)
      }
    }
  }
  const names = new Set<string>()
  for (const [index, { name, value = '', valueFrom }] of (container.env ?? []).entries()) {
    const own = `$(${name})`
    if (names.has(name) && (valueFrom || value === own || !value.includes(own))) {
      const why = `hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`
      warnings.push(`${path.child('env').index(index)}: ${why}`)
    }
    names.add(name)
  }
}

function portWarnings(spec: Frozen<PodSpec>, path: FieldPath, warnings: string[]): void {
  const seen = new Map<string, { at: FieldPath; port: Frozen<ContainerPort> }[]>()
  const named = new Map<string, FieldPath>()
  const nameWarnings: string[] = []
  visitContainers(spec, path, ({ ports }, container) => {
    for (const [index, port] of (ports ?? []).entries()) {
      const at = container.child('ports').index(index)
      const key = `${port.containerPort}/${port.protocol}`
      const others = seen.get(key) ?? []
      for (const other of others) {
        const why = overlap(port, other.port)
        if (why) warnings.push(`${at}: ${why} port definition with ${other.at}`)
      }
      seen.set(key, [...others, { at, port }])
      if (!port.name) continue
      const first = named.get(port.name)
      if (first) {
        const why = `duplicate port name ${JSON.stringify(port.name)} with ${first}, services and probes that select ports by name will use ${first}`
        nameWarnings.push(`${at}: ${why}`)
      } else named.set(port.name, at)
    }
  })
  warnings.push(...nameWarnings)
}

function overlap(one: Frozen<ContainerPort>, other: Frozen<ContainerPort>): string | undefined {
  const [ip = '', otherIp = ''] = [one.hostIP, other.hostIP]
  const [port = 0, otherPort = 0] = [one.hostPort, other.hostPort]
  if (ip === otherIp && port === otherPort) return 'duplicate'
  if (port === 0 || otherPort === 0) return 'overlapping'
  return port === otherPort && (ip === '') !== (otherIp === '') ? 'dangerously ambiguous' : undefined
}

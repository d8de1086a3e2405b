// The checks of the Pod Security Standards, one value each: from which version on it holds, at which level, and what it finds
// (k8s.io/pod-security-admission/policy/check_*.go). evaluate.ts says which of them are asked.

import type { Container, PodSpec } from '../../../generated/types.ts'
import type { Frozen, ObjectMeta } from '../../../src/api/meta.ts'

/** A pod, or the template of one. */
export interface PodLike {
  readonly metadata: Frozen<Partial<ObjectMeta>>
  readonly spec: Frozen<PodSpec>
}

export interface Violation {
  readonly reason: string
  readonly detail: string
}

type Find = (pod: PodLike) => Violation | undefined

export interface Check {
  readonly id: string
  readonly level: 'baseline' | 'restricted'
  /** By the minor version from which on it holds, rising. */
  readonly versions: readonly (readonly [since: number, find: Find])[]
  /** The weaker check that this one takes the place of. */
  readonly overrides?: string
}

type AnyContainer = Frozen<Pick<Container, 'name' | 'securityContext' | 'ports' | 'lifecycle'>> &
  Frozen<Pick<Container, 'livenessProbe' | 'readinessProbe' | 'startupProbe'>>

const containersOf = ({ spec }: PodLike): readonly AnyContainer[] => [
  ...(spec.initContainers ?? []),
  ...(spec.containers ?? []),
  ...((spec.ephemeralContainers ?? []) as readonly AnyContainer[]),
]

const namesWhere = (pod: PodLike, is: (container: AnyContainer) => boolean): string[] =>
  containersOf(pod)
    .filter(is)
    .map(({ name }) => name)

const quoted = (items: readonly string[]): string => items.map(item => `"${item}"`).join(', ')
const some = (items: readonly unknown[], singular: string, plural = `${singular}s`): string =>
  items.length === 1 ? singular : plural
/** `container "a"`, `containers "a", "b"`. */
const containers = (names: readonly string[]): string => `${some(names, 'container')} ${quoted(names)}`
const sorted = (items: Iterable<string>): string[] => [...new Set(items)].sort()

/** `pod and container "a"`: who says something that may not be said; undefined when nobody does. */
function setters(podSays: boolean, names: readonly string[]): string | undefined {
  const all = [...(podSays ? ['pod'] : []), ...(names.length > 0 ? [containers(names)] : [])]
  return all.length > 0 ? all.join(' and ') : undefined
}

const inUserNamespace = ({ spec }: PodLike): boolean => spec.hostUsers === false
const unless =
  (isExempt: (pod: PodLike) => boolean, find: Find): Find =>
  pod =>
    isExempt(pod) ? undefined : find(pod)
const onWindows = ({ spec }: PodLike): boolean => spec.os?.name === 'windows'

// ---- baseline

const appArmorTypes = ['RuntimeDefault', 'Localhost']
const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/'

const appArmor: Find = pod => {
  const podType = pod.spec.securityContext?.appArmorProfile?.type
  const isBad = (type: string | undefined): boolean => type !== undefined && !appArmorTypes.includes(type)
  const typeOf = ({ securityContext }: AnyContainer) => securityContext?.appArmorProfile?.type
  const bad = namesWhere(pod, container => isBad(typeOf(container)))
  const values = sorted([podType, ...containersOf(pod).map(typeOf)].filter((type): type is string => isBad(type)))
  const annotations = Object.entries(pod.metadata.annotations ?? {})
    .filter(([name, value]) => name.startsWith(appArmorAnnotation) && !isAppArmorAnnotation(value))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .sort()
  const who = [setters(isBad(podType), bad), annotations.length > 0 ? some(annotations, 'annotation') : undefined]
  const all = [...values, ...annotations]
  if (all.length === 0) return undefined
  return {
    reason: some(all, 'forbidden AppArmor profile'),
    detail: `${who.filter(Boolean).join(' and ')} must not set AppArmor profile type to ${quoted(all)}`,
  }
}

const isAppArmorAnnotation = (value: string): boolean =>
  value === '' || value === 'runtime/default' || value.startsWith('localhost/')

const defaultCapabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
])

function addedCapabilities(pod: PodLike, isAllowed: (name: string) => boolean): string | undefined {
  const addedBy = ({ securityContext }: AnyContainer): readonly string[] =>
    securityContext?.capabilities?.add?.filter(name => !isAllowed(name)) ?? []
  const bad = namesWhere(pod, container => addedBy(container).length > 0)
  if (bad.length === 0) return undefined
  const names = sorted(containersOf(pod).flatMap(addedBy))
  return `${containers(bad)} must not include ${quoted(names)} in securityContext.capabilities.add`
}

const baselineCapabilities: Find = pod => {
  const detail = addedCapabilities(pod, name => defaultCapabilities.has(name))
  return detail === undefined ? undefined : { reason: 'non-default capabilities', detail }
}

const hostNamespaces: Find = ({ spec }) => {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter(name => spec[name])
  if (used.length === 0) return undefined
  return { reason: 'host namespaces', detail: used.map(name => `${name}=true`).join(', ') }
}

const hostPaths: Find = ({ spec }) => {
  const names = (spec.volumes ?? []).filter(volume => volume.hostPath).map(({ name }) => name)
  return names.length > 0
    ? { reason: 'hostPath volumes', detail: `${some(names, 'volume')} ${quoted(names)}` }
    : undefined
}

const hostPorts: Find = pod => {
  const portsOf = ({ ports = [] }: AnyContainer): string[] =>
    ports.flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : []))
  const bad = namesWhere(pod, container => portsOf(container).length > 0)
  if (bad.length === 0) return undefined
  const ports = sorted(containersOf(pod).flatMap(portsOf))
  const detail = `${containers(bad)} ${some(bad, 'uses', 'use')} ${some(ports, 'hostPort')} ${ports.join(', ')}`
  return { reason: 'hostPort', detail }
}

const hostProbes: Find = pod => {
  const hostsOf = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: AnyContainer): string[] =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(handler =>
      [handler?.httpGet?.host, handler?.tcpSocket?.host].filter((host): host is string => !!host),
    )
  const bad = sorted(namesWhere(pod, container => hostsOf(container).length > 0))
  if (bad.length === 0) return undefined
  const hosts = sorted(containersOf(pod).flatMap(hostsOf))
  const what = some(hosts, 'probe or lifecycle host')
  return {
    reason: 'probe or lifecycle host',
    detail: `${containers(bad)} ${some(bad, 'uses', 'use')} ${what} ${quoted(hosts)}`,
  }
}

const privileged: Find = pod => {
  const bad = namesWhere(pod, ({ securityContext }) => securityContext?.privileged === true)
  if (bad.length === 0) return undefined
  return { reason: 'privileged', detail: `${containers(bad)} must not set securityContext.privileged=true` }
}

const procMount: Find = pod => {
  const mountOf = ({ securityContext }: AnyContainer): string | undefined => securityContext?.procMount
  const isBad = (container: AnyContainer): boolean => (mountOf(container) ?? 'Default') !== 'Default'
  const bad = namesWhere(pod, isBad)
  if (bad.length === 0) return undefined
  const values = sorted(
    containersOf(pod)
      .filter(isBad)
      .map(container => mountOf(container)!),
  )
  return {
    reason: 'procMount',
    detail: `${containers(bad)} must not set securityContext.procMount to ${quoted(values)}`,
  }
}

const seLinuxTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t']

const seLinux =
  (types: readonly string[]): Find =>
  pod => {
    const optionsOf = ({ securityContext }: AnyContainer) => securityContext?.seLinuxOptions
    const isBadType = (type: string | undefined): boolean => !types.includes(type ?? '')
    const isBad = (options: ReturnType<typeof optionsOf>): boolean =>
      options !== undefined && (isBadType(options.type) || !!options.user || !!options.role)
    const ofPod = pod.spec.securityContext?.seLinuxOptions
    const who = setters(
      isBad(ofPod),
      namesWhere(pod, container => isBad(optionsOf(container))),
    )
    if (who === undefined) return undefined
    const all = [ofPod, ...containersOf(pod).map(optionsOf)].filter(options => options !== undefined)
    const badTypes = sorted(all.flatMap(({ type }) => (isBadType(type) ? [type!] : [])))
    const data = [
      ...(badTypes.length > 0 ? [`${some(badTypes, 'type')} ${quoted(badTypes)}`] : []),
      ...(all.some(({ user }) => user) ? ['user may not be set'] : []),
      ...(all.some(({ role }) => role) ? ['role may not be set'] : []),
    ]
    const detail = `${who} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}`
    return { reason: 'seLinuxOptions', detail }
  }

const seccompTypes = ['Localhost', 'RuntimeDefault']
const seccompPodAnnotation = 'seccomp.security.alpha.kubernetes.io/pod'
const seccompContainerAnnotation = 'container.seccomp.security.alpha.kubernetes.io/'

/** Before there were fields. */
const seccompAnnotations: Find = pod => {
  const { annotations = {} } = pod.metadata
  const names = [seccompPodAnnotation, ...containersOf(pod).map(({ name }) => seccompContainerAnnotation + name)]
  const isGood = (value: string): boolean =>
    value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/')
  const bad = sorted(
    names.flatMap(name => {
      const value = annotations[name]
      return value === undefined || isGood(value) ? [] : [`${name}=${JSON.stringify(value)}`]
    }),
  )
  if (bad.length === 0) return undefined
  return { reason: 'seccompProfile', detail: `forbidden ${some(bad, 'annotation')} ${bad.join(', ')}` }
}

const isBadSeccomp = (type: string | undefined): boolean => type !== undefined && !seccompTypes.includes(type)
const seccompOf = ({ securityContext }: AnyContainer): string | undefined => securityContext?.seccompProfile?.type

const seccomp: Find = pod => {
  const ofPod = pod.spec.securityContext?.seccompProfile?.type
  const who = setters(
    isBadSeccomp(ofPod),
    namesWhere(pod, container => isBadSeccomp(seccompOf(container))),
  )
  if (who === undefined) return undefined
  const values = sorted(
    [ofPod, ...containersOf(pod).map(seccompOf)].filter((type): type is string => isBadSeccomp(type)),
  )
  const detail = `${who} must not set securityContext.seccompProfile.type to ${quoted(values)}`
  return { reason: 'seccompProfile', detail }
}

const sysctls0 = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
]
const sysctls27 = [...sysctls0, 'net.ipv4.ip_local_reserved_ports']
const sysctls29 = [
  ...sysctls27,
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
]
const sysctls32 = [...sysctls29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']

const sysctls =
  (allowed: readonly string[]): Find =>
  ({ spec }) => {
    const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter(name => !allowed.includes(name))
    return bad.length > 0 ? { reason: 'forbidden sysctls', detail: bad.join(', ') } : undefined
  }

const hostProcess: Find = pod => {
  const who = setters(
    pod.spec.securityContext?.windowsOptions?.hostProcess === true,
    namesWhere(pod, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true),
  )
  if (who === undefined) return undefined
  return { reason: 'hostProcess', detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` }
}

// ---- restricted

const escalation: Find = pod => {
  const bad = namesWhere(pod, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false)
  if (bad.length === 0) return undefined
  const detail = `${containers(bad)} must set securityContext.allowPrivilegeEscalation=false`
  return { reason: 'allowPrivilegeEscalation != false', detail }
}

const restrictedCapabilities: Find = pod => {
  const keeping = namesWhere(
    pod,
    ({ securityContext }) => !(securityContext?.capabilities?.drop?.includes('ALL') ?? false),
  )
  const details = [
    keeping.length > 0 ? `${containers(keeping)} must set securityContext.capabilities.drop=["ALL"]` : undefined,
    addedCapabilities(pod, name => name === 'NET_BIND_SERVICE'),
  ].filter(detail => detail !== undefined)
  return details.length > 0 ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined
}

const allowedVolumes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
] as const

/** In the order in which the first is named. */
const restrictedVolumeTypes = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'gitRepo',
  'nfs',
  'iscsi',
  'glusterfs',
  'rbd',
  'flexVolume',
  'cinder',
  'cephfs',
  'flocker',
  'fc',
  'azureFile',
  'vsphereVolume',
  'quobyte',
  'azureDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'scaleIO',
  'storageos',
] as const

const volumeTypes: Find = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter(volume => !allowedVolumes.some(type => volume[type] !== undefined))
  if (bad.length === 0) return undefined
  const names = bad.map(({ name }) => name)
  const types = sorted(bad.map(volume => restrictedVolumeTypes.find(type => volume[type] !== undefined) ?? 'unknown'))
  const what = some(types, 'restricted volume type')
  const detail = `${some(names, 'volume')} ${quoted(names)} ${some(names, 'uses', 'use')} ${what} ${quoted(types)}`
  return { reason: 'restricted volume types', detail }
}

const nonRoot: Find = pod => {
  const ofPod = pod.spec.securityContext?.runAsNonRoot
  const says = (container: AnyContainer): boolean | undefined => container.securityContext?.runAsNonRoot
  const reason = 'runAsNonRoot != true'
  const who = setters(
    ofPod === false,
    namesWhere(pod, container => says(container) === false),
  )
  if (who !== undefined) return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` }
  const silent = ofPod ? [] : namesWhere(pod, container => says(container) === undefined)
  if (silent.length === 0) return undefined
  return { reason, detail: `pod or ${containers(silent)} must set securityContext.runAsNonRoot=true` }
}

const nonRootUser: Find = pod => {
  const who = setters(
    pod.spec.securityContext?.runAsUser === 0,
    namesWhere(pod, ({ securityContext }) => securityContext?.runAsUser === 0),
  )
  return who === undefined ? undefined : { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` }
}

const restrictedSeccomp: Find = pod => {
  const violation = seccomp(pod)
  if (violation !== undefined || pod.spec.securityContext?.seccompProfile !== undefined) return violation
  const silent = namesWhere(pod, container => container.securityContext?.seccompProfile === undefined)
  if (silent.length === 0) return undefined
  const types = '"RuntimeDefault" or "Localhost"'
  const detail = `pod or ${containers(silent)} must set securityContext.seccompProfile.type to ${types}`
  return { reason: 'seccompProfile', detail }
}

/** By level, then by id: the order in which violations are named. */
export const checks: readonly Check[] = [
  { id: 'appArmorProfile', level: 'baseline', versions: [[0, appArmor]] },
  { id: 'capabilities_baseline', level: 'baseline', versions: [[0, baselineCapabilities]] },
  { id: 'hostNamespaces', level: 'baseline', versions: [[0, hostNamespaces]] },
  { id: 'hostPathVolumes', level: 'baseline', versions: [[0, hostPaths]] },
  { id: 'hostPorts', level: 'baseline', versions: [[0, hostPorts]] },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', versions: [[34, hostProbes]] },
  { id: 'privileged', level: 'baseline', versions: [[0, privileged]] },
  {
    id: 'procMount',
    level: 'baseline',
    versions: [
      [0, procMount],
      [35, unless(inUserNamespace, procMount)],
    ],
  },
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    versions: [
      [0, seLinux(seLinuxTypes)],
      [31, seLinux([...seLinuxTypes, 'container_engine_t'])],
    ],
  },
  {
    id: 'seccompProfile_baseline',
    level: 'baseline',
    versions: [
      [0, seccompAnnotations],
      [19, seccomp],
    ],
  },
  {
    id: 'sysctls',
    level: 'baseline',
    versions: [
      [0, sysctls(sysctls0)],
      [27, sysctls(sysctls27)],
      [29, sysctls(sysctls29)],
      [32, sysctls(sysctls32)],
    ],
  },
  { id: 'windowsHostProcess', level: 'baseline', versions: [[0, hostProcess]] },
  {
    id: 'allowPrivilegeEscalation',
    level: 'restricted',
    versions: [
      [8, escalation],
      [25, unless(onWindows, escalation)],
    ],
  },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    overrides: 'capabilities_baseline',
    versions: [
      [22, restrictedCapabilities],
      [25, unless(onWindows, restrictedCapabilities)],
    ],
  },
  { id: 'procMount_restricted', level: 'restricted', overrides: 'procMount', versions: [[35, procMount]] },
  { id: 'restrictedVolumes', level: 'restricted', overrides: 'hostPathVolumes', versions: [[0, volumeTypes]] },
  {
    id: 'runAsNonRoot',
    level: 'restricted',
    versions: [
      [0, nonRoot],
      [35, unless(inUserNamespace, nonRoot)],
    ],
  },
  {
    id: 'runAsUser',
    level: 'restricted',
    versions: [
      [23, nonRootUser],
      [35, unless(inUserNamespace, nonRootUser)],
    ],
  },
  {
    id: 'seccompProfile_restricted',
    level: 'restricted',
    overrides: 'seccompProfile_baseline',
    versions: [
      [19, restrictedSeccomp],
      [25, unless(onWindows, restrictedSeccomp)],
    ],
  },
]

// The environment of a container's processes, as the kubelet makes it: envFrom, then env with its references, then the
// variables of Services. Rules: pkg/kubelet/kubelet_pods.go makeEnvironmentVariables, pkg/kubelet/envvars/envvars.go,
// pkg/apis/core/v1/helper and pkg/api/v1/resource for what fields and resources say.

import type {
  ConfigMap,
  Container,
  ObjectFieldSelector,
  Pod,
  ResourceFieldSelector,
  Secret,
  Service,
} from '../../generated/types.ts'
import { isNotFound } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { milliValue, wholeValue } from '../../src/api/quantity.ts'
import type { Client } from '../../src/client/client.ts'
import { ConfigMaps, Secrets } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { substitute } from '../images.ts'

export interface EnvironmentNeeds {
  readonly client: Client
  /** Those of a namespace. */
  services(namespace: string): readonly Frozen<Service>[]
  /** What the node has, for limits that are not set. */
  readonly allocatable: Readonly<Record<string, string>>
}

type Values = Record<string, string>

export async function environmentOf(
  pod: Frozen<Pod>,
  container: Frozen<Container>,
  needs: EnvironmentNeeds,
): Promise<Map<string, string>> {
  const result = new Map<string, string>()
  // Without a prototype: what is looked up may be called `constructor`.
  const known: Values = Object.create(null)
  const services = pod.spec.enableServiceLinks === false ? masterOnly(needs) : servicesFor(pod, needs)
  Object.assign(known, serviceVariables(services))
  const fromServices = { ...known }
  const set = (name: string, value: string) => {
    result.set(name, value)
    known[name] = value
  }
  for (const { configMapRef, secretRef, prefix = '' } of container.envFrom ?? []) {
    const data = configMapRef
      ? (await find<ConfigMap>(needs.client, ConfigMaps, pod, configMapRef.name))?.data
      : texts((await find<Secret>(needs.client, Secrets, pod, secretRef?.name))?.data)
    for (const key of Object.keys(data ?? {}).sort()) set(`${prefix}${key}`, data![key]!)
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const found =
      valueFrom === undefined ? substitute(value ?? '', known) : await referred(pod, container, valueFrom, needs)
    if (found !== undefined) set(name, found)
  }
  for (const [name, value] of Object.entries(fromServices)) if (!result.has(name)) result.set(name, value)
  return result
}

type Source = NonNullable<NonNullable<Frozen<Container>['env']>[number]['valueFrom']>

async function referred(
  pod: Frozen<Pod>,
  container: Frozen<Container>,
  from: Source,
  needs: EnvironmentNeeds,
): Promise<string | undefined> {
  if (from.fieldRef) return fieldOf(pod, from.fieldRef)
  if (from.resourceFieldRef) return resourceOf(pod, container, from.resourceFieldRef, needs.allocatable)
  if (from.configMapKeyRef) {
    const map = await find<ConfigMap>(needs.client, ConfigMaps, pod, from.configMapKeyRef.name)
    return map?.data?.[from.configMapKeyRef.key]
  }
  if (from.secretKeyRef) {
    const secret = await find<Secret>(needs.client, Secrets, pod, from.secretKeyRef.name)
    return texts(secret?.data)[from.secretKeyRef.key]
  }
  return undefined
}

async function find<T extends KubeObject>(
  client: Client,
  kind: Kind<any>,
  { metadata: { namespace } }: Frozen<Pod>,
  name = '',
): Promise<Frozen<T> | undefined> {
  try {
    return (await client.of(kind).get({ name, namespace })) as Frozen<T>
  } catch (error) {
    if (!isNotFound(error)) throw error
    return undefined
  }
}

function texts(data: Readonly<Record<string, string>> | undefined): Values {
  const values: Values = Object.create(null)
  for (const [key, value] of Object.entries(data ?? {})) values[key] = Buffer.from(value, 'base64').toString()
  return values
}

/** pkg/fieldpath and podFieldSelectorRuntimeValue: what a field of the pod says, as text. */
export function fieldOf(pod: Frozen<Pod>, { fieldPath }: Frozen<ObjectFieldSelector>): string {
  const { metadata, spec, status } = pod
  const named = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath)
  if (named) return metadata[named[1] as 'labels' | 'annotations']?.[named[2]!] ?? ''
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name
    case 'metadata.namespace':
      return metadata.namespace ?? ''
    case 'metadata.uid':
      return metadata.uid ?? ''
    case 'metadata.labels':
      return lines(metadata.labels)
    case 'metadata.annotations':
      return lines(metadata.annotations)
    case 'spec.nodeName':
      return spec.nodeName ?? ''
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? ''
    case 'status.hostIP':
      return status.hostIP ?? ''
    case 'status.hostIPs':
      return (status.hostIPs ?? []).map(({ ip }) => ip).join(',')
    case 'status.podIP':
      return status.podIP ?? ''
    case 'status.podIPs':
      return (status.podIPs ?? []).map(({ ip }) => ip).join(',')
    default:
      return ''
  }
}

function lines(map: Readonly<Record<string, string>> | undefined): string {
  return Object.keys(map ?? {})
    .sort()
    .map(key => `${key}=${JSON.stringify(map![key])}`)
    .join('\n')
}

/** pkg/api/v1/resource ExtractContainerResourceValue: in units of the divisor, rounded up. */
export function resourceOf(
  pod: Frozen<Pod>,
  container: Frozen<Container>,
  { containerName, resource, divisor }: Frozen<ResourceFieldSelector>,
  allocatable: Readonly<Record<string, string>>,
): string {
  const of =
    containerName === undefined || containerName === container.name
      ? container
      : [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find(({ name }) => name === containerName)
  const [list, name = ''] = resource.split(/\.(.*)/s)
  const set = of?.resources?.[list as 'limits' | 'requests']?.[name]
  // A limit that is not set is all the node has (MergeContainerResourceLimits).
  const quantity = set ?? (list === 'limits' ? (of?.resources?.limits?.[name] ?? allocatable[name]) : undefined) ?? '0'
  const by = divisor === undefined || divisor === '0' ? '1' : divisor
  if (name === 'cpu') return String(Math.ceil(milliValue(quantity) / milliValue(by)))
  return String(Math.ceil(wholeValue(quantity) / wholeValue(by)))
}

function masterOnly({ services }: EnvironmentNeeds): readonly Frozen<Service>[] {
  return services('default').filter(({ metadata }) => metadata.name === 'kubernetes')
}

/** Those of its namespace, and the API server's own. */
function servicesFor({ metadata }: Frozen<Pod>, needs: EnvironmentNeeds): readonly Frozen<Service>[] {
  const own = needs.services(metadata.namespace ?? '')
  return metadata.namespace === 'default' ? own : [...own, ...masterOnly(needs)]
}

export function serviceVariables(services: readonly Frozen<Service>[]): Values {
  const values: Values = Object.create(null)
  for (const { metadata, spec } of services) {
    const { clusterIP, ports = [] } = spec
    const first = ports[0]
    if (!clusterIP || clusterIP === 'None' || first === undefined) continue
    const name = metadata.name.toUpperCase().replaceAll('-', '_')
    const host = clusterIP.includes(':') ? `[${clusterIP}]` : clusterIP
    values[`${name}_SERVICE_HOST`] = clusterIP
    values[`${name}_SERVICE_PORT`] = String(first.port)
    for (const port of ports) {
      if (port.name) values[`${name}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`] = String(port.port)
    }
    for (const port of ports) {
      const protocol = port.protocol ?? 'TCP'
      const address = `${protocol.toLowerCase()}://${host}:${port.port}`
      if (port === first) values[`${name}_PORT`] = address
      const prefix = `${name}_PORT_${port.port}_${protocol.toUpperCase()}`
      values[prefix] = address
      values[`${prefix}_PROTO`] = protocol.toLowerCase()
      values[`${prefix}_PORT`] = String(port.port)
      values[`${prefix}_ADDR`] = clusterIP
    }
  }
  return values
}

// Endpoints that somebody keeps by hand, for a Service without selector, are mirrored into EndpointSlices: those who send
// traffic read nothing else. Upstream: pkg/controller/endpointslicemirroring/{endpointslicemirroring_controller,reconciler,utils}.go.

import { isIP } from 'node:net'
import type {
  Endpoint,
  EndpointAddress,
  EndpointSlice,
  EndpointSubset,
  Endpoints,
  Service,
} from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, NewObject, Ref } from '../src/api/meta.ts'
import { ownerReference } from '../src/api/owners.ts'
import { EndpointsKind } from '../src/kinds/endpoints.ts'
import { EndpointSlices } from '../src/kinds/endpointslice.ts'
import { Services } from '../src/kinds/service.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { isNamespaceEnding } from './shared/replicas.ts'
import { triggerAnnotation } from './shared/service-pods.ts'

const manager = 'endpointslicemirroring-controller.k8s.io'
const managerLabel = 'endpointslice.kubernetes.io/managed-by'
const nameLabel = 'kubernetes.io/service-name'
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror'
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'
const mirrored = 'mirrored'
/** Of each subset. */
const mostAddresses = 1000

type Slice = Frozen<EndpointSlice>
type Content = Pick<EndpointSlice, 'addressType' | 'ports'> & { readonly endpoints: Endpoint[] }

export function endpointSliceMirroringController(): ControllerSpec {
  /** Of which version of the Endpoints it was told what is left out. */
  const told = new Map<string, string | undefined>()
  return defineController({
    name: 'endpointslice-mirroring-controller',
    source: 'endpoint-slice-mirroring-controller',
    wakes: [
      {
        kind: EndpointsKind,
        // Most are made from pods, by a controller that makes the slices, too.
        keys(now: Frozen<Endpoints> | undefined, before: Frozen<Endpoints> | undefined, { lister }) {
          const ref = (now ?? before)!.metadata
          if (lister(Services).get(ref)?.spec.selector !== undefined) return []
          return isMirrored(now) || isMirrored(before) ? [ref] : []
        },
      },
      {
        kind: Services,
        keys(now: Frozen<Service> | undefined, before: Frozen<Service> | undefined) {
          const isNews = now === undefined || before === undefined || hasSelector(now) !== hasSelector(before)
          const isOurs = [now, before].some(each => each !== undefined && !hasSelector(each))
          return isNews && isOurs ? [(now ?? before)!.metadata] : []
        },
      },
      {
        kind: EndpointSlices,
        keys: (now: Slice | undefined, before: Slice | undefined) => [...endpointsOf(before), ...endpointsOf(now)],
      },
    ],
    start({ lister }) {
      told.clear()
      lister(EndpointSlices).index(mirrored, slice =>
        endpointsOf(slice).map(({ namespace, name }) => `${namespace}/${name}`),
      )
    },
    async work(ref, context) {
      const { lister } = context
      const key = `${ref.namespace}/${ref.name}`
      const present = lister(EndpointSlices)
        .by(mirrored, key)
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      const endpoints = lister(EndpointsKind).get(ref)
      const service = lister(Services).get(ref)
      const isWanted =
        endpoints !== undefined && isMirrored(endpoints) && service !== undefined && !hasSelector(service)
      if (!isWanted) {
        told.delete(key)
        for (const slice of present) await remove(slice, context)
        return
      }
      try {
        const { resourceVersion } = endpoints.metadata
        const isNews = told.get(key) !== resourceVersion
        told.set(key, resourceVersion)
        await mirror(endpoints, present, isNews ? context : { ...context, event: () => {} })
      } catch (error) {
        if (!isNamespaceEnding(error)) throw error
      }
    },
  })
}

const hasSelector = ({ spec }: Frozen<Service>): boolean => spec.selector !== undefined

function isMirrored(endpoints: Frozen<Endpoints> | undefined): boolean {
  if (endpoints === undefined) return false
  const { labels, annotations } = endpoints.metadata
  return labels?.[skipLabel] !== 'true' && annotations?.[leaderAnnotation] === undefined
}

/** Whose mirror a slice is. */
function endpointsOf(slice: Slice | undefined): Ref[] {
  const { labels, namespace } = slice?.metadata ?? {}
  const name = labels?.[managerLabel] === manager ? labels[nameLabel] : undefined
  return name ? [{ namespace, name }] : []
}

async function mirror(endpoints: Frozen<Endpoints>, present: readonly Slice[], context: Context): Promise<void> {
  const wanted = contentsOf(endpoints, context)
  const spare = new Set(present)
  const missing: Content[] = []
  const updates: { readonly slice: Slice; readonly content: Content }[] = []
  for (const [key, content] of wanted) {
    const slice = present.find(each => spare.has(each) && keyOf(each) === key)
    if (slice === undefined) missing.push(content)
    else {
      spare.delete(slice)
      updates.push({ slice, content })
    }
  }
  // Instead of deleting one slice and creating another, the one becomes the other; of a family, which never changes.
  for (const content of missing) {
    const slice = [...spare].find(({ addressType }) => addressType === content.addressType)
    if (slice === undefined) await create(endpoints, content, context)
    else {
      spare.delete(slice)
      updates.push({ slice, content })
    }
  }
  const { labels, annotations } = metadataOf(endpoints)
  for (const { slice, content } of updates) {
    const isSame =
      jsonEqual(slice.endpoints, content.endpoints) &&
      jsonEqual(slice.ports, content.ports) &&
      jsonEqual(slice.metadata.labels, labels) &&
      jsonEqual(slice.metadata.annotations ?? {}, annotations)
    if (isSame) continue
    const metadata = { ...slice.metadata, labels, annotations }
    await context.client.of(EndpointSlices).update({ ...slice, ...content, metadata } as Slice)
  }
  for (const slice of spare) await remove(slice, context)
}

/** By family and ports: what shares them shares a slice. */
function contentsOf({ subsets = [], ...endpoints }: Frozen<Endpoints>, { event }: Context): Map<string, Content> {
  const contents = new Map<string, Content>()
  let invalid = 0
  let skipped = 0
  for (const { addresses = [], notReadyAddresses = [], ports } of subsets) {
    let added = 0
    const all = [
      ...addresses.map(each => [each, true] as const),
      ...notReadyAddresses.map(each => [each, false] as const),
    ]
    for (const [address, ready] of all) {
      const family = isIP(address.ip)
      if (family === 0) invalid++
      else if (added >= mostAddresses) skipped++
      else {
        added++
        add(contents, family === 4 ? 'IPv4' : 'IPv6', ports, address, ready)
      }
    }
  }
  const about = { ...endpoints, subsets } as Frozen<Endpoints>
  if (invalid > 0) {
    const message = `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`
    event(about, 'Warning', 'InvalidIPAddress', message)
  }
  if (skipped > 0) {
    const message =
      `A max of ${mostAddresses} addresses can be mirrored to EndpointSlices per Endpoints subset. ` +
      `${skipped + invalid} addresses were skipped`
    event(about, 'Warning', 'TooManyAddressesToMirror', message)
  }
  return contents
}

function add(
  contents: Map<string, Content>,
  addressType: string,
  given: Frozen<EndpointSubset>['ports'],
  { ip, hostname, nodeName, targetRef }: Frozen<EndpointAddress>,
  ready: boolean,
): void {
  const ports = (given ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
    name,
    port,
    protocol,
    ...(appProtocol ? { appProtocol } : {}),
  }))
  const key = keyOf({ addressType, ports })
  let content = contents.get(key)
  if (content === undefined) {
    content = { addressType, ports, endpoints: [] }
    contents.set(key, content)
  }
  // Of the same address and ports the first counts.
  if (content.endpoints.some(({ addresses }) => addresses[0] === ip)) return
  content.endpoints.push({
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    ...(targetRef ? { targetRef: { ...targetRef } } : {}),
  })
}

function keyOf({ addressType, ports }: Pick<Slice, 'addressType' | 'ports'>): string {
  const words = (ports ?? []).map(({ name, port, protocol, appProtocol }) =>
    [name, port, protocol, appProtocol].join('/'),
  )
  return [addressType, ...words.sort()].join()
}

function metadataOf({ metadata }: Frozen<Endpoints>): {
  readonly labels: Record<string, string>
  readonly annotations: Record<string, string>
} {
  const { [triggerAnnotation]: _time, [lastApplied]: _applied, ...annotations } = metadata.annotations ?? {}
  return { labels: { ...metadata.labels, [nameLabel]: metadata.name, [managerLabel]: manager }, annotations }
}

async function create(endpoints: Frozen<Endpoints>, content: Content, { client }: Context): Promise<void> {
  const { name, namespace, deletionTimestamp } = endpoints.metadata
  if (deletionTimestamp !== undefined) return
  const { labels, annotations } = metadataOf(endpoints)
  await client.of(EndpointSlices).create({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${name}-`,
      namespace: namespace!,
      labels,
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      ownerReferences: [ownerReference(endpoints, EndpointsKind)],
    },
    ...content,
  } as NewObject<EndpointSlice>)
}

async function remove({ metadata }: Slice, { client }: Context): Promise<void> {
  try {
    await client.of(EndpointSlices).delete(metadata)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

// A pod's resource claims: those it wants of a template are made for it and named in its status, and those that are allocated
// are reserved for it once somebody else than the scheduler has given it a node.
// Upstream: pkg/controller/resourceclaim/controller.go (syncPod), k8s.io/dynamic-resource-allocation/resourceclaim.

import type { Pod, PodResourceClaim, ResourceV1ResourceClaim } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import type { Frozen, NewObject, Ref } from '../src/api/meta.ts'
import { isControlledBy, ownerReference } from '../src/api/owners.ts'
import { Pods } from '../src/kinds/pod.ts'
import { ResourceClaims } from '../src/kinds/resourceclaim.ts'
import { ResourceClaimTemplates } from '../src/kinds/resourceclaimtemplate.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { claimNameOf } from './shared/pod-resource-claims.ts'

type Claim = ResourceV1ResourceClaim

const podClaimAnnotation = 'resource.kubernetes.io/pod-claim-name'
const mostReservations = 256
/** Leaves room for the five characters that come behind it. */
const longestBase = 57

export function podResourceClaimsController(): ControllerSpec<Pod> {
  return defineController<Pod>({
    name: 'resourceclaim-controller',
    source: 'resource_claim',
    for: Pods,
    workers: 10,
    wakes: [
      {
        kind: ResourceClaims,
        keys: (now, before, { lister }) =>
          lister(Pods)
            .by(usesIndex, useOf((now ?? before)!.metadata))
            .map(({ metadata }) => metadata),
      },
      {
        kind: ResourceClaimTemplates,
        keys: (now, _before, { lister }) =>
          now === undefined
            ? []
            : lister(Pods)
                .by(templatesIndex, useOf(now.metadata))
                .map(({ metadata }) => metadata),
      },
    ],
    concerns: pod => (pod.spec.resourceClaims?.length ?? 0) > 0 && mayRun(pod),
    start({ lister }) {
      lister(Pods).index(usesIndex, uses)
      lister(Pods).index(templatesIndex, ({ metadata, spec }) =>
        (spec.resourceClaims ?? []).flatMap(({ resourceClaimTemplateName: name }) =>
          name ? [useOf({ namespace: metadata.namespace, name })] : [],
        ),
      )
    },
    async reconcile(pod, context) {
      await makeClaims(pod, context)
      if (pod.spec.nodeName) await reserveClaims(pod, context)
    },
  })
}

/** What has ended, or is ending, needs no devices any more. */
function mayRun({ metadata, status: { phase } }: Frozen<Pod>): boolean {
  return metadata.deletionTimestamp === undefined && phase !== 'Succeeded' && phase !== 'Failed'
}

const usesIndex = 'resource claims'
const templatesIndex = 'resource claim templates'

const useOf = ({ namespace, name }: Ref): string => `${namespace}/${name}`

function uses(pod: Frozen<Pod>): string[] {
  return (pod.spec.resourceClaims ?? []).flatMap(wanted => {
    const name = claimNameOf(pod, wanted)
    return name ? [useOf({ namespace: pod.metadata.namespace, name })] : []
  })
}

async function makeClaims(pod: Frozen<Pod>, context: Context): Promise<void> {
  const { client, event } = context
  const made: { name: string; resourceClaimName: string }[] = []
  for (const wanted of pod.spec.resourceClaims ?? []) {
    try {
      const resourceClaimName = await madeFor(pod, wanted, context)
      if (resourceClaimName !== undefined) made.push({ name: wanted.name, resourceClaimName })
    } catch (error) {
      const why = `PodResourceClaim ${wanted.name}: ${(error as Error).message}`
      event(pod, 'Warning', 'FailedResourceClaimCreation', why)
      throw new Error(`pod ${useOf(pod.metadata)}, ${why}`, { cause: error })
    }
  }
  if (made.length === 0) return
  const body = { status: { resourceClaimStatuses: made } }
  await client.of(Pods).patch(pod.metadata, { type: 'strategic', body }, 'status')
}

/** The name of a claim that the status does not know yet. */
async function madeFor(
  pod: Frozen<Pod>,
  wanted: Frozen<PodResourceClaim>,
  { client, lister }: Context,
): Promise<string | undefined> {
  const known = claimNameOf(pod, wanted)
  const { namespace } = pod.metadata
  if (known === null || !wanted.resourceClaimTemplateName) return undefined
  if (known !== undefined) {
    const claim = lister(ResourceClaims).get({ namespace, name: known })
    if (claim !== undefined && isControlledBy(claim, pod)) return undefined
  }
  // It may have been made, and the status not written.
  const orphan = lister(ResourceClaims)
    .by('controller', pod.metadata.uid ?? '')
    .find(({ metadata }) => metadata.annotations?.[podClaimAnnotation] === wanted.name)
  if (orphan !== undefined) return orphan.metadata.name
  const templateName = wanted.resourceClaimTemplateName
  const template = lister(ResourceClaimTemplates).get({ namespace, name: templateName })
  if (template === undefined) {
    const missing = `resourceclaimtemplate.resource.k8s.io ${JSON.stringify(templateName)} not found`
    throw new Error(`resource claim template ${JSON.stringify(templateName)}: ${missing}`)
  }
  const { metadata = {}, spec } = template.spec
  const claim = await client.of(ResourceClaims).create({
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: {
      namespace,
      generateName: baseOf(pod.metadata.name ?? '', wanted.name),
      ownerReferences: [ownerReference(pod, Pods)],
      annotations: { ...metadata.annotations, [podClaimAnnotation]: wanted.name },
      ...(metadata.labels ? { labels: { ...metadata.labels } } : {}),
    },
    spec,
  } as unknown as NewObject<Claim>)
  return claim.metadata.name
}

/** Cut so that something of both names is left. */
function baseOf(pod: string, claim: string): string {
  const whole = `${pod}-${claim}-`
  if (whole.length <= longestBase) return whole
  const part = (text: string): string => text.slice(0, Math.floor((text.length * longestBase) / whole.length))
  return `${part(pod)}-${part(claim)}`
}

async function reserveClaims(pod: Frozen<Pod>, { client, lister }: Context): Promise<void> {
  for (const wanted of pod.spec.resourceClaims ?? []) {
    const name = claimNameOf(pod, wanted)
    if (!name) continue
    const ref = { namespace: pod.metadata.namespace, name }
    const claim = lister(ResourceClaims).get(ref)
    if (claim === undefined) return
    if (wanted.resourceClaimTemplateName && !isControlledBy(claim, pod)) {
      throw new Error(`ResourceClaim ${useOf(ref)} was not created for pod ${useOf(pod.metadata)} (pod is not owner)`)
    }
    const { allocation, reservedFor = [] } = claim.status ?? {}
    const isReserved = reservedFor.some(({ uid }) => uid === pod.metadata.uid)
    if (allocation === undefined || isReserved || reservedFor.length >= mostReservations) continue
    const user = { resource: 'pods', name: pod.metadata.name ?? '', uid: pod.metadata.uid ?? '' }
    try {
      const status = { ...claim.status, reservedFor: [...reservedFor, user] }
      await client.of(ResourceClaims).updateStatus({ ...claim, status } as Claim)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}

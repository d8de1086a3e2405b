// NodeRestriction: a kubelet that comes as a node of the group system:nodes touches its own node, lease and CSINode, and the
// pods that are bound to it (plugin/pkg/admission/noderestriction/admission.go). Its labels: k8s.io/kubelet/pkg/apis/well_known_labels.go.

import type { Lease, Node, PersistentVolumeClaim, Pod } from '../../generated/types.ts'
import { forbidden, notFound } from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { configMapNames, secretNames } from '../../src/kinds/pod-references.ts'
import { keyOf } from '../storage/keys.ts'
import type { Admission, AdmissionRequest } from './admission.ts'

const restricted = new Set([
  'pods',
  'nodes',
  'persistentvolumeclaims',
  'serviceaccounts',
  'leases.coordination.k8s.io',
  'csinodes.storage.k8s.io',
])
const nodePrefix = 'system:node:'

export const nodeRestriction: Admission = {
  name: 'NodeRestriction',
  concerns: kind => restricted.has(kind.resource),
  admit: (draft, request) => restrict(draft as Frozen<KubeObject>, request),
  check(next, request) {
    if (request.operation === 'DELETE') restrict(next, request)
  },
}

function restrict(next: Frozen<KubeObject>, request: AdmissionRequest): void {
  const { user, kind, name } = request
  // pkg/auth/nodeidentifier/default.go
  if (!user.name.startsWith(nodePrefix) || !user.groups.includes('system:nodes')) return
  const node = user.name.slice(nodePrefix.length)
  if (node === '') throw forbidden(kind, name, `could not determine node from user ${JSON.stringify(user.name)}`)
  const why = reasonAgainst(node, next, request)
  if (why !== undefined) throw forbidden(kind, name, why)
}

function reasonAgainst(node: string, next: Frozen<KubeObject>, request: AdmissionRequest): string | undefined {
  switch (request.kind.resource) {
    case 'pods':
      return againstPod(node, next as Frozen<Pod>, request)
    case 'nodes':
      return againstNode(node, next as Frozen<Node>, request)
    case 'persistentvolumeclaims':
      if (request.subresource !== 'status') return 'may only update PVC status'
      return againstClaimStatus(node, next as Frozen<PersistentVolumeClaim>, request)
    case 'leases.coordination.k8s.io':
      return againstLease(node, next as Frozen<Lease>, request)
    case 'csinodes.storage.k8s.io':
      if (next.metadata.name === node) return undefined
      return 'can only access CSINode with the same name as the requesting node'
    default:
      return undefined
  }
}

// ---- pods

const mirror = 'kubernetes.io/config.mirror'

function againstPod(node: string, pod: Frozen<Pod>, request: AdmissionRequest): string | undefined {
  const { subresource, operation, old } = request
  const who = `node "${node}"`
  if (subresource === 'status') {
    const before = old as Frozen<Pod>
    if (before.spec.nodeName !== node) {
      return `${who} can only update pod status for pods with spec.nodeName set to itself`
    }
    if (!jsonEqual(before.metadata.labels ?? {}, pod.metadata.labels ?? {})) {
      return `${who} cannot update labels through pod status`
    }
    if (jsonEqual(before.status.resourceClaimStatuses ?? [], pod.status.resourceClaimStatuses ?? [])) return undefined
    return `${who} cannot update resource claim statues`
  }
  if (subresource === 'eviction') return undefined
  if (subresource !== undefined) {
    return `unexpected pod subresource "${subresource}", only 'status' and 'eviction' are allowed`
  }
  if (operation === 'CREATE') return againstNewPod(node, pod, request)
  if (operation !== 'DELETE') {
    return `unexpected operation "${operation}", ${who} can only create and delete mirror pods`
  }
  if (pod.spec.nodeName === node) return undefined
  return `${who} can only delete pods with spec.nodeName set to itself`
}

function againstNewPod(node: string, pod: Frozen<Pod>, { present }: AdmissionRequest): string | undefined {
  const who = `node "${node}"`
  const { metadata, spec } = pod
  if (metadata.annotations?.[mirror] === undefined) {
    return `pod does not have "${mirror}" annotation, ${who} can only create mirror pods`
  }
  if (spec.nodeName !== node) return `${who} can only create pods with spec.nodeName set to itself`
  const owners = metadata.ownerReferences ?? []
  if (owners.length > 1) return `${who} can only create pods with a single owner reference set to itself`
  const [owner] = owners
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    return `${who} can only create pods with an owner reference set to itself`
  }
  if (!owner.controller) return `${who} can only create pods with a controller owner reference set to itself`
  if (owner.blockOwnerDeletion) return `${who} must not set blockOwnerDeletion on an owner reference`
  const uid = present.get(keyOf(Nodes, { name: node }))?.object.metadata.uid
  if (uid === undefined) throw notFound(Nodes, node)
  if (owner.uid !== uid) return `node ${node} UID mismatch: expected ${owner.uid} got ${uid}`
  const cannot = (what: string): string => `${who} can not create pods that reference ${what}`
  if (spec.serviceAccountName) return cannot('a service account')
  if (secretNames(spec).length > 0) return cannot('secrets')
  if (configMapNames(spec).length > 0) return cannot('configmaps')
  const sources = spec.volumes?.flatMap(volume => volume.projected?.sources ?? []) ?? []
  if (sources.some(source => source.clusterTrustBundle)) return cannot('clustertrustbundles')
  if (sources.some(source => source.podCertificate)) return cannot('podcertificates')
  if (spec.resourceClaims?.length) return cannot('resourceclaims')
  return spec.volumes?.some(volume => volume.persistentVolumeClaim) ? cannot('persistentvolumeclaims') : undefined
}

// ---- nodes

function againstNode(node: string, next: Frozen<Node>, { operation, old }: AdmissionRequest): string | undefined {
  const who = `node "${node}"`
  const asked = next.metadata.name
  if (asked !== node) return `${who} is not allowed to modify node "${asked}"`
  if (operation === 'CREATE') {
    if (next.spec.configSource) return `${who} is not allowed to create pods with a non-nil configSource`
    const labels = forbiddenLabels(next.metadata.labels, undefined)
    if (labels.length > 0) return `${who} is not allowed to set the following labels: ${labels.join(', ')}`
  }
  if (operation !== 'UPDATE') return undefined
  const before = old as Frozen<Node>
  if (next.spec.configSource && !jsonEqual(next.spec.configSource, before.spec.configSource)) {
    return `${who} is not allowed to update configSource to a new non-nil configSource`
  }
  if (!jsonEqual(next.spec.taints ?? [], before.spec.taints ?? [])) return `${who} is not allowed to modify taints`
  const labels = forbiddenLabels(next.metadata.labels, before.metadata.labels)
  if (labels.length > 0) return `is not allowed to modify labels: ${labels.join(', ')}`
  const owned = jsonEqual(next.metadata.ownerReferences ?? [], before.metadata.ownerReferences ?? [])
  return owned ? undefined : `${who} is not allowed to modify ownerReferences`
}

type Labels = Readonly<Record<string, string>>

/** Labels by which pods find their nodes are not the nodes' to set, but for a few that tell what they are. */
function forbiddenLabels(next: Labels = {}, before: Labels = {}): string[] {
  const changed = [...new Set([...Object.keys(next), ...Object.keys(before)])].filter(key => next[key] !== before[key])
  return changed.filter(key => isRestricted(key) || (isOfKubernetes(key) && !isOfKubelet(key))).sort()
}

const spaceOf = (key: string): string => (key.includes('/') ? key.slice(0, key.indexOf('/')) : '')
const isWithin = (space: string, domain: string): boolean => space === domain || space.endsWith(`.${domain}`)
const isRestricted = (key: string): boolean => isWithin(spaceOf(key), 'node-restriction.kubernetes.io')
const isOfKubernetes = (key: string): boolean =>
  isWithin(spaceOf(key), 'kubernetes.io') || isWithin(spaceOf(key), 'k8s.io')

const kubeletLabels = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
])
const isOfKubelet = (key: string): boolean =>
  kubeletLabels.has(key) ||
  isWithin(spaceOf(key), 'kubelet.kubernetes.io') ||
  isWithin(spaceOf(key), 'node.kubernetes.io')

// ---- the rest

function againstClaimStatus(
  node: string,
  next: Frozen<PersistentVolumeClaim>,
  { old }: AdmissionRequest,
): string | undefined {
  const fixed = ({ metadata, spec, status }: Frozen<PersistentVolumeClaim>): object => {
    const { resourceVersion, managedFields, ...meta } = metadata
    const { capacity, conditions, allocatedResources, allocatedResourceStatuses, ...rest } = status
    return { meta, spec, rest }
  }
  if (jsonEqual(fixed(next), fixed(old as Frozen<PersistentVolumeClaim>))) return undefined
  return `node "${node}" is not allowed to update fields other than status.capacity and status.conditions`
}

function againstLease(node: string, { metadata }: Frozen<Lease>, { namespace }: AdmissionRequest): string | undefined {
  if (namespace !== 'kube-node-lease') return 'can only access leases in the "kube-node-lease" system namespace'
  return metadata.name === node ? undefined : 'can only access node lease with the same name as the requesting node'
}

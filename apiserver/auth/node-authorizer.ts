// What a kubelet may: what has to do with its own node. Secrets, maps and claims are reached through the pods that are bound to
// it. Asked by authorization.ts of users in system:nodes. Upstream: plugin/pkg/auth/authorizer/node/node_authorizer.go; its
// graph is the store's own index of pods by node here.

import type { PersistentVolume, Pod, ResourceSlice, VolumeAttachment } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { User } from '../registry/registry.ts'
import { keyOf } from '../storage/keys.ts'
import type { Storage } from '../storage/storage.ts'
import type { Asked, Decision, Selected } from './authorization.ts'
import { nodeRules } from './bootstrap-policy.ts'
import { ruleAllows } from './policy-rules.ts'

const prefix = 'system:node:'

export const isNode = ({ name, groups }: User): boolean => name.startsWith(prefix) && groups.includes('system:nodes')

const yes: Decision = { allowed: true }
const no = (reason: string): Decision => ({ allowed: false, reason })

export class NodeAuthorizer {
  readonly #storage: Storage
  readonly #rules = nodeRules()

  constructor(storage: Storage) {
    this.#storage = storage
  }

  decide(user: User, asked: Asked, selected: Selected = () => undefined): Decision {
    const node = user.name.slice(prefix.length)
    if (node === '') return no(`unknown node for user ${JSON.stringify(user.name)}`)
    const resource = asked.isResource ? `${asked.resource}.${asked.group}` : ''
    switch (resource) {
      case 'secrets.':
      case 'configmaps.':
        return this.#read(node, asked)
      case 'persistentvolumeclaims.':
        if (asked.subresource !== 'status') return this.#get(node, asked)
        if (asked.verb !== 'update' && asked.verb !== 'patch') return no('can only get/update/patch this type')
        return this.#related(node, asked)
      case 'persistentvolumes.':
      case 'resourceclaims.resource.k8s.io':
      case 'volumeattachments.storage.k8s.io':
        return this.#get(node, asked)
      case 'serviceaccounts.':
        return this.#token(node, asked)
      case 'leases.coordination.k8s.io':
        return lease(node, asked)
      case 'csinodes.storage.k8s.io':
        return own(node, asked, 'CSINode')
      case 'resourceslices.resource.k8s.io':
        return this.#slice(node, asked, selected)
      case 'nodes.':
        return this.#node(node, asked, selected)
      case 'pods.':
        return this.#pod(node, asked, selected)
    }
    return this.#rules.some(rule => ruleAllows(rule, asked)) ? yes : { allowed: false }
  }

  #read(node: string, asked: Asked): Decision {
    if (!['get', 'list', 'watch'].includes(asked.verb)) return no('can only read resources of this type')
    if (asked.subresource !== '') return no('cannot read subresource')
    if (asked.namespace === '') return no('can only read namespaced object of this type')
    return this.#related(node, asked)
  }

  #get(node: string, asked: Asked): Decision {
    if (asked.verb !== 'get') return no('can only get individual resources of this type')
    if (asked.subresource !== '') return no('cannot get subresource')
    return this.#related(node, asked)
  }

  #token(node: string, asked: Asked): Decision {
    if (asked.verb === 'get' && asked.subresource === '') return this.#related(node, asked)
    if (asked.verb !== 'create' || asked.name === '')
      return no('can only create tokens for individual service accounts')
    if (asked.subresource !== 'token') return no('can only create token subresource of serviceaccount')
    return this.#related(node, asked)
  }

  #slice(node: string, asked: Asked, selected: Selected): Decision {
    if (asked.subresource !== '') return no('cannot authorize ResourceSlice subresources')
    switch (asked.verb) {
      case 'create':
        return yes
      case 'get':
      case 'update':
      case 'patch':
      case 'delete':
        return this.#related(node, asked)
      case 'list':
      case 'watch':
      case 'deletecollection':
        if (selected('spec.nodeName') === node || selected('nodeName') === node) return yes
        return no('can only list/watch/deletecollection resourceslices with nodeName field selector')
    }
    const verbs = 'get, watch, list, create, update, patch, delete, deletecollection'
    return no(`only the following verbs are allowed for a ResourceSlice: ${verbs}`)
  }

  #node(node: string, asked: Asked, selected: Selected): Decision {
    const { verb, subresource, name } = asked
    if (subresource === '') {
      // What it creates and changes is looked at by the plugin NodeRestriction.
      if (verb === 'create' || verb === 'update' || verb === 'patch') return yes
      if (verb !== 'get' && verb !== 'list' && verb !== 'watch') return { allowed: false }
      if (name === node || selected('metadata.name') === node) return yes
      return no(`node ${JSON.stringify(node)} cannot read ${JSON.stringify(name)}, only its own Node object`)
    }
    if (subresource === 'status' && (verb === 'update' || verb === 'patch')) return yes
    return { allowed: false }
  }

  #pod(node: string, asked: Asked, selected: Selected): Decision {
    const { verb, subresource, name, namespace } = asked
    if (subresource === 'status') return verb === 'update' || verb === 'patch' ? yes : { allowed: false }
    if (subresource === 'eviction') return verb === 'create' ? yes : { allowed: false }
    if (subresource !== '') return { allowed: false }
    if (verb === 'create' || verb === 'delete') return yes
    if (verb !== 'get' && verb !== 'list' && verb !== 'watch') return { allowed: false }
    if (selected('spec.nodeName') === node) return yes
    if (verb !== 'get') {
      return no(`can only list/watch pods with spec.nodeName field selector`)
    }
    const pod = this.#storage.get(keyOf(pods, { namespace, name }))?.object as unknown as Frozen<Pod> | undefined
    return pod?.spec.nodeName === node ? yes : no(`no relationship found between node '${node}' and this object`)
  }

  #related(node: string, asked: Asked): Decision {
    if (asked.name === '') return no('No Object name found')
    if (this.#isRelated(node, asked)) return yes
    return no(`no relationship found between node '${node}' and this object`)
  }

  #isRelated(node: string, { resource, namespace, name }: Asked): boolean {
    if (resource === 'volumeattachments') {
      const found = this.#storage.get(keyOf({ group: 'storage.k8s.io', plural: resource }, { name }))?.object
      return (found as unknown as Frozen<VolumeAttachment> | undefined)?.spec.nodeName === node
    }
    if (resource === 'resourceslices') {
      const found = this.#storage.get(keyOf({ group: 'resource.k8s.io', plural: resource }, { name }))?.object
      return (found as unknown as Frozen<ResourceSlice> | undefined)?.spec.nodeName === node
    }
    let claim: string | undefined
    let place = namespace
    if (resource === 'persistentvolumes') {
      const found = this.#storage.get(keyOf({ group: '', plural: resource }, { name }))?.object
      const ref = (found as unknown as Frozen<PersistentVolume> | undefined)?.spec.claimRef
      if (ref?.name === undefined) return false
      claim = ref.name
      place = ref.namespace ?? ''
    }
    for (const { object } of this.#storage.withTerm('/registry/core/pods/', `field:spec.nodeName=${node}`)) {
      const pod = object as unknown as Frozen<Pod>
      if (pod.metadata.namespace !== place) continue
      if (claim === undefined ? refersTo(pod, resource, name) : refersTo(pod, 'persistentvolumeclaims', claim))
        return true
    }
    return false
  }
}

const pods = { group: '', plural: 'pods', namespaced: true }

/** Whether something of the pod needs the object (pkg/api/v1/pod, VisitPodSecretNames and VisitPodConfigmapNames). */
function refersTo(pod: Frozen<Pod>, resource: string, name: string): boolean {
  const { spec, metadata } = pod
  const { volumes = [], imagePullSecrets = [], serviceAccountName = 'default' } = spec
  if (resource === 'serviceaccounts') return serviceAccountName === name
  if (resource === 'persistentvolumeclaims') {
    return volumes.some(volume => {
      if (volume.ephemeral) return `${metadata.name}-${volume.name}` === name
      return volume.persistentVolumeClaim?.claimName === name
    })
  }
  if (resource === 'resourceclaims') {
    return (pod.status?.resourceClaimStatuses ?? spec.resourceClaims ?? []).some(
      claim => claim.resourceClaimName === name,
    )
  }
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]
  const isSecret = resource === 'secrets'
  const sources = containers.flatMap(({ env = [], envFrom = [] }) => [
    ...env.map(({ valueFrom }) => (isSecret ? valueFrom?.secretKeyRef : valueFrom?.configMapKeyRef)),
    ...envFrom.map(({ secretRef, configMapRef }) => (isSecret ? secretRef : configMapRef)),
  ])
  if (sources.some(source => source?.name === name)) return true
  if (isSecret && imagePullSecrets.some(secret => secret.name === name)) return true
  return volumes.some(({ secret, configMap, projected, csi }) => {
    if (isSecret && (secret?.secretName === name || csi?.nodePublishSecretRef?.name === name)) return true
    if (!isSecret && configMap?.name === name) return true
    return (projected?.sources ?? []).some(source => (isSecret ? source.secret : source.configMap)?.name === name)
  })
}

const ownVerbs = ['get', 'create', 'update', 'patch', 'delete']

function lease(node: string, { verb, namespace, name }: Asked): Decision {
  if (!ownVerbs.includes(verb)) return no('can only get, create, update, patch, or delete a node lease')
  if (namespace !== 'kube-node-lease') return no('can only access leases in the "kube-node-lease" system namespace')
  if (verb === 'create' || name === node) return yes
  return no('can only access node lease with the same name as the requesting node')
}

function own(node: string, { verb, subresource, name }: Asked, kind: string): Decision {
  if (!ownVerbs.includes(verb)) return no(`can only get, create, update, patch, or delete a ${kind}`)
  if (subresource !== '') return no(`cannot authorize ${kind} subresources`)
  if (verb === 'create' || name === node) return yes
  return no(`can only access ${kind} with the same name as the requesting node`)
}

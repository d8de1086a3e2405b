// Why something that was deleted is still there: which finalizer, and who takes it away.

import type { Namespace, Pod } from '../../generated/types.ts'
import { silentAnnotation } from '../../kubelet-sim/nodes.ts'
import { findCondition } from '../api/conditions.ts'
import type { Frozen, KubeObject } from '../api/meta.ts'
import { isOwnedBy } from '../api/owners.ts'
import { humanDuration } from '../api/time.ts'
import { Nodes, Pods } from '../kinds/index.ts'
import type { Kind } from '../kinds/kind.ts'
import { absent, type Finding, type Scene } from './finding.ts'

export function deletionFindings(scene: Scene, object: Frozen<KubeObject>, kind: Kind<any>): Finding[] {
  const { metadata } = object
  if (metadata.deletionTimestamp === undefined) return []
  const about = `${kind.kind.toLowerCase()}/${metadata.name}`
  const what = 'not deleted'
  const finding = (waitsFor: string, remedy: string): Finding => ({ what, about, waitsFor, remedy })
  const found = (metadata.finalizers ?? []).map(finalizer => finalizerFinding(scene, object, kind, finalizer, finding))
  const inSpec = (object as Frozen<Namespace>).spec?.finalizers
  if (kind.kind === 'Namespace' && inSpec?.length)
    found.push(...namespaceFindings(scene, object as Frozen<Namespace>, finding))
  if (kind.kind === 'Pod') found.push(...podEnd(scene, object as unknown as Frozen<Pod>, finding))
  if (found.length === 0) found.push(finding('nothing that is known here', 'look again in a moment'))
  return [...found, ...absent(scene, 'controllers', what, about)]
}

type Make = (waitsFor: string, remedy: string) => Finding

function finalizerFinding(
  scene: Scene,
  object: Frozen<KubeObject>,
  kind: Kind<any>,
  finalizer: string,
  finding: Make,
): Finding {
  const waits = `its finalizer ${finalizer}`
  const { name, namespace } = object.metadata
  switch (finalizer) {
    case 'foregroundDeletion': {
      const left = dependents(scene, object)
      return finding(
        `${waits}: ${shown(left) || 'its dependents'} must go first`,
        'wait for them, or for what keeps them',
      )
    }
    case 'orphan':
      return finding(
        `${waits}: the garbage collector takes the owner out of its dependents`,
        'nothing: it comes by itself',
      )
    case 'kubernetes.io/pvc-protection': {
      const users = scene
        .list<Pod>(Pods, namespace)
        .filter(({ spec }) => spec.volumes?.some(each => each.persistentVolumeClaim?.claimName === name))
        .map(pod => `pod/${pod.metadata.name}`)
      return finding(`${waits}: ${shown(users) || 'a pod'} uses it`, 'delete the pods that use it')
    }
    case 'kubernetes.io/pv-protection': {
      const { namespace: where, name: claim } =
        (object as { spec?: { claimRef?: { namespace?: string; name?: string } } }).spec?.claimRef ?? {}
      return finding(
        `${waits}: ${claim ? `persistentvolumeclaim/${claim} in ${where}` : 'a claim'} has it`,
        'delete the claim',
      )
    }
    case 'batch.kubernetes.io/job-tracking':
      return finding(`${waits}: the job controller has yet to count it`, 'nothing: it comes by itself')
    case 'customresourcecleanup.apiextensions.k8s.io':
      return finding(`${waits}: all objects of the kind must go first`, 'see what keeps them (their finalizers)')
    default: {
      const where = namespace ? ` -n ${namespace}` : ''
      const force = `kubectl patch ${kind.plural} ${name}${where} --type=merge -p '{"metadata":{"finalizers":null}}'`
      return finding(
        `${waits}: whoever set it has yet to do his work and take it away`,
        `run its controller; or, giving that work up: ${force}`,
      )
    }
  }
}

function dependents(scene: Scene, owner: Frozen<KubeObject>): string[] {
  return scene.kinds
    .filter(kind => kind.namespaced === (owner.metadata.namespace !== undefined))
    .flatMap(kind =>
      scene
        .list<KubeObject>(kind, owner.metadata.namespace)
        .filter(object => isOwnedBy(object, owner))
        .map(({ metadata }) => `${kind.kind.toLowerCase()}/${metadata.name}`),
    )
}

function namespaceFindings(scene: Scene, namespace: Frozen<Namespace>, finding: Make): Finding[] {
  const conditions = namespace.status?.conditions
  const left = scene.kinds
    .filter(kind => kind.namespaced && kind.storedAs === undefined)
    .flatMap(kind => scene.list<KubeObject>(kind, namespace.metadata.name).map(object => ({ kind, object })))
  const held = left.filter(({ object }) => object.metadata.finalizers?.length)
  if (held.length > 0) {
    return held.slice(0, 5).map(({ kind, object }) => {
      const { name, finalizers = [] } = object.metadata
      const what = `${kind.kind.toLowerCase()}/${name} in it, which has the finalizer ${finalizers.join(', ')}`
      return finding(what, `"kubesim why-not ${kind.kind.toLowerCase()}/${name} -n ${namespace.metadata.name}"`)
    })
  }
  if (left.length > 0) {
    const names = left.map(({ kind, object }) => `${kind.kind.toLowerCase()}/${object.metadata.name}`)
    return [finding(`what is in it to go: ${shown(names)}`, 'wait for their grace periods')]
  }
  const discovery = findCondition(conditions, 'NamespaceDeletionDiscoveryFailure')
  if (discovery?.status === 'True') {
    return [finding(`an API that does not answer: ${discovery.message}`, 'mend or delete its APIService')]
  }
  return [finding('the namespace controller', 'nothing: it comes by itself')]
}

function podEnd(scene: Scene, pod: Frozen<Pod>, finding: Make): Finding[] {
  const { metadata, spec } = pod
  const node = spec.nodeName ? scene.get(Nodes, { name: spec.nodeName }) : undefined
  const force = `kubectl delete pod ${metadata.name} -n ${metadata.namespace} --force --grace-period=0`
  if (
    node?.metadata.annotations?.[silentAnnotation] === 'true' ||
    findCondition(node?.status.conditions, 'Ready')?.status === 'Unknown'
  ) {
    const waitsFor = `the kubelet of node/${spec.nodeName}, which says nothing, to tell that it has ended`
    return [finding(waitsFor, `kubesim node start ${spec.nodeName}; or, believing that it is dead: ${force}`)]
  }
  const left = Date.parse(String(metadata.deletionTimestamp)) - scene.now
  if (left > 0)
    return [finding(`its containers to end, for ${humanDuration(left)} at most (grace period)`, `wait, or: ${force}`)]
  if (!scene.isRunning('kubelet')) return [finding('the kubelets, which do not run in this process', force)]
  return []
}

function shown(names: readonly string[]): string {
  const more = names.length - 5
  return names.slice(0, 5).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

// What has not happened to an object, what is waited for, and what would change it: `kubesim why-not`. Looks at the
// present only, and changes nothing. Called by own-paths.ts and the library.

import type { Node } from '../../generated/types.ts'
import { findCondition } from '../api/conditions.ts'
import { isNotFound } from '../api/errors.ts'
import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import type { Cluster } from '../cluster.ts'
import type { Kind } from '../kinds/kind.ts'
import type { ObjectName } from '../timeline.ts'
import { claimFindings } from './claims.ts'
import { deletionFindings } from './deletion.ts'
import type { Finding, Scene } from './finding.ts'
import { evictionFindings, podFindings } from './pods.ts'
import { serviceFindings } from './services.ts'
import { cronJobFindings, jobFindings, workloadFindings } from './workloads.ts'

/** What has not happened to an object: what is waited for, and what would change it. */
export interface WhyNot {
  readonly kind: 'WhyNot'
  readonly apiVersion: 'kubesim.dev/v1alpha1'
  readonly object: ObjectName
  /** None: nothing is waited for, as far as is known here. */
  readonly findings: readonly Finding[]
}

/** Throws ApiError NotFound. */
export function whyNot(cluster: Cluster, kind: Kind<any>, ref: Ref, isPaused = false): WhyNot {
  const { metadata } = cluster.server.registry.of(kind).get(ref).object
  const scene = sceneOf(cluster, isPaused)
  const object = scene.get<KubeObject>(kind, ref)!
  const found = [...deletionFindings(scene, object, kind), ...findingsOf(scene, object, kind)]
  const { name, namespace, uid } = metadata
  return {
    kind: 'WhyNot',
    apiVersion: 'kubesim.dev/v1alpha1',
    object: {
      resource: kind.resource,
      kind: kind.kind,
      ...(namespace ? { namespace } : {}),
      name,
      ...(uid ? { uid } : {}),
    },
    findings: isPaused && found.length > 0 ? [paused, ...found] : found,
  }
}

const paused: Finding = {
  what: 'nothing moves',
  about: 'the cluster',
  waitsFor: 'its clock, which is paused',
  remedy: 'kubesim clock resume, or step, or advance',
}

function findingsOf(scene: Scene, object: Frozen<any>, { kind, group }: Kind<any>): Finding[] {
  switch (`${group}/${kind}`) {
    case '/Pod':
      return [...podFindings(scene, object), ...evictionFindings(scene, object)]
    case 'apps/Deployment':
    case 'apps/ReplicaSet':
    case 'apps/StatefulSet':
    case 'apps/DaemonSet':
    case '/ReplicationController':
      return workloadFindings(scene, object, kind)
    case 'batch/Job':
      return jobFindings(scene, object)
    case 'batch/CronJob':
      return cronJobFindings(scene, object)
    case '/Service':
      return serviceFindings(scene, object)
    case '/PersistentVolumeClaim':
      return claimFindings(scene, object)
    case '/Node':
      return nodeFindings(object)
    default:
      return conditionFindings(object, kind)
  }
}

function nodeFindings(node: Frozen<Node>): Finding[] {
  const about = `node/${node.metadata.name}`
  const ready = findCondition(node.status.conditions, 'Ready')
  const found: Finding[] = []
  if (ready?.status !== 'True') {
    const waitsFor = `its kubelet: ${ready?.message ?? 'it has never reported'}`
    found.push({ what: 'not ready', about, waitsFor, remedy: `kubesim node start ${node.metadata.name}` })
  }
  if (node.spec.unschedulable) {
    const remedy = `kubectl uncordon ${node.metadata.name}`
    found.push({ what: 'no new pods', about, waitsFor: 'somebody to uncordon it', remedy })
  }
  return found
}

/** Of any other kind what its controller says: conditions named for something good that are not True. */
function conditionFindings(object: Frozen<KubeObject>, kind: string): Finding[] {
  const { conditions } = ((object as { status?: unknown }).status ?? {}) as {
    conditions?: readonly { type: string; status: string; reason?: string; message?: string }[]
  }
  if (!Array.isArray(conditions)) return []
  return conditions
    .filter(
      ({ type, status }) =>
        /^(Ready|Available|Established|Approved|AbleToScale|ScalingActive|Accepted|Programmed)$/.test(type) &&
        status !== 'True',
    )
    .map(({ type, reason, message }) => ({
      what: `not ${type}`,
      about: `${kind.toLowerCase()}/${object.metadata.name}`,
      waitsFor: [reason, message].filter(Boolean).join(': ') || 'its controller',
      remedy: 'what its condition says',
    }))
}

function sceneOf(cluster: Cluster, isPaused: boolean): Scene {
  const { registry } = cluster.server
  return {
    get<T extends KubeObject>(kind: Kind<T>, ref: Ref) {
      try {
        return registry.of(kind).get(ref).object as unknown as Frozen<T>
      } catch (error) {
        if (!isNotFound(error)) throw error
        return undefined
      }
    },
    list<T extends KubeObject>(kind: Kind<T>, namespace?: string) {
      // What is not kept, and what others must be asked for, is not looked at.
      const resource = registry.of(kind)
      if (kind.withoutVerbs?.includes('list') || resource.ready !== undefined) return []
      return resource
        .list(namespace === undefined ? {} : { namespace })
        .items.map(({ object }) => object as unknown as Frozen<T>)
    },
    kinds: registry.kinds.filter(kind => kind.storedAs === undefined),
    now: cluster.env.clock.now(),
    isRunning: component => cluster.isRunning(component),
    isPaused,
    decision: pod => cluster.decisions.get({ namespace: pod.namespace ?? 'default', name: pod.name }),
  }
}

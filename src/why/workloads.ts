// Why a workload has not the pods it should have, or these are not ready.

import type { CronJob, DaemonSet, Deployment, Job, Pod, ReplicaSet, StatefulSet } from '../../generated/types.ts'
import { findCondition } from '../api/conditions.ts'
import type { Frozen, KubeObject } from '../api/meta.ts'
import { controllerOf } from '../api/owners.ts'
import { Pods, ReplicaSets } from '../kinds/index.ts'
import { absent, type Finding, type Scene } from './finding.ts'
import { podFindings } from './pods.ts'

type Workload = Frozen<Deployment | ReplicaSet | StatefulSet | DaemonSet>

/** So many of a workload's pods are looked into. */
const mostPods = 3

export function workloadFindings(scene: Scene, object: Workload, kind: string): Finding[] {
  const { metadata, status } = object
  if (metadata.deletionTimestamp !== undefined) return []
  const about = `${kind.toLowerCase()}/${metadata.name}`
  const what = 'not as its spec says'
  const missing = absent(scene, 'controllers', what, about)
  if (missing.length > 0) return missing
  const found: Finding[] = []
  const { generation = 0 } = metadata
  if ((status?.observedGeneration ?? 0) < generation) {
    const waitsFor = `its controller to see generation ${generation}`
    found.push({ what, about, waitsFor, remedy: 'nothing: it comes by itself' })
  }
  if ((object.spec as { paused?: boolean } | undefined)?.paused) {
    const remedy = `kubectl rollout resume ${about}`
    found.push({ what: 'not rolled out', about, waitsFor: 'somebody to resume it: it is paused', remedy })
  }
  const conditions = (
    status as { conditions?: Frozen<{ type: string; status: string; message?: string }>[] } | undefined
  )?.conditions
  const failure = findCondition(conditions, 'ReplicaFailure')
  if (failure?.status === 'True') {
    const waitsFor = `its pods to be accepted: ${failure.message ?? ''}`
    const remedy = /exceeded quota/.test(failure.message ?? '')
      ? 'raise the quota, or ask for less'
      : 'mend what is refused'
    found.push({ what, about, waitsFor, remedy })
  }
  for (const pod of podsOf(scene, object)) {
    if (found.length >= mostPods) break
    found.push(...podFindings(scene, pod).slice(0, 1))
  }
  return found
}

function podsOf(scene: Scene, owner: Frozen<KubeObject>): readonly Frozen<Pod>[] {
  const isOf = (object: Frozen<KubeObject>, of: Frozen<KubeObject>): boolean =>
    controllerOf(object)?.uid === of.metadata.uid
  const { namespace } = owner.metadata
  const sets = scene.list<ReplicaSet>(ReplicaSets, namespace).filter(set => isOf(set, owner))
  return scene.list<Pod>(Pods, namespace).filter(pod => [owner, ...sets].some(each => isOf(pod, each)))
}

export function jobFindings(scene: Scene, job: Frozen<Job>): Finding[] {
  const { metadata, spec, status } = job
  const about = `job/${metadata.name}`
  if (metadata.deletionTimestamp !== undefined || findCondition(status?.conditions, 'Complete')?.status === 'True')
    return []
  const what = 'not complete'
  const failed = findCondition(status?.conditions, 'Failed')
  if (failed?.status === 'True') {
    const waitsFor = `nothing: it has failed (${failed.reason}): ${failed.message}`
    return [{ what, about, waitsFor, remedy: 'delete it and create it anew, mended' }]
  }
  const missing = absent(scene, 'controllers', what, about)
  if (missing.length > 0) return missing
  if (spec?.suspend) {
    const remedy = `kubectl patch ${about} -p '{"spec":{"suspend":false}}'`
    return [{ what, about, waitsFor: 'somebody to resume it: spec.suspend is true', remedy }]
  }
  const { completions = spec?.parallelism ?? 1 } = spec ?? {}
  const waitsFor = `${completions - (status?.succeeded ?? 0)} of its ${completions} pods to succeed; ${status?.failed ?? 0} have failed, ${spec?.backoffLimit ?? 6} may`
  const own = { what, about, waitsFor, remedy: 'see its pods' }
  return [
    own,
    ...podsOf(scene, job)
      .flatMap(pod => podFindings(scene, pod))
      .slice(0, mostPods),
  ]
}

export function cronJobFindings(scene: Scene, job: Frozen<CronJob>): Finding[] {
  const about = `cronjob/${job.metadata.name}`
  const what = 'no job now'
  const missing = absent(scene, 'controllers', what, about)
  if (missing.length > 0) return missing
  if (job.spec?.suspend) {
    const remedy = `kubectl patch ${about} -p '{"spec":{"suspend":false}}'`
    return [{ what, about, waitsFor: 'somebody to resume it: spec.suspend is true', remedy }]
  }
  const waitsFor = `its schedule: ${job.spec?.schedule}${job.spec?.timeZone ? ` in ${job.spec.timeZone}` : ''}`
  return [{ what, about, waitsFor, remedy: '"kubesim clock advance", or "kubectl create job --from"' }]
}

// Why a pod is not scheduled, not running, not ready, not evicted.

import type { ContainerStatus, PersistentVolumeClaim, Pod, PodDisruptionBudget } from '../../generated/types.ts'
import { silentAnnotation } from '../../kubelet-sim/nodes.ts'
import { findCondition } from '../api/conditions.ts'
import { selectorFromLabelSelector } from '../api/labels.ts'
import type { Frozen } from '../api/meta.ts'
import { humanDuration } from '../api/time.ts'
import { Nodes, PersistentVolumeClaims, PodDisruptionBudgets } from '../kinds/index.ts'
import { claimFindings } from './claims.ts'
import { absent, type Finding, type Scene } from './finding.ts'

export function podFindings(scene: Scene, pod: Frozen<Pod>): Finding[] {
  const { metadata, spec, status } = pod
  if (metadata.deletionTimestamp !== undefined || status.phase === 'Succeeded') return []
  if (status.phase === 'Failed') return [failed(pod)]
  if (!spec.nodeName) return notScheduled(scene, pod)
  return notReady(scene, pod)
}

const nameOf = ({ metadata }: Frozen<Pod>): string => `pod/${metadata.name}`

function failed(pod: Frozen<Pod>): Finding {
  const { reason, message } = pod.status
  return {
    what: 'not running any more',
    about: nameOf(pod),
    waitsFor: `nothing: it has failed${reason ? ` (${reason})` : ''}${message ? `: ${message}` : ''}`,
    remedy: 'its owner makes another in its place, if it has one; a failed pod never runs again',
  }
}

function notScheduled(scene: Scene, pod: Frozen<Pod>): Finding[] {
  const { metadata, spec, status } = pod
  const what = 'not scheduled'
  const about = nameOf(pod)
  const gates = spec.schedulingGates ?? []
  if (gates.length > 0) {
    const names = gates.map(({ name }) => name).join(', ')
    const remedy = 'whoever set them takes them out of spec.schedulingGates'
    return [{ what, about, waitsFor: `its scheduling gates: ${names}`, remedy }]
  }
  const missing = absent(scene, 'scheduler', what, about)
  if (missing.length > 0) return missing
  const claims = (spec.volumes ?? []).flatMap(volume => {
    const name = volume.persistentVolumeClaim?.claimName
    if (!name) return []
    const claim = scene.get<PersistentVolumeClaim>(PersistentVolumeClaims, { name, namespace: metadata.namespace })
    if (claim === undefined) {
      return [{ what, about, waitsFor: `persistentvolumeclaim/${name}, which is not there`, remedy: 'create it' }]
    }
    return claim.status?.phase === 'Bound' ? [] : claimFindings(scene, claim)
  })
  const scheduled = findCondition(status.conditions, 'PodScheduled')
  const decision = scene.decision(metadata)
  const own: Finding[] = []
  if (decision?.nominatedNode !== undefined) {
    const victims = decision.victims?.join(', ') || 'less important pods'
    const waitsFor = `room on ${decision.nominatedNode}: ${victims} must go first`
    own.push({ what, about, waitsFor, remedy: 'wait for their grace period' })
  } else if (scheduled?.status === 'False') {
    own.push({
      what,
      about,
      waitsFor: `a node that fits: ${scheduled.message ?? scheduled.reason ?? ''}`,
      remedy: remedyFor(scheduled.message ?? ''),
    })
  } else if (spec.schedulerName && spec.schedulerName !== 'default-scheduler') {
    const waitsFor = `the scheduler "${spec.schedulerName}"`
    own.push({ what, about, waitsFor, remedy: 'run one of that name, or have a profile of it in --scheduler-config' })
  } else if (own.length === 0) {
    own.push({ what, about, waitsFor: "the scheduler's next turn", remedy: 'nothing: it comes by itself' })
  }
  return [...claims, ...own]
}

/** The scheduler's reasons, by the words they are told in. */
const remedies: readonly (readonly [RegExp, string])[] = [
  [/Insufficient (\S+)/, 'ask for less, add a node ("kubesim node add"), or delete pods that take it'],
  [/untolerated taint/, 'give the pod a toleration, or take the taint away ("kubectl taint nodes NODE KEY-")'],
  [/didn't match Pod's node affinity\/selector/, "label a node as the pod's nodeSelector or affinity wants"],
  [/were unschedulable/, 'uncordon a node ("kubectl uncordon NODE")'],
  [/pod affinity|anti-affinity/, 'change the affinity, or the labels or places of the pods it speaks of'],
  [/topology spread/, 'add a node in the domain that has too few, or let it be ScheduleAnyway'],
  [/free ports/, 'another pod has the host port on every node: take another port'],
  [/unbound immediate PersistentVolumeClaims|available persistent volumes/, 'see to its claims'],
  [/no nodes available/, 'add a node ("kubesim node add")'],
]

function remedyFor(message: string): string {
  const found = remedies.filter(([words]) => words.test(message)).map(([, remedy]) => remedy)
  return found.length > 0 ? found.join('; or ') : '"kubesim why pod/NAME" has the table of every node'
}

function notReady(scene: Scene, pod: Frozen<Pod>): Finding[] {
  const { spec, status } = pod
  const about = nameOf(pod)
  if (findCondition(status.conditions, 'Ready')?.status === 'True') return []
  const what = status.phase === 'Pending' ? 'not running' : 'not ready'
  const node = scene.get(Nodes, { name: spec.nodeName! })
  if (node === undefined) {
    const remedy = 'the pod garbage collector deletes it; its owner makes another'
    return [{ what, about, waitsFor: `node/${spec.nodeName}, which is gone`, remedy }]
  }
  const isSilent = node.metadata.annotations?.[silentAnnotation] === 'true'
  if (isSilent || findCondition(node.status.conditions, 'Ready')?.status === 'Unknown') {
    const remedy = isSilent
      ? `kubesim node start ${spec.nodeName}; else the pod is evicted when its tolerations of the taint end (five minutes)`
      : 'its kubelet has to speak again'
    return [{ what, about, waitsFor: `the kubelet of node/${spec.nodeName}, which says nothing`, remedy }]
  }
  const missing = absent(scene, 'kubelet', what, about)
  if (missing.length > 0) return missing
  const found = [
    ...(status.initContainerStatuses ?? [])
      .filter(isInitWaiting)
      .map(each => containerFinding(scene, what, about, each)),
    ...(status.containerStatuses ?? [])
      .filter(({ ready }) => !ready)
      .map(each => containerFinding(scene, what, about, each)),
  ]
  for (const { conditionType } of spec.readinessGates ?? []) {
    if (findCondition(status.conditions, conditionType)?.status === 'True') continue
    const waitsFor = `its readiness gate ${conditionType}`
    found.push({ what, about, waitsFor, remedy: `whoever is in charge sets the condition ${conditionType} to True` })
  }
  if (found.length > 0) return found
  return [{ what, about, waitsFor: "the kubelet's next step", remedy: 'nothing: it comes by itself' }]
}

const isInitWaiting = ({ ready, state }: Frozen<ContainerStatus>): boolean =>
  !ready && state?.terminated?.exitCode !== 0

function containerFinding(scene: Scene, what: string, about: string, status: Frozen<ContainerStatus>): Finding {
  const { name, image, state, lastState, started } = status
  const container = `${about}, container ${name}`
  const { waiting, terminated, running } = state ?? {}
  if (waiting !== undefined) {
    const reason = waiting.reason ?? 'ContainerCreating'
    const said = waiting.message ? `: ${waiting.message}` : ''
    const ended = lastState?.terminated
    const last = ended === undefined ? '' : ` (it ended with exit code ${ended.exitCode}, ${ended.reason ?? ''})`
    return {
      what,
      about: container,
      waitsFor: `${reason}${said}${last}`,
      remedy: waitingRemedy(reason, name, image ?? ''),
    }
  }
  if (terminated !== undefined) {
    const waitsFor = `it ended with exit code ${terminated.exitCode}${terminated.reason ? ` (${terminated.reason})` : ''}`
    return { what, about: container, waitsFor, remedy: 'its restart policy decides whether it is started again' }
  }
  const since = running?.startedAt ? ` for ${humanDuration(scene.now - Date.parse(String(running.startedAt)))}` : ''
  const probe = started === false ? 'startup' : 'readiness'
  const waitsFor = `its ${probe} probe: it runs${since} and has not passed`
  return { what, about: container, waitsFor, remedy: `"kubectl describe" shows what the ${probe} probe is answered` }
}

function waitingRemedy(reason: string, container: string, image: string): string {
  switch (reason) {
    case 'ImagePullBackOff':
    case 'ErrImagePull':
    case 'InvalidImageName':
      return `name an image that can be pulled, or build it: "kubesim image build" makes ${image || 'it'}`
    case 'CrashLoopBackOff':
      return `see why it ends: "kubectl logs --previous -c ${container}"; it is tried again after the back-off`
    case 'CreateContainerConfigError':
      return 'create the ConfigMap or Secret, or the key in it, that it names'
    case 'PodInitializing':
      return 'its init containers have to end first'
    case 'ErrImageNeverPull':
      return 'the image must be on the node already, or imagePullPolicy another one'
    default:
      return 'nothing: it goes on by itself'
  }
}

/** The budgets by which an eviction would be refused now. */
export function evictionFindings(scene: Scene, pod: Frozen<Pod>): Finding[] {
  const { metadata } = pod
  return scene
    .list<PodDisruptionBudget>(PodDisruptionBudgets, metadata.namespace)
    .filter(({ spec }) => selectorFromLabelSelector(spec?.selector).matches(metadata.labels))
    .filter(({ status }) => (status?.disruptionsAllowed ?? 0) <= 0)
    .map(({ metadata: { name }, status }) => ({
      what: 'not evicted, if somebody asked',
      about: nameOf(pod),
      waitsFor: `poddisruptionbudget/${name}: ${status?.currentHealthy ?? 0} of its pods are healthy, ${status?.desiredHealthy ?? 0} must be, ${status?.disruptionsAllowed ?? 0} may go`,
      remedy: `more of its pods become ready, or the budget asks for fewer; a plain "kubectl delete" does not ask it`,
    }))
}

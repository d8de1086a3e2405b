// What may be written to a pod's status, and what is kept there when a writer leaves it out (podStatusStrategy in
// pkg/registry/core/pod/strategy.go, ValidatePodStatusUpdate in pkg/apis/core/validation/validation.go).

import type { Container, ContainerStatus, Pod, PodSpec } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123SubdomainFaults, qualifiedNameFaults } from '../api/names.ts'
import { type Faults, FieldPath } from './field-path.ts'
import { immutable } from './field-rules.ts'
import { areDualStack, ipRule } from './ip-address.ts'
import { podAnnotationRules, podAnnotationUpdateRules } from './pod-annotation-rules.ts'

const path = new FieldPath('status')
const annotationsPath = new FieldPath('metadata').child('annotations')

/** The class of service is the server's, and generations once observed stay observed. */
export function keepPodStatus(draft: Pod, old: Frozen<Pod>): void {
  const { status } = draft
  if (!status.qosClass && old.status.qosClass) status.qosClass = old.status.qosClass
  if (!status.observedGeneration && old.status.observedGeneration) {
    status.observedGeneration = old.status.observedGeneration
  }
  const observed = new Map<string, (number | undefined)[]>()
  for (const { type, observedGeneration } of old.status.conditions ?? []) {
    const list = observed.get(type)
    if (list) list.push(observedGeneration)
    else observed.set(type, [observedGeneration])
  }
  for (const condition of status.conditions ?? []) {
    const before = observed.get(condition.type)?.shift()
    if (!condition.observedGeneration && before) condition.observedGeneration = before
  }
}

const systemConditions = ['PodScheduled', 'Ready', 'Initialized']

export function podStatusRules(next: Frozen<Pod>, old: Frozen<Pod>, faults: Faults): void {
  const { annotations } = next.metadata
  podAnnotationUpdateRules(annotations, old.metadata.annotations, annotationsPath, faults)
  podAnnotationRules(annotations, next.spec, annotationsPath, faults)
  const { status } = next
  for (const [index, { type, observedGeneration = 0 }] of (status.conditions ?? []).entries()) {
    const at = path.child('conditions')
    if (observedGeneration < 0) {
      const detail = 'must be a non-negative integer'
      faults.invalid(at.index(index).child('observedGeneration'), observedGeneration, detail)
    }
    if (!systemConditions.includes(type))
      faults.invalids(qualifiedNameFaults(type ?? ''), type, at.index(index), 'Type')
  }
  if (next.spec.nodeName !== old.spec.nodeName) {
    faults.forbidden(path.child('nodeName'), 'may not be changed directly')
  }
  const nominated = status.nominatedNodeName
  if (nominated && nominated !== old.status.nominatedNodeName) {
    faults.invalids(dns1123SubdomainFaults(nominated), nominated, path, 'nominatedNodeName')
    if (old.spec.nodeName) {
      faults.forbidden(path.child('nominatedNodeName'), 'may not be set on pods that are already bound to a node')
    }
  }
  if ((status.observedGeneration ?? 0) < 0) {
    faults.invalid(path.child('observedGeneration'), status.observedGeneration, 'must be a non-negative integer')
  }
  if (status.qosClass !== old.status.qosClass) faults.invalid(path.child('qosClass'), status.qosClass ?? '', immutable)
  restartRules(next, old, faults)
  addressRules('podIPs', status.podIPs, old.status.podIPs, faults)
  if (status.hostIPs?.length) {
    const first = status.hostIPs[0]!.ip
    if (status.hostIP !== first)
      faults.invalid(path.child('hostIPs').index(0).child('ip'), first, 'must be equal to `hostIP`')
    addressRules('hostIPs', status.hostIPs, old.status.hostIPs, faults)
  }
}

type Statuses = readonly Frozen<ContainerStatus>[] | undefined

/** A container that has ended for good does not come back. */
function restartRules(next: Frozen<Pod>, old: Frozen<Pod>, faults: Faults): void {
  const { spec } = old
  const check = (
    name: 'containerStatuses' | 'initContainerStatuses' | 'ephemeralContainerStatuses',
    mayRestart: (container: string, exitCode: number) => boolean,
  ): void => {
    const before: Statuses = old.status[name]
    const after: Statuses = next.status[name]
    if (!before || !after) return
    for (const [index, status] of before.entries()) {
      const ended = status.state?.terminated
      if (!ended) continue
      const now = after.find(each => each.name === status.name)
      if (now && !now.state?.terminated && !mayRestart(status.name, ended.exitCode)) {
        faults.forbidden(
          path.child(name).index(index).child('state'),
          'may not be transitioned to non-terminated state',
        )
      }
    }
  }
  const of =
    (containers: readonly Frozen<Container>[] | undefined) =>
    (name: string, exitCode: number): boolean => {
      const container = containers?.find(each => each.name === name)
      return container !== undefined && shouldRestart(container, spec, exitCode)
    }
  check('containerStatuses', of(spec.containers))
  check('initContainerStatuses', of(spec.initContainers))
  check('ephemeralContainerStatuses', () => false)
}

/** Whether a container is started again after it ended so: its own rules first, then its own policy, then the pod's. */
export function shouldRestart(
  container: Frozen<Container>,
  { restartPolicy: ofPod }: Frozen<PodSpec>,
  exitCode: number,
): boolean {
  const own = container.restartPolicy
  if (own) {
    const rule = container.restartPolicyRules?.find(({ exitCodes }) => {
      const isListed = exitCodes?.values?.includes(exitCode) ?? false
      return exitCodes?.operator === 'In' ? isListed : exitCodes?.operator === 'NotIn' && !isListed
    })
    if (rule?.action === 'Restart') return true
  }
  switch (own || ofPod) {
    case 'Never':
      return false
    case 'OnFailure':
      return exitCode !== 0
    default:
      return true
  }
}

function addressRules(
  name: 'podIPs' | 'hostIPs',
  addresses: readonly Frozen<{ ip: string }>[] | undefined,
  old: readonly Frozen<{ ip: string }>[] | undefined,
  faults: Faults,
): void {
  if (!addresses?.length) return
  const kept = old?.map(each => each.ip)
  for (const [index, { ip }] of addresses.entries()) ipRule(ip ?? '', path.child(name).index(index), faults, kept)
  if (addresses.length > 1 && (addresses.length > 2 || !areDualStack(addresses.map(each => each.ip)))) {
    faults.invalid(path.child(name), addresses, 'may specify no more than one IP for each IP family')
  }
}

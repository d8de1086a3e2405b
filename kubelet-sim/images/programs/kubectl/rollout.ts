// kubectl rollout: restart, status, pause, resume. Words: k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go and
// pkg/cmd/rollout.

import { rfc3339 } from '../../../../src/api/time.ts'
import type { Step } from '../../../machine/wait.ts'
import { durationOf } from '../go.ts'
import { type Command, type Run, targetsOf } from './command.ts'
import { Failure } from './failure.ts'
import { pathOf, shown } from './resources.ts'

export const rollout: Run = function* (command) {
  const [what, ...rest] = command.rest
  const inner = { ...command, rest }
  switch (what) {
    case 'restart':
      return yield* templates(inner, 'restarted', now => ({
        template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': rfc3339(now) } } },
      }))
    case 'pause':
      return yield* templates(inner, 'paused', () => ({ paused: true }))
    case 'resume':
      return yield* templates(inner, 'resumed', () => ({ paused: null }))
    case 'status':
      return yield* status(inner)
    default:
      throw new Failure(`error: kubesim's kubectl in a container has no "rollout ${what ?? ''}" yet`)
  }
}

function* templates(command: Command, done: string, spec: (now: number) => object): Step<number> {
  const { process, server } = command
  for (const { resource, path, object } of yield* targetsOf(command)) {
    const { name } = object.metadata
    if (object.spec?.template === undefined) {
      throw new Failure(`error: ${resource.plural} "${name}" ${done.replace(/e?d$/, 'ing')} is not supported`)
    }
    if (done === 'restarted' && object.spec.paused) {
      throw new Failure(`error: can't restart paused deployment (run rollout resume first)`)
    }
    const query = { fieldManager: 'kubectl-rollout' }
    const type = 'application/strategic-merge-patch+json'
    yield* server.ask({ method: 'PATCH', path, query, type, body: { spec: spec(process.clock.now()) } })
    yield* process.print(`${shown(resource, name)} ${done}\n`)
  }
  return 0
}

interface Progress {
  readonly text: string
  readonly isDone: boolean
}

function* status(command: Command): Step<number> {
  const { process, words, server } = command
  const timeout = durationOf(words.value('timeout') ?? '0s') || undefined
  const due = timeout === undefined ? undefined : process.clock.now() + timeout
  for (const { resource, object } of yield* targetsOf(command)) {
    const { name, namespace } = object.metadata
    const path = pathOf(resource, namespace)
    const query = { fieldSelector: `metadata.name=${name}` }
    let last = progressOf(object)
    const tell = function* (now: Progress): Step<boolean> {
      last = now
      yield* process.print(now.text)
      return now.isDone
    }
    if (yield* tell(last)) continue
    if ((words.value('watch') ?? 'true') === 'false') continue
    const { metadata } = yield* server.ask({ path, query })
    const from = { ...query, resourceVersion: object.metadata.resourceVersion ?? metadata.resourceVersion }
    yield* server.watch({ path, query: from, due }, function* ({ type, object: changed }) {
      if (type === 'DELETED') throw new Failure('error: object has been deleted')
      const now = progressOf(changed)
      return now.text === last.text ? now.isDone : yield* tell(now)
    })
    if (!last.isDone) throw new Failure('error: timed out waiting for the condition')
  }
  return 0
}

function progressOf(object: any): Progress {
  if (object.kind === 'Deployment') return ofDeployment(object)
  if (object.kind === 'DaemonSet') return ofDaemonSet(object)
  if (object.kind === 'StatefulSet') return ofStatefulSet(object)
  throw new Failure(`error: no status viewer has been implemented for ${object.kind}`)
}

const going = (text: string): Progress => ({ text: `${text}\n`, isDone: false })
const over = (text: string): Progress => ({ text: `${text}\n`, isDone: true })

function ofDeployment({ metadata, spec, status = {} }: any): Progress {
  const { name, generation } = metadata
  if (generation > (status.observedGeneration ?? 0)) {
    return going('Waiting for deployment spec update to be observed...')
  }
  const late = status.conditions?.some(
    ({ type, reason }: any) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded',
  )
  if (late) throw new Failure(`error: deployment "${name}" exceeded its progress deadline`)
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status
  const begin = `Waiting for deployment "${name}" rollout to finish:`
  if (updatedReplicas < spec.replicas) {
    return going(`${begin} ${updatedReplicas} out of ${spec.replicas} new replicas have been updated...`)
  }
  if (replicas > updatedReplicas)
    return going(`${begin} ${replicas - updatedReplicas} old replicas are pending termination...`)
  if (availableReplicas < updatedReplicas) {
    return going(`${begin} ${availableReplicas} of ${updatedReplicas} updated replicas are available...`)
  }
  return over(`deployment "${name}" successfully rolled out`)
}

function ofDaemonSet({ metadata, spec, status = {} }: any): Progress {
  const { name, generation } = metadata
  if (spec.updateStrategy?.type !== 'RollingUpdate') {
    throw new Failure(`error: rollout status is only available for RollingUpdate strategy type`)
  }
  if (generation > (status.observedGeneration ?? 0)) {
    return going('Waiting for daemon set spec update to be observed...')
  }
  const { updatedNumberScheduled = 0, desiredNumberScheduled = 0, numberAvailable = 0 } = status
  const begin = `Waiting for daemon set "${name}" rollout to finish:`
  if (updatedNumberScheduled < desiredNumberScheduled) {
    return going(`${begin} ${updatedNumberScheduled} out of ${desiredNumberScheduled} new pods have been updated...`)
  }
  if (numberAvailable < desiredNumberScheduled) {
    return going(`${begin} ${numberAvailable} of ${desiredNumberScheduled} updated pods are available...`)
  }
  return over(`daemon set "${name}" successfully rolled out`)
}

function ofStatefulSet({ metadata, spec, status = {} }: any): Progress {
  if (spec.updateStrategy?.type !== 'RollingUpdate') {
    throw new Failure(`error: rollout status is only available for RollingUpdate strategy type`)
  }
  if (metadata.generation > (status.observedGeneration ?? 0)) {
    return going('Waiting for statefulset spec update to be observed...')
  }
  const { readyReplicas = 0, updatedReplicas = 0, currentReplicas = 0, updateRevision, currentRevision } = status
  if (readyReplicas < spec.replicas) return going(`Waiting for ${spec.replicas - readyReplicas} pods to be ready...`)
  const partition = spec.updateStrategy.rollingUpdate?.partition ?? 0
  if (partition > 0) {
    const wanted = spec.replicas - partition
    if (updatedReplicas < wanted) {
      return going(
        `Waiting for partitioned roll out to finish: ${updatedReplicas} out of ${wanted} new pods have been updated...`,
      )
    }
    return over(`partitioned roll out complete: ${updatedReplicas} new pods have been updated...`)
  }
  if (updateRevision !== currentRevision) {
    return going(
      `waiting for statefulset rolling update to complete ${updatedReplicas} pods at revision ${updateRevision}...`,
    )
  }
  return over(`statefulset rolling update complete ${currentReplicas} pods at revision ${currentRevision}...`)
}

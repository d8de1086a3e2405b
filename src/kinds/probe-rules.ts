// The rules of probes and lifecycle handlers (validateProbe, validateHandler, validateLifecycle in
// pkg/apis/core/validation/validation.go).

import type { Container, HTTPGetAction, Lifecycle, LifecycleHandler, PodOS, Probe } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { headerNameFaults } from '../api/names.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { nonNegative, portNumberOrName } from './field-rules.ts'

/** Of a container that goes on running: an ordinary one, or an init container that always restarts. */
export function handlerRules(
  container: Frozen<Container>,
  grace: number | undefined,
  os: Frozen<PodOS> | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  if (container.lifecycle) lifecycleRules(container.lifecycle, grace, os, path.child('lifecycle'), faults)
  const { livenessProbe, readinessProbe, startupProbe } = container
  if (livenessProbe) {
    const at = path.child('livenessProbe')
    probeRules(livenessProbe, at, faults)
    if (livenessProbe.successThreshold !== 1) {
      faults.invalid(at.child('successThreshold'), livenessProbe.successThreshold, 'must be 1')
    }
  }
  if (readinessProbe) {
    const at = path.child('readinessProbe')
    probeRules(readinessProbe, at, faults)
    const seconds = readinessProbe.terminationGracePeriodSeconds
    if (typeof seconds === 'number') {
      faults.invalid(at.child('terminationGracePeriodSeconds'), seconds, 'must not be set for readinessProbes')
    }
  }
  if (startupProbe) {
    const at = path.child('startupProbe')
    probeRules(startupProbe, at, faults)
    if (startupProbe.successThreshold !== 1) {
      faults.invalid(at.child('successThreshold'), startupProbe.successThreshold, 'must be 1')
    }
  }
}

function probeRules(probe: Frozen<Probe>, path: FieldPath, faults: Faults): void {
  actionRules(probe, undefined, path, faults)
  nonNegative(probe.initialDelaySeconds, path, 'initialDelaySeconds', faults)
  nonNegative(probe.timeoutSeconds, path, 'timeoutSeconds', faults)
  nonNegative(probe.periodSeconds, path, 'periodSeconds', faults)
  nonNegative(probe.successThreshold, path, 'successThreshold', faults)
  nonNegative(probe.failureThreshold, path, 'failureThreshold', faults)
  const seconds = probe.terminationGracePeriodSeconds
  if (typeof seconds === 'number' && seconds <= 0) {
    faults.invalid(path.child('terminationGracePeriodSeconds'), seconds, 'must be greater than 0')
  }
}

type Action = Frozen<Probe> & Frozen<LifecycleHandler>

function actionRules(
  action: Frozen<Probe> | Frozen<LifecycleHandler>,
  grace: number | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  const { exec, httpGet, tcpSocket, grpc, sleep } = action as Action
  let count = 0
  const first = (name: string): boolean => {
    if (count++ === 0) return true
    faults.forbidden(path.child(name), 'may not specify more than 1 handler type')
    return false
  }
  if (exec && first('exec') && !exec.command?.length) faults.required(path.child('exec', 'command'))
  if (httpGet && first('httpGet')) httpGetRules(httpGet, path.child('httpGet'), faults)
  if (tcpSocket && first('tcpSocket')) portNumberOrName(tcpSocket.port, path.child('tcpSocket'), 'port', faults)
  if (grpc && first('grpc')) portNumberOrName(grpc.port, path.child('grpc'), 'port', faults)
  if (sleep && first('sleep') && grace !== undefined && (sleep.seconds < 0 || sleep.seconds > grace)) {
    faults.invalid(
      path.child('sleep'),
      sleep.seconds,
      `must be non-negative and less than terminationGracePeriodSeconds (${grace})`,
    )
  }
  if (count === 0) faults.required(path, 'must specify a handler type')
}

function httpGetRules(action: Frozen<HTTPGetAction>, path: FieldPath, faults: Faults): void {
  if (!action.path) faults.required(path.child('path'))
  portNumberOrName(action.port, path, 'port', faults)
  if (action.scheme !== 'HTTP' && action.scheme !== 'HTTPS') {
    faults.notSupported(path.child('scheme'), action.scheme, ['HTTP', 'HTTPS'])
  }
  for (const { name } of action.httpHeaders ?? []) {
    faults.invalids(headerNameFaults(name), name, path, 'httpHeaders')
  }
}

const linuxSignals = new Set(
  [
    'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT RTMAX',
    'RTMIN SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ',
  ]
    .join(' ')
    .split(' ')
    .map(name => `SIG${name}`),
)
for (let number = 1; number <= 15; number++) linuxSignals.add(`SIGRTMIN+${number}`)
for (let number = 1; number <= 14; number++) linuxSignals.add(`SIGRTMAX-${number}`)

function lifecycleRules(
  { postStart, preStop, stopSignal }: Frozen<Lifecycle>,
  grace: number | undefined,
  os: Frozen<PodOS> | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  if (postStart) actionRules(postStart, grace, path.child('postStart'), faults)
  if (preStop) actionRules(preStop, grace, path.child('preStop'), faults)
  if (!stopSignal) return
  const at = path.child('stopSignal')
  if (!os) faults.forbidden(at, 'may not be set for containers with empty `spec.os.name`')
  else if (os.name === 'windows' && stopSignal !== 'SIGKILL' && stopSignal !== 'SIGTERM') {
    faults.notSupported(at, stopSignal, ['SIGKILL', 'SIGTERM'])
  } else if (os.name === 'linux' && !linuxSignals.has(stopSignal)) {
    faults.notSupported(at, stopSignal, [...linuxSignals].sort())
  }
}

/** Of an init container that runs to its end. */
export function noHandlers(container: Frozen<Container>, path: FieldPath, faults: Faults): void {
  for (const name of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[name]) {
      faults.forbidden(path.child(name), 'may not be set for init containers without restartPolicy=Always')
    }
  }
}

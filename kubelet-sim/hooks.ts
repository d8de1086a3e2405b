// postStart and preStop: a command in the container, a request, or a wait. Called by the stages that start and stop
// containers. Wording: pkg/kubelet/lifecycle/handlers.go, and cri-client's ExecSync for a command that fails.

import type { LifecycleHandler, Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import { understand } from './command.ts'
import { started } from './containers.ts'
import type { Begin, Errand, Outcome } from './errands.ts'
import type { Ran } from './outside.ts'
import type { ContainerView } from './pod-view.ts'
import { portNumber } from './ports.ts'

/** Begins it, once for each run of the container. */
export function beginHook(view: ContainerView, which: 'postStart' | 'preStop', now: Millis): Errand | undefined {
  const handler = view.spec.lifecycle?.[which]
  if (handler === undefined) return undefined
  const { pod, errands } = view.pod
  const what = `${which}/${view.spec.name}/${now}`
  return errands.once(pod.metadata, what, now, begin(view, handler, now))
}

/** What the kubelet says of a hook that failed, in a waiting container's message. */
export function hookFault({ spec, pod }: ContainerView, which: 'postStart' | 'preStop', outcome: Outcome): string {
  const handler = spec.lifecycle?.[which]
  const { name, namespace, uid } = pod.pod.metadata
  const whose = `for Container "${spec.name}" in Pod "${name}_${namespace}(${uid})" failed - error: ${outcome.fault}`
  if (handler?.exec) {
    const words = (handler.exec.command ?? []).join(' ')
    return `Exec lifecycle hook ([${words}]) ${whose}, message: ${JSON.stringify(outcome.output ?? '')}`
  }
  if (handler?.httpGet) return `HTTP lifecycle hook (${handler.httpGet.path ?? ''}) ${whose}`
  return `Cannot run handler: ${outcome.fault}`
}

function begin(view: ContainerView, handler: Frozen<LifecycleHandler>, now: Millis): Begin {
  if (handler.sleep) {
    const { seconds } = handler.sleep
    return () => ({ at: now + seconds * 1000, fault: undefined })
  }
  if (handler.exec) return done => command(view, handler.exec!.command ?? [], now, done)
  if (handler.httpGet) return done => page(view, handler.httpGet!, now, done)
  return () => ({ at: now, fault: `invalid handler: ${JSON.stringify(handler)}` })
}

function command(
  view: ContainerView,
  argv: readonly string[],
  now: Millis,
  done: (outcome: Outcome) => void,
): Outcome | undefined {
  const { outside } = view.pod
  if (outside === undefined) return told(argv, now)
  const isTold = !outside.isRun(view.pod.pod, view.spec.name)
  outside.run(asRunning(view), view.spec, argv, undefined).then(
    ran =>
      done(
        isTold && isUnknown(ran)
          ? told(argv, now)
          : { at: ran.at, fault: exitFault(argv, ran.code, ran.stderr), output: ran.output },
      ),
    error => done(isTold ? told(argv, now) : { at: now, fault: execFault(error) }),
  )
  return undefined
}

/** Of a container in which nothing runs it is told what a command would do; one that cannot be told succeeds. */
function told(argv: readonly string[], now: Millis): Outcome {
  const exit = understand(argv, {})?.exit ?? { at: 0, code: 0 }
  return { at: now + exit.at, fault: exitFault(argv, exit.code, '') }
}

/** A program of the image's own, of which there is nothing here but the name. */
export const isUnknown = ({ code }: Ran): boolean => code === 127 || code === 126

function exitFault(argv: readonly string[], code: number, stderr: string): string | undefined {
  return code === 0 ? undefined : `command '${argv.join(' ')}' exited with ${code}: ${stderr}`
}

/** What the runtime says of a program that it could not start (containerd's CRI and runc). */
export function execFault(error: unknown): string {
  const why = error instanceof Error ? error.message : String(error)
  return `rpc error: code = Unknown desc = failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: ${why}: unknown`
}

/** The pod as it will be said to be once the hook is over: so its machine is found while it is still starting. */
function asRunning({ pod: { pod, status }, spec, run, role }: ContainerView): Frozen<Pod> {
  if (run.startedAt === undefined) return pod
  const list =
    role === 'main'
      ? 'containerStatuses'
      : role === 'ephemeral'
        ? 'ephemeralContainerStatuses'
        : 'initContainerStatuses'
  const statuses = (status[list] ?? []).map(each =>
    each.name === spec.name && !each.state?.running ? started(pod, spec, each, run.startedAt ?? 0) : each,
  )
  return { ...pod, status: { ...status, [list]: statuses } } as Frozen<Pod>
}

/** Whatever is answered counts as well done. */
function page(
  view: ContainerView,
  { host, port, path = '', scheme, httpHeaders }: Frozen<NonNullable<LifecycleHandler['httpGet']>>,
  now: Millis,
  done: (outcome: Outcome) => void,
): Outcome | undefined {
  const { outside, pod, status } = view.pod
  const number = port === '' ? 80 : portNumber(view.spec, port)
  if (number === undefined) return { at: now, fault: `couldn't find port: ${port} in ${view.spec.name}` }
  const to = { host: host || (status.podIP ?? ''), port: number, tls: scheme === 'HTTPS' }
  const headers: Record<string, string> = { 'user-agent': 'kube-lifecycle/1.36', accept: '*/*' }
  for (const { name, value } of httpHeaders ?? []) headers[name.toLowerCase()] = value
  const request = { method: 'GET', path: `/${path.replace(/^\//, '')}`, headers, body: new Uint8Array() }
  const well = { at: now, fault: undefined }
  const badly = (error: unknown): Outcome => ({
    at: now,
    fault: `Get "${to.tls ? 'https' : 'http'}://${to.host}:${to.port}${request.path}": ${error instanceof Error ? error.message : error}`,
  })
  if (outside === undefined) return well
  try {
    const answer = outside.ask(pod, to, request)
    if (!(answer instanceof Promise)) return well
    answer.then(
      () => done(well),
      error => done(badly(error)),
    )
    return undefined
  } catch (error) {
    return badly(error)
  }
}

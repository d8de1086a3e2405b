// What a probe of a container that is only told of would find, and when that may change: what its image serves, the files its
// script makes, the time from which it is said to be unhealthy. Called by probes.ts.

import type { Probe } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import { hasFile, understand } from './command.ts'
import { behaviourAt } from './images.ts'
import { statusAt } from './network/http.ts'
import { type ContainerView, startedAt } from './pod-view.ts'
import { portNumber } from './ports.ts'

/** Whether it is known what a command would do in the container; of any other it takes a look at its files. */
export function isToldCommand({ behaviour }: ContainerView, command: readonly string[]): boolean {
  if (behaviour.unhealthyAfter !== undefined) return true
  const path = wantedFile(command)
  if (path !== undefined) return behaviour.script.files.some(file => file.path === path)
  return understand(command, {}) !== undefined
}

/** What is wrong with the container at that time, in the prober's words; undefined when nothing is. */
export function toldFault(view: ContainerView, probe: Frozen<Probe>, at: Millis): string | undefined {
  const age = at - startedAt(view)
  const isUnhealthy = view.behaviour.unhealthyAfter !== undefined && age >= view.behaviour.unhealthyAfter
  if (probe.exec) return isUnhealthy ? 'command failed' : execFault(view, probe.exec.command ?? [], age)
  const host = probe.httpGet?.host ?? probe.tcpSocket?.host ?? view.pod.status.podIP ?? ''
  const port = portNumber(view.spec, probe.httpGet?.port ?? probe.tcpSocket?.port ?? probe.grpc?.port)
  const listener = view.pod.containers.find(
    ({ status, behaviour }) =>
      status.state?.running && port !== undefined && age >= behaviour.listensAfter && behaviour.ports.includes(port),
  )
  const refused = `dial tcp ${host}:${port ?? 0}: connect: connection refused`
  if (probe.httpGet) {
    const scheme = (probe.httpGet.scheme ?? 'HTTP').toLowerCase()
    const path = `/${(probe.httpGet.path ?? '/').replace(/^\//, '')}`
    const url = `Get "${scheme}://${host}:${port ?? 0}${path}"`
    if (!listener) return `${url}: ${refused}`
    if (listener.behaviour.tcp) return `${url}: EOF`
    const status = statusAt(behaviourAt(listener.behaviour, port!), path, isUnhealthy)
    return status >= 200 && status < 400 ? undefined : `HTTP probe failed with statuscode: ${status}`
  }
  if (probe.grpc) {
    return listener && !isUnhealthy
      ? undefined
      : `timeout: failed to connect service "${host}:${port}" within ${probe.timeoutSeconds ?? 1}s: context deadline exceeded`
  }
  return listener && !isUnhealthy ? undefined : refused
}

/** Asks for files the container's script makes; a command that cannot be told succeeds. */
function execFault(view: ContainerView, command: readonly string[], age: Millis): string | undefined {
  const { files } = view.behaviour.script
  const path = wantedFile(command)
  if (path !== undefined && files.some(file => file.path === path)) {
    return hasFile(files, path, age) ? undefined : `cat: can't open '${path}': No such file or directory\n`
  }
  const code = understand(command, {})?.exit?.code ?? 0
  return code === 0 ? undefined : 'command failed'
}

/** `cat FILE`, `ls FILE`, `stat FILE`, `test -f FILE`, `[ -e FILE ]`, also within `sh -c`. */
function wantedFile(command: readonly string[]): string | undefined {
  const text = /^(\/bin\/)?(ba|a)?sh -c /.test(command.join(' ')) ? (command[2] ?? '') : command.join(' ')
  return /^(?:\S*\/)?(?:cat|ls|stat|test -[efs]|\[ -[efs])\s+(\S+)(?:\s+\])?\s*$/.exec(text)?.[1]
}

/** When the answer may next be another than it was at `after`; undefined: never. */
export function nextChange(view: ContainerView, probe: Frozen<Probe>, after: Millis): Millis | undefined {
  const start = startedAt(view)
  const { unhealthyAfter, script } = view.behaviour
  let soonest: Millis | undefined
  const consider = (at: Millis) => {
    if (at > after - (probe.periodSeconds ?? 10) * 1000 && (soonest === undefined || at < soonest)) soonest = at
  }
  if (unhealthyAfter !== undefined) consider(Math.max(start + unhealthyAfter, after))
  const path = probe.exec && wantedFile(probe.exec.command ?? [])
  if (path !== undefined) for (const file of script.files) if (file.path === path) consider(start + file.at)
  return soonest
}

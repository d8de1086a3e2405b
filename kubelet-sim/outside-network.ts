// Outside, as a kubelet of a fake node reaches it: the simulated network from the node's own address, and the machines of
// containers. What is only told of answers at once.

import type { Container, Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Env } from '../src/env/env.ts'
import type { Logs } from './logs.ts'
import type { FileSystem } from './machine/file-system.ts'
import { type Address, TlsError } from './machine/sockets.ts'
import { SystemError } from './machine/system-error.ts'
import { dialFault, tlsWords } from './network/dial-fault.ts'
import { askHealth } from './network/grpc-health.ts'
import { latencyOf } from './network/http.ts'
import type { Network } from './network/network.ts'
import { originOfNode } from './network/routes.ts'
import type { Outside, Ran } from './outside.ts'
import type { Runs } from './runs.ts'

/** Of what a probe or a hook prints (pkg/kubelet/prober, maxReadLength in pkg/probe/exec). */
const mostOutput = 10 * 1024

export function outsideOf(env: Env, network: Network, runs: Runs, logs: Logs): Outside {
  const inWords = (to: Address) => (error: unknown) => {
    if (error instanceof TlsError) throw new Error(tlsWords(error))
    throw error instanceof SystemError ? new Error(dialFault(error, to)) : error
  }
  return {
    ask(pod, to, request, timeout) {
      const found = network.listening(to.host, to.port)
      if (found && !found.behaviour.tcp && latencyOf(found.behaviour, request) === 0) {
        return network.answer(found, request, pod.status.hostIP ?? '')
      }
      const origin = originOfNode(network, pod.spec.nodeName ?? '')
      // A kubelet believes whoever answers (pkg/probe/http, New: InsecureSkipVerify).
      const tls = to.tls ? { serverName: to.host, unverified: true } : undefined
      return network.ask(origin, to.host, to.port, request, { timeout, tls }).catch(inWords(to))
    },
    async connect(pod, to, timeout) {
      await network.tryPort(originOfNode(network, pod.spec.nodeName ?? ''), to, timeout).catch(inWords(to))
    },
    async health(pod, to, service, timeout) {
      // What is told of serves what is asked of it.
      if (network.listening(to.host, to.port)) return { status: 'SERVING' }
      const due = env.clock.now() + timeout
      try {
        const connection = await network.open(originOfNode(network, pod.spec.nodeName ?? ''), to, timeout)
        return await askHealth(env, connection, service, due)
      } catch (error) {
        if (error instanceof SystemError) return { fault: 'connect' }
        throw error
      }
    },
    isRun: ({ metadata: { uid = '' } }, container) => runs.isRunning(uid, container) || network.isRun(uid, container),
    run: (pod, container, argv, timeout, isQuiet) => runIn(env, runs, pod, container, argv, timeout, isQuiet),
    log: ({ metadata }, { name }, run) => logs.lines(metadata.uid ?? '', name, run, run.startedAt, env.clock.now()),
    file: ({ metadata }, { name }, path) => contentOf(runs.machineOf(metadata.uid ?? '', name)?.files, path),
    touches: (pod, container) => runs.touches(pod.metadata.uid ?? '', container),
  }
}

const root = { uid: 0, gid: 0, groups: [0] }

function contentOf(files: FileSystem | undefined, path: string): Uint8Array | undefined {
  if (files === undefined) return undefined
  const all = files.as(root)
  return all.exists(path) && all.stat(path).kind === 'file' ? all.read(path) : undefined
}

async function runIn(
  env: Env,
  runs: Runs,
  pod: Frozen<Pod>,
  container: Frozen<Container>,
  argv: readonly string[],
  timeout: number | undefined,
  isQuiet: boolean = false,
): Promise<Ran> {
  await runs.turnOf(pod)
  const machines = await runs.machines()
  const machine = await machines.of(pod, container.name)
  const both: Uint8Array[] = []
  const errors: Uint8Array[] = []
  let size = 0
  const keep = (bytes: Uint8Array, isError: boolean): void => {
    const kept = bytes.slice(0, Math.max(0, mostOutput - size))
    size += kept.length
    both.push(kept)
    if (isError) errors.push(kept)
  }
  const running = machine.start({
    argv,
    isQuiet,
    stdout: { write: bytes => keep(bytes, false) },
    stderr: { write: bytes => keep(bytes, true) },
  })
  let timedOut = false
  const cancel =
    timeout === undefined
      ? undefined
      : env.clock.after(timeout, () => {
          timedOut = true
          running.kill('KILL')
        })
  const code = await running.exited
  cancel?.()
  const text = (parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('utf8')
  return { at: env.clock.now(), code, output: text(both), stderr: text(errors), timedOut }
}

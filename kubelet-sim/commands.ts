// exec and attach as a kubelet answers them: a client's pipes joined to a process of a container's machine. Loaded by
// node-server.ts when somebody first asks. Words: pkg/kubelet/kubelet_pods.go (GetExec, GetAttach), pkg/kubelet/server/server.go,
// containerd internal/cri/server (container_exec.go, container_attach.go).

import type { Container, ContainerStatus, Pod } from '../generated/types.ts'
import { ApiError } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { CommandStreams, Execution } from '../src/client/node-client.ts'
import type { BytePipe } from '../src/env/byte-pipe.ts'
import type { Random } from '../src/env/random.ts'
import type { ContainerMachine, Running } from './machine/container-machine.ts'
import { NotStarted } from './machine/not-started.ts'
import type { Outlet } from './machine/outlet.ts'

export interface CommandNeeds {
  readonly random: Random
  /** The pod as it is now; undefined: the kubelet does not know it. */
  readonly current: Frozen<Pod> | undefined
  /** The machine of a container that runs; made when there is none. */
  machineOf(pod: Frozen<Pod>, container: string): Promise<ContainerMachine>
}

export async function execute(
  { current, random, machineOf }: CommandNeeds,
  name: string,
  command: readonly string[],
  streams: CommandStreams,
): Promise<Execution> {
  const pod = known(current)
  if (!isRunning(pod, name)) throw new ApiError('InternalError', `container not found (${JSON.stringify(name)})`)
  const machine = await machineOf(pod, name)
  if (machine.hasEnded) throw new ApiError('InternalError', 'container is in CONTAINER_EXITED state')
  const printed = [outletTo(streams.stdout), outletTo(streams.stderr)] as const
  let running: Running
  try {
    running = machine.start({
      argv: command,
      stdin: streams.stdin !== undefined,
      terminal: streams.tty ? { columns: 80, rows: 24 } : undefined,
      env: streams.tty ? new Map([['TERM', 'xterm']]) : undefined,
      stdout: printed[0].outlet,
      stderr: printed[1].outlet,
    })
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error
    return { resize() {}, ended: Promise.reject(new Error(notStarted(error, random))) }
  }
  const fed = feed(streams.stdin, running, true)
  return {
    resize: ({ columns, rows }) => running.resize(columns, rows),
    ended: unless(fed, ended(running, printed, streams)),
  }
}

export async function attachTo(
  { current, machineOf }: CommandNeeds,
  name: string,
  streams: CommandStreams,
): Promise<Execution> {
  const pod = known(current)
  const { metadata } = pod
  const spec = containerOf(pod, name)
  if (spec === undefined || !isRunning(pod, name)) {
    throw new ApiError('InternalError', `container ${name} not found in pod ${metadata.name}_${metadata.namespace}`)
  }
  const machine = await machineOf(pod, name)
  const { first } = machine
  if (machine.hasEnded || first === undefined) {
    throw new ApiError('InternalError', 'container is in CONTAINER_EXITED state')
  }
  const printed = [outletTo(streams.stdout), outletTo(streams.stderr)] as const
  const detach = machine.attach({ stdout: printed[0].outlet, stderr: printed[1].outlet })
  const fed = spec.stdin ? feed(streams.stdin, first, spec.stdinOnce ?? false) : Promise.resolve()
  if (!spec.stdin) streams.stdin?.abandon()
  const gone = new Promise<void>(resolve => streams.signal.addEventListener('abort', () => resolve(), { once: true }))
  return {
    resize: ({ columns, rows }) => first.resize(columns, rows),
    ended: unless(
      fed,
      Promise.race([first.exited, gone]).then(code => {
        detach()
        end(streams)
        return code ?? 0
      }),
    ),
  }
}

function known(pod: Frozen<Pod> | undefined): Frozen<Pod> {
  if (pod === undefined) throw new ApiError('NotFound', 'pod does not exist')
  return pod
}

function containerOf({ spec }: Frozen<Pod>, name: string): Frozen<Container> | undefined {
  const all = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])]
  return (all as readonly Frozen<Container>[]).find(each => each.name === name)
}

function isRunning({ status }: Frozen<Pod>, name: string): boolean {
  const all: readonly Frozen<ContainerStatus>[] = [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []),
    ...(status.ephemeralContainerStatuses ?? []),
  ]
  return all.some(each => each.name === name && each.state?.running !== undefined)
}

interface Printed {
  readonly outlet: Outlet
  /** Resolves when no process can write to it any more. */
  readonly closed: Promise<void>
}

/** What nobody asked for is dropped. */
function outletTo(pipe: BytePipe | undefined): Printed {
  let close = (): void => {}
  const closed = new Promise<void>(resolve => {
    close = resolve
  })
  if (pipe === undefined) return { closed, outlet: { write() {}, end: close } }
  return {
    closed,
    outlet: {
      // What writes keeps its bytes and may use them again.
      write: bytes => pipe.write(bytes.slice()),
      get isFull() {
        return !pipe.hasRoom
      },
      get isGone() {
        return pipe.isAbandoned
      },
      isPaced: true,
      park: wake => pipe.onChange(wake),
      end: close,
    },
  }
}

/** Like the runtime, it waits for whoever has inherited what is printed to; a terminal ends with the command. */
async function ended(
  running: Running,
  [stdout, stderr]: readonly [Printed, Printed],
  streams: CommandStreams,
): Promise<number> {
  const code = await running.exited
  if (!streams.tty && !streams.signal.aborted) {
    const gone = new Promise<void>(resolve => streams.signal.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([Promise.all([stdout.closed, stderr.closed]), gone])
  }
  end(streams)
  return code
}

function end({ stdin, stdout, stderr }: CommandStreams): void {
  stdin?.abandon()
  stdout?.end()
  stderr?.end()
}

/** How it ended; or what went wrong with its input. */
function unless(fed: Promise<void>, ended: Promise<number>): Promise<number> {
  return Promise.race([ended, fed.then(() => ended)])
}

/** Until the client's side ends. */
async function feed(from: BytePipe | undefined, running: Running, endsInput: boolean): Promise<void> {
  if (from === undefined) return
  for await (const chunk of from) {
    running.input(chunk)
    while (!running.hasRoom && running.exitCode === undefined) {
      await new Promise<void>(resolve => {
        const cancel = running.onRoom(resolve)
        void running.exited.then(() => {
          cancel()
          resolve()
        })
      })
    }
    if (running.exitCode !== undefined) return
  }
  if (endsInput) running.inputEnded()
}

/** In the words of the chain of those who pass it on. */
function notStarted({ message }: NotStarted, random: Random): string {
  const id = `${random.uid()}${random.uid()}`.replaceAll('-', '')
  const runc = `OCI runtime exec failed: exec failed: unable to start container process: ${message}: unknown`
  return `failed to exec in container: failed to start exec ${JSON.stringify(id)}: ${runc}`
}

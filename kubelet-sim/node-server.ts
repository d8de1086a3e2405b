// What a node serves to the API server (src/client/node-client.ts): logs of its containers, requests to pods and Services,
// and the kubelet's own pages (kubelet-pages.ts). Wording: pkg/registry/core/pod/strategy.go LogLocation, pkg/kubelet/kubelet.go validateContainerLogStatus.

import type { Container, ContainerStatus, Node, Pod } from '../generated/types.ts'
import { ApiError, badRequest } from '../src/api/errors.ts'
import type { Frozen, Ref } from '../src/api/meta.ts'
import { parseTime, rfc3339Micro } from '../src/api/time.ts'
import type { LogOptions, NodeClient, SimulatedRequest, SimulatedResponse } from '../src/client/node-client.ts'
import type { Millis } from '../src/env/clock.ts'
import type { Env } from '../src/env/env.ts'
import type { CommandNeeds } from './commands.ts'
import type { ImageBook } from './image-book.ts'
import { behaviourOf, type Overrides } from './images.ts'
import { type LoggedRun, type LogLine, type Logs, nextLine } from './logs.ts'
import type { Address } from './machine/sockets.ts'
import { SystemError } from './machine/system-error.ts'
import type { Measuring } from './measuring.ts'
import { dialFault } from './network/dial-fault.ts'
import { controlPlaneAddress, type Network } from './network/network.ts'
import { originInside } from './network/routes.ts'
import { addressOf, isSilent, isSimulated } from './nodes.ts'
import type { Runs } from './runs.ts'
import type { Silences } from './silences.ts'

export interface NodeServerNeeds {
  readonly env: Env
  readonly logs: Logs
  readonly images: ImageBook
  readonly network: Network
  readonly silences: Silences
  readonly runs: Runs
  readonly measuring: Measuring
  podsOn(node: string): readonly Frozen<Pod>[]
  /** The pod as it is now; undefined: it is gone. */
  current(ref: Ref): Frozen<Pod> | undefined
}

export function nodeServer(needs: NodeServerNeeds): NodeClient {
  return {
    logs: (pod, options) => readLogs(needs, pod as Frozen<Pod>, options),
    async proxyPod(pod, port, request) {
      return toPod(needs, pod as Frozen<Pod>, port, request)
    },
    async proxyService(service, port, request) {
      return toService(needs, service, port, request)
    },
    async dial(to) {
      const { network } = needs
      const at = 'pod' in to ? podAddress(to.pod as Frozen<Pod>, to.port) : serviceAddress(network, to.service, to.port)
      try {
        return await network.dial(at)
      } catch (error) {
        throw unreachable((error as Error).message)
      }
    },
    async exec(pod, container, command, streams) {
      const { execute } = await import('./commands.ts')
      return execute(commandNeeds(needs, pod as Frozen<Pod>), container, command, streams)
    },
    async attach(pod, container, streams) {
      const { attachTo } = await import('./commands.ts')
      return attachTo(commandNeeds(needs, pod as Frozen<Pod>), container, streams)
    },
    async portForward(pod, port, streams) {
      const { forward } = await import('./forwarding.ts')
      const { current } = commandNeeds(needs, pod as Frozen<Pod>)
      const { network, env } = needs
      return forward(
        { clock: env.clock, current, connectToPod: (to, at) => network.connectToPod(to, at) },
        port,
        streams,
      )
    },
    async proxyNode(node, request) {
      return toKubelet(needs, node as Frozen<Node>, request)
    },
  }
}

/** Throws ServiceUnavailable when the pod's node has no working machine. */
function commandNeeds({ env, runs, network, current }: NodeServerNeeds, { metadata, spec }: Frozen<Pod>): CommandNeeds {
  const node = spec.nodeName ?? ''
  if (network.isDead(node)) {
    const known = network.cache.nodes.get({ name: node })
    throw new ApiError('ServiceUnavailable', known ? noRouteTo(known) : `no node ${JSON.stringify(node)} is there`)
  }
  const pod = current(metadata)
  return {
    random: env.random,
    current: pod?.metadata.uid === metadata.uid ? pod : undefined,
    machineOf: async (pod, container) => (await runs.machines()).of(pod, container),
  }
}

async function* readLogs(needs: NodeServerNeeds, pod: Frozen<Pod>, options: LogOptions): AsyncIterable<string> {
  const { container, status } = chosen(pod, options.container)
  const run = runOf(needs, pod, container, status, options.previous ?? false)
  const uid = pod.metadata.uid ?? ''
  const { clock } = needs.env
  if (run.isRun && run.startedAt < (needs.runs.begunAt ?? 0) && !needs.logs.has(uid, container.name, run.restart)) {
    // kuberuntime_container.go GetContainerLogs: the runtime knows no such container any more.
    yield `unable to retrieve container logs for ${run.id}`
    return
  }
  const since = sinceOf(options, clock.now())
  let lines = needs.logs.lines(uid, container.name, run, since, clock.now())
  if (options.tailLines !== undefined && options.tailLines >= 0)
    lines = options.tailLines === 0 ? [] : lines.slice(-options.tailLines)
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY
  const cut = (line: LogLine): string => {
    const text = `${options.timestamps ? `${rfc3339Nano(line.at)} ` : ''}${line.text}${line.isPartial ? '' : '\n'}`
    const bytes = Buffer.byteLength(text)
    const kept = bytes <= left ? text : Buffer.from(text).subarray(0, left).toString('utf8')
    left -= Math.min(bytes, left)
    return kept
  }
  let text = ''
  for (const line of lines) if (left > 0) text += cut(line)
  if (text !== '' || options.follow) yield text
  if (!options.follow || options.previous) return
  let seen = clock.now()
  let count = needs.logs.lines(uid, container.name, run, seen, seen).length
  while (left > 0 && !options.signal.aborted) {
    const now = needs.current(pod.metadata)
    const state = now && statusOf(now, container.name)
    const runs = state?.state?.running !== undefined && state.restartCount === run.restart && now?.metadata.uid === uid
    const end = runs ? clock.now() : Math.min(clock.now(), endOf(state) ?? clock.now())
    // Lines of the moment that was read last may still have been added to.
    const fresh = needs.logs.lines(uid, container.name, run, seen, end)
    const news = fresh.slice(count)
    if (clock.now() > seen) count = fresh.filter(line => line.at === clock.now()).length
    else count = fresh.length
    seen = Math.max(seen, clock.now())
    if (news.length > 0) {
      let more = ''
      for (const line of news) if (left > 0) more += cut(line)
      yield more
    }
    if (!runs) return
    await somethingNew(needs, uid, nextLine(run.script, run.startedAt, seen), options.signal)
  }
}

function somethingNew(
  { env, logs }: NodeServerNeeds,
  uid: string,
  at: Millis | undefined,
  signal: AbortSignal,
): Promise<void> {
  return new Promise(resolve => {
    const cancelTimer = at === undefined ? undefined : env.clock.after(Math.max(0, at - env.clock.now()), done)
    const cancelMove = logs.onMove(uid, done)
    signal.addEventListener('abort', done, { once: true })
    function done(): void {
      cancelTimer?.()
      cancelMove()
      signal.removeEventListener('abort', done)
      resolve()
    }
    if (signal.aborted) done()
  })
}

function chosen(
  pod: Frozen<Pod>,
  name: string | undefined,
): { container: Frozen<Container>; status: Frozen<ContainerStatus> | undefined } {
  const init = pod.spec.initContainers ?? []
  const ephemeral = pod.spec.ephemeralContainers ?? []
  const all: readonly Frozen<Container>[] = [...init, ...pod.spec.containers, ...ephemeral]
  const names = (list: readonly Frozen<Container>[]) => `[${list.map(each => each.name).join(' ')}]`
  if (!name) {
    if (pod.spec.containers.length === 1)
      return { container: pod.spec.containers[0]!, status: statusOf(pod, pod.spec.containers[0]!.name) }
    const more =
      (init.length > 0 ? ` or one of the init containers: ${names(init)}` : '') +
      (ephemeral.length > 0 ? ` or one of the ephemeral containers: ${names(ephemeral)}` : '')
    throw badRequest(
      `a container name must be specified for pod ${pod.metadata.name}, choose one of: ${names(pod.spec.containers)}${more}`,
    )
  }
  const container = all.find(each => each.name === name)
  if (!container) throw badRequest(`container ${name} is not valid for pod ${pod.metadata.name}`)
  return { container, status: statusOf(pod, name) }
}

function statusOf(pod: Frozen<Pod>, name: string): Frozen<ContainerStatus> | undefined {
  return (
    pod.status.containerStatuses?.find(each => each.name === name) ??
    pod.status.initContainerStatuses?.find(each => each.name === name) ??
    pod.status.ephemeralContainerStatuses?.find(each => each.name === name)
  )
}

function endOf(status: Frozen<ContainerStatus> | undefined): Millis | undefined {
  const text = (status?.state?.terminated ?? status?.lastState?.terminated)?.finishedAt
  // Times of a status are cut to the second: what was printed in that second belongs to it.
  return text === undefined ? undefined : parseTime(text) + 999
}

/** Which run of the container is asked for: the one that runs, else the one before. */
function runOf(
  { images }: NodeServerNeeds,
  pod: Frozen<Pod>,
  container: Frozen<Container>,
  status: Frozen<ContainerStatus> | undefined,
  previous: boolean,
): LoggedRun & { readonly isRun: boolean; readonly id: string } {
  const { name } = pod.metadata
  const overrides = (pod.metadata.annotations ?? {}) as Overrides
  const { script, isRun = false } = behaviourOf(container, images.find(container.image ?? ''), overrides, name)
  const restart = status?.restartCount ?? 0
  const { state, lastState } = status ?? {}
  if (previous) {
    const last = lastState?.terminated
    if (!last?.startedAt)
      throw badRequest(`previous terminated container "${container.name}" in pod "${name}" not found`)
    const isRestarted = state?.running !== undefined || state?.terminated !== undefined
    return {
      isRun,
      id: last.containerID ?? '',
      script,
      startedAt: parseTime(last.startedAt),
      until: untilOf(last.finishedAt),
      restart: restart - (isRestarted ? 1 : 0),
    }
  }
  const which = { script, isRun, restart, id: status?.containerID ?? '' }
  if (state?.running?.startedAt) return { ...which, startedAt: parseTime(state.running.startedAt), until: undefined }
  const ended = state?.terminated ?? lastState?.terminated
  if (ended?.startedAt) return { ...which, startedAt: parseTime(ended.startedAt), until: untilOf(ended.finishedAt) }
  const reason = state?.waiting?.reason ?? 'ContainerCreating'
  const why =
    reason === 'ErrImagePull' || reason === 'ImagePullBackOff'
      ? 'trying and failing to pull image'
      : reason === 'InvalidImageName' || reason === 'ErrImageNeverPull'
        ? "image can't be pulled"
        : reason
  throw badRequest(`container "${container.name}" in pod "${name}" is waiting to start: ${why}`)
}

function untilOf(finishedAt: string | undefined): Millis | undefined {
  return finishedAt === undefined ? undefined : parseTime(finishedAt) + 999
}

function sinceOf({ sinceSeconds, sinceTime }: LogOptions, now: Millis): Millis {
  if (sinceSeconds !== undefined) return now - sinceSeconds * 1000
  return sinceTime === undefined ? Number.NEGATIVE_INFINITY : parseTime(sinceTime)
}

function rfc3339Nano(at: Millis): string {
  return rfc3339Micro(at).replace('Z', '000Z')
}

async function toPod(
  { network }: NodeServerNeeds,
  pod: Frozen<Pod>,
  port: string | undefined,
  request: SimulatedRequest,
): Promise<SimulatedResponse> {
  return dialled(network, podAddress(pod, port), request)
}

function podAddress(pod: Frozen<Pod>, port: string | undefined): Address {
  const host = pod.status.podIP
  if (!host) throw badRequest(`address not allowed`)
  return { host, port: podPort(pod, port) }
}

/** As the API server's transport: 30 s for a connection (cmd/kube-apiserver/app/server.go, CreateProxyTransport). */
async function dialled(network: Network, to: Address, request: SimulatedRequest): Promise<SimulatedResponse> {
  try {
    const origin = originInside(controlPlaneAddress)
    return await network.ask(origin, to.host, to.port, request, { connectTimeout: 30_000 })
  } catch (error) {
    if (error instanceof SystemError) throw unreachable(dialFault(error, to))
    throw error
  }
}

/** A declared name, a number, or the first declared port, else 80. */
function podPort(pod: Frozen<Pod>, port: string | undefined): number {
  const ports = pod.spec.containers.flatMap(container => container.ports ?? [])
  if (!port) return ports[0]?.containerPort ?? 80
  return Number(port) || (ports.find(each => each.name === port)?.containerPort ?? 0)
}

async function toService(
  { network }: NodeServerNeeds,
  ref: Ref,
  port: string | undefined,
  request: SimulatedRequest,
): Promise<SimulatedResponse> {
  return dialled(network, serviceAddress(network, ref, port), request)
}

function serviceAddress(network: Network, ref: Ref, port: string | undefined): Address {
  const service = network.cache.services.get(ref)
  const wanted = port || service?.spec.ports?.[0]?.port
  const endpoint =
    wanted === undefined ? undefined : network.table.pick(ref, wanted, { from: '', node: undefined, external: false })
  if (!endpoint) throw new ApiError('ServiceUnavailable', `no endpoints available for service "${ref.name}"`)
  return { host: endpoint.address, port: endpoint.port }
}

async function toKubelet(
  needs: NodeServerNeeds,
  node: Frozen<Node>,
  request: SimulatedRequest,
): Promise<SimulatedResponse> {
  const { silences } = needs
  if (!isSimulated(node) || isSilent(node) || silences.has(node.metadata.name)) throw unreachable(noRouteTo(node))
  const { kubeletPage } = await import('./kubelet-pages.ts')
  return kubeletPage({ ...needs, logs: (pod, options) => readLogs(needs, pod, options) }, node, request)
}

function noRouteTo(node: Frozen<Node>): string {
  const port = node.status.daemonEndpoints?.kubeletEndpoint?.Port ?? 0
  return `dial tcp ${addressOf(node)}:${port}: connect: no route to host`
}

function unreachable(why: string): ApiError {
  return new ApiError('ServiceUnavailable', `error trying to reach service: ${why}`)
}

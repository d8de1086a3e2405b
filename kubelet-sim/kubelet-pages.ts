// The pages of a kubelet's own server (pkg/kubelet/server/server.go), as `kubectl get --raw /api/v1/nodes/NODE/proxy/…` reads
// them: health, pods, statistics, metrics, configuration, logs. Loaded when somebody asks for one.

import type { Container, Node, Pod } from '../generated/types.ts'
import { ApiError } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { LogOptions, SimulatedRequest, SimulatedResponse } from '../src/client/node-client.ts'
import type { Env } from '../src/env/env.ts'
import { cadvisorMetrics, kubeletMetrics, probeMetrics, resourceMetrics } from './kubelet-metrics.ts'
import type { Measuring } from './measuring.ts'
import type { Runs } from './runs.ts'
import { statsSummary } from './stats-summary.ts'

export interface PageNeeds {
  readonly env: Env
  readonly measuring: Measuring
  readonly runs: Pick<Runs, 'diskUse'>
  podsOn(node: string): readonly Frozen<Pod>[]
  logs(pod: Frozen<Pod>, options: LogOptions): AsyncIterable<string>
}

const text = 'text/plain; charset=utf-8'
const json = 'application/json'
const metrics = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores'
const checks = ['ping', 'log', 'syncloop']

export async function kubeletPage(
  needs: PageNeeds,
  node: Frozen<Node>,
  request: SimulatedRequest,
): Promise<SimulatedResponse> {
  const url = new URL(request.path, 'http://kubelet')
  const path = url.pathname
  if (request.method !== 'GET' && request.method !== 'HEAD') return page(405, text, 'Method Not Allowed\n')
  if (path === '/healthz') {
    if (!url.searchParams.has('verbose')) return page(200, text, 'ok')
    return page(200, text, `${checks.map(name => `[+]${name} ok\n`).join('')}healthz check passed\n`)
  }
  if (path.startsWith('/healthz/') && checks.includes(path.slice('/healthz/'.length))) return page(200, text, 'ok')
  const pods = needs.podsOn(node.metadata.name)
  const diskUse = (uid: string) => needs.runs.diskUse(uid)
  const facts = { node, pods, now: needs.env.clock.now(), measuring: needs.measuring, diskUse }
  switch (path) {
    case '/pods':
    case '/pods/':
      return page(200, json, `${JSON.stringify(podList(pods))}\n`)
    case '/runningpods':
    case '/runningpods/':
      return page(200, json, `${JSON.stringify(podList(pods.filter(isRunning).map(asRuntimeKnows)))}\n`)
    case '/configz':
      return page(200, json, JSON.stringify({ kubeletconfig: configurationOf(node) }))
    case '/stats/summary':
      return page(
        200,
        json,
        JSON.stringify(statsSummary(facts, url.searchParams.get('only_cpu_and_memory') === 'true'), null, 1),
      )
    case '/metrics':
      return page(200, metrics, kubeletMetrics(facts))
    case '/metrics/resource':
      return page(200, metrics, resourceMetrics(facts))
    case '/metrics/cadvisor':
      return page(200, metrics, cadvisorMetrics(facts))
    case '/metrics/probes':
      return page(200, metrics, probeMetrics(facts))
    case '/logs/':
      return page(
        200,
        'text/html; charset=utf-8',
        '<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n<a href="containers/">containers/</a>\n<a href="pods/">pods/</a>\n</pre>\n',
      )
    case '/logs/containers/':
    case '/logs/pods/':
      return page(200, 'text/html; charset=utf-8', listing(pods, path === '/logs/pods/'))
  }
  const [, first, namespace, name, container] = path.split('/')
  if (first === 'containerLogs' && container !== undefined) {
    return containerLogs(needs, pods, { namespace: namespace!, name: name! }, container, url.searchParams)
  }
  return page(404, text, '404 page not found\n')
}

async function containerLogs(
  { logs }: PageNeeds,
  pods: readonly Frozen<Pod>[],
  { namespace, name }: { readonly namespace: string; readonly name: string },
  container: string,
  query: URLSearchParams,
): Promise<SimulatedResponse> {
  const pod = pods.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace)
  if (pod === undefined) return page(404, text, `pod ${JSON.stringify(name)} does not exist\n`)
  const { spec } = pod
  const all: readonly { readonly name: string }[] = [
    ...spec.containers,
    ...(spec.initContainers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ]
  if (!all.some(each => each.name === container)) {
    return page(404, text, `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(name)}\n`)
  }
  const number = (key: string): number | undefined => (query.has(key) ? Number(query.get(key)) : undefined)
  const options: LogOptions = {
    container,
    previous: query.get('previous') === 'true',
    timestamps: query.get('timestamps') === 'true',
    tailLines: number('tailLines'),
    limitBytes: number('limitBytes'),
    sinceSeconds: number('sinceSeconds'),
    sinceTime: query.get('sinceTime') ?? undefined,
    signal: new AbortController().signal,
  }
  let whole = ''
  try {
    for await (const part of logs(pod, options)) whole += part
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return page(error.code, text, `${error.message}\n`)
  }
  return page(200, text, whole)
}

function page(status: number, type: string, body: string): SimulatedResponse {
  return { status, headers: { 'content-type': type }, body: Buffer.from(body) }
}

const podList = (items: readonly object[]) => ({
  kind: 'PodList',
  apiVersion: 'v1',
  metadata: {},
  items,
})

const isRunning = ({ status }: Frozen<Pod>): boolean =>
  (status.containerStatuses ?? []).some(({ state }) => state?.running !== undefined)

/** What a runtime has of it: names and images of what runs. */
function asRuntimeKnows({ metadata, spec, status }: Frozen<Pod>): object {
  const running = new Set(
    [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]
      .filter(({ state }) => state?.running)
      .map(({ name }) => name),
  )
  const all: readonly Frozen<Container>[] = [...spec.containers, ...(spec.initContainers ?? [])]
  const { name, namespace, uid } = metadata
  return {
    metadata: { name, namespace, uid },
    spec: {
      containers: all
        .filter(each => running.has(each.name))
        .map(each => ({ name: each.name, image: each.image, resources: {} })),
    },
    status: {},
  }
}

function listing(pods: readonly Frozen<Pod>[], byPod: boolean): string {
  const names = pods.flatMap(({ metadata: { namespace, name, uid }, status }) =>
    byPod
      ? [`${namespace}_${name}_${uid}/`]
      : (status.containerStatuses ?? [])
          .filter(({ containerID }) => containerID)
          .map(each => `${name}_${namespace}_${each.name}-${each.containerID!.replace('containerd://', '')}.log`),
  )
  const links = names.sort().map(name => `<a href="${name}">${name}</a>\n`)
  return `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links.join('')}</pre>\n`
}

/** The kubelet's configuration, as far as what it says is so here (KubeletConfiguration, kubelet.config.k8s.io/v1beta1). */
function configurationOf({ status, spec }: Frozen<Node>): object {
  return {
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    syncFrequency: '1m0s',
    fileCheckFrequency: '20s',
    httpCheckFrequency: '20s',
    port: status.daemonEndpoints?.kubeletEndpoint?.Port ?? 10250,
    clusterDomain: 'cluster.local',
    clusterDNS: ['10.96.0.10'],
    nodeStatusUpdateFrequency: '10s',
    nodeStatusReportFrequency: '5m0s',
    nodeLeaseDurationSeconds: 40,
    nodeStatusMaxImages: 50,
    maxPods: Number(status.allocatable?.pods ?? 110),
    podCIDR: spec.podCIDR,
    podPidsLimit: -1,
    evictionHard: {
      'imagefs.available': '15%',
      'memory.available': '100Mi',
      'pid.available': '10%',
    },
    evictionPressureTransitionPeriod: '5m0s',
    enableControllerAttachDetach: true,
    containerLogMaxSize: '10Mi',
    containerLogMaxFiles: 5,
    shutdownGracePeriod: '30s',
    shutdownGracePeriodCriticalPods: '10s',
  }
}

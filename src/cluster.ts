// A cluster: the only file in which rooms are joined. API server, controllers, scheduler and fake nodes in one process,
// each as a manager of its own, so that any of them can be left out, stopped and brought back. No sockets of its own:
// serve.ts puts the HTTP door before it, test/support/cluster.ts uses it as it is.

import { builtinAdmission } from '../apiserver/admission/index.ts'
import { createAuthorizer } from '../apiserver/auth/authorization.ts'
import type { SigningKey } from '../apiserver/auth/service-account-keys.ts'
import { localhostCertificate } from '../apiserver/http/certificates.ts'
import type { Family } from '../apiserver/http/metric-families.ts'
import type { KeyPair } from '../apiserver/http/x509.ts'
import type { Outgoing } from '../apiserver/outgoing/outgoing.ts'
import { storageTerms } from '../apiserver/registry/terms.ts'
import { type ApiServer, createApiServer } from '../apiserver/server.ts'
import type { Journal } from '../apiserver/storage/journal.ts'
import { RevisionStore } from '../apiserver/storage/revision-store.ts'
import type { HistoryOptions } from '../apiserver/storage/storage.ts'
import type { CertificateSigner } from '../controllers/certificate-signing.ts'
import { builtinControllers } from '../controllers/index.ts'
import type { Node } from '../generated/types.ts'
import { leaseNamespace } from '../kubelet-sim/heartbeat.ts'
import { createNodes, type FakeNodes } from '../kubelet-sim/index.ts'
import type { VolumeData } from '../kubelet-sim/machine/volumes/volume-data.ts'
import type { StaticPods } from '../kubelet-sim/static-pods.ts'
import type { SchedulerConfiguration } from '../scheduler/configuration.ts'
import { DecisionBook } from '../scheduler/decisions.ts'
import { builtinScheduler } from '../scheduler/index.ts'
import type { Frozen } from './api/meta.ts'
import type { Client } from './client/client.ts'
import { type Component, components } from './config.ts'
import { createDeviceSelectors } from './device-selectors.ts'
import type { Clock } from './env/clock.ts'
import type { Env } from './env/env.ts'
import { ApiFaults, faultyClient } from './faults/api-faults.ts'
import type { Struck } from './faults/effect.ts'
import { FaultEngine } from './faults/engine.ts'
import { fullStore } from './faults/full-store.ts'
import { goneNodes } from './faults/gone-nodes.ts'
import { lateWatches } from './faults/late-watches.ts'
import { mindRenewals } from './faults/mind-renewals.ts'
import { nodeEffects } from './faults/node-effects.ts'
import { partitions } from './faults/partitions.ts'
import { builtinKinds, Leases, Nodes } from './kinds/index.ts'
import { kubernetesVersion } from './kinds/schemas.ts'
import { createPolicyTypeChecker } from './policy-type-checking.ts'
import { kubeletProcess } from './remote-nodes.ts'
import { usageWherever } from './remote-usage.ts'
import type { ControllerSpec } from './runtime/controller.ts'
import { createInformers } from './runtime/informer.ts'
import { createManager, type Manager } from './runtime/manager.ts'

/** What a cluster is made of. Only its time, its journal and its platform have no default. */
export interface ClusterOptions {
  readonly env: Env
  readonly journal: Journal
  readonly nodes?: number
  /** Components, and single controllers by name (`deployment-controller`), that are left out. */
  readonly without?: readonly (Component | (string & {}))[]
  /** Controllers of the caller's own, run beside the built-in ones, or in place of those that are left out. */
  readonly controllers?: readonly ControllerSpec[]
  /** Factor on image pull and container start times; 0: none. */
  readonly delays?: number
  /** Where the API server is reached: what the Service `kubernetes` leads to. */
  readonly endpoint?: { readonly address: string; readonly port: number }
  /** PEM; put into every namespace as kube-root-ca.crt. */
  readonly certificateAuthority?: string
  /** Signs certificate requests with it; without, they stay unsigned. */
  readonly certificateSigner?: CertificateSigner
  /** Open real listeners on loopback for node ports, load balancers and the ingress. */
  readonly listen?:
    | {
        readonly ingressPort: number
        /** Shown for a host that has none. */
        readonly ingressCertificate?: () => KeyPair
      }
    | undefined
  /** Signs the tokens of service accounts. Default: one that is made when it is needed and kept nowhere. */
  readonly signingKey?: SigningKey
  /** How webhooks are asked. Default: over HTTPS, for real. */
  readonly outgoing?: Outgoing
  /** The time of other servers that are asked, where it is not `env.wall`. */
  readonly wallOutside?: Clock | undefined
  /** Profiles, plugins and extenders; default: upstream's. */
  readonly scheduler?: SchedulerConfiguration | undefined
  /** Whether others than the masters will ask, and need the roles and bindings that every cluster has. */
  readonly withRoles?: boolean
  /** How much of the past can be watched from, listed at and looked at. */
  readonly history?: HistoryOptions
  /** How its components reach the API server. Default: in process. */
  readonly through?: Client
  /** IPv6 beside IPv4, for nodes, pods and Services that want it. Default: IPv4 alone. */
  readonly isDualStack?: boolean | undefined
  /** Pods that nodes have by themselves. */
  readonly staticPods?: StaticPods | undefined
  /** Where persistent volumes and the disks of nodes are kept. Default: in this process. */
  readonly volumeData?: VolumeData | undefined
  /** The nodes' machines were switched off since what is there was written. Default: they went on. */
  readonly areNodesRebooted?: boolean
  /** As process.platform names it: whether each node has a loopback address of its own. */
  readonly platform: string
}

/** A control plane in this process: its store, its API server, its components. Made by `createCluster`. */
export interface Cluster {
  readonly env: Env
  readonly storage: RevisionStore
  readonly server: ApiServer
  readonly client: Client
  readonly nodes: FakeNodes
  /** Resolves when every component works and the nodes are registered. Controllers of one's own begin when the kinds they follow are served. */
  start(): Promise<void>
  /** Whether it works now. */
  isRunning(component: Component): boolean
  /** All that have a queue, by component; those of one that was stopped too, and never those of one that never ran. */
  workers(): readonly WorkerState[]
  /** Resolves when nothing of it works any more; what it has not done waits for its start. */
  stopComponent(component: Component): Promise<void>
  /** Resolves when its caches are filled and it works; it then looks at everything anew. */
  startComponent(component: Component): Promise<void>
  /** How the scheduler came to place a pod, or not to. */
  readonly decisions: DecisionBook
  /** By which it places them; undefined: as upstream's default has it. */
  readonly schedulerConfiguration: SchedulerConfiguration | undefined
  /** Requests that go wrong on purpose. */
  readonly faults: ApiFaults
  /** What its components count, for /metrics. */
  metrics(): readonly Family[]
  /** Ends its components, then the store. */
  close(): Promise<void>
}

export interface WorkerState {
  readonly component: Component
  /** Of a controller, as faults and causes name it. */
  readonly name: string
  /** Undefined: it does not work now. */
  readonly queue: ReturnType<Manager['queues']>[number]['queue'] | undefined
}

/** A cluster from its parts; nothing of it works before `start()`, and nothing listens anywhere. Rejects with what the journal says that cannot be read. */
export async function createCluster(options: ClusterOptions): Promise<Cluster> {
  const { endpoint = { address: '127.0.0.1', port: 6443 } } = options
  const storage = await RevisionStore.open(options.env, options.journal, {
    terms: storageTerms(builtinKinds),
    ...(options.history && { history: options.history }),
    keepParsed: key => !key.startsWith('/registry/core/events/'),
  })
  // With the same seed a cluster that is started again must not draw the uids and names of its first life a second time.
  const env: Env = { ...options.env, random: options.env.random.fork(`from revision ${storage.revision}`) }
  const managers = new Map<Component, Manager>()
  const workers = new Map<Component, readonly string[]>()
  const decisions = new DecisionBook()
  const authorizer = createAuthorizer(storage)
  const families = options.isDualStack ? (['IPv4', 'IPv6'] as const) : (['IPv4'] as const)
  const server = createApiServer(env, storage, builtinKinds, builtinAdmission(env, { authorizer, families }), {
    outgoing: options.outgoing,
    wallOutside: options.wallOutside,
    dial: to => nodes.network.dial(to),
    families,
    isRunning: name => managers.has(name === 'scheduler' ? 'scheduler' : 'controllers'),
    authorizer,
    signingKey: options.signingKey,
    usage: usageWherever({
      env,
      local: { pod: pod => nodes.usage.pod(pod), node: node => nodes.usage.node(node) },
      isHere: () => managers.has('kubelet'),
      kubelets: { proxyNode: (node, request) => kubeletProcess(server.client).proxyNode(node, request) },
      nodes: () =>
        server.registry
          .of(Nodes)
          .list({})
          .items.map(({ object }) => object as unknown as Frozen<Node>),
    }),
    timeOf: revision => storage.timeOf(revision),
    putOff: {
      kind: Leases,
      namespace: leaseNamespace,
      make: name => nodes.renewals.make(name),
      follow: () => nodes.renewals.follow(),
    },
  })
  const nodes = createNodes(env, options.through ?? server.client, {
    count: options.nodes ?? 0,
    port: endpoint.port,
    platform: options.platform,
    version: `v${kubernetesVersion()}.0`,
    pullDelay: options.delays ?? 1,
    startDelay: options.delays ?? 1,
    staticPods: options.staticPods,
    isDualStack: options.isDualStack,
    volumeData: options.volumeData,
    areRebooted: options.areNodesRebooted ?? false,
    listen: options.listen !== undefined,
    ...options.listen,
    renewWhenFollowed: true,
  })

  const { without: leftOut = [] } = options
  let localhost: KeyPair | undefined
  nodes.network.selfSigned = () => (localhost ??= localhostCertificate(env))

  const makers: Record<Component, () => readonly ControllerSpec[]> = {
    controllers: () => {
      const builtin = builtinControllers({
        kinds: builtinKinds,
        certificateAuthority: options.certificateAuthority ?? '',
        certificateSigner: options.certificateSigner,
        legacyTokenIssuer: (account, secret) => server.tokens.issueForSecret(account, secret),
        policyTypeChecker: createPolicyTypeChecker(),
        loadBalancerAddresses: nodes.plan.loadBalancers,
        isDualStack: options.isDualStack,
        nodes: { heartbeats: nodes.renewals },
      })
      return withoutNamed(builtin, leftOut)
    },
    scheduler: () =>
      builtinScheduler(env, {
        configuration: options.scheduler,
        decisions,
        deviceSelectors: createDeviceSelectors(),
      }),
    kubelet: () => nodes.kubeletControllers,
    proxy: () => nodes.proxyControllers,
  }
  const faults: ApiFaults = new ApiFaults(env.random.fork('faults'), (fault, what) => engine.struck(fault, what))
  const client = faultyClient(options.through ?? server.client, faults)
  // What the node-lifecycle controller would learn of the leases it is told (`heartbeats`).
  const followsLeases = options.controllers?.some(({ owns, wakes, reads, for: own }) =>
    [own, ...(owns ?? []), ...(wakes ?? []).map(({ kind }) => kind), ...(reads ?? [])].includes(Leases),
  )
  const forInformers = client.as('informers')
  const informers = createInformers(env, followsLeases ? forInformers : (forInformers.quietly?.() ?? forInformers))
  const stopMinding = mindRenewals(storage, faults, nodes.renewals)

  async function startComponent(component: Component): Promise<void> {
    if (managers.has(component)) return
    const manager = createManager(env, client, makers[component](), { informers })
    managers.set(component, manager)
    workers.set(component, manager.names)
    if (component === 'kubelet') await nodes.start()
    await manager.start()
  }

  async function stopComponent(component: Component): Promise<void> {
    const manager = managers.get(component)
    managers.delete(component)
    await manager?.close()
    if (component === 'proxy') await nodes.stop()
  }

  const own = createManager(env, client, options.controllers ?? [], { informers })
  const everyManager = (): Manager[] => [...managers.values(), own]
  const isComponent = (name: string): name is Component => components.some(each => each === name)
  const managerWith = (controller: string): Manager | undefined =>
    everyManager().find(manager => manager.names.includes(controller))
  const struck: Struck = (fault, what, count) => engine.struck(fault, what, count)
  const engine: FaultEngine = new FaultEngine(
    env,
    storage,
    server.client.as('kubesim-faults'),
    {
      silence: (node, isSilent) => (isSilent ? nodes.silence(node) : nodes.revive(node)),
      cutOff: (node, isCut) => nodes.cutOff(node, isCut),
      async stop(name) {
        if (isComponent(name)) {
          if (!managers.has(name)) return false
          await stopComponent(name)
          return true
        }
        const manager = managerWith(name)
        if (!manager?.isRunning(name)) return false
        await manager.stop(name)
        return true
      },
      async start(name) {
        if (isComponent(name)) await startComponent(name)
        else await managerWith(name)?.resume(name)
        return true
      },
      endWatches: resources => server.registry.endWatches(resources),
    },
    faults,
    [
      nodeEffects(nodes, struck),
      goneNodes(env, storage, server.client, nodes),
      partitions(storage, nodes.network.faults, struck),
      lateWatches(server.registry, struck),
      fullStore(storage, nodes.renewals, struck),
    ],
  )
  nodes.refusePulls(image => engine.pullFault(image))

  return {
    env,
    storage,
    server,
    client: server.client,
    nodes,
    async start() {
      const { certificateAuthority } = options
      await server.bootstrap({ ...endpoint, ...(certificateAuthority ? { certificateAuthority } : {}) })
      if (options.withRoles) await server.bootstrapRoles()
      for (const component of components) {
        if (!leftOut.includes(component)) await startComponent(component)
      }
      // Not waited for: what defines the kinds they follow may come later.
      own.start().catch(error => env.log.error({ error }, 'a controller could not begin'))
      engine.start()
    },
    isRunning: component => managers.has(component),
    workers: () => {
      const queues = new Map(
        everyManager().flatMap(manager => manager.queues().map(({ name, queue }) => [name, queue])),
      )
      const all: [Component, readonly string[]][] = [...workers, ['controllers', own.names]]
      return all.flatMap(([component, names]) => names.map(name => ({ component, name, queue: queues.get(name) })))
    },
    startComponent,
    stopComponent,
    decisions,
    schedulerConfiguration: options.scheduler,
    faults,
    metrics: () => queueFamilies(everyManager().flatMap(manager => manager.queues())),
    async close() {
      stopMinding()
      // How late it is will be known by the last write.
      await nodes.renewals.make()
      await engine.close()
      await own.close()
      for (const component of [...components].reverse()) await stopComponent(component)
      await nodes.close()
      server.close()
      await storage.close()
    },
  }
}

/** Throws for a name that no component and no controller has: whoever leaves something out means it. */
function withoutNamed(builtin: readonly ControllerSpec[], leftOut: readonly string[]): readonly ControllerSpec[] {
  const known: readonly string[] = [...components, ...builtin.map(({ name }) => name)]
  const unknown = leftOut.find(name => !known.includes(name))
  if (unknown !== undefined) throw new Error(`"${unknown}" cannot be left out: there are ${known.join(', ')}`)
  return builtin.filter(({ name }) => !leftOut.includes(name))
}

/** As k8s.io/component-base/metrics/prometheus/workqueue names them. */
function queueFamilies(queues: ReturnType<Manager['queues']>): Family[] {
  const family = (
    name: string,
    help: string,
    type: Family['type'],
    value: (queue: (typeof queues)[number]['queue']) => number,
  ): Family => ({
    name,
    help,
    type,
    values: queues.map(({ name, queue }) => ({ labels: { name }, value: value(queue) })),
  })
  return [
    family('workqueue_adds_total', 'Total number of adds handled by workqueue', 'counter', ({ counts }) => counts.adds),
    family('workqueue_depth', 'Current depth of workqueue', 'gauge', ({ length }) => length),
    family(
      'workqueue_retries_total',
      'Total number of retries handled by workqueue',
      'counter',
      ({ counts }) => counts.retries,
    ),
  ]
}

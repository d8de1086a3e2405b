// The fake nodes, whole: kubelets and heartbeats, the proxies with their listeners and the ingress, and what the API server
// asks of nodes. src/cluster.ts calls createNodes once and gives the controllers to the manager; run as processes of their
// own, `kubesim kubelet` takes the first list and `kubesim proxy` the second.

import { isAlreadyExists } from '../src/api/errors.ts'
import type { Client } from '../src/client/client.ts'
import type { NodeClient } from '../src/client/node-client.ts'
import type { ResourceUsage } from '../src/client/resource-usage.ts'
import type { Env } from '../src/env/env.ts'
import { Nodes } from '../src/kinds/index.ts'
import type { ControllerSpec } from '../src/runtime/controller.ts'
import { type AddressPlan, addressPlan, PodAddresses } from './addresses.ts'
import { csiNodes } from './csi-nodes.ts'
import { Errands } from './errands.ts'
import { evictionManager } from './eviction/eviction-manager.ts'
import { Evictions } from './eviction/evictions.ts'
import { evictionFor } from './eviction/local-storage.ts'
import { heartbeat } from './heartbeat.ts'
import { ImageBook } from './image-book.ts'
import { type KnownPods, kubelet } from './kubelet.ts'
import { Load } from './load.ts'
import { Logs } from './logs.ts'
import type { ContainerMachine } from './machine/container-machine.ts'
import type { VolumeData } from './machine/volumes/volume-data.ts'
import { createMeasuring } from './measuring.ts'
import { provideDnsService } from './network/dns-service.ts'
import { ingressListener, ingressOwner, ingressStatus } from './network/ingress.ts'
import type { KeyPair } from './network/ingress-tls.ts'
import { Listeners } from './network/listeners.ts'
import { Network } from './network/network.ts'
import { nodeNetwork, serviceProxy } from './network/service-proxy.ts'
import { nodeExpansion } from './node-expansion.ts'
import { AllNodeImages } from './node-images.ts'
import { nodeServer } from './node-server.ts'
import { NodeStates } from './node-states.ts'
import { NodeTroubles, type Trouble } from './node-troubles.ts'
import { defaultCapacity, registerNodes, simulatedNode } from './nodes.ts'
import { outsideOf } from './outside-network.ts'
import { Renewals } from './renewals.ts'
import { Runs } from './runs.ts'
import { nodeShutdown } from './shutdown.ts'
import { Silences } from './silences.ts'
import { type StaticPods, staticPods } from './static-pods.ts'
import { volumeDeletion } from './volume-deletion.ts'
import { volumesInUse } from './volumes-in-use.ts'

export interface NodeOptions {
  /** How many fake nodes to register: node-1 … node-`count`. */
  readonly count: number
  /** The API server's port: the nodes' addresses follow from it. Default 6443. */
  readonly port?: number
  /** `process.platform`; only Linux has an address for each node, and is the default. */
  readonly platform?: string
  /** The kubelet's version, as the server's: `v1.36.0`. */
  readonly version?: string
  /** Where the kubelet is asked, when that is in a process of its own (node-http.ts). */
  readonly kubeletPort?: number | undefined
  readonly capacity?: Readonly<Record<string, string>>
  /** Nodes and pods have IPv6 addresses as well. */
  readonly isDualStack?: boolean | undefined
  /** Zones, given to the nodes in turn. */
  readonly zones?: readonly string[]
  /** Factor on how long images take to pull; 0: no time. Default 1. */
  readonly pullDelay?: number
  /** Factor on how long containers take to start and to stop; 0: no time. Default 1. */
  readonly startDelay?: number
  /** Really listen on the loopback. Default: no, the network is asked in process only. */
  readonly listen?: boolean
  /** Where the ingress listens, on 127.0.0.1; default 80. */
  readonly ingressPort?: number
  readonly staticPods?: StaticPods | undefined
  /** The nodes' machines were switched off since what is there was written: what really ran has ended. */
  readonly areRebooted?: boolean
  /** Where persistent volumes and the disks of nodes are kept. Default: in this process. */
  readonly volumeData?: VolumeData | undefined
  /** Leases are renewed in writing only while somebody follows them; `renewals` is told who does, and asked before one is read. */
  readonly renewWhenFollowed?: boolean
  /** … and for TLS; default 443, or as free as the other. */
  readonly ingressTlsPort?: number
  /** For hosts at the ingress that have no certificate of their own; made when it is needed. */
  readonly ingressCertificate?: () => KeyPair
}

export interface FakeNodes {
  readonly kubeletControllers: readonly ControllerSpec[]
  readonly proxyControllers: readonly ControllerSpec[]
  /** Both lists. */
  readonly controllers: readonly ControllerSpec[]
  readonly nodeClient: NodeClient
  /** What containers and nodes take; nothing is known while the kubelets do not work. */
  readonly usage: ResourceUsage
  readonly network: Network
  /** What really runs in the containers. */
  readonly runs: Runs
  readonly plan: AddressPlan
  /** When each node was last heard of. */
  readonly renewals: Renewals
  /** Where the ingress really listens, `127.0.0.1:80`; undefined while it does not. */
  readonly ingress: string | undefined
  /** Also where it speaks TLS, second. */
  readonly ingressPlaces: readonly string[]
  /** Creates the nodes that are not there yet; before the kubelets' controllers start. */
  start(): Promise<void>
  /** Closes what listens, for now: the proxies' controllers open it again when they start. */
  stop(): Promise<void>
  /** After everything else: what runs in containers ends, and what outlives this process is saved. */
  close(): Promise<void>
  /** From now on the node is as if its machine had died … */
  silence(node: string): void
  /** … and is back. */
  revive(node: string): void
  /** Its kubelet cannot reach the API server; what runs there goes on. */
  cutOff(node: string, isCut: boolean): void
  /** What else ails a node on purpose. */
  trouble(node: string, trouble: Trouble): void
  /** The machine is there again, and its kubelet registers it. */
  register(node: string, labels: Readonly<Record<string, string>>): Promise<void>
  /** From now on these images cannot be pulled. */
  refusePulls(why: (image: string) => string | undefined): void
}

export function createNodes(env: Env, client: Client, options: NodeOptions): FakeNodes {
  const plan = addressPlan({ port: options.port ?? 6443, platform: options.platform ?? 'linux' })
  const images = new ImageBook()
  const logs = new Logs()
  const silences = new Silences()
  const load = new Load()
  const network = new Network(env, { images, logs, silences, load })
  const nodeImages = new AllNodeImages()
  const evictions = new Evictions()
  const runs = new Runs({
    env,
    client: client.as('kubelet'),
    images,
    logs,
    network,
    allocatable: { ...defaultCapacity, ...options.capacity },
    volumeData: options.volumeData,
    storageExceeded: (pod, message) => evictions.ask(pod, evictionFor(message)),
  })
  const facts = {
    plan,
    version: options.version ?? 'v1.36.0',
    capacity: { ...defaultCapacity, ...options.capacity },
    kubeletPort: options.kubeletPort,
    isDualStack: options.isDualStack,
  }
  const listeners = options.listen ? new Listeners() : undefined
  let pods: KnownPods | undefined
  const states = new NodeStates()
  const troubles = new NodeTroubles()
  const renewals = new Renewals(env.clock, options.renewWhenFollowed ?? false)
  const measuring = createMeasuring({
    env,
    images,
    load,
    podsOn: node => pods?.on(node) ?? [],
    isDead: node => network.isDead(node),
    said: ({ metadata }, container) => saidBy(runs.machineOf(metadata.uid ?? '', container)),
  })

  const kubeletControllers: ControllerSpec[] = [
    nodeNetwork({ network, images }),
    heartbeat(env, { ...facts, nodeImages, silences, states, renewals, troubles }),
    ...(options.staticPods ? [staticPods(options.staticPods)] : []),
    nodeShutdown({ states, evictions, silences }),
    evictionManager({ images, measuring, nodeImages, states, evictions, silences, troubles }),
    kubelet({
      now: () => env.clock.now(),
      errands: new Errands(),
      evictions,
      states,
      troubles,
      outside: outsideOf(env, network, runs, logs),
      addresses: new PodAddresses(),
      network,
      images,
      nodeImages,
      logs,
      load,
      runs,
      silences,
      areRebooted: options.areRebooted ?? false,
      delays: { pull: options.pullDelay ?? 1, start: options.startDelay ?? 1 },
      started: known => {
        pods = known
      },
    }),
    csiNodes(),
    nodeExpansion(silences),
    volumesInUse(silences),
    volumeDeletion(runs),
  ]
  const ingress = {
    network,
    images,
    silences,
    listeners,
    address: plan.ingress,
    port: options.ingressPort ?? 80,
    tlsPort: options.ingressTlsPort ?? (options.ingressPort === 0 ? 0 : 443),
    certificate: options.ingressCertificate,
  }
  const proxyControllers = [serviceProxy(ingress), ingressListener(ingress), ingressStatus(ingress)]
  return {
    kubeletControllers,
    proxyControllers,
    controllers: [...kubeletControllers, ...proxyControllers],
    nodeClient: nodeServer({
      env,
      logs,
      images,
      network,
      silences,
      runs,
      current: ref => pods?.find(ref),
      measuring,
      podsOn: node => pods?.on(node) ?? [],
    }),
    usage: measuring,
    network,
    runs,
    plan,
    renewals,
    get ingress() {
      return listeners?.placesOf(ingressOwner)[0]
    },
    get ingressPlaces() {
      return listeners?.placesOf(ingressOwner) ?? []
    },
    async start() {
      const kubelets = client.as('kubelet')
      await registerNodes(kubelets, options.count, facts, env.clock.now(), options.zones)
      await provideDnsService(kubelets)
    },
    stop: async () => listeners?.closeAll(),
    close: () => runs.close(),
    silence: node => silences.set(node, true),
    revive: node => silences.set(node, false),
    cutOff: (node, isCut) => silences.cutOff(node, isCut),
    trouble: (node, trouble) => troubles.set(node, trouble),
    async register(node, labels) {
      try {
        await client.as('kubelet').of(Nodes).create(simulatedNode(node, labels))
      } catch (error) {
        if (!isAlreadyExists(error)) throw error
      }
    },
    refusePulls: why => {
      images.pullFault = why
    },
  }
}

/** What a program itself takes, before what it asks for. */
const ofProgram = 1024 * 1024

function saidBy(machine: ContainerMachine | undefined) {
  const { memory, cpu } = machine?.usage ?? { memory: 0, cpu: 0 }
  return { ...(memory > 0 ? { memory: memory + ofProgram } : {}), ...(cpu > 0 ? { cpu } : {}) }
}

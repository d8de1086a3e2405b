// One component as a process of its own, against whatever API server a kubeconfig names: `kubesim scheduler --kubeconfig F`.
// The same controllers as in the cluster's own process, on the HTTP client instead of the direct one.

import { connect } from 'node:net'
import { hostname } from 'node:os'
import type { Duplex } from 'node:stream'
import { builtinControllers } from '../controllers/index.ts'
import { createNodes, type FakeNodes } from '../kubelet-sim/index.ts'
import { type NodeDoor, openNodeDoor } from '../kubelet-sim/node-http.ts'
import type { SchedulerConfiguration } from '../scheduler/configuration.ts'
import { builtinScheduler } from '../scheduler/index.ts'
import { ApiError } from './api/errors.ts'
import type { Client } from './client/client.ts'
import { createHttpClient } from './client/http-client.ts'
import { readKubeconfig } from './client/user-kubeconfig.ts'
import type { Component, Config } from './config.ts'
import { type ControllerKeys, controllerKeysOf } from './controller-keys.ts'
import { createDeviceSelectors } from './device-selectors.ts'
import type { Env } from './env/env.ts'
import { realEnv } from './env/real-env.ts'
import { builtinKinds, Namespaces } from './kinds/index.ts'
import { kubernetesVersion } from './kinds/schemas.ts'
import { createPolicyTypeChecker } from './policy-type-checking.ts'
import { announceKubelet, newToken, withdrawKubelet } from './remote-nodes.ts'
import { listBackoff } from './runtime/backoff.ts'
import type { ControllerSpec } from './runtime/controller.ts'
import { leadInTurn } from './runtime/leader-election.ts'
import { createManager } from './runtime/manager.ts'
import { schedulerConfigurationOf } from './scheduler-configuration.ts'
import { staticPodsIn } from './static-pods-folder.ts'

export interface ComponentOptions {
  readonly signal: AbortSignal
  /** Called once, when the API server does not answer yet. */
  waiting?(server: string): void
  /** Called when another such process does the work, with its name. */
  standingBy?(leader: string): void
  /** Called when the component works, each time that it begins to. */
  ready(server: string): void
}

/** What is done by one process at a time, and by which Lease that is settled (upstream's --leader-elect-resource-name). */
const leases: Readonly<Partial<Record<Component, string>>> = {
  controllers: 'kube-controller-manager',
  scheduler: 'kube-scheduler',
}

/** Runs the component until the signal; resolves when everything of it has ended. Rejects when the API server refuses it. */
export async function runComponent(component: Component, config: Config, options: ComponentOptions): Promise<void> {
  const { signal, ready, waiting, standingBy } = options
  const scheduler = component === 'scheduler' ? await schedulerConfigurationOf(config) : undefined
  const env = realEnv({ logLevel: config.logLevel, seed: config.seed })
  const keys = component === 'controllers' ? controllerKeysOf(config, env) : {}
  const access = readKubeconfig(config.kubeconfig)
  const { client, close } = createHttpClient(access, component)
  let door: NodeDoor | undefined
  let nodes: FakeNodes | undefined
  const token = newToken()
  try {
    await untilAnswered(env, client, signal, () => waiting?.(access.server))
    if (signal.aborted) return
    door = component === 'kubelet' ? await openNodeDoor(token, () => nodes!.nodeClient) : undefined
    if (door) await announceKubelet(client, { port: door.port, token })
    nodes = createNodes(env, client, {
      count: component === 'kubelet' ? config.nodes : 0,
      port: Number(new URL(access.server).port || 443),
      platform: process.platform,
      version: `v${kubernetesVersion()}.0`,
      kubeletPort: door?.port,
      isDualStack: config.dualStack,
      areRebooted: true,
      staticPods:
        component === 'kubelet' && config.staticPods !== undefined
          ? await staticPodsIn(config.staticPods, env)
          : undefined,
      pullDelay: config.delays,
      startDelay: config.delays,
      listen: component === 'proxy',
      ingressPort: config.ingressPort,
    })
    nodes.network.apiServer = stream => pipeTo(stream, new URL(access.server))
    if (component === 'kubelet') await nodes.start()
    const fakeNodes = nodes
    const work = async (until: AbortSignal): Promise<void> => {
      const specs = controllersOf(component, env, fakeNodes, access.ca, scheduler, keys, config.dualStack)
      const manager = createManager(env, client, specs, { signal: until })
      try {
        const working = manager.start().then(() => until.aborted || ready(access.server))
        await Promise.race([working, ended(until)])
        await ended(until)
      } finally {
        await manager.close()
      }
    }
    const lease = config.leaderElect ? leases[component] : undefined
    if (lease === undefined) await work(signal)
    else {
      const identity = `${hostname()}_${env.random.fork('leader-election').uid()}`
      await leadInTurn(env, client, { lease, identity, signal, lead: work, standingBy })
    }
  } finally {
    if (door) await withdrawKubelet(client, token)
    await door?.close()
    await nodes?.stop()
    close()
  }
}

/** What pods say to the Service `kubernetes` goes to the API server where it really is, byte by byte. */
function pipeTo(stream: Duplex, { hostname, port }: URL): void {
  const socket = connect(Number(port || 443), hostname.replace(/^\[|\]$/g, ''))
  socket.on('error', () => stream.destroy())
  stream.on('error', () => socket.destroy())
  stream.on('close', () => socket.destroy())
  stream.pipe(socket).pipe(stream)
}

function controllersOf(
  component: Component,
  env: Env,
  nodes: FakeNodes,
  certificateAuthority: string | undefined,
  scheduler: SchedulerConfiguration | undefined,
  keys: ControllerKeys,
  isDualStack: boolean,
): readonly ControllerSpec[] {
  switch (component) {
    case 'controllers':
      return builtinControllers({
        kinds: builtinKinds,
        certificateAuthority,
        ...keys,
        policyTypeChecker: createPolicyTypeChecker(),
        loadBalancerAddresses: nodes.plan.loadBalancers,
        isDualStack,
      })
    case 'scheduler':
      return builtinScheduler(env, { configuration: scheduler, deviceSelectors: createDeviceSelectors() })
    case 'kubelet':
      return nodes.kubeletControllers
    case 'proxy':
      return nodes.proxyControllers
  }
}

/** An API server that is not there yet is waited for; one that refuses us is not. */
async function untilAnswered(env: Env, client: Client, signal: AbortSignal, waiting: () => void): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      // What every component needs is there only once the server has made its first namespaces.
      await client.of(Namespaces).get({ name: 'kube-system' })
      return
    } catch (error) {
      const isPassing = error instanceof ApiError && (error.code >= 500 || error.code === 404)
      if (!isPassing) throw error
      if (failures === 0) waiting()
      await Promise.race([env.clock.sleep(listBackoff(failures)), ended(signal)])
    }
  }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

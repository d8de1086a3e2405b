// One component as a process of its own, against whatever API server a kubeconfig names: `kubesim scheduler --kubeconfig F`.
// The same controllers as in the cluster's own process, on the HTTP client instead of the direct one.

import { builtinControllers } from '../controllers/index.ts'
import { createNodes } from '../kubelet-sim/index.ts'
import { builtinScheduler } from '../scheduler/index.ts'
import { createHttpClient } from './client/http-client.ts'
import { readKubeconfig } from './client/user-kubeconfig.ts'
import type { Component, Config } from './config.ts'
import { realEnv } from './env/real-env.ts'
import { builtinKinds } from './kinds/index.ts'
import { kubernetesVersion } from './kinds/schemas.ts'
import type { ControllerSpec } from './runtime/controller.ts'
import { createManager } from './runtime/manager.ts'

export interface RunningComponent {
  readonly server: string
  /** Resolves when it has ended after the signal. */
  readonly ended: Promise<void>
}

export async function runComponent(
  component: Component,
  config: Config,
  signal: AbortSignal,
): Promise<RunningComponent> {
  const env = realEnv({ logLevel: config.logLevel, seed: config.seed })
  const access = readKubeconfig(config.kubeconfig)
  const { client, close } = createHttpClient(access, component)
  const nodes = createNodes(env, client, {
    count: component === 'kubelet' ? config.nodes : 0,
    port: Number(new URL(access.server).port || 443),
    platform: process.platform,
    version: `v${kubernetesVersion()}.0`,
    pullDelay: config.delays,
    startDelay: config.delays,
    listen: component === 'proxy',
    ingressPort: config.ingressPort,
  })
  const makers: Record<Component, () => readonly ControllerSpec[]> = {
    controllers: () =>
      builtinControllers({
        kinds: builtinKinds,
        certificateAuthority: access.ca,
        loadBalancerAddresses: nodes.plan.loadBalancers,
      }),
    scheduler: () => builtinScheduler(env),
    kubelet: () => nodes.kubeletControllers,
    proxy: () => nodes.proxyControllers,
  }
  const manager = createManager(env, client, makers[component]())
  if (component === 'kubelet') await nodes.start()
  await manager.start()
  const ended = new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  }).then(async () => {
    await manager.close()
    await nodes.stop()
    close()
  })
  return { server: access.server, ended }
}

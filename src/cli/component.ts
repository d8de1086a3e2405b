// kubesim apiserver|controllers|scheduler|kubelet|proxy: one part of a control plane as a process of its own; all but the
// first against any kubeconfig, also a real cluster's.

import { Command } from 'commander'
import { type Component, components, readConfig, type Settings } from '../config.ts'
import { createEnding } from '../env/ending.ts'
import { done, progress, UserError } from './output.ts'
import { clusterOptions, configFrom } from './settings.ts'
import { startInForeground } from './start.ts'

const about: Record<Component, string> = {
  controllers: 'run the controllers as a process of their own',
  scheduler: 'run the scheduler as a process of its own',
  kubelet: 'run the fake nodes as a process of their own',
  proxy: "run the nodes' Service proxies and the ingress as a process of their own",
}

export function componentCommands(): Command[] {
  return [
    clusterOptions(new Command('apiserver'))
      .description('run the API server alone, in the foreground')
      .action(async (options: Record<string, unknown>) => {
        if (options.without) throw new UserError('apiserver runs alone: --without says nothing here, leave it out')
        await startInForeground(await configFrom({ ...options, without: components }))
      }),
    ...components.map(component =>
      new Command(component)
        .description(about[component])
        .requiredOption('--kubeconfig <file>', 'which API server, and as whom')
        .option('--nodes <number>', 'kubelet only: how many fake nodes to register')
        .option(
          '--static-pods <dir>',
          'kubelet only: a folder of static pods; those of other nodes than node-1 in DIR/NODE',
        )
        .option(
          '--dual-stack',
          'kubelet and controllers only: addresses of IPv4 and IPv6, as the API server was started',
        )
        .option('--log-level <level>')
        .option('--delays <factor>', 'kubelet only: factor on image pull and start times')
        .option('--ingress-port <number>', 'proxy only: where the ingress addon listens on 127.0.0.1 (default: 80)')
        .option('--scheduler-config <file>', 'scheduler only: its KubeSchedulerConfiguration')
        .option('--cluster-signing-cert-file <file>', 'controllers only: the authority that signs certificates, as PEM')
        .option('--cluster-signing-key-file <file>', 'controllers only: its key')
        .option('--service-account-private-key-file <file>', 'controllers only: signs the tokens that Secrets hold')
        .option('--seed <number>', 'seed of all chance (default: drawn)')
        .option('--no-leader-elect', 'controllers and scheduler only: do not ask whether another one works already')
        .action(async (options: { kubeconfig: string } & Settings) => {
          const { runComponent } = await import('../component.ts')
          const stopping = createEnding()
          for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort())
          await runComponent(component, readConfig({ ...options, mergeKubeconfig: false }), {
            signal: stopping.signal,
            waiting: server => progress(`waiting for ${server} ...`),
            standingBy: leader => progress(`standing by, ${leader} leads ...`),
            ready: server => done(`kubesim ${component} is running against ${server}`),
          })
          process.exit(0)
        }),
    ),
  ]
}

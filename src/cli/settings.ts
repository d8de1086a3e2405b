// The options that several commands share, and how they become a Config.

import { type Command, Option } from 'commander'
import { type Config, components, logLevels, readConfig, readSettingsFile, type Settings } from '../config.ts'

/** `--data-dir` alone: what a command needs to find a cluster. */
export function dataDirOption(command: Command): Command {
  return command.option('--data-dir <dir>', 'where the cluster keeps its data (default: $KUBESIM_HOME or ~/.kubesim)')
}

export function outputOption(command: Command): Command {
  return command.addOption(
    new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'),
  )
}

/** All that can be set about a cluster. */
export function clusterOptions(command: Command): Command {
  return dataDirOption(command)
    .option('--config <file>', 'a YAML file with these settings in camel case; flags win over it')
    .option('--port <number>', 'port of the API server, 0 for a free one (default: 6443)')
    .option('--bind-address <address>', 'where the API server listens (default: 127.0.0.1)')
    .option('--kubeconfig <file>', 'where to write the kubeconfig (default: DATA-DIR/kubeconfig)')
    .option('--no-merge-kubeconfig', "leave the user's own kubeconfig alone")
    .option('--name <name>', 'name of the cluster and of its context (default: kubesim)')
    .option('--nodes <number>', 'how many fake nodes (default: 3)')
    .option('--memory', 'keep the store in memory only')
    .option('--dual-stack', 'addresses of IPv4 and IPv6 for nodes and pods, and for Services that ask for both')
    .option('--fsync <true|false>', 'wait for the disk on every commit (default: true)')
    .option('--without <components>', `leave out, comma-separated: ${components.join(', ')}`)
    .option('--static-pods <dir>', 'a folder of static pods; those of other nodes than node-1 in DIR/NODE')
    .option('--scheduler-config <file>', 'a KubeSchedulerConfiguration for the scheduler')
    .option('--seed <number>', 'seed of all chance (default: drawn)')
    .option('--log-level <level>', `one of ${logLevels.join(', ')} (default: warn)`)
    .option('--ingress-port <number>', 'where the ingress addon listens on 127.0.0.1 (default: 80)')
    .option('--dns-port <number>', "where the cluster's names are answered on 127.0.0.1, or off (default: a free one)")
    .option('--dashboard-port <number>', 'serve the dashboard on 127.0.0.1 as well, 0 for a free port (default: not)')
    .option(
      '--audit-policy-file <file>',
      'what of whose requests goes into the audit log, as an audit.k8s.io/v1 Policy',
    )
    .option('--audit-log-path <file>', 'the audit log, JSON lines; - for standard output')
    .option('--audit-log-maxsize <megabytes>', 'put the audit log aside when it is larger, 0 for never (default: 100)')
    .option('--audit-log-maxbackup <number>', 'how many put aside are kept, 0 for all (default: 100)')
    .option('--audit-log-maxage <days>', 'for how long they are kept, 0 for ever (default: 366)')
    .option('--token-auth-file <file>', 'bearer tokens: lines of token,user,uid,"group1,group2"')
    .option('--history-age <minutes>', 'how far back history goes at least, 0 for as far as there is room (default: 5)')
    .option('--history-events <number>', 'of what is older, so many events are kept (default: 4096)')
    .option('--history-size <megabytes>', 'never more than so much that is of the past (default: 16)')
    .option('--record <file>', 'write down all that comes from outside, for "kubesim replay"; Secrets are in it')
    .option('--delays <factor>', 'factor on image pull and container start times, 0 for none (default: 1)')
}

/** The Config that flags and, beneath them, a settings file give. */
export async function configFrom(options: Record<string, unknown>): Promise<Config> {
  const {
    config,
    foreground: _,
    output: __,
    ...flags
  } = options as Settings & {
    config?: string
    foreground?: boolean
    output?: string
  }
  // Commander gives mergeKubeconfig a value even when the user said nothing; only "no" is the user's word.
  if (flags.mergeKubeconfig === true) delete flags.mergeKubeconfig
  return readConfig({ ...(config ? await readSettingsFile(config) : {}), ...flags })
}

// kubesim start: a cluster, in the background by default, or with --foreground in this process until it is told to end.

import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { Command } from 'commander'
import type { Access } from '../client/kubeconfig.ts'
import type { Config } from '../config.ts'
import type { Dashboard } from '../dashboard/listener.ts'
import { type ClusterRecord, logFile, removeRecord, runningCluster, writeRecord } from './cluster-record.ts'
import { done, paint, print, progress, UserError, warning } from './output.ts'
import { clusterOptions, configFrom, outputOption } from './settings.ts'

export function startCommand(): Command {
  return outputOption(clusterOptions(new Command('start')))
    .description('start a cluster')
    .option('--foreground', 'stay in the foreground until interrupted')
    .action(async (options: { foreground?: boolean; output: string }) => {
      const config = await configFrom(options)
      if (options.foreground) await startInForeground(config)
      else await startInBackground(config, options.output)
    })
}

/** Runs until SIGINT or SIGTERM, then ends cleanly with exit code 0. Also used by `kubesim apiserver`. */
export async function startInForeground(config: Config): Promise<void> {
  const { serve } = await import('../serve.ts')
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort())
  // When the parent that waits for "ready" goes away, or the terminal closes, the cluster goes on.
  const serving = await serve(config, stopping.signal)
  if (config.mergeKubeconfig) {
    const { kubeconfigToMergeInto, mergeKubeconfig } = await import('../client/user-kubeconfig.ts')
    const file = kubeconfigToMergeInto(config.userKubeconfigs)
    try {
      mergeKubeconfig(file, config.name, serving.access)
    } catch (error) {
      warning(`the context ${config.name} was not merged into ${file}: ${(error as Error).message}`)
    }
  }
  const dashboard = await dashboardOf(config, serving.access)
  const record = dashboard ? { ...serving.record, dashboard: dashboard.url } : serving.record
  writeRecord(config.dataDir, record)
  announce(config, record)
  process.send?.({ ready: record })
  await serving.ended
  dashboard?.close()
  removeRecord(config.dataDir, process.pid)
  process.exit(0)
}

/** A cluster is one without it too, so a port that cannot be had is only told of. */
async function dashboardOf({ dashboardPort: port, dataDir }: Config, access: Access): Promise<Dashboard | undefined> {
  if (port === undefined) return undefined
  const { openDashboard } = await import('../dashboard/listener.ts')
  try {
    return await openDashboard({ access, port, dataDir })
  } catch (error) {
    warning(`there is no dashboard: ${(error as Error).message}`)
    return undefined
  }
}

function announce(config: Config, record: ClusterRecord): void {
  const kubectl = config.mergeKubeconfig
    ? `kubectl --context ${config.name}`
    : `kubectl --kubeconfig ${record.kubeconfig}`
  process.stdout.write(
    `${readyText(record)}${[
      `${kubectl} get nodes`,
      `${kubectl} create deployment web --image=nginx --replicas=3`,
      `${kubectl} get pods -o wide --watch`,
    ]
      .map(command => `  ${paint('dim', 'try:')} ${command}\n`)
      .join('')}`,
  )
}

function readyText({ server, kubeconfig, dashboard }: ClusterRecord): string {
  return `kubesim is ready: ${server}  KUBECONFIG=${kubeconfig}\n${dashboard ? `  dashboard: ${dashboard}\n` : ''}`
}

export async function startInBackground(
  config: Config,
  output: string,
  words: readonly string[] = foregroundWords(),
): Promise<void> {
  const running = runningCluster(config.dataDir)
  if (running) {
    print(output, running, () => `kubesim is already running: ${running.server}  KUBECONFIG=${running.kubeconfig}\n`)
    return
  }
  progress(`starting kubesim in ${config.dataDir} ...`)
  mkdirSync(config.dataDir, { recursive: true })
  const log = openSync(logFile(config.dataDir), 'a', 0o600)
  const child = spawn(process.execPath, [process.argv[1]!, ...words], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    windowsHide: true,
  })
  closeSync(log)
  const record = await new Promise<ClusterRecord>((resolve, reject) => {
    child.once('message', message => resolve((message as { ready: ClusterRecord }).ready))
    child.once('error', reject)
    child.once('exit', async code => {
      reject(new UserError(`the cluster did not start (exit code ${code}): ${await lastLine(logFile(config.dataDir))}`))
    })
  })
  child.removeAllListeners('exit')
  child.disconnect()
  child.unref()
  done(`kubesim is running with ${config.nodes} nodes (pid ${record.pid})`)
  print(output, record, () => readyText(record))
}

/** The user's own words again, with --foreground: so that what was said to `start` holds for the process behind it. */
function foregroundWords(): string[] {
  const words = process.argv.slice(2)
  return ['start', '--foreground', ...words.filter(word => word !== 'start')]
}

async function lastLine(file: string): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  return (lines.at(-1) ?? '').replace(/^kubesim: /, '')
}

// kubesim dashboard: the cluster in a browser. Opens the one that `start --dashboard-port` has, or serves one until interrupted.

import { Command } from 'commander'
import { ConfigError, readConfig, wholePort } from '../config.ts'
import { openInBrowser } from './browser.ts'
import { requireRunning } from './cluster-record.ts'
import { print } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'

/** Beside the API server's. */
const usualPort = 6444

interface Options {
  readonly dataDir?: string
  readonly port?: string
  readonly open: boolean
  readonly output: string
}

export function dashboardCommand(): Command {
  return outputOption(dataDirOption(new Command('dashboard')))
    .description('see the cluster in a browser')
    .option(
      '--port <number>',
      `where to serve it on 127.0.0.1, 0 for a free port (default: ${usualPort} if it is free)`,
    )
    .option('--no-open', 'print the address only')
    .action(async ({ dataDir: folder, port, open, output }: Options) => {
      const { dataDir } = readConfig(folder === undefined ? {} : { dataDir: folder })
      const record = requireRunning(dataDir)
      const show = (url: string) => {
        print(output, { url }, () => `kubesim dashboard: ${url}\n`)
        if (open && output === 'text') openInBrowser(url)
      }
      if (record.dashboard !== undefined && port === undefined) return show(record.dashboard)
      const { readKubeconfig } = await import('../client/user-kubeconfig.ts')
      const { openDashboard } = await import('../dashboard/listener.ts')
      const options = { access: readKubeconfig(record.kubeconfig), dataDir }
      const opened = await openDashboard({ ...options, port: wholePort('port', port ?? usualPort) }).catch(error => {
        if (port === undefined && error instanceof ConfigError) return openDashboard({ ...options, port: 0 })
        throw error
      })
      show(opened.url)
      await new Promise<void>(resolve => {
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
      })
      opened.close()
    })
}

// kubesim delete: stops the cluster and removes all that it kept, and its context from the user's kubeconfig.

import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { readRecord } from './cluster-record.ts'
import { done } from './output.ts'
import { dataDirOption } from './settings.ts'
import { stopCluster } from './stop.ts'

/** What kubesim itself puts into a data directory: nothing else in there is touched. */
const own = ['store', 'pki', 'kubeconfig', 'kubesim.json', 'kubesim.log']

export function deleteCommand(): Command {
  return dataDirOption(new Command('delete'))
    .description('stop the cluster and delete its data')
    .option('--name <name>', 'name of the cluster')
    .action(async (options: { dataDir?: string; name?: string }) => {
      const config = readConfig(options)
      const name = options.name ?? readRecord(config.dataDir)?.name ?? config.name
      await stopCluster(config.dataDir)
      const { removeWithPast } = await import('../client/user-kubeconfig.ts')
      for (const file of config.userKubeconfigs) if (existsSync(file)) removeWithPast(file, name)
      for (const entry of own) rmSync(join(config.dataDir, entry), { recursive: true, force: true })
      if (existsSync(config.dataDir) && readdirSync(config.dataDir).length === 0)
        rmSync(config.dataDir, { recursive: true })
      done(`the cluster in ${config.dataDir} is deleted`)
    })
}

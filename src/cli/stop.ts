// kubesim stop: ends the cluster that runs in the background; its data stays for the next start.

import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { RealClock } from '../env/clock.ts'
import { isAlive, readRecord, removeRecord } from './cluster-record.ts'
import { done, progress, UserError } from './output.ts'
import { dataDirOption } from './settings.ts'

/** How long a cluster may take to end before the user is told. */
const patience = 30_000

export function stopCommand(): Command {
  return dataDirOption(new Command('stop'))
    .description('stop the cluster; its data is kept')
    .action(async (options: { dataDir?: string }) => {
      const { dataDir } = readConfig(options)
      if (await stopCluster(dataDir)) done('kubesim is stopped; "kubesim start" brings it back as it was')
      else done(`no cluster was running in ${dataDir}`)
    })
}

/** Resolves when the process is gone; false when none was running. */
export async function stopCluster(dataDir: string): Promise<boolean> {
  const record = readRecord(dataDir)
  if (!record || !isAlive(record.pid)) {
    if (record) removeRecord(dataDir, record.pid)
    return false
  }
  progress(`stopping kubesim (pid ${record.pid}) ...`)
  process.kill(record.pid, 'SIGTERM')
  const clock = new RealClock()
  for (let waited = 0; isAlive(record.pid); waited += 20) {
    if (waited > patience) throw new UserError(`process ${record.pid} has not ended after ${patience / 1000} s`)
    await clock.sleep(20)
  }
  removeRecord(dataDir, record.pid)
  return true
}

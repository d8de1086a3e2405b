// kubesim kubectl -- …: kubectl against this cluster; the one on PATH, else the packaged one.

import { spawn } from 'node:child_process'
import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { findTool } from './bundled-tools.ts'
import { requireRunning } from './cluster-record.ts'
import { dataDirOption } from './settings.ts'

export function kubectlCommand(): Command {
  return dataDirOption(new Command('kubectl'))
    .description('run kubectl against this cluster: kubesim kubectl -- get pods')
    .argument('[words...]', "kubectl's own words")
    .passThroughOptions()
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: string[], options: { dataDir?: string }) => {
      const record = requireRunning(readConfig(options).dataDir)
      const binary = await findTool('kubectl')
      const child = spawn(binary, ['--kubeconfig', record.kubeconfig, ...words], { stdio: 'inherit' })
      // The terminal sends an interrupt to both; kubectl decides what it means, and its exit code is ours.
      process.on('SIGINT', () => {})
      process.exitCode = await new Promise<number>((resolve, reject) => {
        child.once('error', reject)
        child.once('exit', (code, signal) => resolve(code ?? (signal ? 1 : 0)))
      })
    })
}

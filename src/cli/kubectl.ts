// kubesim kubectl -- …: kubectl against this cluster; the one on PATH, else the packaged one.

import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { programFolders, readConfig } from '../config.ts'
import { bundledTool } from './bundled-tools.ts'
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
      const binary = onPath('kubectl') ?? (await bundledTool('kubectl'))
      const child = spawn(binary, ['--kubeconfig', record.kubeconfig, ...words], { stdio: 'inherit' })
      // The terminal sends an interrupt to both; kubectl decides what it means, and its exit code is ours.
      process.on('SIGINT', () => {})
      process.exitCode = await new Promise<number>((resolve, reject) => {
        child.once('error', reject)
        child.once('exit', (code, signal) => resolve(code ?? (signal ? 1 : 0)))
      })
    })
}

function onPath(name: string): string | undefined {
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`] : [name]
  for (const folder of programFolders()) {
    for (const each of names) {
      try {
        accessSync(join(folder, each), constants.X_OK)
        return join(folder, each)
      } catch {
        // Not in this folder.
      }
    }
  }
  return undefined
}

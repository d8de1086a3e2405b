// kubesim ip: the address under which a node answers: what a NodePort is appended to.

import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { requireRunning } from './cluster-record.ts'
import { dataDirOption } from './settings.ts'

export function ipCommand(): Command {
  return dataDirOption(new Command('ip'))
    .description('print the address of the first node')
    .action((options: { dataDir?: string }) => {
      process.stdout.write(`${requireRunning(readConfig(options).dataDir).nodeAddress}\n`)
    })
}

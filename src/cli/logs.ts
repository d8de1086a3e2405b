// kubesim logs: what the cluster in the background wrote.

import { createReadStream, existsSync, statSync, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { logFile } from './cluster-record.ts'
import { UserError } from './output.ts'
import { dataDirOption } from './settings.ts'

export function logsCommand(): Command {
  return dataDirOption(new Command('logs'))
    .description('print the log of the cluster that runs in the background')
    .option('-n, --length <lines>', 'how many of the last lines', '60')
    .option('-f, --follow', 'go on as the log grows')
    .action(async (options: { dataDir?: string; length: string; follow?: boolean }) => {
      const { dataDir } = readConfig({ ...(options.dataDir ? { dataDir: options.dataDir } : {}) })
      const file = logFile(dataDir)
      const count = Number(options.length)
      if (!Number.isInteger(count) || count < 0)
        throw new UserError(`--length takes a whole number, not "${options.length}"`)
      if (!existsSync(file))
        throw new UserError(`there is no log in ${dataDir}: a cluster in the foreground logs to its terminal`)
      const text = await readFile(file, 'utf8')
      const lines = text.split('\n')
      if (lines.at(-1) === '') lines.pop()
      for (const line of count === 0 ? [] : lines.slice(-count)) process.stdout.write(`${line}\n`)
      if (options.follow) follow(file, Buffer.byteLength(text))
    })
}

function follow(file: string, from: number): void {
  let printed = from
  let reading = false
  watch(file, () => {
    const size = statSync(file).size
    if (reading || size <= printed) return
    reading = true
    createReadStream(file, { start: printed, end: size - 1 })
      .on('end', () => {
        printed = size
        reading = false
      })
      .pipe(process.stdout, { end: false })
  })
}

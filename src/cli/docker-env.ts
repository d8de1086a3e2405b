// eval $(kubesim docker-env): there is no Docker daemon, so `docker build` in this shell becomes `kubesim image build`;
// every other docker command stays what it was.

import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { requireRunning } from './cluster-record.ts'
import { dataDirOption } from './settings.ts'

export function dockerEnvCommand(): Command {
  return dataDirOption(new Command('docker-env'))
    .description('for eval: makes "docker build" in this shell build into the cluster')
    .option('-u, --unset', 'take it back')
    .action((options: { dataDir?: string; unset?: boolean }) => {
      if (options.unset) {
        process.stdout.write('unset -f docker;\n')
        return
      }
      const { dataDir } = readConfig({ ...(options.dataDir ? { dataDir: options.dataDir } : {}) })
      requireRunning(dataDir)
      const kubesim = [process.execPath, process.argv[1]!].map(quote).join(' ')
      // One statement, no comment and no line break that matters: an unquoted $(…) joins the lines.
      process.stdout.write(
        `docker() { if [ "$1" = build ]; then shift; ${kubesim} image build --data-dir ${quote(dataDir)} "$@"; else command docker "$@"; fi; };\n`,
      )
    })
}

function quote(word: string): string {
  return /^[\w./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

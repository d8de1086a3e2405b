// The image's /docker-entrypoint.sh: templates filled in from the environment, what its scripts say, and then what it is given
// (nginxinc/docker-nginx, entrypoint/).

import type { Process, Program } from '../../../machine/process.ts'
import { SystemError } from '../../../machine/system-error.ts'
import type { Step } from '../../../machine/wait.ts'
import { nginx as family } from '../../nginx.ts'

const templates = '/etc/nginx/templates'
const sites = '/etc/nginx/conf.d'
const site = `${sites}/default.conf`

export const nginxEntrypoint: Program = function* (process) {
  const argv = process.argv.slice(1)
  if (/^nginx(-debug)?$/.test(argv[0] ?? '')) {
    for (const line of family[0]!.prints ?? []) {
      if (!line.startsWith('/docker-entrypoint.sh: ')) continue
      yield* process.print(`${line}\n`)
      if (line.endsWith('10-listen-on-ipv6-by-default.sh')) yield* process.print(`${aboutDefaultSite(process)}\n`)
      if (line.endsWith('20-envsubst-on-templates.sh')) yield* fillTemplates(process)
    }
  }
  if (argv.length === 0) return 0
  return yield* process.exec({ argv })
}

function aboutDefaultSite({ files }: Process): string {
  const say = (text: string): string => `10-listen-on-ipv6-by-default.sh: info: ${text}`
  if (!files.exists(site)) return say(`${site} is not a file or does not exist`)
  if (!files.access(site, 'write')) return say(`can not modify ${site} (read-only file system?)`)
  if (/listen\s+\[::\]:80;/.test(files.readText(site))) return say('IPv6 listen already enabled')
  return `${say(`Getting the checksum of ${site}`)}\n${say(`${site} differs from the packaged version`)}`
}

function* fillTemplates(process: Process): Step<void> {
  const { files, env } = process
  if (!files.exists(templates)) return
  for (const name of files.list(templates)) {
    if (!name.endsWith('.template')) continue
    const [from, to] = [`${templates}/${name}`, `${sites}/${name.slice(0, -'.template'.length)}`]
    const say = (text: string): Step<void> => process.print(`20-envsubst-on-templates.sh: ${text}\n`)
    try {
      // Variables that are not set are left to nginx.
      const text = files.readText(from).replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, plain?: string) => {
        return env.get(braced ?? plain ?? '') ?? whole
      })
      yield* say(`Running envsubst on ${from} to ${to}`)
      files.write(to, text)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      yield* say(`ERROR: ${templates} exists, but ${sites} is not writable`)
      return
    }
  }
}

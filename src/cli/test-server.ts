// kubesim test-server: many clusters in one process, for tests in any language; runs until it is interrupted.

import { Command } from 'commander'
import { createEnding } from '../env/ending.ts'
import { paint, print, UserError } from './output.ts'
import { outputOption } from './settings.ts'

interface Options {
  readonly port: string
  readonly tlsPort: string
  readonly most: string
  readonly ttl: string
  readonly withStdin?: boolean
  readonly output: string
}

export function testServerCommand(): Command {
  return outputOption(new Command('test-server'))
    .description('serve a fresh cluster for each test, in any language: POST /clusters')
    .option('--port <number>', 'where clusters are made over HTTP, 0 for a free one', '6440')
    .option('--tls-port <number>', 'where the clusters are that kubeconfigs lead to, 0 for a free one', '0')
    .option('--most <number>', 'how many clusters there may be at once', '100')
    .option('--ttl <duration>', 'a cluster that nobody asks anything for so long is ended, 0s for never', '10m')
    .option('--with-stdin', 'end when standard input does, as a child of whoever started it')
    .action(run)
}

async function run(options: Options): Promise<void> {
  const { parseDuration } = await import('../api/duration.ts')
  const { keepHeapSmall } = await import('../env/memory.ts')
  const { testServer } = await import('../test-server/server.ts')
  keepHeapSmall()
  const ttl = parseDuration(options.ttl)
  if (ttl === undefined) throw new UserError(`--ttl takes a duration such as 10m, not "${options.ttl}"`)
  const port = whole('port', options.port, 65_535)
  const tlsPort = whole('tls-port', options.tlsPort, 65_535)
  const most = whole('most', options.most, 10_000)
  const stopping = createEnding()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort())
  const server = await testServer({ port, tlsPort, most, ttl }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') throw error
    throw new UserError(`a port cannot be had (${error.message}): choose another with --port, or 0 for a free one`)
  })
  const { url, secureUrl } = server
  print(options.output, { url, secureUrl, pid: process.pid }, () =>
    [
      `kubesim test-server is ready: ${url}`,
      `  ${paint('dim', 'try:')} curl -X POST ${url}/clusters -d '{"nodes": 1}'`,
      '',
    ].join('\n'),
  )
  if (options.withStdin) process.stdin.once('end', () => stopping.abort()).resume()
  if (!stopping.signal.aborted) {
    await new Promise<void>(resolve => stopping.signal.addEventListener('abort', () => resolve(), { once: true }))
  }
  await server.close()
  process.exit(0)
}

function whole(name: string, text: string, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value <= most) return value
  throw new UserError(`--${name} takes a whole number from 0 to ${most}, not "${text}"`)
}

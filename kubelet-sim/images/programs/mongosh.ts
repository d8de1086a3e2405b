// mongosh and mongo, as far as probes and people ask whether there is a server: ping, hello and version. All else is refused by
// name; what a mongod stores is not simulated.

import type { Program } from '../../machine/process.ts'
import { NameError } from '../../machine/sockets.ts'
import { SystemError } from '../../machine/system-error.ts'

const version = '2.5.8'

export const mongosh: Program = function* (process) {
  const words = process.argv.slice(1)
  if (words.includes('--version')) {
    yield* process.print(`${version}\n`)
    return 0
  }
  const option = (...names: readonly string[]): string | undefined => {
    const at = words.findIndex(word => names.includes(word.split('=')[0]!))
    return at < 0 ? undefined : words[at]!.includes('=') ? words[at]!.slice(words[at]!.indexOf('=') + 1) : words[at + 1]
  }
  const url = words.find(word => /^mongodb:\/\//.test(word))
  const [, fromUrl, portOfUrl] = /^mongodb:\/\/(?:[^@/]*@)?([^:/,]+)(?::(\d+))?/.exec(url ?? '') ?? []
  const host = fromUrl ?? option('--host') ?? '127.0.0.1'
  const port = Number(portOfUrl ?? option('--port') ?? 27_017)
  try {
    const [address = host] = yield* process.sockets.lookup(host)
    const connection = yield* process.sockets.connect({ host: address, port }, { timeout: 2000 })
    connection.close()
  } catch (error) {
    if (!(error instanceof SystemError) && !(error instanceof NameError)) throw error
    const why = error instanceof NameError ? `getaddrinfo ENOTFOUND ${host}` : `connect ${error.errno} ${host}:${port}`
    yield* process.complain(`MongoNetworkError: ${why}\n`)
    return 1
  }
  const code = option('--eval', '-e') ?? ''
  if (
    /^\s*(printjson\()?db\.(adminCommand|runCommand)\((\{\s*)?["']?(ping|hello)["']?(\s*:\s*1\s*\})?\)\)?(\.ok)?\s*;?\s*$/.test(
      code,
    )
  ) {
    yield* process.print(/\.ok\s*;?\s*$/.test(code) ? '1\n' : '{ ok: 1 }\n')
    return 0
  }
  if (/^\s*db\.version\(\)\s*;?\s*$/.test(code)) {
    yield* process.print('8.0.13\n')
    return 0
  }
  yield* process.complain(
    `mongosh: kubesim's mongod only answers a ping: ${code === '' ? 'no --eval was given' : code.slice(0, 80)}\n`,
  )
  return 1
}

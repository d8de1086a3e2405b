// md5sum, sha1sum, sha256sum, sha512sum, base64.

import { createHash } from 'node:crypto'
import type { Process } from '../process.ts'
import type { Step } from '../wait.ts'
import { filesOr } from './cat.ts'
import { optionsOf } from './options.ts'
import { openInput, readAll, tryOpen } from './text-streams.ts'
import { nameOf, numberOf, ToolError, tool } from './tool.ts'

export const digest = tool('[-c[sw]] [FILE]...', function* (process) {
  const options = optionsOf(process, 'cswbt', { check: 'c', status: 's', warn: 'w', binary: 'b', text: 't' })
  const algorithm = nameOf(process).replace(/sum$/, '')
  let code = 0
  for (const name of filesOr(options.words)) {
    if (options.has('c')) {
      code = (yield* checked(process, algorithm, name, options.has('s'))) || code
      continue
    }
    const sum = yield* sumOf(process, algorithm, name)
    if (sum === undefined) code = 1
    else yield* process.print(`${sum}  ${name}\n`)
  }
  return code
})

function* sumOf(process: Process, algorithm: string, name: string): Step<string | undefined> {
  const stream = yield* tryOpen(process, name, 'open')
  if (stream === undefined) return undefined
  const hash = createHash(algorithm)
  for (let part = yield* stream.read(65536); part !== undefined; part = yield* stream.read(65536)) {
    hash.update(part)
    yield* process.pause()
  }
  stream.close()
  return hash.digest('hex')
}

function* checked(process: Process, algorithm: string, list: string, quiet: boolean): Step<number> {
  const stream = openInput(process, list)
  const lines = (yield* readAll(process, stream)).toString().split('\n').filter(Boolean)
  stream.close()
  let failed = 0
  for (const line of lines) {
    const match = /^([0-9a-fA-F]+) [ *](.*)$/.exec(line)
    if (match === null) throw new ToolError('invalid format')
    const sum = yield* sumOf(process, algorithm, match[2]!)
    const isWell = sum === match[1]!.toLowerCase()
    if (!isWell) failed++
    if (!quiet) yield* process.print(`${match[2]}: ${isWell ? 'OK' : 'FAILED'}\n`)
  }
  if (failed > 0 && !quiet) {
    yield* process.complain(
      `${nameOf(process)}: WARNING: ${failed} of ${lines.length} computed checksums did NOT match\n`,
    )
  }
  return failed > 0 ? 1 : 0
}

export const base64 = tool('[-d] [-w COL] [FILE]', function* (process) {
  const options = optionsOf(process, 'dw:i', { decode: 'd', wrap: 'w', 'ignore-garbage': 'i' })
  const stream = openInput(process, options.words[0] ?? '-')
  const bytes = yield* readAll(process, stream)
  stream.close()
  if (options.has('d')) {
    const text = bytes.toString('latin1').replace(/\s/g, '')
    if (!options.has('i') && !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
      yield* process.print(Buffer.from(/^[A-Za-z0-9+/]*/.exec(text)![0], 'base64'))
      throw new ToolError('invalid input')
    }
    yield* process.print(Buffer.from(text, 'base64'))
    return 0
  }
  const width = numberOf(options.value('w') ?? '76')
  const text = bytes.toString('base64')
  if (width === 0) yield* process.print(text)
  else yield* process.print((text.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).map(line => `${line}\n`).join(''))
  return 0
})

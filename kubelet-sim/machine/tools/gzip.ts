// gzip, gunzip, zcat: in one piece, at once; no I/O of the real machine is done for it.

import { gunzipSync, gzipSync } from 'node:zlib'
import { openStream } from '../open-stream.ts'
import { filesOr } from './cat.ts'
import { optionsOf } from './options.ts'
import { outputOf, readAll, tryOpen } from './text-streams.ts'
import { nameOf, pathOf, ToolError, tool } from './tool.ts'

const most = 64 * 1024 * 1024

export const gzip = tool('[-cfkdt123456789] [FILE]...', function* (process) {
  const options = optionsOf(process, 'cfkdtnqv123456789', {
    stdout: 'c',
    force: 'f',
    keep: 'k',
    decompress: 'd',
    test: 't',
  })
  const called = nameOf(process)
  const unzips = called !== 'gzip' || options.has('d') || options.has('t')
  const prints = options.has('c') || called === 'zcat'
  let code = 0
  for (const name of filesOr(options.words)) {
    const stream = yield* tryOpen(process, name)
    if (stream === undefined) {
      code = 1
      continue
    }
    const bytes = yield* readAll(process, stream)
    stream.close()
    let result: Buffer
    try {
      result = unzips ? gunzipSync(bytes, { maxOutputLength: most }) : gzipSync(bytes)
    } catch {
      yield* process.complain(`${called}: ${bytes.length === 0 ? 'short read' : 'invalid magic'}\n`)
      code = 1
      continue
    }
    if (options.has('t')) continue
    if (name === '-' || prints) {
      const output = outputOf(process)
      if (!unzips && output.terminal && !options.has('f')) {
        throw new ToolError('compressed data not written to terminal, use -f to force it')
      }
      yield* output.write(result)
      continue
    }
    const target = unzips
      ? name.endsWith('.tgz')
        ? name.replace(/tgz$/, 'tar')
        : name.replace(/\.gz$/, '')
      : `${name}.gz`
    if (target === name) {
      yield* process.complain(`${called}: ${name}: unknown suffix - ignored\n`)
      code = 1
      continue
    }
    if (process.files.exists(pathOf(process, target)) && !options.has('f')) {
      yield* process.complain(`${called}: can't open '${target}': File exists\n`)
      code = 1
      continue
    }
    const output = openStream(process, target, { write: true, create: true, truncate: true })
    yield* output.write(result)
    output.close()
    if (!options.has('k')) process.files.unlink(pathOf(process, name))
  }
  return code
})

// dd and split: bytes in blocks.

import { openStream } from '../open-stream.ts'
import { SystemError } from '../system-error.ts'
import { optionsOf } from './options.ts'
import { openInput, outputOf } from './text-streams.ts'
import { numberOf, pathOf, ToolError, tool } from './tool.ts'

export const dd = tool(
  '[if=FILE] [of=FILE] [bs=N] [count=N] [skip=N] [seek=N] [conv=notrunc|fsync] [status=none]',
  function* (process) {
    const given = new Map(
      process.argv.slice(1).map(word => {
        const equals = word.indexOf('=')
        if (equals < 1) throw new ToolError(`invalid argument '${word}'`)
        return [word.slice(0, equals), word.slice(equals + 1)] as const
      }),
    )
    for (const key of given.keys()) {
      if (
        !['if', 'of', 'bs', 'ibs', 'obs', 'count', 'skip', 'seek', 'conv', 'status', 'iflag', 'oflag'].includes(key)
      ) {
        throw new ToolError(`invalid argument '${key}=${given.get(key)}'`)
      }
    }
    const number = (key: string) => {
      const text = given.get(key)
      return text === undefined ? undefined : numberOf(text.replace(/^(\d+)c$/, '$1'), { suffixes: true })
    }
    const block = number('bs') ?? number('ibs') ?? 512
    if (block > 16 * 1024 * 1024) throw new ToolError('memory exhausted')
    const [count, skip, seek] = [number('count') ?? Number.POSITIVE_INFINITY, number('skip') ?? 0, number('seek') ?? 0]
    const source = given.get('if')
    const target = given.get('of')
    let input: ReturnType<typeof openInput>
    try {
      input = openInput(process, source ?? '-')
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      throw new ToolError(`can't open '${source}': ${error.message}`)
    }
    const keeps = given.get('conv')?.split(',').includes('notrunc') ?? false
    let write: (bytes: Uint8Array) => ReturnType<ReturnType<typeof outputOf>['write']>
    let close = () => {}
    try {
      if (target !== undefined && seek > 0) {
        const file = process.files.open(pathOf(process, target), {
          write: true,
          create: true,
          truncate: !keeps,
          mode: 0o666 & ~process.umask,
        })
        file.seek(seek * block)
        // biome-ignore lint/correctness/useYield: a file never waits
        write = function* (bytes) {
          file.write(bytes)
        }
      } else {
        const stream =
          target === undefined
            ? outputOf(process)
            : openStream(process, target, { write: true, create: true, truncate: !keeps })
        write = bytes => stream.write(bytes)
        if (target !== undefined) close = () => stream.close()
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      throw new ToolError(`can't open '${target}': ${error.message}`)
    }
    let [whole, partial, total, code] = [0, 0, 0, 0]
    const from = process.clock.now()
    try {
      for (let left = skip * block; left > 0; ) {
        const part = yield* input.read(Math.min(left, block))
        if (part === undefined) break
        left -= part.length
      }
      while (whole + partial < count) {
        const part = yield* input.read(block)
        if (part === undefined) break
        yield* write(part)
        total += part.length
        if (part.length === block) whole++
        else partial++
        yield* process.pause()
      }
    } catch (error) {
      if (!(error instanceof SystemError) || error.errno === 'EPIPE') throw error
      yield* process.complain(`dd: error writing '${target ?? 'standard output'}': ${error.message}\n`)
      code = 1
    }
    input.close()
    close()
    if (given.get('status') === 'none') return code
    const records = `${whole}+${partial} records`
    yield* process.complain(`${records} in\n${records} out\n`)
    if (given.get('status') === 'noxfer') return code
    const seconds = (process.clock.now() - from) / 1000
    const speed = total / Math.max(seconds, 0.001) / 1024 / 1024
    yield* process.complain(
      `${total} bytes (${(total / 1024 / 1024).toFixed(1)}MB) copied, ${seconds.toFixed(6)} seconds, ${speed.toFixed(1)}MB/s\n`,
    )
    return code
  },
)

export const split = tool('[OPTIONS] [INPUT [PREFIX]]', function* (process) {
  const options = optionsOf(process, 'l:b:a:')
  const [name = '-', prefix = 'x'] = options.words
  const size = options.value('b')
  const lines = numberOf(options.value('l') ?? '1000')
  const width = numberOf(options.value('a') ?? '2')
  const input = openInput(process, name)
  let [number, rest] = [0, Buffer.alloc(0)]
  const part = () => {
    let letters = ''
    for (let left = number, index = 0; index < width; index++, left = Math.floor(left / 26)) {
      letters = String.fromCharCode(97 + (left % 26)) + letters
    }
    number++
    return pathOf(process, prefix + letters)
  }
  const cut = (): number => {
    if (size !== undefined) {
      const bytes = numberOf(size, { suffixes: true })
      return rest.length >= bytes ? bytes : -1
    }
    let at = 0
    for (let left = lines; left > 0; left--) {
      const end = rest.indexOf(10, at)
      if (end < 0) return -1
      at = end + 1
    }
    return at
  }
  for (let bytes = yield* input.read(65536); bytes !== undefined; bytes = yield* input.read(65536)) {
    rest = Buffer.concat([rest, bytes])
    for (let end = cut(); end > 0; end = cut()) {
      process.files.write(part(), rest.subarray(0, end))
      rest = rest.subarray(end)
    }
    yield* process.pause()
  }
  if (rest.length > 0) process.files.write(part(), rest)
  input.close()
  return 0
})

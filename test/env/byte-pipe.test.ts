// Bytes between a writer and a reader that go at their own pace.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BytePipe } from '../../src/env/byte-pipe.ts'

const bytes = (text: string) => Buffer.from(text)
const text = (chunk: Uint8Array | undefined) => chunk && Buffer.from(chunk).toString()

test('what is written is taken in its order, in pieces as small as asked for', () => {
  const pipe = new BytePipe()
  pipe.write(bytes('hello '))
  pipe.write(bytes('world'))
  expect(text(pipe.take(4))).toBe('hell')
  expect(text(pipe.take(4))).toBe('o ')
  expect(text(pipe.take())).toBe('world')
  expect(pipe.take()).toBeUndefined()
  expect(pipe.isOver).toBe(false)
  pipe.end()
  expect(pipe.isOver).toBe(true)
})

test('a writer has room until the pipe is full, and again when something is taken', async () => {
  const pipe = new BytePipe(4)
  pipe.write(bytes('abc'))
  expect(pipe.hasRoom).toBe(true)
  pipe.write(bytes('defg'))
  expect(pipe.hasRoom).toBe(false)
  const room = pipe.room().then(() => pipe.size)
  pipe.take()
  pipe.take(2)
  expect(await room).toBe(2)
})

test('a reader who leaves makes room for ever; what is written then is dropped', async () => {
  const pipe = new BytePipe(1)
  pipe.write(bytes('abc'))
  const room = pipe.room()
  pipe.abandon()
  await room
  pipe.write(bytes('more'))
  expect([pipe.size, pipe.hasRoom, pipe.isAbandoned, pipe.isOver]).toEqual([0, true, true, true])
})

test('who waits hears of one change, once, unless he has taken it back', () => {
  const pipe = new BytePipe()
  const heard: string[] = []
  pipe.onChange(() => heard.push('first'))
  const cancel = pipe.onChange(() => heard.push('second'))
  cancel()
  pipe.write(bytes('a'))
  pipe.write(bytes('b'))
  expect(heard).toEqual(['first'])
})

test('reading as it comes ends with the writer; breaking off tells him', async () => {
  const pipe = new BytePipe()
  const read = (async () => {
    let all = ''
    for await (const chunk of pipe) all += text(chunk)
    return all
  })()
  pipe.write(bytes('one '))
  await Promise.resolve()
  pipe.write(bytes('two'))
  pipe.end()
  expect(await read).toBe('one two')

  const left = new BytePipe()
  left.write(bytes('some'))
  for await (const _ of left) break
  expect(left.isAbandoned).toBe(true)
})

test('no byte is lost, doubled or out of order, whatever the sizes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 50 })),
      fc.integer({ min: 1, max: 40 }),
      async (chunks, max) => {
        const pipe = new BytePipe(16)
        const writing = (async () => {
          for (const chunk of chunks) {
            await pipe.room()
            pipe.write(chunk)
          }
          pipe.end()
        })()
        const got: Uint8Array[] = []
        while (!pipe.isOver) {
          const chunk = pipe.take(max)
          if (chunk === undefined) await pipe.changed()
          else got.push(chunk)
        }
        await writing
        expect(Buffer.concat(got)).toEqual(Buffer.concat(chunks))
        for (const each of got) expect(each.length).toBeLessThanOrEqual(max)
      },
    ),
  )
})

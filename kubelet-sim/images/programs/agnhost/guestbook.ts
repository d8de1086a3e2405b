// agnhost guestbook: a store of keys with replicas, and a frontend before them (test/images/agnhost/guestbook/guestbook.go).

import type { SimulatedRequest, SimulatedResponse } from '../../../../src/client/node-client.ts'
import type { Process } from '../../../machine/process.ts'
import { NameError } from '../../../machine/sockets.ts'
import type { Step } from '../../../machine/wait.ts'
import { endingOn } from '../ending.ts'
import { flagsOf, formOf, goWords, httpError, log, pathOf, reply } from '../go.ts'
import { Threads } from '../threads.ts'
import { dialHttp } from './netexec.ts'

interface Book {
  readonly process: Process
  readonly backend: number
  readonly replicas: string[]
  store: Record<string, unknown>
}

const patience = 15_000

export function* guestbook(process: Process, words: readonly string[]): Step<number> {
  const known = { 'http-port': '80', 'backend-port': '6379', replicaof: '' }
  const { text } = yield* flagsOf(process, words, known)
  const ending = endingOn(process, { TERM: 143, INT: 130 })
  const threads = new Threads()
  const store: Record<string, unknown> = Object.create(null)
  const book: Book = { process, backend: Number(text['backend-port']), replicas: [], store }
  if (text.replicaof !== '') threads.add(register(book, text.replicaof!, ending.with))
  process.sockets.serve(Number(text['http-port']), request => answer(book, request))
  return yield* threads.run(ending.wait())
}

function* ask({ process, backend }: Book, name: string, wanted: string): Step<string> {
  const [address] = yield* process.sockets.lookup(name)
  return yield* dialHttp(process, { host: address ?? name, port: backend }, wanted)
}

function* register(book: Book, primary: string, end: (code: number) => void): Step<void> {
  const { process } = book
  const until = process.clock.now() + patience
  while (process.clock.now() < until) {
    const [own = ''] = process.sockets.addresses
    const wanted = `register?host=${own}`
    yield* log(process, `Registering to primary: ${primary}:${book.backend}/${wanted}`)
    try {
      const { data } = JSON.parse(yield* ask(book, primary, wanted)) as { data: Record<string, unknown> }
      book.store = Object.assign(Object.create(null), data)
      yield* log(process, `Registered to node: ${primary}`)
      return
    } catch (error) {
      const why = error instanceof NameError ? `lookup ${primary}: no such host` : goWords(error)
      yield* log(process, `encountered error while registering to primary: ${why}. Retrying in 1s.`)
      yield* process.sleep(1000)
    }
  }
  yield* log(process, 'Timed out while registering to primary.')
  end(1)
}

function* answer(book: Book, request: SimulatedRequest): Step<SimulatedResponse> {
  const { process, store } = book
  const form = formOf(request)
  const [key, value] = [form('key'), form('value')]
  switch (pathOf(request)) {
    case '/register': {
      yield* log(process, `GET /register?host=${form('host')}`)
      book.replicas.push(form('host'))
      yield* log(process, `Node '${form('host')}' registered.`)
      return reply(JSON.stringify({ data: store }))
    }
    case '/get':
      yield* log(process, `GET /get?key=${key}`)
      return reply(JSON.stringify({ data: key === '' ? store : (store[key] ?? '') }))
    case '/set': {
      yield* log(process, `GET /set?key=${key}&value=${value}`)
      if (key === '') return httpError('cannot set with empty key.', 400)
      store[key] = value
      for (const replica of book.replicas) {
        try {
          yield* ask(book, replica, `set?key=${encodeURIComponent(key)}&value=${encodeURIComponent(value)}`)
        } catch (error) {
          return httpError(`encountered error while propagating to replica '${replica}': ${goWords(error)}`, 417)
        }
      }
      return reply(JSON.stringify({ message: 'Updated' }))
    }
    case '/guestbook': {
      const command = form('cmd').toLowerCase()
      yield* log(process, `GET /guestbook?cmd=${command}&key=${key}&value=${value}`)
      if (command !== 'get' && command !== 'set') return httpError(`unsupported cmd: '${command}'`, 400)
      if (command === 'set' && key === '') return httpError('cannot set with empty key.', 400)
      const host = command === 'get' ? 'agnhost-replica' : 'agnhost-primary'
      try {
        return reply(
          yield* ask(book, host, `${command}?key=${encodeURIComponent(key)}&value=${encodeURIComponent(value)}`),
        )
      } catch (error) {
        if (!(error instanceof NameError)) return httpError(`encountered error: ${goWords(error)}`, 417)
        return httpError(`host and/or port param are invalid. lookup ${host}: no such host`, 400)
      }
    }
    default:
      return reply('404 page not found\n', 404)
  }
}

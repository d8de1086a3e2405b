// nslookup, dig and host: questions to the pod's name server, printed as busybox's nslookup (of 1.28, and from 1.29 on) and bind's
// tools print them.

import { namesToTry, parseResolvConf, type ResolverSettings } from '../../network/resolver.ts'
import type { Process } from '../process.ts'
import type { DnsAnswer } from '../sockets.ts'
import { NameError } from '../sockets.ts'
import type { Step } from '../wait.ts'
import { tool, UsageError } from './tool.ts'

function settingsOf({ files }: Process): ResolverSettings {
  return parseResolvConf(files.exists('/etc/resolv.conf') ? files.readText('/etc/resolv.conf') : '')
}

const isAddress = (text: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(text) || text.includes(':')

/** `10.0.0.1` → `1.0.0.10.in-addr.arpa`. */
function reversed(address: string): string {
  if (!address.includes(':')) return `${address.split('.').reverse().join('.')}.in-addr.arpa`
  const [head = '', tail = ''] = address.split('::')
  const [front, back] = [head, tail].map(part => part.split(':').filter(Boolean)) as [string[], string[]]
  const groups = [...front, ...Array(8 - front.length - back.length).fill('0'), ...back]
  const digits = groups.map(group => group.padStart(4, '0')).join('')
  return `${[...digits].reverse().join('.')}.ip6.arpa`
}

/** undefined: no server answers. */
function* asked(process: Process, name: string, type: string, server?: string): Step<DnsAnswer | undefined> {
  try {
    return yield* process.sockets.query(name, type, server)
  } catch (error) {
    if (error instanceof NameError) return undefined
    throw error
  }
}

export const nslookup = tool('[-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]', function* (process) {
  const words = process.argv.slice(1)
  const type = words
    .find(word => /^-(type|query|q|querytype)=/.test(word))
    ?.replace(/^.*=/, '')
    .toUpperCase()
  const [name, given] = words.filter(word => !word.startsWith('-'))
  if (name === undefined) throw new UsageError('')
  const settings = settingsOf(process)
  const server = given ?? settings.servers[0] ?? '127.0.0.1'
  const { image } = process.machine
  const isBusybox = /(^|\/)(busybox|alpine)(:|@|$)/.test(image)
  if (/busybox:1\.(1\d|2[0-8])\b/.test(image)) return yield* oldLookup(process, name, server)
  if (isBusybox) return yield* busyboxLookup(process, name, type, server, settings, given)
  return yield* bindLookup(process, name, type, server, settings, given)
})

/** busybox up to 1.28: through libc's resolver, with the names of addresses. */
function* oldLookup(process: Process, name: string, server: string): Step<number> {
  const named = function* (address: string): Step<string> {
    const answer = yield* asked(process, reversed(address), 'PTR')
    const [first] = answer?.records ?? []
    return first === undefined ? address : `${address} ${first.data.replace(/\.$/, '')}`
  }
  yield* process.print(`Server:    ${server}\nAddress 1: ${yield* named(server)}\n\n`)
  let addresses: readonly string[]
  try {
    addresses = isAddress(name) ? [name] : yield* process.sockets.lookup(name)
  } catch (error) {
    if (!(error instanceof NameError)) throw error
    yield* process.complain(`nslookup: can't resolve '${name}'\n`)
    return 1
  }
  yield* process.print(`Name:      ${name}\n`)
  for (const [index, address] of addresses.entries()) {
    yield* process.print(`Address ${index + 1}: ${yield* named(address)}\n`)
  }
  return 0
}

/** busybox from 1.29 on: names with a dot are asked as they are, others with each search domain. */
function* busyboxLookup(
  process: Process,
  name: string,
  type: string | undefined,
  server: string,
  { search }: ResolverSettings,
  given: string | undefined,
): Step<number> {
  const types = type !== undefined ? [type] : isAddress(name) ? ['PTR'] : ['A', 'AAAA']
  const names = isAddress(name)
    ? [reversed(name)]
    : name.includes('.') || search.length === 0
      ? [name.replace(/\.$/, '')]
      : search.map(domain => `${name}.${domain}`)
  const answers: { question: string; type: string; answer: DnsAnswer | undefined }[] = []
  for (const question of names) {
    for (const each of types)
      answers.push({ question, type: each, answer: yield* asked(process, question, each, given) })
  }
  if (answers.every(({ answer }) => answer === undefined)) {
    yield* process.complain(';; connection timed out; no servers could be reached\n\n')
    return 1
  }
  yield* process.print(`Server:\t\t${server}\nAddress:\t${server.includes(':') ? `[${server}]` : server}:53\n\n`)
  let code = 0
  for (const { question, type: its, answer } of answers) {
    if (answer === undefined) continue
    if (answer.code !== 'NOERROR') {
      yield* process.print(`** server can't find ${question}: ${answer.code}\n\n`)
      code = 1
      continue
    }
    if (answer.records.length === 0 && type !== undefined)
      yield* process.print(`*** Can't find ${question}: No answer\n`)
    for (const record of answer.records) yield* process.print(recordText(record, its))
    yield* process.print('\n')
  }
  return code
}

function recordText({ name, type, data }: DnsAnswer['records'][number], asked: string): string {
  const own = name.replace(/\.$/, '')
  const value = data.replace(/\.$/, '')
  switch (type) {
    case 'A':
    case 'AAAA':
      return `Name:\t${own}\nAddress: ${value}\n`
    case 'CNAME':
      return `${own}\tcanonical name = ${value}\n`
    case 'PTR':
      return `${own}\tname = ${value}\n`
    case 'SRV':
      return `${own}\tservice = ${value}\n`
    case 'TXT':
      return `${own}\ttext = ${data}\n`
    default:
      return `${own}\t${asked.toLowerCase()} = ${value}\n`
  }
}

/** bind's: the search domains in turn until a name is there. */
function* bindLookup(
  process: Process,
  name: string,
  type: string | undefined,
  server: string,
  settings: ResolverSettings,
  given: string | undefined,
): Step<number> {
  const types = type !== undefined ? [type] : isAddress(name) ? ['PTR'] : ['A', 'AAAA']
  const names = isAddress(name) ? [reversed(name)] : namesToTry(name, settings)
  let last: DnsAnswer | undefined
  for (const question of names) {
    last = yield* asked(process, question, types[0]!, given)
    if (last === undefined) {
      yield* process.print(';; connection timed out; no servers could be reached\n\n')
      return 1
    }
    if (last.code !== 'NOERROR') continue
    const rest: DnsAnswer[] = []
    for (const more of types.slice(1)) {
      const answer = yield* asked(process, question, more, given)
      if (answer !== undefined) rest.push(answer)
    }
    const records = [last, ...rest].flatMap(({ records }) => records)
    if (records.length === 0 && names.length > 1 && question !== names.at(-1)) continue
    if (types[0] !== 'PTR') yield* process.print(`Server:\t\t${server}\nAddress:\t${server}#53\n\n`)
    if (records.length === 0) yield* process.print(`*** Can't find ${name}: No answer\n`)
    const seen = new Set<string>()
    for (const record of records) {
      const text = recordText(record, types[0]!)
      if (!seen.has(text)) yield* process.print(record.type === 'PTR' ? text.replace(/\n$/, '.\n') : text)
      seen.add(text)
    }
    yield* process.print('\n')
    return 0
  }
  if (types[0] !== 'PTR') yield* process.print(`Server:\t\t${server}\nAddress:\t${server}#53\n\n`)
  yield* process.print(`** server can't find ${names.at(-1)}: ${last?.code ?? 'SERVFAIL'}\n\n`)
  return 1
}

export const dig = tool('[@server] [name] [type] [+options]', function* (process) {
  const words = process.argv.slice(1)
  const flags = new Set(words.filter(word => word.startsWith('+')).map(word => word.slice(1)))
  const server = words.find(word => word.startsWith('@'))?.slice(1)
  const plain = words.filter(word => !/^[+@]/.test(word) && !/^-[46]$/.test(word))
  const questions: { name: string; type: string }[] = []
  // A type that stands before the first name is that name's.
  let first = 'A'
  const typed = (type: string): void => {
    const last = questions.at(-1)
    if (last) last.type = type
    else first = type
  }
  for (let at = 0; at < plain.length; at++) {
    const word = plain[at]!
    if (word === '-x') questions.push({ name: reversed(plain[++at] ?? ''), type: 'PTR' })
    else if (word === '-t') typed((plain[++at] ?? 'A').toUpperCase())
    else if (/^(A|AAAA|SRV|PTR|TXT|CNAME|NS|SOA|MX|ANY)$/i.test(word)) typed(word.toUpperCase())
    else questions.push({ name: word, type: questions.length === 0 ? first : 'A' })
  }
  const settings = settingsOf(process)
  for (const { name, type } of questions) {
    const names = flags.has('search') ? namesToTry(name, settings) : [name.replace(/\.$/, '')]
    let answer: DnsAnswer | undefined
    let question = name
    for (question of names) {
      answer = yield* asked(process, question, type, server)
      if (answer?.code === 'NOERROR' && answer.records.length > 0) break
    }
    if (answer === undefined) {
      yield* process.print(`;; communications error to ${server ?? settings.servers[0]}#53: timed out\n\n`)
      yield* process.print(';; no servers could be reached\n')
      return 9
    }
    if (flags.has('short')) {
      yield* process.print(answer.records.map(({ data }) => `${data}\n`).join(''))
      continue
    }
    const lines = answer.records.map(each => `${dotted(each.name)}\t${each.ttl}\tIN\t${each.type}\t${each.data}\n`)
    if (flags.has('noall')) {
      if (flags.has('answer')) yield* process.print(lines.join(''))
      continue
    }
    const id = Math.floor(process.random.fraction() * 65_536)
    const counts = `QUERY: 1, ANSWER: ${lines.length}, AUTHORITY: 0, ADDITIONAL: 1`
    yield* process.print(
      [
        `\n; <<>> DiG 9.18.28 <<>> ${words.join(' ')}`,
        ';; global options: +cmd',
        ';; Got answer:',
        `;; ->>HEADER<<- opcode: QUERY, status: ${answer.code}, id: ${id}`,
        `;; flags: qr aa rd; ${counts}`,
        '\n;; QUESTION SECTION:',
        `;${dotted(question)}\t\tIN\t${type}`,
        ...(lines.length > 0 ? [`\n;; ANSWER SECTION:\n${lines.join('').trimEnd()}`] : []),
        '\n;; Query time: 0 msec',
        `;; SERVER: ${answer.server}#53(${answer.server}) (UDP)`,
        '\n',
      ].join('\n'),
    )
  }
  return 0
})

function dotted(name: string): string {
  return name.endsWith('.') ? name : `${name}.`
}

export const host = tool('[-t type] name [server]', function* (process) {
  const words = process.argv.slice(1)
  const typeAt = words.indexOf('-t')
  const type = typeAt < 0 ? undefined : words.splice(typeAt, 2)[1]?.toUpperCase()
  const [name, server] = words.filter(word => !word.startsWith('-'))
  if (name === undefined) throw new UsageError('')
  const names = isAddress(name) ? [reversed(name)] : namesToTry(name, settingsOf(process))
  const types = type !== undefined ? [type] : isAddress(name) ? ['PTR'] : ['A', 'AAAA']
  let code = 'NXDOMAIN'
  for (const question of names) {
    let count = 0
    for (const each of types) {
      const answer = yield* asked(process, question, each, server)
      if (answer === undefined) {
        yield* process.print(';; connection timed out; no servers could be reached\n')
        return 1
      }
      code = answer.code
      for (const record of answer.records) {
        count++
        const own = record.name.replace(/\.$/, '')
        const relation = {
          A: 'has address',
          AAAA: 'has IPv6 address',
          CNAME: 'is an alias for',
          PTR: 'domain name pointer',
          SRV: 'has SRV record',
          TXT: 'descriptive text',
        }[record.type]
        yield* process.print(`${own} ${relation ?? `has ${record.type} record`} ${record.data}\n`)
      }
    }
    if (count > 0) return 0
  }
  const missing = code === 'NOERROR' ? `${name} has no ${types[0]} record` : `Host ${name} not found: 3(${code})`
  yield* process.print(`${missing}\n`)
  return code === 'NOERROR' ? 0 : 1
})

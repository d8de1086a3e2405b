// Who and where: id, whoami, groups, hostname, uname, nproc, arch, tty, which, getent, logname, users.

import type { Process } from '../process.ts'
import { optionsOf } from './options.ts'
import { accounts, groups as groupsOf, Owners } from './owners.ts'
import { pathOf, ToolError, tool, UsageError } from './tool.ts'

/** What `uname -r` says on every fake node. */
export const kernelRelease = '6.12.0-kubesim'

export const id = tool('[-ugGnr] [USER]', function* (process) {
  const options = optionsOf(process, 'ugGnr', { user: 'u', group: 'g', groups: 'G', name: 'n', real: 'r' })
  const owners = new Owners(process.files)
  const [name] = options.words
  let { uid, gid, groups, realUid = uid } = process.user
  if (name !== undefined) {
    const known = accounts(process.files).find(each => each.name === name || String(each.uid) === name)
    if (known === undefined) throw new ToolError(`unknown user ${name}`)
    ;({ uid, gid } = known)
    realUid = uid
    groups = [gid, ...groupsOf(process.files).flatMap(each => (each.members.includes(name) ? [each.gid] : []))]
  }
  const all = [gid, ...groups.filter(each => each !== gid)]
  const names = options.has('n')
  let text: string
  if (options.has('u')) {
    const shown = options.has('r') ? realUid : uid
    text = names ? userName(owners, shown) : String(shown)
  } else if (options.has('g')) text = names ? owners.group(gid) : String(gid)
  else if (options.has('G')) text = all.map(each => (names ? owners.group(each) : String(each))).join(' ')
  else {
    const shown = (number: number, called: string) => (called === String(number) ? called : `${number}(${called})`)
    const list = all.map(each => shown(each, owners.group(each))).join(',')
    const user = shown(realUid, owners.user(realUid))
    const effective = uid === realUid ? '' : ` euid=${shown(uid, owners.user(uid))}`
    text = `uid=${user} gid=${shown(gid, owners.group(gid))}${effective}${all.length > 0 ? ` groups=${list}` : ''}`
  }
  yield* process.print(`${text}\n`)
  return 0
})

function userName(owners: Owners, uid: number): string {
  if (!owners.knowsUser(uid)) throw new ToolError(`unknown ID ${uid}`)
  return owners.user(uid)
}

export const whoami = tool('', function* (process) {
  const owners = new Owners(process.files)
  if (!owners.knowsUser(process.user.uid)) throw new ToolError(`unknown uid ${process.user.uid}`)
  yield* process.print(`${owners.user(process.user.uid)}\n`)
  return 0
})

export const groups = tool('[USER]', function* (process) {
  const owners = new Owners(process.files)
  const { gid, groups: more } = process.user
  const all = [gid, ...more.filter(each => each !== gid)]
  yield* process.print(`${all.map(each => owners.group(each)).join(' ')}\n`)
  return 0
})

export const hostname = tool('[-sidf] [HOSTNAME | -F FILE]', function* (process) {
  const options = optionsOf(process, 'sidfIF:', {
    fqdn: 'f',
    long: 'f',
    short: 's',
    domain: 'd',
    'ip-address': 'i',
    'all-ip-addresses': 'I',
  })
  const { hostname: name, domainname, podIPs } = process.machine
  if (options.words.length > 0 || options.has('F')) throw new ToolError('sethostname: Operation not permitted')
  let text = name
  if (options.has('s')) text = name.split('.')[0]!
  else if (options.has('f')) text = domainname !== '' && !name.includes('.') ? `${name}.${domainname}` : name
  else if (options.has('d')) text = domainname
  else if (options.has('i') || options.has('I')) text = podIPs.join(' ')
  yield* process.print(`${text}\n`)
  return 0
})

export const dnsdomainname = tool('', function* (process) {
  yield* process.print(`${process.machine.domainname}\n`)
  return 0
})

export const uname = tool('[-amnrspvio]', function* (process) {
  const options = optionsOf(process, 'amnrspvio', {
    all: 'a',
    machine: 'm',
    nodename: 'n',
    'kernel-release': 'r',
    'kernel-name': 's',
  })
  const parts: readonly (readonly [string, string])[] = [
    ['s', 'Linux'],
    ['n', process.machine.hostname],
    ['r', kernelRelease],
    ['v', '#1 SMP PREEMPT_DYNAMIC'],
    ['m', 'x86_64'],
    ['p', 'unknown'],
    ['i', 'unknown'],
    ['o', 'GNU/Linux'],
  ]
  const none = options.given.length === 0
  const shown = parts.filter(([letter]) =>
    none ? letter === 's' : options.has(letter) || (options.has('a') && !'pi'.includes(letter)),
  )
  yield* process.print(`${shown.map(([, text]) => text).join(' ')}\n`)
  return 0
})

export const arch = tool('', function* (process) {
  yield* process.print('x86_64\n')
  return 0
})

export const nproc = tool('[--all]', function* (process) {
  const text = process.files.exists('/proc/cpuinfo') ? process.files.readText('/proc/cpuinfo') : ''
  yield* process.print(`${Math.max(1, text.match(/^processor/gm)?.length ?? 1)}\n`)
  return 0
})

export const tty = tool('[-s]', function* (process) {
  const isTerminal = process.descriptors.get(0)?.terminal !== undefined
  if (!optionsOf(process, 's').has('s')) yield* process.print(isTerminal ? '/dev/pts/0\n' : 'not a tty\n')
  return isTerminal ? 0 : 1
})

export const which = tool('[-a] COMMAND...', function* (process) {
  const options = optionsOf(process, 'a')
  if (options.words.length === 0) throw new UsageError('')
  let code = 0
  for (const word of options.words) {
    const places = placesOf(process, word)
    if (places.length === 0) code = 1
    for (const place of options.has('a') ? places : places.slice(0, 1)) yield* process.print(`${place}\n`)
  }
  return code
})

function placesOf({ files, env, cwd }: Process, word: string): readonly string[] {
  const candidates = word.includes('/')
    ? [word]
    : (env.get('PATH') ?? '').split(':').map(folder => `${folder === '' ? '.' : folder}/${word}`)
  return candidates.filter(each => {
    const path = pathOf({ cwd }, each)
    return files.access(path, 'execute') && files.stat(path).kind === 'file'
  })
}

export const getent = tool('DATABASE [KEY]...', function* (process) {
  const [database, ...keys] = process.argv.slice(1)
  if (database === undefined) throw new UsageError('')
  if (database === 'hosts' || database === 'ahosts' || database === 'ahostsv4') return yield* hosts(process, keys)
  const path = { passwd: '/etc/passwd', group: '/etc/group', services: '/etc/services' }[database]
  if (path === undefined) {
    yield* process.complain(`Unknown database: ${database}\n`)
    return 1
  }
  const lines = process.files.exists(path) ? process.files.readText(path).split('\n').filter(Boolean) : []
  if (keys.length === 0) yield* process.print(lines.map(line => `${line}\n`).join(''))
  let code = 0
  for (const key of keys) {
    const line = lines.find(each => each.split(':')[0] === key || each.split(':')[2] === key)
    if (line === undefined) code = 2
    else yield* process.print(`${line}\n`)
  }
  return code
})

function* hosts(process: Process, names: readonly string[]) {
  let code = 0
  for (const name of names) {
    try {
      const [first] = yield* process.sockets.lookup(name)
      if (first === undefined) code = 2
      else yield* process.print(`${first.padEnd(15)} ${name}\n`)
    } catch (error) {
      if (!(error instanceof Error && error.name === 'NameError')) throw error
      code = 2
    }
  }
  return code
}

// ping as busybox prints it; ip, ifconfig, route, netstat, ss: the one interface a pod has.

import { optionsOf } from './options.ts'
import { ToolError, tool, UsageError } from './tool.ts'
import { addressed } from './wget.ts'

export const ping = tool('[OPTIONS] HOST', function* (process) {
  const options = optionsOf(process, '46c:s:i:w:W:qI:t:nv')
  const [host] = options.words
  if (host === undefined) throw new UsageError('')
  const address = yield* addressed(process, { host })
  const size = Number(options.value('s') ?? 56)
  const every = Number(options.value('i') ?? 1) * 1000
  const patience = Number(options.value('W') ?? 10) * 1000
  const most = Number(options.value('c') ?? Number.POSITIVE_INFINITY)
  const deadline = options.value('w')
  const due = deadline === undefined ? Number.POSITIVE_INFINITY : process.clock.now() + Number(deadline) * 1000
  const times: number[] = []
  let [sent, stopped] = [0, false]
  process.onSignal('INT', () => {
    stopped = true
  })
  yield* process.print(`PING ${host} (${address}): ${size} data bytes\n`)
  while (!stopped && sent < most && process.clock.now() < due) {
    const from = process.clock.now()
    const left = Math.min(patience, due - from)
    const time = yield* process.sockets.ping(address, sent + 1 < most ? Math.min(left, every) : left)
    if (time !== undefined) {
      times.push(time)
      if (!options.has('q')) {
        yield* process.print(`${size + 8} bytes from ${address}: seq=${sent} ttl=64 time=${time.toFixed(3)} ms\n`)
      }
    }
    sent++
    const rest = from + every - process.clock.now()
    if (sent < most && rest > 0 && !stopped)
      yield* process.sleep(Math.min(rest, Math.max(0, due - process.clock.now())))
  }
  const lost = sent === 0 ? 0 : Math.floor(((sent - times.length) * 100) / sent)
  yield* process.print(
    `\n--- ${host} ping statistics ---\n${sent} packets transmitted, ${times.length} packets received, ${lost}% packet loss\n`,
  )
  if (times.length === 0) return 1
  const average = times.reduce((sum, time) => sum + time, 0) / times.length
  const shown = [Math.min(...times), average, Math.max(...times)].map(time => time.toFixed(3)).join('/')
  yield* process.print(`round-trip min/avg/max = ${shown} ms\n`)
  return 0
})

function gatewayOf(address: string): string {
  return address.replace(/\.\d+$/, '.1')
}

/** Six bytes, as container networks derive them from the address. */
function hardwareOf(address: string): string {
  const bytes = address.split('.').map(part => Number(part).toString(16).padStart(2, '0'))
  return ['02', '42', ...bytes].join(':')
}

export const ip = tool('[OPTIONS] address|route|link|neigh [ARGS]', function* (process) {
  const words = process.argv.slice(1).filter(word => !word.startsWith('-'))
  const [what = '', verb = 'show'] = words
  const { addresses } = process.sockets
  const four = addresses.find(each => !each.includes(':')) ?? '127.0.0.1'
  if (!/^(s|l|li|lis|list|sh|sho|show|get)$/.test(verb)) {
    const may = process.user.uid === 0 && process.machine.capabilities.has('NET_ADMIN')
    const why = may
      ? 'kubesim cannot change interfaces, addresses and routes'
      : 'RTNETLINK answers: Operation not permitted'
    throw new ToolError(why, 2)
  }
  if ('route'.startsWith(what) && what !== '') {
    if (verb === 'get') yield* process.print(`${words[2] ?? ''} via ${gatewayOf(four)} dev eth0  src ${four}\n`)
    else {
      const net = four.replace(/\.\d+$/, '.0/24')
      yield* process.print(`default via ${gatewayOf(four)} dev eth0 \n${net} dev eth0 scope link  src ${four} \n`)
    }
    return 0
  }
  const links = 'link'.startsWith(what) && what !== ''
  if (!links && !('address'.startsWith(what) && what !== '')) throw new UsageError('')
  const lines = ['1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000']
  lines.push('    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00')
  if (!links) lines.push('    inet 127.0.0.1/8 scope host lo', '       valid_lft forever preferred_lft forever')
  lines.push('2: eth0@if3: <BROADCAST,MULTICAST,UP,LOWER_UP,M-DOWN> mtu 1500 qdisc noqueue ')
  lines.push(`    link/ether ${hardwareOf(four)} brd ff:ff:ff:ff:ff:ff`)
  if (!links) {
    for (const address of addresses) {
      const isSix = address.includes(':')
      lines.push(
        isSix
          ? `    inet6 ${address}/64 scope global `
          : `    inet ${address}/24 brd ${address.replace(/\.\d+$/, '.255')} scope global eth0`,
        '       valid_lft forever preferred_lft forever',
      )
    }
  }
  yield* process.print(`${lines.join('\n')}\n`)
  return 0
})

export const ifconfig = tool('[-a] [INTERFACE]', function* (process) {
  const [name] = optionsOf(process, 'a').words
  const four = process.sockets.addresses.find(each => !each.includes(':')) ?? '127.0.0.1'
  const counters = (packets: number) =>
    [
      `          RX packets:${packets} errors:0 dropped:0 overruns:0 frame:0`,
      `          TX packets:${packets} errors:0 dropped:0 overruns:0 carrier:0`,
      '          collisions:0 txqueuelen:1000 ',
      '          RX bytes:0 (0.0 B)  TX bytes:0 (0.0 B)',
      '',
    ].join('\n')
  const shown = {
    eth0: [
      `eth0      Link encap:Ethernet  HWaddr ${hardwareOf(four).toUpperCase()}  `,
      `          inet addr:${four}  Bcast:${four.replace(/\.\d+$/, '.255')}  Mask:255.255.255.0`,
      '          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1',
      counters(0),
    ].join('\n'),
    lo: [
      'lo        Link encap:Local Loopback  ',
      '          inet addr:127.0.0.1  Mask:255.0.0.0',
      '          UP LOOPBACK RUNNING  MTU:65536  Metric:1',
      counters(0),
    ].join('\n'),
  }
  if (name !== undefined && name !== 'eth0' && name !== 'lo') {
    throw new ToolError(`${name}: error fetching interface information: Device not found`)
  }
  const names = name === undefined ? (['eth0', 'lo'] as const) : ([name as 'eth0'] as const)
  for (const each of names) yield* process.print(`${shown[each]}\n`)
  return 0
})

export const route = tool('[-ne]', function* (process) {
  const four = process.sockets.addresses.find(each => !each.includes(':')) ?? '127.0.0.1'
  const row = (...words: readonly string[]) =>
    `${words[0]!.padEnd(15)} ${words[1]!.padEnd(15)} ${words[2]!.padEnd(15)} ${words[3]!.padEnd(5)} 0      0        0 eth0\n`
  yield* process.print('Kernel IP routing table\n')
  yield* process.print('Destination     Gateway         Genmask         Flags Metric Ref    Use Iface\n')
  const [all, none] = optionsOf(process, 'ne').has('n') ? ['0.0.0.0', '0.0.0.0'] : ['default', '*']
  yield* process.print(row(all, gatewayOf(four), '0.0.0.0', 'UG'))
  yield* process.print(row(four.replace(/\.\d+$/, '.0'), none, '255.255.255.0', 'U'))
  return 0
})

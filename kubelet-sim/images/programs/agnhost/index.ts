// agnhost: the image of Kubernetes' own tests, one program of many subcommands. What of it cannot be simulated is refused by
// name (test/images/agnhost/agnhost.go).

import type { Process, Program } from '../../../machine/process.ts'
import { NameError } from '../../../machine/sockets.ts'
import { SystemError } from '../../../machine/system-error.ts'
import type { Step } from '../../../machine/wait.ts'
import { endingOn } from '../ending.ts'
import { durationOf, Exit, flagsOf, goWords } from '../go.ts'
import { auditProxy } from './audit-proxy.ts'
import { crdConversionWebhook } from './crd-conversion.ts'
import { grpcHealthChecking } from './grpc-health-checking.ts'
import { guestbook } from './guestbook.ts'
import { inClusterClient } from './in-cluster-client.ts'
import { issuerDiscovery } from './issuer-discovery.ts'
import { mounttest } from './mounttest.ts'
import { netexec } from './netexec.ts'
import {
  liveness,
  logsGenerator,
  porter,
  portForwardTester,
  resourceConsumer,
  serveHostname,
  testWebserver,
} from './serving.ts'
import { webhook } from './webhook.ts'

type Subcommand = (process: Process, words: readonly string[]) => Step<number>

const subcommands: Readonly<Record<string, Subcommand>> = {
  'audit-proxy': auditProxy,
  connect,
  'crd-conversion-webhook': crdConversionWebhook,
  'dns-server-list': dnsServerList,
  'dns-suffix': dnsSuffix,
  'entrypoint-tester': entrypointTester,
  'etc-hosts': etcHosts,
  'grpc-health-checking': grpcHealthChecking,
  guestbook,
  help,
  inclusterclient: inClusterClient,
  liveness,
  'logs-generator': logsGenerator,
  mounttest,
  netexec,
  pause,
  'port-forward-tester': portForwardTester,
  porter,
  'resource-consumer': resourceConsumer,
  'serve-hostname': serveHostname,
  'test-service-account-issuer-discovery': issuerDiscovery,
  'test-webserver': testWebserver,
  webhook,
}

const refused: ReadonlySet<string> = new Set([
  ...['fake-gitserver', 'fake-registry-server', 'mtlsclient'],
  ...['mtlsserver', 'net', 'nettest', 'no-snat-test', 'no-snat-test-proxy', 'nonewprivs'],
  ...['podcertificatesigner', 'resource-consumer-controller', 'sample-apiserver', 'tcp-reset'],
])

export const agnhost: Program = function* (process) {
  const [, name = 'help', ...words] = process.argv
  try {
    if (Object.hasOwn(subcommands, name)) return yield* subcommands[name]!(process, words)
    if (name === '--version') {
      yield* process.print('agnhost version 2.57\n')
      return 0
    }
    yield* process.complain(
      refused.has(name)
        ? `agnhost: kubesim does not have the subcommand ${name} yet\n`
        : `Error: unknown command ${JSON.stringify(name)} for "app"\nRun 'app --help' for usage.\n`,
    )
    return 1
  } catch (error) {
    if (!(error instanceof Exit)) throw error
    return error.code
  }
}

function* help(process: Process): Step<number> {
  const names = Object.keys(subcommands).sort()
  yield* process.print(`Usage:\n  app [command]\n\nAvailable Commands:\n${names.map(name => `  ${name}\n`).join('')}`)
  return 0
}

function* pause(process: Process): Step<number> {
  yield* process.print('Paused\n')
  return yield* endingOn(process, { INT: 1, TERM: 2 }).wait()
}

/** All of its words, as Go prints a slice (test/images/agnhost/entrypoint-tester/ep.go). */
function* entrypointTester(process: Process): Step<number> {
  yield* process.print(`[${process.argv.join(' ')}]\n`)
  return 0
}

function* dnsSuffix(process: Process): Step<number> {
  yield* process.print(`${resolvConf(process, 'search').join(',')}\n`)
  return 0
}

function* dnsServerList(process: Process): Step<number> {
  yield* process.print(`${resolvConf(process, 'nameserver').join(',')}\n`)
  return 0
}

function resolvConf({ files }: Process, word: string): string[] {
  const lines = files.readText('/etc/resolv.conf').split('\n')
  return lines.flatMap(line => {
    const [name, ...values] = line.trim().split(/\s+/)
    return name === word ? values : []
  })
}

function* etcHosts(process: Process): Step<number> {
  yield* process.print(`${process.files.readText('/etc/hosts')}\n`)
  return 0
}

/** One connection, and a word that says how it went (test/images/agnhost/connect/connect.go). */
function* connect(process: Process, words: readonly string[]): Step<number> {
  const known = { timeout: '0s', protocol: 'tcp', 'udp-data': 'hostname', 'sctp-data': 'hostname' }
  const { text, rest } = yield* flagsOf(process, words, known)
  const failed = function* (what: string): Step<number> {
    yield* process.complain(`${what}\n`)
    return 1
  }
  const [destination = ''] = rest
  const parts = /^(?:\[([^\]]+)\]|([^:]*)):(\w+)$/.exec(destination)
  if (!parts) return yield* failed(`UNKNOWN: address ${destination}: missing port in address`)
  if (text.protocol === 'sctp') return yield* failed('OTHER: kubesim has no SCTP')
  if (text.protocol !== 'tcp' && text.protocol !== 'udp') return yield* failed('Unsupported protocol')
  const timeout = durationOf(text.timeout!) || undefined
  const host = parts[1] ?? parts[2] ?? ''
  try {
    const [address] = yield* process.sockets.lookup(host)
    const to = { host: address ?? host, port: Number(parts[3]) }
    if (text.protocol === 'udp') {
      const answer = yield* process.sockets.exchange(to, Buffer.from(`${text['udp-data']}\n`), timeout ?? 3_600_000)
      if (answer === undefined) return yield* failed(`TIMEOUT: read udp ->${destination}: i/o timeout`)
      return 0
    }
    ;(yield* process.sockets.connect(to, { timeout })).close()
    return 0
  } catch (error) {
    if (error instanceof NameError) return yield* failed(`DNS: lookup ${host}: no such host`)
    if (!(error instanceof SystemError)) throw error
    if (error.errno === 'ETIMEDOUT') return yield* failed('TIMEOUT')
    if (error.errno === 'ECONNREFUSED') return yield* failed('REFUSED')
    return yield* failed(`OTHER: dial tcp ${destination}: ${goWords(error)}`)
  }
}

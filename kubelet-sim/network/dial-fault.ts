// What Go's net package says of a connection that could not be made, for those whose words are Go's: the API server's proxy,
// a kubelet's probes and port-forward.

import type { Address, TlsError } from '../machine/sockets.ts'
import type { Errno, SystemError } from '../machine/system-error.ts'

const words: Partial<Record<Errno, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'i/o timeout',
}

export function dialFault({ errno, message }: SystemError, { host, port }: Address): string {
  // An established connection that ends before it said anything.
  if (errno === 'ECONNRESET') return 'EOF'
  return `dial tcp ${host.includes(':') ? `[${host}]` : host}:${port}: ${words[errno] ?? message}`
}

/** Of one who believes any certificate: only that there was none. */
export function tlsWords({ code, message }: TlsError): string {
  return code.startsWith('ERR_SSL') ? 'http: server gave HTTP response to HTTPS client' : message
}

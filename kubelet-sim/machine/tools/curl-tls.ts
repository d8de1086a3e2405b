// curl's TLS: whom it believes by its options and variables, and what it says when it does not. Words of curl 8 with OpenSSL
// (lib/vtls/openssl.c). Called by curl.ts.

import type { Process } from '../process.ts'
import type { TlsError, TlsWish } from '../sockets.ts'
import { SystemError } from '../system-error.ts'
import { CurlFault } from './curl-fault.ts'
import type { Target } from './http-exchange.ts'
import type { Options } from './options.ts'
import { pathOf } from './tool.ts'

/** Throws CurlFault for files that cannot be read. */
export function curlTls(process: Process, target: Target, options: Options): TlsWish | undefined {
  if (!target.tls) return undefined
  const unverified = options.has('k')
  const { env } = process
  const bundle = options.value('c') ?? env.get('CURL_CA_BUNDLE') ?? env.get('SSL_CERT_FILE')
  const authorities = unverified || !bundle ? undefined : textOf(process, bundle, authoritiesFault(bundle))
  const certificate = options.value('E')
  const key = options.value('K') ?? certificate
  if (certificate === undefined || key === undefined) return { serverName: target.host, unverified, authorities }
  const unread = new CurlFault(
    58,
    `could not load PEM client certificate from ${certificate}, OpenSSL error error:80000002:system library::No such file or directory, (no key found, wrong pass phrase, or wrong file format?)`,
  )
  const pair = { cert: textOf(process, certificate, unread), key: textOf(process, key, unread) }
  return { serverName: target.host, unverified, authorities, certificate: pair }
}

const authoritiesFault = (bundle: string): CurlFault =>
  new CurlFault(77, `error adding trust anchors from file: ${bundle}`)

function textOf(process: Process, name: string, fault: CurlFault): string {
  try {
    const text = process.files.readText(pathOf(process, name))
    if (!text.includes('-----BEGIN ')) throw fault
    return text
  } catch (error) {
    if (error instanceof SystemError) throw fault
    throw error
  }
}

const more = [
  '',
  'More details here: https://curl.se/docs/sslcerts.html',
  '',
  'curl failed to verify the legitimacy of the server and therefore could not',
  'establish a secure connection to it. To learn more about this situation and',
  'how to fix it, please visit the webpage mentioned above.',
].join('\n')

/** OpenSSL's words by Node's codes. */
const problems: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unable to get local issuer certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unable to get local issuer certificate',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'self-signed certificate in certificate chain',
  CERT_HAS_EXPIRED: 'certificate has expired',
  CERT_NOT_YET_VALID: 'certificate is not yet valid',
}

export function tlsFault({ code, message }: TlsError, { host }: Target): CurlFault {
  const problem = problems[code]
  if (problem !== undefined) return new CurlFault(60, `SSL certificate problem: ${problem}${more}`)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const words = `SSL: no alternative certificate subject name matches target hostname '${host}'`
    return new CurlFault(60, `${words}${more}`)
  }
  const said = /error:[0-9A-F]{8}:[^:]*:[^:]*:[^:]*/.exec(message)?.[0]
  return new CurlFault(35, `TLS connect error: ${said ?? `error:0A000126:SSL routines::${message}`}`)
}

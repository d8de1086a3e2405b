// agnhost test-service-account-issuer-discovery: takes a mounted token to be judged by what the API server publishes as its issuer
// (test/images/agnhost/openidmetadata/openidmetadata.go). What is outside of the cluster is not asked: nobody is there.

import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import type { Process } from '../../../machine/process.ts'
import { NameError, TlsError } from '../../../machine/sockets.ts'
import { SystemError } from '../../../machine/system-error.ts'
import { targetOf } from '../../../machine/tools/http-exchange.ts'
import type { Step } from '../../../machine/wait.ts'
import { fatal, flagsOf, goWords, log, quote } from '../go.ts'

const account = '/var/run/secrets/kubernetes.io/serviceaccount'

class Fault extends Error {}

export function* issuerDiscovery(process: Process, words: readonly string[]): Step<number> {
  const { text } = yield* flagsOf(process, words, { 'token-path': '', audience: '' })
  const { files } = process
  const path = text['token-path']!
  if (!files.exists(path)) return yield* fatal(process, `open ${path}: no such file or directory`)
  const token = files.readText(path)
  yield* log(process, 'OK: Got token')
  yield* log(process, 'validating with in-cluster discovery')
  try {
    yield* validate(process, token, text.audience!)
    return 0
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    yield* log(process, `failed to validate with in-cluster discovery: ${error.message}`)
    return yield* fatal(process, 'kubesim has nobody outside of the cluster to validate with')
  }
}

function* validate(process: Process, token: string, audience: string): Step<void> {
  const [head = '', body = '', signature = ''] = token.trim().split('.')
  const claims = decoded(body)
  yield* log(process, `OK: got issuer ${claims.iss}`)
  yield* log(process, `Full, not-validated claims: \n${JSON.stringify(claims)}`)
  const discovery = yield* fetched(process, `${claims.iss}/.well-known/openid-configuration`)
  if (discovery.issuer !== claims.iss) {
    throw new Fault(
      `oidc: issuer did not match the issuer returned by provider, expected ${quote(claims.iss)} got ${quote(discovery.issuer)}`,
    )
  }
  yield* log(process, `OK: Constructed OIDC provider for issuer ${claims.iss}`)
  const audiences: readonly string[] = [claims.aud ?? []].flat()
  if (audience !== '' && !audiences.includes(audience)) {
    throw new Fault(`oidc: expected audience ${quote(audience)} got [${audiences.map(quote).join(' ')}]`)
  }
  const now = process.clock.now()
  if (claims.exp * 1000 < now) throw new Fault('oidc: token is expired')
  const { alg, kid } = decoded(head)
  const { keys = [] } = yield* fetched(process, discovery.jwks_uri)
  const jwk = keys.find((each: { kid?: string }) => each.kid === kid)
  if (jwk === undefined || !isSigned(`${head}.${body}`, signature, alg, jwk)) {
    throw new Fault('failed to verify signature: failed to verify id token signature')
  }
  yield* log(process, 'OK: Validated signature on JWT')
  yield* log(process, 'OK: Got valid claims from token!')
  yield* log(process, `Full, validated claims: \n${JSON.stringify(claims)}`)
}

function decoded(part: string): any {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString())
  } catch {
    throw new Fault('oidc: malformed jwt: square/go-jose: compact JWS format must have three parts')
  }
}

function isSigned(text: string, signature: string, alg: string, jwk: JsonWebKey): boolean {
  if (alg !== 'RS256' && alg !== 'ES256')
    throw new Fault(`oidc: id token signed with unsupported algorithm, expected ["RS256" "ES256"] got ${quote(alg)}`)
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const how = alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' as const } : key
  return verify('sha256', Buffer.from(text), how, Buffer.from(signature, 'base64url'))
}

function* fetched(process: Process, url: string): Step<any> {
  const target = targetOf(url)
  if (target === undefined) throw new Fault(`parse ${quote(url)}: invalid URI`)
  const { files, sockets } = process
  const { host, port } = target
  const headers = {
    host,
    authorization: `Bearer ${files.readText(`${account}/token`).trim()}`,
    'user-agent': 'agnhost/v0.0.0 (linux/amd64)',
    accept: '*/*',
  }
  const request = { method: 'GET', path: target.path, headers, body: new Uint8Array() }
  const tls = { serverName: host, authorities: files.readText(`${account}/ca.crt`) }
  try {
    const { status, body } = yield* sockets.request({ host, port }, request, { tls, timeout: 30_000 })
    const text = Buffer.from(body).toString()
    if (status !== 200) throw new Fault(`${status}: ${text}`)
    return JSON.parse(text)
  } catch (error) {
    const known = error instanceof SystemError || error instanceof NameError || error instanceof TlsError
    throw known ? new Fault(`Get ${quote(url)}: dial tcp: ${goWords(error)}`) : error
  }
}

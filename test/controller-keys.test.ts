// The keys of controllers that run alone, from files as kube-controller-manager's, and what is said of files that will not do.

import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, describe, expect, test } from 'vitest'
import { loadOrCreateSigningKey } from '../apiserver/auth/service-account-keys.ts'
import { loadOrCreateCertificates } from '../apiserver/http/certificates.ts'
import type { Secret, ServiceAccount } from '../generated/types.ts'
import { readConfig, type Settings } from '../src/config.ts'
import { controllerKeysOf } from '../src/controller-keys.ts'
import { realEnv } from '../src/env/real-env.ts'
import { requestOfSpec } from '../src/kinds/x509-reading.ts'
import { signingRequest } from './support/certificate-requests.ts'

const env = realEnv({ logLevel: 'silent' })
const folder = mkdtempSync(join(tmpdir(), 'kubesim-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))
const { ca } = loadOrCreateCertificates(folder, env)
const own = loadOrCreateSigningKey(folder)
const keys = (settings: Settings) => controllerKeysOf(readConfig(settings), env)
const at = (name: string, text?: string) => {
  const file = join(folder, name)
  if (text !== undefined) writeFileSync(file, text)
  return file
}
const pem = (pair: { privateKey: { export(as: { type: 'pkcs8'; format: 'pem' }): string | Buffer } }) =>
  String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))

const account = { metadata: { name: 'bot', namespace: 'default', uid: '1' } } as ServiceAccount
const secret = { metadata: { name: 'token', namespace: 'default' } } as Secret

test('without files nothing is signed', () => {
  expect(keys({})).toEqual({})
})

test("the cluster's own key signs tokens that the cluster takes", async () => {
  const { legacyTokenIssuer } = keys({ serviceAccountPrivateKeyFile: at('sa.key') })
  const token = await legacyTokenIssuer!(account, secret)
  expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', kid: own.id })
  const { payload } = await jwtVerify(token, own.public)
  expect(payload).toEqual({
    iss: 'kubernetes/serviceaccount',
    sub: 'system:serviceaccount:default:bot',
    'kubernetes.io/serviceaccount/namespace': 'default',
    'kubernetes.io/serviceaccount/secret.name': 'token',
    'kubernetes.io/serviceaccount/service-account.name': 'bot',
    'kubernetes.io/serviceaccount/service-account.uid': '1',
  })
})

test.each([
  ['RS256', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['ES384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
])("a real cluster's key signs as there: %s", async (alg, make) => {
  const pair = make()
  const { legacyTokenIssuer } = keys({ serviceAccountPrivateKeyFile: at(`${alg}.key`, pem(pair)) })
  const token = await legacyTokenIssuer!(account, secret)
  expect(decodeProtectedHeader(token).alg).toBe(alg)
  expect((await jwtVerify(token, pair.publicKey)).payload.sub).toBe('system:serviceaccount:default:bot')
})

test('the authority signs certificates', () => {
  const files = { clusterSigningCertFile: at('ca.crt'), clusterSigningKeyFile: at('ca.key') }
  const { certificateSigner } = keys(files)
  const now = env.clock.now()
  const request = requestOfSpec(signingRequest('jane', 'dev'))
  const terms = { usages: ['client auth'], notBefore: now, notAfter: now + 3_600_000 }
  const certificate = new X509Certificate(certificateSigner!.sign(request, terms))
  expect(certificate.subject).toBe('CN=jane\nO=dev')
  expect(certificate.verify(createPublicKey(ca.cert))).toBe(true)
})

describe('what will not do is told with its name', () => {
  const refused = (settings: Settings) => {
    try {
      keys(settings)
    } catch (error) {
      return (error as Error).message
    }
    return undefined
  }

  test.each<[string, () => Settings, RegExp]>([
    [
      'half an authority',
      () => ({ clusterSigningCertFile: at('ca.crt') }),
      /^--cluster-signing-cert-file and --cluster-signing-key-file go together/,
    ],
    ['no file', () => ({ serviceAccountPrivateKeyFile: at('none.key') }), /^cannot read .*none\.key: ENOENT$/],
    ['no key', () => ({ serviceAccountPrivateKeyFile: at('text.key', 'hello') }), /text\.key cannot be used to sign: /],
    [
      'a key that no tokens are signed with',
      () => ({ serviceAccountPrivateKeyFile: at('ed.key', pem(generateKeyPairSync('ed25519'))) }),
      /ed\.key cannot be used to sign: it is neither an RSA key nor one on the curves P-256, P-384 and P-521$/,
    ],
    [
      "another's key",
      () => ({ clusterSigningCertFile: at('ca.crt'), clusterSigningKeyFile: at('sa.key') }),
      /sa\.key cannot be used to sign: the key is not that of the certificate$/,
    ],
  ])('%s', (_, settings, words) => {
    expect(refused(settings())).toMatch(words)
  })
})

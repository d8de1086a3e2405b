// The cluster's own certificates: an authority, the API server's and the admin's, made once and kept in the data directory.
// Called by src/serve.ts. Issued anew when they are about to expire or the server's names have changed; the authority stays.

import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Env } from '../../src/env/env.ts'
import type { Random } from '../../src/env/random.ts'
import type { CertificateRequest } from '../../src/kinds/x509-reading.ts'
import { issue, type KeyPair, type Subject, signRequest } from './x509.ts'

export interface Certificates {
  readonly ca: KeyPair
  readonly server: KeyPair
  readonly admin: KeyPair
}

export interface CertificateOptions {
  /** Addresses and names of the server beyond the usual ones. */
  readonly names?: readonly string[]
}

const authority: Subject = { commonName: 'kubesim-ca' }
const server: Subject = { commonName: 'kube-apiserver' }
const admin: Subject = { commonName: 'kubernetes-admin', organizations: ['system:masters'] }

const usualNames = [
  'localhost',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  '127.0.0.1',
  '::1',
  '10.96.0.1',
]

const day = 86_400_000
/** The authority lives ten years, what it signs one; a certificate with less than thirty days left is issued anew. */
const lives = { ca: 3650 * day, leaf: 365 * day, renewBefore: 30 * day }

/** Without a folder: made anew, kept nowhere. */
export function loadOrCreateCertificates(
  folder: string | undefined,
  env: Env,
  options: CertificateOptions = {},
): Certificates {
  const names = [...new Set([...usualNames, ...(options.names ?? [])])].filter(
    name => name !== '0.0.0.0' && name !== '::',
  )
  const now = env.wall.now()
  const keptCa = folder ? load(folder, 'ca') : undefined
  const ca = keptCa && isCurrent(keptCa, now) ? keptCa : make(env, { subject: authority, use: 'ca', life: lives.ca })
  const leaf = (file: string, subject: Subject, use: 'server' | 'client', wanted: readonly string[]): KeyPair => {
    const kept = folder ? load(folder, file) : undefined
    if (kept && isCurrent(kept, now) && isIssuedBy(kept, ca) && coversNames(kept, wanted)) return kept
    return make(env, { subject, use, life: lives.leaf, names: wanted }, { ...ca, subject: authority })
  }
  const all = { ca, server: leaf('apiserver', server, 'server', names), admin: leaf('admin', admin, 'client', []) }
  if (folder) {
    save(folder, 'ca', all.ca)
    save(folder, 'apiserver', all.server)
    save(folder, 'admin', all.admin)
  }
  return all
}

/** With which the API server is known to servers behind it: kept nowhere, good as long as its authority. */
export function frontProxyCertificate(env: Env, ca: KeyPair): KeyPair {
  const { validFrom, validTo } = new X509Certificate(ca.cert)
  return issue(
    {
      subject: { commonName: 'front-proxy-client' },
      use: 'client',
      serial: serialFrom(env.random.fork('front-proxy')),
      notBefore: Date.parse(validFrom),
      notAfter: Date.parse(validTo),
    },
    { ...ca, subject: authority },
  )
}

/** What ingress-nginx shows for a host that has none, signed by nobody but itself. */
export function ingressCertificate(env: Env): KeyPair {
  const subject = { commonName: 'Kubernetes Ingress Controller Fake Certificate', organizations: ['Acme Co'] }
  return make(env, { subject, use: 'server', life: lives.leaf, names: ['ingress.local'] })
}

/** For programs in pods that show just anything, as agnhost's own localhost.crt. */
export function localhostCertificate(env: Env): KeyPair {
  const subject = { commonName: 'localhost', organizations: ['Acme Co'] }
  return make(env, { subject, use: 'server', life: lives.ca, names: ['localhost', '127.0.0.1', '::1', 'example.com'] })
}

/** Signs what is asked of the cluster's authority. */
export function certificateSigner(
  ca: KeyPair,
  env: Env,
): { sign(request: CertificateRequest, terms: SigningTerms): string } {
  const random = env.random.fork('signed-certificates')
  const { validTo } = new X509Certificate(ca.cert)
  return {
    sign: (request, { usages, notBefore, notAfter }) =>
      signRequest(
        request,
        {
          usages,
          // TLS asks the wall: what begins when the cluster's clock says so might not be good for anything for a week.
          notBefore: Math.min(notBefore, env.wall.now()),
          notAfter: Math.min(notAfter, Date.parse(validTo)),
          serial: serialFrom(random),
        },
        { ...ca, subject: authority },
      ),
  }
}

/** Throws unless certificateSigner can sign with it: an authority as kubesim makes them, with its own key. */
export function requireAuthority({ cert, key }: KeyPair): void {
  const certificate = new X509Certificate(cert)
  const privateKey = createPrivateKey(key)
  if (!certificate.checkPrivateKey(privateKey)) throw new Error('the key is not that of the certificate')
  const isOwn = certificate.subject === `CN=${authority.commonName}` && privateKey.asymmetricKeyType === 'ec'
  if (!isOwn) throw new Error('it is not the authority of a kubesim cluster; signing with others is not there yet')
}

interface SigningTerms {
  readonly usages: readonly string[]
  readonly notBefore: number
  readonly notAfter: number
}

interface Wish {
  readonly subject: Subject
  readonly use: 'ca' | 'server' | 'client'
  readonly life: number
  readonly names?: readonly string[]
}

function make(env: Env, { life, ...request }: Wish, issuer?: KeyPair & { subject: Subject }): KeyPair {
  const now = env.wall.now()
  // An hour back, for clocks that go after; serials are 16 bytes of chance, as RFC 5280 asks for unpredictable ones. Of a
  // stream of their own: whether certificates had to be made changes nothing in the cluster.
  const serial = serialFrom(env.random.fork('certificates'))
  return issue({ ...request, serial, notBefore: now - 3_600_000, notAfter: now + life }, issuer)
}

function serialFrom(random: Random): Buffer {
  const serial = Buffer.from(random.uid().replaceAll('-', ''), 'hex')
  serial[0] = (serial[0]! & 0x7f) | 0x40
  return serial
}

function load(folder: string, file: string): KeyPair | undefined {
  try {
    return {
      cert: readFileSync(join(folder, `${file}.crt`), 'utf8'),
      key: readFileSync(join(folder, `${file}.key`), 'utf8'),
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function save(folder: string, file: string, pair: KeyPair): void {
  const kept = load(folder, file)
  if (kept?.cert === pair.cert && kept.key === pair.key) return
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, `${file}.key`), pair.key, { mode: 0o600 })
  writeFileSync(join(folder, `${file}.crt`), pair.cert, { mode: 0o644 })
}

/** Whole, as it was written – a start may have been cut off between the files – and for a while yet. */
function isCurrent({ cert, key }: KeyPair, now: number): boolean {
  try {
    const certificate = new X509Certificate(cert)
    const { validFrom, validTo } = certificate
    const isInTime = Date.parse(validFrom) <= now && Date.parse(validTo) - now > lives.renewBefore
    return isInTime && certificate.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

function isIssuedBy({ cert }: KeyPair, ca: KeyPair): boolean {
  return new X509Certificate(cert).verify(createPublicKey(ca.cert))
}

function coversNames({ cert }: KeyPair, names: readonly string[]): boolean {
  const certificate = new X509Certificate(cert)
  return names.every(name => certificate.checkHost(name) !== undefined || certificate.checkIP(name) !== undefined)
}

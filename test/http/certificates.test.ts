// The cluster's own certificates: strict verifiers take them, they are made once, and renewed when they must be.

import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadOrCreateCertificates } from '../../apiserver/http/certificates.ts'
import { realEnv } from '../../src/env/real-env.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'
import { openDoor } from './door.ts'

let folder: string
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'kubesim-pki-')), 'pki')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true }))

const day = 86_400_000
const env = realEnv({ logLevel: 'silent' })
const has = (command: string, ...words: string[]) => spawnSync(command, words).status === 0

describe('strict verifiers', () => {
  test.skipIf(!has('openssl', 'version'))('openssl verify -x509_strict takes server and client', () => {
    loadOrCreateCertificates(folder, env, { names: ['192.168.5.6', 'box.example.com'] })
    const verify = (file: string, ...words: string[]) =>
      execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', 'ca.crt', ...words, file], {
        cwd: folder,
        encoding: 'utf8',
        stdio: 'pipe',
      })
    const names = ['localhost', 'kubernetes.default.svc.cluster.local', 'box.example.com']
    for (const name of names) {
      expect(verify('apiserver.crt', '-purpose', 'sslserver', '-verify_hostname', name)).toBe('apiserver.crt: OK\n')
    }
    for (const ip of ['127.0.0.1', '::1', '10.96.0.1', '192.168.5.6']) {
      expect(verify('apiserver.crt', '-purpose', 'sslserver', '-verify_ip', ip)).toBe('apiserver.crt: OK\n')
    }
    expect(verify('admin.crt', '-purpose', 'sslclient')).toBe('admin.crt: OK\n')
    expect(() => verify('admin.crt', '-purpose', 'sslserver')).toThrow()
    expect(() => verify('apiserver.crt', '-purpose', 'sslclient')).toThrow()
  })

  test.skipIf(!has('python3', '-c', 'import ssl'))('Python in its strict mode speaks to the server', async () => {
    await using door = await openDoor()
    const { ca, admin } = door.certificates
    writeFileSync(join(folder, '..', 'ca.crt'), ca.cert)
    writeFileSync(join(folder, '..', 'both.pem'), admin.cert + admin.key)
    const script = `
import http.client, ssl
context = ssl.create_default_context(cafile='ca.crt')
context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
context.load_cert_chain('both.pem')
connection = http.client.HTTPSConnection('127.0.0.1', ${door.port}, context=context)
connection.request('GET', '/api/v1/namespaces/default')
print(connection.getresponse().status)
`
    const { spawn } = await import('node:child_process')
    const child = spawn('python3', ['-c', script], { cwd: join(folder, '..') })
    let said = ''
    child.stdout.on('data', text => {
      said += text
    })
    child.stderr.on('data', text => {
      said += text
    })
    await new Promise(resolve => child.once('close', resolve))
    expect(said).toBe('200\n')
  })
})

test('they say what they are for', () => {
  const { ca, server, admin } = loadOrCreateCertificates(undefined, env)
  const parsed = [ca, server, admin].map(({ cert }) => new X509Certificate(cert))
  expect(parsed.map(each => each.ca)).toEqual([true, false, false])
  expect(parsed[2]!.subject).toBe('O=system:masters\nCN=kubernetes-admin')
  expect(parsed[1]!.checkIssued(parsed[0]!) && parsed[1]!.verify(parsed[0]!.publicKey)).toBe(true)
  expect(new Set(parsed.map(each => each.serialNumber)).size).toBe(3)
  for (const each of parsed) expect(each.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/)
})

test('times and serials are the cluster’s own', () => {
  const at = Date.parse('2040-05-06T07:08:09Z')
  const made = () => loadOrCreateCertificates(undefined, virtualEnv({ startAt: at, seed: 9 }))
  const [one, other] = [made(), made()].map(({ server }) => new X509Certificate(server.cert))
  expect(one!.validFrom).toBe('May  6 06:08:09 2040 GMT')
  expect(one!.serialNumber).toBe(other!.serialNumber)
  // The keys are secrets, and no seed's.
  expect(one!.publicKey.equals(other!.publicKey)).toBe(false)
  // After 2049 a date has another form.
  expect(new X509Certificate(made().ca.cert).validTo).toBe('May  4 07:08:09 2050 GMT')
})

describe('kept', () => {
  const files = () =>
    Object.fromEntries(
      readdirSync(folder)
        .sort()
        .map(name => [name, readFileSync(join(folder, name), 'utf8')]),
    )

  test('made once, keys for their owner alone', () => {
    const made = loadOrCreateCertificates(folder, env)
    const before = files()
    expect(Object.keys(before)).toEqual([
      'admin.crt',
      'admin.key',
      'apiserver.crt',
      'apiserver.key',
      'ca.crt',
      'ca.key',
    ])
    for (const name of Object.keys(before).filter(name => name.endsWith('.key'))) {
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    }
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(loadOrCreateCertificates(folder, env)).toEqual(made)
    expect(files()).toEqual(before)
  })

  test('another name reissues the server’s alone', () => {
    const made = loadOrCreateCertificates(folder, env)
    const next = loadOrCreateCertificates(folder, env, { names: ['192.168.5.6'] })
    expect([next.ca, next.admin]).toEqual([made.ca, made.admin])
    expect(new X509Certificate(next.server.cert).checkIP('192.168.5.6')).toBe('192.168.5.6')
    expect(loadOrCreateCertificates(folder, env, { names: ['192.168.5.6'] })).toEqual(next)
  })

  test('what is about to expire is reissued by the same authority, and in the end the authority too', () => {
    const startAt = Date.parse('2026-01-01T00:00:00Z')
    const onDay = (days: number) =>
      loadOrCreateCertificates(folder, virtualEnv({ startAt: startAt + days * day, seed: days }))
    const made = onDay(0)
    expect(onDay(300)).toEqual(made)
    const next = onDay(340)
    expect(next.ca).toEqual(made.ca)
    expect(next.server.cert).not.toBe(made.server.cert)
    expect(next.admin.cert).not.toBe(made.admin.cert)
    const last = onDay(3640)
    expect(last.ca.cert).not.toBe(made.ca.cert)
    expect(new X509Certificate(last.server.cert).verify(new X509Certificate(last.ca.cert).publicKey)).toBe(true)
  })

  test.each([
    ['a key of another certificate', 'apiserver.key', 'admin.key'],
    ['an authority that did not issue them', 'ca', 'other'],
    ['half a file', 'admin.crt', undefined],
  ])('a start that was cut off left %s: it is made anew', (_what, file, by) => {
    const made = loadOrCreateCertificates(folder, env)
    if (by === 'other') {
      const other = loadOrCreateCertificates(undefined, env).ca
      writeFileSync(join(folder, 'ca.crt'), other.cert)
      writeFileSync(join(folder, 'ca.key'), other.key)
    } else {
      const content = by ? readFileSync(join(folder, by), 'utf8') : made.admin.cert.slice(0, 100)
      writeFileSync(join(folder, file), content)
    }
    const { ca, server, admin } = loadOrCreateCertificates(folder, env)
    const authority = new X509Certificate(ca.cert).publicKey
    for (const { cert } of [server, admin]) expect(new X509Certificate(cert).verify(authority)).toBe(true)
    expect(loadOrCreateCertificates(folder, env)).toEqual({ ca, server, admin })
  })
})

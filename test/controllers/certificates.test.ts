// pkg/controller/certificates: what is approved, signed and cleaned away.

import { createPublicKey, X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { certificateSigner, loadOrCreateCertificates } from '../../apiserver/http/certificates.ts'
import { toPem } from '../../apiserver/http/der.ts'
import type { User } from '../../apiserver/registry/registry.ts'
import { bootstrapTokenCleaner } from '../../controllers/bootstrap-token-cleaner.ts'
import { certificateApprovingController } from '../../controllers/certificate-approving.ts'
import { certificateCleaner } from '../../controllers/certificate-cleaner.ts'
import { certificateSigningController } from '../../controllers/certificate-signing.ts'
import type { CertificateSigningRequestSpec } from '../../generated/types.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'
import { CertificateSigningRequests, Secrets } from '../../src/kinds/index.ts'
import { base64, curveKey, requestBytes, signingRequest } from '../support/certificate-requests.ts'
import { testCluster } from '../support/cluster.ts'
import { type ControlPlane, controlPlane } from '../support/control-plane.ts'

const { ca } = loadOrCreateCertificates(undefined, virtualEnv({ seed: 1 }))
const world = () =>
  controlPlane([
    certificateApprovingController(),
    certificateSigningController(certificateSigner(ca, virtualEnv({ seed: 2 }))),
    certificateCleaner(),
    bootstrapTokenCleaner(),
  ])

async function ask(plane: ControlPlane, name: string, spec: Partial<CertificateSigningRequestSpec> = {}) {
  await plane.create(CertificateSigningRequests, {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: {
      request: signingRequest(name, 'dev'),
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
      ...spec,
    },
  })
  await plane.settle()
}
async function decide(plane: ControlPlane, name: string, type: string) {
  const conditions = [{ type, status: 'True', reason: 'Me', message: 'said so' }]
  await plane.patch(CertificateSigningRequests, name, { status: { conditions } }, 'approval')
  await plane.settle()
}
const status = (plane: ControlPlane, name: string) => plane.get(CertificateSigningRequests, name).status
const issued = (plane: ControlPlane, name: string) =>
  new X509Certificate(Buffer.from(status(plane, name).certificate ?? '', 'base64'))

test('an approved request is signed by the authority, for its key, its subject and a year', async () => {
  await using plane = await world()
  const pair = curveKey()
  const request = base64(toPem('CERTIFICATE REQUEST', requestBytes('jane', ['dev'], pair)))
  await ask(plane, 'jane', { request, usages: ['digital signature', 'key encipherment', 'client auth'] })
  expect(status(plane, 'jane')).toEqual({})
  await decide(plane, 'jane', 'Approved')
  const certificate = issued(plane, 'jane')
  expect(certificate.subject).toBe('CN=jane\nO=dev')
  expect(certificate.issuer).toBe('CN=kubesim-ca')
  expect(certificate.verify(createPublicKey(ca.cert))).toBe(true)
  expect(certificate.publicKey.equals(pair.publicKey)).toBe(true)
  expect(certificate.checkIssued(new X509Certificate(ca.cert))).toBe(true)
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(certificate.ca).toBe(false)
  const life = Date.parse(certificate.validTo) - plane.env.clock.now()
  expect(life).toBe(365 * 86_400_000 - 300_000)
  expect(plane.env.clock.now() - Date.parse(certificate.validFrom)).toBe(300_000)
})

test('for as long as is asked, and another is of another serial', async () => {
  await using plane = await world()
  for (const name of ['a', 'b']) {
    await ask(plane, name, { expirationSeconds: 3600 })
    await decide(plane, name, 'Approved')
  }
  expect(Date.parse(issued(plane, 'a').validTo) - plane.env.clock.now()).toBe(3_600_000)
  expect(issued(plane, 'a').serialNumber).not.toBe(issued(plane, 'b').serialNumber)
})

test('what its signer does not give has failed; another signer is not ours', async () => {
  await using plane = await world()
  await ask(plane, 'server', { usages: ['server auth'] })
  await ask(plane, 'serving', { signerName: 'kubernetes.io/kubelet-serving', usages: ['server auth'] })
  await ask(plane, 'theirs', { signerName: 'example.com/signer' })
  for (const name of ['server', 'serving', 'theirs']) await decide(plane, name, 'Approved')
  const failure = (name: string) => status(plane, name).conditions![1]
  expect(failure('server')).toMatchObject({
    type: 'Failed',
    reason: 'SignerValidationFailure',
    message: 'invalid usage for client certificate: server auth',
  })
  expect(failure('serving')!.message).toBe('subject organization is not system:nodes')
  expect([status(plane, 'theirs').certificate, failure('theirs')]).toEqual([undefined, undefined])
})

test('a kubelet that serves has the names it asks for, and must ask for one', async () => {
  await using plane = await world()
  const serving = { signerName: 'kubernetes.io/kubelet-serving', usages: ['digital signature', 'server auth'] }
  const of = (names: string[]) =>
    base64(toPem('CERTIFICATE REQUEST', requestBytes('system:node:a', ['system:nodes'], curveKey(), names)))
  await ask(plane, 'named', { ...serving, request: of(['a.example.com', 'b.example.com']) })
  await ask(plane, 'nameless', { ...serving, request: of([]) })
  for (const name of ['named', 'nameless']) await decide(plane, name, 'Approved')
  expect(issued(plane, 'named').subjectAltName).toBe('DNS:a.example.com, DNS:b.example.com')
  expect(issued(plane, 'named').keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(status(plane, 'nameless').conditions![1]!.message).toBe('DNS or IP subjectAltName is required')
})

test("a kubelet's own certificate is approved by itself, and what is not one is not", async () => {
  await using plane = await world()
  const kubelet = {
    signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
    usages: ['digital signature', 'client auth'],
  }
  await ask(plane, 'node', { ...kubelet, request: signingRequest('system:node:node-1', 'system:nodes') })
  await ask(plane, 'other', { ...kubelet, request: signingRequest('node-1', 'system:nodes') })
  expect(status(plane, 'node').conditions).toMatchObject([
    {
      type: 'Approved',
      reason: 'AutoApproved',
      message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
    },
  ])
  expect(issued(plane, 'node').subject).toBe('CN=system:node:node-1\nO=system:nodes')
  expect(status(plane, 'other')).toEqual({})
})

test('requests go an hour after they are decided, and a day after nobody did', async () => {
  await using plane = await world()
  const names = () => plane.list(CertificateSigningRequests).map(({ metadata }) => metadata.name)
  await ask(plane, 'issued')
  await ask(plane, 'denied')
  await ask(plane, 'forgotten')
  await ask(plane, 'unsigned', { signerName: 'example.com/signer' })
  for (const name of ['issued', 'unsigned']) await decide(plane, name, 'Approved')
  await decide(plane, 'denied', 'Denied')
  await plane.seconds(3599)
  expect(names()).toEqual(['denied', 'forgotten', 'issued', 'unsigned'])
  await plane.seconds(2)
  expect(names()).toEqual(['forgotten', 'unsigned'])
  await plane.seconds(86_400)
  expect(names()).toEqual(['unsigned'])
})

test('a bootstrap token goes when it expires', async () => {
  await using plane = await world()
  const expiration = new Date(plane.env.clock.now() + 60_000).toISOString()
  const token = (name: string, stringData: object) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${name}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: { 'token-id': name, 'token-secret': '0123456789abcdef', ...stringData },
  })
  await plane.create(Secrets, token('aaaaaa', { expiration }))
  await plane.create(Secrets, token('bbbbbb', {}))
  await plane.seconds(59)
  expect(plane.list(Secrets)).toHaveLength(2)
  await plane.seconds(2)
  expect(plane.list(Secrets).map(({ metadata }) => metadata.name)).toEqual(['bootstrap-token-bbbbbb'])
})

test("in a whole cluster it is asked whether somebody may have a kubelet's certificate", async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const post = (name: string, user: User) =>
    cluster.cluster.server.registry.of(CertificateSigningRequests).create(
      {
        apiVersion: 'certificates.k8s.io/v1',
        kind: 'CertificateSigningRequest',
        metadata: { name },
        spec: {
          request: signingRequest('system:node:node-9', 'system:nodes'),
          signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
          usages: ['digital signature', 'client auth'],
        },
      } as never,
      {},
      {},
      { user, warn: () => {} },
    )
  await post('may', { name: 'boss', groups: ['system:masters'] })
  await post('may-not', { name: 'guest', groups: ['system:authenticated'] })
  await cluster.advance('1s')
  const conditions = (name: string) => cluster.get(CertificateSigningRequests, name).status.conditions
  expect(conditions('may')).toMatchObject([{ type: 'Approved', reason: 'AutoApproved' }])
  expect(conditions('may-not')).toBeUndefined()
})

// CertificateSigningRequests, ClusterTrustBundles and PodCertificateRequests (pkg/registry/certificates/*/strategy.go,
// pkg/apis/certificates/validation/validation.go, pkg/printers/internalversion/printers.go).

import { createPublicKey, X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { issue } from '../../apiserver/http/x509.ts'
import type { CertificateSigningRequest } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { CertificateSigningRequests, ClusterTrustBundles, PodCertificateRequests } from '../../src/kinds/index.ts'
import { keyOf, readCertificate, requestOfSpec } from '../../src/kinds/x509-reading.ts'
import { base64, curveKey, podKey, requestBytes, signingRequest } from '../support/certificate-requests.ts'
import { certificate, trustAnchor } from '../support/trust-anchor.ts'
import { cell, create, update } from './written.ts'

const asked = (spec: object = {}, more: object = {}) => ({
  metadata: { name: 'it' },
  spec: { request: signingRequest('jane', 'dev', 'ops'), signerName: 'a.b/c', usages: ['client auth'], ...spec },
  ...more,
})
const approved = { type: 'Approved', status: 'True', reason: 'Yes', message: 'fine' }

describe('CertificateSigningRequest', () => {
  const { object } = create(CertificateSigningRequests, asked())
  const withStatus = (status: object): Frozen<CertificateSigningRequest> => ({ ...object, status }) as never

  test('who asks is who wrote it, and nobody approves his own on the way in', () => {
    const made = create(
      CertificateSigningRequests,
      asked(
        { username: 'root', uid: '0', groups: ['system:masters'], extra: { a: ['b'] } },
        { status: { conditions: [approved] } },
      ),
    )
    expect(made.faults).toEqual([])
    expect(made.object.spec).toMatchObject({
      username: 'jane',
      uid: 'u1',
      groups: ['dev', 'system:authenticated'],
      extra: { 'example.com/a': ['b'] },
    })
    expect(made.object.status).toEqual({})
    expect(cell(CertificateSigningRequests, made.object, 'Condition')).toBe('Pending')
    expect(cell(CertificateSigningRequests, made.object, 'RequestedDuration')).toBe('<none>')
  })

  test('its subject and key can be read, as admission needs them', () => {
    const request = requestOfSpec(object.spec.request)
    expect(request.subject).toEqual({ commonName: 'jane', organizations: ['dev', 'ops'] })
    expect(request.algorithm).toBe('1.2.840.10045.4.3.2')
    expect(keyOf(request.publicKey)).toEqual({ type: 'ECDSA', curve: 'P-256' })
  })

  const forged = Buffer.from(requestBytes('jane', []))
  forged[forged.length - 1]! ^= 1
  const pem = (bytes: Buffer) =>
    base64(`-----BEGIN CERTIFICATE REQUEST-----\n${base64(bytes)}\n-----END CERTIFICATE REQUEST-----\n`)

  test.each<[string, object, unknown[]]>([
    [
      'nothing',
      { request: '', signerName: '', usages: [] },
      [
        'spec.request: Invalid value: "": PEM block type must be CERTIFICATE REQUEST',
        'spec.usages: Required value',
        'spec.signerName: Required value',
      ],
    ],
    [
      'another block',
      { request: base64(trustAnchor) },
      [expect.stringMatching(/: PEM block type must be CERTIFICATE REQUEST$/)],
    ],
    [
      'another s signature',
      { request: pem(forged) },
      [expect.stringMatching(/^spec\.request: Invalid value: ".*": x509: ECDSA verification failure$/)],
    ],
    [
      'cut off',
      { request: pem(forged.subarray(0, 40)) },
      [expect.stringMatching(/: asn1: syntax error: data truncated$/)],
    ],
    [
      'usages and times that cannot be',
      {
        usages: ['client auth', 'client auth', 'world peace'],
        expirationSeconds: 599,
        signerName: 'kubernetes.io/legacy-unknown',
      },
      [
        expect.stringMatching(
          /^spec\.usages\[2\]: Unsupported value: "world peace": supported values: "any", "cert sign", /,
        ),
        'spec.usages[1]: Duplicate value: "client auth"',
        'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
        'spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)',
      ],
    ],
  ])('faults: %s', (_, spec, expected) => {
    expect(create(CertificateSigningRequests, asked(spec)).faults).toEqual(expected)
  })

  test('what was asked for never changes; an update changes metadata only', () => {
    const next = update(CertificateSigningRequests, object, draft => {
      draft.spec.usages = ['any']
      draft.metadata.labels = { a: 'b' }
    })
    expect(next.faults).toEqual([])
    expect(next.object.spec).toEqual(object.spec)
    expect(next.object.metadata.labels).toEqual({ a: 'b' })
  })

  test('approval sets conditions, with their times; not the certificate', () => {
    const next = update(
      CertificateSigningRequests,
      object,
      draft => (draft.status.conditions = [{ ...approved }]),
      'approval',
    )
    expect(next.faults).toEqual([])
    const stamped = { ...approved, lastUpdateTime: '2024-05-01T12:00:00Z', lastTransitionTime: '2024-05-01T12:00:00Z' }
    expect(next.object.status.conditions).toEqual([stamped])
    expect(cell(CertificateSigningRequests, next.object, 'Condition')).toBe('Approved')
    const { faults } = update(
      CertificateSigningRequests,
      next.object,
      draft => {
        draft.status.certificate = base64(trustAnchor)
        draft.status.conditions = [...draft.status.conditions!, { type: 'Denied', status: 'False' }]
      },
      'approval',
    )
    expect(faults).toEqual([
      'status.conditions[1].status: Unsupported value: "False": supported values: "True"',
      'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
      'status.certificate: Forbidden: updates may not set certificate content',
    ])
    const removed = update(CertificateSigningRequests, next.object, draft => (draft.status = {}), 'approval')
    expect(removed.faults).toEqual([
      'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
    ])
  })

  test('the status has the certificate, once; what is approved it neither adds nor changes', () => {
    const times = { lastUpdateTime: '2024-05-01T11:00:00Z', lastTransitionTime: '2024-05-01T11:00:00Z' }
    const old = withStatus({ conditions: [{ ...approved, ...times }] })
    const issued = update(
      CertificateSigningRequests,
      old,
      draft => {
        draft.status.certificate = base64(trustAnchor)
        draft.status.conditions![0]!.message = 'forged'
      },
      'status',
    )
    expect(issued.faults).toEqual([])
    expect(issued.object.status.conditions![0]!.message).toBe('fine')
    expect(cell(CertificateSigningRequests, issued.object, 'Condition')).toBe('Approved,Issued')
    const again = update(
      CertificateSigningRequests,
      issued.object,
      draft => (draft.status.certificate = 'AAAA'),
      'status',
    )
    expect(again.faults).toEqual([
      'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block',
      'status.certificate: Forbidden: updates may not modify existing certificate content',
    ])
    const added = update(
      CertificateSigningRequests,
      object,
      draft => (draft.status.conditions = [{ ...approved }]),
      'status',
    )
    expect(added.faults).toEqual(['status.conditions: Forbidden: updates may not add a condition of type "Approved"'])
    const failed = update(
      CertificateSigningRequests,
      old,
      draft => draft.status.conditions!.push({ type: 'Failed', status: 'True' }),
      'status',
    )
    expect(failed.faults).toEqual([])
    expect(cell(CertificateSigningRequests, failed.object, 'Condition')).toBe('Approved,Failed')
  })
})

describe('ClusterTrustBundle', () => {
  const bundle = (trustBundle: string, name = 'it', signerName?: string) =>
    create(ClusterTrustBundles, { metadata: { name }, spec: { trustBundle, ...(signerName ? { signerName } : {}) } })

  test.each<[string, string, string[]]>([
    ['a certificate of an authority', trustAnchor, []],
    ['with remarks between', `first\n${trustAnchor}then\n${certificate('ca', 'other')}`, []],
    ['nothing', '', ['at least one trust anchor must be provided']],
    ['twice the same', trustAnchor + trustAnchor, ['duplicate trust anchor (indices [0 1])']],
    ['one for a client', certificate('client', 'me'), ['entry 0 does not have the CA bit set']],
    [
      'no certificate',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      ['entry 0 does not parse as X.509'],
    ],
    ['another block', trustAnchor.replaceAll('CERTIFICATE', 'KEY'), ['entry 0 has bad block type: KEY']],
  ])('holds %s', (_, text, expected) => {
    const { faults } = bundle(text)
    expect(faults).toEqual(expected.map(each => `spec.trustBundle: Invalid value: "<value omitted>": ${each}`))
  })

  test('a signer s bundle is named after it', () => {
    expect(bundle(trustAnchor, 'a.b:c:it', 'a.b/c').faults).toEqual([])
    expect(bundle(trustAnchor, 'it', 'a.b/c').faults).toEqual([
      'metadata.name: Invalid value: "it": ClusterTrustBundle for signerName a.b/c must be named with prefix a.b:c:',
    ])
    expect(bundle(trustAnchor, 'a:b').faults).toEqual([
      'metadata.name: Invalid value: "a:b": ClusterTrustBundle without signer name must not have ":" in its name',
    ])
    const { object } = bundle(trustAnchor)
    expect(update(ClusterTrustBundles, object, draft => (draft.spec.signerName = 'a.b/c')).faults).toEqual([
      'spec.signerName: Invalid value: "a.b/c": field is immutable',
    ])
  })
})

describe('PodCertificateRequest', () => {
  const spec = (more: object = {}) => ({
    metadata: { name: 'it' },
    spec: {
      signerName: 'a.b/c',
      podName: 'p',
      podUID: 'u',
      serviceAccountName: 's',
      serviceAccountUID: 'u',
      nodeName: 'n',
      nodeUID: 'u',
      ...podKey('u'),
      ...more,
    },
  })

  test('is kept for a day, by a key that its kubelet has', () => {
    const { object, faults } = create(PodCertificateRequests, spec())
    expect(faults).toEqual([])
    expect(object.spec.maxExpirationSeconds).toBe(86_400)
    expect(cell(PodCertificateRequests, object, 'State')).toBe('Pending')
    const changed = update(PodCertificateRequests, object, draft => (draft.spec.podName = 'other'))
    expect(changed.faults).toEqual([expect.stringMatching(/^spec: Invalid value: \{.*\}: field is immutable$/)])
  })

  test.each<[string, object, unknown[]]>([
    [
      'another pod s proof',
      podKey('other'),
      ['spec.proofOfPossession: Invalid value: could not verify proof-of-possession signature'],
    ],
    [
      'no key',
      { pkixPublicKey: 'AAAA' },
      ['spec.pkixPublicKey: Invalid value: "AAAA": must be a valid PKIX-serialized public key'],
    ],
    [
      'too long for a signer of Kubernetes',
      { signerName: 'kubernetes.io/x', maxExpirationSeconds: 86_401 },
      ['spec.maxExpirationSeconds: Invalid value: 86401: must be in the range [3600, 86400]'],
    ],
    [
      'no identities',
      { podUID: '', nodeUID: 'x'.repeat(129), ...podKey('') },
      ['spec.podUID: Invalid value: "": must not be empty', 'spec.nodeUID: Too long: may not be more than 128 bytes'],
    ],
  ])('faults: %s', (_, more, expected) => {
    expect(create(PodCertificateRequests, spec(more)).faults).toEqual(expected)
  })

  test('a request of PKCS#10 stands for key and proof', () => {
    const none = { pkixPublicKey: undefined, proofOfPossession: undefined }
    const bytes = requestBytes('', [], curveKey('P-384'))
    const stub = (stubPKCS10Request: string) =>
      create(PodCertificateRequests, spec({ ...none, stubPKCS10Request })).faults
    expect(stub(base64(bytes))).toEqual([])
    bytes[bytes.length - 1]! ^= 1
    expect(stub(base64(bytes))).toEqual(['spec.stubPKCS10Request: Invalid value: could not verify signature'])
    expect(stub('AAAA')).toEqual([
      'spec.stubPKCS10Request: Invalid value: "AAAA": must be a valid PKCS#10 certificate signing request',
    ])
  })

  describe('its status', () => {
    const condition = (type: string) => ({
      type,
      status: 'True',
      reason: 'Why',
      lastTransitionTime: '2024-05-01T12:00:00Z',
    })
    const serial = Buffer.from([7])
    const notBefore = Date.parse('2024-05-01T12:00:00Z')
    const issued = issue({
      subject: { commonName: 'pod' },
      serial,
      notBefore,
      notAfter: notBefore + 7_200_000,
      use: 'client',
    })
    const publicKey = base64(createPublicKey(issued.key).export({ type: 'spki', format: 'der' }))
    const { object: proven } = create(PodCertificateRequests, spec())
    const object = { ...proven, spec: { ...proven.spec, pkixPublicKey: publicKey } }
    const good = {
      conditions: [condition('Issued')],
      certificateChain: issued.cert + trustAnchor,
      notBefore: '2024-05-01T12:00:00Z',
      notAfter: '2024-05-01T14:00:00Z',
      beginRefreshAt: '2024-05-01T13:00:00Z',
    }
    const faultsOf = (status: object, of = object) =>
      update(PodCertificateRequests, of, draft => (draft.status = status as never), 'status').faults

    test('a certificate for the key that was sent, with its times', () => {
      expect(faultsOf(good)).toEqual([])
      const done = { ...object, status: good as never }
      expect(faultsOf({}, done)).toEqual([
        'status: Invalid value: immutable after PodCertificateRequest is issued, denied, or failed',
      ])
    })

    test.each<[string, object, unknown[]]>([
      [
        'another s certificate',
        { certificateChain: trustAnchor },
        [expect.stringMatching(/: leaf certificate was not issued to the requested public key$/)],
      ],
      [
        'none',
        { certificateChain: '' },
        ['status.certificateChain: Invalid value: "": issued certificate chain must contain at least one certificate'],
      ],
      [
        'no times',
        { notBefore: undefined, beginRefreshAt: undefined },
        [
          'status.notBefore: Required value: must be present and consistent with the issued certificate',
          'status.beginRefreshAt: Required value: must be present and in the range [notbefore+10min, notafter-10min]',
        ],
      ],
      [
        'a refresh too late',
        { beginRefreshAt: '2024-05-01T13:51:00Z' },
        [
          'status.beginRefreshAt: Invalid value: "2024-05-01T13:51:00Z": must be at least 10 minutes before status.notAfter',
        ],
      ],
      [
        'an end not its own',
        { notAfter: '2024-05-01T15:00:00Z' },
        [
          'status.notAfter: Invalid value: "2024-05-01T15:00:00Z": must be set to the NotAfter time encoded in the leaf certificate',
        ],
      ],
      [
        'denied, but with times',
        { conditions: [condition('Denied')] },
        [
          'status: Invalid value: non-condition status fields must be empty when denying or failing the PodCertificateRequest',
        ],
      ],
      [
        'no end at all',
        { conditions: undefined },
        ['status: Invalid value: status is immutable unless transitioning to "Issued", "Denied", or "Failed"'],
      ],
      [
        'two ends',
        { conditions: [condition('Denied'), condition('Failed')] },
        [
          'status.conditions.[1].type: Invalid value: "Failed": There may be at most one condition with type "Issued", "Denied", or "Failed"',
        ],
      ],
    ])('faults: %s', (_, more, expected) => {
      expect(faultsOf(JSON.parse(JSON.stringify({ ...good, ...more })))).toEqual(expected)
    })
  })
})

test('certificates are read as node:crypto reads them', () => {
  const { cert } = issue({
    subject: { commonName: 'x' },
    serial: Buffer.from([1]),
    notBefore: Date.parse('2049-12-31T23:59:59Z'),
    notAfter: Date.parse('2051-01-01T00:00:00Z'),
    use: 'server',
    names: ['a.example.com', '10.0.0.1', 'b.example.com'],
  })
  const known = new X509Certificate(cert)
  const read = readCertificate(known.raw)
  expect(read).toMatchObject({
    notBefore: Date.parse(known.validFrom),
    notAfter: Date.parse(known.validTo),
    isAuthority: known.ca,
    dnsNames: ['a.example.com', 'b.example.com'],
  })
  expect(Buffer.from(read.publicKey)).toEqual(known.publicKey.export({ type: 'spki', format: 'der' }))
})

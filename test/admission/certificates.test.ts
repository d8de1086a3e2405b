// CertificateApproval, CertificateSigning, CertificateSubjectRestriction, ClusterTrustBundleAttest
// (plugin/pkg/admission/certificates/…): who may do what for which signer.

import { describe, expect, test } from 'vitest'
import { builtinAdmission } from '../../apiserver/admission/index.ts'
import type { Authorize } from '../../apiserver/admission/signer-permission.ts'
import { storageTerms } from '../../apiserver/registry/registry.ts'
import { createApiServer } from '../../apiserver/server.ts'
import { MemoryJournal } from '../../apiserver/storage/journal.ts'
import { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'
import { builtinKinds, CertificateSigningRequests, ClusterTrustBundles } from '../../src/kinds/index.ts'
import { refusal } from '../registry/harness.ts'
import { signingRequest } from '../support/certificate-requests.ts'
import { trustAnchor } from '../support/trust-anchor.ts'

/** An API server in which jane may do, for signers, what is listed: `approve example.com/one`. */
async function server(...allowed: string[]) {
  const asked: string[] = []
  const authorize: Authorize = (user, attributes) => {
    if (user.name !== 'jane' || !('resource' in attributes)) return { allowed: false }
    const { verb, name, group, version, resource } = attributes.resource
    expect([group, version, resource]).toEqual(['certificates.k8s.io', '*', 'signers'])
    asked.push(`${verb} ${name}`)
    return { allowed: allowed.includes(`${verb} ${name}`) }
  }
  const env = virtualEnv()
  const storage = await RevisionStore.open(env, new MemoryJournal(), { terms: storageTerms(builtinKinds) })
  const { registry } = createApiServer(
    env,
    storage,
    builtinKinds,
    builtinAdmission(env, { authorizer: { authorize, escalation: () => undefined } }),
  )
  const info = { user: { name: 'jane', groups: ['system:authenticated'] }, warn: () => {} }
  const requests = registry.of(CertificateSigningRequests)
  const bundles = registry.of(ClusterTrustBundles)
  return {
    asked,
    create: (signerName: string, ...groups: string[]) => {
      const request = {
        apiVersion: 'certificates.k8s.io/v1',
        kind: 'CertificateSigningRequest',
        metadata: { name: 'it' },
        spec: { request: signingRequest('jane', ...groups), signerName, usages: ['client auth'] },
      }
      return requests.create(request, {}, {}, info)
    },
    decide(subresource: 'approval' | 'status', type: string) {
      const condition = { type, status: 'True', reason: 'Yes', message: 'fine' }
      const body = { status: { conditions: [condition] } }
      return requests.patch({ name: 'it' }, { type: 'merge', body }, {}, info, subresource)
    },
    label: () =>
      requests.patch({ name: 'it' }, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } }, {}, info, 'status'),
    trust: (signerName: string) => {
      const name = `${signerName.replace('/', ':')}:roots`
      const bundle = {
        apiVersion: 'certificates.k8s.io/v1beta1',
        kind: 'ClusterTrustBundle',
        metadata: { name },
        spec: { signerName, trustBundle: trustAnchor },
      }
      return bundles.create(bundle, {}, {}, info)
    },
    relabel: (name: string) =>
      bundles.patch({ name }, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } }, {}, info),
  }
}

const message = async (work: Promise<unknown>): Promise<string> => {
  const error = await refusal(work)
  expect(error.code).toBe(403)
  return error.message
}

describe('approval', () => {
  test('takes leave to approve for the signer', async () => {
    const it = await server()
    await it.create('example.com/one')
    expect(await message(it.decide('approval', 'Approved'))).toBe(
      'certificatesigningrequests.certificates.k8s.io "it" is forbidden: user not permitted to approve requests with signerName "example.com/one"',
    )
    expect(it.asked).toEqual(['approve example.com/one', 'approve example.com/*'])
  })

  test.each(['approve example.com/one', 'approve example.com/*'])('%s is enough', async leave => {
    const it = await server(leave)
    await it.create('example.com/one')
    await it.decide('approval', 'Denied')
  })
})

describe('signing', () => {
  test('takes leave to sign as the signer; to change something else does not', async () => {
    const it = await server('approve example.com/one')
    await it.create('example.com/one')
    expect(await message(it.decide('status', 'Failed'))).toBe(
      'certificatesigningrequests.certificates.k8s.io "it" is forbidden: user not permitted to sign requests with signerName "example.com/one"',
    )
    await it.label()
    const signer = await server('sign example.com/one')
    await signer.create('example.com/one')
    await signer.decide('status', 'Failed')
  })
})

test('nobody asks the signer of API clients for the group that may do everything', async () => {
  const it = await server()
  expect(await message(it.create('kubernetes.io/kube-apiserver-client', 'dev', 'system:masters'))).toBe(
    'certificatesigningrequests.certificates.k8s.io "it" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
  )
  await it.create('example.com/one', 'system:masters')
})

test('a trust bundle of a signer takes leave to attest for it', async () => {
  const it = await server()
  expect(await message(it.trust('example.com/one'))).toBe(
    'clustertrustbundles.certificates.k8s.io "example.com:one:roots" is forbidden: user not permitted to attest for signerName "example.com/one"',
  )
  const attester = await server('attest example.com/one')
  await attester.trust('example.com/one')
  attester.asked.length = 0
  await attester.relabel('example.com:one:roots')
  expect(attester.asked).toEqual([])
})

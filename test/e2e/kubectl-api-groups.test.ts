// The real kubectl with the kinds of admissionregistration.k8s.io, certificates.k8s.io and resource.k8s.io: applied in one
// version, read in another; what get, describe, explain and certificate print.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CertificateSigningRequests } from '../../src/kinds/index.ts'
import { leastObject } from '../registry/least-objects.ts'
import { signingRequest } from '../support/certificate-requests.ts'
import { noKubectl } from '../support/kubectl.ts'
import { type Server, startServer } from '../support/server.ts'

const rules = [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['widgets'] }]
const objects = [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'few.example.com' },
    spec: {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConstraints: { resourceRules: rules },
      validations: [{ expression: 'object.spec.replicas <= 5' }],
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: 'few' },
    spec: {
      policyName: 'few.example.com',
      validationActions: ['Deny'],
      paramRef: { name: 'limits', namespace: 'default', parameterNotFoundAction: 'Deny' },
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1beta1',
    kind: 'MutatingAdmissionPolicy',
    metadata: { name: 'mark' },
    spec: {
      matchConstraints: { resourceRules: rules },
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } }],
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'hooks' },
    webhooks: [
      {
        name: 'a.example.com',
        clientConfig: { service: { name: 'hook', namespace: 'default', path: '/check' } },
        rules,
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  },
  {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'DeviceClass',
    metadata: { name: 'gpu.example.com' },
    spec: { selectors: [{ cel: { expression: "device.driver == 'gpu.example.com'" } }] },
  },
  {
    apiVersion: 'resource.k8s.io/v1beta1',
    kind: 'ResourceClaim',
    metadata: { name: 'one' },
    spec: { devices: { requests: [{ name: 'gpu', deviceClassName: 'gpu.example.com' }] } },
  },
  {
    apiVersion: 'resource.k8s.io/v1beta1',
    kind: 'ResourceSlice',
    metadata: { name: 'node-1-gpu' },
    spec: {
      driver: 'gpu.example.com',
      nodeName: 'node-1',
      pool: { name: 'node-1', generation: 1, resourceSliceCount: 1 },
      devices: [{ name: 'gpu-0', basic: { capacity: { memory: { value: '40Gi' } } } }],
    },
  },
]

describe.skipIf(noKubectl)(`kubectl and further groups${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
  let server: Server
  let kubectl: Server['kubectl']

  beforeAll(async () => {
    server = await startServer()
    kubectl = server.kubectl
    const stdin = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
    const { stdout, stderr } = await kubectl.run(['apply', '-f', '-'], { stdin })
    expect(stdout.split('\n').filter(Boolean), stderr).toHaveLength(objects.length)
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())

  /** Without the age, which may be any. */
  const table = async (...words: string[]) =>
    (await kubectl('get', ...words))
      .split('\n')
      .filter(Boolean)
      .map(line => line.replace(/ +(AGE|\d+s)$/, '').split(/ {2,}/))

  test.each<[string, string[], string[]]>([
    ['validatingadmissionpolicies', ['NAME', 'VALIDATIONS', 'PARAMKIND'], ['few.example.com', '1', 'v1/ConfigMap']],
    [
      'validatingadmissionpolicybindings',
      ['NAME', 'POLICYNAME', 'PARAMREF'],
      ['few', 'few.example.com', 'default/limits'],
    ],
    ['mutatingadmissionpolicies', ['NAME', 'MUTATIONS', 'PARAMKIND'], ['mark', '1', '<unset>']],
    [
      'mutatingadmissionpolicies.v1beta1.admissionregistration.k8s.io',
      ['NAME', 'MUTATIONS', 'PARAMKIND'],
      ['mark', '1', '<unset>'],
    ],
    ['validatingwebhookconfigurations', ['NAME', 'WEBHOOKS'], ['hooks', '1']],
    ['deviceclasses.v1beta1.resource.k8s.io', ['NAME'], ['gpu.example.com']],
    ['resourceclaims', ['NAME', 'STATE'], ['one', 'pending']],
    ['resourceclaims.v1beta1.resource.k8s.io', ['NAME', 'STATE'], ['one', 'pending']],
    [
      'resourceslices.v1beta2.resource.k8s.io',
      ['NAME', 'NODE', 'DRIVER', 'POOL'],
      ['node-1-gpu', 'node-1', 'gpu.example.com', 'node-1'],
    ],
  ])('get %s', async (resource, head, row) => {
    expect(await table(resource)).toEqual([head, row])
    expect(await table(resource, '-o', 'wide')).toEqual([head, row])
  })

  test('a claim is described in the preferred version, and explained in each', async () => {
    const text = await kubectl('describe', 'resourceclaim', 'one')
    expect(text).toMatch(/^API Version: +resource\.k8s\.io\/v1$/m)
    expect(text).toMatch(/^ {6}Exactly:\n {8}Allocation Mode: +ExactCount\n {8}Count: +1\n/m)
    const field = 'resourceclaims.spec.devices.requests'
    expect(await kubectl('explain', field)).toMatch(/^ {2}exactly\t<ExactDeviceRequest>$/m)
    const older = await kubectl('explain', field, '--api-version=resource.k8s.io/v1beta1')
    expect(older).toMatch(/^VERSION: +v1beta1$/m)
    expect(older).toMatch(/^ {2}deviceClassName\t<string>$/m)
    expect(await kubectl('explain', 'validatingadmissionpolicies.spec.validations')).toMatch(
      /^ {2}messageExpression\t<string>$/m,
    )
  })

  test('api-resources and api-versions show the preferred versions first', async () => {
    const versions = (await kubectl('api-versions')).split('\n')
    expect(versions).toEqual(
      expect.arrayContaining(['resource.k8s.io/v1', 'resource.k8s.io/v1beta1', 'certificates.k8s.io/v1beta1']),
    )
    const resources = await kubectl('api-resources', '--api-group=certificates.k8s.io', '--no-headers')
    expect(resources.split('\n').map(line => line.split(/ +/))).toEqual([
      ['certificatesigningrequests', 'csr', 'certificates.k8s.io/v1', 'false', 'CertificateSigningRequest'],
      ['clustertrustbundles', 'certificates.k8s.io/v1beta1', 'false', 'ClusterTrustBundle'],
      ['podcertificaterequests', 'certificates.k8s.io/v1beta1', 'true', 'PodCertificateRequest'],
      [''],
    ])
  })

  test('certificate approve and deny', async () => {
    for (const name of ['jane', 'mallory']) {
      const object = leastObject(CertificateSigningRequests, name)
      object.spec.request = signingRequest(name, 'dev')
      object.spec.expirationSeconds = 3600
      await kubectl.run(['create', '-f', '-'], { stdin: JSON.stringify(object) })
    }
    expect(await kubectl('certificate', 'approve', 'jane')).toBe(
      'certificatesigningrequest.certificates.k8s.io/jane approved\n',
    )
    expect(await kubectl('certificate', 'deny', 'mallory')).toBe(
      'certificatesigningrequest.certificates.k8s.io/mallory denied\n',
    )
    const rows = (await kubectl('get', 'csr', '--no-headers')).split('\n').map(line => line.split(/ +/))
    expect(rows.map(([name, , signer, who, duration, condition]) => [name, signer, who, duration, condition])).toEqual([
      ['jane', 'example.com/signer', 'kubernetes-admin', '60m', 'Approved'],
      ['mallory', 'example.com/signer', 'kubernetes-admin', '60m', 'Denied'],
      ['', undefined, undefined, undefined, undefined],
    ])
    expect((await kubectl.run(['certificate', 'deny', 'jane'])).stderr).toBe(
      'error: certificate signing request "jane" is already Approved\n',
    )
    const text = await kubectl('describe', 'csr', 'jane')
    expect(text).toMatch(/^Requesting User: +kubernetes-admin$/m)
    expect(text).toMatch(/^Subject:\n +Common Name: +jane\n/m)
  })

  test('what is wrong is told all at once, in upstream s words', async () => {
    const stdin = JSON.stringify({ ...objects[0], spec: { validations: [{ expression: '', reason: 'Gone' }] } })
    const { code, stderr } = await kubectl.run(['apply', '-f', '-'], { stdin })
    expect(code).toBe(1)
    expect(stderr).toContain(
      'The ValidatingAdmissionPolicy "few.example.com" is invalid: \n' +
        '* spec.matchConstraints: Required value\n' +
        '* spec.validations[0].expression: Required value: expression is not specified\n' +
        '* spec.validations[0].reason: Unsupported value: "Gone": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"\n',
    )
  })
})

// What admission has the audit log say: pod security, policies in CEL, webhooks. Upstream: k8s.io/pod-security-admission
// (admission/admission.go), k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go,
// plugin/webhook/{mutating,validating}/dispatcher.go.

import { beforeEach, describe, expect, test } from 'vitest'
import { OutgoingError } from '../../apiserver/outgoing/outgoing.ts'
import type { RequestInfo } from '../../apiserver/registry/registry.ts'
import { keyOf } from '../../apiserver/storage/keys.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import {
  ConfigMaps,
  Deployments,
  Namespaces,
  Pods,
  ValidatingAdmissionPolicies,
  ValidatingAdmissionPolicyBindings,
} from '../../src/kinds/index.ts'
import { refusal, type TestServer, testServer } from '../registry/harness.ts'
import { leastObject } from '../registry/least-objects.ts'

const where = { namespace: 'default' }

let said: Record<string, string>
/** Those that are for the level Request on. */
let more: string[]
beforeEach(() => {
  said = {}
  more = []
})
const heard = (server: TestServer): RequestInfo => ({
  ...server.info,
  annotate(key, value, level) {
    said[key] ??= value
    if (level === 'Request') more.push(key)
  },
})

describe('pod security', () => {
  const label = (name: string) => `pod-security.kubernetes.io/${name}`
  const labelled = async (labels: Record<string, string>) => {
    const server = await testServer()
    const body = { metadata: { labels } }
    await server.of(Namespaces).patch({ name: 'default' }, { type: 'merge', body }, {}, server.info)
    return server
  }
  const privileged = () => {
    const pod = leastObject(Pods, 'web') as any
    pod.spec.containers[0].securityContext = { privileged: true }
    return pod
  }

  test('of a pod: the level that is enforced, also where that is none', async () => {
    const server = await testServer()
    await server.of(Pods).create(privileged(), where, {}, heard(server))
    expect(said).toEqual({ [label('enforce-policy')]: 'privileged:latest' })
  })

  test('what only the log is to know', async () => {
    const server = await labelled({ [label('audit')]: 'baseline', [label('audit-version')]: 'v1.30' })
    await server.of(Pods).create(privileged(), where, {}, heard(server))
    expect(said[label('audit-violations')]).toMatch(
      /^would violate PodSecurity "baseline:v1.30": privileged \(container "\S+" must not set securityContext.privileged=true\)$/,
    )
    expect(server.info.warnings).toEqual([])
    said = {}
    const deployment = leastObject(Deployments, 'web') as any
    deployment.spec.template.spec.containers[0].securityContext = { privileged: true }
    await server.of(Deployments).create(deployment, where, {}, heard(server))
    expect(Object.keys(said)).toEqual([label('audit-violations')])
  })

  test('what is refused is told of, too', async () => {
    const server = await labelled({ [label('enforce')]: 'baseline' })
    expect((await refusal(server.of(Pods).create(privileged(), where, {}, heard(server)))).code).toBe(403)
    expect(said).toEqual({ [label('enforce-policy')]: 'baseline:latest' })
  })

  test('a label that cannot be read', async () => {
    const server = await testServer()
    await server.storage.write(keyOf(Namespaces, { name: 'default' }), current => {
      const object = structuredClone(current!.object) as KubeObject
      object.metadata.labels = { [label('audit')]: 'strict' }
      return { put: object }
    })
    await server.of(Pods).create(leastObject(Pods, 'web'), where, {}, heard(server))
    expect(said).toEqual({
      [label('error')]:
        `Failed to parse policy: metadata.labels[${label('audit')}]: Invalid value: "strict": must be one of privileged, baseline, restricted`,
      [label('enforce-policy')]: 'privileged:latest',
    })
  })
})

describe('policies', () => {
  async function cluster(spec: object, ...actions: string[]) {
    const server = await testServer()
    const apiVersion = 'admissionregistration.k8s.io/v1'
    const put = (kind: any, name: string, spec: object) =>
      server.of(kind).create({ apiVersion, kind: kind.kind, metadata: { name }, spec }, {}, {}, server.info)
    const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }
    await put(ValidatingAdmissionPolicies, 'small.example.com', {
      matchConstraints: { resourceRules: [rule] },
      ...spec,
    })
    await put(ValidatingAdmissionPolicyBindings, 'everywhere', {
      policyName: 'small.example.com',
      validationActions: actions,
    })
    return {
      ...server,
      map: (name: string, data: Record<string, string>) =>
        server.of(ConfigMaps).create({ ...(leastObject(ConfigMaps, name) as object), data }, where, {}, heard(server)),
    }
  }
  const key = 'validation.policy.admission.k8s.io/validation_failure'
  const validations = [
    { expression: 'true' },
    { expression: 'size(object.data) < 2', message: 'too much' },
    { expression: "!('b' in object.data)", message: 'no b' },
  ]

  test('Audit: the first failure is written, and nothing is refused', async () => {
    const it = await cluster({ validations }, 'Audit')
    await it.map('one', { a: '1' })
    expect(said).toEqual({})
    await it.map('two', { a: '1', b: '2' })
    expect(JSON.parse(said[key]!)).toEqual([
      {
        message: 'too much',
        policy: 'small.example.com',
        binding: 'everywhere',
        expressionIndex: 1,
        validationActions: ['Audit'],
      },
    ])
  })

  test('Deny and Audit: both; Deny alone: nothing in the log', async () => {
    const both = await cluster({ validations }, 'Deny', 'Audit')
    expect((await refusal(both.map('two', { a: '1', b: '2' }))).code).toBe(422)
    expect(JSON.parse(said[key]!)).toMatchObject([{ validationActions: ['Deny', 'Audit'] }])
    said = {}
    const alone = await cluster({ validations }, 'Deny')
    expect((await refusal(alone.map('two', { a: '1', b: '2' }))).code).toBe(422)
    expect(said).toEqual({})
  })

  test("a policy's own annotations: what is empty or null is none", async () => {
    const auditAnnotations = [
      { key: 'size', valueExpression: "'has ' + string(size(object.data))" },
      { key: 'none', valueExpression: 'null' },
      { key: 'blank', valueExpression: "'  '" },
    ]
    const it = await cluster({ auditAnnotations }, 'Deny')
    await it.map('one', { a: '1' })
    expect(said).toEqual({ 'small.example.com/size': 'has 1' })
  })
})

describe('webhooks', () => {
  const set = (path: string, value: unknown) => ({ op: 'add', path, value })
  /** `answers`: by the host of the hook's URL; who is not there does not answer. */
  async function cluster(answers: Readonly<Record<string, { patch?: object[] } & Record<string, unknown>>>) {
    const server = await testServer(undefined, async sent => {
      const answer = answers[new URL(sent.url).host]
      if (answer === undefined) throw new OutgoingError(sent, 'connection refused')
      const { uid } = JSON.parse(Buffer.from(sent.body!).toString()).request
      const { patch, ...reply } = answer
      const encoded = patch && { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
      const response = { uid, allowed: true, ...encoded, ...reply }
      const body = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response }
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) }
    })
    const configure = async (sort: 'Mutating' | 'Validating', ...hosts: string[]) => {
      const webhooks = hosts.map(host => ({
        name: `${host}.example.com`,
        clientConfig: { url: `https://${host}/` },
        rules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], scope: '*' }],
        failurePolicy: 'Ignore',
        matchPolicy: 'Equivalent',
        sideEffects: 'None',
        timeoutSeconds: 10,
        admissionReviewVersions: ['v1'],
      }))
      const kind = `${sort}WebhookConfiguration`
      const object = { apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name: 'mine' }, webhooks }
      const at = `/registry/admissionregistration.k8s.io/${kind.toLowerCase()}s/mine`
      await server.storage.write(at, () => ({ put: object as unknown as KubeObject }))
    }
    const create = () => server.of(ConfigMaps).create(leastObject(ConfigMaps, 'web'), where, {}, heard(server))
    return { ...server, configure, create }
  }

  test('mutating ones: who changed what, who did not, who could not be asked', async () => {
    const patch = [set('/data', { a: '1' })]
    const it = await cluster({
      changing: { patch },
      looking: { auditAnnotations: { seen: 'yes', 'not/this/one': 'x' } },
    })
    await it.configure('Mutating', 'changing', 'looking', 'gone')
    await it.create()
    const webhook = (name: string) => ({ configuration: 'mine', webhook: `${name}.example.com` })
    const place = 'webhook.admission.k8s.io/round_0_index_'
    const read = Object.fromEntries(
      Object.entries(said).map(([key, value]) => [key, value.startsWith('{') ? JSON.parse(value) : value]),
    )
    expect(read).toMatchObject({
      [`mutation.${place}0`]: { ...webhook('changing'), mutated: true },
      [`patch.${place}0`]: { ...webhook('changing'), patch, patchType: 'JSONPatch' },
      [`mutation.${place}1`]: { ...webhook('looking'), mutated: false },
      [`mutation.${place}2`]: { ...webhook('gone'), mutated: false },
      [`failed-open.mutation.${place}2`]: 'gone.example.com',
      'looking.example.com/seen': 'yes',
    })
    expect(more).toEqual([`patch.${place}0`])
  })

  test('validating ones: what they say, also when they refuse, and who could not be asked', async () => {
    const it = await cluster({ refusing: { allowed: false, auditAnnotations: { why: 'because' } } })
    await it.configure('Validating', 'gone', 'refusing')
    expect((await refusal(it.create())).message).toContain('refusing.example.com')
    expect(said).toEqual({
      'refusing.example.com/why': 'because',
      'failed-open.validating.webhook.admission.k8s.io/round_0_index_0': 'gone.example.com',
    })
  })
})

// PodSecurity (k8s.io/pod-security-admission: policy/check_*.go, api/helpers.go, admission/admission.go), and the documentation's
// tasks about the Pod Security Standards.

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { detailsText, violations } from '../../apiserver/admission/pod-security/evaluate.ts'
import { levelText, type Minor, policyOf } from '../../apiserver/admission/pod-security/levels.ts'
import { podSecurity } from '../../apiserver/admission/pod-security/pod-security.ts'
import { CronJobs, Deployments, Namespaces, Pods, ServiceAccounts } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { inDefault, refusal, type TestServer, testServer } from '../registry/harness.ts'
import { leastObject } from '../registry/least-objects.ts'

const where = { namespace: 'default' }
const label = (name: string) => `pod-security.kubernetes.io/${name}`

/** A pod that every level takes, but for what is said. */
const restrictedContainer = {
  name: 'main',
  image: 'nginx',
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
}
const restrictedPod = { securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } }

function found(level: 'baseline' | 'restricted', spec: object, version: Minor = 'latest', annotations = {}): string {
  const pod = { metadata: { annotations }, spec: spec as never }
  return detailsText(violations(pod, { level, version }))
}

const withContext = (securityContext: object, name = 'main') => ({
  ...restrictedContainer,
  name,
  securityContext: { ...restrictedContainer.securityContext, ...securityContext },
})

describe('baseline finds', () => {
  const containers = (...all: object[]) => ({ containers: all })
  const plain = { name: 'main', image: 'nginx' }

  test.each<[string, object, string]>([
    [
      'host namespaces',
      { ...containers(plain), hostNetwork: true, hostPID: true },
      'host namespaces (hostNetwork=true, hostPID=true)',
    ],
    [
      'privileged containers of any sort',
      {
        ...containers({ ...plain, securityContext: { privileged: true } }),
        initContainers: [{ name: 'init', image: 'busybox', securityContext: { privileged: true } }],
      },
      'privileged (containers "init", "main" must not set securityContext.privileged=true)',
    ],
    [
      'capabilities',
      containers({ ...plain, securityContext: { capabilities: { add: ['NET_RAW', 'KILL', 'BPF'] } } }),
      'non-default capabilities (container "main" must not include "BPF", "NET_RAW" in securityContext.capabilities.add)',
    ],
    [
      'host paths',
      {
        ...containers(plain),
        volumes: [
          { name: 'a', hostPath: { path: '/' } },
          { name: 'b', emptyDir: {} },
        ],
      },
      'hostPath volumes (volume "a")',
    ],
    [
      'host ports',
      containers({ ...plain, ports: [{ containerPort: 1, hostPort: 90 }] }, { name: 'b', ports: [{ hostPort: 80 }] }),
      'hostPort (containers "main", "b" use hostPorts 80, 90)',
    ],
    [
      'hosts of probes',
      containers({ ...plain, livenessProbe: { httpGet: { port: 80, host: '10.0.0.1' } } }),
      'probe or lifecycle host (container "main" uses probe or lifecycle host "10.0.0.1")',
    ],
    [
      'AppArmor',
      {
        ...containers({ ...plain, securityContext: { appArmorProfile: { type: 'Unconfined' } } }),
        securityContext: { appArmorProfile: { type: 'Unconfined' } },
      },
      'forbidden AppArmor profile (pod and container "main" must not set AppArmor profile type to "Unconfined")',
    ],
    [
      'SELinux',
      { ...containers(plain), securityContext: { seLinuxOptions: { type: 'spc_t', user: 'u', role: 'r' } } },
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
    ],
    [
      'procMount',
      containers({ ...plain, securityContext: { procMount: 'Unmasked' } }),
      'procMount (container "main" must not set securityContext.procMount to "Unmasked")',
    ],
    [
      'seccomp',
      { ...containers(plain), securityContext: { seccompProfile: { type: 'Unconfined' } } },
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      'sysctls',
      {
        ...containers(plain),
        securityContext: { sysctls: [{ name: 'kernel.msgmax' }, { name: 'net.ipv4.tcp_rmem' }] },
      },
      'forbidden sysctls (kernel.msgmax)',
    ],
    [
      'host processes',
      { ...containers(plain), securityContext: { windowsOptions: { hostProcess: true } } },
      'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)',
    ],
    ['nothing in a plain pod', containers(plain), ''],
  ])('%s', (_, spec, text) => {
    expect(found('baseline', spec)).toBe(text)
  })
})

describe('restricted finds', () => {
  test('of a plain pod, what the documentation says', () => {
    expect(found('restricted', { containers: [{ name: 'nginx', image: 'nginx' }] })).toBe(
      'allowPrivilegeEscalation != false (container "nginx" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "nginx" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "nginx" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "nginx" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    )
  })

  test.each<[string, object, string]>([
    ['nothing in one that keeps to all', { ...restrictedPod, containers: [restrictedContainer] }, ''],
    [
      'capabilities beside all that are dropped',
      {
        ...restrictedPod,
        containers: [withContext({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'CHOWN'] } })],
      },
      'unrestricted capabilities (container "main" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    [
      'other volumes',
      {
        ...restrictedPod,
        containers: [restrictedContainer],
        volumes: [
          { name: 'a', hostPath: { path: '/' } },
          { name: 'b', nfs: { server: 's', path: '/' } },
          { name: 'c', projected: {} },
        ],
      },
      'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")',
    ],
    [
      'root, said outright',
      {
        securityContext: { ...restrictedPod.securityContext, runAsUser: 0, runAsNonRoot: false },
        containers: [withContext({ runAsNonRoot: false, runAsUser: 0 })],
      },
      'runAsNonRoot != true (pod and container "main" must not set securityContext.runAsNonRoot=false), runAsUser=0 (pod and container "main" must not set runAsUser=0)',
    ],
    [
      'what baseline finds, and the stricter check in the place of the weaker',
      {
        ...restrictedPod,
        hostIPC: true,
        containers: [withContext({ seccompProfile: { type: 'Unconfined' } })],
      },
      'host namespaces (hostIPC=true), seccompProfile (container "main" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      'nothing about root in a user namespace',
      {
        hostUsers: false,
        securityContext: { seccompProfile: { type: 'RuntimeDefault' }, runAsUser: 0 },
        containers: [restrictedContainer],
      },
      '',
    ],
    [
      'little on Windows',
      { os: { name: 'windows' }, securityContext: { runAsNonRoot: true }, containers: [{ name: 'a', image: 'b' }] },
      '',
    ],
  ])('%s', (_, spec, text) => {
    expect(found('restricted', spec)).toBe(text)
  })
})

test('an older version knows less, and other things', () => {
  const plain = { containers: [{ name: 'a', image: 'b' }] }
  expect(found('restricted', plain, 7)).toBe(
    'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)',
  )
  expect(found('restricted', { ...plain, os: { name: 'windows' } }, 24)).toContain('unrestricted capabilities')
  expect(found('baseline', { ...plain, securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem' }] } }, 31)).toBe(
    'forbidden sysctls (net.ipv4.tcp_rmem)',
  )
  const annotations = { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }
  expect(found('baseline', plain, 18, annotations)).toBe(
    'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")',
  )
})

describe('labels', () => {
  const texts = (labels: Record<string, string>) => {
    const prefixed = Object.fromEntries(Object.entries(labels).map(([name, value]) => [label(name), value]))
    const { policy, faults } = policyOf(prefixed)
    return [...Object.values(policy).map(levelText), ...faults.map(({ field, message }) => `${field}: ${message}`)]
  }

  test.each<[Record<string, string>, string[]]>([
    [{}, ['privileged:latest', 'privileged:latest', 'privileged:latest']],
    [{ enforce: 'baseline', 'enforce-version': 'v1.30' }, ['baseline:v1.30', 'privileged:latest', 'baseline:v1.30']],
    [
      { enforce: 'baseline', warn: 'restricted', audit: 'restricted', 'audit-version': 'v1.20' },
      ['baseline:latest', 'restricted:v1.20', 'restricted:latest'],
    ],
    [{ enforce: 'baseline', warn: 'privileged' }, ['baseline:latest', 'privileged:latest', 'privileged:latest']],
    [
      { enforce: 'strict', 'warn-version': 'v2.0' },
      [
        'restricted:latest',
        'privileged:latest',
        'privileged:latest',
        'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
        'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "v2.0": must be "latest" or "v1.x"',
      ],
    ],
  ])('%o', (labels, expected) => {
    expect(texts(labels)).toEqual(expected)
  })
})

async function levelled(labels: Record<string, string>): Promise<TestServer> {
  const server = await testServer()
  await setLabels(server, labels)
  server.info.warnings.length = 0
  return server
}

async function setLabels({ of, info }: TestServer, labels: Record<string, string | null>): Promise<void> {
  const prefixed = Object.fromEntries(Object.entries(labels).map(([name, value]) => [label(name), value]))
  await of(Namespaces).patch({ name: 'default' }, { type: 'merge', body: { metadata: { labels: prefixed } } }, {}, info)
}

const create = ({ of, info }: TestServer, kind: Kind<any>, name: string, spec: object = {}) => {
  const object = leastObject(kind, name)
  Object.assign(object.spec, structuredClone(spec))
  return of(kind).create(object, where, {}, info)
}

const plainFaults =
  'allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'

describe('a namespace that enforces a level', () => {
  test('refuses pods that do not keep to it, and takes others', async () => {
    const server = await levelled({ enforce: 'restricted' })
    const error = await refusal(create(server, Pods, 'web'))
    expect([error.code, error.reason]).toEqual([403, 'Forbidden'])
    expect(error.message).toBe(`pods "web" is forbidden: violates PodSecurity "restricted:latest": ${plainFaults}`)
    expect(error.details).toEqual({ name: 'web', kind: 'pods' })
    await create(server, Pods, 'web', { ...restrictedPod, containers: [restrictedContainer] })
    expect(server.info.warnings).toEqual([])
  })

  test('takes workloads with a warning; their pods will be refused', async () => {
    const server = await levelled({ enforce: 'restricted' })
    await create(server, Deployments, 'web')
    const warning = `would violate PodSecurity "restricted:latest": ${plainFaults}`
    expect(server.info.warnings).toEqual([warning])
    server.info.warnings.length = 0
    await create(server, CronJobs, 'job')
    expect(server.info.warnings[0]).toContain('would violate PodSecurity "restricted:latest"')
    server.info.warnings.length = 0
    const body = { spec: { replicas: 3 } }
    await server.of(Deployments).patch(inDefault('web'), { type: 'merge', body }, {}, server.info, 'scale')
    expect(server.info.warnings).toEqual([])
  })

  test('lets a pod be that is there, until it is to run something else', async () => {
    const server = await testServer()
    await create(server, Pods, 'web')
    await setLabels(server, { enforce: 'restricted' })
    const patch = (body: object) => server.of(Pods).patch(inDefault('web'), { type: 'merge', body }, {}, server.info)
    await patch({ metadata: { labels: { a: 'b' } } })
    const image = { spec: { containers: [{ name: 'main', image: 'other' }] } }
    const strategic = server.of(Pods).patch(inDefault('web'), { type: 'strategic', body: image }, {}, server.info)
    expect((await refusal(strategic)).message).toContain('violates PodSecurity "restricted:latest"')
  })

  test('warns of another level than it enforces', async () => {
    const server = await levelled({ enforce: 'baseline', warn: 'restricted', 'warn-version': 'v1.24' })
    await create(server, Pods, 'web')
    expect(server.info.warnings).toEqual([`would violate PodSecurity "restricted:v1.24": ${plainFaults}`])
  })
})

describe('a level that rises', () => {
  test('tells which pods of the namespace do not keep to it', async () => {
    const server = await testServer()
    for (const name of ['c', 'a', 'b']) await create(server, Pods, name)
    await create(server, Pods, 'host', { hostPID: true })
    server.info.warnings.length = 0
    await setLabels(server, { enforce: 'baseline' })
    expect(server.info.warnings).toEqual([
      'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
      'host: host namespaces',
    ])
    server.info.warnings.length = 0
    await setLabels(server, { enforce: 'restricted' })
    const reasons = 'allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile'
    expect(server.info.warnings).toEqual([
      'existing pods in namespace "default" violate the new PodSecurity enforce level "restricted:latest"',
      `a (and 2 other pods): ${reasons}`,
      `host: host namespaces, ${reasons}`,
    ])
    server.info.warnings.length = 0
    await setLabels(server, { enforce: 'baseline' })
    await setLabels(server, { enforce: 'baseline', warn: 'restricted' })
    expect(server.info.warnings).toEqual([])
  })

  test('is one of three', async () => {
    const server = await testServer()
    const error = await refusal(setLabels(server, { enforce: 'tight' }))
    expect([error.code, error.message]).toEqual([
      422,
      'Namespace "default" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "tight": must be one of privileged, baseline, restricted',
    ])
    const namespace = leastObject(Namespaces, 'team')
    namespace.metadata = { name: 'team', labels: { [label('audit-version')]: 'old' } }
    expect((await refusal(server.of(Namespaces).create(namespace, {}, {}, server.info))).code).toBe(422)
  })
})

test('who is exempt is left alone', () => {
  const labels = { [label('enforce')]: 'restricted' }
  const warnings: string[] = []
  const request: any = {
    kind: Pods,
    operation: 'CREATE',
    namespace: 'system',
    name: 'web',
    user: { name: 'jane', groups: [] },
    present: { get: () => ({ object: { metadata: { name: 'system', labels } } }) },
    warn: (text: string) => warnings.push(text),
  }
  const pod: any = { metadata: { name: 'web' }, spec: { containers: [{ name: 'main' }], runtimeClassName: 'kata' } }
  const ask = (exemptions: object) => podSecurity(exemptions).check!(pod, request)
  expect(() => ask({})).toThrow('violates PodSecurity')
  for (const exemptions of [{ namespaces: ['system'] }, { usernames: ['jane'] }, { runtimeClasses: ['kata'] }]) {
    expect(() => ask(exemptions)).not.toThrow()
  }
  const namespace: any = { metadata: { name: 'system', labels } }
  podSecurity({ namespaces: ['system'] }).check!(namespace, { ...request, kind: Namespaces })
  expect(warnings).toEqual([
    'namespace "system" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored',
  ])
})

const folder = fileURLToPath(new URL('../../../shared/manifests/docs/', import.meta.url))

describe.skipIf(!existsSync(folder))(
  "the documentation's task, Apply Pod Security Standards at the Namespace Level",
  () => {
    const manifest = (file: string): any => {
      const [document] = parseAllDocuments(readFileSync(`${folder}${file}`, 'utf8'))
      return (document as { toJS(): object }).toJS()
    }

    test('a namespace that enforces baseline and warns of restricted takes the example, with the warning', async () => {
      const server = await testServer()
      const { of, info } = server
      const namespace = {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: {
          name: 'example',
          labels: { [label('enforce')]: 'baseline', [label('warn')]: 'restricted', [label('audit')]: 'restricted' },
        },
      }
      await of(Namespaces).create(namespace, {}, {}, info)
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'example' } }
      await server.client.of(ServiceAccounts).create(account as never)
      const pod = manifest('security/example-baseline-pod.yaml')
      await of(Pods).create(pod, { namespace: 'example' }, {}, info)
      expect(info.warnings).toEqual([expect.stringContaining('would violate PodSecurity "restricted:latest"')])
    })

    test.each([
      ['pods/security/security-context.yaml', 'baseline', ''],
      ['pods/security/security-context-4.yaml', 'baseline', 'non-default capabilities'],
      ['pods/security/seccomp/ga/default-pod.yaml', 'baseline', ''],
      ['pods/storage/pv-pod.yaml', 'baseline', ''],
      ['pods/security/security-context-2.yaml', 'restricted', 'unrestricted capabilities'],
    ] as const)('%s at %s: %s', (file, level, reason) => {
      const { metadata, spec } = manifest(file)
      const reasons = violations({ metadata, spec }, { level, version: 'latest' }).map(each => each.reason)
      if (reason === '') expect(reasons).toEqual([])
      else expect(reasons).toContain(reason)
    })
  },
)

// What must hold of every built-in kind, whatever it is.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { builtinKinds, Events, EventsV1, Pods } from '../../src/kinds/index.ts'

/** Without those of our own group. */
const ofKubernetes = builtinKinds.filter(({ group }) => group !== 'kubesim.dev')

const known = builtinKinds.map(kind => [kind.resource, kind] as const)

describe.each(known)('%s', (_resource, kind) => {
  test('is named as Kubernetes names kinds', () => {
    expect(kind.plural).toMatch(/^[a-z]+$/)
    expect(kind.singular).toMatch(/^[a-z]+$/)
    expect(kind.kind).toMatch(/^[A-Z][A-Za-z]+$/)
    expect(kind.kind.toLowerCase()).toBe(kind.singular)
    expect(kind.version).toMatch(kind.group === 'kubesim.dev' ? /^v1alpha1$/ : /^v\d+(beta\d+)?$/)
  })

  test('has a table with one column for names', () => {
    const names = kind.columns.map(column => column.name)
    expect(new Set(names).size).toBe(names.length)
    // Upstream marks the attacher of a volume as a name too.
    const marked = kind.kind === 'VolumeAttachment' ? ['Name', 'Attacher'] : ['Name']
    expect(kind.columns.filter(column => column.format === 'name').map(column => column.name)).toEqual(marked)
    for (const column of kind.columns) expect(column.description, column.name).toMatch(/^[A-Z].*\.$/)
  })

  test('fills in an almost empty object, twice alike, and can print it and select by its fields', () => {
    const object: any = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name: 'it' }, ...least(kind.kind) }
    kind.defaults?.(object)
    kind.prepare?.(object, undefined, { now: 0, operation: 'create' })
    const once = structuredClone(object)
    kind.defaults?.(object)
    expect(object).toEqual(once)
    for (const column of kind.columns) {
      expect(['string', 'number', 'boolean', 'undefined'], column.name).toContain(typeof column.value(object, 0))
    }
    for (const [name, field] of Object.entries(kind.fields ?? {})) {
      expect(['string', 'undefined'], name).toContain(typeof field(object))
    }
  })

  test('indexes only fields it has, and scales only if it is scalable', () => {
    for (const name of kind.indexedFields ?? []) expect(Object.keys(kind.fields ?? {})).toContain(name)
    expect(kind.subresources?.includes('scale') ?? false).toBe(kind.scale !== undefined)
  })
})

function least(kind: string): object {
  switch (kind) {
    case 'Pod':
      return { spec: { containers: [{ name: 'c', image: 'nginx' }] } }
    case 'Deployment':
    case 'ReplicaSet':
      return { spec: { selector: { matchLabels: { a: 'b' } }, template: {} } }
    case 'EndpointSlice':
      return { addressType: 'IPv4' }
    case 'ControllerRevision':
      return { revision: 1 }
    case 'Event':
      return { involvedObject: {}, regarding: {} }
    case 'IngressClass':
      return { spec: { controller: 'a.b/c' } }
    default:
      return {}
  }
}

test('no two kinds answer to one name of a group', () => {
  // Another version of a kind has its names.
  const names = builtinKinds
    .filter(kind => kind.storedAs?.kind.resource !== kind.resource)
    .flatMap(kind => [kind.plural, kind.singular, ...(kind.shortNames ?? [])].map(name => `${kind.group}/${name}`))
  const twice = names.filter((name, index) => names.indexOf(name) !== index)
  // `endpoints` is its own singular.
  expect(twice).toEqual(['/endpoints'])
})

test('short names, categories and generations are upstream s (pkg/registry/*/*/storage and strategy.go)', () => {
  const short = Object.fromEntries(
    ofKubernetes.flatMap(kind => (kind.shortNames ? [[kind.resource, kind.shortNames.join()]] : [])),
  )
  expect(short).toEqual({
    configmaps: 'cm',
    endpoints: 'ep',
    events: 'ev',
    limitranges: 'limits',
    namespaces: 'ns',
    nodes: 'no',
    persistentvolumeclaims: 'pvc',
    persistentvolumes: 'pv',
    pods: 'po',
    replicationcontrollers: 'rc',
    resourcequotas: 'quota',
    serviceaccounts: 'sa',
    services: 'svc',
    'certificatesigningrequests.certificates.k8s.io': 'csr',
    'cronjobs.batch': 'cj',
    'daemonsets.apps': 'ds',
    'deployments.apps': 'deploy',
    'replicasets.apps': 'rs',
    'statefulsets.apps': 'sts',
    'customresourcedefinitions.apiextensions.k8s.io': 'crd,crds',
    'events.events.k8s.io': 'ev',
    'horizontalpodautoscalers.autoscaling': 'hpa',
    'ingresses.networking.k8s.io': 'ing',
    'ipaddresses.networking.k8s.io': 'ip',
    'networkpolicies.networking.k8s.io': 'netpol',
    'poddisruptionbudgets.policy': 'pdb',
    'priorityclasses.scheduling.k8s.io': 'pc',
    'storageclasses.storage.k8s.io': 'sc',
    'volumeattributesclasses.storage.k8s.io': 'vac',
  })
  const all = ofKubernetes.filter(kind => kind.categories?.includes('all')).map(kind => kind.plural)
  expect([...new Set(all)].sort()).toEqual([
    'cronjobs',
    'daemonsets',
    'deployments',
    'horizontalpodautoscalers',
    'jobs',
    'pods',
    'replicasets',
    'replicationcontrollers',
    'services',
    'statefulsets',
  ])
  const counted = ofKubernetes.filter(kind => kind.hasGeneration !== false).map(kind => kind.plural)
  expect([...new Set(counted)].sort()).toEqual([
    'cronjobs',
    'customresourcedefinitions',
    'daemonsets',
    'deployments',
    'deviceclasses',
    'devicetaintrules',
    'endpointslices',
    'flowschemas',
    'ingressclasses',
    'ingresses',
    'jobs',
    'mutatingadmissionpolicies',
    'mutatingadmissionpolicybindings',
    'mutatingwebhookconfigurations',
    'networkpolicies',
    'poddisruptionbudgets',
    'pods',
    'podtemplates',
    'priorityclasses',
    'prioritylevelconfigurations',
    'replicasets',
    'replicationcontrollers',
    'resourceslices',
    'statefulsets',
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
    'validatingwebhookconfigurations',
  ])
})

test('the second version of events is kept as the first, every other one as the stable version of its group', () => {
  expect(EventsV1.storedAs?.kind).toBe(Events)
  for (const kind of ofKubernetes.filter(each => each.storedAs && each !== EventsV1)) {
    expect(kind.storedAs!.kind.resource).toBe(kind.resource)
    expect(ofKubernetes).toContain(kind.storedAs!.kind)
  }
})

test('paths are those of the API', () => {
  expect(Pods.path({ namespace: 'a b', name: 'p' }, 'status')).toBe('/api/v1/namespaces/a%20b/pods/p/status')
  expect(EventsV1.path()).toBe('/apis/events.k8s.io/v1/events')
})

test('a quantity that is none is a fault of decoding, before any rule', () => {
  const pod: any = { metadata: { name: 'p' }, spec: { containers: [{ resources: { limits: { cpu: 'lots' } } }] } }
  expect(() => Pods.defaults?.(pod)).toThrow(
    /^Pod in version "v1" cannot be handled as a Pod: (unable to parse quantity's suffix|quantities must match)/,
  )
})

test('the example of docs/kinds.md is a kind as it stands', () => {
  const text = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
  expect(text('docs/kinds.md')).toContain(`\`\`\`ts\n${text('src/kinds/lease.ts')}\`\`\``)
})

// Gives each model its upstream definition name (`V1DeploymentSpec` → `io.k8s.api.apps.v1.DeploymentSpec`), by facts: the
// paths under which kinds are served, what is reached from them, and small tables for what several groups share.

import type { Model, ServedModel } from './client-models.ts'

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'

/** Models of meta/v1, shared by all groups. */
const metaModels = new Set([
  'V1APIGroup',
  'V1APIGroupList',
  'V1APIResource',
  'V1APIResourceList',
  'V1APIVersions',
  'V1Condition',
  'V1DeleteOptions',
  'V1FieldSelectorRequirement',
  'V1GroupResource',
  'V1GroupVersionForDiscovery',
  'V1LabelSelector',
  'V1LabelSelectorRequirement',
  'V1ListMeta',
  'V1ManagedFieldsEntry',
  'V1ObjectMeta',
  'V1OwnerReference',
  'V1Preconditions',
  'V1ServerAddressByClientCIDR',
  'V1ShardInfo',
  'V1Status',
  'V1StatusCause',
  'V1StatusDetails',
  'V1WatchEvent',
])

/** Models whose package the paths do not tell: subresources' bodies, and core types that only another group reaches. */
const placed: Readonly<Record<string, string>> = {
  AuthenticationV1TokenRequest: 'io.k8s.api.authentication.v1',
  V1Eviction: 'io.k8s.api.policy.v1',
  V1Scale: 'io.k8s.api.autoscaling.v1',
  V1TopologySelectorLabelRequirement: 'io.k8s.api.core.v1',
  V1TopologySelectorTerm: 'io.k8s.api.core.v1',
  VersionInfo: 'io.k8s.apimachinery.pkg.version',
}

const renamed: Readonly<Record<string, string>> = { VersionInfo: 'Info' }

const core = 'io.k8s.api.core.v1'

/** The model types that a field's type names. */
export function modelsIn(type: string): string[] {
  return type.match(/\b(?!Array\b|Date\b|IntOrString\b|V1MicroTime\b)[A-Z]\w+/g) ?? []
}

export function definitionNames(models: readonly Model[], served: readonly ServedModel[]): Map<string, string> {
  const byName = new Map(models.map(model => [model.name, model]))
  const candidates = new Map<string, Set<string>>()
  const reach = (name: string, home: string) => {
    const homes = candidates.get(name) ?? new Set()
    if (homes.has(home) || metaModels.has(name)) return
    candidates.set(name, homes.add(home))
    for (const field of byName.get(name)!.fields) for (const next of modelsIn(field.type)) reach(next, home)
  }
  for (const { model, group, version } of served) if (byName.has(model)) reach(model, packageOf(group, version))
  for (const [model, home] of Object.entries(placed)) reach(model, home)

  const tops = new Map(served.map(({ model, group, version }) => [model, packageOf(group, version)]))
  const names = new Map<string, string>()
  for (const { name } of models) {
    const home = metaModels.has(name) ? meta : (placed[name] ?? tops.get(name) ?? homeOf(name, candidates.get(name)))
    names.set(name, `${home}.${renamed[name] ?? bareName(name)}`)
  }
  if (new Set(names.values()).size !== names.size) throw new Error('two models have the same definition name')
  return names
}

/** `V1alpha3DeviceTaint` → `DeviceTaint`, `CoreV1Event` → `Event`. */
export function bareName(model: string): string {
  return model.replace(/^([A-Z][a-z]+)?V\d+((?:alpha|beta)\d+)?(?=[A-Z])/, '')
}

/** Core is what the others borrow from; else a model lives in the one package of its version that reaches it. */
function homeOf(name: string, candidates: ReadonlySet<string> = new Set()): string {
  const version = /V\d+(?:(?:alpha|beta)\d+)?/.exec(name)?.[0].toLowerCase()
  const homes = [...candidates].filter(home => home.endsWith(`.${version}`))
  if (homes.includes(core)) return core
  if (homes.length === 1) return homes[0]!
  throw new Error(`which package the model ${name} belongs to is unclear: ${homes.join(', ') || 'nothing serves it'}`)
}

function packageOf(group: string, version: string): string {
  if (group === 'apiextensions.k8s.io') return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}`
  if (group === 'apiregistration.k8s.io') return `io.k8s.kube-aggregator.pkg.apis.apiregistration.${version}`
  if (group === 'kubesim.dev') return `dev.kubesim.${version}`
  if (group === 'internal.apiserver.k8s.io') return `io.k8s.api.apiserverinternal.${version}`
  return `io.k8s.api.${group === '' ? 'core' : group.split('.')[0]}.${version}`
}

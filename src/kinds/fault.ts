// Faults: what goes wrong on purpose, for a time, as a user declares it. No kind of Kubernetes: group kubesim.dev. Carried out
// by src/faults/engine.ts, which also writes the status.

import type { V1alpha1Fault, V1alpha1FaultSpec } from '../../generated/types.ts'
import { parseDuration } from '../api/duration.ts'
import type { Frozen } from '../api/meta.ts'
import { between } from '../api/names.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults as Faulty, FieldPath } from './field-path.ts'
import { optionalOneOf } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { labelSelectorRules } from './label-selector-rules.ts'

export const faultCodes = [403, 409, 410, 429, 500, 503, 504] as const
const nodeEffects = ['Dead', 'CutOff', 'Gone', 'Slow', 'DiskFull', 'Skewed'] as const
const storeEffects = ['Full'] as const
const componentEffects = ['Stopped', 'Restarted'] as const
const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'] as const
const things = ['nodes', 'api', 'watches', 'component', 'pulls', 'partition', 'store'] as const

/** What goes wrong: `nodes,api`. */
export const faultyThings = (spec: Frozen<V1alpha1FaultSpec> | undefined): string[] =>
  things.filter(thing => spec?.[thing] !== undefined)

/** Kind `Fault` of `kubesim.dev/v1alpha1`: `faults`, without a namespace. */
export const FaultsKind = defineKind<V1alpha1Fault>({
  group: 'kubesim.dev',
  version: 'v1alpha1',
  kind: 'Fault',
  plural: 'faults',
  singular: 'fault',
  categories: ['kubesim'],
  namespaced: false,
  subresources: ['status'],
  columns: [
    nameColumn,
    {
      name: 'Of',
      type: 'string',
      description: 'What goes wrong.',
      value: ({ spec }) => faultyThings(spec).join(','),
    },
    {
      name: 'Phase',
      type: 'string',
      description: 'Whether it is at work.',
      value: ({ status }) => status?.phase ?? '<unknown>',
    },
    {
      name: 'Struck',
      type: 'integer',
      description: 'What it has hit so far.',
      value: ({ status }) => status?.struck ?? 0,
    },
    {
      name: 'Last',
      type: 'string',
      priority: 1,
      description: 'What it hit last.',
      value: ({ status }) => status?.lastStruck ?? '<none>',
    },
    ageColumn,
  ],
  defaults({ spec }) {
    if (spec?.nodes) spec.nodes.effect ??= 'Dead'
    if (spec?.nodes?.effect === 'Slow') spec.nodes.factor ??= 10
    if (spec?.store) spec.store.effect ??= 'Full'
    if (spec?.component) spec.component.effect ??= 'Stopped'
    if (spec?.api) spec.api.percent ??= 100
  },
  prepare(draft, _old, { operation }) {
    // The engine's own word, whatever is sent.
    if (operation === 'create') draft.status = {}
  },
  validate({ spec: said }) {
    const faults = new Faulty()
    const spec = said ?? {}
    if (faultyThings(spec).length === 0) {
      faults.required(inSpec, `one of ${things.join(', ')}: nothing goes wrong by itself`)
    }
    duration(spec.after, inSpec, 'after', faults)
    const lasts = duration(spec.duration, inSpec, 'duration', faults)
    const every = duration(spec.every, inSpec, 'every', faults)
    if (every !== undefined && (lasts === undefined || every <= lasts)) {
      faults.invalid(inSpec.child('every'), spec.every, 'must be longer than duration, which must be set')
    }
    apiRules(spec, faults)
    const { nodes, component, watches } = spec
    if (nodes !== undefined) {
      if (!nodes.names?.length) faults.required(inSpec.child('nodes').child('names'))
      optionalOneOf(nodes.effect, nodeEffects, inSpec.child('nodes'), 'effect', faults)
      const { effect, factor, skew } = nodes
      const path = inSpec.child('nodes')
      if (factor !== undefined && !(factor > 0)) faults.invalid(path.child('factor'), factor, 'must be greater than 0')
      duration(skew?.replace(/^-/, ''), path, 'skew', faults)
      if (effect === 'Skewed' && skew === undefined) faults.required(path.child('skew'))
    }
    if (component !== undefined) {
      if (!component.name) faults.required(inSpec.child('component').child('name'))
      optionalOneOf(component.effect, componentEffects, inSpec.child('component'), 'effect', faults)
    }
    optionalOneOf(spec.store?.effect, storeEffects, inSpec.child('store'), 'effect', faults)
    duration(watches?.delay, inSpec.child('watches'), 'delay', faults)
    partitionRules(spec, faults)
    if (duration(watches?.every, inSpec.child('watches'), 'every', faults) === 0) {
      faults.invalid(inSpec.child('watches').child('every'), watches?.every, 'must be longer than no time')
    }
    return faults.list
  },
})

const inSpec = new FieldPath('spec')

function apiRules({ api }: Frozen<V1alpha1FaultSpec>, faults: Faulty): void {
  if (api === undefined) return
  const path = inSpec.child('api')
  for (const [at, verb] of (api.verbs ?? []).entries()) {
    if (!verbs.some(each => each === verb)) faults.notSupported(path.child('verbs').index(at), verb, verbs)
  }
  const latency = duration(api.latency, path, 'latency', faults)
  if (api.percent !== undefined && (api.percent < 0 || api.percent > 100)) {
    faults.invalid(path.child('percent'), api.percent, between(0, 100))
  }
  if (api.code !== undefined && !faultCodes.some(code => code === api.code)) {
    faults.notSupported(path.child('code'), String(api.code), faultCodes.map(String))
  }
  if (api.code === undefined && latency === undefined) faults.required(path, 'code, latency or both')
}

function partitionRules({ partition }: Frozen<V1alpha1FaultSpec>, faults: Faulty): void {
  if (partition === undefined) return
  const path = inSpec.child('partition')
  const { between = [], latency, loss } = partition
  if (between.length !== 2) faults.invalid(path.child('between'), between.length, 'must be two parties')
  for (const [at, { nodes, namespace, podSelector, apiServer }] of between.entries()) {
    const party = path.child('between').index(at)
    if (apiServer && (nodes?.length || namespace || podSelector)) {
      faults.invalid(party, '', 'the API server is neither a node nor a pod')
    }
    if (podSelector) labelSelectorRules(podSelector, party.child('podSelector'), faults)
  }
  duration(latency, path, 'latency', faults)
  if (loss !== undefined && (loss < 0 || loss > 100)) faults.invalid(path.child('loss'), loss, between100)
}

const between100 = between(0, 100)

function duration(text: string | undefined, path: FieldPath, child: string, faults: Faulty): number | undefined {
  if (text === undefined) return undefined
  const span = parseDuration(text)
  if (span === undefined) faults.invalid(path.child(child), text, "must be a span of time, such as '500ms' or '1m30s'")
  return span
}

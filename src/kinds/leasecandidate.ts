// LeaseCandidates: who would hold a Lease, and how new it is; a coordinator chooses among them. Rules:
// pkg/apis/coordination/validation/validation.go, pkg/registry/coordination/leasecandidate/strategy.go.

import type { V1beta1LeaseCandidate } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { configKeyFaults, qualifiedNameFaults } from '../api/names.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, type FieldPath } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { compareVersions, isSemanticVersion } from './semantic-version.ts'
import { specPath } from './workload-rules.ts'

type Candidate = Frozen<V1beta1LeaseCandidate>

/** Kind `LeaseCandidate` of `coordination.k8s.io/v1beta1`: `leasecandidates`, in namespaces. */
export const LeaseCandidates = defineKind<V1beta1LeaseCandidate>({
  group: 'coordination.k8s.io',
  version: 'v1beta1',
  kind: 'LeaseCandidate',
  plural: 'leasecandidates',
  singular: 'leasecandidate',
  namespaced: true,
  hasGeneration: false,
  unconditionalUpdate: false,
  createOnUpdate: true,
  nameRule: configKeyFaults,
  columns: [
    nameColumn,
    {
      name: 'LeaseName',
      type: 'string',
      description: 'The lease it would hold.',
      value: ({ spec }) => spec.leaseName ?? '',
    },
    {
      name: 'BinaryVersion',
      type: 'string',
      description: 'The version of its program.',
      value: ({ spec }) => spec.binaryVersion ?? '',
    },
    {
      name: 'EmulationVersion',
      type: 'string',
      description: 'The version it behaves as.',
      value: ({ spec }) => spec.emulationVersion ?? '',
    },
    ageColumn,
  ],
  fields: { 'spec.leaseName': ({ spec }) => spec.leaseName ?? '' },
  defaults(draft) {
    draft.spec ??= {} as V1beta1LeaseCandidate['spec']
  },
  validate(next, old) {
    const faults = new Faults()
    candidateRules(next, faults)
    if (old) unchanged(next.spec.leaseName, old.spec.leaseName, specPath.child('leaseName'), faults)
    return faults.list
  },
})

const ownStrategy = 'OldestEmulationVersion'

function candidateRules({ spec }: Candidate, faults: Faults): void {
  const { leaseName, binaryVersion: binary, emulationVersion: emulation, strategy } = spec
  if (!leaseName) faults.required(specPath.child('leaseName'))
  if (!binary) faults.required(specPath.child('binaryVersion'))
  versionRule(emulation, specPath.child('emulationVersion'), faults)
  versionRule(binary, specPath.child('binaryVersion'), faults)
  const areBoth = binary && emulation && isSemanticVersion(binary) && isSemanticVersion(emulation)
  if (areBoth && compareVersions(binary, emulation) < 0) {
    faults.invalid(specPath.child('binaryVersion'), binary, 'must be greater than or equal to `emulationVersion`')
  }
  const at = specPath.child('strategy')
  if (!strategy) {
    faults.required(at)
    return
  }
  if (strategy === ownStrategy && (!emulation || !isSemanticVersion(emulation))) {
    const detail = "must be specified when `strategy` is 'OldestEmulationVersion'"
    faults.required(specPath.child('emulationVersion'), detail)
  }
  if (strategy.includes('/')) faults.invalids(qualifiedNameFaults(strategy), strategy, at, 'strategy')
  // The path says it twice, upstream too.
  else if (strategy !== ownStrategy) faults.notSupported(at.child('strategy'), strategy, [ownStrategy])
}

function versionRule(version: string | undefined, path: FieldPath, faults: Faults): void {
  if (version && !isSemanticVersion(version)) faults.invalid(path, version, 'must be a valid semantic version')
}

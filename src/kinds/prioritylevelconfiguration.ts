// PriorityLevelConfigurations: how many requests of a level are served at once, and what becomes of the others. The API server
// goes by them (apiserver/flowcontrol/). Upstream: pkg/apis/flowcontrol, pkg/registry/flowcontrol/prioritylevelconfiguration.

import type {
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, type FieldPath } from './field-path.ts'
import { mandatoryLevels } from './flow-bootstrap.ts'
import { flowConditionRules } from './flowschema.ts'
import { defineKind } from './kind.ts'
import { specPath } from './workload-rules.ts'

const queuing = ({ spec }: Frozen<PriorityLevelConfiguration>) => spec.limited?.limitResponse?.queuing

/** Kind `PriorityLevelConfiguration` of `flowcontrol.apiserver.k8s.io/v1`: `prioritylevelconfigurations`, without a namespace. */
export const PriorityLevelConfigurations = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  singular: 'prioritylevelconfiguration',
  namespaced: false,
  subresources: ['status'],
  columns: [
    nameColumn,
    {
      name: 'Type',
      type: 'string',
      description: 'Whether its requests are limited at all.',
      value: ({ spec }) => spec.type ?? '',
    },
    {
      name: 'NominalConcurrencyShares',
      type: 'integer',
      description: 'Its share of what the server does at once.',
      value: ({ spec }) => (spec.limited ?? spec.exempt)?.nominalConcurrencyShares ?? '<none>',
    },
    {
      name: 'Queues',
      type: 'integer',
      description: 'How many queues it has.',
      value: level => queuing(level)?.queues ?? '<none>',
    },
    {
      name: 'HandSize',
      type: 'integer',
      description: 'Among how many queues a flow may choose.',
      value: level => queuing(level)?.handSize ?? '<none>',
    },
    {
      name: 'QueueLengthLimit',
      type: 'integer',
      description: 'How many requests may wait in a queue.',
      value: level => queuing(level)?.queueLengthLimit ?? '<none>',
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= { type: '' }
    const { metadata, spec } = draft
    if (metadata.name === 'exempt') spec.exempt ??= {}
    if (spec.exempt) {
      spec.exempt.nominalConcurrencyShares ??= 0
      spec.exempt.lendablePercent ??= 0
    }
    if (spec.limited) limitedDefaults(spec.limited)
    draft.status ??= {}
  },
  prepare(draft, old) {
    if (!old) draft.status = {}
  },
  validate(next, _old, { subresource }) {
    const faults = new Faults()
    if (subresource !== 'status') {
      specRules(next.metadata.name ?? '', next.spec, specPath, faults)
      mandatoryRules(next, faults)
    }
    flowConditionRules(next.status.conditions ?? [], faults)
    return faults.list
  },
})

function limitedDefaults(limited: LimitedPriorityLevelConfiguration): void {
  limited.nominalConcurrencyShares ??= 30
  limited.lendablePercent ??= 0
  const queues = limited.limitResponse?.queuing
  if (!queues) return
  queues.handSize ||= 8
  queues.queues ||= 64
  queues.queueLengthLimit ||= 50
}

/** Of the two that every cluster has, only how many seats `exempt` lends may be changed. */
function mandatoryRules({ metadata, spec }: Frozen<PriorityLevelConfiguration>, faults: Faults): void {
  const fixed = mandatoryLevels.find(each => each.metadata.name === metadata.name)
  if (!fixed) return
  const isExempt = metadata.name === 'exempt'
  const compared = isExempt ? { ...spec, exempt: fixed.spec.exempt } : spec
  if (jsonEqual(compared, fixed.spec)) return
  const but = isExempt ? " except the 'spec.exempt' field" : ''
  faults.invalid(specPath, spec, `spec of '${metadata.name}'${but} must equal the fixed value`)
}

function specRules(name: string, spec: Frozen<PriorityLevelConfigurationSpec>, path: FieldPath, faults: Faults): void {
  if ((name === 'exempt') !== (spec.type === 'Exempt')) {
    faults.invalid(path.child('type'), spec.type, "type must be 'Exempt' if and only if name is 'exempt'")
  }
  if (spec.type === 'Exempt') {
    if (spec.limited) faults.forbidden(path.child('limited'), 'must be nil if the type is not Limited')
    if (spec.exempt) shareRules(spec.exempt, path.child('exempt'), faults)
  } else if (spec.type === 'Limited') {
    if (spec.exempt) faults.forbidden(path.child('exempt'), 'must be nil if the type is Limited')
    if (spec.limited) limitedRules(spec.limited, path.child('limited'), faults)
    else faults.required(path.child('limited'), 'must not be empty when type is Limited')
  } else faults.notSupported(path.child('type'), spec.type, ['Exempt', 'Limited'])
}

function shareRules(
  { nominalConcurrencyShares: shares, lendablePercent }: Frozen<LimitedPriorityLevelConfiguration>,
  path: FieldPath,
  faults: Faults,
): void {
  if (shares !== undefined && shares < 0) {
    faults.invalid(path.child('nominalConcurrencyShares'), shares, 'must be a non-negative integer')
  }
  if (lendablePercent !== undefined && (lendablePercent < 0 || lendablePercent > 100)) {
    faults.invalid(path.child('lendablePercent'), lendablePercent, 'must be between 0 and 100, inclusive')
  }
}

function limitedRules(limited: Frozen<LimitedPriorityLevelConfiguration>, path: FieldPath, faults: Faults): void {
  const { nominalConcurrencyShares, lendablePercent, borrowingLimitPercent: borrowing, limitResponse } = limited
  shareRules({ ...(nominalConcurrencyShares === undefined ? {} : { nominalConcurrencyShares }) }, path, faults)
  responseRules(limitResponse, path.child('limitResponse'), faults)
  shareRules({ ...(lendablePercent === undefined ? {} : { lendablePercent }) }, path, faults)
  if (borrowing !== undefined && borrowing < 0) {
    faults.invalid(path.child('borrowingLimitPercent'), borrowing, 'if specified, must be a non-negative integer')
  }
}

function responseRules(response: Frozen<LimitResponse> | undefined, path: FieldPath, faults: Faults): void {
  const at = path.child('queuing')
  if (response?.type === 'Reject') {
    if (response.queuing) faults.forbidden(at, 'must be nil if limited.limitResponse.type is not Limited')
  } else if (response?.type === 'Queue') {
    if (response.queuing) queuingRules(response.queuing, at, faults)
    else faults.required(at, 'must not be empty if limited.limitResponse.type is Limited')
  } else faults.notSupported(path.child('type'), response?.type ?? '', ['Queue', 'Reject'])
}

const mostQueues = 10_000_000
/** Of a hash, k8s.io/apiserver/pkg/util/shufflesharding. */
const hashBits = 60

function queuingRules(config: Frozen<QueuingConfiguration>, path: FieldPath, faults: Faults): void {
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = config
  if (queueLengthLimit <= 0) faults.invalid(path.child('queueLengthLimit'), queueLengthLimit, 'must be positive')
  if (queues <= 0) faults.invalid(path.child('queues'), queues, 'must be positive')
  else if (queues > mostQueues) {
    faults.invalid(path.child('queues'), queues, `must not be greater than ${mostQueues}`)
  }
  const at = path.child('handSize')
  if (handSize <= 0) faults.invalid(at, handSize, 'must be positive')
  else if (handSize > queues) faults.invalid(at, handSize, `should not be greater than queues (${queues})`)
  else if (Math.ceil(Math.log2(queues) * handSize) > hashBits) {
    const why = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${hashBits}`
    faults.invalid(at, handSize, why)
  }
}

// DeviceTaintRules: taints that an administrator puts on devices, whatever their driver says
// (pkg/registry/resource/devicetaintrule/strategy.go).

import type { V1beta2DeviceTaintRule, V1beta2DeviceTaintRuleSpec } from '../../generated/types.ts'
import { parseTime, rfc3339 } from '../api/time.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { conditionsRules } from './condition-rules.ts'
import { deviceNameRule, deviceTaintRules, driverNameRule, poolNameRule } from './device-field-rules.ts'
import { Faults } from './field-path.ts'
import { defineKind } from './kind.ts'
import { notActedUpon } from './not-acted-upon.ts'
import { stampTaint } from './resourceslice.ts'
import { specPath, statusPath } from './workload-rules.ts'

/** Kind `DeviceTaintRule` of `resource.k8s.io/v1beta2`: `devicetaintrules`, without a namespace. */
export const DeviceTaintRules = defineKind<V1beta2DeviceTaintRule>({
  group: 'resource.k8s.io',
  version: 'v1beta2',
  kind: 'DeviceTaintRule',
  plural: 'devicetaintrules',
  singular: 'devicetaintrule',
  namespaced: false,
  subresources: ['status'],
  columns: [nameColumn, ageColumn],
  defaults(draft) {
    draft.spec ??= {} as V1beta2DeviceTaintRuleSpec
    draft.spec.taint ??= {} as V1beta2DeviceTaintRuleSpec['taint']
    draft.status ??= {}
  },
  prepare(draft, old, { now, subresource }) {
    if (!old) draft.status = {}
    if (subresource !== undefined) return
    const { taint } = draft.spec
    stampTaint(taint, now)
    // The time is that of the effect; who changes the effect may name another.
    const before = old?.spec.taint
    const isSameTime = before?.timeAdded !== undefined && parseTime(before.timeAdded) === parseTime(taint.timeAdded!)
    if (before && before.effect !== taint.effect && isSameTime) taint.timeAdded = rfc3339(now)
  },
  validate({ spec, status }, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') {
      const { conditions = [] } = status
      conditionsRules(conditions, statusPath.child('conditions'), faults)
      if (conditions.length > 8) faults.tooMany(statusPath.child('conditions'), conditions.length, 8)
      return faults.list
    }
    const { deviceSelector: selector } = spec
    const at = specPath.child('deviceSelector')
    if (selector?.driver !== undefined) driverNameRule(selector.driver, at.child('driver'), faults)
    if (selector?.pool !== undefined) poolNameRule(selector.pool, at.child('pool'), faults)
    if (selector?.device !== undefined) deviceNameRule(selector.device, at.child('device'), faults)
    deviceTaintRules(spec.taint, old?.spec.taint.effect, specPath.child('taint'), faults)
    return faults.list
  },
  warnings: (_, old) => notActedUpon('DeviceTaintRules', old),
})

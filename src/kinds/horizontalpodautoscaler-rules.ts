// The rules of HorizontalPodAutoscalers, for every version (pkg/apis/autoscaling/validation/validation.go and
// pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go).

import type {
  V2CrossVersionObjectReference,
  V2HorizontalPodAutoscaler,
  V2HPAScalingPolicy,
  V2HPAScalingRules,
  V2MetricIdentifier,
  V2MetricSpec,
  V2MetricTarget,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults, pathSegmentFaults } from '../api/names.ts'
import { parseQuantity } from '../api/quantity.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { nonNegative } from './field-rules.ts'
import { containerResourceName } from './resources.ts'
import { specPath, statusPath } from './workload-rules.ts'

type Autoscaler = Frozen<V2HorizontalPodAutoscaler>
type Target = Frozen<V2MetricTarget>

/** What a reference's apiVersion may be. */
type VersionRule = 'any' | 'valid' | 'with group'

export function autoscalerRules({ spec }: Autoscaler, old: Autoscaler | undefined, faults: Faults): void {
  const { minReplicas, maxReplicas = 0, scaleTargetRef, metrics = [], behavior } = spec
  // To zero is behind a gate that is off by default; who is there already may stay.
  const least = old?.spec.minReplicas === 0 ? 0 : 1
  if (minReplicas !== undefined && minReplicas < least) {
    faults.invalid(specPath.child('minReplicas'), minReplicas, `must be greater than or equal to ${least}`)
  }
  const at = specPath.child('maxReplicas')
  if (maxReplicas < 1) faults.invalid(at, maxReplicas, 'must be greater than 0')
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    faults.invalid(at, maxReplicas, 'must be greater than or equal to `minReplicas`')
  }
  referenceRules(scaleTargetRef, targetVersionRule(spec.scaleTargetRef, old), specPath.child('scaleTargetRef'), faults)
  const path = specPath.child('metrics')
  const objectRule = old?.spec.metrics?.some(hasInvalidVersion) ? 'any' : 'valid'
  for (const [index, metric] of metrics.entries()) metricRules(metric, objectRule, path.index(index), faults)
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    faults.forbidden(path, 'must specify at least one Object or External metric to support scaling to zero replicas')
  }
  scalingRules(behavior?.scaleUp, specPath.child('behavior', 'scaleUp'), faults)
  scalingRules(behavior?.scaleDown, specPath.child('behavior', 'scaleDown'), faults)
}

export function autoscalerStatusRules({ status }: Autoscaler, faults: Faults): void {
  nonNegative(status.currentReplicas, statusPath, 'currentReplicas', faults)
  nonNegative(status.desiredReplicas, statusPath, 'desiredReplicas', faults)
}

function targetVersionRule(ref: Frozen<V2CrossVersionObjectReference>, old: Autoscaler | undefined): VersionRule {
  const before = old?.spec.scaleTargetRef
  if (before && before.apiVersion === ref?.apiVersion && before.kind === ref?.kind) return 'any'
  // The one scalable kind of the core group.
  return ref?.kind === 'ReplicationController' ? 'valid' : 'with group'
}

const hasInvalidVersion = ({ type, object }: Frozen<V2MetricSpec>): boolean =>
  type === 'Object' && versionFault(object?.describedObject?.apiVersion, 'valid') !== undefined

function versionFault(apiVersion = '', rule: VersionRule): string | undefined {
  if (rule === 'any') return undefined
  const words = apiVersion.split('/')
  if (words.length > 2) return `unexpected GroupVersion string: ${apiVersion}`
  const hasGroup = words.length === 2 && words[0] !== ''
  return rule === 'with group' && !hasGroup ? 'apiVersion must specify API group' : undefined
}

function referenceRules(
  ref: Frozen<V2CrossVersionObjectReference> | undefined,
  rule: VersionRule,
  path: FieldPath,
  faults: Faults,
): void {
  for (const name of ['kind', 'name'] as const) {
    const text = ref?.[name]
    if (!text) faults.required(path.child(name))
    else faults.invalids(pathSegmentFaults(text), text, path, name)
  }
  const fault = versionFault(ref?.apiVersion, rule)
  if (fault) faults.invalid(path.child('apiVersion'), ref?.apiVersion ?? '', fault)
}

const sources = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
} as const
type Source = (typeof sources)[keyof typeof sources]
const types = Object.keys(sources)
const judgedInOrder: readonly Source[] = ['object', 'external', 'pods', 'resource', 'containerResource']

function metricRules(metric: Frozen<V2MetricSpec>, rule: VersionRule, path: FieldPath, faults: Faults): void {
  const { type } = metric
  if (!type) faults.required(path.child('type'), 'must specify a metric source type')
  if (!types.includes(type)) faults.notSupported(path.child('type'), type ?? '', types)
  const present = judgedInOrder.filter(source => metric[source] !== undefined)
  if (present[0]) sourceRules(metric, present[0], rule, path.child(present[0]), faults)
  const expected = sources[type as keyof typeof sources] as Source | undefined
  // Upstream says it a second time here.
  if (!expected) faults.notSupported(path.child('type'), type ?? '', types)
  else if (!metric[expected]) {
    faults.required(path.child(expected), 'must populate information for the given metric source')
  }
  if (present.length === 1) return
  for (const source of present) {
    if (source !== expected) faults.forbidden(path.child(source), 'must populate the given metric source only')
  }
}

function sourceRules(
  metric: Frozen<V2MetricSpec>,
  source: Source,
  rule: VersionRule,
  path: FieldPath,
  faults: Faults,
): void {
  const target = metric[source]?.target ?? ({} as Target)
  const average = path.child('target', 'averageValue')
  switch (source) {
    case 'object':
      referenceRules(metric.object?.describedObject, rule, path.child('describedObject'), faults)
      identifierRules(metric.object?.metric, path.child('metric'), faults)
      targetRules(target, path.child('target'), faults)
      if (target.value === undefined && target.averageValue === undefined) {
        faults.required(average, 'must set either a target value or averageValue')
      }
      return
    case 'external':
      identifierRules(metric.external?.metric, path.child('metric'), faults)
      targetRules(target, path.child('target'), faults)
      if (target.value === undefined && target.averageValue === undefined) {
        faults.required(average, 'must set either a target value for metric or a per-pod target')
      }
      if (target.value !== undefined && target.averageValue !== undefined) {
        const detail = 'may not set both a target value for metric and a per-pod target'
        faults.forbidden(path.child('target', 'value'), detail)
      }
      return
    case 'pods':
      identifierRules(metric.pods?.metric, path.child('metric'), faults)
      targetRules(target, path.child('target'), faults)
      if (target.averageValue === undefined) {
        faults.required(average, 'must specify a positive target averageValue')
      }
      return
    default:
      usageRules(metric, source, target, path, faults)
  }
}

function usageRules(
  metric: Frozen<V2MetricSpec>,
  source: 'resource' | 'containerResource',
  target: Target,
  path: FieldPath,
  faults: Faults,
): void {
  const name = metric[source]?.name
  if (!name) faults.required(path.child('name'), 'must specify a resource name')
  if (source === 'containerResource') {
    if (name) containerResourceName(name, path.child('name'), faults)
    const container = metric.containerResource?.container
    if (!container) faults.required(path.child('container'), 'must specify a container')
    else faults.invalids(dns1123LabelFaults(container), container, path, 'container')
  }
  targetRules(target, path.child('target'), faults)
  const { averageUtilization: utilization, averageValue: value } = target
  if (utilization === undefined && value === undefined) {
    const detail = 'must set either a target raw value or a target utilization'
    faults.required(path.child('target', 'averageUtilization'), detail)
  }
  if (utilization !== undefined && value !== undefined) {
    const detail = 'may not set both a target raw value and a target utilization'
    faults.forbidden(path.child('target', 'averageValue'), detail)
  }
}

function identifierRules(metric: Frozen<V2MetricIdentifier> | undefined, path: FieldPath, faults: Faults): void {
  if (!metric?.name) faults.required(path.child('name'), 'must specify a metric name')
  else faults.invalids(pathSegmentFaults(metric.name), metric.name, path, 'name')
}

const targetTypes = ['Utilization', 'Value', 'AverageValue']

function targetRules({ type, value, averageValue, averageUtilization }: Target, path: FieldPath, faults: Faults): void {
  if (!type) faults.required(path.child('type'), 'must specify a metric target type')
  if (!targetTypes.includes(type)) {
    faults.invalid(path.child('type'), type ?? '', 'must be either Utilization, Value, or AverageValue')
  }
  if (value !== undefined && parseQuantity(value).sign <= 0) {
    faults.invalid(path.child('value'), value, 'must be positive')
  }
  if (averageValue !== undefined && parseQuantity(averageValue).sign <= 0) {
    faults.invalid(path.child('averageValue'), averageValue, 'must be positive')
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    faults.invalid(path.child('averageUtilization'), averageUtilization, 'must be greater than 0')
  }
}

const longestWindow = 3600
const longestPeriod = 1800
const selectPolicies = ['Disabled', 'Max', 'Min']
const policyTypes = ['Percent', 'Pods']

function scalingRules(rules: Frozen<V2HPAScalingRules> | undefined, path: FieldPath, faults: Faults): void {
  if (!rules) return
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules
  const at = path.child('stabilizationWindowSeconds')
  if (window !== undefined && window < 0) faults.invalid(at, window, 'must be greater than or equal to zero')
  if (window !== undefined && window > longestWindow) {
    faults.invalid(at, window, `must be less than or equal to ${longestWindow}`)
  }
  if (selectPolicy !== undefined && !selectPolicies.includes(selectPolicy)) {
    faults.notSupported(path.child('selectPolicy'), selectPolicy, selectPolicies)
  }
  const list = path.child('policies')
  if (policies.length === 0) faults.required(list, 'must specify at least one Policy')
  for (const [index, policy] of policies.entries()) policyRules(policy, list.index(index), faults)
  if (tolerance !== undefined && parseQuantity(tolerance).sign < 0) {
    faults.invalid(path.child('tolerance'), tolerance, 'must be greater than or equal to 0')
  }
}

function policyRules(
  { type, value = 0, periodSeconds = 0 }: Frozen<V2HPAScalingPolicy>,
  path: FieldPath,
  faults: Faults,
) {
  if (!policyTypes.includes(type)) faults.notSupported(path.child('type'), type ?? '', policyTypes)
  if (value <= 0) faults.invalid(path.child('value'), value, 'must be greater than zero')
  if (periodSeconds <= 0) faults.invalid(path.child('periodSeconds'), periodSeconds, 'must be greater than zero')
  if (periodSeconds > longestPeriod) {
    faults.invalid(path.child('periodSeconds'), periodSeconds, `must be less than or equal to ${longestPeriod}`)
  }
}

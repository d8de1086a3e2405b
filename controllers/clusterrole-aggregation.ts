// ClusterRoles that are put together: who says which others he gathers (spec.aggregationRule) has the rules of all of them.
// Upstream: pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go.

import type { ClusterRole, PolicyRule } from '../generated/types.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import { selectorFromLabelSelector } from '../src/api/labels.ts'
import type { Frozen, Ref } from '../src/api/meta.ts'
import { ClusterRoles } from '../src/kinds/clusterrole.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'

export function clusterRoleAggregationController(): ControllerSpec<ClusterRole> {
  return defineController<ClusterRole>({
    name: 'clusterrole-aggregation-controller',
    for: ClusterRoles,
    wakes: [{ kind: ClusterRoles, keys: gatherers }],
    concerns: isGatherer,
    async reconcile(role, context) {
      const rules = gathered(role, context.lister(ClusterRoles).list())
      if (jsonEqual(rules, role.rules ?? [])) return
      await context.client.of(ClusterRoles).update({ ...role, rules } as ClusterRole)
    },
  })
}

const isGatherer = (role: Frozen<ClusterRole>): boolean => role.aggregationRule != null

/** Any role may be gathered by any of these, or have been so before it changed. */
function gatherers(_now: unknown, _before: unknown, context: Context): Ref[] {
  return context
    .lister(ClusterRoles)
    .list()
    .filter(isGatherer)
    .map(({ metadata }) => metadata)
}

/** By selector, then by name; a rule that is there already is not repeated. */
function gathered(role: Frozen<ClusterRole>, all: readonly Frozen<ClusterRole>[]): PolicyRule[] {
  const others = all
    .filter(({ metadata }) => metadata.name !== role.metadata.name)
    .sort((one, other) => (one.metadata.name! < other.metadata.name! ? -1 : 1))
  const rules: Frozen<PolicyRule>[] = []
  for (const wanted of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const selector = selectorFromLabelSelector(wanted)
    for (const { metadata, rules: found } of others) {
      if (!selector.matches(metadata.labels)) continue
      for (const rule of found ?? []) if (!rules.some(each => jsonEqual(each, rule))) rules.push(rule)
    }
  }
  return rules as PolicyRule[]
}

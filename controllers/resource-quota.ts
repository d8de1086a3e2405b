// ResourceQuotas: what is in use of each, counted anew when its limits change and when something went that it counts. What
// comes is added by admission, in the turn that writes it; here is given back. Upstream:
// pkg/controller/resourcequota/{resource_quota_controller,resource_quota_monitor}.go.

import type {
  CustomResourceDefinition,
  PersistentVolumeClaim,
  Pod,
  ResourceQuota,
  Service,
} from '../generated/types.ts'
import { isConflict, isNotFound } from '../src/api/errors.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, KubeObject, Ref } from '../src/api/meta.ts'
import { parseQuantity } from '../src/api/quantity.ts'
import type { Millis } from '../src/env/clock.ts'
import { CustomResourceDefinitions, definedKind } from '../src/kinds/customresourcedefinition.ts'
import type { Kind } from '../src/kinds/kind.ts'
import { type Amounts, addAmounts, amountsOf, listOf, sameAmounts } from '../src/kinds/quota-amounts.ts'
import { type Evaluator, evaluatorOf, matchesScopes } from '../src/kinds/quota-usage.ts'
import { ResourceQuotas } from '../src/kinds/resourcequota.ts'
import { type Context, type ControllerSpec, defineController, type Wake } from '../src/runtime/controller.ts'

/** All is counted again now and then, for pods whose time is over though they are still there. */
const resyncPeriod: Millis = 5 * 60_000

/** `kinds`: all that are served. */
export function resourceQuotaController(kinds: readonly Kind<any>[]): ControllerSpec<ResourceQuota> {
  const counted = kinds.filter(kind => kind.storedAs === undefined && evaluatorOf(kind) !== undefined)
  const evaluators = counted.map(kind => [kind, evaluatorOf(kind)!] as const)
  const isExtensible = kinds.includes(CustomResourceDefinitions)
  const defined = new Defined()
  return defineController<ResourceQuota>({
    name: 'resourcequota-controller',
    for: ResourceQuotas,
    wakes: [...counted.filter(kind => kind !== ResourceQuotas).map(wakeOf), ...(isExtensible ? [defined.wake()] : [])],
    workers: 5,
    start: () => defined.clear(),
    async reconcile({ metadata }, context) {
      // Read before what it counts: whatever is admitted after that changes it, and then this count is refused as outdated.
      const quota = await read(metadata, context)
      if (quota === undefined) return
      const hard = quota.spec.hard ?? {}
      const isForeign = (name: string): boolean => !evaluators.some(([, evaluator]) => evaluator.counts(name))
      const custom = isExtensible && Object.keys(hard).some(isForeign) ? await definedInside(context) : []
      const used = await count(quota, [...evaluators, ...custom], context)
      const isSame = jsonEqual(hard, quota.status.hard ?? {}) && sameAmounts(used, amountsOf(quota.status.used))
      if (!isSame || quota.status.hard === undefined) {
        try {
          await context.client
            .of(ResourceQuotas)
            .updateStatus({ ...quota, status: { hard, used: listOf(used) } } as never)
        } catch (error) {
          if (isConflict(error)) return { again: 0 }
          if (!isNotFound(error)) throw error
        }
      }
      return { again: resyncPeriod }
    },
  })
}

/** The kinds that users have defined, asked for when a quota counts something that is not built in. */
async function definedInside({ client }: Context): Promise<(readonly [Kind<any>, Evaluator])[]> {
  const { items } = await client.of(CustomResourceDefinitions).list()
  return items.flatMap(crd => {
    const kind = definedKind(crd)
    const evaluator = kind && evaluatorOf(kind)
    return evaluator ? [[kind, evaluator] as const] : []
  })
}

/** Kinds that come and go while the controller runs: what of them goes is given back too. */
class Defined {
  readonly #following = new Map<string, { readonly apiVersion: string; readonly ending: Promise<() => unknown> }>()

  clear(): void {
    this.#following.clear()
  }

  wake(): Wake<CustomResourceDefinition> {
    return {
      kind: CustomResourceDefinitions,
      keys: (now, before, context) => {
        const { name } = (now ?? before!).metadata
        const kind = now && definedKind(now)
        const known = this.#following.get(name)
        if (known?.apiVersion === kind?.apiVersion) return nobody
        if (known) void known.ending.then(end => end())
        this.#following.delete(name)
        if (!kind?.namespaced) return nobody
        this.#following.set(name, { apiVersion: kind.apiVersion, ending: context.follow(wakeOf(kind)) })
        // Those that count it could not until now.
        return context
          .lister(ResourceQuotas)
          .list()
          .filter(({ spec }) => spec?.hard?.[`count/${name}`] !== undefined)
          .map(({ metadata }) => metadata)
      },
    }
  }
}

async function read(ref: Ref, { client }: Context): Promise<Frozen<ResourceQuota> | undefined> {
  try {
    return await client.of(ResourceQuotas).get(ref)
  } catch (error) {
    if (!isNotFound(error)) throw error
    return undefined
  }
}

async function count(
  quota: Frozen<ResourceQuota>,
  evaluators: readonly (readonly [Kind<any>, Evaluator])[],
  { client, clock }: Context,
): Promise<Amounts> {
  const names = Object.keys(quota.spec.hard ?? {})
  const used: Amounts = new Map()
  for (const [kind, evaluator] of evaluators) {
    const own = names.filter(name => evaluator.counts(name))
    if (own.length === 0) continue
    for (const name of own) if (!used.has(name)) used.set(name, parseQuantity('0'))
    const { items } = await client.of<KubeObject>(kind).list({ namespace: quota.metadata.namespace })
    for (const item of items) {
      if (!matchesScopes(quota, item, evaluator)) continue
      const usage = evaluator.usage(item, clock.now())
      addAmounts(used, new Map([...usage].filter(([name]) => own.includes(name))))
    }
  }
  return used
}

/** Quotas hear of what goes, and of what uses less than before. */
function wakeOf(kind: Kind<any>): Wake<KubeObject> {
  const releases = changes[kind.resource] ?? (() => false)
  return {
    kind,
    keys(now, before, { lister }) {
      const object = now ?? before!
      if (now !== undefined && (before === undefined || !releases(now, before))) return nobody
      return lister(ResourceQuotas)
        .list({ namespace: object.metadata.namespace })
        .map(({ metadata }) => metadata)
    },
  }
}

const nobody: readonly Ref[] = Object.freeze([])

const changes: Readonly<Record<string, (now: Frozen<any>, before: Frozen<any>) => boolean>> = {
  pods: ({ status }: Frozen<Pod>, { status: old }: Frozen<Pod>) =>
    status.phase !== old.phase && (status.phase === 'Succeeded' || status.phase === 'Failed'),
  services: ({ spec }: Frozen<Service>, { spec: old }: Frozen<Service>) =>
    spec !== old && (spec.type !== old.type || spec.ports?.length !== old.ports?.length),
  persistentvolumeclaims: (now: Frozen<PersistentVolumeClaim>, before: Frozen<PersistentVolumeClaim>) =>
    !jsonEqual(now.spec.resources, before.spec.resources) ||
    !jsonEqual(now.status.allocatedResources, before.status.allocatedResources),
}

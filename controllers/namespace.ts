// Namespaces: when one is being deleted, everything in it goes, pods first; then it is let go. Its conditions say what is
// left. Upstream: pkg/controller/namespace/deletion/{namespaced_resources_deleter,status_condition_utils}.go.

import type { Namespace, NamespaceCondition, Pod } from '../generated/types.ts'
import { setCondition } from '../src/api/conditions.ts'
import { isNotFound } from '../src/api/errors.ts'
import { draft } from '../src/api/freeze.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, KubeObject } from '../src/api/meta.ts'
import { CustomResourceDefinitions, definedKind } from '../src/kinds/customresourcedefinition.ts'
import type { Kind } from '../src/kinds/kind.ts'
import { Namespaces } from '../src/kinds/namespace.ts'
import { Pods } from '../src/kinds/pod.ts'
import { type Context, type ControllerSpec, defineController, type Outcome } from '../src/runtime/controller.ts'
import { isTerminal } from './shared/pods.ts'
import { messageOf } from './shared/replicas.ts'

/** What something with a finalizer is given before one looks again (finalizerEstimateSeconds). */
const finalizerEstimate = 15

/** `kinds`: all that are served; those that live in namespaces, and are kept as themselves, are emptied. */
export function namespaceController(kinds: readonly Kind<any>[]): ControllerSpec<Namespace> {
  const builtIn = kinds.filter(kind => kind.namespaced && kind.storedAs === undefined)
  const isExtensible = kinds.includes(CustomResourceDefinitions)
  return defineController<Namespace>({
    name: 'namespace-controller',
    for: Namespaces,
    workers: 10,
    concerns: ({ metadata }) => metadata.deletionTimestamp !== undefined,
    async reconcile(cached, context): Promise<Outcome> {
      const namespaces = context.client.of(Namespaces)
      let namespace: Frozen<Namespace>
      try {
        namespace = await namespaces.get(cached.metadata)
      } catch (error) {
        if (isNotFound(error)) return
        throw error
      }
      if (namespace.metadata.deletionTimestamp === undefined) return
      if (namespace.status.phase !== 'Terminating') {
        namespace = await namespaces.updateStatus({
          ...namespace,
          status: { ...namespace.status, phase: 'Terminating' },
        })
      }
      if (!namespace.spec.finalizers?.includes('kubernetes')) return
      const inside = isExtensible ? [...builtIn, ...(await definedInside(context))] : builtIn
      const left = await empty(namespace.metadata.name, inside, context)
      namespace = await tell(namespace, left, context)
      if (left.failures.length > 0) throw new Error(left.failures.join(', '))
      if (left.seconds > 0) return { again: (Math.floor(left.seconds / 2) + 1) * 1000 }
      const finalizers = (namespace.spec.finalizers ?? []).filter(finalizer => finalizer !== 'kubernetes')
      try {
        const body = { ...namespace, spec: { ...namespace.spec, finalizers } }
        await namespaces.act(namespace.metadata, 'finalize', body, 'PUT')
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  })
}

/** The kinds that users have defined. Asked for each time: what was defined a moment ago may have objects already. */
async function definedInside({ client }: Context): Promise<Kind<any>[]> {
  const { items } = await client.of(CustomResourceDefinitions).list()
  return items.flatMap(crd => definedKind(crd) ?? []).filter(({ namespaced }) => namespaced)
}

interface Left {
  /** An estimate of how long until it may be gone; 0 when nothing is left. */
  seconds: number
  readonly counts: Map<string, number>
  readonly finalizers: Map<string, number>
  readonly failures: string[]
}

async function empty(namespace: string, kinds: readonly Kind<any>[], context: Context): Promise<Left> {
  const left: Left = { seconds: 0, counts: new Map(), finalizers: new Map(), failures: [] }
  // Pods go before what they may need (OrderedNamespaceDeletion).
  const first = kinds.filter(kind => kind === Pods)
  const rest = kinds.filter(kind => kind !== Pods)
  for (const kind of first) await emptyKind(namespace, kind, left, context)
  if (left.counts.size > 0 || left.failures.length > 0) return left
  for (const kind of rest) await emptyKind(namespace, kind, left, context)
  return left
}

async function emptyKind(namespace: string, kind: Kind<any>, left: Left, { client }: Context): Promise<void> {
  const resource = client.of(kind)
  try {
    const before = await resource.list({ namespace })
    if (before.items.length === 0) return
    if (kind.withoutVerbs?.includes('deletecollection')) {
      for (const { metadata } of before.items) await resource.delete(metadata).catch(ignoreGone)
    } else {
      await resource.deleteCollection({ namespace }, { propagationPolicy: 'Background' })
    }
    const after = await resource.list({ namespace })
    if (after.items.length === 0) return
    left.counts.set(kind.group === '' ? `${kind.plural}.` : kind.resource, after.items.length)
    let seconds = 0
    for (const object of after.items as readonly Frozen<KubeObject>[]) {
      for (const finalizer of object.metadata.finalizers ?? []) {
        left.finalizers.set(finalizer, (left.finalizers.get(finalizer) ?? 0) + 1)
        seconds = Math.max(seconds, finalizerEstimate)
      }
      if (kind === Pods) seconds = Math.max(seconds, graceOf(object as Frozen<Pod>))
    }
    // What is still here without a reason to be is new: it is looked at again soon.
    left.seconds = Math.max(left.seconds, seconds, 1)
  } catch (error) {
    left.failures.push(messageOf(error))
  }
}

function ignoreGone(error: unknown): void {
  if (!isNotFound(error)) throw error
}

function graceOf(pod: Frozen<Pod>): number {
  if (isTerminal(pod)) return 0
  return pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 0
}

type Told = Omit<NamespaceCondition, 'lastTransitionTime'>

async function tell(namespace: Frozen<Namespace>, left: Left, { client, clock }: Context): Promise<Frozen<Namespace>> {
  const conditions = draft<NamespaceCondition[]>(namespace.status.conditions ?? [])
  for (const condition of conditionsOf(left)) setCondition(conditions, condition, clock.now())
  if (jsonEqual(conditions, namespace.status.conditions ?? [])) return namespace
  return client.of(Namespaces).updateStatus({ ...namespace, status: { ...namespace.status, conditions } })
}

function conditionsOf({ counts, finalizers, failures }: Left): Told[] {
  const told = (type: string, isTrue: boolean, yes: readonly [string, string], no: readonly [string, string]): Told => {
    const [reason, message] = isTrue ? yes : no
    return { type, status: isTrue ? 'True' : 'False', reason, message }
  }
  const listed = (map: ReadonlyMap<string, number>, say: (name: string, count: number) => string): string =>
    [...map]
      .map(([name, count]) => say(name, count))
      .sort()
      .join(', ')
  const remaining = listed(counts, (resource, count) => `${resource} has ${count} resource instances`)
  const waitedFor = listed(finalizers, (finalizer, count) => `${finalizer} in ${count} resource instances`)
  return [
    told(
      'NamespaceDeletionDiscoveryFailure',
      false,
      ['', ''],
      ['ResourcesDiscovered', 'All resources successfully discovered'],
    ),
    told(
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      ['', ''],
      ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
    ),
    told(
      'NamespaceDeletionContentFailure',
      failures.length > 0,
      [
        'ContentDeletionFailed',
        `Failed to delete all resource types, ${failures.length} remaining: ${failures.join(', ')}`,
      ],
      ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
    ),
    told(
      'NamespaceContentRemaining',
      counts.size > 0,
      ['SomeResourcesRemain', `Some resources are remaining: ${remaining}`],
      ['ContentRemoved', 'All content successfully removed'],
    ),
    told(
      'NamespaceFinalizersRemaining',
      finalizers.size > 0,
      ['SomeFinalizersRemain', `Some content in the namespace has finalizers remaining: ${waitedFor}`],
      ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
    ),
  ]
}

// The history of a StatefulSet or DaemonSet: one ControllerRevision a template, numbered; a template that comes back gets
// its old revision under a new number. Rules: pkg/controller/history/controller_history.go.

import type { ControllerRevision, PodTemplateSpec } from '../../generated/types.ts'
import { isNotFound } from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Selector } from '../../src/api/labels.ts'
import type { Frozen, KubeObject, NewObject } from '../../src/api/meta.ts'
import { ownerReference } from '../../src/api/owners.ts'
import { ControllerRevisions } from '../../src/kinds/controllerrevision.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import type { Context } from '../../src/runtime/controller.ts'
import { claim, orphanIndex, orphanKeys } from './claims.ts'
import { hashName } from './rollout.ts'

/** On pods: of which revision they are. */
export const revisionLabel = 'controller-revision-hash'
/** On the revisions of a StatefulSet: the hash by which they are named. */
export const revisionHashLabel = 'controller.kubernetes.io/hash'

export type Revision = Frozen<ControllerRevision>

interface Owner extends KubeObject {
  spec: { template: PodTemplateSpec }
}

/** For a controller's `start`. */
export function indexRevisions(context: Context): void {
  context.lister(ControllerRevisions).index(orphanIndex, orphanKeys)
}

/** The owner's revisions, orphans adopted, the oldest number first. `releases`: others than the selected are let go. */
export async function ownRevisions(
  { owner, kind, selector }: { owner: Frozen<KubeObject>; kind: Kind<any>; selector: Selector },
  releases: boolean,
  context: Context,
): Promise<readonly Revision[]> {
  const lister = context.lister(ControllerRevisions)
  const { uid, namespace } = owner.metadata
  const found = [...lister.by('controller', uid!), ...lister.by(orphanIndex, namespace!)]
  const candidates = releases ? found : found.filter(({ metadata }) => selector.matches(metadata.labels))
  const claimant = { owner, kind, children: ControllerRevisions, selector }
  return [...(await claim(claimant, candidates, context))].sort(byNumber)
}

export function byNumber(one: Revision, other: Revision): number {
  if (one.revision !== other.revision) return one.revision - other.revision
  const [left, right] = [one.metadata.creationTimestamp ?? '', other.metadata.creationTimestamp ?? '']
  if (left !== right) return left < right ? -1 : 1
  return one.metadata.name < other.metadata.name ? -1 : 1
}

/** What a revision keeps: a strategic merge patch that puts the template back. */
export function revisionData(template: Frozen<PodTemplateSpec>): Record<string, unknown> {
  return { spec: { template: { ...template, $patch: 'replace' } } }
}

/** The template that a revision keeps. */
export function templateOf(revision: Revision): Frozen<PodTemplateSpec> {
  const data = revision.data as { spec?: { template?: Record<string, unknown> } } | undefined
  const { $patch: _, ...template } = data?.spec?.template ?? {}
  return template as Frozen<PodTemplateSpec>
}

export function isRevisionOf(revision: Revision, template: Frozen<PodTemplateSpec>): boolean {
  return jsonEqual(revision.data, revisionData(template))
}

/** `label`: under which the hash stands on the revision itself. */
export function newRevision(
  owner: Frozen<Owner>,
  kind: Kind<any>,
  number: number,
  collisions: number,
  label: string,
): NewObject<ControllerRevision> {
  const { name, namespace, annotations } = owner.metadata
  const { template } = owner.spec
  const data = revisionData(template)
  const hash = hashName(data, collisions)
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${name.slice(0, 223)}-${hash}`,
      namespace: namespace!,
      labels: { ...template.metadata?.labels, [label]: hash },
      ...(annotations ? { annotations: { ...annotations } } : {}),
      ownerReferences: [ownerReference(owner, kind)],
    },
    data,
    revision: number,
  }
}

/** Gives a revision another number. */
export async function renumber(revision: Revision, number: number, context: Context): Promise<Revision> {
  if (revision.revision === number) return revision
  return context.client.of(ControllerRevisions).update({ ...revision, revision: number })
}

/** Deletes so many revisions that nothing is made of any more, the oldest first. */
export async function deleteOldest(
  revisions: readonly Revision[],
  isLive: (revision: Revision) => boolean,
  count: number,
  context: Context,
): Promise<void> {
  if (count <= 0) return
  for (const { metadata } of revisions.filter(revision => !isLive(revision)).slice(0, count)) {
    try {
      await context.client.of(ControllerRevisions).delete(metadata)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}

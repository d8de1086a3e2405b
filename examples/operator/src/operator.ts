// The operator: makes the world fit each Website, tells in its status how far that is, and keeps the page of one that is deleted
// in the ConfigMap `website-archive` before it lets go.
//
// There is no loop and no memory here. `reconcile` looks at what is there (through caches), writes what differs, and is called
// again whenever a Website, or something it owns, has changed. What it throws is tried again, later and later; a conflict
// is nothing but that.

import {
  type Condition,
  ConfigMaps,
  type Context,
  Deployments,
  defineController,
  type Frozen,
  isControlledBy,
  isNotFound,
  jsonEqual,
  type Kind,
  type KubeObject,
  Services,
  setCondition,
} from 'kubesim'
import { deploymentOf, pageOf, serviceOf } from './children.ts'
import { type Website, Websites } from './website.ts'

export const finalizer = 'example.com/archive'
export const archive = 'website-archive'
const manager = 'website-operator'

export const websiteOperator = () =>
  defineController<Website>({
    name: manager,
    for: Websites,
    owns: [ConfigMaps, Deployments, Services],

    async reconcile(website, context) {
      if (website.metadata.deletionTimestamp !== undefined) return letGo(website, context)
      if (!website.metadata.finalizers?.includes(finalizer)) {
        // Our own write: we are called again with what came of it.
        await context.client.of(Websites).update(withFinalizers(website, each => [...each, finalizer]))
        return
      }
      const stranger = strangerIn(website, context)
      if (stranger !== undefined) {
        await tell(
          website,
          { status: 'False', reason: 'NameTaken', message: `${stranger} is somebody else's` },
          context,
        )
        // What is not ours does not call us when it goes.
        return { again: 30_000 }
      }
      await keep(ConfigMaps, pageOf(website), context)
      await keep(Deployments, deploymentOf(website), context)
      await keep(Services, serviceOf(website), context)
      await tell(website, readiness(website, context), context)
    },
  })

/** The first of the names we need that is taken by what we do not own. */
function strangerIn(website: Frozen<Website>, { lister }: Context): string | undefined {
  for (const kind of [ConfigMaps, Deployments, Services]) {
    const there = lister<KubeObject>(kind as Kind<any>).get(website.metadata)
    if (there !== undefined && !isControlledBy(there, website)) return `${kind.kind} ${website.metadata.name}`
  }
  return undefined
}

/** Server-side apply: of the object's fields only those are ours that we name, and those are set right. */
async function keep<T extends KubeObject>(kind: Kind<T>, body: KubeObject, { client }: Context): Promise<void> {
  await client.of(kind).patch(body.metadata, { type: 'apply', body }, undefined, { fieldManager: manager, force: true })
}

function readiness(website: Frozen<Website>, { lister }: Context): Omit<Condition, 'type'> {
  const { replicas } = website.spec
  const ready = lister(Deployments).get(website.metadata)?.status?.readyReplicas ?? 0
  const message = `${ready} of ${replicas} replicas are ready`
  return ready >= replicas
    ? { status: 'True', reason: 'Serving', message }
    : { status: 'False', reason: 'Starting', message }
}

async function tell(website: Frozen<Website>, ready: Omit<Condition, 'type'>, context: Context): Promise<void> {
  const { client, clock, lister } = context
  const conditions: Condition[] = (website.status?.conditions ?? []).map(condition => ({ ...condition }))
  setCondition<Condition>(conditions, { type: 'Ready', ...ready }, clock.now())
  const status = {
    observedGeneration: website.metadata.generation ?? 0,
    readyReplicas: lister(Deployments).get(website.metadata)?.status?.readyReplicas ?? 0,
    conditions,
  }
  // A write wakes everybody who watches, us included.
  if (jsonEqual(status, website.status)) return
  await client.of(Websites).updateStatus({ ...website, status })
  if (ready.reason !== website.status?.conditions?.find(({ type }) => type === 'Ready')?.reason) {
    context.event(website, ready.status === 'True' ? 'Normal' : 'Warning', ready.reason ?? '', ready.message ?? '')
  }
}

/** What it owns the garbage collector takes; the page is kept. */
async function letGo(website: Frozen<Website>, { client }: Context): Promise<void> {
  const { name, namespace, finalizers = [] } = website.metadata
  if (!finalizers.includes(finalizer)) return
  const maps = client.of(ConfigMaps)
  const ref = { name: archive, namespace: namespace! }
  const data = { [`${name}.html`]: website.spec.page }
  const kept = await maps.get(ref).catch(error => {
    if (!isNotFound(error)) throw error
    return undefined
  })
  // With the resourceVersion it was read with: of two that write at once one meets a conflict, and comes back.
  if (kept === undefined) await maps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: ref, data })
  else await maps.update({ ...kept, data: { ...kept.data, ...data } })
  await client.of(Websites).update(withFinalizers(website, each => each.filter(one => one !== finalizer)))
}

function withFinalizers(
  website: Frozen<Website>,
  change: (finalizers: readonly string[]) => readonly string[],
): Frozen<Website> {
  const { metadata } = website
  return { ...website, metadata: { ...metadata, finalizers: change(metadata.finalizers ?? []) } }
}

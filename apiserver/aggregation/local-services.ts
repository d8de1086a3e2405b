// The APIServices of what this server serves itself: one for each group and version of its own from the start, and one for each
// that custom resources bring along and take with them. Called by server.ts.
// Upstream: kube-aggregator/pkg/controllers/autoregister, pkg/controlplane/controller/crdregistration.

import type { APIService, CustomResourceDefinition } from '../../generated/types.ts'
import { isAlreadyExists, isNotFound } from '../../src/api/errors.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import type { Client } from '../../src/client/client.ts'
import type { Cancel } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import { APIServices } from '../../src/kinds/apiservice.ts'
import { CustomResourceDefinitions } from '../../src/kinds/customresourcedefinition.ts'
import { groupPriority } from '../../src/kinds/group-order.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { keyOf, prefixOf } from '../storage/keys.ts'
import type { Storage } from '../storage/storage.ts'

const automanaged = 'kube-aggregator.kubernetes.io/automanaged'

/** All at once, so that the store commits them together. */
export async function ensureLocalServices(
  client: Client,
  storage: Storage,
  kinds: readonly Kind<any>[],
): Promise<void> {
  const own = new Map<string, NewObject<APIService>>()
  for (const { group, version, custom } of kinds) {
    if (custom !== undefined || group === 'apiregistration.k8s.io') continue
    const service = localService(group, version, 'onstart', groupPriority(group), versionPriority(group, version))
    own.set(service.metadata.name!, service)
  }
  const missing = [...own.values()].filter(
    ({ metadata }) => storage.get(keyOf(APIServices, { name: metadata.name! })) === undefined,
  )
  await Promise.all(missing.map(service => client.of(APIServices).create(service)))
}

function localService(
  group: string,
  version: string,
  managed: string,
  groupPriorityMinimum: number,
  priority: number,
): NewObject<APIService> {
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `${version}.${group}`, labels: { [automanaged]: managed } },
    spec: { ...(group === '' ? {} : { group }), version, groupPriorityMinimum, versionPriority: priority },
  }
}

/** Facts of pkg/controlplane/apiserver/aggregator.go, for the groups that have more than one version. */
const versions: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'resource.k8s.io/v1': 20,
  'flowcontrol.apiserver.k8s.io/v1': 21,
}

function versionPriority(group: string, version: string): number {
  const known = versions[`${group}/${version}`]
  if (known !== undefined) return known
  const beta = /^v\d+beta(\d+)$/.exec(version)
  return beta === null ? 15 : 8 + Number(beta[1])
}

/** Keeps them for custom resources; ends when told. */
export function followCustomServices(env: Env, storage: Storage, client: Client): Cancel {
  let work = Promise.resolve()
  const stop = storage.subscribe(prefixOf(CustomResourceDefinitions), storage.revision, () => {
    work = work
      .then(() => env.activity.track(() => reconcile(storage, client)))
      .catch(error => env.log.warn({ error }, 'the APIServices of custom resources could not be kept'))
  })
  return stop
}

async function reconcile(storage: Storage, client: Client): Promise<void> {
  const wanted = new Map<string, NewObject<APIService>>()
  for (const { object } of storage.list(prefixOf(CustomResourceDefinitions))) {
    const { spec, status } = object as unknown as Frozen<CustomResourceDefinition>
    if (!status.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) continue
    for (const { name, served } of spec.versions) {
      if (!served) continue
      const service = localService(spec.group, name, 'true', 1000, 100)
      wanted.set(service.metadata.name!, service)
    }
  }
  const prefix = prefixOf(APIServices)
  for (const { object } of storage.withTerm(prefix, `label:${automanaged}=true`)) {
    if (wanted.has(object.metadata.name)) continue
    await client.of(APIServices).delete({ name: object.metadata.name }).catch(unless(isNotFound))
  }
  for (const [name, service] of wanted) {
    if (storage.get(keyOf(APIServices, { name })) !== undefined) continue
    await client.of(APIServices).create(service).catch(unless(isAlreadyExists))
  }
}

const unless = (isFine: (error: unknown) => boolean) => (error: unknown) => {
  if (!isFine(error)) throw error
}

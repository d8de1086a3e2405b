// What `apply` of a test does with one object: creates it, or makes the spec, labels and data of the one that is there what its own
// are. Called by cluster.ts.

import { isAlreadyExists } from '../api/errors.ts'
import type { NewObject } from '../api/meta.ts'
import type { Client } from '../client/client.ts'
import type { Cluster } from '../cluster.ts'

/** Rejects with what the API refuses, and with an Error for a kind that is not served. */
export async function createOrUpdate({ server }: Cluster, client: Client, object: NewObject<any>): Promise<void> {
  const { kinds } = server.registry
  const kind = kinds.find(each => each.apiVersion === object.apiVersion && each.kind === object.kind)
  if (kind === undefined) throw new Error(`no kind ${object.apiVersion} ${object.kind}`)
  const namespace = kind.namespaced ? (object.metadata.namespace ?? 'default') : undefined
  const metadata = { ...object.metadata, ...(namespace ? { namespace } : {}) }
  try {
    await client.of(kind).create({ ...object, metadata })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const { apiVersion: _, kind: __, status: ___, ...body } = object as Record<string, unknown>
    await client
      .of(kind)
      .patch({ name: object.metadata.name!, namespace }, { type: 'merge', body: { ...body, metadata } })
  }
}

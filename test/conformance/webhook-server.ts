// An API server whose webhooks are functions, and configurations that call them: for the conformance items about admission.

import { OutgoingError, type OutgoingRequest } from '../../apiserver/outgoing/outgoing.ts'
import type { ConfigMap } from '../../generated/types.ts'
import { ConfigMaps } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { inDefault, testServer } from '../registry/harness.ts'

export type Hook = (
  object: any,
  operation: string,
  old: any,
) => { allowed?: boolean; message?: string; patch?: object[] } | 'hang'

/** A server whose webhooks are functions by the path at which they are asked. */
export async function cluster(hooks: Readonly<Record<string, Hook>> = {}) {
  const server = await testServer(undefined, async sent => answer(sent, hooks))
  const { of, info } = server
  const create = (kind: Kind<any>, body: object, namespace?: string) => of(kind).create(body, { namespace }, {}, info)
  return {
    ...server,
    create,
    map: (name: string, data: Record<string, string> = {}, namespace = 'default') =>
      create(ConfigMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data }, namespace),
    mapNow: (name: string) => of(ConfigMaps).get(inDefault(name)).object as unknown as ConfigMap,
    register: (kind: Kind<any>, name: string, path: string, ...rules: object[]) =>
      create(kind, configuration(kind, name, path, ...rules)),
  }
}

export async function answer(sent: OutgoingRequest, hooks: Readonly<Record<string, Hook>>) {
  const hook = hooks[new URL(sent.url).pathname]
  const review = JSON.parse(Buffer.from(sent.body!).toString()) as {
    request: { uid: string; object: unknown; oldObject: unknown; operation: string }
  }
  const { uid, object, oldObject, operation } = review.request
  const said = hook?.(object, operation, oldObject) ?? {}
  if (said === 'hang') throw new OutgoingError(sent, 'context deadline exceeded')
  const patch = said.patch && {
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(said.patch)).toString('base64'),
  }
  const status = said.message === undefined ? {} : { status: { message: said.message } }
  const response = { uid, allowed: said.allowed ?? true, ...patch, ...status }
  const body = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response }
  return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) }
}

export const rule = (resource: string, operations = ['CREATE', 'UPDATE', 'DELETE'], group = '') => ({
  operations,
  apiGroups: [group],
  apiVersions: ['*'],
  resources: [resource],
})

export const configuration = (kind: Kind<any>, name: string, path: string, ...rules: object[]) => ({
  apiVersion: kind.apiVersion,
  kind: kind.kind,
  metadata: { name, labels: { suite: 'e2e' } },
  webhooks: [
    {
      name: `${name}.k8s.io`,
      clientConfig: { url: `https://127.0.0.1:9443${path}` },
      rules,
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      timeoutSeconds: 10,
    },
  ],
})

export const set = (path: string, value: unknown) => ({ op: 'add', path, value })

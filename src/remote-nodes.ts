// Nodes whose kubelet is another process: how that process announces itself (component.ts), and how an API server finds it
// (serve.ts). Its port stands in the Node objects; port and token in a Secret, which only those can read who administer the
// cluster. See docs/decisions/0006-kubelet-elsewhere.md.

import { randomBytes } from 'node:crypto'
import type { Node, Secret } from '../generated/types.ts'
import { ApiError, isAlreadyExists, isNotFound } from './api/errors.ts'
import type { Frozen, Ref } from './api/meta.ts'
import type { Client } from './client/client.ts'
import { createHttpNodeClient, type KubeletAccess } from './client/http-node-client.ts'
import type { NodeClient, PodLike } from './client/node-client.ts'
import type { Component } from './config.ts'
import { Nodes } from './kinds/node.ts'
import { Secrets } from './kinds/secret.ts'

const secretRef = { name: 'kubesim-kubelet', namespace: 'kube-system' }
const secretType = 'kubesim.dev/kubelet'

/** Not from the cluster's own chance: with a seed, everybody could draw it. */
export const newToken = (): string => randomBytes(32).toString('base64url')

export async function announceKubelet(client: Client, { port, token }: KubeletAccess): Promise<void> {
  const data = { port: base64(String(port)), token: base64(token) }
  try {
    await client.of(Secrets).create({ apiVersion: 'v1', kind: 'Secret', metadata: secretRef, type: secretType, data })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    await client.of(Secrets).patch(secretRef, { type: 'merge', body: { data } })
  }
}

/** When the kubelet ends in order, so that its token is not sent to whoever has the port next. */
export async function withdrawKubelet(client: Client, token: string): Promise<void> {
  try {
    if ((await accessOf(client)).token === token) await client.of(Secrets).delete(secretRef)
  } catch (error) {
    // The server has ended before us, or somebody else has taken the Secret away.
    if (!(error instanceof ApiError)) throw error
  }
}

/** The kubelets of another process. */
export function kubeletProcess(client: Client): Pick<NodeClient, 'proxyNode'> {
  return { proxyNode: async (node, request) => createHttpNodeClient(await accessOf(client)).proxyNode(node, request) }
}

/** The local nodes for what a component of this process answers, the kubelet's process for the rest. */
export function nodesWherever(
  client: Client,
  local: NodeClient,
  isHere: (component: Component) => boolean,
): NodeClient {
  const network = async (): Promise<NodeClient> => {
    if (isHere('kubelet') || isHere('proxy')) return local
    return createHttpNodeClient(await accessOf(client))
  }
  return {
    async *logs(pod, options) {
      yield* (await kubeletOf(pod)).logs(pod, options)
    },
    proxyPod: async (pod, port, request) => (await network()).proxyPod(pod, port, request),
    proxyService: async (service, port, request) => (await network()).proxyService(service, port, request),
    exec: async (pod, container, command, streams) => (await kubeletOf(pod)).exec(pod, container, command, streams),
    attach: async (pod, container, streams) => (await kubeletOf(pod)).attach(pod, container, streams),
    portForward: async (pod, port, streams) => (await kubeletOf(pod)).portForward(pod, port, streams),
    dial: async to => (await network()).dial(to),
    proxyNode: (node, request) => (isHere('kubelet') ? local : kubeletProcess(client)).proxyNode(node, request),
  }

  async function kubeletOf(pod: PodLike): Promise<NodeClient> {
    const { nodeName: name } = pod.spec as { nodeName?: string }
    if (isHere('kubelet') || !name) return local
    const node = await find(client, name)
    const port = node?.status.daemonEndpoints?.kubeletEndpoint?.Port
    const access = await accessOf(client)
    if (port !== access.port) throw new ApiError('ServiceUnavailable', `no kubelet answers for node "${name}"`)
    return createHttpNodeClient(access)
  }
}

async function accessOf(client: Client): Promise<KubeletAccess> {
  let secret: Frozen<Secret>
  try {
    secret = await client.of(Secrets).get(secretRef)
  } catch (error) {
    if (!isNotFound(error)) throw error
    throw new ApiError(
      'ServiceUnavailable',
      'no kubelet runs, neither in the process of this API server nor in another',
    )
  }
  const field = (key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString()
  return { port: Number(field('port')), token: field('token') }
}

async function find(client: Client, name: string): Promise<Frozen<Node> | undefined> {
  const ref: Ref = { name }
  try {
    return await client.of(Nodes).get(ref)
  } catch (error) {
    if (!isNotFound(error)) throw error
    return undefined
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

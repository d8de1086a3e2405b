// Why a pod's sandbox cannot be made, once its volumes are there: its class or that class's handler is unknown, or its name is longer
// than a kernel takes. Asked with what else a pod refers to (kubelet.ts), and only of pods that say any of it. The words are
// those of pkg/kubelet/{runtimeclass,util}, and of containerd (internal/cri/server/sandbox_run.go).

import type { Node, Pod, RuntimeClass } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Client } from '../src/client/client.ts'
import { RuntimeClasses } from '../src/kinds/index.ts'
import { fingerprint } from './fingerprint.ts'
import { hostNameOf } from './network/resolver.ts'
import type { Obstacle } from './pod-view.ts'

/** On a Node: handlers that its runtime has beside the usual ones, separated by commas. */
const handlersAnnotation = 'kubesim.dev/runtime-handlers'
/** As on nodes of kind: `test-handler` is what upstream's own tests ask for. */
const usualHandlers: readonly string[] = ['', 'runc', 'test-handler']

/** Those that a node's runtime has, by name. */
export function handlersOf(annotations: Readonly<Record<string, string>> | undefined): readonly string[] {
  const more = (annotations?.[handlersAnnotation] ?? '').split(',').flatMap(name => name.trim() || [])
  return [...new Set([...usualHandlers, ...more])].sort()
}

/** Whether anything of it could be in the way. */
export function asksOfSandbox({ spec }: Frozen<Pod>): boolean {
  return spec.runtimeClassName !== undefined || (spec.setHostnameAsFQDN === true && spec.subdomain !== undefined)
}

export async function sandboxObstacle(
  pod: Frozen<Pod>,
  node: Frozen<Node>,
  client: Client,
): Promise<Obstacle | undefined> {
  const fault = longName(pod) ?? (await unknownRuntime(pod, node, client))
  return fault === undefined ? undefined : { kind: 'sandbox', message: `Failed to create pod sandbox: ${fault}` }
}

/** Characters that fit into the kernel's nodename. */
const longest = 64

function longName(pod: Frozen<Pod>): string | undefined {
  if (!pod.spec.setHostnameAsFQDN) return undefined
  const { hostname, domain } = hostNameOf(pod)
  const whole = `${hostname}.${domain}`
  if (domain === '' || whole.length <= longest) return undefined
  const why = `FQDN ${whole} is too long (${longest} characters is the max, ${whole.length} characters requested)`
  return `failed to construct FQDN from pod hostname and cluster domain, ${why}`
}

async function unknownRuntime(
  { metadata, spec }: Frozen<Pod>,
  node: Frozen<Node>,
  client: Client,
): Promise<string | undefined> {
  const name = spec.runtimeClassName
  if (!name) return undefined
  let handler: string
  try {
    handler = ((await client.of(RuntimeClasses).get({ name })) as Frozen<RuntimeClass>).handler
  } catch (error) {
    if (!isNotFound(error)) throw error
    return `runtimeclass.node.k8s.io ${JSON.stringify(name)} not found`
  }
  if (handlersOf(node.metadata.annotations).includes(handler)) return undefined
  const id = fingerprint(`${metadata.uid}/sandbox`)
  return `rpc error: code = Unknown desc = unable to get OCI runtime for sandbox "${id}": no runtime for ${JSON.stringify(handler)} is configured`
}

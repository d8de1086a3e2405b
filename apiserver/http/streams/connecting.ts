// What exec, attach and port-forward ask of a pod, read and judged before any protocol is spoken: which container, which
// streams. Called by verbs.ts and connections.ts. Upstream: pkg/registry/core/pod/strategy.go (streamLocation,
// validateContainer), k8s.io/cri-streaming pkg/streaming/remotecommand (NewOptions), pkg/streaming/portforward (NewV4Options).

import type { Pod } from '../../../generated/types.ts'
import { badRequest } from '../../../src/api/errors.ts'
import type { Frozen } from '../../../src/api/meta.ts'
import { flag, type Query } from '../request.ts'

export type Connecting = 'exec' | 'attach' | 'portforward'

export function isConnecting(subresource: string | undefined): subresource is Connecting {
  return subresource === 'exec' || subresource === 'attach' || subresource === 'portforward'
}

export interface CommandRequest {
  readonly container: string
  /** Empty when it is attached to what runs already. */
  readonly command: readonly string[]
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

/** Throws BadRequest for a container that is not meant clearly, and for a pod that is on no node. */
export function commandRequest(pod: Frozen<Pod>, query: Query): CommandRequest {
  const container = containerOf(pod, query.get('container') ?? '')
  requireHost(pod)
  const tty = flag(query, 'tty')
  return {
    container,
    command: query.getAll('command'),
    stdin: flag(query, 'stdin'),
    stdout: flag(query, 'stdout'),
    // On a terminal all is printed to one place.
    stderr: flag(query, 'stderr') && !tty,
    tty,
  }
}

/** As admission sees it: PodExecOptions, PodAttachOptions or PodPortForwardOptions. */
export function connectOptions(subresource: Connecting, query: Query): object {
  if (subresource === 'portforward') {
    const ports = query.getAll('ports').flatMap(text => text.split(',').map(Number))
    return { kind: 'PodPortForwardOptions', apiVersion: 'v1', ...(ports.length > 0 ? { ports } : {}) }
  }
  const options: Record<string, unknown> = {
    kind: subresource === 'exec' ? 'PodExecOptions' : 'PodAttachOptions',
    apiVersion: 'v1',
  }
  for (const name of ['stdin', 'stdout', 'stderr', 'tty']) if (flag(query, name)) options[name] = true
  const container = query.get('container')
  if (container) options.container = container
  if (subresource === 'exec') options.command = query.getAll('command')
  return options
}

export function requireHost({ metadata, spec }: Frozen<Pod>): void {
  if (!spec.nodeName) throw badRequest(`pod ${metadata.name} does not have a host assigned`)
}

/** Of the old way to forward ports over WebSocket. Throws BadRequest. */
export function forwardedPorts(query: Query): readonly number[] {
  const asked = query.getAll('ports')
  if (asked.length === 0) throw badRequest('query parameter "port" is required')
  return asked.flatMap(text => {
    if (text === '') throw badRequest('query parameter "port" cannot be empty')
    return text.split(',').map(portOf)
  })
}

/** A TCP port in Go's words. Throws BadRequest. */
export function portOf(text: string): number {
  const why = /^\d+$/.test(text) ? (Number(text) > 65_535 ? 'value out of range' : undefined) : 'invalid syntax'
  if (why !== undefined)
    throw badRequest(
      `unable to parse ${JSON.stringify(text)} as a port: strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`,
    )
  if (Number(text) < 1) throw badRequest(`port ${JSON.stringify(text)} must be > 0`)
  return Number(text)
}

function containerOf({ metadata, spec }: Frozen<Pod>, asked: string): string {
  const all = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]
  const names = all.map(({ name }) => name)
  if (asked !== '') {
    if (!names.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${metadata.name}`)
    return asked
  }
  if (spec.containers.length === 1) return spec.containers[0]!.name
  throw badRequest(`a container name must be specified for pod ${metadata.name}, choose one of: [${names.join(' ')}]`)
}

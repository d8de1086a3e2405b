// Pods as upstream's storage tests make them: agnhost's mounttest looks at what is mounted, and what it prints is judged.

import type { Container, PodSpec, Volume, VolumeMount } from '../../generated/types.ts'
import { Pods } from '../../src/kinds/index.ts'
import type { Applied } from '../../src/testing/documents.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

export const agnhost = 'registry.k8s.io/e2e-test-images/agnhost:2.57'
export const busybox = 'registry.k8s.io/e2e-test-images/busybox:1.37.0-1'

/** A cluster of one node, and who reads what containers print. */
export async function withLogs(): Promise<TestCluster & { logs(pod: string, container?: string): Promise<string> }> {
  const cluster = await testCluster({ nodes: 1 })
  return Object.assign(cluster, {
    async logs(name: string, container?: string): Promise<string> {
      const { signal } = new AbortController()
      let whole = ''
      const options = { signal, ...(container !== undefined && { container }) }
      for await (const part of cluster.cluster.nodes.nodeClient.logs(cluster.get(Pods, name), options)) whole += part
      return whole
    },
  })
}

export interface Mounted {
  readonly name?: string
  /** What mounttest is asked, as flags. */
  readonly asked: readonly string[]
  /** By the paths at which they are mounted. */
  readonly volumes: Readonly<Record<string, Omit<Volume, 'name'>>>
  readonly mount?: Partial<VolumeMount>
  readonly container?: Partial<Container>
  readonly spec?: Partial<PodSpec>
}

/** A pod with one container that mounts the volumes, read-only, and looks at them once. */
export function looking({ name = 'looks', asked, volumes, mount = {}, container = {}, spec = {} }: Mounted) {
  const paths = Object.keys(volumes)
  return pod(name, {
    restartPolicy: 'Never',
    volumes: paths.map((path, at) => ({ name: `volume-${at}`, ...volumes[path] })),
    containers: [
      {
        name: 'main',
        image: agnhost,
        args: ['mounttest', ...asked],
        volumeMounts: paths.map((mountPath, at) => ({ name: `volume-${at}`, mountPath, readOnly: true, ...mount })),
        ...container,
      },
    ],
    ...spec,
  })
}

/** What it prints; it has to end well. */
export async function seen(mounted: Mounted, ...before: readonly Applied[]): Promise<string> {
  await using cluster = await withLogs()
  await cluster.apply(...before)
  await cluster.apply(looking(mounted))
  const name = mounted.name ?? 'looks'
  await cluster.until(() => cluster.get(Pods, name).status.phase === 'Succeeded', '2m')
  return cluster.logs(name)
}

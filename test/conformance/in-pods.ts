// What programs of pods print, in virtual time: for tests of upstream's items that judge a pod by its log, or by what a program
// says that is started in it (test/e2e/framework/pod/{output,exec_util}.go).

import type { Pod, PodSpec } from '../../generated/types.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import { BytePipe } from '../../src/env/byte-pipe.ts'
import { Pods } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'
import { logOf as logOfPod } from '../support/pod-logs.ts'

export const busybox = 'registry.k8s.io/e2e-test-images/busybox:1.36.1-1'
export const agnhost = 'registry.k8s.io/e2e-test-images/agnhost:2.57'

/** `pod-under-test`, which is not started again, until it has ended; and what its first container printed. */
export async function endOf(
  spec: Partial<PodSpec>,
  given: readonly NewObject<any>[] = [],
  metadata: Partial<Pod['metadata']> = {},
): Promise<{ readonly pod: Frozen<Pod>; readonly printed: string }> {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  const made = pod('pod-under-test', { restartPolicy: 'Never', ...spec })
  await cluster.apply(...given, { ...made, metadata: { ...made.metadata, ...metadata } })
  const isOver = () => ['Succeeded', 'Failed'].includes(podOf(cluster).status.phase ?? '')
  await cluster.until(isOver, '5m')
  return { pod: podOf(cluster), printed: await logOf(cluster) }
}

export const podOf = (cluster: TestCluster, name = 'pod-under-test'): Frozen<Pod> => cluster.get(Pods, name)

export function runs(cluster: TestCluster, name = 'pod-under-test'): Promise<void> {
  return cluster.until(() => podOf(cluster, name).status.phase === 'Running', '5m')
}

export const logOf = (cluster: TestCluster, name = 'pod-under-test', container?: string): Promise<string> =>
  logOfPod(cluster, name, container)

/** Of the pod's first container. */
export const restarts = (cluster: TestCluster, name: string): number =>
  podOf(cluster, name).status.containerStatuses?.[0]?.restartCount ?? 0

/** What a program says on both streams that is run in a container of a pod, and its exit code. */
export async function saidIn(
  cluster: TestCluster,
  words: readonly string[],
  { name = 'pod-under-test', container }: { readonly name?: string; readonly container?: string } = {},
): Promise<{ readonly code: number; readonly said: string }> {
  const found = podOf(cluster, name)
  const stdout = new BytePipe()
  const stderr = new BytePipe()
  const { signal } = new AbortController()
  const which = container ?? found.spec.containers[0]!.name
  const execution = await cluster.cluster.nodes.nodeClient.exec(found, which, words, {
    stdout,
    stderr,
    tty: false,
    signal,
  })
  const reading = Promise.all([textOf(stdout), textOf(stderr)])
  await cluster.advance('1s')
  const [out, err] = await reading
  return { code: await execution.ended, said: out + err }
}

async function textOf(pipe: BytePipe): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of pipe) parts.push(part)
  return Buffer.concat(parts).toString()
}

/** How often the container of the pod `probed` has been begun anew after so much time in a cluster of its own. */
export async function restartsAfter(object: ReturnType<typeof pod>, time: string): Promise<number> {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(object)
  await runs(cluster, 'probed')
  await cluster.advance(time)
  return restarts(cluster, 'probed')
}

// What a pod of a test cluster has printed.

import { Pods } from '../../src/kinds/index.ts'
import type { TestCluster } from '../../src/testing/cluster.ts'

/** Of a pod in the namespace default; of its only container, if none is named. */
export async function logOf(
  { cluster }: Pick<TestCluster, 'cluster'>,
  name: string,
  container?: string,
): Promise<string> {
  let text = ''
  const options = { container, signal: new AbortController().signal }
  const found = await cluster.client.of(Pods).get({ name, namespace: 'default' })
  for await (const chunk of cluster.nodes.nodeClient.logs(found, options)) text += chunk
  return text
}

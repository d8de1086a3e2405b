// How a command speaks to the cluster: a client over HTTPS with the credentials of a kubeconfig.

import type { Client } from '../client/client.ts'
import { createHttpClient } from '../client/http-client.ts'
import { readConfig } from '../config.ts'
import { type ClusterRecord, requireRunning } from './cluster-record.ts'

export interface Connection {
  readonly client: Client
  /** What the server answers at a path that is no object's, as JSON. */
  get<R>(path: string): Promise<R>
  /** The same, as it is. */
  text(path: string): Promise<string>
  /** Sends JSON to such a path. */
  post<R>(path: string, body: object): Promise<R>
  close(): void
}

export async function connect(kubeconfig: string): Promise<Connection> {
  const { readKubeconfig } = await import('../client/user-kubeconfig.ts')
  return createHttpClient(readKubeconfig(kubeconfig), 'kubesim-cli')
}

/** Runs `work` against the cluster that runs in a data directory, and hangs up. */
export async function withCluster<R>(
  dataDir: string | undefined,
  work: (
    client: Client,
    record: ClusterRecord,
    get: Connection['get'],
    post: Connection['post'],
    text: Connection['text'],
  ) => Promise<R>,
): Promise<R> {
  const record = requireRunning(readConfig(dataDir === undefined ? {} : { dataDir }).dataDir)
  const connection = await connect(record.kubeconfig)
  try {
    return await work(connection.client, record, connection.get, connection.post, connection.text)
  } finally {
    connection.close()
  }
}

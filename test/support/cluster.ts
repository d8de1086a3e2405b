// testCluster, as kubesim's users have it too; in a second run of some tests with sockets between controllers and API server.

import { testCluster as plain, type TestCluster, type TestClusterOptions, type Way } from '../../src/testing/cluster.ts'
import { later } from '../../src/testing/later.ts'
import { type HttpDoor, isOverHttp, openHttpDoor, quiet } from './over-http.ts'

export type { TestCluster, TestClusterOptions } from '../../src/testing/cluster.ts'
export { millis } from '../../src/testing/duration.ts'

export function testCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  return plain(isOverHttp ? { ...options, way: overHttp() } : options)
}

function overHttp(): Way {
  let door: HttpDoor | undefined
  return {
    quiet,
    client: later(() => door!.client),
    async open({ env, server, storage }) {
      door = await openHttpDoor(env, server, storage)
      return door
    },
  }
}

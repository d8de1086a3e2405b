// A client that is known only later: components are made before there is a way to the API server that they are to take.

import type { Client } from '../client/client.ts'

export function later(client: () => Client): Client {
  return { of: kind => client().of(kind), as: component => later(() => client().as(component)) }
}

// Many `kubectl get -w` at once.

import { expect, test } from 'vitest'
import { warningsDuring } from '../support/warnings.ts'
import { eventsOf, openDoor } from './door.ts'

test('a dozen watches of one server print no warning', async () => {
  const warnings = await warningsDuring(async () => {
    await using door = await openDoor()
    for (let count = 0; count < 12; count++) {
      const watch = eventsOf(await door.open('/api/v1/namespaces?watch=true&resourceVersion=0'))
      expect((await watch.next()).value).toMatchObject({ type: 'ADDED' })
    }
  })
  expect(warnings).toEqual([])
})

// Lists larger than a chunk, of items smaller and larger than one, many at the same moment: each comes whole.

import { expect, test } from 'vitest'
import { ConfigMaps } from '../../src/kinds/index.ts'
import { openDoor } from './door.ts'

test('whatever their sizes, and however many are read at once, lists come whole', async () => {
  await using door = await openDoor()
  // Around the size of a chunk, and of what is written before the others get their turn.
  const sizes = [
    0,
    10,
    65_000,
    65_536,
    70_000,
    200_000,
    1,
    600_000,
    ...Array.from({ length: 300 }, (_, index) => index * 37),
  ]
  for (const [index, size] of sizes.entries()) {
    await door.server.client.of(ConfigMaps).create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `m${String(index).padStart(4, '0')}`, namespace: 'default' },
      data: { filling: 'ä'.repeat(size / 2), size: String(size) },
    })
  }
  const lists = await Promise.all(Array.from({ length: 12 }, () => door.ask('/api/v1/namespaces/default/configmaps')))
  for (const { json } of lists) {
    const { items } = json as { items: { data: { filling: string; size: string } }[] }
    expect(items.map(({ data }) => Number(data.size))).toEqual(sizes)
    expect(items.every(({ data }) => data.filling === 'ä'.repeat(Number(data.size) / 2))).toBe(true)
  }
})

// Upstream's conformance items about what a server says of itself, by their names, over HTTP (test/e2e/apimachinery:
// discovery.go, aggregated_discovery.go, server_version.go; the custom resources' are in custom-resources.test.ts).

import { expect, test } from 'vitest'
import { type Door, openDoor } from '../http/door.ts'

async function get(door: Door, path: string): Promise<any> {
  const answer = await door.ask(path)
  expect(answer.code, answer.text).toBe(200)
  return answer.json
}

test('[sig-api-machinery] Discovery should validate PreferredVersion for each APIGroup', async () => {
  await using door = await openDoor()
  const { groups } = await get(door, '/apis/')
  expect(groups.length).toBeGreaterThan(15)
  for (const { name } of groups) {
    const { versions, preferredVersion } = await get(door, `/apis/${name}/`)
    expect(versions, name).toContainEqual(preferredVersion)
  }
})

test('[sig-api-machinery] server version should find the server version', async () => {
  await using door = await openDoor()
  const { major, minor, gitVersion } = await get(door, '/version')
  expect(major).toMatch(/^[1-9]\d*$/)
  expect(minor.replace(/\D+$/, '')).toMatch(/^[1-9]\d*$/)
  expect(gitVersion).toMatch(new RegExp(`^v${major}\\.${minor}\\.`))
})

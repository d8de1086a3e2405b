// Upstream's conformance items about what a server says of itself, by their names, over HTTP (test/e2e/apimachinery:
// discovery.go, aggregated_discovery.go, server_version.go; the custom resources' are in custom-resources.test.ts).

import { expect, test } from 'vitest'
import { type Door, openDoor } from '../http/door.ts'

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** A resource of each group and version that upstream asks for. */
const wanted: readonly (readonly [groupVersion: string, resource: string])[] = [
  ['v1', 'namespaces'],
  ['admissionregistration.k8s.io/v1', 'validatingwebhookconfigurations'],
  ['apiextensions.k8s.io/v1', 'customresourcedefinitions'],
  ['apiregistration.k8s.io/v1', 'apiservices'],
  ['apps/v1', 'deployments'],
  ['authentication.k8s.io/v1', 'tokenreviews'],
  ['authorization.k8s.io/v1', 'selfsubjectaccessreviews'],
  ['autoscaling/v1', 'horizontalpodautoscalers'],
  ['autoscaling/v2', 'horizontalpodautoscalers'],
  ['batch/v1', 'jobs'],
  ['certificates.k8s.io/v1', 'certificatesigningrequests'],
  ['coordination.k8s.io/v1', 'leases'],
  ['discovery.k8s.io/v1', 'endpointslices'],
  ['events.k8s.io/v1', 'events'],
  ['networking.k8s.io/v1', 'ingresses'],
  ['node.k8s.io/v1', 'runtimeclasses'],
  ['policy/v1', 'poddisruptionbudgets'],
  ['scheduling.k8s.io/v1', 'priorityclasses'],
  ['storage.k8s.io/v1', 'csinodes'],
]

async function get(door: Door, path: string, accept?: string): Promise<any> {
  const answer = await door.ask(path, accept ? { accept } : {})
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

test('[sig-api-machinery] Discovery should locate the groupVersion and a resource within each APIGroup', async () => {
  await using door = await openDoor()
  for (const [groupVersion, resource] of wanted) {
    const list = await get(door, `/${groupVersion.includes('/') ? 'apis' : 'api'}/${groupVersion}`)
    expect(list.groupVersion).toBe(groupVersion)
    expect(list.resources.map(({ name }: { name: string }) => name)).toContain(resource)
  }
})

/** Every `group/version resource` of an aggregated document. */
async function resourcesOf(door: Door, path: string): Promise<string[]> {
  const { kind, items } = await get(door, path, aggregated)
  expect(kind).toBe('APIGroupDiscoveryList')
  return items.flatMap(({ metadata, versions }: any) =>
    versions.flatMap(({ version, resources }: any) =>
      resources.map(({ resource }: any) => `${metadata.name ? `${metadata.name}/` : ''}${version} ${resource}`),
    ),
  )
}

test('[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers', async () => {
  await using door = await openDoor()
  const [core, ...others] = wanted.map(words => words.join(' '))
  expect(await resourcesOf(door, '/api')).toContain(core)
  expect(await resourcesOf(door, '/apis')).toEqual(expect.arrayContaining(others))
})

test('[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface', async () => {
  // client-go asks for every form it knows at once, and falls back on the plain one.
  await using door = await openDoor()
  const forms = [aggregated, aggregated.replace('v2', 'v2beta1'), 'application/json'].join(',')
  const found = new Map<string, string[]>()
  for (const path of ['/api', '/apis']) {
    const answer = await door.ask(path, { accept: forms })
    expect(answer.headers['content-type']).toBe(aggregated)
    for (const { metadata, versions } of answer.json.items) {
      for (const { version, freshness, resources } of versions) {
        expect(freshness).toBe('Current')
        const group = metadata.name ?? ''
        found.set(
          group ? `${group}/${version}` : version,
          resources.map(({ resource }: any) => resource),
        )
      }
    }
  }
  for (const [groupVersion, resource] of wanted) expect(found.get(groupVersion), groupVersion).toContain(resource)
})

test('[sig-api-machinery] server version should find the server version', async () => {
  await using door = await openDoor()
  const { major, minor, gitVersion } = await get(door, '/version')
  expect(major).toMatch(/^[1-9]\d*$/)
  expect(minor.replace(/\D+$/, '')).toMatch(/^[1-9]\d*$/)
  expect(gitVersion).toMatch(new RegExp(`^v${major}\\.${minor}\\.`))
})

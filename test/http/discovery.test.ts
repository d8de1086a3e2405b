// Discovery of the built-in kinds, in the forms kubectl 1.35 asks for. Facts from ../shared's wire notes and from
// pkg/registry/core/rest/storage_core.go and apiserver/pkg/endpoints/discovery.

import { describe, expect, test } from 'vitest'
import { discoveryRoutes } from '../../apiserver/http/discovery.ts'
import { chooseForm } from '../../apiserver/http/media-type.ts'
import { builtinKinds } from '../../src/kinds/index.ts'

const route = discoveryRoutes(builtinKinds, { serverAddress: '127.0.0.1:6443' })
const read = (path: string, accept?: string) => JSON.parse(route(path, accept)!.bytes.toString())
const kubectl =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json'

describe('plain', () => {
  test('/version is that of the schemas', () => {
    expect(read('/version')).toMatchObject({ major: '1', minor: '36', gitVersion: 'v1.36.0' })
  })
  test('/api has the core versions, /apis the named groups with the one to prefer', () => {
    expect(read('/api')).toEqual({
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1:6443' }],
    })
    const { groups } = read('/apis/')
    expect(groups.map(({ name }: { name: string }) => name)).not.toContain('')
    const apps = {
      name: 'apps',
      versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
      preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
    }
    expect(groups).toContainEqual(apps)
    expect(read('/apis/apps')).toEqual({ kind: 'APIGroup', apiVersion: 'v1', ...apps })
  })
  test('a resource tells its names, verbs and subresources', () => {
    const { resources, groupVersion } = read('/apis/apps/v1')
    expect(groupVersion).toBe('apps/v1')
    const find = (name: string) => resources.find((each: { name: string }) => each.name === name)
    expect(find('deployments')).toEqual({
      name: 'deployments',
      singularName: 'deployment',
      namespaced: true,
      kind: 'Deployment',
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: ['deploy'],
      categories: ['all'],
      storageVersionHash: '8aSe+NMegvE=',
    })
    expect(find('deployments/scale')).toEqual({
      name: 'deployments/scale',
      singularName: '',
      namespaced: true,
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs: ['get', 'patch', 'update'],
    })
  })
  test('groups come in upstream s order, which decides what a bare name means; versions with the preferred first', () => {
    const { groups } = read('/apis')
    const names: string[] = groups.map(({ name }: { name: string }) => name)
    const known = [
      'apps',
      'events.k8s.io',
      'batch',
      'certificates.k8s.io',
      'networking.k8s.io',
      'storage.k8s.io',
      'admissionregistration.k8s.io',
      'scheduling.k8s.io',
      'coordination.k8s.io',
      'node.k8s.io',
      'discovery.k8s.io',
      'resource.k8s.io',
    ]
    expect(names.filter(name => known.includes(name))).toEqual(known)
    expect(read('/apis', kubectl).items.map((each: any) => each.metadata.name)).toEqual(names)
    const { versions, preferredVersion } = groups.find((each: any) => each.name === 'resource.k8s.io')
    expect(versions.map((each: any) => each.version)).toEqual(['v1', 'v1beta2', 'v1beta1'])
    expect(preferredVersion.version).toBe('v1')
  })
  test('each version of a resource tells the hash of the one that is kept', () => {
    const hash = (path: string, name: string) =>
      read(path).resources.find((each: any) => each.name === name).storageVersionHash
    expect(hash('/api/v1', 'pods')).toBe('xPOwRZ+Yhw8=')
    expect(hash('/apis/events.k8s.io/v1', 'events')).toBe('r2yiGXH7wu8=')
    expect(hash('/apis/resource.k8s.io/v1beta1', 'resourceslices')).toBe(
      hash('/apis/resource.k8s.io/v1', 'resourceslices'),
    )
    expect(hash('/api/v1', 'pods/status')).toBeUndefined()
  })
  test('what is not served is nothing', () => {
    for (const path of ['/', '/apis/example.com', '/apis/apps/v2', '/api/v2', '/api/v1/pods', '/healthz'])
      expect(route(path), path).toBeUndefined()
  })
})

describe('aggregated', () => {
  test.each([
    ['v2', kubectl],
    ['v2beta1', 'application/json;as=APIGroupDiscoveryList;v=v2beta1;g=apidiscovery.k8s.io'],
  ])('everything of a root in one answer, as %s', (version, accept) => {
    expect(route('/apis', accept)!.contentType).toBe(
      `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
    )
    const { kind, apiVersion, items } = read('/apis', accept)
    expect({ kind, apiVersion }).toEqual({
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${version}`,
    })
    const apps = items.find((each: any) => each.metadata.name === 'apps')
    expect(apps.versions).toMatchObject([{ version: 'v1', freshness: 'Current' }])
    expect(apps.versions[0].resources).toContainEqual({
      resource: 'deployments',
      responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      scope: 'Namespaced',
      singularResource: 'deployment',
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: ['deploy'],
      categories: ['all'],
      subresources: [
        {
          subresource: 'scale',
          responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
          verbs: ['get', 'patch', 'update'],
        },
        {
          subresource: 'status',
          responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
          verbs: ['get', 'patch', 'update'],
        },
      ],
    })
  })
  test('/api has the core group only, under no name', () => {
    const { items } = read('/api', kubectl)
    expect(items.map((each: any) => each.metadata.name)).toEqual([undefined])
    expect(items[0].versions[0].resources.map((each: any) => each.resource)).toContain('nodes')
  })
  test('a client that takes JSON only gets the plain form, one that takes neither is refused', () => {
    expect(read('/api', 'application/json').kind).toBe('APIVersions')
    expect(read('/api', '*/*').kind).toBe('APIVersions')
    expect(read('/api', 'application/vnd.kubernetes.protobuf, application/json').kind).toBe('APIVersions')
    expect(route('/api', 'application/vnd.kubernetes.protobuf')).toMatchObject({ status: 406 })
  })
})

test('the client’s wishes come by q, then in the order written', () => {
  const forms = [{ type: 'application/json' }, { type: 'application/yaml' }]
  const chosen = (accept: string | undefined) => chooseForm(accept, forms)?.type
  expect(chosen(undefined)).toBe('application/json')
  expect(chosen('application/yaml, application/json')).toBe('application/yaml')
  expect(chosen('application/yaml;q=0.1, application/*;q=0.9')).toBe('application/json')
  expect(chosen('application/json;q=0, text/html')).toBeUndefined()
  expect(chosen('APPLICATION/YAML')).toBe('application/yaml')
})

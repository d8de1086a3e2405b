// get and list: selectors, parts, revisions. k8s.io/apiserver pkg/storage/interfaces.go (ValidateListOptions), continue.go,
// etcd3/errors.go; the meaning of resourceVersion is kubernetes.io/docs/reference/using-api/api-concepts.

import { describe, expect, test } from 'vitest'
import type { ListOptions } from '../../src/client/client.ts'
import { ConfigMaps, Deployments, Nodes, Pods } from '../../src/kinds/index.ts'
import { emptyOfMaps, inDefault, refusal, type TestServer, testServer } from './harness.ts'
import { leastObject } from './least-objects.ts'

const where = { namespace: 'default' }

async function withMaps(count: number): Promise<TestServer> {
  const server = await emptyOfMaps(await testServer())
  for (let index = 0; index < count; index++) {
    const body = leastObject(ConfigMaps, `c-${String(index).padStart(2, '0')}`)
    body.metadata.labels = { parity: index % 2 === 0 ? 'even' : 'odd', third: String(index % 3) }
    await server.of(ConfigMaps).create(body, where, {}, server.info)
  }
  return server
}

const namesOf = ({ of }: TestServer, options: ListOptions): string[] =>
  of(ConfigMaps)
    .list(options)
    .items.map(({ object }) => object.metadata.name)

describe('selectors', () => {
  test.each<[Partial<ListOptions>, string[]]>([
    [{ labelSelector: 'parity=odd' }, ['c-01', 'c-03', 'c-05']],
    [{ labelSelector: 'parity=odd,third=0' }, ['c-03']],
    [{ labelSelector: 'parity in (odd),third notin (0)' }, ['c-01', 'c-05']],
    [{ labelSelector: '!parity' }, []],
    [{ labelSelector: 'parity' }, ['c-00', 'c-01', 'c-02', 'c-03', 'c-04', 'c-05']],
    [{ fieldSelector: 'metadata.name=c-04' }, ['c-04']],
    [{ fieldSelector: 'metadata.name=c-04', labelSelector: 'parity=odd' }, []],
    [{ fieldSelector: 'metadata.name!=c-00', labelSelector: 'parity=even' }, ['c-02', 'c-04']],
    [{ fieldSelector: 'metadata.namespace=default', labelSelector: 'third=2' }, ['c-02', 'c-05']],
    [{ fieldSelector: 'metadata.namespace=kube-system' }, []],
    [{ namespace: 'kube-system' }, []],
  ])('%o', async (options, names) => {
    const server = await withMaps(6)
    expect(namesOf(server, options)).toEqual(names)
    if (options.namespace) return
    const inNamespace = options.fieldSelector === 'metadata.namespace=kube-system' ? [] : names
    expect(namesOf(server, { ...options, ...where })).toEqual(inNamespace)
  })

  test('a field of the kind, kept as an index', async () => {
    const { of, info } = await testServer()
    for (const name of ['a', 'b', 'c']) await of(Pods).create(leastObject(Pods, name), where, {}, info)
    const binding = { metadata: { name: 'b' }, target: { name: 'node-1' } }
    await of(Pods).act(inDefault('b'), 'binding', binding, {}, info)
    const names = (fieldSelector: string) =>
      of(Pods)
        .list({ fieldSelector })
        .items.map(({ object }) => object.metadata.name)
    expect(names('spec.nodeName=node-1')).toEqual(['b'])
    expect(names('spec.nodeName=')).toEqual(['a', 'c'])
    expect(names('spec.nodeName!=node-1,status.phase=Pending')).toEqual(['a', 'c'])
  })

  test.each([
    [
      'a field that the kind does not offer',
      Pods,
      { fieldSelector: 'spec.image=x' },
      'field label not supported: spec.image',
    ],
    [
      'a field where the kind offers none',
      Deployments,
      { fieldSelector: 'a=b' },
      '"a" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
    [
      'a label selector that cannot be read',
      Pods,
      { labelSelector: 'a in b' },
      "unable to parse requirement: found 'b' expected: '('",
    ],
  ])('%s is refused', async (_, kind, options, message) => {
    const { of } = await testServer()
    expect(await refusal(() => of(kind).list(options))).toMatchObject({ reason: 'BadRequest', code: 400, message })
  })
})

describe('in parts', () => {
  test('the parts together are the whole, as it was at the first', async () => {
    const server = await withMaps(5)
    const { of, info } = server
    const first = of(ConfigMaps).list({ ...where, limit: 2 })
    expect(first.items.map(({ object }) => object.metadata.name)).toEqual(['c-00', 'c-01'])
    expect(first.remainingItemCount).toBe(3)
    await of(ConfigMaps).delete(inDefault('c-03'), {}, info)
    await of(ConfigMaps).create(leastObject(ConfigMaps, 'c-01b'), where, {}, info)
    const second = of(ConfigMaps).list({ ...where, limit: 2, continue: first.continue })
    expect(second.items.map(({ object }) => object.metadata.name)).toEqual(['c-02', 'c-03'])
    expect(second).toMatchObject({ remainingItemCount: 1, resourceVersion: first.resourceVersion })
    const third = of(ConfigMaps).list({ ...where, limit: 2, continue: second.continue })
    expect(third.items.map(({ object }) => object.metadata.name)).toEqual(['c-04'])
    expect(third.continue).toBeUndefined()
    expect(third.remainingItemCount).toBeUndefined()
  })

  test('the token is the public one', async () => {
    const server = await withMaps(3)
    const { continue: token, resourceVersion } = server.of(ConfigMaps).list({ limit: 1 })
    expect(JSON.parse(Buffer.from(token!, 'base64url').toString())).toEqual({
      v: 'meta.k8s.io/v1',
      rv: Number(resourceVersion),
      start: 'default/c-00\0',
    })
  })

  test('with a selector nothing is said of how many remain, and no part is empty', async () => {
    const server = await withMaps(6)
    const options = { ...where, labelSelector: 'third=0', limit: 1 }
    const first = server.of(ConfigMaps).list(options)
    expect(first.remainingItemCount).toBeUndefined()
    const second = server.of(ConfigMaps).list({ ...options, continue: first.continue })
    expect(second.items.map(({ object }) => object.metadata.name)).toEqual(['c-03'])
    expect(second.continue).toBeUndefined()
  })

  test('from a forgotten revision: Expired, with a token for the rest as it is now', async () => {
    const server = await withMaps(4)
    const { of, info, storage } = server
    const first = of(ConfigMaps).list({ ...where, limit: 2 })
    await of(ConfigMaps).delete(inDefault('c-02'), {}, info)
    await storage.compact(storage.revision)
    const error = await refusal(() => of(ConfigMaps).list({ ...where, limit: 2, continue: first.continue }))
    expect(error).toMatchObject({ reason: 'Expired', code: 410 })
    expect(error.message).toMatch(/^The provided continue parameter is too old to display a consistent list result\./)
    const { continue: token } = error.toStatus().metadata as { continue: string }
    expect(namesOf(server, { ...where, limit: 2, continue: token })).toEqual(['c-03'])
  })

  test.each([
    ['not base64', '***', 'invalid continue token: continue key is not valid: illegal base64 data'],
    [
      'another version',
      tokenOf({ v: 'v9', rv: 1, start: 'a' }),
      'invalid continue token: continue key is not valid: server does not recognize this encoded version v9',
    ],
    [
      'no revision',
      tokenOf({ v: 'meta.k8s.io/v1', start: 'a' }),
      'invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)',
    ],
    [
      'no start',
      tokenOf({ v: 'meta.k8s.io/v1', rv: 1 }),
      'invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)',
    ],
    [
      'a way out of the collection',
      tokenOf({ v: 'meta.k8s.io/v1', rv: 1, start: '../../secrets/' }),
      'invalid continue token: continue key is not valid: ../../secrets/',
    ],
  ])('a token with %s is refused', async (_, token, message) => {
    const { of } = await testServer()
    const error = await refusal(() => of(ConfigMaps).list({ continue: token }))
    expect(error).toMatchObject({ reason: 'BadRequest', message })
  })

  test('a token and a revision are too much', async () => {
    const server = await withMaps(2)
    const { continue: token } = server.of(ConfigMaps).list({ limit: 1 })
    const error = await refusal(() => server.of(ConfigMaps).list({ continue: token, resourceVersion: '1' }))
    expect(error.message).toBe('specifying resource version is not allowed when using continue')
  })
})

function tokenOf(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

describe('resourceVersion', () => {
  test('exactly: the list as it was', async () => {
    const server = await withMaps(2)
    const { of, info, storage } = server
    const then = String(storage.revision)
    await of(ConfigMaps).delete(inDefault('c-00'), {}, info)
    const list = of(ConfigMaps).list({ resourceVersion: then, resourceVersionMatch: 'Exact' })
    expect(list.items).toHaveLength(2)
    expect(list.resourceVersion).toBe(then)
    // A limit alone makes a revision exact; without one it is only not older.
    expect(of(ConfigMaps).list({ resourceVersion: then, limit: 5 }).items).toHaveLength(2)
    expect(of(ConfigMaps).list({ resourceVersion: then }).items).toHaveLength(1)
    const newer = of(ConfigMaps).list({ resourceVersion: then, resourceVersionMatch: 'NotOlderThan', limit: 5 })
    expect(newer.items).toHaveLength(1)
    expect(newer.resourceVersion).toBe(String(storage.revision))
  })

  test.each(['0', undefined, ''])('%o asks for whatever there is', async resourceVersion => {
    const server = await withMaps(2)
    const list = server.of(ConfigMaps).list({ resourceVersion })
    expect(list).toMatchObject({ resourceVersion: String(server.storage.revision) })
    expect(server.of(ConfigMaps).get(inDefault('c-01'), { resourceVersion }).object.metadata.name).toBe('c-01')
  })

  test('of the future: a timeout that says so', async () => {
    const server = await withMaps(1)
    const { of, storage } = server
    const resourceVersion = String(storage.revision + 10)
    const works = [
      () => of(ConfigMaps).list({ resourceVersion }),
      () => of(ConfigMaps).list({ resourceVersion, resourceVersionMatch: 'Exact' as const }),
      () => of(ConfigMaps).get(inDefault('c-00'), { resourceVersion }),
    ]
    for (const work of works) {
      const error = await refusal(work)
      expect(error).toMatchObject({ reason: 'Timeout', code: 504 })
      expect(error.message).toBe(
        `Timeout: Too large resource version: ${resourceVersion}, current: ${storage.revision}`,
      )
      expect(error.details).toEqual({
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      })
    }
  })

  test('forgotten: Expired', async () => {
    const server = await withMaps(3)
    const then = String(server.storage.revision - 2)
    await server.storage.compact(server.storage.revision)
    const options = { resourceVersion: then, resourceVersionMatch: 'Exact' } as const
    const error = await refusal(() => server.of(ConfigMaps).list(options))
    expect(error).toMatchObject({
      reason: 'Expired',
      message: 'The resourceVersion for the provided list is too old.',
    })
  })

  test.each<[Record<string, string>, string, string]>([
    [
      { resourceVersion: 'abc' },
      'BadRequest',
      'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
    ],
    [
      { resourceVersion: '-1' },
      'BadRequest',
      'invalid resource version: resourceVersion: Invalid value: "-1": strconv.ParseUint: parsing "-1": invalid syntax',
    ],
    [
      { resourceVersion: '99999999999999999999' },
      'BadRequest',
      'invalid resource version: resourceVersion: Invalid value: "99999999999999999999": strconv.ParseUint: parsing "99999999999999999999": value out of range',
    ],
    [
      { resourceVersionMatch: 'Exact' },
      'Invalid',
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    [
      { resourceVersionMatch: 'Exact', resourceVersion: '0' },
      'Invalid',
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ],
    [
      { resourceVersionMatch: 'Newest', resourceVersion: '1' },
      'Invalid',
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""',
    ],
  ])('%o is refused', async (options, reason, message) => {
    const { of } = await testServer()
    expect(await refusal(() => of(Nodes).list(options as ListOptions))).toMatchObject({ reason, message })
  })
})

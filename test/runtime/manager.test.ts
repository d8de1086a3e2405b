import { expect, test } from 'vitest'
import type { ConfigMap } from '../../generated/types.ts'
import { ApiError } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { ownerReference } from '../../src/api/owners.ts'
import { builtinKinds, ConfigMaps, Secrets } from '../../src/kinds/index.ts'
import { type ControllerSpec, defineController } from '../../src/runtime/controller.ts'
import { createManager } from '../../src/runtime/manager.ts'
import { type ControlPlane, controlPlane } from '../support/control-plane.ts'
import { Faults } from '../support/faulty-client.ts'
import { warningsDuring } from '../support/warnings.ts'

const map = (name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', labels: { test: 'yes' } },
})

/** Makes one Secret for each ConfigMap, if its cache shows none. It has no other memory. */
function secretMaker(made: string[] = []): ControllerSpec<ConfigMap> {
  return defineController<ConfigMap>({
    name: 'secret-maker',
    for: ConfigMaps,
    owns: [Secrets],
    concerns: ({ metadata }) => metadata.labels?.test === 'yes',
    async reconcile(map, { client, lister }) {
      if (lister(Secrets).by('controller', map.metadata.uid!).length > 0) return
      made.push(map.metadata.name)
      await client.of(Secrets).create({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          generateName: `${map.metadata.name}-`,
          namespace: 'default',
          ownerReferences: [ownerReference(map, ConfigMaps)],
        },
      })
    },
  })
}

const secrets = (plane: ControlPlane): string[] =>
  plane.list(Secrets).map(({ metadata }) => metadata.generateName!.slice(0, -1))

test('what was there at the start is worked, and what comes later', async () => {
  await using plane = await controlPlane([])
  await plane.create(ConfigMaps, map('before'))
  const manager = createManager(plane.env, plane.client, [secretMaker()])
  await manager.start()
  await plane.create(ConfigMaps, map('after'))
  await plane.settle()
  expect(secrets(plane).sort()).toEqual(['after', 'before'])
  await manager.close()
})

test('a key is not worked again before the cache shows what its last turn wrote', async () => {
  const faults = new Faults()
  const made: string[] = []
  await using plane = await controlPlane([secretMaker(made)], { through: client => faults.wrap(client) })
  faults.hold(Secrets)
  await plane.create(ConfigMaps, map('a'))
  for (let round = 0; round < 5; round++) {
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
    await plane.client
      .of(ConfigMaps)
      .patch({ namespace: 'default', name: 'a' }, { type: 'merge', body: { data: { round: `${round}` } } })
  }
  expect(made).toEqual(['a'])
  faults.letGo(Secrets)
  await plane.settle()
  expect(made).toEqual(['a'])
  expect(secrets(plane)).toEqual(['a'])
})

test('nor before it shows that what was deleted is going', async () => {
  const faults = new Faults()
  let turns = 0
  const deleter = defineController<ConfigMap>({
    name: 'deleter',
    for: ConfigMaps,
    reads: [Secrets],
    concerns: ({ metadata }) => metadata.labels?.test === 'yes',
    async reconcile(_, { client, lister }) {
      turns++
      for (const { metadata } of lister(Secrets).list()) await client.of(Secrets).delete(metadata)
    },
  })
  await using plane = await controlPlane([deleter], { through: client => faults.wrap(client) })
  await plane.create(Secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'default' } })
  await plane.settle()
  faults.hold(Secrets)
  await plane.create(ConfigMaps, map('a'))
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  await plane.patch(ConfigMaps, 'a', { data: { again: 'yes' } })
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  expect(turns).toBe(1)
  faults.letGo(Secrets)
  await plane.settle()
  expect(turns).toBe(2)
})

test('a broken watch does not stop time, and the key goes on after the next list', async () => {
  const faults = new Faults()
  const made: string[] = []
  await using plane = await controlPlane([secretMaker(made)], { through: client => faults.wrap(client) })
  faults.refuse = (verb, kind) => {
    if (kind === Secrets && (verb === 'watch' || verb === 'list')) throw new Error('unreachable')
  }
  faults.breakWatches(new ApiError('Expired', 'gone'))
  await plane.create(ConfigMaps, map('a'))
  await plane.patch(ConfigMaps, 'a', { data: { more: 'yes' } })
  await plane.seconds(300)
  expect(made).toEqual(['a'])
  faults.refuse = () => {}
  await plane.seconds(120)
  expect(secrets(plane)).toEqual(['a'])
  await plane.create(ConfigMaps, map('b'))
  await plane.settle()
  expect(secrets(plane).sort()).toEqual(['a', 'b'])
})

test('a turn that fails is tried again, ever later, and holds up no other key', async () => {
  const attempts: number[] = []
  const others: string[] = []
  const failing = defineController<ConfigMap>({
    name: 'failing',
    for: ConfigMaps,
    concerns: ({ metadata }) => metadata.labels?.test === 'yes',
    async reconcile({ metadata }, { clock }) {
      if (metadata.name !== 'bad') {
        others.push(metadata.name)
        return
      }
      attempts.push(clock.now())
      if (attempts.length < 8) throw new Error('not yet')
    },
  })
  await using plane = await controlPlane([failing])
  await plane.create(ConfigMaps, map('bad'))
  await plane.create(ConfigMaps, map('good'))
  await plane.seconds(10)
  expect(others).toEqual(['good'])
  expect(attempts.slice(1).map((at, index) => at - attempts[index]!)).toEqual([5, 10, 20, 40, 80, 160, 320])
})

test('changes that can wait are worked as one, and a new object does not wait', async () => {
  const turns: number[] = []
  const patient = defineController<ConfigMap>({
    name: 'patient',
    for: ConfigMaps,
    concerns: ({ metadata }) => metadata.labels?.test === 'yes',
    patience: () => 500,
    async reconcile(_, { clock }) {
      turns.push(clock.now())
    },
  })
  await using plane = await controlPlane([patient])
  const begun = plane.env.clock.now()
  await plane.create(ConfigMaps, map('a'))
  await plane.settle()
  expect(turns).toEqual([begun])
  for (let at = 0; at < 5; at++) await plane.patch(ConfigMaps, 'a', { data: { at: `${at}` } })
  await plane.seconds(2)
  expect(turns).toEqual([begun, begun + 500])
})

test('a conflict is met by trying again on the newer object', async () => {
  const faults = new Faults()
  let conflicts = 2
  faults.refuse = (verb, kind) => {
    if (verb === 'update' && kind === ConfigMaps && conflicts-- > 0)
      throw new ApiError('Conflict', 'somebody was faster')
  }
  const counter = defineController<ConfigMap>({
    name: 'counter',
    for: ConfigMaps,
    concerns: ({ metadata, data }) => metadata.labels?.test === 'yes' && data?.counted !== 'yes',
    async reconcile(map, { client }) {
      await client.of(ConfigMaps).update({ ...map, data: { ...map.data, counted: 'yes' } } as Frozen<ConfigMap>)
    },
  })
  await using plane = await controlPlane([counter], { through: client => faults.wrap(client) })
  await plane.create(ConfigMaps, map('a'))
  await plane.seconds(1)
  expect(plane.get(ConfigMaps, 'a').data).toEqual({ counted: 'yes' })
})

test('one controller can be stopped and put back, and then makes up for what it missed', async () => {
  await using plane = await controlPlane([secretMaker()])
  await plane.manager.stop('secret-maker')
  expect(plane.manager.isRunning('secret-maker')).toBe(false)
  await plane.create(ConfigMaps, map('a'))
  await plane.seconds(60)
  expect(secrets(plane)).toEqual([])
  await plane.manager.resume('secret-maker')
  await plane.settle()
  expect(secrets(plane)).toEqual(['a'])
})

test('put back while its cache is behind, it first waits to see what it wrote itself', async () => {
  const faults = new Faults()
  const made: string[] = []
  await using plane = await controlPlane([secretMaker(made)], { through: client => faults.wrap(client) })
  faults.hold(Secrets)
  await plane.create(ConfigMaps, map('a'))
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  await plane.manager.stop('secret-maker')
  await plane.manager.resume('secret-maker')
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  expect(made).toEqual(['a'])
  faults.letGo(Secrets)
  await plane.create(ConfigMaps, map('b'))
  await plane.settle()
  expect(made).toEqual(['a', 'b'])
})

test('managers that share informers do not take them away from each other', async () => {
  await using plane = await controlPlane([])
  const { informers } = plane.manager
  const first = createManager(plane.env, plane.client, [secretMaker()], { informers })
  const second = createManager(plane.env, plane.client, [secretMaker()], { informers })
  await first.start()
  await second.start()
  await first.close()
  await plane.create(ConfigMaps, map('a'))
  await plane.settle()
  expect(secrets(plane)).toEqual(['a'])
  await second.close()
})

test('a manager killed in the middle of its work leaves the rest to the next one', async () => {
  await using plane = await controlPlane([])
  for (let at = 0; at < 30; at++) await plane.create(ConfigMaps, map(`map-${at}`))
  for (let life = 0; life < 4; life++) {
    const manager = createManager(plane.env, plane.client, [secretMaker()])
    await manager.start()
    for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
    const half = secrets(plane).length
    expect(half).toBeLessThan(30)
    await manager.close()
  }
  const last = createManager(plane.env, plane.client, [secretMaker()])
  await last.start()
  await plane.settle()
  expect(secrets(plane).sort()).toEqual(Array.from({ length: 30 }, (_, at) => `map-${at}`).sort())
  await last.close()
})

test('a controller that asks for a kind it did not declare is told so', async () => {
  const errors: unknown[] = []
  const curious = defineController<ConfigMap>({
    name: 'curious',
    for: ConfigMaps,
    start({ lister }) {
      try {
        lister(Secrets)
      } catch (error) {
        errors.push(error)
      }
    },
    async reconcile() {},
  })
  await using _plane = await controlPlane([curious])
  expect(String(errors[0])).toContain('curious does not declare that it reads secrets')
})

test('a start with many controllers and kinds prints no warning', async () => {
  const idlers = builtinKinds.map(kind =>
    defineController<any>({ name: `idler-${kind.plural}.${kind.apiVersion}`, for: kind, async reconcile() {} }),
  )
  const warnings = await warningsDuring(async () => {
    await using _plane = await controlPlane(idlers)
  })
  expect(warnings).toEqual([])
})

// Apply and update of objects by managers. Cases re-told from structured-merge-diff merge/{leaf,set,key,nested,multiple_appliers,
// duplicates,conflict,extract_apply,deduced,field_level_overrides}_test.go and apimachinery's managedfields/internal/*_test.go.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apply, emptyObject } from '../../apiserver/apply/applying.ts'
import { faultsIn } from '../../apiserver/apply/check.ts'
import { type ManagedEntries, noEntries } from '../../apiserver/apply/managed-fields.ts'
import { shownPath } from '../../apiserver/apply/steps.ts'
import { trackUpdate, type Writer } from '../../apiserver/apply/tracking.ts'
import type { Members } from '../../apiserver/apply/typed.ts'
import { number, onlyVersion, shown, type Told, text, typeOf } from './walks.ts'

const leaves: Told = { fields: { numeric: number, string: text, bool: { scalar: 'boolean' } } }
const sets: Told = { fields: { list: { list: { of: text, type: 'set' } } } }
const keyed: Told = {
  fields: {
    list: { list: { of: { fields: { name: text, value: number, other: text } }, type: 'map', keys: ['name'] } },
  },
}
const ports: Told = {
  fields: {
    ports: {
      list: {
        of: { fields: { port: number, protocol: { scalar: 'string', default: 'TCP' }, name: text } },
        type: 'map',
        keys: ['port', 'protocol'],
      },
    },
  },
}
const nested: Told = {
  fields: {
    struct: { fields: { name: text, value: number } },
    map: { map: text },
    atomicMap: { map: text, atomic: true },
    atomicList: { list: { of: text } },
    mapOfMaps: { map: { map: text } },
    listOfLists: {
      list: {
        of: { fields: { name: text, values: { list: { of: text, type: 'set' } } } },
        type: 'map',
        keys: ['name'],
      },
    },
  },
}

/** An object and its owners, changed step by step. */
class World {
  object: Members = {}
  entries: ManagedEntries = noEntries
  #clock = 0
  readonly #versions: ReturnType<typeof onlyVersion>

  constructor(told: Told | undefined) {
    this.#versions = onlyVersion(told && typeOf(told))
  }

  #writer(manager: string): Writer {
    this.#clock++
    const time = `2024-01-01T00:00:${String(this.#clock).padStart(2, '0')}Z`
    return { manager, subresource: '', time, without: new Set() }
  }

  /** The conflicts, or what is not of the schema; undefined when it went well. */
  apply(manager: string, config: Members, force = false): string[] | undefined {
    const faults = faultsIn(this.#versions.type, config)
    if (faults !== undefined) return [faults]
    const outcome = apply(this.#versions, this.object, config, this.entries, this.#writer(manager), force)
    if ('conflicts' in outcome) {
      return outcome.conflicts.map(({ with: { manager: owner }, path }) => `${owner}: ${shownPath(path)}`)
    }
    this.object = decoded(outcome.object ?? this.object)
    this.entries = outcome.entries
    return undefined
  }

  update(manager: string, object: Members): void {
    const isNew = Object.keys(this.object).length === 0
    this.entries = trackUpdate(this.#versions, this.object, object, this.entries, this.#writer(manager), isNew)
    this.object = object
  }

  owned(): Record<string, string[]> {
    return Object.fromEntries(
      this.entries.map(({ manager, operation, fields }) => [`${manager} ${operation}`, shown(fields.set).sort()]),
    )
  }
}

/** What is null is not there, once it is decoded. */
function decoded(object: Members): Members {
  const kept = Object.entries(object).filter(([, value]) => value !== null)
  return kept.length === Object.keys(object).length ? object : Object.fromEntries(kept)
}

describe('leaves', () => {
  test('what two apply alike both own; one alone may not change it', () => {
    const world = new World(leaves)
    expect(world.apply('one', { numeric: 1, string: 'a' })).toBeUndefined()
    expect(world.apply('two', { numeric: 1 })).toBeUndefined()
    expect(world.owned()).toEqual({ 'one Apply': ['.numeric', '.string'], 'two Apply': ['.numeric'] })
    expect(world.apply('two', { numeric: 2 })).toEqual(['one: .numeric'])
    expect(world.object).toEqual({ numeric: 1, string: 'a' })
    expect(world.apply('two', { numeric: 2 }, true)).toBeUndefined()
    expect(world.object).toEqual({ numeric: 2, string: 'a' })
    expect(world.owned()).toEqual({ 'one Apply': ['.string'], 'two Apply': ['.numeric'] })
  })

  test('what is applied no more is removed, unless somebody else owns it', () => {
    const world = new World(leaves)
    world.apply('one', { numeric: 1, string: 'a', bool: true })
    world.apply('two', { string: 'a' })
    world.apply('one', { bool: true })
    expect(world.object).toEqual({ string: 'a', bool: true })
    world.apply('two', {})
    expect(world.object).toEqual({ bool: true })
    expect(world.owned()).toEqual({ 'one Apply': ['.bool'] })
  })

  test('an update takes what it changes, and what an applier gives up then stays', () => {
    const world = new World(leaves)
    world.apply('applier', { numeric: 1, string: 'a', bool: false })
    world.update('controller', { numeric: 2, string: 'a', bool: false })
    expect(world.owned()).toEqual({ 'applier Apply': ['.bool', '.string'], 'controller Update': ['.numeric'] })
    expect(world.apply('applier', { numeric: 3, string: 'a' })).toEqual(['controller: .numeric'])
    expect(world.apply('applier', { string: 'a' })).toBeUndefined()
    expect(world.object).toEqual({ numeric: 2, string: 'a' })
  })

  test('what an update removed is nobody’s, and what it left has no new owner', () => {
    const world = new World(leaves)
    world.apply('applier', { numeric: 1, string: 'a' })
    world.update('controller', { numeric: 1 })
    expect(world.owned()).toEqual({ 'applier Apply': ['.numeric'] })
  })

  test('an applier that has updated before owns by either, and prunes only what it applied', () => {
    const world = new World(leaves)
    world.update('one', { numeric: 1, string: 'a' })
    expect(world.apply('one', { numeric: 1 })).toBeUndefined()
    expect(world.owned()).toEqual({ 'one Apply': ['.numeric'], 'one Update': ['.numeric', '.string'] })
    expect(world.apply('one', { bool: true })).toBeUndefined()
    expect(world.object).toEqual({ numeric: 1, string: 'a', bool: true })
  })

  test('an explicit null is owned', () => {
    const world = new World(leaves)
    expect(world.apply('one', { numeric: 1, string: null })).toBeUndefined()
    expect(world.owned()).toEqual({ 'one Apply': ['.numeric', '.string'] })
  })
})

describe('lists that are sets', () => {
  test('each value has its own owners', () => {
    const world = new World(sets)
    world.apply('one', { list: ['a', 'c'] })
    world.apply('two', { list: ['b', 'c'] })
    expect(world.object).toEqual({ list: ['a', 'b', 'c'] })
    world.apply('one', { list: ['d'] })
    expect(world.object).toEqual({ list: ['b', 'c', 'd'] })
    expect(world.owned()).toEqual({ 'one Apply': ['.list[="d"]'], 'two Apply': ['.list[="b"]', '.list[="c"]'] })
  })

  test.each<[string, string[], string[], string[]]>([
    ['the applied order wins among what is applied', ['a', 'b', 'c'], ['c', 'a'], ['b', 'c', 'a']],
    ['what others have stays where it was', ['a', 'b', 'c', 'd'], ['d', 'b'], ['a', 'c', 'd', 'b']],
    ['new ones come where they are named', ['a', 'd'], ['a', 'b', 'c', 'd'], ['a', 'b', 'c', 'd']],
    ['nothing applied changes nothing', ['a', 'b'], [], ['a', 'b']],
  ])('%s', (_, live, config, expected) => {
    const world = new World(sets)
    world.update('somebody', { list: live })
    expect(world.apply('applier', { list: config })).toBeUndefined()
    expect(world.object).toEqual({ list: expected })
  })

  test('what stands twice in a configuration is refused; what stands twice in the object is one thing', () => {
    const world = new World(sets)
    expect(world.apply('one', { list: ['a', 'a'] })).toEqual(['.list: duplicate entries for key [="a"]'])
    world.update('controller', { list: ['a', 'a', 'b'] })
    expect(world.owned()).toEqual({ 'controller Update': ['.list', '.list[="a"]', '.list[="b"]'] })
    expect(world.apply('one', { list: ['c'] })).toBeUndefined()
    expect(world.object).toEqual({ list: ['a', 'a', 'b', 'c'] })
  })
})

describe('lists that are maps', () => {
  test('items are merged by their key, and go with their last owner', () => {
    const world = new World(keyed)
    world.apply('one', { list: [{ name: 'a', value: 1 }] })
    world.apply('two', {
      list: [
        { name: 'a', other: 'x' },
        { name: 'b', value: 2 },
      ],
    })
    expect(world.object).toEqual({
      list: [
        { name: 'a', value: 1, other: 'x' },
        { name: 'b', value: 2 },
      ],
    })
    world.apply('one', {})
    expect(world.object).toEqual({
      list: [
        { name: 'a', other: 'x' },
        { name: 'b', value: 2 },
      ],
    })
    world.apply('two', { list: [{ name: 'b', value: 2 }] })
    expect(world.object).toEqual({ list: [{ name: 'b', value: 2 }] })
  })

  test('an item goes with its last owner, whatever others have put into it', () => {
    const world = new World(keyed)
    world.apply('one', { list: [{ name: 'a', value: 1 }] })
    world.update('controller', { list: [{ name: 'a', value: 1, other: 'x' }] })
    world.apply('one', { list: [] })
    expect(world.object).toEqual({})
  })

  test('a key that is left out is what its default says', () => {
    const world = new World(ports)
    world.update('server', {
      ports: [
        { port: 80, protocol: 'TCP' },
        { port: 80, protocol: 'UDP' },
      ],
    })
    expect(world.apply('one', { ports: [{ port: 80, name: 'web' }] })).toBeUndefined()
    expect(world.object).toEqual({
      ports: [
        { port: 80, protocol: 'TCP', name: 'web' },
        { port: 80, protocol: 'UDP' },
      ],
    })
    expect(world.apply('one', { ports: [{ port: 80 }, { port: 80, protocol: 'TCP' }] })).toEqual([
      '.ports: duplicate entries for key [port=80,protocol="TCP"]',
    ])
  })

  test('an item without any of its keys is refused', () => {
    expect(new World(keyed).apply('one', { list: [{ value: 1 }] })).toEqual([
      '.list: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)',
    ])
  })
})

describe('structs, maps and what is one value', () => {
  test('maps are owned by key; an atomic one as a whole', () => {
    const world = new World(nested)
    world.apply('one', { map: { a: '1' }, atomicMap: { a: '1' }, atomicList: ['a'] })
    expect(world.apply('two', { map: { b: '2' } })).toBeUndefined()
    expect(world.apply('two', { atomicMap: { b: '2' }, atomicList: ['b'] })).toEqual([
      'one: .atomicList',
      'one: .atomicMap',
    ])
    expect(world.apply('two', { atomicMap: { a: '1' }, atomicList: ['a'] })).toBeUndefined()
    expect(world.object).toEqual({ map: { a: '1' }, atomicMap: { a: '1' }, atomicList: ['a'] })
  })

  test('an empty struct or map is a field of its own', () => {
    const world = new World(nested)
    world.apply('one', { struct: {}, map: {} })
    expect(world.owned()).toEqual({ 'one Apply': ['.map', '.struct'] })
    expect(world.object).toEqual({ struct: {}, map: {} })
  })

  test('a struct goes when nothing is left that anybody owns', () => {
    const world = new World(nested)
    world.apply('one', { struct: { name: 'a', value: 1 }, mapOfMaps: { x: { y: 'z' } } })
    world.apply('one', { map: { a: '1' } })
    expect(world.object).toEqual({ map: { a: '1' } })
  })

  test('sets in lists in lists', () => {
    const world = new World(nested)
    world.apply('one', { listOfLists: [{ name: 'a', values: ['x', 'y'] }] })
    world.apply('two', { listOfLists: [{ name: 'a', values: ['y', 'z'] }] })
    world.apply('one', { listOfLists: [{ name: 'a' }] })
    expect(world.object).toEqual({ listOfLists: [{ name: 'a', values: ['y', 'z'] }] })
  })

  test('without a schema maps are merged and lists are one value', () => {
    const world = new World(undefined)
    world.apply('one', { a: { b: 1, c: [1, 2] } })
    expect(world.apply('two', { a: { d: { e: 'x' } } })).toBeUndefined()
    expect(world.object).toEqual({ a: { b: 1, c: [1, 2], d: { e: 'x' } } })
    expect(world.apply('two', { a: { c: [3] } })).toEqual(['one: .a.c'])
    world.apply('one', { a: 'text' }, true)
    expect(world.object).toEqual({ a: 'text' })
  })
})

describe('what is not of the schema', () => {
  const deployment: Told = {
    fields: {
      spec: {
        fields: {
          replicas: number,
          paused: { scalar: 'boolean' },
          name: text,
          list: { list: { of: text } },
          size: { scalar: 'quantity' },
        },
      },
    },
  }
  test.each<[unknown, string]>([
    [{ foo: 1 }, '.spec.foo: field not declared in schema'],
    [{ replicas: '3' }, '.spec.replicas: expected numeric (int or float), got string'],
    [{ name: 3 }, '.spec.name: expected string, got &value.valueUnstructured{Value:3}'],
    [{ paused: 'yes' }, '.spec.paused: expected boolean, got &{yes}'],
    [{ list: { b: 1, a: 'x' } }, '.spec.list: expected list, got &{map[a:x b:1]}'],
    [['x'], '.spec: expected map, got &{[x]}'],
    [{ size: {} }, '.spec.size: expected any scalar, got &{map[]}'],
    [
      { foo: 1, replicas: true },
      'errors:\n  .spec.foo: field not declared in schema\n  .spec.replicas: expected numeric (int or float), got bool',
    ],
  ])('%j: %s', (spec, expected) => {
    expect(faultsIn(typeOf(deployment), { spec })).toBe(expected)
  })

  test('a quantity may be a number, and null is of every sort', () => {
    expect(faultsIn(typeOf(deployment), { spec: { size: 1, replicas: null, list: null } })).toBeUndefined()
  })
})

describe('before anything was tracked', () => {
  test('what is there is somebody’s, from the first apply on', () => {
    const world = new World(leaves)
    world.object = { numeric: 1, string: 'a' }
    expect(world.apply('one', { numeric: 2 })).toEqual(['before-first-apply: .numeric'])
    expect(world.apply('one', { numeric: 2 }, true)).toBeUndefined()
    expect(world.owned()).toEqual({ 'before-first-apply Update': ['.string'], 'one Apply': ['.numeric'] })
  })

  test('updates alone do not begin it', () => {
    const world = new World(leaves)
    world.object = { numeric: 1 }
    world.update('one', { numeric: 2 })
    expect(world.entries).toEqual([])
  })
})

describe('times and the number of entries', () => {
  test('an entry’s time is that of its last change', () => {
    const world = new World(leaves)
    world.update('one', { numeric: 1 })
    world.update('one', { numeric: 1 })
    expect(world.entries.map(({ time }) => time)).toEqual(['2024-01-01T00:00:01Z'])
    world.update('one', { numeric: 2 })
    expect(world.entries.map(({ time }) => time)).toEqual(['2024-01-01T00:00:03Z'])
  })

  test('an apply that changes nothing keeps its time and its entries', () => {
    const world = new World(leaves)
    world.apply('one', { numeric: 1 })
    const before = world.entries
    world.apply('one', { numeric: 1 })
    expect(world.entries).toEqual(before)
  })

  test('of more than ten updaters the oldest become one (capmanagers.go)', () => {
    const world = new World({ fields: { map: { map: text } } })
    for (let index = 0; index < 14; index++) {
      world.update(`m${index}`, { map: { ...(world.object.map as object), [`k${index}`]: 'x' } })
    }
    expect(world.entries).toHaveLength(10)
    const owned = world.owned()
    expect(Object.keys(owned)[0]).toBe('ancient-changes Update')
    expect(owned['ancient-changes Update']).toEqual(['.map', '.map.k0', '.map.k1', '.map.k2', '.map.k3', '.map.k4'])
  })
})

describe('laws', () => {
  const name = fc.constantFrom('a', 'b', 'c')
  const config = fc.record(
    {
      struct: fc.record({ name, value: fc.integer({ min: 0, max: 2 }) }, { requiredKeys: ['name'] }),
      map: fc.dictionary(name, name, { minKeys: 1, maxKeys: 3 }),
      atomicMap: fc.dictionary(name, name, { maxKeys: 2 }),
      atomicList: fc.array(name, { maxLength: 2 }),
      mapOfMaps: fc.dictionary(name, fc.dictionary(name, name, { minKeys: 1, maxKeys: 2 }), { minKeys: 1, maxKeys: 2 }),
      listOfLists: fc.uniqueArray(
        fc.record({ name, values: fc.uniqueArray(name, { minLength: 1 }) }, { requiredKeys: ['name'] }),
        {
          selector: each => each.name,
          minLength: 1,
        },
      ),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Members>
  const manager = fc.constantFrom('one', 'two', 'three')
  const deed = fc.record({ manager, config, isUpdate: fc.boolean() })
  const changedBy = (deeds: readonly { manager: string; config: Members; isUpdate: boolean }[]): World => {
    const world = new World(nested)
    for (const each of deeds) {
      if (each.isUpdate) world.update(each.manager, each.config)
      else world.apply(each.manager, each.config, true)
    }
    return world
  }

  test('applied twice is applied once', () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 5 }), config, (deeds, last) => {
        const world = changedBy(deeds)
        world.apply('one', last, true)
        if (world.entries.length === 0) return
        const [object, owned] = [world.object, world.owned()]
        expect(world.apply('one', last)).toBeUndefined()
        expect(world.object).toEqual(object)
        expect(world.owned()).toEqual(owned)
      }),
    )
  })

  test('what is applied is so, and is owned', () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 5 }), config, (deeds, last) => {
        const world = changedBy(deeds)
        world.apply('one', last, true)
        if (world.entries.length === 0) return
        const { object } = world
        // Whoever applies the same changes nothing and is in nobody's way.
        expect(world.apply('four', last)).toBeUndefined()
        expect(world.object).toBe(object)
      }),
    )
  })

  test('giving up takes away only what nobody else owns', () => {
    fc.assert(
      fc.property(config, config, (mine, theirs) => {
        const world = new World(nested)
        world.apply('two', theirs, true)
        const before = world.object
        if (world.apply('one', mine) !== undefined) return
        world.apply('one', {})
        expect(withoutEmpty(world.object)).toEqual(withoutEmpty(before))
      }),
    )
  })

  test('no two of different values: an applied field has its appliers’ value', () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 8 }), deeds => {
        const { entries } = changedBy(deeds)
        expect(entries.every(({ fields }) => !fields.set.isEmpty)).toBe(true)
        expect(new Set(entries.map(({ manager: of, operation }) => `${of} ${operation}`)).size).toBe(entries.length)
      }),
    )
  })
})

/** Without maps and lists that have nothing in them: who owns nothing of them cannot hold them. */
function withoutEmpty(value: unknown): any {
  if (Array.isArray(value))
    return value.map(withoutEmpty).sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value)
    .map(([name, each]) => [name, withoutEmpty(each)] as const)
    .filter(([, each]) => !(typeof each === 'object' && Object.keys(each ?? {}).length === 0))
  return Object.fromEntries(kept)
}

test('an empty object has what Go always writes', () => {
  const told = typeOf({ fields: { spec: { fields: { template: { fields: { spec: { fields: {} } } } } } } })
  expect(emptyObject(told)).toEqual({})
})

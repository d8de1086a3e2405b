// Who may import whom: reads every import of the product and holds it against docs/design.md, chapter 3. A rule, not a wish.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Longest prefix wins; what a file belongs to. */
const rooms: readonly [prefix: string, room: string][] = [
  ['src/env/', 'env'],
  ['src/api/', 'api'],
  ['src/kinds/', 'kinds'],
  ['src/client/', 'client'],
  ['src/runtime/', 'runtime'],
  ['src/', 'roof'],
  ['apiserver/', 'apiserver'],
  ['controllers/', 'controllers'],
  ['scheduler/', 'scheduler'],
  ['kubelet-sim/', 'kubelet-sim'],
  ['generated/', 'generated'],
  ['dashboard/', 'dashboard'],
]

/** `env(types)`: only `import type`. Rooms may always import themselves. */
const may: Readonly<Record<string, readonly string[]>> = {
  env: [],
  api: ['env(types)', 'generated(types)'],
  kinds: ['api', 'env(types)', 'generated'],
  client: ['api', 'kinds', 'env', 'generated(types)'],
  runtime: ['api', 'kinds', 'client', 'env', 'generated(types)'],
  apiserver: ['api', 'kinds', 'env', 'client(types)', 'generated(types)'],
  controllers: ['api', 'kinds', 'env', 'client(types)', 'runtime', 'generated(types)'],
  scheduler: ['api', 'kinds', 'env', 'client(types)', 'runtime', 'generated(types)'],
  'kubelet-sim': ['api', 'kinds', 'env', 'client(types)', 'runtime', 'generated(types)'],
  roof: [
    'env',
    'api',
    'kinds',
    'client',
    'runtime',
    'apiserver',
    'controllers',
    'scheduler',
    'kubelet-sim',
    'generated',
  ],
  // A page of its own: it speaks to the server by its public paths, and shares the API's words.
  dashboard: [
    'api',
    'kinds',
    'generated(types)',
    'roof(types)',
    'env(types)',
    'scheduler(types)',
    'kubelet-sim(types)',
  ],
}

/** Inside the API server, from outer to inner: a floor may import itself and those below it that are named. */
const floors: Readonly<Record<string, readonly string[]>> = {
  'apiserver/http/': [
    'apiserver/aggregation/',
    'apiserver/outgoing/',
    'apiserver/flowcontrol/',
    'apiserver/registry/',
    'apiserver/auth/',
    'apiserver/audit/(types)',
    'apiserver/http/',
  ],
  'apiserver/audit/': ['apiserver/audit/', 'apiserver/auth/(types)', 'apiserver/registry/(types)'],
  'apiserver/registry/': [
    'apiserver/registry/',
    'apiserver/patch/',
    'apiserver/apply/',
    'apiserver/admission/',
    'apiserver/storage/',
  ],
  'apiserver/admission/': [
    'apiserver/admission/',
    'apiserver/storage/',
    'apiserver/patch/',
    'apiserver/outgoing/',
    'apiserver/cel/',
    'apiserver/registry/(types)',
    'apiserver/auth/(types)',
  ],
  'apiserver/custom/': [
    'apiserver/custom/',
    'apiserver/cel/',
    'apiserver/registry/',
    'apiserver/outgoing/',
    'apiserver/storage/',
  ],
  'apiserver/aggregation/': ['apiserver/aggregation/', 'apiserver/storage/', 'apiserver/outgoing/'],
  'apiserver/flowcontrol/': ['apiserver/flowcontrol/', 'apiserver/storage/', 'apiserver/registry/(types)'],
  'apiserver/outgoing/': ['apiserver/outgoing/', 'apiserver/storage/'],
  'apiserver/patch/': ['apiserver/patch/'],
  'apiserver/apply/': ['apiserver/apply/'],
  'apiserver/storage/': ['apiserver/storage/'],
  'apiserver/cel/': ['apiserver/cel/'],
  'apiserver/auth/': ['apiserver/auth/', 'apiserver/cel/', 'apiserver/registry/(types)', 'apiserver/storage/'],
}

/** Packages that only certain folders may know. */
const packages: Readonly<Record<string, readonly string[]>> = {
  express: ['apiserver/http/'],
  level: ['apiserver/storage/level-journal.ts'],
  pino: ['src/env/log.ts'],
  commander: ['src/cli/'],
  '@marcbachmann/cel-js': ['apiserver/cel/'],
  re2js: ['apiserver/'],
  'dns-packet': ['kubelet-sim/network/dns-server.ts'],
}

interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
}

const imports = sources().flatMap(importsOf)

describe('architecture', () => {
  test('the product has sources to look at', () => {
    expect(imports.length).toBeGreaterThan(50)
  })

  test('a room imports only what chapter 3 lets it', () => {
    const faults = imports.filter(({ from, to, typeOnly }) => {
      const [here, there] = [roomOf(from), roomOf(to)]
      if (here === undefined || there === undefined || here === there) return false
      const allowed = may[here] ?? []
      return !(allowed.includes(there) || (typeOnly && allowed.includes(`${there}(types)`)))
    })
    expect(faults.map(shown)).toEqual([])
  })

  test('inside the API server imports go down, never up', () => {
    const faults = imports.filter(({ from, to, typeOnly }) => {
      const floor = Object.keys(floors).find(prefix => from.startsWith(prefix))
      if (floor === undefined || !to.startsWith('apiserver/')) return false
      return !(floors[floor] ?? []).some(allowed =>
        allowed.endsWith('(types)') ? typeOnly && to.startsWith(allowed.slice(0, -7)) : to.startsWith(allowed),
      )
    })
    expect(faults.map(shown)).toEqual([])
  })

  test('the page takes of the kinds only what needs no schemas', () => {
    const taken = imports.filter(
      ({ from, to, typeOnly }) => from.startsWith('dashboard/') && to.startsWith('src/kinds/') && !typeOnly,
    )
    expect([...new Set(taken.map(({ to }) => to))]).toEqual(['src/kinds/pod-status-text.ts'])
  })

  test('storage knows only env and api', () => {
    const faults = imports.filter(
      ({ from, to }) => from.startsWith('apiserver/storage/') && !/^(src\/(env|api)\/|apiserver\/storage\/)/.test(to),
    )
    expect(faults.map(shown)).toEqual([])
  })

  test('no controller imports another', () => {
    const faults = imports.filter(
      ({ from, to }) =>
        /^controllers\/[^/]+\.ts$/.test(from) && from !== 'controllers/index.ts' && /^controllers\/[^/]+\.ts$/.test(to),
    )
    expect(faults.map(shown)).toEqual([])
  })

  test('packages stay in the folder that is there for them', () => {
    const faults = packageImports().filter(({ from, to }) => {
      const homes = packages[to]
      return homes !== undefined && !homes.some(home => from.startsWith(home))
    })
    expect(faults.map(shown)).toEqual([])
  })

  test('time and chance are given, never taken: only src/env asks the system for them, and the page, whose user has a clock', () => {
    const taken =
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bsetTimeout\(|\bsetInterval\(|\brandomUUID\(|\bperformance\.now\(/
    const faults = sources()
      .filter(file => !/^(src\/env|generated|dashboard)\//.test(file))
      .flatMap(file =>
        read(file)
          .split('\n')
          .map((line, index) => ({ line, at: `${file}:${index + 1}` }))
          .filter(({ line }) => taken.test(line.replace(/\/\/.*$/, '')))
          .map(({ at }) => at),
      )
    expect(faults).toEqual([])
  })

  test('the environment is read in one place: only src/config.ts knows process.env', () => {
    expect(sources().filter(file => /\bprocess\.env\b|\benv\b[^'\n]*from 'node:process'/.test(code(file)))).toEqual([
      'src/config.ts',
    ])
  })

  test('no file is named for nothing in particular', () => {
    expect(sources().filter(file => /\/(utils?|helpers?|common|types|misc)\.tsx?$/.test(file))).toEqual(
      sources().filter(file => file === 'generated/types.ts'),
    )
  })
})

function sources(): string[] {
  return ['src', 'apiserver', 'controllers', 'scheduler', 'kubelet-sim', 'dashboard'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(file => /\.tsx?$/.test(file))
      .map(file => join(folder, file).replaceAll('\\', '/'))
      .sort(),
  )
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** Without its comments to the end of a line. */
function code(file: string): string {
  return read(file).replace(/(^|\s)\/\/.*$/gm, '')
}

function statements(file: string): { specifier: string; typeOnly: boolean }[] {
  const found: { specifier: string; typeOnly: boolean }[] = []
  for (const match of read(file).matchAll(/^(?:import|export)\s+(type\s+)?[^'"`;]*?from\s+'([^']+)'/gm)) {
    found.push({ typeOnly: match[1] !== undefined, specifier: match[2]! })
  }
  for (const match of read(file).matchAll(/\bimport\('([^']+)'\)/g)) {
    found.push({ typeOnly: false, specifier: match[1]! })
  }
  return found
}

function importsOf(file: string): Import[] {
  return statements(file)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, typeOnly }) => ({
      from: file,
      to: relative(root, resolve(root, dirname(file), specifier)).replaceAll('\\', '/'),
      typeOnly,
    }))
}

function packageImports(): Import[] {
  return sources().flatMap(file =>
    statements(file)
      .filter(({ specifier, typeOnly }) => !specifier.startsWith('.') && !typeOnly)
      .map(({ specifier }) => ({
        from: file,
        to: specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/'),
        typeOnly: false,
      })),
  )
}

function roomOf(file: string): string | undefined {
  return rooms.find(([prefix]) => file.startsWith(prefix))?.[1]
}

function shown({ from, to }: Import): string {
  return `${from} → ${to}`
}

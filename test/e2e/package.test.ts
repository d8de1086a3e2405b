// The package as it is published: what is in it, `kubesim start` from it in an empty folder, and its library imported by
// others. Packed from the build that is there; its dependencies are those of this tree.

import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { declareTypes } from '../../scripts/build.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
let folder: string
let files: string[]

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

/** What it prints; when it fails, that is what the test says. */
async function succeeds(program: string, words: readonly string[], cwd: string): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: folder, NO_COLOR: '1' }
  try {
    return (await run(process.execPath, [program, ...words], { cwd, env, timeout: 230_000, maxBuffer: 1 << 26 })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${program} ${words.join(' ')}:\n${stdout}${stderr}`)
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kubesim-package-'))
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: root,
    maxBuffer: 1 << 26,
  })
  const [{ filename, files: packed }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
  files = packed.map(({ path }) => path)
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, 'kubesim'), { recursive: true })
  await run('tar', ['-xzf', join(folder, filename), '-C', join(modules, 'kubesim'), '--strip-components', '1'])
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== 'kubesim' && !name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('it holds the command, the library and the pages; no tests, no sources', () => {
  for (const wanted of [
    'bin/kubesim.js',
    'dist/kubesim.js',
    'dist/index.js',
    'dist/testing.js',
    'dist/dashboard/index.html',
    'dist/dashboard/assets/licenses.md',
    'docs/README.md',
    'docs/lessons/01-apply.md',
    'LICENSE',
  ]) {
    expect(files).toContain(wanted)
  }
  expect(
    files.filter(
      path =>
        /(^|\/)(test|scripts|generated|node_modules)\/|\.test\.|[^d]\.ts$/.test(path) &&
        !/^(dist\/types|examples)\//.test(path),
    ),
  ).toEqual([])
  const { exports, sideEffects } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect([Object.keys(exports), sideEffects]).toEqual([['.', './testing', './package.json'], false])
})

describe('its types', () => {
  // What `npm pack` does before it packs.
  beforeAll(() => declareTypes(join(folder, 'node_modules', 'kubesim', 'dist', 'types')), 240_000)

  test.each([
    { module: 'node16', moduleResolution: 'node16' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ])('are found by $moduleResolution, and are what the library is', async ({ module, moduleResolution }) => {
    const project = join(folder, `types-${moduleResolution}`)
    mkdirSync(project)
    writeFileSync(
      join(project, 'own.mts'),
      `import { createCluster, defineController, type Cluster } from 'kubesim'
import { ConfigMaps, type Frozen, type KubesimMatchers, testCluster } from 'kubesim/testing'
const cluster = await testCluster({ nodes: 1 })
const data: Frozen<Record<string, string>> | undefined = cluster.get(ConfigMaps, 'a').data
// @ts-expect-error: nodes are counted
await testCluster({ nodes: 'one' })
// @ts-expect-error: what is read is frozen
cluster.get(ConfigMaps, 'a').data = {}
export type Matchers = KubesimMatchers<Cluster>
export { createCluster, data, defineController }
`,
    )
    const options = { strict: true, noEmit: true, module, moduleResolution, target: 'es2023', types: ['node'] }
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { ...options, lib: ['es2023', 'esnext.disposable'], skipLibCheck: true },
        include: ['own.mts'],
      }),
    )
    await succeeds(tsc, ['-p', project], project)
  })
})

test('a test of somebody else imports kubesim/testing and does nothing by that', async () => {
  const script = join(folder, 'own.mjs')
  writeFileSync(
    script,
    `// Those of Node that are made when they are first looked at.
for (const key of Reflect.ownKeys(globalThis)) void globalThis[key]
const state = () => [
  ...Reflect.ownKeys(globalThis).map(key => 'global ' + String(key)),
  ...process.eventNames().map(name => 'listener ' + String(name) + process.listenerCount(name)),
  ...Object.entries(process.env).map(([name, value]) => 'environment ' + name + '=' + value),
  ...Object.getOwnPropertyNames(Object.prototype).map(name => 'of all objects ' + name),
]
const [before, handles] = [new Set(state()), process.getActiveResourcesInfo().length]
import('kubesim/testing').then(async ({ testCluster, Deployments, defineController, ConfigMaps }) => {
  const { createCluster } = await import('kubesim')
  if (process.getActiveResourcesInfo().length > handles + 1) throw new Error('the import has begun something')
  const added = state().filter(each => !before.has(each))
  if (added.length > 0) throw new Error('the import has left ' + added.join(', '))
  if (typeof createCluster !== 'function' || typeof defineController !== 'function') throw new Error('exports are missing')
  const cluster = await testCluster({ nodes: 1, seed: 7 })
  await cluster.apply('apiVersion: v1\\nkind: ConfigMap\\nmetadata: { name: a }\\n')
  console.log(cluster.get(ConfigMaps, 'a').metadata.creationTimestamp)
  await cluster[Symbol.asyncDispose]()
})
`,
  )
  const env = { PATH: process.env.PATH, HOME: folder }
  const { stdout } = await run(process.execPath, [script], { cwd: folder, env, timeout: 30_000 })
  expect(stdout).toBe('2024-01-01T00:00:00Z\n')
})

test('examples/operator: a package that depends on it type-checks, and its tests pass', async () => {
  const operator = join(folder, 'operator')
  cpSync(join(folder, 'node_modules', 'kubesim', 'examples', 'operator'), operator, { recursive: true })
  await succeeds(tsc, ['-p', operator, '--noEmit'], operator)
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const told = await succeeds(vitest, ['run', '--reporter=json'], operator)
  expect(JSON.parse(told.slice(told.indexOf('{')))).toMatchObject({ numTotalTests: 8, numPassedTests: 8 })
}, 240_000)

test('npx kubesim start works from it in an empty folder', async () => {
  // As npm installs a command.
  const bin = join(folder, 'node_modules', '.bin', 'kubesim')
  mkdirSync(dirname(bin), { recursive: true })
  symlinkSync(join('..', 'kubesim', 'bin', 'kubesim.js'), bin)
  const env = { PATH: process.env.PATH, HOME: folder, NO_COLOR: '1' }
  const words = ['--data-dir', join(folder, 'data')]
  const started = await run(
    'npx',
    ['--no-install', 'kubesim', 'start', '--port', '0', '--ingress-port', '0', '--no-merge-kubeconfig', ...words],
    { cwd: folder, env, timeout: 30_000 },
  )
  try {
    expect(started.stdout).toMatch(/^kubesim is ready: https:\/\/127\.0\.0\.1:\d+/)
  } finally {
    await run('npx', ['--no-install', 'kubesim', 'stop', ...words], { cwd: folder, env, timeout: 30_000 })
  }
})

// The package as it is published: what is in it, `kubesim start` from it in an empty folder, and its library imported by
// others. Packed from the build that is there; its dependencies are those of this tree.

import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
let folder: string
let files: string[]

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
    'docs/README.md',
    'LICENSE',
  ]) {
    expect(files).toContain(wanted)
  }
  expect(
    files.filter(
      path =>
        /(^|\/)(test|scripts|generated|node_modules)\/|\.test\.|[^d]\.ts$/.test(path) &&
        !path.startsWith('dist/types/'),
    ),
  ).toEqual([])
  const { exports, sideEffects } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect([Object.keys(exports), sideEffects]).toEqual([['.', './testing', './package.json'], false])
})

test('its types can be made, and name what the library exports', async () => {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const out = join(folder, 'types')
  await run(process.execPath, [tsc, '-p', join(root, 'tsconfig.types.json'), '--outDir', out], { timeout: 100_000 })
  expect(readFileSync(join(out, 'src', 'testing', 'index.d.ts'), 'utf8')).toContain('testCluster')
  expect(readFileSync(join(out, 'src', 'index.d.ts'), 'utf8')).toContain('createCluster')
})

test('a test of somebody else imports kubesim/testing and does nothing by that', async () => {
  const script = join(folder, 'own.mjs')
  writeFileSync(
    script,
    `const before = process.getActiveResourcesInfo().length
import('kubesim/testing').then(async ({ testCluster, Deployments, defineController, ConfigMaps }) => {
  if (process.getActiveResourcesInfo().length > before + 1) throw new Error('the import has begun something')
  const { createCluster } = await import('kubesim')
  if (typeof createCluster !== 'function' || typeof defineController !== 'function') throw new Error('exports are missing')
  const cluster = await testCluster({ nodes: 1, seed: 7 })
  await cluster.apply('apiVersion: v1\\nkind: ConfigMap\\nmetadata: { name: a }\\n')
  console.log(cluster.get(ConfigMaps, 'a').metadata.creationTimestamp)
  await cluster[Symbol.asyncDispose]()
})
`,
  )
  const { stdout } = await run(process.execPath, [script], { cwd: folder, timeout: 30_000 })
  expect(stdout).toBe('2024-01-01T00:00:00Z\n')
})

test('kubesim start works from it in an empty folder', async () => {
  const bin = join(folder, 'node_modules', 'kubesim', 'bin', 'kubesim.js')
  const env = { PATH: process.env.PATH, HOME: folder, NO_COLOR: '1' }
  const words = ['--data-dir', join(folder, 'data')]
  const started = await run(
    process.execPath,
    [bin, 'start', '--port', '0', '--ingress-port', '0', '--no-merge-kubeconfig', ...words],
    { cwd: folder, env, timeout: 30_000 },
  )
  try {
    expect(started.stdout).toMatch(/^kubesim is ready: https:\/\/127\.0\.0\.1:\d+/)
  } finally {
    await run(process.execPath, [bin, 'stop', ...words], { env, timeout: 30_000 })
  }
})

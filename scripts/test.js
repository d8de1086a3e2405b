// npm test: installs and builds what is missing, then the type check, the linter and formatter, and every test.
// `npm test -- FILTER …` hands its words to vitest and leaves the checks out.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from './install.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)

ensureInstalled()
const { build } = await import('./build.js')
await build()

// Each tool is started by its JavaScript entry with this Node, so that no shell and no PATH is needed.
const steps = [
  ...(words.length === 0
    ? [
        ['types', 'typescript/bin/tsc', ['--noEmit']],
        ['types of the dashboard', 'typescript/bin/tsc', ['--noEmit', '--project', 'dashboard']],
        ['lint and format', '@biomejs/biome/bin/biome', ['check', '.']],
      ]
    : []),
  ['tests', 'vitest/vitest.mjs', ['run', ...words]],
]
for (const [name, entry, args] of steps) {
  process.stderr.write(`kubesim: ${name} ...\n`)
  const result = spawnSync(process.execPath, [`${root}node_modules/${entry}`, ...args], { cwd: root, stdio: 'inherit' })
  if (result.status !== 0) process.exit(result.status ?? 1)
}

// Makes sure that what package-lock.json names is installed. Plain JavaScript on Node's own modules: it runs on a fresh
// clone, before anything is installed. Called by start.js, test.js, bench.js and dev.js; costs one small read when all is there.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = `${root}node_modules/.kubesim-installed`

export function ensureInstalled() {
  const [major] = process.versions.node.split('.').map(Number)
  if (major < 20) fail(`kubesim needs Node 20 or newer; this is ${process.versions.node}. See https://nodejs.org`)
  const wanted = createHash('sha256')
    .update(readFileSync(`${root}package-lock.json`))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  process.stderr.write('kubesim: installing packages (once) ...\n')
  // One shell string, because npm is a .cmd file on Windows, which only a shell can start.
  const result = spawnSync('npm ci --no-audit --no-fund --loglevel=error', {
    cwd: root,
    shell: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (result.status !== 0) fail('npm ci failed: see above; then try again')
  writeFileSync(stamp, wanted)
}

function fail(message) {
  process.stderr.write(`kubesim: ${message}\n`)
  process.exit(1)
}

// The reference of the library, made as for a package: every exported name is documented, and all are in it. What is not, the
// test prints.

import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import * as library from '../../src/index.ts'
import * as testing from '../../src/testing/index.ts'

const script = fileURLToPath(new URL('../../scripts/reference.js', import.meta.url))

test('every exported name is documented, and in the reference', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubesim-reference-'))
  try {
    const said = await new Promise<string>(resolve => {
      execFile(process.execPath, [script, folder], { timeout: 290_000 }, (_, stdout, stderr) =>
        resolve(stdout + stderr),
      )
    })
    expect(said).toBe('')
    expect(readdirSync(folder).sort()).toEqual(['README.md', 'index.md', 'testing.md'])
    const titles = (page: string): Set<string> =>
      new Set([...readFileSync(join(folder, page), 'utf8').matchAll(/^### (\w+)/gm)].map(([, name]) => name!))
    const missing = (names: object, page: string) => Object.keys(names).filter(name => !titles(page).has(name))
    expect(missing(testing, 'testing.md')).toEqual([])
    expect(missing(library, 'index.md')).toEqual([])
    expect(readFileSync(join(folder, 'testing.md'), 'utf8')).toContain('Factor on image pull and container start times')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 300_000)

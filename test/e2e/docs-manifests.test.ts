// Every manifest of the Kubernetes documentation, as a reader would try it: apply, diff, apply on the server, replace,
// delete, with the real kubectl. They lie beside this repository where it is developed; elsewhere the test is skipped.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { type Server, startServer } from '../support/server.ts'
import { manifestOutcomes, prerequisites } from './docs-manifest-outcomes.ts'

const folder = fileURLToPath(new URL('../../../shared/manifests/docs/', import.meta.url))
const cannot = noKubectl ?? (existsSync(folder) ? undefined : 'there are no manifests beside the repository')

/** A running pod, and the job that made one, cannot be replaced but by another. */
const stepsFor = (file: string): Readonly<Record<string, readonly string[]>> => ({
  apply: ['apply'],
  diff: ['diff'],
  'apply --server-side': ['apply', '--server-side', '--force-conflicts'],
  replace: isPod(file) ? ['replace', '--force', '--grace-period=0'] : ['replace'],
  // A pod's name is taken as long as it stops: the next page may want it.
  delete: isPod(file) ? ['delete', '--force', '--grace-period=0'] : ['delete', '--wait=false'],
})

const isPod = (file: string): boolean => /^kind: (?:Pod|Job)\s*$/m.test(text(file))

/** What failed, a line a step: `apply: the first line that kubectl said`. */
async function tryOut(server: Server, file: string): Promise<string[]> {
  const failures: string[] = []
  for (const [step, words] of Object.entries(stepsFor(file))) {
    const run = () => server.kubectl.run([...words, '-f', `${folder}${file}`])
    let ran = await run()
    // A controller was faster between the two requests of a `replace`; whoever sees that says it again.
    while (step === 'replace' && ran.stderr.includes('the object has been modified')) ran = await run()
    const { code, stderr, stdout } = ran
    if (code === 0) continue
    const said = (stderr.trim() || stdout.trim()).split('\n').filter(line => !line.startsWith('Warning: '))
    failures.push(`${step}: ${said.join(' | ').replaceAll(folder, '')}`)
    // What was refused is not there to be changed.
    if (step === 'apply') break
  }
  return failures
}

/** Half of the files each, so that both cores have something to do. */
async function worker(files: readonly string[], outcomes: Map<string, readonly string[]>): Promise<void> {
  await using server = await startServer({ words: ['--memory'] })
  const namespaces = new Set(
    files.flatMap(file => [...text(file).matchAll(/^\s*namespace: (\S+)/gm)].map(([, name]) => name!)),
  )
  for (const name of namespaces) await server.kubectl.run(['create', 'namespace', name.replaceAll(/["']/g, '')])
  for (const file of files) {
    const needed = prerequisites[file]
    if (needed) await server.kubectl('create', ...needed)
    outcomes.set(file, await tryOut(server, file))
    if (needed) await server.kubectl('delete', ...needed.slice(0, 2))
  }
}

const text = (file: string): string => readFileSync(`${folder}${file}`, 'utf8')

describe.skipIf(cannot)(`the manifests of the documentation${cannot ? ` (skipped: ${cannot})` : ''}`, () => {
  test('have the outcome that they have on a real cluster', { timeout: 600_000 }, async () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(file => /\.ya?ml$/.test(file))
      .sort()
    const outcomes = new Map<string, readonly string[]>()
    await Promise.all(
      [0, 1].map(half =>
        worker(
          files.filter((_, index) => index % 2 === half),
          outcomes,
        ),
      ),
    )
    const failed = [...outcomes].filter(([, failures]) => failures.length > 0).sort()
    expect(Object.fromEntries(failed)).toEqual(
      Object.fromEntries(
        Object.entries(manifestOutcomes).map(([file, lines]) => [file, lines.map(line => expect.stringMatching(line))]),
      ),
    )
    expect(files.length).toBeGreaterThan(200)
  })
})

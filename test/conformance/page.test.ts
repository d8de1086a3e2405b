// docs/conformance.md: upstream's conformance list, and which of its items a test here is named after. Made anew with
// `npx vitest run test/conformance/page.test.ts -u`; fails when the page says anything else than is so.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { reasons } from './reasons.ts'

const list = fileURLToPath(new URL('../../../shared/reference/conformance.json', import.meta.url))
const tests = fileURLToPath(new URL('../', import.meta.url))

/** Of these what has no test is listed as well, with the reason. */
const whole = ['[sig-api-machinery]', '[sig-auth]', '[sig-cli]', '[sig-architecture]', '[sig-node]']

test.skipIf(!existsSync(list))('the page says which items of the conformance list hold', async () => {
  const names = (JSON.parse(readFileSync(list, 'utf8')) as { name: string }[]).map(({ name }) => name)
  const found = testsByName(names)
  await expect(pageOf(names, found)).toMatchFileSnapshot('../../docs/conformance.md')
})

test.skipIf(!existsSync(list))('every reason is needed', () => {
  const names = (JSON.parse(readFileSync(list, 'utf8')) as { name: string }[]).map(({ name }) => name)
  const found = testsByName(names)
  const idle = Object.keys(reasons).filter(start => !names.some(name => name.startsWith(start) && !found.has(name)))
  expect(idle).toEqual([])
})

/** The file of the test that carries an item's name. */
function testsByName(names: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const file of readdirSync(tests, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!file.endsWith('.test.ts')) continue
    const text = readFileSync(`${tests}${file}`, 'utf8')
    if (!text.includes('[sig-')) continue
    for (const name of names) {
      if (!found.has(name) && ["'", '"', '`'].some(quote => text.includes(`${quote}${name}${quote}`))) {
        found.set(name, `test/${file.replaceAll('\\', '/')}`)
      }
    }
  }
  return found
}

function reasonFor(name: string): string {
  const starts = Object.keys(reasons).filter(start => name.startsWith(start))
  return reasons[starts.sort((one, other) => other.length - one.length)[0] ?? ''] ?? 'no test yet'
}

function pageOf(names: readonly string[], found: ReadonlyMap<string, string>): string {
  const sigOf = (name: string): string => name.slice(0, name.indexOf(']') + 1)
  const sigs = [...new Set(names.map(sigOf))].sort()
  const of = (sig: string): string[] => names.filter(name => sigOf(name) === sig)
  const summary = sigs.map(sig => {
    const items = of(sig)
    return `| ${sig} | ${items.length} | ${items.filter(name => found.has(name)).length} |`
  })
  const tables = sigs.flatMap(sig => {
    const items = whole.includes(sig) ? of(sig) : of(sig).filter(name => found.has(name))
    if (items.length === 0) return []
    const rows = items.map(name => {
      const file = found.get(name)
      return `| ${name.slice(sig.length + 1)} | ${file ? `yes: \`${file}\`` : `no: ${reasonFor(name)}`} |`
    })
    return ['', `## ${sig}`, '', '| Item | Holds |', '|---|---|', ...rows]
  })
  return [
    '# Conformance',
    '',
    "Upstream's conformance tests say what every Kubernetes cluster must do. They are programs for real nodes and run as such",
    'nowhere here; each item below that holds is shown by a test of our own with its name. The page is made from the list and',
    'the tests (`test/conformance/page.test.ts`), so it cannot say more than is tested.',
    '',
    '| Group | Items | With a test here |',
    '|---|---|---|',
    ...summary,
    ...tables,
    '',
  ].join('\n')
}

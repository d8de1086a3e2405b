// docs/api.md and the table of kinds in docs/kubectl.md are made from what is served. Made anew with `npm run docs`; fails
// when a page says anything else than is so.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { apiPage, kindsTable } from '../../scripts/api-page.ts'
import { testServer } from '../registry/harness.ts'

async function servedKinds() {
  const { server } = await testServer()
  return server.registry.kinds
}

test('docs/api.md says what is served, partly, and not', async () => {
  await expect(apiPage(await servedKinds())).toMatchFileSnapshot('../../docs/api.md')
})

const begin = '<!-- kinds: made by npm run docs -->\n'
const end = '\n<!-- /kinds -->'

test('docs/kubectl.md names the kinds that are served', async () => {
  const page = fileURLToPath(new URL('../../docs/kubectl.md', import.meta.url))
  const text = readFileSync(page, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  expect(from).toBeGreaterThan(0)
  expect(to).toBeGreaterThan(from)
  const whole = text.slice(0, from + begin.length) + kindsTable(await servedKinds()) + text.slice(to)
  await expect(whole).toMatchFileSnapshot('../../docs/kubectl.md')
})

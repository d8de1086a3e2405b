// docs/images.md has a table of the images that are known: it is what the families declare.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { families } from '../../kubelet-sim/images/index.ts'

const page = readFileSync(new URL('../../docs/images.md', import.meta.url), 'utf8')

test('the table of families is made of the data', () => {
  const rows = Object.entries(families).flatMap(([family, images]) =>
    images.map(({ name, ports, about }) => `| ${family} | \`${name}\` | ${ports?.join(', ') ?? ''} | ${about ?? ''} |`),
  )
  expect(page.split('\n').filter(line => rows.includes(line) || /^\| [a-z][^|]* \| `/.test(line))).toEqual(rows)
})

// docs/plugins.md promises that its example is true: it is the file beside this one, and does what the page says.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { plugins } from '../../scheduler/plugins/index.ts'
import { tenantIsolation } from './tenant-isolation.ts'
import { cycle, node, pod, world } from './world.ts'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the example on the page is the one that is tested', () => {
  const page = read('../../docs/plugins.md')
  const example = read('./tenant-isolation.ts').replace('../../scheduler/plugin.ts', '../plugin.ts')
  expect(page).toContain(`\`\`\`ts\n${example}\`\`\``)
})

test('every rule of the list is on the page, with its weight', () => {
  const rows = read('../../docs/plugins.md')
    .split('\n')
    .filter(line => line.startsWith('| '))
    .map(line => line.split('|').map(cell => cell.trim()))
  for (const { name, weight } of plugins) {
    const doesScore = weight !== undefined || name.startsWith('NodeResources')
    expect(rows.find(([, rule]) => rule === name)?.[4]).toBe(doesScore ? String(weight ?? 1) : '–')
  }
})

test('the example refuses, prefers and explains as the page says', () => {
  const of = (name: string, tenant: string) => pod(name, { labels: { tenant } })
  const rules = [...plugins, tenantIsolation]
  const shared = world(
    [node('a'), node('b'), node('c')],
    [
      ['a', of('red-1', 'red')],
      ['b', of('blue-1', 'blue')],
    ],
  )
  expect(cycle(of('blue-2', 'blue'), shared, rules)).toMatchObject({
    node: 'b',
    feasible: ['b', 'c'],
    refused: [{ node: 'a', plugin: 'TenantIsolation', reasons: ['node(s) had pods of another tenant'] }],
  })
  const full = world([node('a')], [['a', of('red-1', 'red')]])
  expect(cycle(of('blue-2', 'blue'), full, rules).message).toBe(
    '0/1 nodes are available: 1 node(s) had pods of another tenant. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
  )
})

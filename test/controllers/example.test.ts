import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { endpointSliceController } from '../../controllers/endpointslice.ts'
import { garbageCollector } from '../../controllers/garbage-collector.ts'
import { builtinKinds, ConfigMaps, Pods, Services } from '../../src/kinds/index.ts'
import { controlPlane, podStarter } from '../support/control-plane.ts'
import { networkNotes } from '../support/example-controller.ts'
import { pod, service } from '../support/objects.ts'

const web = {
  ...service('web', 'web'),
  metadata: { name: 'web', namespace: 'default', labels: { sandbox: 'yes' } },
}

test('a note follows the pods that answer', async () => {
  await using plane = await controlPlane([networkNotes(), endpointSliceController(), podStarter()])
  await plane.create(Services, web)
  await plane.create(Pods, pod('web-1', {}, { app: 'web' }))
  await plane.seconds(5)
  expect(plane.get(ConfigMaps, 'web-note').data).toEqual({ pods: 'web-1' })
  expect(plane.events('web')).toContain('NoteMade: Created note: web-note')
  await plane.client.of(Pods).delete({ namespace: 'default', name: 'web-1' })
  await plane.seconds(5)
  expect(plane.get(ConfigMaps, 'web-note').data).toEqual({ pods: '' })
})

test('a note that somebody deletes comes back, and goes with its Service', async () => {
  await using plane = await controlPlane([networkNotes(), garbageCollector(builtinKinds)])
  await plane.create(Services, web)
  await plane.settle()
  await plane.client.of(ConfigMaps).delete({ namespace: 'default', name: 'web-note' })
  await plane.settle()
  expect(plane.find(ConfigMaps, 'web-note')).toBeDefined()
  await plane.client.of(Services).delete({ namespace: 'default', name: 'web' })
  await plane.settle()
  expect(plane.find(ConfigMaps, 'web-note')).toBeUndefined()
})

test('the page that explains controllers shows this very example', () => {
  const page = readFileSync('docs/controllers.md', 'utf8')
  const example = readFileSync('test/support/example-controller.ts', 'utf8')
  const shown = example.replaceAll("'../../src/", "'../src/").replaceAll("'../../generated/", "'../generated/")
  expect(page).toContain(shown)
})

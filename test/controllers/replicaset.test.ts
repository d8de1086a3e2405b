import { expect, test } from 'vitest'
import { replicaSetController } from '../../controllers/replicaset.ts'
import { Pods, ReplicaSets } from '../../src/kinds/index.ts'
import { controlPlane, podStarter } from '../support/control-plane.ts'
import { replicaSet } from '../support/objects.ts'

test('a ReplicaSet makes the pods it is told to have, and says how many there are', async () => {
  await using plane = await controlPlane([replicaSetController(), podStarter()])
  await plane.create(ReplicaSets, replicaSet('web', 3))
  await plane.seconds(5)
  const pods = plane.list(Pods)
  expect(pods).toHaveLength(3)
  for (const { metadata } of pods) expect(metadata.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  expect(plane.get(ReplicaSets, 'web').status).toEqual({
    replicas: 3,
    fullyLabeledReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
    terminatingReplicas: 0,
    observedGeneration: 1,
  })
  expect(plane.events('web').sort()).toEqual(
    pods.map(({ metadata }) => `SuccessfulCreate: Created pod: ${metadata.name}`).sort(),
  )
})

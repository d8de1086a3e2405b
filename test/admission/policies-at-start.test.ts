// What CEL needs is loaded late; a policy that was there before the start counts from the start.

import { expect, test } from 'vitest'
import { MemoryJournal } from '../../apiserver/storage/journal.ts'
import {
  ConfigMaps,
  ServiceAccounts,
  ValidatingAdmissionPolicies,
  ValidatingAdmissionPolicyBindings,
} from '../../src/kinds/index.ts'
import { controlPlane } from '../support/control-plane.ts'

const rules = {
  matchConstraints: {
    resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
  },
  validations: [{ expression: 'object.metadata.name.startsWith("a")' }],
}

const map = (name: string) =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } }) as const

test('a policy refuses after a start as it did before', async () => {
  const journal = new MemoryJournal()
  {
    await using plane = await controlPlane([], { journal })
    const meta = { apiVersion: 'admissionregistration.k8s.io/v1', metadata: { name: 'named' } } as const
    await plane.create(ValidatingAdmissionPolicies, { ...meta, kind: 'ValidatingAdmissionPolicy', spec: rules })
    const spec = { policyName: 'named', validationActions: ['Deny'] }
    await plane.create(ValidatingAdmissionPolicyBindings, { ...meta, kind: 'ValidatingAdmissionPolicyBinding', spec })
    await expect(plane.create(ConfigMaps, map('b'))).rejects.toThrow('failed expression')
    // The next control plane makes its own.
    await plane.client.of(ServiceAccounts).delete({ name: 'default', namespace: 'default' })
  }
  await using again = await controlPlane([], { journal })
  await expect(again.create(ConfigMaps, map('b'))).rejects.toThrow('failed expression')
  await again.create(ConfigMaps, map('a'))
})

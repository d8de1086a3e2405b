// ValidatingAdmissionPolicies whose expressions do not fit the types that they are for say so in their status. Once for each
// generation, also when a kind comes or changes later. Upstream: pkg/controller/validatingadmissionpolicystatus/controller.go.

import type { CustomResourceDefinition, ExpressionWarning, ValidatingAdmissionPolicy } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import { CustomResourceDefinitions } from '../src/kinds/customresourcedefinition.ts'
import { ValidatingAdmissionPolicies } from '../src/kinds/validatingadmissionpolicy.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'

/** Knows the types of built-in kinds, and is told the definitions of others. */
export interface PolicyTypeChecker {
  check(
    policy: Frozen<ValidatingAdmissionPolicy>,
    definitions: readonly Frozen<CustomResourceDefinition>[],
  ): Promise<readonly ExpressionWarning[]>
}

const name = 'validatingadmissionpolicy-status-controller'

export function admissionPolicyStatusController(checker: PolicyTypeChecker): ControllerSpec<ValidatingAdmissionPolicy> {
  return defineController<ValidatingAdmissionPolicy>({
    name,
    for: ValidatingAdmissionPolicies,
    reads: [CustomResourceDefinitions],
    async reconcile(policy, { client, lister }) {
      const { metadata, status } = policy
      const observedGeneration = metadata.generation ?? 0
      if (observedGeneration <= (status?.observedGeneration ?? 0)) return
      const expressionWarnings = await checker.check(policy, lister(CustomResourceDefinitions).list())
      const body = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicy',
        metadata: { name: metadata.name },
        status: { observedGeneration, typeChecking: expressionWarnings.length > 0 ? { expressionWarnings } : {} },
      }
      try {
        const options = { fieldManager: name, force: true }
        await client
          .of(ValidatingAdmissionPolicies)
          .patch({ name: metadata.name }, { type: 'apply', body }, 'status', options)
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  })
}

// The types of ValidatingAdmissionPolicies' expressions, for the controller that tells of them: handed to it by the roof, since
// CEL is the API server's. Loaded for the first policy: most clusters have none.

import type { Cel } from '../apiserver/cel/cel.ts'
import type { PolicyTypeChecker } from '../controllers/admission-policy-status.ts'
import { builtinKinds } from './kinds/index.ts'

type TypeWarnings = typeof import('../apiserver/policy-type-checking.ts').typeWarnings

export function createPolicyTypeChecker(): PolicyTypeChecker {
  let loading: Promise<{ readonly cel: Cel; readonly typeWarnings: TypeWarnings }> | undefined
  return {
    async check(policy, definitions) {
      loading ??= Promise.all([
        import('../apiserver/cel/compiler.ts'),
        import('../apiserver/policy-type-checking.ts'),
      ]).then(([{ createCel }, { typeWarnings }]) => ({ cel: createCel(), typeWarnings }))
      const { cel, typeWarnings } = await loading
      return typeWarnings(cel, builtinKinds, policy, definitions)
    },
  }
}

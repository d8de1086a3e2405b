// The built-in admission plugins, one line each, in upstream's order (pkg/kubeapiserver/options/plugins.go). Addresses come
// last, as upstream gives them in the store.

import type { Env } from '../../src/env/env.ts'
import type { Admission } from './admission.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { podPriority, podServiceAccount, podTolerations } from './pod-defaults.ts'
import { serviceAddresses } from './service-addresses.ts'

export function builtinAdmission(env: Env): readonly Admission[] {
  return [
    namespaceLifecycle,
    podServiceAccount(env.random.fork('service-account-volumes')),
    podTolerations,
    podPriority,
    defaultIngressClass,
    serviceAddresses(env.random.fork('service-addresses')),
  ]
}

// The functions that expressions may call beyond CEL's own, a file each library, as k8s.io/apiserver/pkg/cel/library has them
// and those of cel-go's extensions that upstream's base environment has: strings (version 2), sets, lists, comprehensions of two
// variables (k8s.io/apiserver/pkg/cel/environment/base.go).

import type { Environment } from '@marcbachmann/cel-js'
import { registerAuthorizer } from './authorizer.ts'
import { registerComprehensions } from './comprehensions.ts'
import { registerFormats } from './formats.ts'
import { registerLists } from './lists.ts'
import { registerNetwork } from './network.ts'
import { registerObjects } from './objects.ts'
import { registerOptionals } from './optionals.ts'
import { registerQuantities } from './quantity.ts'
import { registerRegex } from './regex.ts'
import { registerSemver } from './semver.ts'
import { registerSets } from './sets.ts'
import { registerStrings } from './strings.ts'
import { registerUrls } from './urls.ts'

export function registerLibraries(environment: Environment): void {
  registerRegex(environment)
  registerStrings(environment)
  registerLists(environment)
  registerComprehensions(environment)
  registerSets(environment)
  registerOptionals(environment)
  registerUrls(environment)
  registerNetwork(environment)
  registerQuantities(environment)
  registerSemver(environment)
  registerFormats(environment)
  registerAuthorizer(environment)
  registerObjects(environment)
}

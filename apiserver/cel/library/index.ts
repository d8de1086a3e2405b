// The functions that expressions may call beyond CEL's own, a file each library, as k8s.io/apiserver/pkg/cel/library has them
// and cel-go's extensions for strings, sets, lists and mathematics.

import type { Environment } from '@marcbachmann/cel-js'
import { registerAuthorizer } from './authorizer.ts'
import { registerFormats } from './formats.ts'
import { registerLists } from './lists.ts'
import { registerMath } from './math.ts'
import { registerNetwork } from './network.ts'
import { registerObjects } from './objects.ts'
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
  registerSets(environment)
  registerMath(environment)
  registerUrls(environment)
  registerNetwork(environment)
  registerQuantities(environment)
  registerSemver(environment)
  registerFormats(environment)
  registerAuthorizer(environment)
  registerObjects(environment)
}

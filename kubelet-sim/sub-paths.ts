// subPathExpr: the folder of a volume that a container's environment names, and why it cannot be mounted. Called with the
// other faults of a container's making (references.ts); the words are those of pkg/kubelet/kubelet_pods.go makeMounts.

import type { Container } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { substitute } from './images.ts'

export function hasSubPathExpressions({ volumeMounts }: Frozen<Pick<Container, 'volumeMounts'>>): boolean {
  return volumeMounts?.some(({ subPathExpr }) => subPathExpr) ?? false
}

/** The first fault there is. */
export function subPathFault(
  { volumeMounts }: Frozen<Pick<Container, 'volumeMounts'>>,
  environment: ReadonlyMap<string, string>,
): string | undefined {
  for (const { subPathExpr } of volumeMounts ?? []) {
    const fault = subPathExpr ? faultOf(subPathExpr, environment) : undefined
    if (fault !== undefined) return fault
  }
  return undefined
}

function faultOf(expression: string, environment: ReadonlyMap<string, string>): string | undefined {
  const missing = namesIn(expression).filter(name => !environment.get(name))
  if (missing.length > 0) return `missing value for ${[...new Set(missing)].sort().join(', ')}`
  const path = substitute(expression, Object.fromEntries(environment))
  if (path.startsWith('/')) return `error SubPath \`${path}\` must not be an absolute path`
  if (path.split('/').includes('..')) return `unable to provision SubPath \`${path}\`: must not contain '..'`
  return undefined
}

/** `$$(NAME)` is no name but the text `$(NAME)`. */
function namesIn(expression: string): string[] {
  return [...expression.matchAll(/\$\$|\$\(([^)]*)\)/g)].flatMap(([, name]) => name ?? [])
}

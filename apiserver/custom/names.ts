// The names of a definition: taken one by one as far as no other definition of the group has them. Pure; called by
// crd-status.ts. Rules and words: apiextensions-apiserver pkg/controller/status/naming_controller.go.

import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../../generated/types.ts'
import { draft } from '../../src/api/freeze.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'

type Names = CustomResourceDefinitionNames

export interface Naming {
  readonly accepted: Names
  /** Why a name was not taken; the last of them, as upstream tells it. */
  readonly conflict: { readonly reason: string; readonly message: string } | undefined
}

/** `group`: the definitions of the same group, itself among them. */
export function nameDefinition(
  { spec, status }: Frozen<CustomResourceDefinition>,
  group: readonly Frozen<CustomResourceDefinition>[],
): Naming {
  const resources = new Set<string | undefined>()
  const kinds = new Set<string | undefined>()
  for (const other of group) {
    const names = other.status.acceptedNames
    for (const name of [names?.plural, names?.singular, ...(names?.shortNames ?? [])]) resources.add(name || undefined)
    for (const name of [names?.kind, names?.listKind]) kinds.add(name || undefined)
  }
  const wanted = spec.names
  const before: Frozen<Names> = status.acceptedNames ?? { kind: '', plural: '' }
  const accepted = draft(before) as Names
  let conflict: Naming['conflict']
  const refuse = (reason: string, message: string): void => {
    conflict = { reason, message }
  }
  const take = (part: 'plural' | 'singular' | 'kind' | 'listKind', used: ReadonlySet<string | undefined>): void => {
    const name = wanted[part]
    if (name !== undefined && name !== (before[part] ?? '') && used.has(name)) {
      refuse(`${part[0]!.toUpperCase()}${part.slice(1)}Conflict`, inUse(name))
    } else if (name !== undefined) accepted[part] = name
  }
  take('plural', resources)
  take('singular', resources)
  if (!jsonEqual(wanted.shortNames, before.shortNames)) {
    const own = before.shortNames ?? []
    const taken = (wanted.shortNames ?? []).filter(name => !own.includes(name) && resources.has(name))
    const lines = [...new Set(taken.map(inUse))]
    if (lines.length > 0) refuse('ShortNamesConflict', lines.length === 1 ? lines[0]! : `[${lines.join(', ')}]`)
    else if (wanted.shortNames) accepted.shortNames = [...wanted.shortNames]
    else delete accepted.shortNames
  }
  take('kind', kinds)
  take('listKind', kinds)
  if (wanted.categories) accepted.categories = [...wanted.categories]
  else delete accepted.categories
  return { accepted, conflict }
}

const inUse = (name: string): string => `${JSON.stringify(name)} is already in use`

// Objects as a user names them: `pod/web-1`, `deploy/web`, `pods web-1`, and how one is shown. Used by the commands that tell of the past.

import type { ObjectAt } from '../api/cause.ts'
import { builtinKinds } from '../kinds/index.ts'
import type { ObjectName } from '../timeline.ts'
import { UserError } from './output.ts'

/** The resource that is meant, `deployments.apps`; a word that no built-in kind has is taken for a custom resource's. */
export function resourceOf(word: string): string {
  const wanted = word.toLowerCase()
  const [plain, ...group] = wanted.split('.')
  const found = builtinKinds.find(
    kind =>
      (kind.plural === plain || kind.kind.toLowerCase() === plain || kind.shortNames?.includes(plain!)) &&
      (group.length === 0 || kind.group === group.join('.')),
  )
  return found?.resource ?? wanted
}

/** `pod/web-1`, or two words. Throws UserError. */
export function objectOf(words: readonly string[]): { resource: string; name?: string } {
  const [first = '', second] = words
  const [type, name = second, ...rest] = first.split('/')
  if (type === '' || name === '' || rest.length > 0 || words.length > 2) {
    throw new UserError(`"${words.join(' ')}" is no object: pod/NAME, or pod NAME`)
  }
  return { resource: resourceOf(type!), ...(name === undefined ? {} : { name }) }
}

/** `deployment.apps/web` */
export function shownName({ kind, resource, name }: Pick<ObjectName, 'kind' | 'resource' | 'name'>): string {
  const dot = resource.indexOf('.')
  return `${kind.toLowerCase()}${dot < 0 ? '' : resource.slice(dot)}/${name}`
}

/** `replicaset.apps/web-5d (revision 12)` */
export function shownAt({ resource, name, revision }: ObjectAt, alone?: boolean): string {
  const found = builtinKinds.find(kind => kind.resource === resource)
  const shown = shownName({ kind: found?.kind ?? resource.split('.')[0]!, resource, name })
  return alone || revision === undefined ? shown : `${shown} (revision ${revision})`
}

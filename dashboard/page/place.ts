// Where one is in the page: the view, the namespace, the moment and the object that is open. It stands in the address behind the
// #, so that "back" goes back and a link leads there. Every view reads it with `usePlace` and changes it with `go`.

import { createValue, useValue } from './value.ts'

export interface Place {
  readonly view: string
  /** Empty: all of them. */
  readonly namespace: string
  /** The revision the cluster is shown as of; undefined: the present. */
  readonly at: number | undefined
  /** The open object, as `reference` writes it. */
  readonly object: string | undefined
  /** The open tab of its panel. */
  readonly tab: string | undefined
  /** What a view keeps of its own; ends with the view. */
  readonly own: Readonly<Record<string, string>>
}

const shared = ['namespace', 'at', 'object', 'tab']
const first = 'cluster'

const place = createValue<Place>(read(location.hash))
addEventListener('hashchange', () => place.set(read(location.hash)))

export function usePlace(): Place {
  return useValue(place)
}

export const currentPlace = (): Place => place.get()

/** Moves; a key that is given as undefined or '' goes. Another view leaves the old one's own words behind. */
export function go(change: Partial<Place>, how: 'push' | 'replace' = 'push'): void {
  const before = place.get()
  const own = change.own ?? (change.view !== undefined && change.view !== before.view ? {} : before.own)
  const next: Place = { ...before, ...change, own }
  const address = addressOf(next)
  if (address === addressOf(before)) return
  if (how === 'push') history.pushState(null, '', address)
  else history.replaceState(null, '', address)
  place.set(next)
}

export function addressOf({ view, namespace, at, object, tab, own }: Place): string {
  const words = new URLSearchParams(own)
  if (namespace) words.set('namespace', namespace)
  if (at !== undefined) words.set('at', String(at))
  if (object) words.set('object', object)
  if (object && tab) words.set('tab', tab)
  return `#/${view}${words.size > 0 ? `?${words}` : ''}`
}

function read(hash: string): Place {
  const [, view = '', query = ''] = /^#\/([^?]*)\??(.*)$/.exec(hash) ?? []
  const words = new URLSearchParams(query)
  const at = Number(words.get('at') ?? Number.NaN)
  return {
    view: view || first,
    namespace: words.get('namespace') ?? '',
    at: Number.isInteger(at) && at > 0 ? at : undefined,
    object: words.get('object') ?? undefined,
    tab: words.get('tab') ?? undefined,
    own: Object.fromEntries([...words].filter(([name]) => !shared.includes(name))),
  }
}

// Which kubectl command would have done it: what the page has done or shown last, for the footer. Whoever acts says `did(…)`.

import { createValue } from './value.ts'

export interface Deed {
  /** As one would type it. */
  readonly command: string
  /** What became of it, when it is more than shown. */
  readonly outcome?: string
  readonly failed?: boolean
}

const most = 30

/** The last one last. */
export const deeds = createValue<readonly Deed[]>([])

export function did(command: string, outcome?: string, failed = false): void {
  const before = deeds.get()
  const deed = { command, ...(outcome === undefined ? {} : { outcome }), ...(failed ? { failed } : {}) }
  const isSame = outcome === undefined && before.at(-1)?.command === command
  deeds.set([...(isSame ? before.slice(0, -1) : before), deed].slice(-most))
}

/** `-n kube-system`, or nothing for the default namespace and for what has none. */
export const namespaceFlag = (namespace: string | undefined): string =>
  namespace === undefined || namespace === '' || namespace === 'default' ? '' : ` -n ${namespace}`

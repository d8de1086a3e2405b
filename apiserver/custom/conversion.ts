// Between the versions of a custom kind: by its name alone (strategy None), or by somebody outside (conversion-webhook.ts).
// Called by custom-kind.ts for whatever is stored in another version than is asked for.

import type { Frozen, KubeObject } from '../../src/api/meta.ts'

export interface Conversion {
  /** Somebody else is asked, which takes a while: `convert` then throws NotConverted until he has answered. */
  readonly isOutside: boolean
  convert(object: Frozen<KubeObject>, to: string): Frozen<KubeObject>
}

export const renaming: Conversion = {
  isOutside: false,
  convert: (object, to) => ({ ...object, apiVersion: to }),
}

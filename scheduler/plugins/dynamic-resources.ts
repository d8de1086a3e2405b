// DynamicResources: as long as it does not allocate claims, it only says, when a pod fits nowhere, that there are none to
// give back (plugins/dynamicresources/dynamicresources.go).

import type { Judge, Plugin } from '../plugin.ts'

const nothingToSay: Judge = Object.freeze({})

export const dynamicResources: Plugin = {
  name: 'DynamicResources',
  prepare: () => nothingToSay,
  postFilter: () => ({ reason: 'no new claims to deallocate' }),
}

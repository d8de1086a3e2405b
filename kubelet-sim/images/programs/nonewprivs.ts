// nnp: says with whose rights it runs, which are its file's owner's unless the container's no_new_privs forbids it
// (test/images/nonewprivs/nnp.go).

import type { Program } from '../../machine/process.ts'

export const nonewprivs: Program = function* (process) {
  yield* process.print(`Effective uid: ${process.user.uid}\n`)
  return 0
}

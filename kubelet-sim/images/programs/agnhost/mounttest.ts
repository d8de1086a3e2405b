// agnhost mounttest: what upstream's storage tests ask of files, in its words (test/images/agnhost/mounttest/mt.go and
// mt_utils.go).

import type { Process } from '../../../machine/process.ts'
import { SystemError } from '../../../machine/system-error.ts'
import type { Step } from '../../../machine/wait.ts'
import { flagsOf, goWords, modeText, quote } from '../go.ts'

const initial = 'mount-tester new file\n'

export function* mounttest(process: Process, words: readonly string[]): Step<number> {
  const { text } = yield* flagsOf(process, words, {
    fs_type: '',
    file_mode: '',
    file_perm: '',
    file_owner: '',
    new_file_0644: '',
    new_file_0666: '',
    new_file_0660: '',
    new_file_0777: '',
    file_content: '',
    file_content_in_loop: '',
    retry_time: '180',
    break_on_expected_content: 'true',
  })
  const { files } = process
  process.umask = 0
  let failed = false
  /** Of what a path names, if one is given: what is printed, or what went wrong. */
  const look = function* (path: string, fault: (why: string) => string, told: () => string): Step<void> {
    if (path === '') return
    try {
      yield* process.print(told())
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      failed = true
      yield* process.print(fault(goWords(error)))
    }
  }
  const content = (path: string) =>
    look(
      path,
      why => `error reading file content for ${quote(path)}: open ${path}: ${why}\n`,
      () => `content of file ${quote(path)}: ${files.readText(path)}\n`,
    )
  // The order is upstream's: a test may ask for a file that an earlier flag makes.
  const type = text.fs_type!
  yield* look(
    type,
    why => `error from statfs(${quote(type)}): ${why}\n`,
    () => `mount type of ${quote(type)}: ${fileSystemOf(process, type)}\n`,
  )
  for (const mode of ['0644', '0666', '0660', '0777']) {
    const path = text[`new_file_${mode}`]!
    if (path === '') continue
    let written = true
    try {
      files.write(path, initial, Number.parseInt(mode, 8))
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      written = false
      failed = true
      yield* process.print(`error writing new file ${quote(path)}: open ${path}: ${goWords(error)}\n`)
    }
    if (written) yield* content(path)
  }
  const moded = text.file_mode!
  yield* look(
    moded,
    why => `error from Stat(${quote(moded)}): stat ${moded}: ${why}\n`,
    () => `mode of file ${quote(moded)}: ${modeText(files.stat(moded).mode, files.stat(moded).kind)}\n`,
  )
  const permitted = text.file_perm!
  yield* look(
    permitted,
    why => `error from Stat(${quote(permitted)}): stat ${permitted}: ${why}\n`,
    () => `perms of file ${quote(permitted)}: ${modeText(files.stat(permitted).mode & 0o777, 'file')}\n`,
  )
  const owned = text.file_owner!
  yield* look(
    owned,
    why => `error from stat(${quote(owned)}): ${why}\n`,
    () => {
      const { uid, gid } = files.stat(owned)
      return `owner UID of ${quote(owned)}: ${uid}\nowner GID of ${quote(owned)}: ${gid}\n`
    },
  )
  yield* content(text.file_content!)
  const looped = text.file_content_in_loop!
  if (looped !== '' && !(yield* inLoop(process, looped, text))) failed = true
  return failed ? 1 : 0
}

/** Every two seconds, as long as it is told to, or until what is expected is there. */
function* inLoop(process: Process, path: string, text: Readonly<Record<string, string>>): Step<boolean> {
  const end = process.clock.now() + Number(text.retry_time) * 1000
  const breaks = text.break_on_expected_content === 'true'
  let isThere = true
  for (; process.clock.now() < end; yield* process.sleep(2000)) {
    let found: string
    try {
      found = process.files.readText(path)
      isThere = true
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      isThere = false
      yield* process.print(`Error reading file ${path}: open ${path}: ${goWords(error)}, retrying\n`)
      continue
    }
    yield* process.print(`content of file ${quote(path)}: ${found}\n`)
    if (!breaks) continue
    if (found === initial) break
    yield* process.print(`Unexpected content. Expected: ${initial}. Retrying`)
  }
  return isThere
}

/** Numbers of statfs(2); tmpfs by its name, as newer agnhosts print it. */
const magic: Readonly<Record<string, number>> = { ext4: 0xef53, overlay: 0x794c7630, proc: 0x9fa0, sysfs: 0x62656572 }

function fileSystemOf({ files }: Process, path: string): string {
  const whole = files.realpath(path)
  let best = { path: '', type: 'overlay' }
  for (const mount of files.mounts()) {
    const isIn = whole === mount.path || whole.startsWith(mount.path === '/' ? '/' : `${mount.path}/`)
    if (isIn && mount.path.length >= best.path.length) best = mount
  }
  return best.type === 'tmpfs' ? 'tmpfs' : String(magic[best.type] ?? magic.ext4)
}

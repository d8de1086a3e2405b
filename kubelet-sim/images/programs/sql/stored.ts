// What a database keeps in its data directory: one file of JSON, written with each statement that changes something. The name says
// whose it is: it is not the real server's form.

import type { Process } from '../../../machine/process.ts'
import { SystemError } from '../../../machine/system-error.ts'
import { SqlFault } from './statement.ts'
import { type Content, SqlStore } from './tables.ts'

export const fileName = 'kubesim-tables.json'

/** undefined: nothing was initialised there yet. */
export function storedContent({ files }: Process, folder: string): Content | undefined {
  const path = `${folder}/${fileName}`
  return files.exists(path) ? (JSON.parse(files.readText(path)) as Content) : undefined
}

export function storeContent({ files }: Process, folder: string, content: Content): void {
  const path = `${folder}/${fileName}`
  try {
    if (!files.exists(folder)) files.makeDirectory(folder, { recursive: true, mode: 0o700 })
    files.write(`${path}.next`, JSON.stringify(content), 0o600)
    files.rename(`${path}.next`, path)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw new SqlFault({ kind: 'disk', why: error.message })
  }
}

export const emptyStore = (databases: readonly string[]): SqlStore =>
  new SqlStore({ databases: Object.fromEntries(databases.map(name => [name, {}])), accounts: {} })

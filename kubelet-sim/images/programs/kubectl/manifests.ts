// The objects of -f: files, folders, and standard input, in YAML or JSON.

import { loadAll } from 'js-yaml'
import type { Process } from '../../../machine/process.ts'
import { SystemError } from '../../../machine/system-error.ts'
import { openInput, readAll } from '../../../machine/tools/text-streams.ts'
import { pathOf } from '../../../machine/tools/tool.ts'
import type { Step } from '../../../machine/wait.ts'
import { Failure } from './failure.ts'

export function* objectsIn(process: Process, names: readonly string[], isDeep: boolean): Step<readonly any[]> {
  const objects: any[] = []
  for (const name of names) {
    if (/^https?:\/\//.test(name))
      throw new Failure(`error: unable to read URL "${name}": it is outside of the simulation`)
    for (const file of filesOf(process, name, isDeep)) objects.push(...parsed(file, yield* contentOf(process, file)))
  }
  if (objects.length === 0) throw new Failure('error: no objects passed to apply')
  return objects
}

function filesOf(process: Process, name: string, isDeep: boolean): readonly string[] {
  if (name === '-') return [name]
  const path = pathOf(process, name)
  try {
    if (process.files.stat(path).kind !== 'directory') return [name]
  } catch (error) {
    if (error instanceof SystemError) throw new Failure(`error: the path "${name}" does not exist`)
    throw error
  }
  return process.files
    .list(path)
    .slice()
    .sort()
    .flatMap(each => {
      const inner = `${name.replace(/\/$/, '')}/${each}`
      // Through links as a ConfigMap's volume has them, but not into its hidden folder.
      if (each.startsWith('..')) return []
      if (process.files.stat(pathOf(process, inner)).kind === 'directory')
        return isDeep ? filesOf(process, inner, true) : []
      return /\.(json|ya?ml)$/.test(each) ? [inner] : []
    })
}

function* contentOf(process: Process, file: string): Step<string> {
  const stream = openInput(process, file)
  const text = Buffer.from(yield* readAll(process, stream)).toString()
  stream.close()
  return text
}

function parsed(file: string, text: string): readonly any[] {
  let documents: any[]
  try {
    documents = loadAll(text).filter(document => document !== null && document !== undefined)
  } catch (error) {
    throw new Failure(`error: error parsing ${file}: ${(error as Error).message.split('\n')[0]}`)
  }
  return documents.flatMap(document => {
    for (const field of ['apiVersion', 'kind']) {
      if (typeof document !== 'object' || !document[field]) {
        throw new Failure(`error: error validating "${file}": error validating data: ${field} not set`)
      }
    }
    return document.kind === 'List' ? document.items : [document]
  })
}

// What a test applies: objects, YAML of one or many documents, files and folders of those. Called by cluster.ts.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadAll } from 'js-yaml'
import type { NewObject } from '../api/meta.ts'

/** An object; YAML or JSON (whatever has more than one line, or braces); else the path of a file or a folder of files. */
export type Applied = NewObject<any> | string | URL

export function objectsOf(applied: Applied): NewObject<any>[] {
  if (applied instanceof URL) return fromPath(fileURLToPath(applied))
  if (typeof applied !== 'string') return [applied]
  return /[\n{]/.test(applied) ? fromText(applied, 'the YAML') : fromPath(applied)
}

function fromPath(path: string): NewObject<any>[] {
  if (!statSync(path).isDirectory()) return fromText(readFileSync(path, 'utf8'), path)
  // As kubectl has it: in order of name, and not what is below.
  return readdirSync(path)
    .filter(name => /\.(ya?ml|json)$/.test(name))
    .sort()
    .flatMap(name => fromPath(join(path, name)))
}

function fromText(text: string, where: string): NewObject<any>[] {
  return loadAll(text)
    .filter(document => document !== null && document !== undefined)
    .flatMap(document => {
      const { apiVersion, kind, items } = document as { apiVersion?: string; kind?: string; items?: unknown }
      if (!apiVersion || !kind) throw new Error(`${where} has a document without apiVersion or kind`)
      return kind === 'List' && Array.isArray(items) ? items : [document]
    }) as NewObject<any>[]
}

// kubectl's annotation of what was last applied from the client's side: what it names, the manager `kubectl` may take over
// without a conflict, and once there it is kept true. Called by registry/apply.ts. Rules: apimachinery
// pkg/util/managedfields/internal/lastappliedmanager.go and lastappliedupdater.go. Pure.

import { faultsIn } from './check.ts'
import { compare } from './compare.ts'
import type { FieldSet } from './field-set.ts'
import { fieldsOf } from './owned.ts'
import type { Versions } from './tracking.ts'
import { isMembers, type Members } from './typed.ts'

const annotation = 'kubectl.kubernetes.io/last-applied-configuration'

/** What of the live object is still as the annotation has it; undefined when there is none that can be read. */
export function allowedByLastApplied({ apiVersion, type }: Versions, live: Members): FieldSet | undefined {
  const text = annotationsOf(live)?.[annotation]
  if (typeof text !== 'string' || text === '') return undefined
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isMembers(config) || config.apiVersion !== apiVersion || faultsIn(type, config) !== undefined) return undefined
  const { added, modified, removed } = compare(type, config, live)
  return fieldsOf(type, config).difference(modified).difference(added).difference(removed)
}

/** The object with its annotation brought up to date, if it has one. */
export function withLastApplied(object: Members, config: Members): Members {
  const annotations = annotationsOf(object)
  if (annotations === undefined || !annotations[annotation]) return object
  const next: Record<string, unknown> = { ...annotations, [annotation]: lastApplied(config) }
  if (sizeOf(next) > mostBytes) delete next[annotation]
  return { ...object, metadata: { ...(object.metadata as Members), annotations: next } }
}

/** What annotations may come to together (apimachinery/pkg/api/validation/objectmeta.go). */
const mostBytes = 256 * 1024

function sizeOf(annotations: Members): number {
  let size = 0
  for (const [name, value] of Object.entries(annotations))
    size += Buffer.byteLength(name) + Buffer.byteLength(String(value))
  return size
}

function annotationsOf({ metadata }: Members): Members | undefined {
  const annotations = isMembers(metadata) ? metadata.annotations : undefined
  return isMembers(annotations) ? annotations : undefined
}

/** As Go writes it: names in order, without the annotation itself, and a line's end. */
function lastApplied(config: Members): string {
  const annotations = annotationsOf(config)
  if (annotations === undefined) return `${goText(config)}\n`
  const { [annotation]: _, ...others } = annotations
  const { annotations: __, ...metadata } = config.metadata as Members
  const kept = Object.keys(others).length > 0 ? { ...metadata, annotations: others } : metadata
  return `${goText({ ...config, metadata: kept })}\n`
}

function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(',')}]`
  if (isMembers(value)) {
    const names = Object.keys(value).sort()
    return `{${names.map(name => `${goText(name)}:${goText(value[name])}`).join(',')}}`
  }
  const text = JSON.stringify(value) ?? 'null'
  return text.replace(/[<>&\u2028\u2029]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

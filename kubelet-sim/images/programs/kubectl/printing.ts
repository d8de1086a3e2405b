// How kubectl prints objects: the server's tables, YAML, JSON, names, JSONPath. Upstream: k8s.io/cli-runtime/pkg/printers.

import { dump } from 'js-yaml'
import { Failure } from './failure.ts'
import type { Words } from './flags.ts'
import { jsonPathText } from './json-path.ts'
import { type Resource, shown } from './resources.ts'

export interface Table {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority?: number }[]
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object?: any }[]
}

/** undefined: as a table. */
export type Format = ((object: any) => string) | undefined

export function formatOf(words: Words): Format {
  const output = words.value('output') ?? ''
  const keepsManagers = words.has('show-managed-fields')
  const cleaned = (object: any) => (keepsManagers ? object : withoutManagers(object))
  if (output === '' || output === 'wide') return undefined
  if (output === 'json') return object => `${JSON.stringify(sorted(cleaned(object)), undefined, 4)}\n`
  if (output === 'yaml') return object => yaml(cleaned(object))
  if (output === 'name') return undefined
  const jsonPath = /^jsonpath=(.*)$/s.exec(output)
  if (jsonPath) return object => jsonPathText(jsonPath[1]!, object)
  const columns = /^custom-columns=(.*)$/s.exec(output)
  if (columns) return object => customColumns(columns[1]!, object, words.has('no-headers'))
  if (/^(go-template|jsonpath-|custom-columns-|kyaml)/.test(output)) {
    throw new Failure(`error: kubesim's kubectl in a container has no output format ${output.replace(/=.*$/s, '')} yet`)
  }
  throw new Failure(
    `error: unable to match a printer suitable for the output format "${output}", allowed formats are: custom-columns,json,jsonpath,name,wide,yaml`,
  )
}

export interface TableOptions {
  readonly isWide: boolean
  readonly withHeaders: boolean
  readonly withNamespace: boolean
  readonly withLabels: boolean
  /** Given when several types are shown together. */
  readonly prefix?: Resource | undefined
}

export function tableText({ columnDefinitions, rows }: Table, options: TableOptions): string {
  const columns = columnDefinitions.flatMap(({ name, priority = 0 }, at) =>
    priority === 0 || options.isWide ? [{ name, at }] : [],
  )
  const head = [
    ...(options.withNamespace ? ['NAMESPACE'] : []),
    ...columns.map(({ name }) => name.toUpperCase()),
    ...(options.withLabels ? ['LABELS'] : []),
  ]
  const body = rows.map(({ cells, object }) => [
    ...(options.withNamespace ? [String(object?.metadata?.namespace ?? '')] : []),
    ...columns.map(({ at }, index) => {
      const text = cells[at] === undefined || cells[at] === null ? '<none>' : String(cells[at])
      return index === 0 && options.prefix ? shown(options.prefix, text) : text
    }),
    ...(options.withLabels ? [labelsText(object?.metadata?.labels)] : []),
  ])
  return aligned(options.withHeaders ? [head, ...body] : body)
}

/** As text/tabwriter with a padding of three. */
export function aligned(lines: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const line of lines) for (const [at, text] of line.entries()) widths[at] = Math.max(widths[at] ?? 0, text.length)
  return lines
    .map(line => `${line.map((text, at) => (at === line.length - 1 ? text : text.padEnd(widths[at]! + 3))).join('')}\n`)
    .join('')
}

export const yaml = (object: unknown): string =>
  dump(object, { sortKeys: true, noRefs: true, lineWidth: -1, seqNoIndent: true, quoteStyle: 'double' })

export function listOf(items: readonly unknown[]): object {
  return { apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } }
}

function customColumns(spec: string, object: any, isBare: boolean): string {
  const columns = spec.split(',').map(part => {
    const colon = part.indexOf(':')
    if (colon < 0)
      throw new Failure(`error: unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`)
    return { name: part.slice(0, colon), path: part.slice(colon + 1) }
  })
  const items: readonly unknown[] = object.items ?? [object]
  const rows = items.map(item =>
    columns.map(({ path }) => jsonPathText(`{${path.replace(/^\{|\}$/g, '')}}`, item).replaceAll(' ', ',') || '<none>'),
  )
  return aligned(isBare ? rows : [columns.map(({ name }) => name), ...rows])
}

function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const all = Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`)
  return all.length > 0 ? all.sort().join(',') : '<none>'
}

function withoutManagers(object: any): any {
  if (Array.isArray(object?.items)) return { ...object, items: object.items.map(withoutManagers) }
  if (object?.metadata?.managedFields === undefined) return object
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

function sorted(value: any): any {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, sorted(value[key])]),
  )
}

// Reads the models of @kubernetes/client-node from its files, without importing the package (that costs half a second):
// names, types and formats from the .js files, descriptions and what is optional from the .d.ts files, and which group
// serves which kind from the paths of its API classes.

import { readdirSync, readFileSync } from 'node:fs'

export interface ModelField {
  /** As it stands on the wire. */
  readonly name: string
  /** TypeScript of the package: `Array<V1Container>`, `{ [key: string]: string; }`, `Date`. */
  readonly type: string
  readonly format: string
  readonly isRequired: boolean
  readonly description: string
}

export interface Model {
  /** `V1DeploymentSpec`, `CoreV1Event`. */
  readonly name: string
  readonly description: string
  readonly fields: readonly ModelField[]
}

/** Where a model is served as a resource of its own. */
export interface ServedModel {
  readonly model: string
  readonly group: string
  readonly version: string
}

interface Attribute {
  name: string
  baseName: string
  type: string
  format: string
}

export function readModels(gen: string): Model[] {
  const index = readFileSync(`${gen}/models/all.d.ts`, 'utf8')
  const names = [...index.matchAll(/models\/(\w+)\.js'/g)].map(match => match[1]!)
  return names.map(name => readModel(gen, name))
}

/** Which models the API classes serve under which group and version; the facts that tell a model's package. */
export function readServedModels(gen: string): ServedModel[] {
  const served = new Map<string, ServedModel>()
  for (const file of readdirSync(`${gen}/apis`)
    .filter(each => each.endsWith('Api.js'))
    .sort()) {
    const [requests, responses] = readFileSync(`${gen}/apis/${file}`, 'utf8').split(
      /^export class \w+ResponseProcessor/m,
    )
    if (requests === undefined || responses === undefined) continue
    const answers = new Map(
      [...responses.matchAll(/async (\w+)WithHttpInfo\(response\) \{[\s\S]*?deserialize\([^"]*"(\w+)"/g)].map(
        match => [match[1]!, match[2]!] as const,
      ),
    )
    for (const [, method, path] of requests.matchAll(
      /async (\w+)\([^)]*\) \{[\s\S]*?const localVarPath = '([^']*)'/g,
    )) {
      const where = /^\/(?:api|apis\/([^/]+))\/(v[^/]+)\/(?:namespaces\/\{namespace\}\/)?[^/]+(?:\/\{name\})?$/.exec(
        path!,
      )
      const model = answers.get(method!)
      if (where === null || model === undefined || /^(delete|get)/.test(method!)) continue
      served.set(model, { model, group: where[1] ?? '', version: where[2]! })
    }
  }
  return [...served.values()]
}

/** `release-1.36` → `1.36`. */
export function readVersion(gen: string): string {
  const version = /OpenAPI spec version: release-(\d+\.\d+)/.exec(readFileSync(`${gen}/models/V1Pod.js`, 'utf8'))
  if (version === null) throw new Error('the models of @kubernetes/client-node no longer say which release they are of')
  return version[1]!
}

function readModel(gen: string, name: string): Model {
  const source = readFileSync(`${gen}/models/${name}.js`, 'utf8')
  const declaration = readFileSync(`${gen}/models/${name}.d.ts`, 'utf8')
  const list = /attributeTypeMap = (\[[\s\S]*?\]);\n/.exec(source)
  if (list === null) throw new Error(`no attributeTypeMap in the model ${name}`)
  const attributes = JSON.parse(list[1]!) as Attribute[]
  const own = docText(/\/\*\*\n((?: *\*(?!\/).*\n)+?) *\*\/\nexport declare class/.exec(declaration)?.[1] ?? '')
  const members = new Map(
    [...declaration.matchAll(/(?:\/\*\*\n((?: *\*(?!\/).*\n)+?) *\*\/\n)? {4}'([^']+)'(\?)?: /g)].map(
      ([, doc, member, optional]) =>
        [member!, { doc: docText(doc ?? ''), isRequired: optional === undefined }] as const,
    ),
  )
  return {
    name,
    // A model without a description has only the file's own banner above it.
    description: own.startsWith('Kubernetes\n') ? '' : own,
    fields: attributes.map(attribute => {
      const member = members.get(attribute.name)
      if (member === undefined) throw new Error(`the model ${name} declares no member ${attribute.name}`)
      return {
        name: attribute.baseName,
        type: attribute.type,
        format: attribute.format,
        isRequired: member.isRequired,
        description: member.doc,
      }
    }),
  }
}

function docText(comment: string): string {
  return comment
    .split('\n')
    .map(line => line.replace(/^ *\* ?/, ''))
    .join('\n')
    .trim()
    .replace(/\\(.)/g, '$1')
}

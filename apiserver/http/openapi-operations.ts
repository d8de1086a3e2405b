// The operations of OpenAPI: for each kind its paths, methods, parameters, bodies and answers, in a form that openapi.ts
// writes out as version 2 or 3. Pure. What kubectl looks for: the group, version and kind on every operation, and the
// fieldValidation parameter on PATCH.

import type { Kind } from '../../src/kinds/kind.ts'
import { definitionOf, type KindName } from '../../src/kinds/schemas.ts'
import { listDefinitionOf } from './openapi-custom.ts'
import { type Resource, resourcesOf } from './resource-list.ts'

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly type: 'string' | 'boolean' | 'integer'
  readonly description: string
}

export interface Operation {
  readonly method: 'get' | 'put' | 'post' | 'delete' | 'patch'
  /** `x-kubernetes-action`. */
  readonly action: 'list' | 'get' | 'post' | 'put' | 'patch' | 'delete' | 'deletecollection' | 'connect'
  readonly id: string
  readonly tag: string
  readonly description: string
  readonly body?: { readonly definition: string; readonly consumes: readonly string[]; readonly required: boolean }
  readonly parameters: readonly Parameter[]
  /** By code; undefined for an answer that is no object of the API (a log, a proxied answer). */
  readonly responses: readonly (readonly [code: number, definition: string | undefined])[]
  readonly gvk: KindName
}

export interface Path {
  readonly path: string
  readonly parameters: readonly Parameter[]
  readonly operations: readonly Operation[]
}

export const patchDefinition = 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch'

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const statusDefinition = `${meta}.Status`
const anything = ['*/*']
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

/** Custom objects have no strategic merge. */
const customPatchTypes = patchTypes.filter(type => !type.includes('strategic'))

export function pathsOf(kind: Kind<any>): Path[] {
  return resourcesOf(kind).flatMap(resource =>
    resource.subresource === undefined ? mainPaths(kind, resource) : parts(kind, resource),
  )
}

function mainPaths(kind: Kind<any>, { verbs, namespaced }: Resource): Path[] {
  const root = kind.path()
  const collection = namespaced ? namespacedPath(kind) : root
  const scope = namespaced ? [namespaceParameter] : []
  const list = (id: string) =>
    operation(kind, 'get', 'list', id, `list or watch objects of kind ${kind.kind}`, listParameters, [
      [200, listDefinition(kind)],
    ])
  const has = (verb: string, make: () => Operation) => (verbs.includes(verb) ? [make()] : [])
  const own = definitionOf(kind)
  const noun = idNoun(kind)
  const paths: Path[] = [
    {
      path: collection,
      parameters: [...scope, pretty],
      operations: [
        ...has('list', () => list(`list${noun}`)),
        ...has('create', () => ({
          ...operation(
            kind,
            'post',
            'post',
            `create${noun}`,
            `create ${kind.kind}`,
            writeParameters,
            written(own, 202),
          ),
          body: bodyOf(own),
        })),
        ...has('deletecollection', () => ({
          ...operation(
            kind,
            'delete',
            'deletecollection',
            `deleteCollection${noun}`,
            `delete collection of ${kind.kind}`,
            [
              ...listParameters.filter(({ name }) => name !== 'watch' && name !== 'allowWatchBookmarks'),
              ...deleteParameters,
            ],
            [[200, statusDefinition]],
          ),
          body: deleteBody,
        })),
      ],
    },
    {
      path: `${collection}/{name}`,
      parameters: [nameParameter(kind), ...scope, pretty],
      operations: [
        ...has('get', () =>
          operation(kind, 'get', 'get', `read${noun}`, `read the specified ${kind.kind}`, [], [[200, own]]),
        ),
        ...has('update', () => ({
          ...operation(
            kind,
            'put',
            'put',
            `replace${noun}`,
            `replace the specified ${kind.kind}`,
            writeParameters,
            written(own),
          ),
          body: bodyOf(own),
        })),
        ...has('delete', () => ({
          ...operation(kind, 'delete', 'delete', `delete${noun}`, `delete ${kind.kind}`, deleteParameters, [
            [200, statusDefinition],
            [202, statusDefinition],
          ]),
          body: deleteBody,
        })),
        ...has('patch', () => patchOperation(kind, `patch${noun}`, `partially update the specified ${kind.kind}`, own)),
      ],
    },
  ]
  if (namespaced && verbs.includes('list')) {
    paths.push({
      path: root,
      parameters: [pretty],
      operations: [list(`list${idGroup(kind)}${kind.kind}ForAllNamespaces`)],
    })
  }
  return paths.filter(({ operations }) => operations.length > 0)
}

/** Behind a proxy are paths of its own. */
function parts(kind: Kind<any>, resource: Resource): Path[] {
  const one = part(kind, resource, '')
  if (resource.subresource !== 'proxy') return [one]
  const { path, parameters, operations } = part(kind, resource, 'WithPath')
  return [one, { path: `${path}/{path}`, parameters: [...parameters, pathParameter], operations }]
}

/** A subresource: a window on a part (status, scale), a deed (binding, eviction) or a connection (log, exec, proxy). */
function part(kind: Kind<any>, { subresource, verbs, body, namespaced }: Resource, more: string): Path {
  const path = `${namespaced ? namespacedPath(kind) : kind.path()}/{name}/${subresource}`
  const own = definitionOf(body)
  const word = subresource![0]!.toUpperCase() + subresource!.slice(1)
  const noun = `${idNoun(kind)}${word}${more}`
  const isConnection = own === undefined || subresource === 'log'
  const operations = verbs.map((verb): Operation => {
    const about = `${subresource} of the specified ${kind.kind}`
    if (isConnection) {
      const method = methods[verb]!
      const action = subresource === 'log' ? 'get' : 'connect'
      const id =
        subresource === 'log'
          ? `read${noun}`
          : `connect${idGroup(kind)}${method[0]!.toUpperCase()}${method.slice(1)}${noun.slice(idGroup(kind).length)}`
      return operation(
        body,
        method,
        action,
        id,
        `${subresource === 'log' ? 'read' : 'connect to'} ${about}`,
        [],
        [[200, undefined]],
        kind,
      )
    }
    if (verb === 'get') return operation(body, 'get', 'get', `read${noun}`, `read ${about}`, [], [[200, own]], kind)
    if (verb === 'patch') return patchOperation(body, `patch${noun}`, `partially update ${about}`, own, kind)
    const [method, word_] = verb === 'create' ? (['post', 'create'] as const) : (['put', 'replace'] as const)
    return {
      ...operation(
        body,
        method,
        method,
        `${word_}${noun}`,
        `${word_} ${about}`,
        writeParameters,
        written(own, ...(verb === 'create' ? [202] : [])),
        kind,
      ),
      body: bodyOf(own),
    }
  })
  return { path, parameters: [nameParameter(kind), ...(namespaced ? [namespaceParameter] : []), pretty], operations }
}

const methods: Readonly<Record<string, Operation['method']>> = {
  get: 'get',
  create: 'post',
  update: 'put',
  patch: 'patch',
  delete: 'delete',
}

function operation(
  gvk: KindName,
  method: Operation['method'],
  action: Operation['action'],
  id: string,
  description: string,
  parameters: readonly Parameter[],
  responses: Operation['responses'],
  within: KindName = gvk,
): Operation {
  const { group, version, kind } = gvk
  const tag = `${tagGroup(within)}_${within.version}`
  return { method, action, id, tag, description, parameters, responses, gvk: { group, version, kind } }
}

/** `core`, `apps`; of a custom kind the whole group: `stableExampleCom`. */
function tagGroup({ group, custom }: KindName): string {
  if (group === '') return 'core'
  const [first = '', ...others] = group.split('.')
  return custom === undefined ? first : first + others.map(word => word[0]!.toUpperCase() + word.slice(1)).join('')
}

function patchOperation(
  gvk: KindName,
  id: string,
  description: string,
  definition: string | undefined,
  within = gvk,
): Operation {
  const parameters = [...writeParameters, force]
  return {
    ...operation(gvk, 'patch', 'patch', id, description, parameters, written(definition), within),
    body: {
      definition: patchDefinition,
      consumes: (within.custom ?? gvk.custom) === undefined ? patchTypes : customPatchTypes,
      required: true,
    },
  }
}

function written(definition: string | undefined, ...more: number[]): Operation['responses'] {
  return [200, 201, ...more].map(code => [code, definition] as const)
}

function bodyOf(definition: string | undefined): NonNullable<Operation['body']> {
  return { definition: definition!, consumes: anything, required: true }
}

const deleteBody = { definition: `${meta}.DeleteOptions`, consumes: anything, required: false } as const

export function listDefinition(kind: Kind<any>): string | undefined {
  if (kind.custom !== undefined) return listDefinitionOf(kind.custom)
  return definitionOf({ group: kind.group, version: kind.version, kind: `${kind.kind}List` })
}

function namespacedPath(kind: Kind<any>): string {
  return `${kind.path().slice(0, -kind.plural.length)}namespaces/{namespace}/${kind.plural}`
}

function idNoun(kind: Kind<any>): string {
  return `${idGroup(kind)}${kind.namespaced ? 'Namespaced' : ''}${kind.kind}`
}

/** `AppsV1`, `RbacAuthorizationV1`, `CoreV1`; of a custom kind the whole group: `StableExampleComV1`. */
function idGroup({ group, version, custom }: KindName): string {
  const shown = custom === undefined ? group.replace(/\.k8s\.io$/, '') || 'core' : group
  return [...shown.split('.'), version].map(word => word[0]!.toUpperCase() + word.slice(1)).join('')
}

function query(name: string, type: Parameter['type'], description: string): Parameter {
  return { name, in: 'query', type, description }
}

const namespaceParameter: Parameter = {
  name: 'namespace',
  in: 'path',
  type: 'string',
  description: 'the namespace of the objects',
}

const pathParameter: Parameter = { name: 'path', in: 'path', type: 'string', description: 'path to the resource' }

function nameParameter(kind: Kind<any>): Parameter {
  return { name: 'name', in: 'path', type: 'string', description: `name of the ${kind.kind}` }
}

const pretty = query('pretty', 'string', 'If true, the answer is indented.')

const writeParameters = [
  query('dryRun', 'string', 'All: everything is done but nothing is kept.'),
  query('fieldManager', 'string', 'A name for who or what makes these changes.'),
  query(
    'fieldValidation',
    'string',
    'What becomes of unknown fields: Ignore drops them, Warn drops them and warns, Strict refuses the request.',
  ),
]

const force = query('force', 'boolean', 'Apply only: take fields over from other managers.')

const deleteParameters = [
  writeParameters[0]!,
  query('gracePeriodSeconds', 'integer', 'Seconds until the object goes; zero is at once.'),
  query('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  query('propagationPolicy', 'string', 'What becomes of dependents: Orphan, Background or Foreground.'),
]

const listParameters = [
  query('allowWatchBookmarks', 'boolean', 'Ask for events that only tell how far the watch has come.'),
  query('continue', 'string', 'Where a list that was cut goes on.'),
  query('fieldSelector', 'string', 'Only objects whose fields match.'),
  query('labelSelector', 'string', 'Only objects whose labels match.'),
  query('limit', 'integer', 'At most so many objects in one answer.'),
  query('resourceVersion', 'string', 'How new the answer must be.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant for a list.'),
  query('sendInitialEvents', 'boolean', 'Begin a watch with what there is.'),
  query('timeoutSeconds', 'integer', 'End the call after so long.'),
  query('watch', 'boolean', 'Watch for changes instead of listing.'),
]

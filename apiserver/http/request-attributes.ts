// What a request asks for, before anybody looks into it: a verb upon a resource, or upon a path that is none. Worked out once
// a request by answering.ts; metrics, priority and fairness and whoever asks "may they?" go by it.
// Upstream: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go.

import { parseFieldSelector } from '../../src/api/fields.ts'
import { flag, queryOf, type Target } from './request.ts'

export interface RequestAttributes {
  /** False: `verb` is the method in small letters, and all but `path` is ''. */
  readonly isResource: boolean
  readonly path: string
  /** get, list, watch, create, update, patch, delete, deletecollection. */
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly namespace: string
  readonly resource: string
  readonly subresource: string
  readonly name: string
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** `url` with its query; `path` without. */
export function attributesOf(method: string, url: string, path: string, target: Target | undefined): RequestAttributes {
  if (target === undefined) {
    return {
      isResource: false,
      path,
      verb: method.toLowerCase(),
      group: '',
      version: '',
      namespace: '',
      resource: '',
      subresource: '',
      name: '',
    }
  }
  const { group, version, plural, subresource = '' } = target
  let name = target.name ?? ''
  let verb = verbs[method] ?? ''
  if (target.isWatch === true) verb = 'watch'
  else if (
    verb === 'get' &&
    url.length > path.length &&
    url.includes('watch', path.length) &&
    flag(queryOf(url), 'watch')
  )
    verb = 'watch'
  else if (name === '' && verb === 'get') verb = 'list'
  else if (name === '' && verb === 'delete') verb = 'deletecollection'
  if (name === '' && (verb === 'list' || verb === 'watch' || verb === 'deletecollection'))
    name = selectedName(url, path)
  // A Namespace is in itself.
  const namespace = group === '' && plural === 'namespaces' ? name : (target.namespace ?? '')
  return { isResource: true, path, verb, group, version, namespace, resource: plural, subresource, name }
}

/** Who lists by the name of one object may do so if he may do so to that object. */
function selectedName(url: string, path: string): string {
  if (!url.includes('metadata.name', path.length)) return ''
  const selector = queryOf(url).get('fieldSelector')
  try {
    return (selector && parseFieldSelector(selector).exactly('metadata.name')) || ''
  } catch {
    // It is refused in its place.
    return ''
  }
}

/** What may take as long as it likes (pkg/server/config.go: watch, proxy, and what is attached to). */
export function isLongRunning({ isResource, verb, subresource, path }: RequestAttributes): boolean {
  if (!isResource) return path.startsWith('/debug/pprof/') || path === '/kubesim/v1alpha1/control-plane/events'
  return verb === 'watch' || longSubresources.has(subresource)
}

const longSubresources: ReadonlySet<string> = new Set(['attach', 'exec', 'proxy', 'log', 'portforward'])

/** What a request's field selector demands a field to be; read when somebody asks. */
export function selectedBy(url: string): (field: string) => string | undefined {
  return field => {
    const selector = queryOf(url).get('fieldSelector')
    if (!selector) return undefined
    try {
      return parseFieldSelector(selector).exactly(field)
    } catch {
      return undefined
    }
  }
}

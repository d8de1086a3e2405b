// URLs: absolute ones and absolute paths, as Go's net/url reads them. Upstream: k8s.io/apiserver/pkg/cel/library/urls.go.

import type { Environment } from '@marcbachmann/cel-js'

export class CelUrl {
  readonly scheme: string
  readonly host: string
  readonly path: string
  readonly query: ReadonlyMap<string, readonly string[]>

  constructor(scheme: string, host: string, path: string, query: ReadonlyMap<string, readonly string[]>) {
    this.scheme = scheme
    this.host = host
    this.path = path
    this.query = query
  }
}

export function registerUrls(environment: Environment): void {
  const type = 'kubernetes.URL'
  environment
    .registerType(type, CelUrl)
    .registerFunction(`url(string): ${type}`, (text: string) => {
      const url = parseUrl(text)
      if (url === undefined)
        throw new Error(
          `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
        )
      return url
    })
    .registerFunction('isURL(string): bool', (text: string) => parseUrl(text) !== undefined)
    .registerFunction(`${type}.getScheme(): string`, (url: CelUrl) => url.scheme)
    .registerFunction(`${type}.getHost(): string`, (url: CelUrl) => url.host)
    .registerFunction(`${type}.getHostname(): string`, (url: CelUrl) => hostOf(url).name)
    .registerFunction(`${type}.getPort(): string`, (url: CelUrl) => hostOf(url).port)
    .registerFunction(`${type}.getEscapedPath(): string`, (url: CelUrl) => url.path)
    .registerFunction(`${type}.getQuery(): map<string, list<string>>`, (url: CelUrl) => new Map(url.query))
}

/** With a scheme, or beginning with a slash; undefined when it is neither. */
function parseUrl(text: string): CelUrl | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Go refuses these.
  if (/[\u0000-\u0020\u007f]/.test(text)) return undefined
  const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/.exec(text)
  if (parts === null) return undefined
  const [, scheme = '', authority = '', path = '', query = ''] = parts
  if (scheme === '' && !text.startsWith('/')) return undefined
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  if (!isHost(host) || /%(?![0-9A-Fa-f]{2})/.test(path)) return undefined
  const values = new Map<string, string[]>()
  for (const [key, value] of new URLSearchParams(query)) values.set(key, [...(values.get(key) ?? []), value])
  return new CelUrl(scheme.toLowerCase(), host, escaped(path), values)
}

function isHost(host: string): boolean {
  if (host.startsWith('[')) return /^\[[0-9A-Fa-f:.%]+\](?::\d*)?$/.test(host)
  return /^[^:[\]]*(?::\d*)?$/.test(host)
}

const escaped = (path: string): string => encodeURI(path).replaceAll('%25', '%')

function hostOf({ host }: CelUrl): { readonly name: string; readonly port: string } {
  const parts = /^(?:\[(.*)\]|([^:]*))(?::(\d*))?$/.exec(host)
  return { name: parts?.[1] ?? parts?.[2] ?? '', port: parts?.[3] ?? '' }
}

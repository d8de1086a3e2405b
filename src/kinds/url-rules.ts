// URLs as Go's net/url reads them, as far as the rules of URLs of webhooks ask (k8s.io/apiserver/pkg/util/webhook/validation.go),
// and the services that stand in for one.

import { dns1123SubdomainFaults, portNumberFaults } from '../api/names.ts'
import type { Faults, FieldPath } from './field-path.ts'

interface GoUrl {
  readonly scheme: string
  readonly host: string
  readonly user: string | undefined
  readonly query: string
  readonly fragment: string
}

const form = '; desired format: https://host[/path]'

export function webhookUrlRules(text: string, path: FieldPath, faults: Faults): void {
  const url = parseGoUrl(text)
  if (typeof url === 'string') {
    faults.required(path, `url must be a valid URL: parse ${JSON.stringify(text)}: ${url}${form}`)
    return
  }
  if (url.scheme !== 'https') faults.invalid(path, url.scheme, `'https' is the only allowed URL scheme${form}`)
  if (url.host === '') faults.invalid(path, url.host, `host must be specified${form}`)
  if (url.user !== undefined) faults.invalid(path, url.user, 'user information is not permitted in the URL')
  if (url.fragment !== '') faults.invalid(path, url.fragment, 'fragments are not permitted in the URL')
  if (url.query !== '') faults.invalid(path, url.query, 'query parameters are not permitted in the URL')
}

/** The parts, or Go's word for why there are none (net/url/url.go, parse). */
export function parseGoUrl(text: string): GoUrl | string {
  const hash = text.indexOf('#')
  const fragment = hash < 0 ? '' : text.slice(hash + 1)
  let rest = hash < 0 ? text : text.slice(0, hash)
  for (const character of rest) {
    if (character < ' ' || character === '\x7f') return 'net/url: invalid control character in URL'
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+\-.]*):/.exec(rest)?.[1] ?? ''
  if (scheme === '' && rest.startsWith(':')) return 'missing protocol scheme'
  if (scheme !== '') rest = rest.slice(scheme.length + 1)
  const mark = rest.indexOf('?')
  const query = mark < 0 ? '' : rest.slice(mark + 1)
  if (mark >= 0) rest = rest.slice(0, mark)
  const parts = { scheme: scheme.toLowerCase(), query, fragment }
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { ...parts, host: '', user: undefined }
    if (rest.split('/', 1)[0]!.includes(':')) return 'first path segment in URL cannot contain colon'
  }
  const badEscape = /%(?![0-9A-Fa-f]{2}).{0,2}/.exec(rest)
  if (badEscape) return `invalid URL escape ${JSON.stringify(badEscape[0])}`
  if (!rest.startsWith('//') || (scheme === '' && rest.startsWith('///')))
    return { ...parts, host: '', user: undefined }
  const authority = rest.slice(2).split('/', 1)[0]!
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  const wrong = hostFault(host)
  return wrong ?? { ...parts, host, user: at < 0 ? undefined : authority.slice(0, at) }
}

function hostFault(host: string): string | undefined {
  const close = host.lastIndexOf(']')
  if (host.startsWith('[') && close < 0) return "missing ']' in host"
  const strange = /[\s"<>\\^`{|}]/.exec(host)
  if (strange) return `invalid character ${JSON.stringify(strange[0])} in host name`
  const colon = host.startsWith('[') ? (close + 1 < host.length ? close + 1 : -1) : host.lastIndexOf(':')
  const port = colon < 0 ? '' : host.slice(colon)
  return port === '' || /^:\d*$/.test(port) ? undefined : `invalid port ${JSON.stringify(port)} after host`
}

interface ServiceOfWebhook {
  readonly name?: string
  readonly namespace?: string
  readonly path?: string
  readonly port?: number
}

/** `isMixedUp`: admission webhooks hand name and namespace over in the wrong order, and the faults stand accordingly. */
export function webhookServiceRules(
  service: ServiceOfWebhook,
  isMixedUp: boolean,
  path: FieldPath,
  faults: Faults,
): void {
  const { name, namespace, port = 0, path: urlPath } = service
  if (!(isMixedUp ? namespace : name)) faults.required(path.child('name'))
  if (!(isMixedUp ? name : namespace)) faults.required(path.child('namespace'))
  const wrong = portNumberFaults(port)
  if (wrong.length > 0) faults.invalid(path.child('port'), port, `port is not valid: ${wrong.join(', ')}`)
  if (!urlPath || urlPath === '/') return
  const at = path.child('path')
  if (urlPath === '//') {
    faults.invalid(at, urlPath, 'segment[0] may not be empty')
    return
  }
  if (!urlPath.startsWith('/')) faults.invalid(at, urlPath, "must start with a '/'")
  const steps = urlPath.slice(1).replace(/\/$/, '').split('/')
  for (const [index, step] of steps.entries()) {
    if (step === '') faults.invalid(at, urlPath, `segment[${index}] may not be empty`)
    else for (const why of dns1123SubdomainFaults(step)) faults.invalid(at, urlPath, `segment[${index}]: ${why}`)
  }
}

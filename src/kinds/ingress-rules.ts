// The rules of Ingresses (pkg/apis/networking/validation/validation.go).

import type { HTTPIngressPath, Ingress, IngressBackend, IngressTLS } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import {
  dns1123LabelFaults,
  dns1123SubdomainFaults,
  pathSegmentFaults,
  portNameFaults,
  portNumberFaults,
  wildcardSubdomainFaults,
} from '../api/names.ts'
import { type Faults, FieldPath } from './field-path.ts'
import { ipRule, parseIp } from './ip-address.ts'
import { hostnameRule } from './service-rules.ts'

const path = new FieldPath('spec')
const classAnnotation = 'kubernetes.io/ingress.class'

export function ingressRules(ingress: Frozen<Ingress>, old: Frozen<Ingress> | undefined, faults: Faults): void {
  const { spec } = ingress
  if (!spec.rules?.length && !spec.defaultBackend) {
    faults.invalid(path, spec.rules ?? null, 'either `defaultBackend` or `rules` must be specified')
  }
  if (spec.defaultBackend) backendRules(spec.defaultBackend, path.child('defaultBackend'), faults)
  for (const [index, { host, http }] of (spec.rules ?? []).entries()) {
    const at = path.child('rules').index(index)
    if (host) {
      if (parseIp(host)) faults.invalid(at.child('host'), host, 'must be a DNS name, not an IP address')
      hostRule(host, at.child('host'), faults)
    }
    if (!http) continue
    if (!http.paths?.length) faults.required(at.child('http', 'paths'))
    for (const [position, each] of (http.paths ?? []).entries()) {
      pathRules(each, at.child('http', 'paths').index(position), faults)
    }
  }
  const keepsSecrets = old?.spec.tls?.some(tls => secretFaults(tls).length > 0) ?? false
  for (const [index, tls] of (spec.tls ?? []).entries()) {
    const at = path.child('tls').index(index)
    for (const [position, host] of (tls.hosts ?? []).entries())
      hostRule(host, at.child('hosts').index(position), faults)
    if (!keepsSecrets) faults.invalids(secretFaults(tls), tls.secretName, at, 'secretName')
  }
  const className = spec.ingressClassName
  if (className !== undefined) faults.invalids(dns1123SubdomainFaults(className), className, path, 'ingressClassName')
  const annotation = ingress.metadata.annotations?.[classAnnotation]
  if (!old && annotation !== undefined && className !== undefined && annotation !== className) {
    const at = new FieldPath('annotations').child(classAnnotation)
    faults.invalid(at, annotation, 'must match `ingressClassName` when both are specified')
  }
}

function secretFaults({ secretName }: Frozen<IngressTLS>): readonly string[] {
  return secretName ? dns1123SubdomainFaults(secretName) : []
}

function hostRule(host: string, at: FieldPath, faults: Faults): void {
  const sentences = host.includes('*') ? wildcardSubdomainFaults(host) : dns1123SubdomainFaults(host)
  faults.invalids(sentences, host, at)
}

const badSequences = ['//', '/./', '/../', '%2f', '%2F']
const badEnds = ['/..', '/.']
const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix']

function pathRules(each: Frozen<HTTPIngressPath>, at: FieldPath, faults: Faults): void {
  const { path: text = '', pathType } = each
  if (!pathType) {
    faults.required(at.child('pathType'), 'pathType must be specified')
    return
  }
  const isOwn = pathType === 'ImplementationSpecific'
  if (!pathTypes.includes(pathType)) faults.notSupported(at.child('pathType'), pathType, pathTypes)
  else if (!text.startsWith('/') && !(isOwn && text === '')) {
    faults.invalid(at.child('path'), text, 'must be an absolute path')
  }
  if (pathType === 'Exact' || pathType === 'Prefix') {
    for (const sequence of badSequences) {
      if (text.includes(sequence)) faults.invalid(at.child('path'), text, `must not contain '${sequence}'`)
    }
    for (const end of badEnds) {
      if (text.endsWith(end)) faults.invalid(at.child('path'), text, `cannot end with '${end}'`)
    }
  }
  backendRules(each.backend ?? {}, at.child('backend'), faults)
}

function backendRules(backend: Frozen<IngressBackend>, at: FieldPath, faults: Faults): void {
  const { resource, service } = backend
  if (resource && service) {
    faults.invalid(at, '', 'cannot set both resource and service backends')
    return
  }
  if (resource) {
    typedReferenceRules(resource, at.child('resource'), faults)
    return
  }
  if (!service) {
    faults.invalid(at, '', 'resource or service backend is required')
    return
  }
  if (service.name) faults.invalids(dns1123LabelFaults(service.name), service.name, at.child('service'), 'name')
  else faults.required(at.child('service', 'name'))
  const { name, number } = service.port ?? {}
  const port = at.child('service', 'port')
  if (name && number) faults.invalid(at, '', 'cannot set both port name & port number')
  else if (name) faults.invalids(portNameFaults(name), name, port, 'name')
  else if (number) faults.invalids(portNumberFaults(number), number, port, 'number')
  else faults.required(at, 'port name or number is required')
}

interface TypedReference {
  readonly apiGroup?: string
  readonly kind?: string
  readonly name?: string
}

export function typedReferenceRules({ apiGroup, kind, name }: TypedReference, at: FieldPath, faults: Faults): void {
  if (apiGroup !== undefined) faults.invalids(dns1123SubdomainFaults(apiGroup), apiGroup, at, 'apiGroup')
  if (kind) faults.invalids(pathSegmentFaults(kind), kind, at, 'kind')
  else faults.required(at.child('kind'))
  if (name) faults.invalids(pathSegmentFaults(name), name, at, 'name')
  else faults.required(at.child('name'))
}

export function ingressStatusRules(next: Frozen<Ingress>, old: Frozen<Ingress>, faults: Faults): void {
  const kept = old.status.loadBalancer?.ingress?.map(point => point.ip ?? '')
  for (const [index, { ip, hostname }] of (next.status.loadBalancer?.ingress ?? []).entries()) {
    const point = new FieldPath('status').child('loadBalancer', 'ingress').index(index)
    if (ip) ipRule(ip, point.child('ip'), faults, kept)
    if (hostname) hostnameRule(hostname, point, faults)
  }
}

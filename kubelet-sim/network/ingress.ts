// The ingress controller: what nginx would do with a request, by the Ingresses whose class is served by it. A class is
// served when an IngressClass with the controller k8s.io/ingress-nginx exists, which is what enables the addon; Ingresses
// without a class are taken as well, as minikube's addon does (--watch-ingress-without-class).
// Rules: kubernetes/ingress-nginx internal/ingress/controller/{controller,template}.go; networking.k8s.io/v1 IngressRule.

import type { HTTPIngressPath, Ingress, IngressBackend, IngressClass, Secret } from '../../generated/types.ts'
import { isConflict, isNotFound } from '../../src/api/errors.ts'
import type { Frozen, Ref } from '../../src/api/meta.ts'
import type { SimulatedRequest, SimulatedResponse } from '../../src/client/node-client.ts'
import { IngressClasses, Ingresses, Secrets } from '../../src/kinds/index.ts'
import { type Context, type ControllerSpec, defineController } from '../../src/runtime/controller.ts'
import { SystemError } from '../machine/system-error.ts'
import { certificateFor, type KeyPair, redirectsToTls } from './ingress-tls.ts'
import type { Wanted } from './listeners.ts'
import { ingressPodAddress, type Network } from './network.ts'
import { originInside } from './routes.ts'
import { noteMoves, type ProxyOptions } from './service-proxy.ts'

export const nginxController = 'k8s.io/ingress-nginx'
/** Whose listener it is. */
export const ingressOwner = 'ingress'

export interface IngressOptions extends ProxyOptions {
  readonly address: string
  readonly port: number
  readonly tlsPort: number
  /** For hosts that have none of their own. Absent: these are not spoken to in TLS. */
  readonly certificate: (() => KeyPair) | undefined
}

/** Opens the listener while there is a class to serve, and that for TLS while an Ingress has any. */
export function ingressListener(options: IngressOptions): ControllerSpec<IngressClass> {
  const sync = async (context: Context) => {
    const classes = context.lister(IngressClasses).list().filter(isServed)
    const { network, address, port, tlsPort, listeners } = options
    const served = () => servedIngresses(network)
    const plain: Wanted = {
      address,
      port,
      connect: () => ({ answer: (request, from) => toIngress(network, request, from, { tlsPort: tlsAt() }) }),
    }
    const tls: Wanted = {
      address,
      port: tlsPort,
      secure: async host => (await certificateFor(served(), host, findSecret(context))) ?? options.certificate?.(),
      connect: () => ({ answer: (request, from) => toIngress(network, request, from, { isSecure: true }) }),
    }
    const wanted = classes.length === 0 ? [] : served().some(hasTls) ? [plain, tls] : [plain]
    const opened = (await listeners?.sync(ingressOwner, wanted)) ?? []
    const tlsAt = () => listeners?.placeOf(ingressOwner, tls)?.port ?? tlsPort
    return opened
  }
  return defineController<IngressClass>({
    name: 'ingress-nginx-controller',
    for: IngressClasses,
    concerns: isServed,
    wakes: [
      {
        kind: Ingresses,
        keys: (now, before, context) =>
          hasTls(now) === hasTls(before)
            ? []
            : context
                .lister(IngressClasses)
                .list()
                .map(({ metadata }) => metadata),
      },
    ],
    async reconcile(one, context) {
      await noteMoves(one, IngressClasses, await sync(context), context)
    },
    async gone(_ref, context) {
      await sync(context)
    },
  })
}

function findSecret({ client }: Context): (ref: Ref) => Promise<Frozen<Secret> | undefined> {
  return async ref => {
    try {
      return await client.of(Secrets).get(ref)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
}

const hasTls = (ingress: Frozen<Ingress> | undefined): boolean => (ingress?.spec.tls?.length ?? 0) > 0

/** Tells each Ingress under which address it is served. */
export function ingressStatus({ address }: IngressOptions): ControllerSpec<Ingress> {
  return defineController<Ingress>({
    name: 'nginx-ingress-controller',
    for: Ingresses,
    wakes: [
      {
        kind: IngressClasses,
        keys: (_now, _before, context) =>
          context
            .lister(Ingresses)
            .list()
            .map(({ metadata }) => metadata),
      },
    ],
    async reconcile(ingress, context) {
      if (!belongsTo(ingress, context.lister(IngressClasses).list())) return
      if (ingress.status.loadBalancer?.ingress?.[0]?.ip === address) return
      try {
        const status = { loadBalancer: { ingress: [{ ip: address }] } }
        await context.client.of(Ingresses).updateStatus({ ...ingress, status } as Ingress)
      } catch (error) {
        if (isConflict(error) || isNotFound(error)) return
        throw error
      }
      context.event(ingress, 'Normal', 'Sync', 'Scheduled for sync')
    },
  })
}

/** The answer to a request at the ingress: nginx's own, or that of the pod it is routed to. */
export async function toIngress(
  network: Network,
  request: SimulatedRequest,
  from: string,
  { isSecure = false, tlsPort = 443 }: { readonly isSecure?: boolean; readonly tlsPort?: number } = {},
): Promise<SimulatedResponse> {
  const ours = servedIngresses(network)
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase()
  const route = routeOf(ours, host, pathOf(request.path))
  if (!route) return page(404, 'default backend - 404')
  if (!isSecure && redirectsToTls(route.ingress, host)) return redirected(host, tlsPort, request.path)
  const { service } = route.backend
  if (!service) return page(503, '503 Service Temporarily Unavailable')
  const scheme = isSecure ? 'https' : 'http'
  const forwarded: SimulatedRequest = {
    ...request,
    path: rewritten(route, request.path),
    headers: {
      ...request.headers,
      'x-real-ip': from,
      'x-forwarded-for': from,
      'x-forwarded-host': request.headers.host ?? '',
      'x-forwarded-port': isSecure ? '443' : '80',
      'x-forwarded-proto': scheme,
      'x-forwarded-scheme': scheme,
      'x-scheme': scheme,
    },
  }
  const port = service.port?.number ?? service.port?.name ?? 0
  const ref = { name: service.name, namespace: route.ingress.metadata.namespace }
  const origin = originInside(ingressPodAddress)
  // The controller knows the endpoints and does without the Service's address.
  const endpoint = network.table.pick(ref, port, { from: origin.address, node: undefined, external: false })
  if (!endpoint) return page(503, '503 Service Temporarily Unavailable')
  try {
    return await network.ask(origin, endpoint.address, endpoint.port, forwarded, { connectTimeout: 5000 })
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return error.errno === 'ETIMEDOUT' ? page(504, '504 Gateway Time-out') : page(502, '502 Bad Gateway')
  }
}

function servedIngresses({ cache }: Network): readonly Frozen<Ingress>[] {
  const classes = cache.classes.list()
  return cache.ingresses.list().filter(ingress => belongsTo(ingress, classes))
}

function redirected(host: string, port: number, path: string): SimulatedResponse {
  const location = `https://${host}${port === 443 ? '' : `:${port}`}${path}`
  const response = page(308, '308 Permanent Redirect')
  return { ...response, headers: { ...response.headers, location } }
}

interface Route {
  readonly ingress: Frozen<Ingress>
  readonly backend: Frozen<IngressBackend>
  readonly path: Frozen<HTTPIngressPath> | undefined
}

/** The host's rules before a wildcard's before those without a host; in these the longest path, exact ones first. */
export function routeOf(ingresses: readonly Frozen<Ingress>[], host: string, path: string): Route | undefined {
  const wildcard = `*.${host.slice(host.indexOf('.') + 1)}`
  for (const wanted of [host, wildcard, '']) {
    let best: Route | undefined
    for (const ingress of ingresses) {
      for (const rule of ingress.spec.rules ?? []) {
        if ((rule.host ?? '').toLowerCase() !== wanted) continue
        for (const one of rule.http?.paths ?? []) {
          if (matches(ingress, one, path) && isBetter(one, best?.path))
            best = { ingress, backend: one.backend, path: one }
        }
      }
    }
    if (best) return best
    const named = wanted !== '' && ingresses.find(({ spec }) => spec.rules?.some(rule => rule.host === wanted))
    // A host that has rules is nginx's own server: what none of its paths takes goes to its default backend.
    if (named)
      return named.spec.defaultBackend && { ingress: named, backend: named.spec.defaultBackend, path: undefined }
  }
  const fallback = ingresses.find(({ spec }) => spec.defaultBackend)
  return fallback && { ingress: fallback, backend: fallback.spec.defaultBackend!, path: undefined }
}

function matches(ingress: Frozen<Ingress>, { path = '/', pathType }: Frozen<HTTPIngressPath>, asked: string): boolean {
  if (usesRegex(ingress)) return pattern(path, '^')?.test(asked) ?? false
  if (pathType === 'Exact') return asked === path
  if (pathType === 'Prefix') {
    const prefix = path.replace(/\/$/, '')
    return asked === prefix || asked.startsWith(`${prefix}/`)
  }
  return asked.startsWith(path)
}

function isBetter(one: Frozen<HTTPIngressPath>, other: Frozen<HTTPIngressPath> | undefined): boolean {
  if (other === undefined) return true
  const difference = (one.path ?? '/').length - (other.path ?? '/').length
  return difference > 0 || (difference === 0 && one.pathType === 'Exact' && other.pathType !== 'Exact')
}

const prefix = 'nginx.ingress.kubernetes.io/'

/** rewrite-target makes nginx take the paths of an Ingress for regular expressions. */
function usesRegex({ metadata }: Frozen<Ingress>): boolean {
  return metadata.annotations?.[`${prefix}use-regex`] === 'true' || !!metadata.annotations?.[`${prefix}rewrite-target`]
}

/** nginx's `rewrite "(?i)PATH" TARGET break`: the whole path becomes the target, with what PATH captured in it. */
function rewritten({ ingress, path }: Route, asked: string): string {
  const target = ingress.metadata.annotations?.[`${prefix}rewrite-target`]
  if (!target || path === undefined || target === path.path) return asked
  const found = pattern(path.path ?? '/', '')?.exec(pathOf(asked))
  if (!found) return asked
  const query = asked.slice(pathOf(asked).length)
  const next = target.replace(/\$(\d)/g, (_, group: string) => found[Number(group)] ?? '')
  return `${next.startsWith('/') ? next : `/${next}`}${query}`
}

/** A path that is no regular expression matches nothing, as nginx refuses its location. */
function pattern(path: string, start: '^' | ''): RegExp | undefined {
  try {
    return new RegExp(`${start}${path}`, 'i')
  } catch {
    return undefined
  }
}

function isServed({ spec }: Frozen<IngressClass>): boolean {
  return spec?.controller === nginxController
}

function belongsTo({ spec, metadata }: Frozen<Ingress>, classes: readonly Frozen<IngressClass>[]): boolean {
  const served = classes.filter(isServed)
  if (served.length === 0) return false
  const name = spec.ingressClassName ?? metadata.annotations?.['kubernetes.io/ingress.class']
  return name === undefined || served.some(one => one.metadata.name === name)
}

function pathOf(pathAndQuery: string): string {
  const end = pathAndQuery.search(/[?#]/)
  return end < 0 ? pathAndQuery : pathAndQuery.slice(0, end)
}

function page(status: number, text: string): SimulatedResponse {
  const html =
    status === 404
      ? text
      : `<html>\n<head><title>${text}</title></head>\n<body>\n<center><h1>${text}</h1></center>\n<hr><center>nginx</center>\n</body>\n</html>\n`
  const body = new TextEncoder().encode(html)
  const type = status === 404 ? 'text/plain; charset=utf-8' : 'text/html'
  return { status, headers: { 'content-type': type, 'content-length': String(body.length) }, body }
}

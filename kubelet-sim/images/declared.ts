// An object of kind Image as the kubelets and the network use it, and an image that was built as such an object. Pure.

import type { V1alpha1Image, V1alpha1ImageRoute, V1alpha1ImageSpec } from '../../generated/types.ts'
import { parseDuration } from '../../src/api/duration.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import { milliValue, wholeValue } from '../../src/api/quantity.ts'
import { namesOfImage } from '../../src/kinds/image.ts'
import { fingerprint } from '../fingerprint.ts'
import type { Base, Image, Route, ServedPort } from './image.ts'
import type { UsagePoint } from './usage.ts'

/** On an Image: every node has it, nobody has to pull it. */
export const presentLabel = 'kubesim.dev/present'

export function imageOf(object: Frozen<V1alpha1Image>): Image {
  const { spec } = object
  const ports = spec.ports?.map(servedPort)
  const tcp = ports?.filter(port => port.routes === undefined).map(({ port }) => port) ?? []
  const http = ports?.filter(port => port.routes !== undefined) ?? []
  return {
    name: namesOfImage(object)[0]!,
    ...(ports ? { ports: ports.map(({ port }) => port), onTerm: 0, serves: ports } : {}),
    ...(tcp.length > 0 && http.length === 0 ? { tcp: true } : {}),
    ...(spec.base ? { base: spec.base as Base } : {}),
    ...(spec.tools ? { commands: spec.tools } : {}),
    ...(spec.entrypoint ? { entrypoint: spec.entrypoint } : {}),
    ...(spec.command ? { command: spec.command } : {}),
    ...(spec.env ? { env: Object.fromEntries(spec.env.map(({ name, value }) => [name, value ?? ''])) } : {}),
    ...(spec.workingDir ? { workdir: spec.workingDir } : {}),
    ...(spec.user ? { user: spec.user } : {}),
    ...(spec.stopSignal ? { stopSignal: spec.stopSignal.slice(3) as NonNullable<Image['stopSignal']> } : {}),
    ...(spec.files ? { files: spec.files } : {}),
    ...(spec.size ? { size: wholeValue(spec.size) } : {}),
    ...(spec.startsAfter ? { startsIn: parseDuration(spec.startsAfter) ?? 0 } : {}),
    ...(spec.exitCodeOnStop === undefined ? {} : { onTerm: spec.exitCodeOnStop }),
    ...(spec.usage ? { usage: usageOf(spec.usage) } : {}),
    ...(spec.logs ? { logs: spec.logs.map(logOf) } : {}),
    ...(spec.pull ? { pull: pullOf(spec.pull) } : {}),
    labels: { ...spec.labels, ...settingsOf(spec) },
  }
}

/** What annotations of a pod may say as well, in their words. */
function settingsOf(spec: Frozen<V1alpha1ImageSpec>): Readonly<Record<string, string>> {
  const settings: Record<string, string> = {}
  if (spec.endsAfter !== undefined) settings['kubesim.dev/exit-after'] = spec.endsAfter
  if (spec.exitCode !== undefined) settings['kubesim.dev/exit-code'] = String(spec.exitCode)
  if (spec.unhealthyAfter !== undefined) settings['kubesim.dev/unhealthy-after'] = spec.unhealthyAfter
  if (spec.ignoresStop !== undefined) settings['kubesim.dev/ignore-sigterm'] = String(spec.ignoresStop)
  return settings
}

function servedPort({ port, protocol, routes }: Frozen<NonNullable<V1alpha1ImageSpec['ports']>[number]>): ServedPort {
  return protocol === 'TCP' ? { port } : { port, routes: (routes ?? []).map(routeOf) }
}

function routeOf(route: Frozen<V1alpha1ImageRoute>): Route {
  return {
    path: route.path ?? '*',
    methods: route.methods,
    status: route.status ?? 200,
    headers: Object.fromEntries(Object.entries(route.headers ?? {}).map(([name, text]) => [name.toLowerCase(), text])),
    body: route.body,
    latency: parseDuration(route.latency ?? '') ?? 0,
    errorPercent: route.errorPercent ?? 0,
    errorStatus: route.errorStatus ?? 500,
  }
}

/** What a point does not say is as at the one before. */
function usageOf(points: NonNullable<Frozen<V1alpha1ImageSpec>['usage']>): readonly UsagePoint[] {
  let [memory, cpu] = [0, 0]
  return points.map(point => {
    memory = point.memory === undefined ? memory : wholeValue(point.memory)
    cpu = point.cpu === undefined ? cpu : milliValue(point.cpu)
    return { at: parseDuration(point.at ?? '') ?? 0, memory, cpu }
  })
}

function logOf({ text, after, every }: Frozen<NonNullable<V1alpha1ImageSpec['logs']>[number]>) {
  return { text, after: parseDuration(after ?? '') ?? 0, every: parseDuration(every ?? '') }
}

function pullOf({ duration, failure, private: isPrivate }: Frozen<NonNullable<V1alpha1ImageSpec['pull']>>) {
  return { takes: parseDuration(duration ?? ''), fails: failure, isPrivate: isPrivate ?? false }
}

/** An image that was built, as an object: its name follows from the image's. */
export function imageObject(image: Image): NewObject<V1alpha1Image> & { readonly metadata: { readonly name: string } } {
  const { env, ports, routes, body } = image
  return {
    apiVersion: 'kubesim.dev/v1alpha1',
    kind: 'Image',
    metadata: { name: objectName(image.name), labels: { [presentLabel]: 'true' } },
    spec: {
      names: [image.name],
      ...(image.base ? { base: image.base } : {}),
      ...(image.commands ? { tools: [...image.commands] } : {}),
      ...(image.entrypoint ? { entrypoint: [...image.entrypoint] } : {}),
      ...(image.command ? { command: [...image.command] } : {}),
      ...(env ? { env: Object.entries(env).map(([name, value]) => ({ name, value })) } : {}),
      ...(image.workdir ? { workingDir: image.workdir } : {}),
      ...(image.user ? { user: image.user } : {}),
      ...(image.labels ? { labels: { ...image.labels } } : {}),
      ...(image.size ? { size: String(image.size) } : {}),
      ...(image.prints ? { logs: image.prints.map(text => ({ text })) } : {}),
      ...(image.onTerm === undefined ? {} : { exitCodeOnStop: image.onTerm }),
      ...(ports
        ? {
            ports: ports.map(port =>
              image.tcp ? { port, protocol: 'TCP' } : { port, routes: builtRoutes(routes, body) },
            ),
          }
        : {}),
    },
  }
}

function builtRoutes(routes: Image['routes'], body: string | undefined): V1alpha1ImageRoute[] {
  if (routes === undefined) return body === undefined ? [] : [{ body: signed(body) }]
  return Object.entries(routes).map(([path, text]) => ({ path, body: signed(text) }))
}

/** So that it can be seen who answers; JSON stays JSON. */
function signed(text: string): string {
  return /^\s*[{[]/.test(text) ? `${text}\n` : `${text}\npod $(hostname) on $(node)\n`
}

/** Readable, and never another's: `my-registry-my-app-v1-1a2b3c4d`. */
export function objectName(image: string): string {
  const readable = image
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 200)
  return /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(image) ? image : `${readable}-${fingerprint(image).slice(0, 8)}`
}

// Images: what containers of an image do when they run, and how pulling it goes, as a user declares it. No kind of
// Kubernetes: group kubesim.dev. kubelet-sim/images/declared.ts reads them for the kubelets and the network.

import type { V1alpha1Image, V1alpha1ImageSpec } from '../../generated/types.ts'
import { parseDuration } from '../api/duration.ts'
import type { Frozen } from '../api/meta.ts'
import { between, headerNameFaults, portNumberFaults, relaxedVariableNameFaults } from '../api/names.ts'
import { canonicalQuantity, milliValue, wholeValue } from '../api/quantity.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, FieldPath } from './field-path.ts'
import { optionalOneOf } from './field-rules.ts'
import { parseImageName } from './image-name.ts'
import { defineKind } from './kind.ts'

export const imageBases = ['alpine', 'busybox', 'debian', 'fedora', 'none', 'ubuntu'] as const
const protocols = ['HTTP', 'TCP'] as const
const methods = ['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE'] as const
const stopSignals = ['SIGHUP', 'SIGINT', 'SIGKILL', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const

/** By which pods name it; the name of the object when it says none. */
export function namesOfImage({ metadata, spec }: Frozen<V1alpha1Image>): readonly string[] {
  return spec?.names && spec.names.length > 0 ? spec.names : [metadata.name]
}

/** Kind `Image` of `kubesim.dev/v1alpha1`: `images`, without a namespace. */
export const Images = defineKind<V1alpha1Image>({
  group: 'kubesim.dev',
  version: 'v1alpha1',
  kind: 'Image',
  plural: 'images',
  singular: 'image',
  categories: ['kubesim'],
  namespaced: false,
  columns: [
    nameColumn,
    {
      name: 'Images',
      type: 'string',
      description: 'By which pods name it.',
      value: each => namesOfImage(each).join(','),
    },
    {
      name: 'Ports',
      type: 'string',
      description: 'On which it listens.',
      value: ({ spec }) => spec.ports?.map(({ port }) => port).join(',') || '<none>',
    },
    {
      name: 'Pull',
      type: 'string',
      description: 'How pulling it goes.',
      value: ({ spec: { pull } }) => pull?.failure ?? (pull?.private ? 'Private' : 'Public'),
    },
    {
      name: 'Command',
      type: 'string',
      priority: 1,
      description: 'What it starts with.',
      value: ({ spec }) => [...(spec.entrypoint ?? []), ...(spec.command ?? [])].join(' ') || '<none>',
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {}
    const { spec } = draft
    for (const port of spec.ports ?? []) port.protocol ??= 'HTTP'
    if (spec.size !== undefined) spec.size = canonicalQuantity(spec.size)
    for (const point of spec.usage ?? []) {
      if (point.memory !== undefined) point.memory = canonicalQuantity(point.memory)
      if (point.cpu !== undefined) point.cpu = canonicalQuantity(point.cpu)
    }
  },
  validate({ spec }) {
    const faults = new Faults()
    nameRules(spec, faults)
    startRules(spec, faults)
    portRules(spec, faults)
    usageRules(spec, faults)
    for (const [at, log] of (spec.logs ?? []).entries()) {
      const path = inSpec.child('logs').index(at)
      duration(log.after, path, 'after', faults)
      if (duration(log.every, path, 'every', faults) === 0) {
        faults.invalid(path.child('every'), log.every, 'must be longer than no time')
      }
    }
    duration(spec.pull?.duration, inSpec.child('pull'), 'duration', faults)
    return faults.list
  },
})

const inSpec = new FieldPath('spec')

function nameRules({ names = [] }: Frozen<V1alpha1ImageSpec>, faults: Faults): void {
  const seen = new Set<string>()
  for (const [at, name] of names.entries()) {
    const path = inSpec.child('names').index(at)
    const plain = name.endsWith('/*') ? `${name.slice(0, -1)}x` : name
    if (parseImageName(plain) === undefined) faults.invalid(path, name, nameFault)
    if (seen.has(name)) faults.duplicate(path, name)
    seen.add(name)
  }
}

const nameFault = "must be the name of an image, with or without a tag, or of a registry or repository and '/*'"

function startRules(spec: Frozen<V1alpha1ImageSpec>, faults: Faults): void {
  optionalOneOf(spec.base, imageBases, inSpec, 'base', faults)
  optionalOneOf(spec.stopSignal, stopSignals, inSpec, 'stopSignal', faults)
  for (const [at, { name = '' }] of (spec.env ?? []).entries()) {
    const path = inSpec.child('env').index(at).child('name')
    if (name === '') faults.required(path)
    else faults.invalids(relaxedVariableNameFaults(name), name, path)
  }
  for (const path of Object.keys(spec.files ?? {})) {
    if (!path.startsWith('/') || path.endsWith('/')) {
      faults.invalid(inSpec.child('files').key(path), path, 'must be the absolute path of a file')
    }
  }
  if (spec.workingDir !== undefined && !spec.workingDir.startsWith('/')) {
    faults.invalid(inSpec.child('workingDir'), spec.workingDir, 'must be an absolute path')
  }
  if (spec.user !== undefined && !/^[\w.-]+(:[\w.-]+)?$/.test(spec.user)) {
    faults.invalid(inSpec.child('user'), spec.user, 'must be a user, or a user and a group with a colon between them')
  }
  for (const name of ['startsAfter', 'endsAfter', 'unhealthyAfter'] as const) duration(spec[name], inSpec, name, faults)
  for (const name of ['exitCode', 'exitCodeOnStop'] as const) within(spec[name], 0, 255, inSpec, name, faults)
  if (spec.size !== undefined && wholeValue(spec.size) < 0) {
    faults.invalid(inSpec.child('size'), spec.size, 'must be greater than or equal to 0')
  }
}

function portRules({ ports = [] }: Frozen<V1alpha1ImageSpec>, faults: Faults): void {
  const seen = new Set<number>()
  for (const [at, { port, protocol, routes = [] }] of ports.entries()) {
    const path = inSpec.child('ports').index(at)
    faults.invalids(portNumberFaults(port ?? 0), port ?? 0, path, 'port')
    if (seen.has(port)) faults.duplicate(path.child('port'), port)
    seen.add(port)
    optionalOneOf(protocol, protocols, path, 'protocol', faults)
    if (protocol === 'TCP' && routes.length > 0) {
      faults.forbidden(path.child('routes'), "may not be set when protocol is 'TCP'")
    }
    for (const [index, route] of routes.entries()) {
      const where = path.child('routes').index(index)
      if (route.path !== undefined && !/^(\/|\*$)/.test(route.path)) {
        faults.invalid(where.child('path'), route.path, 'must be an absolute path')
      }
      for (const [which, method] of (route.methods ?? []).entries()) {
        if (!methods.some(each => each === method)) {
          faults.notSupported(where.child('methods').index(which), method, methods)
        }
      }
      within(route.status, 200, 599, where, 'status', faults)
      within(route.errorStatus, 400, 599, where, 'errorStatus', faults)
      within(route.errorPercent, 0, 100, where, 'errorPercent', faults)
      duration(route.latency, where, 'latency', faults)
      for (const name of Object.keys(route.headers ?? {})) {
        faults.invalids(headerNameFaults(name), name, where.child('headers').key(name))
      }
    }
  }
}

function usageRules({ usage = [] }: Frozen<V1alpha1ImageSpec>, faults: Faults): void {
  let last = -1
  for (const [index, { at, memory, cpu }] of usage.entries()) {
    const path = inSpec.child('usage').index(index)
    const when = duration(at, path, 'at', faults) ?? 0
    if (when <= last) faults.invalid(path.child('at'), at ?? '', 'must be later than the one before')
    last = Math.max(last, when)
    if (memory !== undefined && wholeValue(memory) < 0) {
      faults.invalid(path.child('memory'), memory, 'must be greater than or equal to 0')
    }
    if (cpu !== undefined && milliValue(cpu) < 0) {
      faults.invalid(path.child('cpu'), cpu, 'must be greater than or equal to 0')
    }
  }
}

function within(
  value: number | undefined,
  low: number,
  high: number,
  path: FieldPath,
  child: string,
  faults: Faults,
): void {
  if (value !== undefined && (value < low || value > high)) faults.invalid(path.child(child), value, between(low, high))
}

/** In milliseconds, when it is one. */
function duration(text: string | undefined, path: FieldPath, child: string, faults: Faults): number | undefined {
  if (text === undefined) return undefined
  const span = parseDuration(text)
  if (span === undefined) faults.invalid(path.child(child), text, "must be a span of time, such as '500ms' or '1m30s'")
  return span
}

// What of Kubernetes' API is served, partly served and not, as text for docs/api.md and docs/kubectl.md: made of the kinds that
// the registry serves and of the schemas, so that it cannot say more than is so. Called by test/docs/pages.test.ts, which also
// writes the pages (`npm run docs`).

import { resourcesOf } from '../apiserver/http/resource-list.ts'
import { shapes } from '../generated/shapes.js'
import { groupOrder } from '../src/kinds/group-order.ts'
import type { Kind } from '../src/kinds/kind.ts'
import { kubernetesVersion } from '../src/kinds/schemas.ts'
import { kubeVersionOrder } from '../src/kinds/version-order.ts'

const allVerbs = 8

/** Upstream's subresources that not every kind has; facts of pkg/registry/core/rest/storage_core.go and its like. */
const subresourcesUpstream: Readonly<Record<string, readonly string[]>> = {
  pods: [
    ...['attach', 'binding', 'ephemeralcontainers', 'eviction', 'exec', 'log', 'portforward'],
    ...['proxy', 'resize', 'status'],
  ],
  serviceaccounts: ['token'],
}

/** Of no resource: they stand in every group. */
const bodiesOnly = ['DeleteOptions', 'Status']

export function apiPage(kinds: readonly Kind<any>[]): string {
  const groups = [...byResource(kinds)]
  return [
    '# The API: what is served',
    '',
    `Of Kubernetes ${kubernetesVersion()}'s stable and beta API. Made from the registry and the schemas (\`npm run docs\`); a test fails when`,
    'this page says anything else than is so. Alpha versions are not served. What kubectl makes of it: [kubectl.md](kubectl.md).',
    '',
    'Every kind has upstream’s defaults, validation, columns and field selectors. *Kept* means: validated, stored, watched and',
    'printed, but no controller acts on it yet, and whoever creates one is warned of that. In bold the version that is preferred;',
    'all versions of a kind are the same objects. *All* verbs: get, list, watch, create, update, patch, delete, deletecollection.',
    '',
    ...groups.flatMap(([group, resources]) => [
      `## ${group === '' ? 'core' : `\`${group}\``}`,
      '',
      '| resource | kind | versions | in | short, categories | verbs | subresources | |',
      '|---|---|---|---|---|---|---|---|',
      ...[...resources.values()].map(rowOf),
      '',
    ]),
    '## Not served',
    '',
    ...missing(kinds),
    '',
  ].join('\n')
}

/** For kubectl.md: a row a group. */
export function kindsTable(kinds: readonly Kind<any>[]): string {
  const rows = [...byResource(kinds)].map(([group, resources]) => {
    const names = [...resources.values()].map(([first]) => `${first!.kind}${isKeptOnly(first!) ? '\\*' : ''}`)
    const versions = [...new Set([...resources.values()].flat().map(({ version }) => version))].sort(kubeVersionOrder)
    return `| ${group === '' ? 'core' : `\`${group}\``} | ${versions.join(', ')} | ${names.join(', ')} |`
  })
  return ['| group | versions | kinds |', '|---|---|---|', ...rows].join('\n')
}

/** Group → resource → its versions, the preferred first; groups as in discovery, resources by name. */
function byResource(kinds: readonly Kind<any>[]): Map<string, Map<string, Kind<any>[]>> {
  const groups = new Map<string, Map<string, Kind<any>[]>>()
  const sorted = [...kinds].sort(
    (one, other) =>
      groupOrder(one.group, other.group) ||
      (one.plural < other.plural ? -1 : one.plural > other.plural ? 1 : 0) ||
      kubeVersionOrder(one.version, other.version),
  )
  for (const kind of sorted) {
    const resources = groups.get(kind.group) ?? new Map<string, Kind<any>[]>()
    groups.set(kind.group, resources)
    resources.set(kind.plural, [...(resources.get(kind.plural) ?? []), kind])
  }
  return groups
}

function rowOf(versions: readonly Kind<any>[]): string {
  const [first] = versions
  const [main, ...parts] = resourcesOf(first!)
  const names = [...(first!.shortNames ?? []), ...(first!.categories ?? []).map(name => `*${name}*`)]
  const cells = [
    first!.plural,
    first!.kind,
    versions.map(({ version }, index) => (index === 0 ? `**${version}**` : version)).join(', '),
    first!.namespaced ? 'namespace' : 'cluster',
    names.join(', '),
    main!.verbs.length === allVerbs ? 'all' : main!.verbs.join(', '),
    parts.map(({ subresource }) => subresource).join(', '),
    [isKeptOnly(first!) ? 'kept' : '', first!.deprecation ? 'deprecated' : ''].filter(Boolean).join(', '),
  ]
  return `| ${cells.join(' | ')} |`.replaceAll(/ +\|/g, ' |')
}

/** What a kind itself says to whoever creates one. */
function isKeptOnly(kind: Kind<any>): boolean {
  const draft: any = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name: 'it' } }
  try {
    kind.defaults?.(draft)
    return kind.warnings?.(draft, undefined).some(text => text.includes('no controller acts on them yet')) ?? false
  } catch {
    return false
  }
}

function missing(kinds: readonly Kind<any>[]): string[] {
  const bodies = kinds.flatMap(kind =>
    resourcesOf(kind).map(({ body }) => `${body.group}/${body.version}/${body.kind}`),
  )
  const served = new Set(bodies)
  const { kinds: known } = JSON.parse(shapes) as { kinds: Record<string, string> }
  const absent = Object.keys(known)
    .map(name => name.split('/') as [group: string, version: string, kind: string])
    .filter(([, version, kind]) => /^v\d+(beta\d+)?$/.test(version) && !kind.endsWith('List'))
    .filter(([group, version, kind]) => !served.has(`${group}/${version}/${kind}`) && !bodiesOnly.includes(kind))
    .map(([group, version, kind]) => `${kind} (\`${group === '' ? version : `${group}/${version}`}\`)`)
    .sort()
  const parts = kinds.flatMap(kind => {
    const there = resourcesOf(kind).map(({ subresource }) => subresource as string)
    const upstream = kind.group === '' ? (subresourcesUpstream[kind.plural] ?? []) : []
    return upstream.filter(each => !there.includes(each)).map(each => `\`${kind.plural}/${each}\``)
  })
  const list = (items: readonly string[]) => (items.length === 0 ? 'none' : items.join(', '))
  return [
    `- Kinds: ${list(absent)}.`,
    `- Subresources: ${list(parts)}.`,
    '- Alpha versions, and fields behind gates that are off by default ([kinds.md](kinds.md)).',
  ]
}

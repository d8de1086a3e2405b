// A definition's served versions as kinds: what the registry, discovery, OpenAPI and tables take of a built-in kind, made of
// what the definition says. Called by custom-resources.ts whenever a definition changes. Schemas are compiled when the first
// object comes. Rules: apiextensions-apiserver pkg/registry/customresource/strategy.go, pkg/apiserver/customresource_handler.go.

import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../../generated/types.ts'
import { freeze, draft as thaw } from '../../src/api/freeze.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { qualifiedNameFaults } from '../../src/api/names.ts'
import { type CustomShape, defineKind, type Kind, type Subresource } from '../../src/kinds/kind.ts'
import { kubeVersionOrder } from '../../src/kinds/version-order.ts'
import type { Conversion } from './conversion.ts'
import type { CustomSchema } from './custom-schema.ts'
import { simplePath, valueAt } from './field-values.ts'
import { printerColumns } from './printer-columns.ts'
import { scaleFaults, scaleRulesOf } from './scale.ts'
import type { Schemas } from './schema-loader.ts'

type Crd = Frozen<CustomResourceDefinition>
type Version = Frozen<CustomResourceDefinitionVersion>

export interface CustomKinds {
  readonly served: readonly Kind<any>[]
  /** Set when the definition is being deleted: nothing new is made from then on. */
  isEnding: boolean
}

export function customKinds(crd: Crd, conversion: Conversion, compile: Schemas['compile']): CustomKinds {
  const forms = new Map(
    crd.spec.versions.map(version => [`${crd.spec.group}/${version.name}`, formOf(version, compile)]),
  )
  const kinds = { served: [] as Kind<any>[], isEnding: crd.metadata.deletionTimestamp !== undefined }
  for (const version of crd.spec.versions) {
    if (version.served) kinds.served.push(customKind(crd, version, forms, conversion, () => kinds.isEnding))
  }
  return kinds
}

/** Of objects in one version. */
interface Form {
  readonly schema: () => CustomSchema
  /** As the schema has it now: without what it does not know, with its defaults. The object itself when it is so already. */
  complete(object: Frozen<KubeObject>): Frozen<KubeObject>
  /** Known to be complete: written since the definition is as it is. */
  readonly fresh: WeakSet<object>
}

function formOf(version: Version, compile: Schemas['compile']): Form {
  let compiled: CustomSchema | undefined
  const schema = (): CustomSchema => {
    compiled ??= compile(version.schema?.openAPIV3Schema)
    return compiled
  }
  const fresh = new WeakSet<object>()
  const completed = new WeakMap<object, Frozen<KubeObject>>()
  return {
    schema,
    fresh,
    complete(object) {
      if (fresh.has(object)) return object
      const known = completed.get(object)
      if (known !== undefined) return known
      const draft = thaw(object) as KubeObject & Record<string, unknown>
      schema().prune(draft)
      schema().defaults(draft)
      if (!jsonEqual(draft, object)) {
        const made = freeze(draft) as Frozen<KubeObject>
        completed.set(object, made)
        return made
      }
      fresh.add(object)
      return object
    },
  }
}

function customKind(
  crd: Crd,
  version: Version,
  forms: ReadonlyMap<string, Form>,
  conversion: Conversion,
  isEnding: () => boolean,
): Kind<any> {
  const { group, scope } = crd.spec
  const names = crd.status.acceptedNames ?? crd.spec.names
  const apiVersion = `${group}/${version.name}`
  const storage = crd.spec.versions.find(each => each.storage)?.name ?? version.name
  const { scale, status } = version.subresources ?? {}
  const subresources: Subresource[] = [...(status ? (['status'] as const) : []), ...(scale ? (['scale'] as const) : [])]
  const { schema } = forms.get(apiVersion)!
  const selectable = (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath.replace(/^\./, ''))
  return defineKind<KubeObject>({
    group,
    version: version.name,
    kind: names.kind,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    ...(names.shortNames ? { shortNames: names.shortNames } : {}),
    ...(names.categories ? { categories: names.categories } : {}),
    namespaced: scope === 'Namespaced',
    unconditionalUpdate: false,
    subresources,
    ...(scale ? { scale: scaleRulesOf(scale) } : {}),
    columns: printerColumns(version.additionalPrinterColumns),
    ...(selectable.length > 0 ? { fields: selectableValues(selectable) } : {}),
    ...(version.deprecated ? { deprecation: deprecationOf(crd, version) } : {}),
    custom: shapeOf(crd, version, `${group}/${storage}`, forms, conversion, isEnding, selectable),
    defaults: draft => schema().defaults(draft),
    prepare(draft, old) {
      if (old === undefined && status) delete (draft as unknown as Record<string, unknown>).status
    },
    validate: (next, old, { subresource }) => [
      ...(subresource === 'status' ? schema().validateStatus(next, old) : schema().validate(next, old)),
      ...(scale ? scaleFaults(scale, next, subresource === 'status') : []),
    ],
    warnings: (next, old) => [...schema().warnings(next), ...finalizerWarnings(next, old)],
  })
}

function shapeOf(
  { spec, status }: Crd,
  { name, schema }: Version,
  storedVersion: string,
  forms: ReadonlyMap<string, Form>,
  conversion: Conversion,
  isEnding: () => boolean,
  selectableFields: readonly string[],
): CustomShape {
  const apiVersion = `${spec.group}/${name}`
  const names = status.acceptedNames ?? spec.names
  const own = forms.get(apiVersion)!
  const stored = forms.get(storedVersion) ?? own
  return {
    definition: definitionName(spec.group, name, names.kind),
    listKind: names.listKind ?? `${names.kind}List`,
    schema: schema?.openAPIV3Schema,
    storedVersion,
    selectableFields,
    get isEnding() {
      return isEnding()
    },
    isConvertedOutside: conversion.isOutside,
    node: () => own.schema().node,
    prune: body => own.schema().prune(body),
    fromStored(object) {
      if (object.apiVersion === apiVersion) return own.complete(object)
      const before = forms.get(object.apiVersion)?.complete(object) ?? object
      return own.complete(conversion.convert(before, apiVersion))
    },
    toStored(draft) {
      if (storedVersion === apiVersion) {
        own.fresh.add(draft)
        return draft
      }
      const converted = thaw(conversion.convert(draft as Frozen<KubeObject>, storedVersion)) as KubeObject
      stored.schema().prune(converted as KubeObject & Record<string, unknown>)
      return converted
    },
  }
}

/** `com.example.stable.v1.CronTab` (pkg/controller/openapi/builder/builder.go). */
export function definitionName(group: string, version: string, kind: string): string {
  return `${group.split('.').reverse().join('.')}.${version}.${kind}`
}

function selectableValues(paths: readonly string[]) {
  return Object.fromEntries(
    paths.map(path => {
      const steps = simplePath(path)
      return [path, (object: Frozen<KubeObject>) => String(valueAt(object, steps) ?? '')] as const
    }),
  )
}

function deprecationOf({ spec }: Crd, version: Version): string {
  if (version.deprecationWarning !== undefined) return version.deprecationWarning
  const { kind } = spec.names
  const [better] = spec.versions
    .filter(({ name, served, deprecated }) => served && !deprecated && kubeVersionOrder(name, version.name) < 0)
    .map(({ name }) => name)
    .sort(kubeVersionOrder)
  const instead = better === undefined ? '' : `; use ${spec.group}/${better} ${kind}`
  return `${spec.group}/${version.name} ${kind} is deprecated${instead}`
}

const standardFinalizers = ['orphan', 'foregroundDeletion', 'kubernetes']

/** Of custom objects every finalizer is taken, some with a word about their names (customresource/validator.go). */
function finalizerWarnings(next: Frozen<KubeObject>, old: Frozen<KubeObject> | undefined): string[] {
  const added = (next.metadata.finalizers ?? []).filter(name => !old?.metadata.finalizers?.includes(name))
  return [...new Set(added)].sort().flatMap(name => {
    const at = `metadata.finalizers: ${JSON.stringify(name)}`
    const warnings = qualifiedNameFaults(name).map(why => `${at}: ${why}`)
    if (!name.includes('/') && !standardFinalizers.includes(name)) {
      const path = name.includes('.') ? ' including a path (/)' : ''
      warnings.push(
        `${at}: prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`,
      )
    }
    return warnings
  })
}

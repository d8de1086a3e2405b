// Whether a policy's expressions fit the types of what they are for: the kinds that its rules name, and that of its parameters.
// Told, never refused. Handed to the controller by src/policy-type-checking.ts, which loads this for the first policy.
// Upstream: k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go, pkg/admission/plugin/cel/{compile,composition}.go.

import type { CustomResourceDefinition, ExpressionWarning, ValidatingAdmissionPolicy } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Kind } from '../src/kinds/kind.ts'
import { definitionNode, type SchemaNode, schemaNodeOf } from '../src/kinds/schemas.ts'
import type { Cel, CelObject, CelType } from './cel/cel.ts'
import { celTypeOf, escaped, type Reach, reachOf } from './custom/cel-types.ts'

type Policy = Frozen<ValidatingAdmissionPolicy>
type Definitions = readonly Frozen<CustomResourceDefinition>[]

/** A type that can be looked up: what a server serves, built in or by a definition. */
interface Served {
  readonly group: string
  readonly version: string
  readonly kind: string
  typeFor(reach: Reach): CelType
}

const mostTypes = 10

/** Of validations and their messages, in their order; a text has a paragraph for each kind for which something is wrong. */
export function typeWarnings(
  cel: Cel,
  kinds: readonly Kind<any>[],
  policy: Policy,
  definitions: Definitions,
): ExpressionWarning[] {
  const checked = kindsToCheck(kinds, policy, definitions)
  const params = paramsOf(kinds, policy, definitions)
  const found: ExpressionWarning[] = []
  const note = (fieldRef: string, expression: string | undefined): void => {
    if (!expression) return
    const texts = checked.flatMap(served => {
      const faults = faultsOf(cel, policy, served, params, expression)
      return faults === undefined ? [] : [`${wordOf(served)}: ${faults}\n`]
    })
    if (texts.length > 0) found.push({ fieldRef, warning: texts.join('\n') })
  }
  for (const [index, { expression, messageExpression }] of (policy.spec.validations ?? []).entries()) {
    note(`spec.validations[${index}].expression`, expression)
    note(`spec.validations[${index}].messageExpression`, messageExpression)
  }
  return found
}

/** As Go's GroupVersionKind prints itself. */
const wordOf = ({ group, version, kind }: Served): string => `${group}/${version}, Kind=${kind}`

/** Variables come one after another; one that is wrong itself is of any type, and not spoken of. */
function faultsOf(
  cel: Cel,
  { spec }: Policy,
  served: Served,
  params: Served | 'unknown' | undefined,
  expression: string,
): string | undefined {
  const defined = spec.variables ?? []
  const reach = reachOf([...defined.map(each => each.expression), expression].join(' '))
  const object = served.typeFor(reach)
  const known: Record<string, CelType> = {
    object,
    oldObject: object,
    request: requestType,
    namespaceObject: namespaceType,
    authorizer: 'kubernetes.authorization.Authorizer',
    ...(params === undefined ? {} : { params: params === 'unknown' ? 'dyn' : params.typeFor(reach) }),
  }
  const fields: Record<string, CelType> = {}
  const variables = (): Record<string, CelType> => ({
    ...known,
    variables: { name: 'kubernetes.variables', fields: { ...fields } },
  })
  for (const { name, expression: text } of defined) {
    const { faults, type } = cel.check(text, variables())
    fields[name] = faults === undefined ? type : 'dyn'
  }
  return cel.check(expression, variables()).faults
}

/** No wildcards and no subresources; in the order of group, version and kind. */
function kindsToCheck(kinds: readonly Kind<any>[], { spec }: Policy, definitions: Definitions): Served[] {
  const found = new Map<string, Served>()
  const sorted = (list: readonly string[] | undefined): string[] => [...(list ?? [])].sort()
  for (const { apiGroups, apiVersions, resources } of spec.matchConstraints?.resourceRules ?? []) {
    const [groups, versions] = [sorted(apiGroups), sorted(apiVersions)]
    if ([...groups, ...versions].some(name => name.includes('*'))) continue
    const plurals = sorted(resources).filter(name => !/[*/]/.test(name))
    let count = 0
    for (const group of groups) {
      for (const version of versions) {
        for (const plural of plurals) {
          const served = servedAs(kinds, definitions, group, version, each => each.plural === plural)
          if (served === undefined) continue
          found.set(wordOf(served), served)
          if (++count === mostTypes) return inOrder(found)
        }
      }
    }
  }
  return inOrder(found)
}

function inOrder(found: ReadonlyMap<string, Served>): Served[] {
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  return [...found.values()].sort(
    (a, b) => compare(a.group, b.group) || compare(a.version, b.version) || compare(a.kind, b.kind),
  )
}

/** Of a kind that nobody knows it may be anything. */
function paramsOf(
  kinds: readonly Kind<any>[],
  { spec: { paramKind } }: Policy,
  definitions: Definitions,
): Served | 'unknown' | undefined {
  if (paramKind === undefined) return undefined
  const { apiVersion = '', kind } = paramKind
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/', 2) : ['', apiVersion]
  return servedAs(kinds, definitions, group!, version!, each => each.kind === kind) ?? 'unknown'
}

function servedAs(
  kinds: readonly Kind<any>[],
  definitions: Definitions,
  group: string,
  version: string,
  isMeant: (names: { readonly plural: string; readonly kind: string }) => boolean,
): Served | undefined {
  const builtin = kinds.find(each => each.group === group && each.version === version && isMeant(each))
  const node = builtin && schemaNodeOf(builtin)
  if (builtin !== undefined && node !== undefined) {
    const { kind } = builtin
    return { group, version, kind, typeFor: reach => nodeType(node, reach, kind, []) }
  }
  for (const { spec, status } of definitions) {
    if (spec.group !== group || !isMeant(spec.names)) continue
    if (!status.conditions?.some(each => each.type === 'Established' && each.status === 'True')) continue
    const found = spec.versions.find(({ name, served }) => name === version && served)
    if (found === undefined) continue
    const { kind } = spec.names
    const schema = found.schema?.openAPIV3Schema ?? { type: 'object' }
    return {
      group,
      version,
      kind,
      typeFor(reach) {
        const type = celTypeOf(schema, true, reach, kind) as CelObject | undefined
        const metadata = nodeType(definitionNode(metaDefinition)!, deeper(reach), `${kind}.metadata`, [])
        return { name: kind, fields: { ...type?.fields, metadata } }
      },
    }
  }
  return undefined
}

const metaDefinition = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'
const deeper = (reach: Reach): Reach => ({ ...reach, depth: reach.depth - 1 })

/** `above`: what it is in; a type that holds itself is, there, an object of which nothing is known (resolver/refs.go, PopulateRefs). */
function nodeType(node: SchemaNode, reach: Reach, name: string, above: readonly string[]): CelType {
  switch (node.kind) {
    case 'list':
      return { list: nodeType(node.items()!, reach, `${name}.items`, above) }
    case 'map':
      return { map: nodeType(node.values()!, reach, `${name}.values`, above) }
    case 'struct': {
      const { definition = name } = node
      const fields: Record<string, CelType> = {}
      if (reach.depth > 0 && !above.includes(definition)) {
        for (const field of node.fieldNames()) {
          // A word that CEL keeps for itself may be said as it is, too.
          for (const word of new Set([field, escaped(field)])) {
            if (word === undefined || !reach.words.has(word)) continue
            fields[word] = nodeType(node.field(field)!, deeper(reach), `${name}.${field}`, [...above, definition])
          }
        }
      }
      return { name, fields }
    }
    case 'scalar':
      return scalarTypes[node.scalar!] ?? 'dyn'
    default:
      return 'dyn'
  }
}

/** Absent: may be of several types. */
const scalarTypes: Readonly<Partial<Record<NonNullable<SchemaNode['scalar']>, CelType>>> = {
  string: 'string',
  boolean: 'bool',
  int32: 'int',
  int64: 'int',
  double: 'double',
  time: 'google.protobuf.Timestamp',
  microTime: 'google.protobuf.Timestamp',
  bytes: 'bytes',
}

const texts: CelType = { list: 'string' }
const kindType: CelType = {
  name: 'kubernetes.GroupVersionKind',
  fields: { group: 'string', version: 'string', kind: 'string' },
}
const resourceType: CelType = {
  name: 'kubernetes.GroupVersionResource',
  fields: { group: 'string', version: 'string', resource: 'string' },
}

const requestType: CelType = {
  name: 'kubernetes.AdmissionRequest',
  fields: {
    kind: kindType,
    resource: resourceType,
    subResource: 'string',
    requestKind: kindType,
    requestResource: resourceType,
    requestSubResource: 'string',
    name: 'string',
    namespace: 'string',
    operation: 'string',
    userInfo: {
      name: 'kubernetes.UserInfo',
      fields: { username: 'string', uid: 'string', groups: texts, extra: { map: texts } },
    },
    dryRun: 'bool',
    options: 'dyn',
  },
}

const namespaceType: CelType = {
  name: 'kubernetes.Namespace',
  fields: {
    metadata: {
      name: 'kubernetes.NamespaceMetadata',
      fields: {
        name: 'string',
        generateName: 'string',
        namespace: 'string',
        labels: { map: 'string' },
        annotations: { map: 'string' },
        UID: 'string',
        creationTimestamp: 'google.protobuf.Timestamp',
        deletionGracePeriodSeconds: 'int',
        deletionTimestamp: 'google.protobuf.Timestamp',
        generation: 'int',
        resourceVersion: 'string',
        finalizers: texts,
      },
    },
    spec: { name: 'kubernetes.NamespaceSpec', fields: { finalizers: texts } },
    status: {
      name: 'kubernetes.NamespaceStatus',
      fields: {
        conditions: {
          list: {
            name: 'kubernetes.NamespaceCondition',
            fields: {
              status: 'string',
              type: 'string',
              lastTransitionTime: 'google.protobuf.Timestamp',
              message: 'string',
              reason: 'string',
            },
          },
        },
        phase: 'string',
      },
    },
  },
}

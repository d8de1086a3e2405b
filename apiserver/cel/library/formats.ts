// Named formats: `format.dns1123Label().validate(name)` is none when the name is one, else a list of what is wrong.
// Upstream: k8s.io/apiserver/pkg/cel/library/format.go.

import { Environment } from '@marcbachmann/cel-js'
import {
  dns1035LabelFaults,
  dns1123LabelFaults,
  dns1123SubdomainFaults,
  labelValueFaults,
  maskTrailingDash,
  qualifiedNameFaults,
} from '../../../src/api/names.ts'

type Rule = (text: string) => readonly string[]

export class Format {
  readonly rule: Rule

  constructor(rule: Rule) {
    this.rule = rule
  }
}

class FormatNamespace {}

const matching =
  (pattern: RegExp, sentence: string): Rule =>
  text =>
    pattern.test(text) ? [] : [sentence]

const formats: Readonly<Record<string, Rule>> = {
  dns1123Label: dns1123LabelFaults,
  dns1123LabelPrefix: text => dns1123LabelFaults(maskTrailingDash(text)),
  dns1123Subdomain: dns1123SubdomainFaults,
  dns1123SubdomainPrefix: text => dns1123SubdomainFaults(maskTrailingDash(text)),
  dns1035Label: dns1035LabelFaults,
  dns1035LabelPrefix: text => dns1035LabelFaults(maskTrailingDash(text)),
  qualifiedName: qualifiedNameFaults,
  labelValue: labelValueFaults,
  uuid: matching(
    /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i,
    'does not match the UUID format',
  ),
  byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'invalid base64'),
  date: text => (isDate(text) ? [] : ['invalid date']),
  datetime: text => (isDateTime(text) ? [] : ['invalid datetime']),
  uri: text => (URL.canParse(text) || /^\/[^\s]*$/.test(text) ? [] : ['invalid URI']),
}

export function registerFormats(environment: Environment): void {
  const type = 'kubernetes.NamedFormat'
  const namespace = 'kubernetes.FormatNamespace'
  const made = new Map(Object.entries(formats).map(([name, rule]) => [name, new Format(rule)]))
  environment
    .registerType(type, Format)
    .registerType(namespace, FormatNamespace)
    .registerConstant('format', namespace, new FormatNamespace())
    .registerFunction(`${namespace}.named(string): optional<${type}>`, (_: unknown, name: string) =>
      optional(made.get(name)),
    )
    .registerFunction(`${type}.validate(string): optional<list<string>>`, (format: Format, text: string) => {
      const faults = format.rule(text)
      return optional(faults.length > 0 ? [...faults] : undefined)
    })
  for (const [name, format] of made) environment.registerFunction(`${namespace}.${name}(): ${type}`, () => format)

  // The library makes optionals only in expressions.
  const maker = new Environment({ enableOptionalTypes: true, unlistedVariablesAreDyn: true }).registerType(type, Format)
  const some = maker.parse('optional.of(value)')
  const none = maker.parse('optional.none()')({}) as unknown
  function optional(value: unknown): unknown {
    return value === undefined ? none : some({ value })
  }
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const time = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

function isDateTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text) && isDate(text.slice(0, 10))
}

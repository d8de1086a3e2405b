// What names, label keys, values, ports and keys may look like. Called by the kinds' validation and by the registry.
// Each `…Faults` function gives upstream's sentences (k8s.io/apimachinery/pkg/util/validation/validation.go and
// pkg/api/validate/content/*.go), none when all is well; on success nothing is allocated.

import { type FieldError, invalidValue, tooLong } from './errors.ts'

type Faults = readonly string[]
const none: Faults = Object.freeze([])

const labelFormat = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomainFormat = `${labelFormat}(\\.${labelFormat})*`
const dns1035Format = '[a-z]([-a-z0-9]*[a-z0-9])?'
const keyFormat = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const valueFormat = `(${keyFormat})?`
const wildcardFormat = `\\*\\.${subdomainFormat}`
const variableFormat = '[-._a-zA-Z][-._a-zA-Z0-9]*'
const configKeyFormat = '[-._a-zA-Z0-9]+'
const percentFormat = '[0-9]+%'
const headerFormat = '[-A-Za-z0-9]+'
const identifierFormat = '[A-Za-z_][A-Za-z0-9_]*'

const whole = (format: string): RegExp => new RegExp(`^${format}$`)
const label = whole(labelFormat)
const subdomain = whole(subdomainFormat)
const dns1035 = whole(dns1035Format)
const key = whole(keyFormat)
const value = whole(valueFormat)
const wildcard = whole(wildcardFormat)
const variable = whole(variableFormat)
const configKey = whole(configKeyFormat)
const percent = whole(percentFormat)
const header = whole(headerFormat)
const identifier = whole(identifierFormat)

/** A DNS label (RFC 1123): namespaces, container names. */
export function dns1123LabelFaults(text: string): Faults {
  if (text.length <= 63 && label.test(text)) return none
  const faults = text.length > 63 ? [noMoreCharacters(63)] : []
  if (!label.test(text)) {
    faults.push(
      subdomain.test(text)
        ? 'must not contain dots'
        : badForm(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            labelFormat,
            'my-name',
            '123-abc',
          ),
    )
  }
  return faults
}

/** A DNS subdomain (RFC 1123): the names of most objects. */
export function dns1123SubdomainFaults(text: string): Faults {
  return subdomainFaults(text, noMoreCharacters)
}

function subdomainFaults(text: string, noMore: (limit: number) => string): Faults {
  if (text.length <= 253 && subdomain.test(text)) return none
  const faults = text.length > 253 ? [noMore(253)] : []
  if (!subdomain.test(text)) {
    faults.push(
      badForm(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        subdomainFormat,
        'example.com',
      ),
    )
  }
  return faults
}

/** A DNS label that begins with a letter (RFC 1035): Services. */
export function dns1035LabelFaults(text: string): Faults {
  if (text.length <= 63 && dns1035.test(text)) return none
  const faults = text.length > 63 ? [noMoreCharacters(63)] : []
  if (!dns1035.test(text)) {
    faults.push(
      badForm(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        dns1035Format,
        'my-name',
        'abc-123',
      ),
    )
  }
  return faults
}

/** `*.example.com`, as an Ingress host may be. */
export function wildcardSubdomainFaults(text: string): Faults {
  if (text.length <= 253 && wildcard.test(text)) return none
  const faults = text.length > 253 ? [noMoreCharacters(253)] : []
  if (!wildcard.test(text)) {
    faults.push(
      badForm(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
        wildcardFormat,
        '*.example.com',
      ),
    )
  }
  return faults
}

const keySentence =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"

/** An optional DNS subdomain and a slash, then a name: label keys, annotation keys, finalizers, extended resources. */
export function qualifiedNameFaults(text: string): Faults {
  const slash = text.indexOf('/')
  const name = slash < 0 ? text : text.slice(slash + 1)
  if (
    name.length <= 63 &&
    key.test(name) &&
    (slash < 0 || (slash > 0 && slash <= 253 && subdomain.test(text.slice(0, slash))))
  ) {
    return none
  }
  if (name.includes('/')) {
    const form = badForm(keySentence, keyFormat, 'MyName', 'my.name', '123-abc')
    return [`a valid label key ${form} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  }
  const faults: string[] = []
  if (slash === 0) faults.push('prefix part must be non-empty')
  else if (slash > 0) {
    for (const fault of subdomainFaults(text.slice(0, slash), noMoreBytes)) faults.push(`prefix part ${fault}`)
  }
  if (name === '') faults.push('name part must be non-empty')
  else if (name.length > 63) faults.push(`name part ${noMoreBytes(63)}`)
  if (!key.test(name)) faults.push(`name part ${badForm(keySentence, keyFormat, 'MyName', 'my.name', '123-abc')}`)
  return faults
}

export function labelValueFaults(text: string): Faults {
  if (text.length <= 63 && value.test(text)) return none
  const faults = text.length > 63 ? [noMoreBytes(63)] : []
  if (!value.test(text)) {
    faults.push(
      badForm(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        valueFormat,
        'MyValue',
        'my_value',
        '12345',
      ),
    )
  }
  return faults
}

/** A key of a ConfigMap or Secret. */
export function configKeyFaults(text: string): Faults {
  if (text.length <= 253 && configKey.test(text) && !text.startsWith('.')) return none
  const faults = text.length > 253 ? [noMoreCharacters(253)] : []
  if (!configKey.test(text)) {
    faults.push(
      badForm(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        configKeyFormat,
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    )
  }
  faults.push(...upwardsFaults(text))
  return faults.length === 0 ? none : faults
}

/** The strict rule; since 1.30 env names of pods follow `relaxedVariableNameFaults`. */
export function variableNameFaults(text: string): Faults {
  const faults: string[] = []
  if (!variable.test(text)) {
    faults.push(
      badForm(
        "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
        variableFormat,
        'my.env-name',
        'MY_ENV.NAME',
        'MyEnvName1',
      ),
    )
  }
  faults.push(...upwardsFaults(text))
  return faults.length === 0 ? none : faults
}

const printable = /^[ -<>-~]*$/

export function relaxedVariableNameFaults(text: string): Faults {
  if (text === '') return ['environment variable name must be non-empty']
  if (printable.test(text)) return none
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

function upwardsFaults(text: string): Faults {
  if (text === '.') return ["must not be '.'"]
  if (text === '..') return ["must not be '..'"]
  return text.startsWith('..') ? ["must not start with '..'"] : none
}

export function portNumberFaults(port: number): Faults {
  return Number.isInteger(port) && port >= 1 && port <= 65535 ? none : [between(1, 65535)]
}

const portCharacters = /^[-a-z0-9]+$/
const aLetter = /[a-z]/

/** A name of a port (RFC 6335, lower case): at most 15 characters, at least one of them a letter. */
export function portNameFaults(text: string): Faults {
  const faults: string[] = []
  if (text.length > 15) faults.push(noMoreCharacters(15))
  if (!portCharacters.test(text)) {
    faults.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  }
  if (!aLetter.test(text)) faults.push('must contain at least one letter (a-z)')
  if (text.includes('--')) faults.push('must not contain consecutive hyphens')
  if (text.startsWith('-') || text.endsWith('-')) faults.push('must not begin or end with a hyphen')
  return faults.length === 0 ? none : faults
}

export function percentFaults(text: string): Faults {
  if (percent.test(text)) return none
  return [
    badForm("a valid percent string must be a numeric string followed by an ending '%'", percentFormat, '1%', '93%'),
  ]
}

export function headerNameFaults(text: string): Faults {
  if (header.test(text)) return none
  return [badForm("a valid HTTP header must consist of alphanumeric characters or '-'", headerFormat, 'X-Header-Name')]
}

export function cIdentifierFaults(text: string): Faults {
  if (identifier.test(text)) return none
  return [
    badForm(
      "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
      identifierFormat,
      'my_name',
      'MY_NAME',
      'MyName',
    ),
  ]
}

/** A name that is safe in a URL path and a storage key, as upstream asks of every name. */
export function pathSegmentFaults(text: string): Faults {
  if (text === '.' || text === '..') return [`may not be '${text}'`]
  const faults: string[] = []
  if (text.includes('/')) faults.push("may not contain '/'")
  if (text.includes('%')) faults.push("may not contain '%'")
  return faults.length === 0 ? none : faults
}

/** A `generateName` may end in a dash, since a suffix follows; this is the name to judge in its stead (validation.maskTrailingDash). */
export function maskTrailingDash(text: string): string {
  return text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text
}

/** Faults of an object's labels (or a selector's matchLabels), at the path given. */
export function labelFaults(labels: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  const faults: FieldError[] = []
  if (labels === undefined) return faults
  for (const name of Object.keys(labels)) {
    for (const fault of qualifiedNameFaults(name)) faults.push(invalidValue(path, name, fault))
    const text = labels[name]!
    for (const fault of labelValueFaults(text)) faults.push(invalidValue(path, text, fault))
  }
  return faults
}

const annotationLimit = 256 * 1024

/** Keys as of labels, in any case; all keys and values together at most 256 KiB (validation.ValidateAnnotations). */
export function annotationFaults(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldError[] {
  const faults: FieldError[] = []
  if (annotations === undefined) return faults
  let length = 0
  for (const name of Object.keys(annotations)) {
    length += name.length + annotations[name]!.length
    for (const fault of qualifiedNameFaults(name.toLowerCase())) faults.push(invalidValue(path, name, fault))
  }
  // A character is at most three bytes of UTF-8 for each unit of a string's length: bytes are counted only when it matters.
  if (length * 3 > annotationLimit && bytesOf(annotations) > annotationLimit)
    faults.push(tooLong(path, annotationLimit))
  return faults
}

function bytesOf(annotations: Readonly<Record<string, string>>): number {
  let bytes = 0
  for (const name of Object.keys(annotations)) bytes += utf8Length(name) + utf8Length(annotations[name]!)
  return bytes
}

function utf8Length(text: string): number {
  let bytes = 0
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    // Each half of a surrogate pair stands for two of the pair's four bytes.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3
  }
  return bytes
}

// Upstream's two copies of this sentence differ: names count characters, label keys and values bytes (1.36).
function noMoreCharacters(limit: number): string {
  return `must be no more than ${limit} characters`
}
function noMoreBytes(limit: number): string {
  return `must be no more than ${limit} bytes`
}

export function between(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`
}

function badForm(sentence: string, format: string, ...examples: string[]): string {
  const shown = examples.map(example => `'${example}', `).join(' or ')
  return `${sentence} (e.g. ${shown}regex used for validation is '${format}')`
}

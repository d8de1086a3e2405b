// Field selectors: parsed from the text of a request, asked of the fields that a kind offers, printed. Called by the
// registry. Grammar and errors as in k8s.io/apimachinery/pkg/fields/selector.go and the server's field label conversion.

import { badRequest } from './errors.ts'

export interface FieldRequirement {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

export interface FieldSelector {
  readonly requirements: readonly FieldRequirement[]
  /** Matches everything: there is nothing to filter by. */
  readonly isEmpty: boolean
  /** A field that an object does not have counts as the empty text. */
  matches(valueAt: (field: string) => string | undefined): boolean
  /** The value that a field must have, if one is asked for. */
  exactly(field: string): string | undefined
  toString(): string
}

/** `metadata.name=web,status.phase!=Running`. Throws ApiError BadRequest in the words of a real server. */
export function parseFieldSelector(text: string): FieldSelector {
  if (text === '') return everyField
  const requirements: FieldRequirement[] = []
  for (const term of terms(text).sort()) {
    if (term === '') continue
    const parts = parseTerm(term)
    if (parts === undefined) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`)
    // Upstream drops a term without field and value, so that `=` selects everything.
    if (parts.field !== '' || parts.value !== '') requirements.push(parts)
  }
  return new FieldRequirements(requirements)
}

/** Refuses a field that a kind does not offer, as upstream does for kinds with fields of their own, and for those without. */
export function checkFields(selector: FieldSelector, offered: Readonly<Record<string, unknown>> | undefined): void {
  for (const { field } of selector.requirements) {
    if (field === 'metadata.name' || field === 'metadata.namespace') continue
    if (offered !== undefined && Object.hasOwn(offered, field)) continue
    throw badRequest(
      offered === undefined
        ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
        : `field label not supported: ${field}`,
    )
  }
}

class FieldRequirements implements FieldSelector {
  readonly requirements: readonly FieldRequirement[]

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements
  }

  get isEmpty(): boolean {
    return this.requirements.length === 0
  }

  matches(valueAt: (field: string) => string | undefined): boolean {
    for (const { field, operator, value } of this.requirements) {
      if (((valueAt(field) ?? '') === value) !== (operator === '=')) return false
    }
    return true
  }

  exactly(field: string): string | undefined {
    return this.requirements.find(each => each.field === field && each.operator === '=')?.value
  }

  toString(): string {
    return this.requirements.map(({ field, operator, value }) => `${field}${operator}${escaped(value)}`).join(',')
  }
}

export const everyField: FieldSelector = Object.freeze(new FieldRequirements(Object.freeze([])))

/** Parts between commas that no backslash protects. */
function terms(text: string): string[] {
  const found: string[] = []
  let start = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === ',') {
      found.push(text.slice(start, at))
      start = at + 1
    }
  }
  found.push(text.slice(start))
  return found
}

function parseTerm(term: string): FieldRequirement | undefined {
  for (let at = 0; at < term.length; at++) {
    const operator = term.startsWith('!=', at) ? '!=' : term.startsWith('==', at) ? '==' : term[at] === '=' ? '=' : ''
    if (operator === '') continue
    const value = unescaped(term.slice(at + operator.length))
    return { field: term.slice(0, at), operator: operator === '!=' ? '!=' : '=', value }
  }
  return undefined
}

const escaped = (value: string): string => value.replace(/[\\,=]/g, '\\$&')

function unescaped(text: string): string {
  let value = ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (char === '\\') {
      const next = text[++at] ?? ''
      if (next !== '\\' && next !== ',' && next !== '=') {
        throw badRequest(`invalid field selector: invalid escape sequence: \\${next}`)
      }
      value += next
    } else if (char === ',' || char === '=') {
      // Upstream prints the rune's number.
      throw badRequest(`invalid field selector: unescaped character in value: ${char.charCodeAt(0)}`)
    } else {
      value += char
    }
  }
  return value
}

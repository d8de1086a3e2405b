// What a client will take, by its Accept header: which of the forms that a handler has is the one to answer in.
// Called by discovery.ts and openapi.ts.

export interface MediaType {
  /** `application/json`, in small letters. */
  readonly type: string
  readonly parameters: Readonly<Record<string, string>>
}

/** In the order of the client's wishes: by q, then as written. An absent header takes anything. */
export function acceptedTypes(accept: string | undefined): MediaType[] {
  const text = accept?.trim() ? accept : '*/*'
  const clauses = text.split(',').flatMap((clause, index) => {
    const [type = '', ...rest] = clause.split(';').map(part => part.trim())
    if (type === '') return []
    const parameters: Record<string, string> = {}
    for (const part of rest) {
      const equals = part.indexOf('=')
      if (equals > 0) parameters[part.slice(0, equals).toLowerCase()] = part.slice(equals + 1).replace(/^"(.*)"$/, '$1')
    }
    const q = Number(parameters.q ?? 1)
    return q > 0 ? [{ type: type.toLowerCase(), parameters, q, index }] : []
  })
  return clauses.sort((one, other) => other.q - one.q || one.index - other.index)
}

/** The first form that the client takes; `matches` may look at parameters. Undefined: none (406). */
export function chooseForm<Form extends { readonly type: string }>(
  accept: string | undefined,
  forms: readonly Form[],
  matches: (form: Form, clause: MediaType) => boolean = () => true,
): Form | undefined {
  for (const clause of acceptedTypes(accept)) {
    const form = forms.find(each => covers(clause.type, each.type) && matches(each, clause))
    if (form !== undefined) return form
  }
  return undefined
}

function covers(wished: string, type: string): boolean {
  if (wished === type || wished === '*/*') return true
  return wished.endsWith('/*') && type.startsWith(wished.slice(0, -1))
}

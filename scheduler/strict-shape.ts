// Whether a value that stood in a file has the fields and types that it may have. Called by configuration.ts for the file
// and the arguments in it; every problem is found, each with its path, in the words of upstream's strict decoder.

export type Shape = 'string' | 'number' | 'boolean' | 'any' | readonly [Shape] | { readonly [field: string]: Shape }

export function strictly(value: unknown, shape: Shape, path: string): string[] {
  const problems: string[] = []
  check(value, shape, path, problems)
  return problems
}

function check(value: unknown, shape: Shape, path: string, problems: string[]): void {
  if (shape === 'any' || value === undefined || value === null) return
  if (typeof shape === 'string') {
    const isRight = shape === 'number' ? Number.isInteger(value) : typeof value === shape
    if (!isRight) problems.push(`cannot unmarshal ${kindOf(value)} into field "${path}" of type ${shape}`)
    return
  }
  if (isList(shape)) {
    if (!Array.isArray(value)) {
      problems.push(`cannot unmarshal ${kindOf(value)} into field "${path}" of type array`)
      return
    }
    for (const [index, item] of value.entries()) check(item, shape[0], `${path}[${index}]`, problems)
    return
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    problems.push(`cannot unmarshal ${kindOf(value)} into field "${path}" of type object`)
    return
  }
  for (const [name, member] of Object.entries(value)) {
    const inner = path === '' ? name : `${path}.${name}`
    if (Object.hasOwn(shape, name)) check(member, shape[name]!, inner, problems)
    else problems.push(`unknown field "${inner}"`)
  }
}

const isList = (shape: Exclude<Shape, string>): shape is readonly [Shape] => Array.isArray(shape)

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value)

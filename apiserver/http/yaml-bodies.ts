// YAML as a body, read as sigs.k8s.io/yaml reads it: words of YAML 1.1 (yes, off, 0644), dates as the text they are, keys that
// come twice, and no document that unfolds into a bomb. Called by request.ts; js-yaml is loaded by the first that needs it.

import type { Schema } from 'js-yaml'

export interface ParsedYaml {
  readonly value: unknown
  /** What is wrong, in the words of go-yaml, when a key stands twice: the last one holds. */
  readonly twice: string | undefined
}

type Yaml = typeof import('js-yaml')

export class YamlReader {
  #schema: Schema | undefined

  /** Throws an Error whose first line says what is wrong. */
  async read(text: string): Promise<ParsedYaml> {
    const yaml = await import('js-yaml')
    this.#schema ??= schemaOf(yaml)
    const options = { schema: this.#schema, maxDepth: deepest }
    let twice: string | undefined
    let value: unknown
    try {
      value = yaml.load(text, options)
    } catch (error) {
      if (!(error instanceof yaml.YAMLException) || error.reason !== 'duplicated mapping key') throw error
      twice = keyTwice(text, (error.mark?.line ?? 0) + 1)
      value = yaml.load(text, { ...options, json: true })
    }
    requireBounded(value, text.length)
    return { value, twice }
  }
}

/** sigs.k8s.io/yaml/goyaml.v2/decode.go knows no depth of its own; JSON's is 10,000, and ours what a stack holds. */
const deepest = 1_000

/** gopkg.in/yaml.v2/resolve.go: integers and booleans of YAML 1.1, but neither base sixty nor dates. */
function schemaOf({ CORE_SCHEMA, NOT_RESOLVED, boolYaml11Tag, defineScalarTag, intYaml11Tag, mergeTag }: Yaml): Schema {
  const integer = defineScalarTag(intYaml11Tag.tagName, {
    ...intYaml11Tag,
    resolve: (source, ...rest) => (source.includes(':') ? NOT_RESOLVED : intYaml11Tag.resolve(source, ...rest)),
  })
  return CORE_SCHEMA.withTags(mergeTag, boolYaml11Tag, integer)
}

function keyTwice(text: string, line: number): string {
  const key = /^\s*(?:-\s+)*["']?([^"':]+)/.exec(text.split('\n')[line - 1] ?? '')?.[1] ?? ''
  return `yaml: unmarshal errors:\n  line ${line}: key ${JSON.stringify(key)} already set in map`
}

/** What has a name may stand for itself often, but not so often that the whole outgrows its text beyond reason. */
function requireBounded(value: unknown, length: number): void {
  const most = 100_000 + length * 4
  let seen = 0
  const walk = (each: unknown): void => {
    if (++seen > most) throw new Error('yaml: document contains excessive aliasing')
    if (typeof each === 'string') seen += each.length >> 3
    else if (Array.isArray(each)) for (const item of each) walk(item)
    else if (typeof each === 'object' && each !== null)
      for (const key in each) walk((each as Record<string, unknown>)[key])
  }
  walk(value)
}

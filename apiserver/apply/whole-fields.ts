// The fields of a value that comes as a whole, as FieldsV1 text: what compare.ts would find added, without the comparing. Called
// for every create, and by compare.ts for what an update adds. Fast: the text depends on the names of members and on the keys of
// list items only, so the names a struct was seen with lead through a tree of forms to a text with gaps for what lies deeper.

import type { SchemaNode } from '../../src/kinds/schemas.ts'
import { compareSteps, fieldStep, isFault, itemStep } from './steps.ts'
import { formOf, isMembers, type Members, memberType, type Type } from './typed.ts'

/** A type with what has been seen of its values. */
export class WholeFields {
  readonly #type: Type
  /** Of what is there before there is anything, as Go's empty object is: its own mark and those of its structs are not added. */
  readonly #isThere: boolean
  readonly #without: ReadonlyMap<string, ReadonlyMap<string, unknown>>
  readonly #members = new Map<string, WholeFields>()
  #items: WholeFields | undefined
  #first: Seen = {}
  #count = 0

  constructor(type: Type, isThere = false, without: Without = nothing) {
    this.#type = type
    this.#isThere = isThere
    this.#without = without
  }

  /** What stands between the braces, without the value's own mark. Undefined when it cannot be told so: compare then. */
  contentOf(value: unknown): string | undefined {
    const form = formOf(this.#type, value)
    if (form === 'map') return isMembers(value) && !(isEmptyMap(value) && !this.#isThere) ? this.#ofMembers(value) : ''
    if (form === 'list') return Array.isArray(value) ? this.#ofItems(value) : ''
    return ''
  }

  #ofMembers(value: Members): string | undefined {
    let seen = this.#first
    for (const name in value) {
      if (value[name] !== undefined) seen = seen.next?.get(name) ?? this.#grow(seen, name)
    }
    seen.form ??= this.#formOf(value)
    const { texts, gaps } = seen.form
    let text = texts[0]!
    for (let index = 0; index < gaps.length; index++) {
      const { name, below, step, isAlways } = gaps[index]!
      const inner = below.contentOf(value[name])
      if (inner === undefined) return undefined
      if (!this.#isThere) {
        text += (inner === '' ? `${step}{}` : `${step}{".":{},${inner}}`) + texts[index + 1]!
      } else if (inner !== '' || !(isAlways && isMembers(value[name]) && (below.#isThere || isEmptyMap(value[name])))) {
        text += text === '' ? '' : ','
        text += inner === '' || below.#isThere ? `${step}{${inner}}` : `${step}{".":{},${inner}}`
      }
    }
    return text
  }

  #grow(seen: Seen, name: string): Seen {
    if (this.#count >= mostSeen) {
      this.#count = 0
      this.#first = {}
    }
    this.#count++
    const next: Seen = {}
    seen.next ??= new Map()
    seen.next.set(name, next)
    return next
  }

  #formOf(value: Members): SeenForm {
    const always = (this.#type?.alwaysWritten ?? []).map(([name]) => name)
    const names = Object.keys(value).filter(name => value[name] !== undefined && this.#without.get(name) !== everything)
    const absent = this.#isThere ? [] : always.filter(name => value[name] === undefined)
    const texts = ['']
    const gaps: Gap[] = []
    for (const name of [...names, ...absent].sort(inOrder)) {
      const type = memberType(this.#type, name)
      const step = `${JSON.stringify(fieldStep(name))}:`
      if (this.#isThere) {
        const isAlways = always.includes(name) || this.#without.has(name)
        gaps.push({ name, step, isAlways, below: this.#below(name, type, isAlways) })
        continue
      }
      const separator = gaps.length === 0 && texts[0] === '' ? '' : ','
      if (value[name] === undefined || isOneValue(type)) {
        texts[texts.length - 1] += `${separator}${step}{}`
      } else {
        gaps.push({ name, step: separator + step, isAlways: false, below: this.#below(name, type, false) })
        texts.push('')
      }
    }
    return { texts, gaps }
  }

  #below(name: string, type: Type, isAlways: boolean): WholeFields {
    const known = this.#members.get(name)
    if (known !== undefined) return known
    const isThere = isAlways && !isOneValue(type)
    const made = new WholeFields(type, isThere, this.#without.get(name) as Without | undefined)
    if (this.#members.size < mostSeen) this.#members.set(name, made)
    return made
  }

  #ofItems(items: readonly unknown[]): string | undefined {
    const list = this.#type as SchemaNode
    this.#items ??= new WholeFields(list.items())
    if (items.length === 1) return this.#ofItem(itemStep(list, items[0]), items[0])
    const steps = items.map(item => itemStep(list, item))
    const order = steps.map((_, index) => index).sort((one, other) => compareSteps(steps[one]!, steps[other]!))
    let text = ''
    for (let index = 0; index < order.length; index++) {
      const at = order[index]!
      if (index > 0 && steps[at] === steps[order[index - 1]!]) return undefined
      const inner = this.#ofItem(steps[at]!, items[at])
      if (inner === undefined) return undefined
      text += index === 0 ? inner : `,${inner}`
    }
    return text
  }

  #ofItem(step: string, item: unknown): string | undefined {
    if (isFault(step)) return undefined
    const inner = this.#items!.contentOf(item)
    if (inner === undefined) return undefined
    return inner === '' ? `${JSON.stringify(step)}:{}` : `${JSON.stringify(step)}:{".":{},${inner}}`
  }
}

/** Members that are not looked at: `everything` below them, or some of theirs. */
export type Without = ReadonlyMap<string, ReadonlyMap<string, any>>
export const everything: Without = new Map()
const nothing: Without = new Map()

/** How many orders of names are remembered of one type; whoever has more is read anew. */
const mostSeen = 1000

/** After some names in the order in which they come. */
interface Seen {
  next?: Map<string, Seen>
  form?: SeenForm
}

/** Text, and between its pieces what depends on more than names. */
interface SeenForm {
  readonly texts: string[]
  readonly gaps: readonly Gap[]
}

interface Gap {
  readonly name: string
  readonly step: string
  /** Go writes it always, or its own mark is nobody's. */
  readonly isAlways: boolean
  readonly below: WholeFields
}

function isOneValue(type: Type): boolean {
  return type !== undefined && !(type.kind === 'any' && type.mapType === 'granular') && formOf(type, {}) === 'leaf'
}

function isEmptyMap(value: unknown): boolean {
  return isMembers(value) && Object.keys(value).length === 0
}

const inOrder = (one: string, other: string): number => (one < other ? -1 : 1)

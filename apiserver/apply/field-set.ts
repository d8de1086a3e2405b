// A set of fields, as managedFields keeps it: a tree whose steps are written as FieldsV1 writes them (`f:spec`,
// `k:{"name":"web"}`, `v:"x"`, `i:0`). Sets are made by the walks in this folder and combined here; once handed on, none is
// changed. What is below a node may rest as text, which is read when somebody looks, and is written once. The rules are those
// of structured-merge-diff's fieldpath/set.go and serialize.go.

import { compareSteps, readStep } from './steps.ts'

export class FieldSet {
  /** Whether the field that this node stands for is itself in the set. The root stands for the whole object and never is. */
  isMember = false
  #children: Map<string, FieldSet> | undefined
  /** The members of this node's JSON but for its own mark: `"f:a":{},"f:b":{".":{},"f:c":{}}`. */
  #content: string | undefined

  static of(...paths: readonly (readonly string[])[]): FieldSet {
    const set = new FieldSet()
    for (const path of paths) set.insert(path)
    return set
  }

  /** `content`: canonical. */
  static resting(isMember: boolean, content: string): FieldSet {
    const set = new FieldSet()
    set.isMember = isMember
    set.#content = content
    return set
  }

  static #made(isMember: boolean, children: Map<string, FieldSet>): FieldSet {
    const set = new FieldSet()
    set.isMember = isMember
    set.#children = children
    return set
  }

  /** FieldsV1 as a JSON value; undefined when it is none. Steps of a kind that is not known are dropped, as upstream drops them. */
  static read(value: unknown): FieldSet | undefined {
    if (!isMembers(value)) return undefined
    const root = new FieldSet()
    return root.#readChildren(value) ? root : undefined
  }

  get children(): ReadonlyMap<string, FieldSet> {
    if (this.#children === undefined) {
      if (!this.#content) return noChildren
      this.#children = new Map()
      splitContent(this.#content, this.#children)
    }
    return this.#children
  }

  /** To be changed by whoever is still making the set. */
  #own(): Map<string, FieldSet> {
    if (this.children === noChildren) this.#children = new Map()
    this.#content = undefined
    return this.#children!
  }

  /** False when a step or what stands under it cannot be read. */
  #readChildren(value: Readonly<Record<string, unknown>>): boolean {
    for (const key of Object.keys(value)) {
      const inner = value[key]
      if (key === '.') {
        this.isMember = true
        continue
      }
      const step = readStep(key)
      if (step === undefined) return false
      if (step === 'unknown') continue
      if (inner !== null && !isMembers(inner)) return false
      const children = this.#own()
      const child = children.get(step) ?? new FieldSet()
      children.set(step, child)
      if (!child.#readChildren(inner ?? {})) return false
      if (child.children.size === 0) child.isMember = true
    }
    return true
  }

  /** Only for whoever is still making the set. Parents are not put in with their children. */
  insert(path: readonly string[]): void {
    if (path.length > 0) this.#descend(path, path.length).isMember = true
  }

  /** The same with a whole branch. */
  graft(path: readonly string[], branch: FieldSet): void {
    this.#descend(path, path.length - 1)
      .#own()
      .set(path[path.length - 1]!, branch)
  }

  #descend(path: readonly string[], depth: number): FieldSet {
    let node: FieldSet = this
    for (let index = 0; index < depth; index++) {
      const children = node.#own()
      node.#content = undefined
      let child = children.get(path[index]!)
      if (child === undefined) {
        child = new FieldSet()
        children.set(path[index]!, child)
      }
      node = child
    }
    node.#own()
    node.#content = undefined
    return node
  }

  at(step: string): FieldSet | undefined {
    return this.children.get(step)
  }

  has(path: readonly string[]): boolean {
    let node: FieldSet | undefined = this
    for (const step of path) {
      node = node.at(step)
      if (node === undefined) return false
    }
    return node.isMember
  }

  get isEmpty(): boolean {
    if (this.isMember) return false
    if (this.#content !== undefined) return this.#content === ''
    if (this.#children === undefined) return true
    for (const child of this.#children.values()) if (!child.isEmpty) return false
    return true
  }

  /** Whether every field of the other is in this set. */
  contains(other: FieldSet): boolean {
    if (other === this) return true
    if (other.isMember && !this.isMember) return false
    if (other.#content !== undefined && other.#content === this.#content) return true
    for (const [step, theirs] of other.children) {
      const ours = this.at(step)
      if (ours === undefined ? !theirs.isEmpty : !ours.contains(theirs)) return false
    }
    return true
  }

  union(other: FieldSet): FieldSet {
    if (other === this || other.isEmpty) return this
    if (this.isEmpty) return other
    const isMember = this.isMember || other.isMember
    let next = isMember === this.isMember ? this : FieldSet.#made(isMember, new Map(this.children))
    if (other.#content !== undefined && other.#content === this.#content) return next
    for (const [step, theirs] of other.children) {
      const ours = this.at(step)
      const both = ours === undefined ? theirs : ours.union(theirs)
      if (both === ours || both.isEmpty) continue
      if (next === this) next = FieldSet.#made(isMember, new Map(this.children))
      next.#children!.set(step, both)
    }
    return next
  }

  intersection(other: FieldSet): FieldSet {
    if (other === this) return this
    const next = FieldSet.#made(this.isMember && other.isMember, new Map())
    for (const [step, ours] of this.children) {
      const theirs = other.at(step)
      if (theirs === undefined) continue
      const both = ours.intersection(theirs)
      if (!both.isEmpty) next.#children!.set(step, both)
    }
    return next
  }

  intersects(other: FieldSet): boolean {
    if (this.isMember && other.isMember) return true
    for (const [step, theirs] of other.children) if (this.at(step)?.intersects(theirs)) return true
    return false
  }

  /** Without the fields of the other. A field that goes leaves its children where they are, unless they are named too. */
  difference(other: FieldSet): FieldSet {
    return this.#without(other, false)
  }

  /** Without the fields of the other and all that is below them. */
  recursiveDifference(other: FieldSet): FieldSet {
    return this.#without(other, true)
  }

  #without(other: FieldSet, isRecursive: boolean): FieldSet {
    if (other.isEmpty) return this
    const isMember = this.isMember && !other.isMember
    let next = isMember === this.isMember ? this : FieldSet.#made(isMember, new Map(this.children))
    for (const [step, theirs] of other.children) {
      const ours = this.at(step)
      if (ours === undefined) continue
      const rest = isRecursive && theirs.isMember ? undefined : ours.#without(theirs, isRecursive)
      if (rest === ours) continue
      if (next === this) next = FieldSet.#made(isMember, new Map(this.children))
      if (rest === undefined || rest.isEmpty) next.#children!.delete(step)
      else next.#children!.set(step, rest)
    }
    return next
  }

  equals(other: FieldSet): boolean {
    return other === this || (this.isMember === other.isMember && this.content === other.content)
  }

  /** In upstream's order: the members of a node, then what is below its children. */
  *paths(prefix: readonly string[] = []): Generator<readonly string[]> {
    const steps = this.#steps()
    for (const step of steps) if (this.at(step)!.isMember) yield [...prefix, step]
    for (const step of steps) yield* this.at(step)!.paths([...prefix, step])
  }

  /** FieldsV1, as Go writes it. */
  get text(): string {
    return `{${this.content}}`
  }

  get content(): string {
    this.#content ??= this.#write()
    return this.#content
  }

  #write(): string {
    let text = ''
    for (const step of this.#steps()) {
      const child = this.#children!.get(step)!
      if (child.isEmpty) continue
      const inner = child.content
      const self = !child.isMember || inner === '' ? '' : '".":{},'
      text += `${text === '' ? '' : ','}${JSON.stringify(step)}:{${self}${inner}}`
    }
    return text
  }

  #steps(): readonly string[] {
    const steps = [...this.children.keys()]
    return steps.length < 2 ? steps : steps.sort(compareSteps)
  }
}

const noChildren: ReadonlyMap<string, FieldSet> = new Map()

/** One level of a text that is canonical: what is deeper rests on. */
function splitContent(content: string, into: Map<string, FieldSet>): void {
  for (let from = 0; from < content.length; ) {
    const keyEnd = stringEnd(content, from)
    const key = content.slice(from, keyEnd + 1)
    const step = key.includes('\\') ? (JSON.parse(key) as string) : key.slice(1, -1)
    const start = keyEnd + 3
    let end = start
    for (let depth = 1; ; end++) {
      const char = content.charCodeAt(end)
      if (char === quote) end = stringEnd(content, end)
      else if (char === open) depth++
      else if (char === close && --depth === 0) break
    }
    const isMarked = content.startsWith(mark, start) && end > start
    const rest = isMarked ? content.slice(start + mark.length + 1, end) : content.slice(start, end)
    into.set(step, FieldSet.resting(isMarked || end === start, rest))
    from = end + 2
  }
}

const quote = 0x22
const open = 0x7b
const close = 0x7d
const backslash = 0x5c
const mark = '".":{}'

/** Where the JSON string ends that begins at a quote. */
export function stringEnd(text: string, from: number): number {
  let at = text.indexOf('"', from + 1)
  while (text.charCodeAt(at - 1) === backslash) {
    let slashes = 1
    while (text.charCodeAt(at - 1 - slashes) === backslash) slashes++
    if (slashes % 2 === 0) break
    at = text.indexOf('"', at + 1)
  }
  return at
}

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

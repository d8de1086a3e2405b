// A set of fields, as managedFields keeps it: a tree whose steps are written as FieldsV1 writes them (`f:spec`,
// `k:{"name":"web"}`, `v:"x"`, `i:0`). Sets are made by the walks in this folder and combined here; once handed on, none is
// changed. The rules are those of structured-merge-diff's fieldpath/set.go and serialize.go.

import { compareSteps } from './steps.ts'

export class FieldSet {
  /** Whether the field that this node stands for is itself in the set. The root stands for the whole object and never is. */
  isMember = false
  children: Map<string, FieldSet> | undefined

  static of(...paths: readonly (readonly string[])[]): FieldSet {
    const set = new FieldSet()
    for (const path of paths) set.insert(path)
    return set
  }

  /** Only for whoever is still making the set. Parents are not put in with their children. */
  insert(path: readonly string[]): void {
    if (path.length === 0) return
    let node: FieldSet = this
    for (let index = 0; index < path.length; index++) node = node.#descend(path[index]!)
    node.isMember = true
  }

  #descend(step: string): FieldSet {
    this.children ??= new Map()
    let child = this.children.get(step)
    if (child === undefined) {
      child = new FieldSet()
      this.children.set(step, child)
    }
    return child
  }

  at(step: string): FieldSet | undefined {
    return this.children?.get(step)
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
    if (this.children === undefined) return true
    for (const child of this.children.values()) if (!child.isEmpty) return false
    return true
  }

  union(other: FieldSet): FieldSet {
    if (other === this || other.isEmpty) return this
    if (this.isEmpty) return other
    const next = node(this.isMember || other.isMember, new Map(this.children))
    for (const [step, theirs] of other.children ?? []) {
      const ours = next.children!.get(step)
      next.children!.set(step, ours === undefined ? theirs : ours.union(theirs))
    }
    return next
  }

  intersection(other: FieldSet): FieldSet {
    if (other === this) return this
    const next = node(this.isMember && other.isMember, new Map())
    for (const [step, ours] of this.children ?? []) {
      const theirs = other.at(step)
      if (theirs === undefined) continue
      const both = ours.intersection(theirs)
      if (!both.isEmpty) next.children!.set(step, both)
    }
    return next
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
    const next = node(this.isMember && !other.isMember, new Map())
    for (const [step, ours] of this.children ?? []) {
      const theirs = other.at(step)
      if (theirs === undefined) next.children!.set(step, ours)
      else if (!(isRecursive && theirs.isMember)) {
        const rest = ours.#without(theirs, isRecursive)
        if (!rest.isEmpty) next.children!.set(step, rest)
      }
    }
    return next
  }

  equals(other: FieldSet): boolean {
    if (other === this) return true
    if (this.isMember !== other.isMember) return false
    if ((this.children?.size ?? 0) !== (other.children?.size ?? 0)) return this.#text() === other.#text()
    for (const [step, ours] of this.children ?? []) {
      const theirs = other.at(step)
      if (theirs === undefined || !ours.equals(theirs)) return false
    }
    return true
  }

  /** In upstream's order: the members of a node, then what is below its children. */
  *paths(prefix: readonly string[] = []): Generator<readonly string[]> {
    const steps = this.#steps()
    for (const step of steps) if (this.at(step)!.isMember) yield [...prefix, step]
    for (const step of steps) yield* this.at(step)!.paths([...prefix, step])
  }

  /** FieldsV1, as Go writes it. */
  get text(): string {
    return this.#text()
  }

  #text(): string {
    let text = ''
    for (const step of this.#steps()) {
      const child = this.at(step)!
      if (child.isEmpty) continue
      const inner = child.#text()
      const self = child.isMember && inner !== '{}' ? `".":{}${inner.length > 2 ? ',' : ''}` : ''
      text += `${text === '' ? '' : ','}${JSON.stringify(step)}:{${self}${inner.slice(1)}`
    }
    return `{${text}}`
  }

  #steps(): readonly string[] {
    if (this.children === undefined || this.children.size === 0) return []
    const steps = [...this.children.keys()]
    return steps.length === 1 ? steps : steps.sort(compareSteps)
  }
}

function node(isMember: boolean, children: Map<string, FieldSet>): FieldSet {
  const set = new FieldSet()
  set.isMember = isMember
  set.children = children
  return set
}

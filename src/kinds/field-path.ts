// Where in an object a rule looks, and the faults it finds there. Paths are links to their parents and become text only
// when there is a fault to report, so that a valid object costs next to nothing (apimachinery/pkg/util/validation/field).

import {
  duplicate,
  type FieldError,
  fieldNotFound,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
  tooLong,
  tooMany,
} from '../api/errors.ts'

export class FieldPath {
  private readonly parent: FieldPath | undefined
  private readonly step: string

  constructor(step: string, parent?: FieldPath) {
    this.step = step
    this.parent = parent
  }

  /** `spec` → `spec.containers`; several names go down several steps. */
  child(...names: string[]): FieldPath {
    let path: FieldPath = this
    for (const name of names) path = new FieldPath(this.isRoot(path) ? name : `.${name}`, path)
    return path
  }

  index(position: number): FieldPath {
    return new FieldPath(`[${position}]`, this)
  }

  /** `limits` → `limits[cpu]`. */
  key(name: string): FieldPath {
    return new FieldPath(`[${name}]`, this)
  }

  toString(): string {
    return this.parent ? `${this.parent}${this.step}` : this.step
  }

  private isRoot(path: FieldPath): boolean {
    return path.parent === undefined && path.step === ''
  }
}

/** The object itself: its children have no prefix. */
export const root = new FieldPath('')

export class Faults {
  private found: FieldError[] | undefined

  get list(): FieldError[] {
    return this.found ?? []
  }

  get count(): number {
    return this.found?.length ?? 0
  }

  add(fault: FieldError): void {
    if (this.found) this.found.push(fault)
    else this.found = [fault]
  }

  /** These faults and none that were found before. */
  only(): this {
    this.found = undefined
    return this
  }

  addAll(faults: readonly FieldError[]): void {
    for (const fault of faults) this.add(fault)
  }

  required(path: FieldPath, detail?: string): void {
    this.add(required(`${path}`, detail))
  }

  invalid(path: FieldPath, value: unknown, detail: string): void {
    this.add(invalidValue(`${path}`, value, detail))
  }

  /** Of a value that is not shown: a secret, or too long. */
  invalidUnshown(path: FieldPath, detail: string): void {
    this.add({ type: 'FieldValueInvalid', field: `${path}`, message: `Invalid value: ${detail}` })
  }

  /** One fault for each sentence. The child, if one is named, is built only then. */
  invalids(sentences: readonly string[], value: unknown, path: FieldPath, child?: string): void {
    for (const sentence of sentences) this.invalid(child === undefined ? path : path.child(child), value, sentence)
  }

  notSupported(path: FieldPath, value: unknown, supported: readonly string[]): void {
    this.add(notSupported(`${path}`, value, supported))
  }

  duplicate(path: FieldPath, value: unknown): void {
    this.add(duplicate(`${path}`, value))
  }

  forbidden(path: FieldPath, detail: string): void {
    this.add(forbiddenField(`${path}`, detail))
  }

  tooLong(path: FieldPath, limit: number): void {
    this.add(tooLong(`${path}`, limit))
  }

  tooMany(path: FieldPath, actual: number, limit: number): void {
    this.add(tooMany(`${path}`, actual, limit))
  }

  notFound(path: FieldPath, value: unknown): void {
    this.add(fieldNotFound(`${path}`, value))
  }
}

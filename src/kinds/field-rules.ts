// Rules of single fields that many kinds share, in upstream's words (apimachinery/pkg/api/validation/generic.go,
// pkg/apis/core/validation/validation.go). Each looks at `path`, or at its child where one is named.

import { jsonEqual } from '../api/json-equal.ts'
import { between, dns1123SubdomainFaults, portNameFaults, portNumberFaults } from '../api/names.ts'
import type { Faults, FieldPath } from './field-path.ts'

export const immutable = 'field is immutable'

export function nonNegative(value: number | undefined, path: FieldPath, child: string, faults: Faults): void {
  if (value !== undefined && value < 0) {
    faults.invalid(path.child(child), value, 'must be greater than or equal to 0')
  }
}

/** A required choice of a few. */
export function oneOf(
  value: string | undefined,
  supported: readonly string[],
  path: FieldPath,
  child: string,
  faults: Faults,
): void {
  if (value !== undefined && supported.includes(value)) return
  if (!value) faults.required(path.child(child))
  else faults.notSupported(path.child(child), value, supported)
}

/** A choice of a few that may be left out. */
export function optionalOneOf(
  value: string | undefined,
  supported: readonly string[],
  path: FieldPath,
  child: string,
  faults: Faults,
): void {
  if (value !== undefined && !supported.includes(value)) faults.notSupported(path.child(child), value, supported)
}

export function portNumberOrName(
  port: number | string | undefined,
  path: FieldPath,
  child: string,
  faults: Faults,
): void {
  if (typeof port === 'string') faults.invalids(portNameFaults(port), port, path, child)
  else faults.invalids(portNumberFaults(port ?? 0), port ?? 0, path, child)
}

/** A user or group of Linux. */
export function linuxId(id: number | undefined, path: FieldPath, child: string, faults: Faults): void {
  if (id !== undefined && (id < 0 || id > 2147483647)) faults.invalid(path.child(child), id, between(0, 2147483647))
}

export function unchanged(next: unknown, old: unknown, path: FieldPath, faults: Faults): void {
  if (!jsonEqual(next, old)) faults.invalid(path, next, immutable)
}

export function fileMode(mode: number | undefined, path: FieldPath, child: string, faults: Faults): void {
  if (mode !== undefined && (mode > 0o777 || mode < 0)) {
    faults.invalid(path.child(child), mode, 'must be a number between 0 and 0777 (octal), both inclusive')
  }
}

export function withoutBacksteps(target: string, path: FieldPath, faults: Faults): void {
  if (target.includes('..') && target.split('/').includes('..')) {
    faults.invalid(path, target, "must not contain '..'")
  }
}

/** Relative, and never out of its directory. */
export function descendingPath(target: string, path: FieldPath, faults: Faults): void {
  if (target.startsWith('/')) faults.invalid(path, target, 'must be a relative path')
  withoutBacksteps(target, path, faults)
}

export function nonReservedPath(target: string, path: FieldPath, faults: Faults): void {
  descendingPath(target, path, faults)
  if (target.startsWith('..') && !target.startsWith('../')) faults.invalid(path, target, "must not start with '..'")
}

const urlPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
const wholeUrlPath = new RegExp(`^${urlPath}$`)

/** `acme.io/foo`: a domain and a path (IsDomainPrefixedPath). */
export function domainPrefixedPath(text: string, path: FieldPath, faults: Faults): void {
  if (text === '') {
    faults.required(path)
    return
  }
  const slash = text.indexOf('/')
  const [host, rest] = [text.slice(0, Math.max(slash, 0)), text.slice(slash + 1)]
  if (host === '' || rest === '') {
    faults.invalid(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")')
    return
  }
  faults.invalids(dns1123SubdomainFaults(host), host, path)
  if (!wholeUrlPath.test(rest)) faults.invalid(path, rest, `Invalid path (regex used for validation is '${urlPath}')`)
}

// Regular expressions in Go's syntax, in time that is linear in the text: find, findAll and matches.
// Upstream: k8s.io/apiserver/pkg/cel/library/regex.go.

import type { Environment } from '@marcbachmann/cel-js'
import { RE2JS } from 're2js'
import { matchesName } from '../source.ts'

export function registerRegex(environment: Environment): void {
  const compiled = new Map<string, RE2JS>()
  const regexOf = (pattern: string): RE2JS => {
    let regex = compiled.get(pattern)
    if (regex === undefined) {
      try {
        regex = RE2JS.compile(pattern)
      } catch (error) {
        throw new Error(`Illegal regex: ${(error as Error).message}`)
      }
      // Patterns that are made while evaluating must not pile up.
      if (compiled.size > 256) compiled.clear()
      compiled.set(pattern, regex)
    }
    return regex
  }
  environment
    .registerFunction(`string.${matchesName}(string): bool`, (text: string, pattern: string) =>
      regexOf(pattern).matcher(text).find(),
    )
    .registerFunction('matches(string, string): bool', (text: string, pattern: string) =>
      regexOf(pattern).matcher(text).find(),
    )
    .registerFunction('string.find(string): string', (text: string, pattern: string) => {
      const matcher = regexOf(pattern).matcher(text)
      return matcher.find() ? (matcher.group() ?? '') : ''
    })
    .registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) =>
      findAll(regexOf(pattern), text, -1n),
    )
    .registerFunction('string.findAll(string, int): list<string>', (text: string, pattern: string, count: bigint) =>
      findAll(regexOf(pattern), text, count),
    )
}

/** A negative count is no limit. */
function findAll(regex: RE2JS, text: string, count: bigint): string[] {
  const found: string[] = []
  const matcher = regex.matcher(text)
  while ((count < 0n || BigInt(found.length) < count) && matcher.find()) found.push(matcher.group() ?? '')
  return found
}

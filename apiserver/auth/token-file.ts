// A file of bearer tokens, as kube-apiserver's --token-auth-file: `token,user,uid,"group1,group2"`, a line each. Read once, by
// src/serve.ts. Upstream: k8s.io/apiserver/pkg/authentication/token/tokenfile/tokenfile.go.

import type { User } from '../registry/registry.ts'

/** `tell` hears of lines that are passed over. Throws an Error, whose message names the file, for what is no such file. */
export function readTokens(text: string, file: string, tell: (warning: string) => void): ReadonlyMap<string, User> {
  const tokens = new Map<string, User>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const record = fields(line)
    if (record === undefined) throw new Error(`token file '${file}', line ${index + 1}: a quote is not closed`)
    const [token = '', name = '', uid = '', groups] = record
    if (record.length < 3) {
      throw new Error(
        `token file '${file}' must have at least 3 columns (token, user name, user uid), found ${record.length}`,
      )
    }
    if (token === '') {
      tell(`empty token has been found in token file '${file}', record number '${index + 1}'`)
      continue
    }
    if (tokens.has(token)) tell(`duplicate token has been found in token file '${file}', record number '${index + 1}'`)
    const own = groups ? groups.split(',') : []
    tokens.set(token, { name, ...(uid ? { uid } : {}), groups: [...own, 'system:authenticated'] })
  }
  return tokens
}

/** Of one line of RFC 4180; undefined when a quote is not closed. */
function fields(line: string): string[] | undefined {
  const found: string[] = []
  let at = 0
  while (at <= line.length) {
    let text = ''
    if (line[at] === '"') {
      for (at++; ; at++) {
        if (at >= line.length) return undefined
        if (line[at] === '"') {
          if (line[at + 1] !== '"') break
          at++
        }
        text += line[at]
      }
      at++
    } else {
      const end = line.indexOf(',', at)
      text = line.slice(at, end < 0 ? line.length : end)
      at += text.length
    }
    found.push(text)
    if (line[at] !== ',') break
    at++
  }
  return found
}

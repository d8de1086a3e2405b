// Upstream: k8s.io/apiserver/pkg/authentication/token/tokenfile/tokenfile_test.go.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readTokens } from '../../apiserver/auth/token-file.ts'

const read = (text: string) => {
  const warnings: string[] = []
  const tokens = readTokens(text, 'tokens.csv', warning => warnings.push(warning))
  return { tokens, warnings }
}

test('a line each: token, user, uid, and groups in quotes', () => {
  const { tokens, warnings } = read('t1,ada,1\nt2,grace,2,"dev,ops"\r\nt3,joan,3,dev\n"t,4","say ""x""",4\n')
  expect(Object.fromEntries(tokens)).toEqual({
    t1: { name: 'ada', uid: '1', groups: ['system:authenticated'] },
    t2: { name: 'grace', uid: '2', groups: ['dev', 'ops', 'system:authenticated'] },
    t3: { name: 'joan', uid: '3', groups: ['dev', 'system:authenticated'] },
    't,4': { name: 'say "x"', uid: '4', groups: ['system:authenticated'] },
  })
  expect(warnings).toEqual([])
})

test('empty and repeated tokens are told, the last of a token counts', () => {
  const { tokens, warnings } = read(',ada,1\nt,ada,1\nt,grace,2\n')
  expect(tokens.get('t')?.name).toBe('grace')
  expect(warnings).toEqual([
    "empty token has been found in token file 'tokens.csv', record number '1'",
    "duplicate token has been found in token file 'tokens.csv', record number '3'",
  ])
})

test('what is no such file is refused, and named', () => {
  expect(() => read('token,ada\n')).toThrow(
    "token file 'tokens.csv' must have at least 3 columns (token, user name, user uid), found 2",
  )
  expect(() => read('t,"ada,1\n')).toThrow('line 1: a quote is not closed')
})

test('whatever stands in quotes comes out as it was', () => {
  const word = fc.string({ minLength: 1 }).filter(text => !/[\r\n]/.test(text))
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  fc.assert(
    fc.property(word, word, word, (token, name, uid) => {
      const { tokens } = read([token, name, uid].map(quoted).join(','))
      expect(tokens.get(token)).toEqual({ name, uid, groups: ['system:authenticated'] })
    }),
  )
})

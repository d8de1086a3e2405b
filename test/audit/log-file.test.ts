// The audit log on disk: a line at a time, put aside when it is full, and cleared of what is old. And how it is opened.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLogFile } from '../../apiserver/audit/log-file.ts'
import { openAudit } from '../../apiserver/audit/open.ts'

let folder: string
let time: number
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubesim-audit-'))
  path = join(folder, 'logs', 'audit.log')
  time = Date.UTC(2024, 0, 1, 12)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const failures: Error[] = []
const log = (limits: { maxSize?: number; maxBackup?: number; maxAge?: number } = {}) => ({
  path,
  maxSize: 100,
  maxBackup: 100,
  maxAge: 366,
  ...limits,
  now: () => time,
  failed: (error: Error) => void failures.push(error),
})
const files = () => readdirSync(join(folder, 'logs')).sort()
/** More than half a megabyte. */
const line = (letter: string) => `${letter.repeat(600 * 1024)}\n`

test('lines are there at once, behind those of the last time, and for nobody else', () => {
  const first = openLogFile(log())
  first.write('one\n')
  expect(readFileSync(path, 'utf8')).toBe('one\n')
  first.close()
  first.write('too late\n')
  const second = openLogFile(log())
  second.write('zwei ä\n')
  second.close()
  expect(readFileSync(path, 'utf8')).toBe('one\nzwei ä\n')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect([first.lost, second.lost, failures]).toEqual([0, 0, []])
})

test('a full file is put aside under the time; the newest of them stay', () => {
  const file = openLogFile(log({ maxSize: 1, maxBackup: 2 }))
  for (const letter of ['a', 'b', 'c', 'd']) {
    file.write(line(letter))
    time += 1500
  }
  file.close()
  expect(files()).toEqual(['audit-2024-01-01T12-00-03.000.log', 'audit-2024-01-01T12-00-04.500.log', 'audit.log'])
  expect(files().map(name => readFileSync(join(folder, 'logs', name), 'utf8')[0])).toEqual(['b', 'c', 'd'])
})

test('what was put aside long ago goes; other files do not', () => {
  const file = openLogFile(log({ maxSize: 1, maxAge: 2 }))
  writeFileSync(join(folder, 'logs', 'audit-notes.log'), '')
  file.write(line('a'))
  file.write(line('b'))
  time += 3 * 24 * 3_600_000
  file.write(line('c'))
  file.close()
  expect(files()).toEqual(['audit-2024-01-04T12-00-00.000.log', 'audit-notes.log', 'audit.log'])
})

test('0 for the size: it is never put aside', () => {
  const file = openLogFile(log({ maxSize: 0 }))
  for (const letter of ['a', 'b', 'c']) file.write(line(letter))
  file.close()
  expect(files()).toEqual(['audit.log'])
})

test('a line that cannot be written is counted, and nobody is kept waiting', () => {
  const file = openLogFile(log({ maxSize: 1 }))
  file.write(line('a'))
  rmSync(join(folder, 'logs'), { recursive: true })
  file.write(line('b'))
  file.close()
  expect([file.lost, failures.length]).toEqual([1, 1])
})

test('opening: the policy is read; what is wrong with it is told with its file', () => {
  const policyFile = join(folder, 'policy.yaml')
  const warnings: string[] = []
  const open = (text: string) => {
    writeFileSync(policyFile, text)
    return openAudit({ policyFile, log: log(), warn: told => warnings.push(told) })
  }
  const head = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n'
  const audit = open(`${head}rules: [{ level: Metadata, colour: red }]\n`)
  const asked = { isResource: false, path: '/apis', verb: 'get', group: '', version: '', namespace: '' }
  audit.begin(
    { auditId: '1', uri: '/apis', userAgent: undefined, sourceIPs: [] },
    { name: 'jane', groups: [] },
    { ...asked, resource: '', subresource: '', name: '' },
  )
  audit.close()
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ stage: 'RequestReceived', user: { username: 'jane' } })
  expect(warnings).toEqual([`the audit policy ${policyFile} has fields that mean nothing: rules[0].colour`])
  const start = 'loading audit policy file:'
  expect(() => open(`${head}rules: []\n`)).toThrow(
    `${start} loaded illegal policy with 0 rules: from file ${policyFile}`,
  )
  expect(() => open('a: [')).toThrow(new RegExp(`^${start} failed decoding: .*: from file ${policyFile}$`))
  rmSync(policyFile)
  expect(() => openAudit({ policyFile, log: log(), warn() {} })).toThrow(
    `${start} failed to read file path "${policyFile}": ENOENT`,
  )
})

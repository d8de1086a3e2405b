// kubeconfig files: written for kubectl, read as kubectl reads them, and a context spliced into the user's own, of which
// not a byte changes that is not kubesim's.

import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Access, writeKubeconfig } from '../../src/client/kubeconfig.ts'
import {
  kubeconfigToMergeInto,
  mergeKubeconfig,
  readKubeconfig,
  removeFromKubeconfig,
} from '../../src/client/user-kubeconfig.ts'

const access: Access = { server: 'https://127.0.0.1:6443', ca: 'the CA\n', cert: 'a certificate\n', key: 'a key\n' }

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubesim-kubeconfig-'))
  file = join(folder, 'config')
})
afterEach(() => rmSync(folder, { recursive: true }))

const text = () => readFileSync(file, 'utf8')
const modeOf = (path: string) => statSync(path).mode & 0o777

/** As kubectl writes it, with what people add to such files. */
const users = `apiVersion: v1
# my clusters
clusters:
- cluster:
    certificate-authority-data: ${'QUJD'.repeat(60)}
    server: https://prod.example.com   # careful
  name: prod
- cluster: {server: "https://stage.example.com"}
  name: 'stage'
contexts:
- context:
    cluster: prod
    user: me
    namespace: shop
  name: prod
current-context: "prod" # not for ever
kind: Config
preferences: {}
users:
- name: me
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: aws
      args: [eks, get-token]
      env: null

# the end
`

/** The same with another hand's spacing. */
const indented = `kind: Config
apiVersion: v1

clusters:
    - name: a
      cluster:
          server: https://a

    # b is old
    - name: b
      cluster:
          server: https://b
users: []   # none
contexts:
current-context: ''
`

describe('merging', () => {
  test('into nothing makes a file for its owner alone', () => {
    mergeKubeconfig(file, 'kubesim', access)
    expect(modeOf(file)).toBe(0o600)
    expect(readKubeconfig(file)).toEqual({ ...access, token: undefined, insecure: undefined })
    expect(Object.keys(parse(text()))).toEqual([
      'apiVersion',
      'kind',
      'clusters',
      'users',
      'contexts',
      'current-context',
    ])
  })

  test.each([
    ['as kubectl writes it', users],
    ['spaced otherwise', indented],
  ])('into a file %s adds lines and takes none away', (_how, before) => {
    writeFileSync(file, before)
    mergeKubeconfig(file, 'kubesim', access)
    const lines = text().split('\n')
    const left = [...lines]
    for (const line of before.split('\n')) {
      const same = (each: string) =>
        each === line || (/^(current-context|users): /.test(line) && each.startsWith(line.split(':')[0]!))
      const at = left.findIndex(same)
      expect(at, `${JSON.stringify(line)} is there, and in its place`).toBeGreaterThanOrEqual(0)
      left.splice(0, at + 1)
    }
    const [was, is] = [parse(before), parse(text())]
    for (const list of ['clusters', 'contexts', 'users']) {
      expect(is[list].filter((each: { name: string }) => each.name !== 'kubesim')).toEqual(was[list] ?? [])
      expect(is[list].filter((each: { name: string }) => each.name === 'kubesim')).toHaveLength(1)
    }
    expect(is['current-context']).toBe('kubesim')
    expect(readKubeconfig(file)).toMatchObject(access)
  })

  test('comments stay on their lines, also on those that change', () => {
    writeFileSync(file, users)
    mergeKubeconfig(file, 'kubesim', access)
    expect(text()).toContain('current-context: kubesim # not for ever\n')
    expect(text().endsWith('\n# the end\n')).toBe(true)
    writeFileSync(file, indented)
    mergeKubeconfig(file, 'kubesim', access)
    expect(text()).toMatch(/^users: {3}# none\n- name: kubesim\n/m)
  })

  test('again changes only what is another, and the same changes nothing', () => {
    writeFileSync(file, users)
    mergeKubeconfig(file, 'kubesim', access)
    const once = text()
    mergeKubeconfig(file, 'kubesim', access)
    expect(text()).toBe(once)
    mergeKubeconfig(file, 'kubesim', { ...access, server: 'https://127.0.0.1:7000' })
    expect(text()).toBe(once.replace('https://127.0.0.1:6443', 'https://127.0.0.1:7000'))
  })

  test.each([
    ['as kubectl writes it', users],
    ['spaced otherwise', indented],
  ])('and taking out again leaves a file %s as it was, but for the current context', (_how, before) => {
    writeFileSync(file, before)
    mergeKubeconfig(file, 'kubesim', access)
    removeFromKubeconfig(file, 'kubesim')
    expect(parse(text())).toEqual({ ...parse(before), contexts: parse(before).contexts ?? [], 'current-context': '' })
    const plain = (whole: string) => whole.replace(/^(current-context|users|contexts):.*$/gm, '$1')
    expect(plain(text())).toBe(plain(before))
  })

  test('taking out leaves another current context current', () => {
    writeFileSync(file, users)
    mergeKubeconfig(file, 'kubesim', access)
    writeFileSync(file, text().replace('current-context: kubesim', 'current-context: prod'))
    removeFromKubeconfig(file, 'kubesim')
    expect(text()).toBe(users.replace('current-context: "prod"', 'current-context: prod'))
  })

  test('into JSON stays JSON', () => {
    writeFileSync(
      file,
      JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters: [{ name: 'a', cluster: { server: 'https://a' } }] }),
    )
    mergeKubeconfig(file, 'kubesim', access)
    expect(JSON.parse(text())).toMatchObject({
      clusters: [{ name: 'a' }, { name: 'kubesim' }],
      'current-context': 'kubesim',
    })
    removeFromKubeconfig(file, 'kubesim')
    expect(JSON.parse(text())).toMatchObject({
      clusters: [{ name: 'a' }],
      users: [],
      contexts: [],
      'current-context': '',
    })
  })

  test('keeps the file’s mode, and a link a link', () => {
    const link = join(folder, 'link')
    writeFileSync(file, users)
    chmodSync(file, 0o640)
    symlinkSync(file, link)
    mergeKubeconfig(link, 'kubesim', access)
    expect(modeOf(file)).toBe(0o640)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(readKubeconfig(file)).toMatchObject(access)
  })

  test('waits for nobody: under another’s lock it is refused, and nothing is changed', () => {
    writeFileSync(file, users)
    writeFileSync(`${file}.lock`, '')
    expect(() => mergeKubeconfig(file, 'kubesim', access)).toThrow(`${file}.lock is there`)
    expect(text()).toBe(users)
    rmSync(`${file}.lock`)
    mergeKubeconfig(file, 'kubesim', access)
    expect(existsSync(`${file}.lock`)).toBe(false)
  })

  test.each(['a: [b', '- a list\n', 'just words\n'])(
    'into what is no kubeconfig (%j) is refused, and it stays',
    before => {
      writeFileSync(file, before)
      expect(() => mergeKubeconfig(file, 'kubesim', access)).toThrow(`${file} cannot be changed: `)
      expect(text()).toBe(before)
      expect(existsSync(`${file}.lock`)).toBe(false)
    },
  )

  test('of several files the first that is there is taken, else the last', () => {
    const other = join(folder, 'other')
    expect(kubeconfigToMergeInto([other, file])).toBe(file)
    writeFileSync(other, '')
    expect(kubeconfigToMergeInto([file, other])).toBe(other)
  })
})

describe('reading', () => {
  test('certificates in files, beside the kubeconfig, and a token', () => {
    writeFileSync(join(folder, 'ca.crt'), 'the CA\n')
    writeFileSync(
      file,
      `current-context: a
clusters: [{ name: c, cluster: { server: https://x, certificate-authority: ca.crt, insecure-skip-tls-verify: true } }]
users: [{ name: u, user: { token: secret } }]
contexts: [{ name: a, context: { cluster: c, user: u } }]
`,
    )
    expect(readKubeconfig(file)).toEqual({
      server: 'https://x',
      ca: 'the CA\n',
      cert: undefined,
      key: undefined,
      token: 'secret',
      insecure: true,
    })
  })

  test.each([
    [undefined, 'there is no such file'],
    ['a: [b', /kubeconfig .*: /],
    ['kind: Config', 'no context is current; name one'],
    ['current-context: a', 'there is no context "a"'],
    ['current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]', 'there is no cluster "c"'],
    [
      'current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: {}}]',
      'cluster "c" has no server',
    ],
  ])('%j: the file is named, and what is wrong', (content, message) => {
    if (content !== undefined) writeFileSync(file, content)
    expect(() => readKubeconfig(file)).toThrow(message)
    expect(() => readKubeconfig(file)).toThrow(`kubeconfig ${file}: `)
  })

  test('what is written is read back, whatever the name', () => {
    for (const name of ['kubesim', 'yes', '1', 'a: b', 'a #b']) {
      writeKubeconfig(file, name, { ...access, token: '12' })
      expect(readKubeconfig(file, name)).toEqual({ ...access, token: '12', insecure: undefined })
      expect(modeOf(file)).toBe(0o600)
    }
  })
})

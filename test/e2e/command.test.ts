// The command kubesim, as a user types it: what it prints, what it leaves behind, and how it says no.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { kubesim, startServer } from '../support/server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'kubesim-command-'))
})
afterEach(async () => {
  await kubesim(home, 'delete')
  rmSync(home, { recursive: true, force: true })
})

describe('start in the foreground', () => {
  test('says when it is ready, and ends with 0 on SIGINT and SIGTERM', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      await using server = await startServer({ words: ['--memory'] })
      expect(server.stdout()).toMatch(/^kubesim is ready: https:\/\/127\.0\.0\.1:\d+ {2}KUBECONFIG=\S+$/m)
      expect(await server.stop(signal)).toBe(0)
      expect(server.stderr()).toBe('')
    }
  })

  test.skipIf(process.platform === 'win32')(
    'npm start: a signal to npm ends the cluster, and npm, with 0',
    async () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        const words = ['start', '--', '--port', '0', '--memory', '--nodes', '1', '--data-dir', join(home, 'npm')]
        const npm = spawn('npm', words, { cwd: root, env: { PATH: process.env.PATH, HOME: home }, stdio: 'pipe' })
        const ended = once(npm, 'exit')
        for await (const chunk of npm.stdout) if (String(chunk).includes('kubesim is ready')) break
        npm.kill(signal)
        expect((await ended)[0]).toBe(0)
        expect((await kubesim(home, 'status', '--data-dir', join(home, 'npm'))).code).toBe(1)
      }
    },
  )

  test('a bad flag, value or component is told in one line, exit code 1', async () => {
    for (const [words, told] of [
      [['--nope'], "unknown option '--nope'"],
      [['--port', 'many'], '--port takes a whole number from 0 to 65535, not "many"'],
      [['--nodes', '-1'], '--nodes takes a whole number'],
      [['--without', 'etcd'], '--without takes one of'],
      [['--fsync', 'maybe'], '--fsync takes true or false'],
      [['--config', '/does/not/exist.yaml'], 'cannot read /does/not/exist.yaml'],
    ] as const) {
      const ran = await kubesim(home, 'start', '--foreground', ...words)
      expect(ran).toMatchObject({ code: 1, stdout: '' })
      expect(ran.stderr).toContain(told)
      expect(ran.stderr.trim().split('\n')).toHaveLength(1)
    }
  })

  test('a port in use is told in one line, exit code 1', async () => {
    const taken = net.createServer()
    await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as net.AddressInfo
    const ran = await kubesim(home, 'start', '--foreground', '--memory', '--port', String(port))
    taken.close()
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr).toMatch(new RegExp(`^kubesim: port ${port} .*in use.*\n$`))
  })

  test('a data directory in use is told in one line, exit code 1', async () => {
    await using server = await startServer()
    const second = await kubesim(home, 'start', '--foreground', '--port', '0', '--data-dir', server.dataDir)
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toMatch(/^kubesim: .*in use by another kubesim\n$/)
  })

  test('a data directory written by a newer version is told in one line, exit code 1, and left as it is', async () => {
    const dataDir = join(home, 'newer')
    const server = await startServer({ dataDir, words: ['--nodes', '0'] })
    await server.stop()
    const store = new Level(join(dataDir, 'store'))
    await store.put('meta/format', '99')
    await store.close()
    const ran = await kubesim(home, 'start', '--foreground', '--port', '0', '--data-dir', dataDir)
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr).toMatch(/^kubesim: .*newer.*\n$/)
  })

  test('a settings file is read, and flags win over it', async () => {
    const file = join(home, 'settings.yaml')
    writeFileSync(file, 'nodes: 1\nmemory: true\n')
    await using server = await startServer({ words: ['--config', file, '--nodes', '2'] })
    const status = await kubesim(home, 'status', '--data-dir', server.dataDir, '-o', 'json')
    expect(JSON.parse(status.stdout).nodes).toHaveLength(2)
    writeFileSync(file, 'nodez: 1\n')
    const wrong = await kubesim(home, 'start', '--foreground', '--config', file)
    expect(wrong).toMatchObject({ code: 1 })
    expect(wrong.stderr).toContain('unknown setting "nodez"')
  })
})

describe('image build', () => {
  test('a Dockerfile that is missing or wrong is told in one line that says which and what to do', async () => {
    const dockerfile = (name: string, text?: string): string => {
      mkdirSync(join(home, name))
      if (text === undefined) mkdirSync(join(home, name, 'Dockerfile'))
      else writeFileSync(join(home, name, 'Dockerfile'), text)
      return join(home, name)
    }
    const context = 'give the build context as DIR, or the file with --file'
    for (const [words, told] of [
      [[home], `there is no ${home}/Dockerfile: ${context}`],
      [[home, '-f', '/does/not/exist'], `there is no /does/not/exist: ${context}`],
      [[dockerfile('folder')], `${home}/folder/Dockerfile is a folder: ${context}`],
      [
        [dockerfile('odd', 'FROM nginx\n\nWRONG x\n')],
        `${home}/odd/Dockerfile: Dockerfile line 3: unknown instruction: WRONG`,
      ],
      [[dockerfile('empty', '')], `${home}/empty/Dockerfile: the Dockerfile has no FROM`],
    ] as const) {
      const ran = await kubesim(home, 'image', 'build', '-t', 'shop:1', ...words)
      expect(ran).toMatchObject({ code: 1, stdout: '' })
      expect(ran.stderr.split('\n').slice(1)).toEqual([`kubesim: ${told}`, ''])
    }
  })
})

describe('the kubeconfig', () => {
  test("a context is merged into the user's own and taken out again; nothing else of it changes", async () => {
    const own = join(home, '.kube', 'config')
    mkdirSync(join(home, '.kube'))
    const before = [
      '# mine',
      'apiVersion: v1',
      'kind: Config',
      'current-context: work',
      'contexts:',
      '  - name: work # where the money is',
      '    context: {cluster: work, user: me}',
      'clusters:',
      '  - {name: work, cluster: {server: "https://work.example:6443"}}',
      'users:',
      '  - {name: me, user: {token: secret}}',
      'preferences: {colors: true}',
      '',
    ].join('\n')
    writeFileSync(own, before)
    const started = await kubesim(home, 'start', '--port', '0', '--memory', '--nodes', '1')
    expect(started).toMatchObject({ code: 0 })
    const merged = readFileSync(own, 'utf8')
    expect(merged).toContain('# mine')
    expect(merged).toContain('# where the money is')
    expect(merged).toContain('colors: true')
    expect(merged).toMatch(/name: kubesim/)
    expect(merged).toContain('current-context: kubesim')
    expect((await kubesim(home, 'delete')).code).toBe(0)
    const after = readFileSync(own, 'utf8')
    expect(after).not.toContain('kubesim')
    expect(after).toContain('# where the money is')
  })

  test('--no-merge-kubeconfig leaves it alone', async () => {
    expect((await kubesim(home, 'start', '--port', '0', '--memory', '--no-merge-kubeconfig')).code).toBe(0)
    expect(existsSync(join(home, '.kube', 'config'))).toBe(false)
    expect(existsSync(join(home, '.kubesim', 'kubeconfig'))).toBe(true)
  })
})

describe('in the background', () => {
  test('start, status, ip, node, logs, stop, start again, delete', async () => {
    expect(await kubesim(home, 'status')).toMatchObject({ code: 1, stdout: expect.stringContaining('Stopped') })
    const started = await kubesim(home, 'start', '--port', '0', '--nodes', '2')
    expect(started.stdout).toMatch(/^kubesim is ready: https:\/\/127\.0\.0\.1:\d+ {2}KUBECONFIG=\S+\n$/)
    expect((await kubesim(home, 'start')).stdout).toContain('already running')
    expect((await kubesim(home, 'status')).stdout).toContain('Running')
    expect((await kubesim(home, 'ip')).stdout).toMatch(/^127\.\d+\.\d+\.\d+\n$/)
    expect((await kubesim(home, 'node', 'list')).stdout).toMatch(/node-1\s+Ready/)
    expect((await kubesim(home, 'addons', 'list')).stdout).toMatch(/ingress\s+disabled/)
    expect((await kubesim(home, 'logs')).stdout).toContain('kubesim is ready')
    expect((await kubesim(home, 'docker-env')).stdout).toMatch(/^docker\(\) \{/)
    expect((await kubesim(home, 'stop')).code).toBe(0)
    expect((await kubesim(home, 'status')).code).toBe(1)
    expect((await kubesim(home, 'start', '--port', '0')).code).toBe(0)
    expect((await kubesim(home, 'delete')).code).toBe(0)
    expect(existsSync(join(home, '.kubesim'))).toBe(false)
  })

  test('commands that need a cluster say how to start one', async () => {
    for (const words of [
      ['ip'],
      ['node', 'list'],
      ['service', 'web'],
      ['kubectl', '--', 'get', 'pods'],
      ['image', 'ls'],
    ]) {
      const ran = await kubesim(home, ...words)
      expect(ran).toMatchObject({ code: 1, stdout: '' })
      expect(ran.stderr).toMatch(/^kubesim: no cluster is running in .*: start one with "kubesim start"\n$/)
    }
  })

  test.skipIf(noKubectl)('kubesim kubectl hands its words over', async () => {
    await kubesim(home, 'start', '--port', '0', '--memory')
    const ran = await kubesim(home, 'kubectl', '--', 'get', 'ns', 'default', '-o', 'name')
    expect(ran).toMatchObject({ code: 0, stdout: 'namespace/default\n' })
    expect((await kubesim(home, 'kubectl', 'get', 'pods', 'nothing')).code).toBe(1)
  })
})

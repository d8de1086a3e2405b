// Other people's clients: the JavaScript client, with an informer, and in containers.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { CoreV1Api, Cp, Exec, KubeConfig, makeInformer, PortForward, type V1Status } from '@kubernetes/client-node'
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

  describe('in containers', () => {
    const config = new KubeConfig()
    const collected = () => {
      const stream = new PassThrough()
      let text = ''
      stream.on('data', chunk => {
        text += chunk
      })
      return { stream, text: () => text }
    }
    /** How a command ended, and what it said. */
    async function exec(command: string[], stdin?: Readable) {
      const [out, err] = [collected(), collected()]
      const status = await new Promise<V1Status>((resolve, reject) => {
        new Exec(config)
          .exec('default', 'box', 'box', command, out.stream, err.stream, stdin ?? null, false, resolve)
          .catch(reject)
      })
      return { status, out: out.text(), err: err.text() }
    }
    beforeAll(async () => {
      config.loadFromFile(server.kubeconfig)
      const core = config.makeApiClient(CoreV1Api)
      for (const [name, image, command] of [
        ['box', 'busybox', ['sleep', '100000']],
        ['web', 'nginx', undefined],
      ] as const) {
        const containers = [{ name, image, ...(command ? { command: [...command] } : {}) }]
        await core.createNamespacedPod({ namespace: 'default', body: { metadata: { name }, spec: { containers } } })
        const ready = async () => {
          const { status } = await core.readNamespacedPod({ namespace: 'default', name })
          return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
        }
        while (!(await ready())) await new Promise(resolve => setTimeout(resolve, 50))
      }
    })

    test('Exec has both outputs, input to its end, and the exit code', async () => {
      const said = await exec(['sh', '-c', 'echo out; echo err >&2; exit 3'])
      expect([said.out, said.err, said.status.details?.causes]).toEqual([
        'out\n',
        'err\n',
        [{ reason: 'ExitCode', message: '3' }],
      ])
      const echoed = await exec(['cat'], Readable.from([Buffer.from('to and fro')]))
      expect([echoed.out, echoed.status.status]).toEqual(['to and fro', 'Success'])
    })

    test('Cp copies a folder into one', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'kubesim-cp-'))
      try {
        writeFileSync(join(folder, 'note'), 'copied')
        const cp = new Cp(config)
        await exec(['mkdir', '-p', '/tmp/in'])
        // It resolves when it has begun.
        await cp.cpToPod('default', 'box', 'box', folder, '/tmp/in')
        const there = await exec(['sh', '-c', 'until [ -s /tmp/in/note ]; do sleep 0.05; done; cat /tmp/in/note'])
        expect(there.out).toBe('copied')
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })

    test('PortForward carries a request', async () => {
      const [out, err] = [collected(), collected()]
      const input = new PassThrough()
      const socket = await new PortForward(config).portForward('default', 'web', [80], out.stream, err.stream, input)
      input.write('GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n')
      await new Promise(resolve => (socket as unknown as WebSocket).addEventListener('close', resolve))
      expect(out.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      expect(err.text()).toBe('')
    })
  })
})

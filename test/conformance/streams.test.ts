// Upstream's conformance items about what is read from containers over WebSocket, by their names (test/e2e/common/node/pods.go),
// against the command as a user starts it.

import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { noKubectl } from '../support/kubectl.ts'
import { credentialsOf, type Server, startServer } from '../support/server.ts'

let server: Server
beforeAll(async () => {
  if (noKubectl) return
  server = await startServer({ words: ['--memory', '--delays', '0', '--nodes', '1'] })
})
afterAll(async () => server?.[Symbol.asyncDispose]())

async function run(name: string, command: string): Promise<void> {
  await server.kubectl('run', name, '--image=busybox', '--command', '--', '/bin/sh', '-c', command)
  await server.kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=30s')
}

/** All messages until the server ends it. */
async function read(path: string, protocol: string): Promise<Buffer[]> {
  const socket = new WebSocket(
    `${server.url.replace('https', 'wss')}/api/v1/namespaces/default/pods/${path}`,
    protocol,
    credentialsOf(server.kubeconfig),
  )
  const messages: Buffer[] = []
  socket.on('message', (data: Buffer) => messages.push(data))
  await once(socket, 'close')
  return messages
}

test.skipIf(noKubectl)(
  '[sig-node] Pods should support remote command execution over websockets [NodeConformance]',
  async () => {
    await run('pod-exec-websocket', 'echo container is alive; sleep 600')
    const words = ['echo', 'remote execution test'].map(word => `command=${encodeURIComponent(word)}`).join('&')
    const query = `stderr=1&stdout=1&container=pod-exec-websocket&${words}`
    const messages = await read(`pod-exec-websocket/exec?${query}`, 'v4.channel.k8s.io')
    const on = (channel: number) =>
      Buffer.concat(messages.filter(([first]) => first === channel).map(each => each.subarray(1))).toString()
    expect(on(1)).toBe('remote execution test\n')
    expect(JSON.parse(on(3))).toMatchObject({ status: 'Success' })
  },
)

test.skipIf(noKubectl)(
  '[sig-node] Pods should support retrieving logs from the container over websockets [NodeConformance]',
  async () => {
    await run('pod-logs-websocket', 'echo container is alive; sleep 10000')
    const messages = await read('pod-logs-websocket/log?container=pod-logs-websocket', 'binary.k8s.io')
    expect(Buffer.concat(messages).toString()).toBe('container is alive\n')
  },
)

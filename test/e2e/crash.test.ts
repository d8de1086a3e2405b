// What was answered is there: the server is killed in the middle of a thousand writes, and started again; revisions go on,
// and a watch from before resumes or is told 410.

import { rmSync } from 'node:fs'
import https from 'node:https'
import { expect, test } from 'vitest'
import { credentialsOf, type Server, startServer } from '../support/server.ts'

test('SIGKILL in the middle of a thousand writes: every write that was answered is there', async () => {
  await using first = await startServer({ words: ['--nodes', '1'] })
  const agent = agentFor(first)
  const answered = new Map<string, string>()
  let killed = false
  const writer = async (connection: number) => {
    for (let index = 0; !killed && index < 1000; index++) {
      const name = `w-${connection}-${index}`
      try {
        const { status, body } = await request(first.url, agent, 'POST', maps, {
          metadata: { name },
          data: { index: String(index) },
        })
        if (status === 201) answered.set(name, (body as Stored).metadata.resourceVersion)
      } catch {
        return
      }
      if (answered.size >= 400 && !killed) {
        killed = true
        process.kill(first.pid, 'SIGKILL')
      }
    }
  }
  await Promise.all(Array.from({ length: 16 }, (_, connection) => writer(connection)))
  expect(answered.size).toBeGreaterThanOrEqual(400)
  expect(await first.stop('SIGKILL')).toBeNull()

  const again = await startServer({ dataDir: first.dataDir, words: ['--nodes', '1'] })
  try {
    const { body } = await request(again.url, agentFor(again), 'GET', maps)
    const list = body as { metadata: { resourceVersion: string }; items: Stored[] }
    const there = new Map(list.items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]))
    for (const [name, revision] of answered) expect(there.get(name), name).toBe(revision)
    const highest = Math.max(...[...answered.values()].map(Number))
    expect(Number(list.metadata.resourceVersion)).toBeGreaterThanOrEqual(highest)
  } finally {
    await again.stop()
  }
})

test('stopped and started again: everything is there, revisions go on, and a watch from before resumes', async () => {
  await using first = await startServer({ words: ['--nodes', '1', '--delays', '0'] })
  const created = (await request(first.url, agentFor(first), 'POST', maps, { metadata: { name: 'before' } }))
    .body as Stored
  await request(first.url, agentFor(first), 'POST', maps, { metadata: { name: 'seen' } })
  expect(await first.stop()).toBe(0)

  const again = await startServer({ dataDir: first.dataDir, words: ['--nodes', '1', '--delays', '0'] })
  try {
    const agent = agentFor(again)
    expect((await request(again.url, agent, 'GET', `${maps}/before`)).body).toEqual(created)
    const later = (await request(again.url, agent, 'POST', maps, { metadata: { name: 'after' } })).body as Stored
    expect(Number(later.metadata.resourceVersion)).toBeGreaterThan(Number(created.metadata.resourceVersion))
    const query = `watch=true&timeoutSeconds=1&resourceVersion=${created.metadata.resourceVersion}`
    const events = (await text(again.url, agent, `${maps}?${query}`))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Event)
    expect(events.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual(['ADDED seen', 'ADDED after'])
    const ancient = (
      await text(again.url, agent, `${maps}?watch=true&timeoutSeconds=1&resourceVersion=999999999`)
    ).trim()
    expect(
      ancient === '' || JSON.parse(ancient.split('\n')[0]!).type === 'ERROR' || JSON.parse(ancient).code === 504,
    ).toBe(true)
  } finally {
    await again.stop()
    rmSync(first.dataDir, { recursive: true, force: true })
  }
})

const maps = '/api/v1/namespaces/default/configmaps'

interface Stored {
  metadata: { name: string; resourceVersion: string }
}
interface Event {
  type: string
  object: Stored
}

function agentFor(server: Server): https.Agent {
  return new https.Agent({ keepAlive: true, ...credentialsOf(server.kubeconfig) })
}

async function request(url: string, agent: https.Agent, method: string, path: string, body?: object) {
  const answer = await exchange(url, agent, method, path, body)
  return { status: answer.status, body: JSON.parse(answer.text) as unknown }
}

async function text(url: string, agent: https.Agent, path: string): Promise<string> {
  return (await exchange(url, agent, 'GET', path)).text
}

function exchange(url: string, agent: https.Agent, method: string, path: string, body?: object) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const outgoing = https.request(
      `${url}${path}`,
      { agent, method, headers: { 'content-type': 'application/json' } },
      incoming => {
        let received = ''
        incoming.on('data', chunk => {
          received += chunk
        })
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text: received }))
        incoming.on('error', reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body === undefined ? undefined : JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', ...body }))
  })
}

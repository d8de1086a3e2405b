import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { quietLog } from '../../src/env/log.ts'
import { realEnv } from '../../src/env/real-env.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'

function logFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kubesim-log-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'deep', 'log')
}

const lines = (file: string) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))

describe('the log', () => {
  test("carries the cluster's time, constant messages, and values as fields", async () => {
    const file = logFile()
    const env = virtualEnv({ startAt: 0, logLevel: 'info', logTo: file })
    env.log.info({ pod: 'default/web-1', node: 'node-2' }, 'bound')
    await env.clock.advance(61_500)
    const log = env.log.child({ controller: 'deployment' }).child({ attempt: 2 })
    log.warn({}, 'again')
    log.debug({}, 'too quiet to be heard')
    expect(lines(file)).toEqual([
      { level: 'info', time: '1970-01-01T00:00:00.000Z', pod: 'default/web-1', node: 'node-2', msg: 'bound' },
      { level: 'warn', time: '1970-01-01T00:01:01.500Z', controller: 'deployment', attempt: 2, msg: 'again' },
    ])
  })

  test('an error keeps its stack', () => {
    const file = logFile()
    virtualEnv({ logLevel: 'error', logTo: file }).log.error({ error: new Error('broken') }, 'reconcile failed')
    expect(lines(file)[0].error).toMatchObject({ message: 'broken', stack: expect.stringContaining('log.test.ts') })
  })

  test('silent is quiet', () => {
    expect(realEnv({ logLevel: 'silent' }).log).toBe(quietLog)
    expect(virtualEnv().log).toBe(quietLog)
    quietLog.child({}).error({}, 'nobody hears')
  })
})

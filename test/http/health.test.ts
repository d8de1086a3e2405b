// /healthz, /livez and /readyz, word for word as k8s.io/apiserver/pkg/server/healthz/healthz.go says them.

import { expect, test } from 'vitest'
import { healthReport } from '../../apiserver/http/health.ts'
import { openDoor } from './door.ts'

const checks = { ping: () => true, etcd: () => true, 'poststarthook/rbac': () => false, shutdown: () => true }
const said = (path: string, search = '') => healthReport(path, search, checks)

test('all is well in two letters, and in a line each with ?verbose', async () => {
  await using door = await openDoor()
  for (const path of ['/healthz', '/livez', '/readyz', '/livez/ping', '/readyz/shutdown']) {
    const { code, text, headers } = await door.ask(path)
    expect([code, text, headers['content-type']]).toEqual([200, 'ok', 'text/plain; charset=utf-8'])
  }
  expect((await door.ask('/livez?verbose')).text).toBe('[+]ping ok\n[+]log ok\nlivez check passed\n')
  expect((await door.ask('/readyz?verbose')).text).toBe('[+]ping ok\n[+]log ok\n[+]shutdown ok\nreadyz check passed\n')
  expect((await door.ask('/readyz?verbose&exclude=log')).text).toBe(
    '[+]ping ok\n[+]log excluded: ok\n[+]shutdown ok\nreadyz check passed\n',
  )
  expect((await door.ask('/livez?verbose=false&exclude=x&exclude=y')).text).toBe(
    '[+]ping ok\n[+]log ok\nwarn: some health checks cannot be excluded: no matches for "x","y"\nlivez check passed\n',
  )
})

test('a check that fails is named, its reason is not', () => {
  expect(said('/readyz')).toMatchObject({
    status: 500,
    text: '[+]ping ok\n[+]etcd ok\n[-]poststarthook/rbac failed: reason withheld\n[+]shutdown ok\nreadyz check failed\n',
  })
  expect(said('/livez')!.text).toBe(
    '[+]ping ok\n[+]etcd ok\n[-]poststarthook/rbac failed: reason withheld\nlivez check failed\n',
  )
  expect(said('/livez', 'exclude=poststarthook/rbac')).toMatchObject({ status: 200, text: 'ok' })
  expect(said('/livez/poststarthook/rbac')).toMatchObject({ status: 500 })
})

test('a check that is not there is a path that is not there', () => {
  for (const path of ['/readyz/nothing', '/livez/shutdown']) {
    expect(said(path)).toMatchObject({ status: 404, text: '404 page not found\n' })
  }
  expect(said('/healthzy')).toBeUndefined()
})

// kubesim clock, as a user types it: the built command, a real server, the real kubectl.

import { expect, test } from 'vitest'
import type { Advanced, ClockStatus, Step } from '../../src/clock-control.ts'
import { noKubectl } from '../support/kubectl.ts'
import { kubesim, startServer } from '../support/server.ts'

test.skipIf(noKubectl)('pause, step, advance a CronJob by a day, and who may', async () => {
  await using server = await startServer({ words: ['--memory', '--nodes', '1'] })
  const { kubectl, dataDir, home } = server
  const clock = async <R>(...words: string[]): Promise<R> => {
    const ran = await kubesim(home, 'clock', ...words, '--data-dir', dataDir, '--output', 'json')
    expect(ran.stderr).toBe('')
    return JSON.parse(ran.stdout) as R
  }
  expect(await clock<ClockStatus>('status')).toMatchObject({ speed: 1, paused: false, waiting: [], apart: [] })
  const paused = await clock<ClockStatus>('pause')
  await kubectl('create', 'deployment', 'web', '--image=nginx')
  await kubectl('create', 'cronjob', 'hourly', '--image=busybox', '--schedule=0 * * * *', '--', 'date')
  expect((await kubectl.run(['get', 'pods'])).stderr).toContain('No resources found')
  const held = await kubesim(home, 'clock', 'status', '--data-dir', dataDir)
  expect(held.stdout).toMatch(/^it is \S+ in the cluster: paused\n\nWAITING +KIND +KEY\n/)
  expect(held.stdout).toMatch(/deployment-controller +Deployment +default\/web\n/)
  const step = await clock<Step>('step')
  expect(step).toMatchObject({ work: { controller: 'deployment-controller', key: 'default/web' }, waited: 0 })
  expect(step.time).toBe(paused.time)

  const day = await clock<Advanced>('advance', '24h')
  expect(Date.parse(day.to) - Date.parse(day.from)).toBe(86_400_000)
  const jobs = await kubectl('get', 'jobs', '-o', 'jsonpath={range .items[*]}{.status.succeeded}{"\\n"}{end}')
  expect(jobs).toBe('1\n1\n1\n')
  expect(await kubectl('get', 'cronjob', 'hourly')).toMatch(/hourly .* 0 +\d+m +24h/)
  expect(await kubectl('get', 'deployment', 'web')).toContain('1/1')

  await kubectl('scale', 'deployment', 'web', '--replicas=2')
  const settled = await kubesim(home, 'clock', 'settle', '--data-dir', dataDir)
  expect(settled.stdout).toMatch(/^all is at rest at \S+: \d+ writes\n$/)
  expect(await kubectl('get', 'deployment', 'web')).toContain('2/2')

  const running = await kubesim(home, 'clock', 'speed', '60', '--data-dir', dataDir)
  expect(running.stdout).toContain('paused')
  expect((await kubesim(home, 'clock', 'resume', '--data-dir', dataDir)).stdout).toContain("60 times the wall's speed")
  const wrong = await kubesim(home, 'clock', 'advance', 'soon', '--data-dir', dataDir)
  expect([wrong.code, wrong.stderr]).toEqual([1, 'kubesim: "soon" is not a duration such as 30s, 1h30m or 7d\n'])
  const zero = await kubesim(home, 'clock', 'speed', '0', '--data-dir', dataDir)
  expect(zero.stderr).toContain('the speed is a number above 0')

  const path = '/kubesim/v1alpha1/clock'
  const stranger = await kubectl.run(['get', '--raw', path, '--as=eve'])
  expect(stranger.stderr).toContain(`User "eve" cannot get path "${path}"`)
  await kubectl('create', 'clusterrole', 'clock-reader', '--verb=get', `--non-resource-url=${path}`)
  await kubectl('create', 'clusterrolebinding', 'eve-reads', '--clusterrole=clock-reader', '--user=eve')
  expect(JSON.parse(await kubectl('get', '--raw', path, '--as=eve'))).toMatchObject({
    kind: 'Clock',
    speed: 60,
  })
})

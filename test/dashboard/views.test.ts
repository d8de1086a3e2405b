// The views of the control plane, the timeline, scheduling and the network, as somebody uses them: a real cluster, a real browser.

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type DashboardServer,
  noBrowser,
  type OpenPage,
  openBrowser,
  openPage,
  startDashboard,
  violations,
} from '../support/browser.ts'
import { noKubectl } from '../support/kubectl.ts'

const policy = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'deny' },
  spec: { podSelector: { matchLabels: { app: 'guarded' } }, policyTypes: ['Ingress'] },
}

describe.skipIf(noBrowser ?? noKubectl)('views of the dashboard', () => {
  let server: DashboardServer
  let browser: Browser

  beforeAll(async () => {
    ;[server, browser] = await Promise.all([
      startDashboard({ words: ['--nodes', '3', '--delays', '0'] }),
      openBrowser(),
    ])
    const { kubectl } = server
    await kubectl('create', 'deployment', 'web', '--image=nginx', '--replicas=2')
    await kubectl('expose', 'deployment', 'web', '--port=80')
    await kubectl('run', 'client', '--image=nginx')
    await kubectl('run', 'guarded', '--image=nginx', '--labels=app=guarded', '--port=80', '--expose')
    const applied = await kubectl.run(['apply', '-f', '-'], { stdin: JSON.stringify(policy) })
    expect(applied.stderr).toBe('')
    await kubectl('rollout', 'status', 'deployment/web')
    await kubectl('wait', 'pod/client', 'pod/guarded', '--for=condition=Ready')
  })

  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
  })

  async function open(hash: string, colours: 'light' | 'dark' = 'light'): Promise<OpenPage> {
    const opened = await openPage(browser, server.page, colours)
    await opened.go(hash)
    return opened
  }

  test('the control plane tells the way of a Deployment and what it brings about, and of nothing else', async () => {
    await using opened = await open('#/control-plane')
    const { page, errors } = opened
    await page.getByLabel('Follow an object').fill('deploy/followed')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Follow everything again' }).waitFor()
    await server.kubectl('create', 'deployment', 'other', '--image=nginx')
    await server.kubectl('create', 'deployment', 'followed', '--image=nginx')
    const log = page.getByRole('list', { name: 'What has passed, the latest first' })
    await log
      .getByText(/replicaset-controller takes default\/followed-/)
      .first()
      .waitFor()
    await log
      .getByText(/revision \d+: pods default\/followed-\S+ is made, by replicaset-controller/)
      .first()
      .waitFor()
    await log
      .getByText(/kubelet of node-\d takes default\/followed-/)
      .first()
      .waitFor()
    expect(await log.getByText('default/other').count()).toBe(0)
    await server.kubectl('delete', 'deployment', 'other', 'followed')
    expect(errors).toEqual([])
  })

  test('a switch stops the scheduler with a Fault, and starts it again', async () => {
    await using opened = await open('#/control-plane')
    const { page, errors } = opened
    const scheduler = page.getByRole('switch', { name: 'kube-scheduler runs' })
    await scheduler.click()
    await page.getByText('stopped', { exact: true }).waitFor()
    expect(await page.getByTestId('command').innerText()).toContain('"metadata":{"name":"stop-kube-scheduler"}')
    expect(await server.kubectl('get', 'faults', '-o', 'name')).toContain('fault.kubesim.dev/stop-kube-scheduler')
    await server.kubectl('run', 'late', '--image=nginx')
    expect(await server.kubectl('get', 'pod', 'late', '-o', 'jsonpath={.spec.nodeName}')).toBe('')
    await scheduler.click()
    await page.getByText('stopped', { exact: true }).waitFor({ state: 'detached' })
    await server.kubectl('wait', 'pod/late', '--for=condition=Ready')
    await server.kubectl('delete', 'pod', 'late', '--now')
    expect(errors).toEqual([])
  })

  test('a machine is switched off and on again', async () => {
    await using opened = await open('#/control-plane')
    const { page, errors } = opened
    const machine = page.getByRole('switch', { name: 'node-3 runs' })
    await machine.click()
    await machine.getByText('silent').waitFor()
    expect(await server.kubectl('get', 'fault', 'stop-node-3', '-o', 'jsonpath={.spec.nodes}')).toContain('"Dead"')
    await machine.click()
    await machine.getByText('silent').waitFor({ state: 'detached' })
    await server.kubectl('wait', 'node/node-3', '--for=condition=Ready')
    expect(errors).toEqual([])
  })

  test('a paused cluster is stepped, and says how much waits', async () => {
    await using opened = await open('#/control-plane')
    const { page, errors } = opened
    await page.getByRole('button', { name: 'Pause' }).click()
    await server.kubectl('create', 'deployment', 'stepped', '--image=nginx')
    const log = page.getByRole('list', { name: 'What has passed, the latest first' })
    await log
      .getByText(/deployment-controller queues default\/stepped/)
      .first()
      .waitFor()
    expect(await log.getByText('deployment-controller takes default/stepped').count()).toBe(0)
    await page.getByRole('button', { name: 'Step', exact: true }).last().click()
    await log.getByText('deployment-controller takes default/stepped').first().waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await server.kubectl('rollout', 'status', 'deployment/stepped')
    await server.kubectl('delete', 'deployment', 'stepped')
    expect(errors).toEqual([])
  })

  test('a request is drawn from the name to the pod that answers; ten are shared out', async () => {
    await using opened = await open('#/network')
    const { page, errors } = opened
    await page.getByText('Choose who asks and where to').waitFor()
    await page.getByLabel('From').selectOption('pod/default/client')
    await page.getByLabel('to', { exact: true }).fill('http://web/')
    await page.keyboard.press('Enter')
    const way = page.getByRole('group', { name: /^The way of the request: status 200/ })
    await way.getByText('web.default.svc.cluster.local A').waitFor()
    await way.getByText(/^Proxy table of node-\d$/).waitFor()
    await way
      .getByText(/^10\.244\.\d+\.\d+:80$/)
      .nth(1)
      .waitFor()
    expect(await way.getByText('chosen').count()).toBe(1)
    expect(await page.getByTestId('command').innerText()).toBe('kubesim trace client http://web/ --timeout 2s')
    await page.getByRole('button', { name: 'Send 10' }).click()
    const sent = page.getByRole('complementary', { name: 'Sent requests' })
    await sent.getByRole('button').nth(10).waitFor()
    const counts = await sent.locator('.answers b').allInnerTexts()
    expect(counts.map(Number).reduce((sum, count) => sum + count, 0)).toBe(11)
    expect(errors).toEqual([])
  })

  test('a request that a policy forbids ends at the policy, which can be opened', async () => {
    await using opened = await open('#/network?from=pod%2Fdefault%2Fclient&url=http%3A%2F%2Fguarded%2F')
    const { page, errors } = opened
    await page.getByRole('combobox', { name: 'within' }).selectOption('1s')
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    const way = page.getByRole('group', { name: /^The way of the request: Connection timed out/ })
    await way.getByText('NetworkPolicy default/deny').waitFor()
    await way.getByRole('button', { name: 'Open the policy' }).click()
    await page.getByRole('complementary', { name: 'NetworkPolicy deny' }).waitFor()
    expect(errors).toEqual([])
  })

  test('a pod is held against every node; a change in the form changes the verdict and nothing else', async () => {
    await using opened = await open('#/scheduling?pod=new')
    const { page, errors } = opened
    const outcome = page.getByRole('status').filter({ hasText: 'default/new' })
    await outcome.getByText('would go to').waitFor()
    await page.getByLabel('CPU requested').fill('100')
    await outcome.getByText('would have no node').waitFor()
    await outcome.getByText(/0\/3 nodes are available: 3 Insufficient cpu/).waitFor()
    await page.getByRole('combobox', { name: 'Node', exact: true }).selectOption('node-2')
    await page.getByLabel('CPU to give').fill('128')
    await outcome.getByText('would go to node-2').waitFor()
    const table = page.getByRole('region', { name: 'Nodes and rules' })
    expect(await table.getByRole('row', { name: /^node-2/ }).innerText()).toContain('wins')
    expect(await table.getByRole('row', { name: /^node-1/ }).innerText()).toContain('Insufficient cpu')
    await page.getByLabel('Taints, in place of its own').fill('dedicated')
    await page.getByRole('alert').getByText('taints: "dedicated" is not like key=value:NoSchedule').waitFor()
    await page.getByLabel('Taints, in place of its own').fill('dedicated=db:NoSchedule')
    await outcome.getByText('would have no node').waitFor()
    await page.getByRole('button', { name: 'As it is' }).click()
    await outcome.getByText('would go to').waitFor()
    expect(await server.kubectl('get', 'node', 'node-2', '-o', 'jsonpath={.spec.taints}')).toBe('')
    expect(errors).toEqual([])
  })

  test('going back on the timeline shows every view as of then, and two moments are compared', async () => {
    await server.kubectl('scale', 'deployment/web', '--replicas=4')
    await server.kubectl('rollout', 'status', 'deployment/web')
    await using opened = await open('#/timeline?namespace=default')
    const { page, errors } = opened
    const lane = page.getByRole('option', { name: /^Deployment default\/web, \d+ writes$/ })
    await lane.click()
    const told = page.getByRole('region', { name: 'What happened to web' })
    await told.getByText('created by kubernetes-admin, with kubectl-create').waitFor()
    const scaled = told.getByRole('listitem').filter({ hasText: 'spec.replicas' }).first()
    expect(await scaled.innerText()).toMatch(/spec\.replicas 2 4/)
    const revision = Number(await scaled.getByRole('button').innerText())
    await told.getByRole('button', { name: String(revision), exact: true }).click()
    await page.getByText(`The cluster as it was at revision ${revision}`).waitFor()
    const handle = page.getByRole('slider', { name: 'As of' })
    await handle.focus()
    for (let presses = 0; presses < 3; presses++) await page.keyboard.press('ArrowLeft')
    await page.waitForURL(({ hash }) => Number(/at=(\d+)/.exec(hash)?.[1]) < revision)
    await page.getByRole('link', { name: 'Cluster' }).click()
    const tiles = page.getByRole('button', { name: /^default\/web-/ })
    await tiles.nth(1).waitFor()
    expect(await tiles.count()).toBe(2)
    await page.getByRole('link', { name: 'Timeline' }).click()
    await page.getByRole('button', { name: /^Compare from revision/ }).click()
    await page.keyboard.press('Escape')
    await handle.focus()
    await page.keyboard.press('End')
    await page.getByText('The cluster as it was').waitFor({ state: 'detached' })
    const comparison = page.getByRole('region', { name: 'Two moments compared' })
    await comparison.getByText('spec.replicas').first().waitFor()
    expect(await comparison.innerText()).toMatch(/spec\.replicas\s+2\s+4/)
    expect(errors).toEqual([])
  })

  test.each(['light', 'dark'] as const)('axe-core has nothing against the views, %s', async colours => {
    await using opened = await open('#/control-plane', colours)
    const { page } = opened
    await page.getByRole('switch', { name: 'kube-scheduler runs' }).waitFor()
    expect(await violations(page)).toEqual([])
    await opened.go('#/timeline')
    await page.getByRole('listbox').getByRole('option').first().click()
    expect(await violations(page)).toEqual([])
    await opened.go('#/scheduling?pod=new')
    await page.getByRole('rowheader', { name: /node-1/ }).waitFor()
    expect(await violations(page)).toEqual([])
    await opened.go('#/network?from=pod%2Fdefault%2Fclient&url=http%3A%2F%2Fweb%2F')
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText('Every packet, hop by hop').waitFor()
    expect(await violations(page)).toEqual([])
  })
})

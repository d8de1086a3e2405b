// The dashboard as somebody uses it: a real cluster, a real browser. Each test waits for what the page shows, never for time.

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

describe.skipIf(noBrowser ?? noKubectl)('the dashboard', () => {
  let server: DashboardServer
  let browser: Browser

  beforeAll(async () => {
    ;[server, browser] = await Promise.all([startDashboard({ words: ['--nodes', '3'] }), openBrowser()])
    const { kubectl } = server
    await kubectl('create', 'deployment', 'web', '--image=nginx', '--replicas=3')
    await kubectl(
      'run',
      'talker',
      '--image=busybox',
      '--',
      'sh',
      '-c',
      'i=0; while true; do i=$((i+1)); echo line $i; sleep 0.3; done',
    )
    await kubectl('rollout', 'status', 'deployment/web')
    await kubectl('wait', 'pod/talker', '--for=condition=Ready')
  })

  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
    // A shell whose terminal was closed has done nothing wrong.
    expect(server?.stderr()).not.toContain('a simulated program failed')
  })

  async function open(hash: string, colours: 'light' | 'dark' = 'light'): Promise<OpenPage> {
    const opened = await openPage(browser, server.page, colours)
    await opened.go(hash)
    return opened
  }

  const podOf = (label: string) =>
    server.kubectl('get', 'pods', '-l', `app=${label}`, '-o', 'jsonpath={.items[0].metadata.name}')

  test('nodes show their pods live, and the key is not left in the address', async () => {
    await using opened = await open('#/cluster')
    const { page, errors } = opened
    expect(page.url()).not.toContain('key')
    await page.getByRole('region', { name: 'Node node-3' }).waitFor()
    const tile = page.getByRole('button', { name: /^default\/web-\S+: Running, 1\/1 ready$/ })
    await tile.nth(2).waitFor()
    await server.kubectl('scale', 'deployment/web', '--replicas=5')
    await tile.nth(4).waitFor()
    await server.kubectl('scale', 'deployment/web', '--replicas=3')
    await tile.nth(4).waitFor({ state: 'detached' })
    await tile.first().hover()
    expect(await page.getByRole('tooltip').innerText()).toMatch(/status\s+Running, 1\/1 ready\s+namespace\s+default/)
    await server.kubectl('cordon', 'node-2')
    await page.getByRole('region', { name: 'Node node-2' }).getByText('cordoned').waitFor()
    await server.kubectl('uncordon', 'node-2')
    await page.getByText('cordoned').waitFor({ state: 'detached' })
    expect(errors).toEqual([])
  })

  test('a pod is opened by keyboard alone, and closing it leads back', async () => {
    await using opened = await open('#/cluster')
    const { page, errors } = opened
    const focused = () =>
      page.evaluate<string>(
        "document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? ''",
      )
    await page.getByRole('button', { name: /^default\/talker: Running/ }).waitFor()
    const tabTo = async (start: string): Promise<void> => {
      for (let tabs = 0; !(await focused()).startsWith(start); tabs++) {
        if (tabs > 40) throw new Error(`${start} was not reached by Tab`)
        await page.keyboard.press('Tab')
      }
    }
    await tabTo('default/')
    await page.keyboard.press('End')
    const last = await focused()
    await page.keyboard.press('Home')
    expect(await focused()).not.toBe(last)
    await page.keyboard.press('ArrowRight')
    const chosen = await focused()
    const name = /^default\/([^:]+):/.exec(chosen)![1]!
    await page.keyboard.press('Enter')
    const panel = page.getByRole('complementary')
    await panel.getByRole('heading', { name }).waitFor()
    await panel.getByText('Initialized').waitFor()
    expect(await page.getByTestId('command').innerText()).toBe(`kubectl get pod ${name} -o wide`)
    await tabTo('Summary')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await panel.locator('.yaml-editor').getByText(`name: ${name}`).first().waitFor()
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    expect(await focused()).toBe(chosen)
    await page.keyboard.press('?')
    await page.getByRole('dialog').getByText('pause or resume the clock').waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await page.keyboard.type('node node-2')
    await page.getByRole('option', { name: /node-2/ }).waitFor()
    await page.keyboard.press('Enter')
    await panel.getByRole('heading', { name: 'node-2' }).waitFor()
    expect(errors).toEqual([])
  })

  test('an object is edited with completion, compared, tried and applied', async () => {
    await server.kubectl('create', 'deployment', 'edited', '--image=nginx')
    await using opened = await open('#/cluster?object=deployments.apps%2Fdefault%2Fedited&tab=yaml')
    const { page, errors } = opened
    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    const editor = page.getByRole('textbox', { name: 'YAML of edited, to be edited' })
    await page.getByText('Ctrl+Space completes').waitFor()
    await editor.getByText('replicas').click()
    await page.keyboard.press('End')
    await page.keyboard.press('Backspace')
    await page.keyboard.type('2')
    await page.keyboard.press('Enter')
    await page.keyboard.type('minRead')
    await page.getByRole('option', { name: /minReadySeconds/ }).click()
    await page.keyboard.type('1')
    await page.getByRole('button', { name: 'Diff' }).click()
    await page.locator('.cm-changedLine', { hasText: 'minReadySeconds: 1' }).waitFor()
    await page.getByRole('button', { name: 'Dry run' }).click()
    await page.getByRole('alert').getByText('conflict').first().waitFor()
    await page.getByRole('button', { name: 'Take the fields over' }).waitFor()
    expect(await server.kubectl('get', 'deployment', 'edited', '-o', 'jsonpath={.spec.replicas}')).toBe('1')
    await page.getByRole('button', { name: 'Take the fields over' }).click()
    await page.getByText('deployment/edited serverside-applied', { exact: true }).first().waitFor()
    expect(
      await server.kubectl('get', 'deployment', 'edited', '-o', 'jsonpath={.spec.replicas} {.spec.minReadySeconds}'),
    ).toBe('2 1')
    expect(await page.getByTestId('command').innerText()).toBe(
      'kubectl apply --server-side --field-manager=kubesim-dashboard --force-conflicts -f edited.yaml',
    )
    expect(errors.filter(text => !text.includes('409'))).toEqual([])
  })

  test('a pod is deleted and comes again, a deployment is scaled and restarted, a node cordoned', async () => {
    await using opened = await open('#/cluster?object=deployments.apps%2Fdefault%2Fweb')
    const { page, errors, go } = opened
    const actions = page.getByRole('group', { name: 'Actions' })
    await actions.getByRole('spinbutton', { name: 'Replicas' }).fill('4')
    await actions.getByRole('button', { name: 'Scale' }).click()
    const tile = page.getByRole('button', { name: /^default\/web-\S+: Running, 1\/1 ready$/ })
    await tile.nth(3).waitFor()
    await actions.getByRole('spinbutton', { name: 'Replicas' }).fill('3')
    await page.keyboard.press('Enter')
    await tile.nth(3).waitFor({ state: 'detached' })
    await page.getByTestId('command').getByText('kubectl scale deployment/web --replicas=3').waitFor()
    await actions.getByRole('button', { name: 'Restart' }).click()
    await page.getByText('deployment/web restarted').waitFor()
    await server.kubectl('rollout', 'status', 'deployment/web')
    const pod = await podOf('web')
    await go(`#/cluster?object=pods%2Fdefault%2F${pod}`)
    await actions.getByRole('button', { name: 'Delete …' }).click()
    await page.getByRole('dialog').getByText('Its owner will make another').waitFor()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('complementary').getByText('gone').waitFor()
    await tile.nth(2).waitFor()
    await go('#/cluster?object=nodes%2F%2Fnode-1')
    await actions.getByRole('button', { name: 'Cordon', exact: true }).click()
    await actions.getByRole('button', { name: 'Uncordon' }).click()
    await actions.getByRole('button', { name: 'Cordon', exact: true }).waitFor()
    await page.getByTestId('command').getByText('kubectl uncordon node-1').waitFor()
    // The pod may have been asked for once more when it was gone.
    expect(errors.filter(error => !error.includes('404 (Not Found)'))).toEqual([])
  })

  test('a terminal runs commands in a container, and says how they ended', async () => {
    const pod = await podOf('web')
    await using opened = await open(`#/cluster?object=pods%2Fdefault%2F${pod}&tab=terminal`)
    const { page, errors } = opened
    const terminal = page.locator('.xterm-rows')
    await terminal.getByText('#').first().waitFor()
    await page.keyboard.type('echo sum $((20+3)); hostname')
    await page.keyboard.press('Enter')
    await terminal.getByText('sum 23').waitFor()
    await terminal.getByText(pod, { exact: true }).waitFor()
    await page.keyboard.type('stty size; exit 3')
    await page.keyboard.press('Enter')
    await page.getByText('the command has ended with exit code 3').waitFor()
    expect(errors).toEqual([])
  })

  test('a log is followed', async () => {
    await using opened = await open('#/cluster?object=pods%2Fdefault%2Ftalker&tab=logs')
    const { page, errors } = opened
    const log = page.getByRole('log')
    await log
      .getByText(/^line \d+$/)
      .first()
      .waitFor()
    const last = async () => Number(/(\d+)\s*$/.exec(await log.innerText())![1])
    const before = await last()
    await log.getByText(`line ${before + 2}`, { exact: true }).waitFor()
    expect(errors).toEqual([])
  })

  test('why it is there, why it is not running, and who owns it', async () => {
    const pod = await podOf('web')
    await server.kubectl(
      'run',
      'hog',
      '--image=nginx',
      '--overrides={"spec":{"containers":[{"name":"hog","image":"nginx","resources":{"requests":{"cpu":"100"}}}]}}',
    )
    await using opened = await open(`#/cluster?object=pods%2Fdefault%2F${pod}&tab=why`)
    const { page, errors, go } = opened
    await page.getByText('replicaset-controller').first().waitFor()
    await page
      .getByText(/kubectl-create|kubesim-dashboard/)
      .first()
      .waitFor()
    await go('#/cluster?object=pods%2Fdefault%2Fhog&tab=why')
    await page.getByText('pod/hog: not scheduled').waitFor()
    await page.getByRole('cell', { name: 'Insufficient cpu' }).first().waitFor()
    await go(`#/cluster?object=pods%2Fdefault%2F${pod}&tab=graph`)
    await page.getByRole('button', { name: 'Deployment web' }).click()
    await page.getByRole('complementary', { name: 'Deployment web' }).waitFor()
    await server.kubectl('delete', 'pod', 'hog', '--wait=false')
    expect(errors).toEqual([])
  })

  test('every kind is listed with the columns of kubectl, live, custom ones too', async () => {
    await using opened = await open('#/objects')
    const { page, errors, go } = opened
    const row = page.getByRole('row', { name: /default web/ })
    await row.waitFor()
    const columns = await page.getByRole('columnheader').allInnerTexts()
    expect(columns).toEqual(['Namespace', 'Name', 'Ready', 'Up-to-date', 'Available', 'Age'])
    await server.kubectl('scale', 'deployment/web', '--replicas=2')
    await page.getByRole('row', { name: /default web 2\/2 2 2/ }).waitFor()
    await server.kubectl('scale', 'deployment/web', '--replicas=3')
    await page.getByRole('row', { name: /default web 3\/3 3 3/ }).waitFor()
    await row.click()
    await page.getByRole('complementary').getByText('NewReplicaSetAvailable').waitFor()
    await go('#/objects?kind=customresourcedefinitions.apiextensions.k8s.io')
    await server.kubectl.run(['apply', '-f', '-'], { stdin: JSON.stringify(definition) })
    await page.getByRole('button', { name: 'Lamp' }).click()
    await page.getByText('No resources found').waitFor()
    await server.kubectl.run(['apply', '-f', '-'], {
      stdin: JSON.stringify({ apiVersion: 'shop.example/v1', kind: 'Lamp', metadata: { name: 'desk' } }),
    })
    await page.getByRole('row', { name: /default desk/ }).waitFor()
    expect(errors).toEqual([])
  })

  test('the cluster as it was, in every view, and nothing of it can be changed', async () => {
    await server.kubectl('create', 'deployment', 'later', '--image=nginx', '--replicas=2')
    await server.kubectl('rollout', 'status', 'deployment/later')
    const revision = await server.kubectl('get', 'deployment', 'later', '-o', 'jsonpath={.metadata.resourceVersion}')
    await server.kubectl('delete', 'deployment', 'later', '--cascade=foreground')
    await using opened = await open('#/cluster')
    const { page, errors, go } = opened
    const tile = page.getByRole('button', { name: /^default\/later-/ })
    await page
      .getByRole('button', { name: /^default\/web-/ })
      .first()
      .waitFor()
    expect(await tile.count()).toBe(0)
    await page.getByRole('textbox', { name: 'As of' }).fill(revision)
    await page.keyboard.press('Enter')
    await tile.nth(1).waitFor()
    await page.getByText(`revision ${revision}`).waitFor()
    await page.getByRole('link', { name: 'Objects' }).click()
    await page.getByRole('row', { name: /default later 2\/2/ }).click()
    await page.getByRole('tab', { name: 'YAML' }).click()
    await page.locator('.yaml-editor').getByText('name: later').first().waitFor()
    expect(await page.getByRole('button', { name: 'Edit', exact: true }).count()).toBe(0)
    await page.getByRole('button', { name: 'Back to the present' }).click()
    await page.getByRole('row', { name: /default later/ }).waitFor({ state: 'detached' })
    await go('#/cluster')
    expect(errors).toEqual([])
  })

  test('the clock is paused, stepped, advanced and let go', async () => {
    await using opened = await open('#/cluster')
    const { page, errors } = opened
    const clock = page.getByRole('group', { name: 'Clock' })
    await clock.getByRole('button', { name: 'Pause' }).click()
    await clock.getByRole('button', { name: 'Resume' }).waitFor()
    const status = async () =>
      JSON.parse(await server.kubectl('get', '--raw', '/kubesim/v1alpha1/clock')) as { paused: boolean; time: string }
    const paused = await status()
    expect(paused.paused).toBe(true)
    await server.kubectl('create', 'deployment', 'stepped', '--image=nginx')
    await page.keyboard.press('.')
    await page.getByText(/^deployment-controller: Deployment default\/stepped/).waitFor()
    await clock.getByRole('combobox', { name: 'Advance by' }).selectOption('1h')
    await page.getByText(/timers, \d+ writes/).waitFor()
    expect(Date.parse((await status()).time) - Date.parse(paused.time)).toBe(3_600_000)
    expect(await page.getByTestId('command').innerText()).toBe('kubesim clock advance 1h')
    await clock.getByRole('button', { name: 'Resume' }).click()
    await clock.getByRole('button', { name: 'Pause' }).waitFor()
    expect((await status()).paused).toBe(false)
    await server.kubectl('delete', 'deployment', 'stepped')
    expect(errors).toEqual([])
  })

  test.for(['light', 'dark'] as const)('axe-core has nothing against it: %s', async colours => {
    const pod = await podOf('web')
    await using opened = await open('#/cluster', colours)
    const { page, go } = opened
    const found: string[] = []
    const look = async (what: string) => found.push(...(await violations(page)).map(line => `${what}: ${line}`))
    await page
      .getByRole('button', { name: /^default\/web-/ })
      .first()
      .waitFor()
    await look('cluster')
    await page.keyboard.press('?')
    await look('help')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog').getByRole('option').first().waitFor()
    await look('palette')
    await page.keyboard.press('Escape')
    for (const [tab, shown] of [
      ['summary', 'Conditions'],
      ['yaml', 'terminationMessagePath'],
      ['logs', 'worker process'],
      ['terminal', 'leave it'],
      ['why', 'Why it is there'],
      ['graph', 'ReplicaSet'],
    ] as const) {
      await go(`#/cluster?object=pods%2Fdefault%2F${pod}&tab=${tab}`)
      await page.getByRole('complementary').getByText(shown).first().waitFor()
      await look(tab)
    }
    await go('#/objects?kind=pods')
    await page
      .getByRole('row', { name: /default web-/ })
      .first()
      .waitFor()
    await look('objects')
    expect(found).toEqual([])
  })
})

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'lamps.shop.example' },
  spec: {
    group: 'shop.example',
    scope: 'Namespaced',
    names: { plural: 'lamps', singular: 'lamp', kind: 'Lamp' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
}

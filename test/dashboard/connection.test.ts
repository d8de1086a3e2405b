// The page of `kubesim dashboard` outlives its cluster: it says that the connection is lost and what to do, and goes on by itself when
// the cluster is there again.

import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { noBrowser, openBrowser, openPage } from '../support/browser.ts'
import { noKubectl } from '../support/kubectl.ts'
import { bin, startServer } from '../support/server.ts'

test.skipIf(noBrowser ?? noKubectl)('a lost connection is said, and found again', async () => {
  const first = await startServer({ words: ['--nodes', '2', '--no-merge-kubeconfig'] })
  const { dataDir, home } = first
  const words = ['dashboard', '--no-open', '--port', '0', '--data-dir', dataDir]
  const listener = spawn(process.execPath, [bin, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const url = await new Promise<string>(resolve =>
      listener.stdout.on('data', (text: Buffer) => resolve(/http:\S+/.exec(text.toString())![0])),
    )
    const browser = await openBrowser()
    try {
      await using opened = await openPage(browser, url)
      const { page } = opened
      await page.getByRole('region', { name: 'Node node-2' }).waitFor()
      await first.stop()
      await page.getByRole('alert').getByText('kubesim start').waitFor()
      await using second = await startServer({
        dataDir,
        words: ['--nodes', '2', '--no-merge-kubeconfig', '--port', new URL(first.url).port],
      })
      await page.getByRole('alert').waitFor({ state: 'detached' })
      await second.kubectl('run', 'again', '--image=nginx')
      await page.getByRole('button', { name: 'default/again: Running, 1/1 ready' }).waitFor()
      expect(opened.errors.filter(text => !/503|WebSocket|ERR_/.test(text))).toEqual([])
    } finally {
      await browser.close()
    }
  } finally {
    listener.kill()
    await first[Symbol.asyncDispose]()
    expect(home).toBe(first.home)
  }
})

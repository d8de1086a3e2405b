// A lesson as a learner sits before it: Enter, a command of his own, a wrong answer, a hint, the end. And what the command says where
// there is nobody to ask.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { noTerminal, openTerminal } from '../support/pseudo-terminal.ts'
import { bin, kubesim } from '../support/server.ts'

test.skipIf(noKubectl ?? noTerminal)('step by step in a terminal', { timeout: 120_000 }, async () => {
  const home = mkdtempSync(join(tmpdir(), 'kubesim-learner-'))
  {
    await using terminal = openTerminal(process.execPath, [bin, 'lesson', '1'], { HOME: home, NO_COLOR: '1' })
    await terminal.shows('$ kubectl get nodes [Enter]')
    terminal.type('kubectl get namespace kube-system -o name\n')
    await terminal.shows('\nnamespace/kube-system')
    terminal.type('kubectl get pods | head\n')
    await terminal.shows("a pipe is not part of a lesson's commands")
    terminal.type('\n')
    await terminal.shows(/node-3 +Ready/)
    // The rest of the steps, as they are offered.
    const isAsking = /(\[Enter[^\]]*\]|\?) \S*$/
    for (let before = 0; !terminal.screen().includes('Question 1 of 3'); ) {
      before = terminal.screen().length
      terminal.type('\n')
      await terminal.shows(screen => screen.length > before + 10 && isAsking.test(screen))
    }
    terminal.type('Deployment\n')
    await terminal.shows(/Deployment\r\r\nno\r\n/)
    terminal.type('hint\n')
    await terminal.shows('Controlled By')
    terminal.type('replicaset\n')
    await terminal.shows('✓ The ReplicaSet owns the pods')
    terminal.type('check\n')
    await terminal.shows('not yet: the cluster says "nothing"')
    terminal.type('quit\n')
    expect(await terminal.ended()).toBe(0)
  }
  expect(JSON.parse(readFileSync(join(home, '.kubesim-lessons', 'progress.json'), 'utf8'))).toMatchObject({
    apply: { questions: [0] },
  })
  expect((await kubesim(home, 'lesson')).stdout).toMatch(
    /^ 1 +What happens on kubectl apply +apply +10 +1 of 3 questions$/m,
  )
  rmSync(home, { recursive: true, force: true })
})

test('without a terminal, and a lesson that is not there', async () => {
  const home = tmpdir()
  const piped = await kubesim(home, 'lesson', '1')
  expect([piped.code, piped.stderr]).toEqual([
    1,
    'kubesim: a lesson asks for what to do next: play it in a terminal, or with --all\n',
  ])
  const missing = await kubesim(home, 'lesson', 'flying')
  expect(missing.stderr).toMatch(/^kubesim: there is no lesson "flying": "kubesim lesson" lists \d+ of them\n$/)
})

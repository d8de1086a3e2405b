// Lessons over HTTP, as the dashboard's page plays them: by their place in the lesson, each in a cluster of its own.

import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { startServer } from '../support/server.ts'

const root = '/kubesim/v1alpha1/lessons'

test.skipIf(noKubectl)('begin one, run, answer wrongly and rightly, end', { timeout: 120_000 }, async () => {
  await using server = await startServer({ words: ['--memory', '--nodes', '1'] })
  const { kubectl, home } = server
  const get = async (path: string) => JSON.parse(await kubectl('get', '--raw', root + path))
  const post = (path: string, body: object = {}) =>
    kubectl.run(['create', '--raw', root + path, '-f', '-'], { stdin: JSON.stringify(body) })
  const posted = async (path: string, body?: object) => {
    const { stdout, stderr } = await post(path, body)
    expect(stderr).toBe('')
    return JSON.parse(stdout)
  }

  const { items } = await get('')
  expect(items[2]).toEqual({ number: 3, name: 'self-healing', title: 'Self-healing', minutes: 10, progress: '' })
  const page = await get('/3')
  expect(page.questions[0]).toEqual({ kind: 'answer', ask: expect.any(String), hints: [expect.any(String)] })
  expect(page.playing).toBeUndefined()
  expect((await post('/3/run', { step: 0, part: 2, command: 0 })).stderr).toContain('lesson 3 has not been begun')

  const { dashboard, folder, kubeconfig } = await posted('/3/start')
  expect(dashboard).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?key=/)
  expect(existsSync(`${folder}/web.yaml`)).toBe(true)
  expect((await get('/3')).playing.kubeconfig).toBe(kubeconfig)
  // Not this cluster, but the lesson's.
  const part = page.steps[0].parts.findIndex(({ type }: { type: string }) => type === 'commands')
  expect(await posted('/3/run', { step: 0, part, command: 0 })).toMatchObject({
    command: 'kubectl apply -f web.yaml',
    code: 0,
    output: 'deployment.apps/web created\n',
  })
  expect((await kubectl.run(['get', 'deployment', 'web'])).stderr).toContain('not found')
  expect((await post('/3/run', { step: 0, part, command: 3 })).stderr).toContain('$POD is not known')
  expect((await post('/3/run', { step: 9, part, command: 0 })).stderr).toContain('say which command of the lesson')
  expect((await post('/3/run', { step: 'kubectl delete', part, command: 0 })).stderr).toContain('"step" is a number')

  // What a learner's answer says is compared and never run.
  const wrong = await posted('/3/check', { question: 0, answer: '$(kubectl delete deployment web)' })
  expect(wrong).toMatchObject({ isRight: false })
  expect(await posted('/3/check', { question: 1 })).toMatchObject({ isRight: true, why: expect.any(String) })
  const solved = await posted('/3/solve', { question: 1 })
  expect(solved.ran[0].output).toContain('pods "unsteady" not found')

  expect(await posted('/3/end')).toMatchObject({ kind: 'LessonEnded' })
  expect(existsSync(folder)).toBe(false)
  expect((await get('')).items[2].progress).toBe('1 of 3 questions')
  expect(existsSync(`${home}/.kubesim-lessons/progress.json`)).toBe(true)
  await posted('/5/start')
  expect(await server.stop()).toBe(0)
  expect(existsSync(`${home}/.kubesim-lessons/5-pending`)).toBe(false)
})

// kubesim test-server as the examples use it: from a shell with curl and kubectl, from Python with its client, as child processes.

import { execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { bundledTool } from '../../src/cli/bundled-tools.ts'
import { noKubectl } from '../support/kubectl.ts'
import { bin } from '../support/server.ts'

const examples = fileURLToPath(new URL('../../examples', import.meta.url))
const kubesim = `${process.execPath} ${bin}`
const python = '/usr/bin/python3'
const hasPython = spawnSync(python, ['-c', 'import kubernetes']).status === 0
const noCurl = spawnSync('curl', ['--version']).status !== 0

function run(program: string, words: readonly string[], folder: string, env: NodeJS.ProcessEnv = {}) {
  return new Promise<{ code: number; stdout: string; stderr: string }>(resolve => {
    execFile(
      program,
      words,
      { cwd: join(examples, folder), timeout: 50_000, env: { PATH: process.env.PATH, KUBESIM: kubesim, ...env } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    )
  })
}

test.skipIf(noKubectl || noCurl)('examples/testing-shell: curl and kubectl', async () => {
  const home = mkdtempSync(join(tmpdir(), 'kubesim-shell-'))
  try {
    symlinkSync(await bundledTool('kubectl'), join(home, 'kubectl'))
    const PATH = `${home}:${dirname(process.execPath)}:${process.env.PATH}`
    const { code, stdout, stderr } = await run('sh', ['test.sh'], 'testing-shell', { PATH, HOME: home })
    expect({ code, stderr, stdout }).toMatchObject({ code: 0, stderr: '' })
    expect(stdout.match(/^ok \d/gm)).toHaveLength(3)
    expect(stdout).toMatch(/^1\.\.3$/m)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})

test.skipIf(!hasPython)(
  `examples/testing-python: the Python client${hasPython ? '' : ' (skipped: no python3-kubernetes)'}`,
  async () => {
    const { code, stderr } = await run(python, ['-B', '-m', 'unittest'], 'testing-python')
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/Ran 6 tests in [\d.]+s\n\nOK\n$/),
    })
  },
)

test('as a child it says where it is, and ends with whoever started it', async () => {
  const child = spawn(process.execPath, [bin, 'test-server', '--port', '0', '--with-stdin', '-o', 'json'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  let said = ''
  for await (const chunk of child.stdout) {
    said += chunk
    if (said.endsWith('}\n')) break
  }
  const { url, pid } = JSON.parse(said)
  expect(pid).toBe(child.pid)
  expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok')
  child.stdin.end()
  expect(await ended).toBe(0)
})

test('a port that is taken, and settings that cannot be, are told in one line', async () => {
  const refused = async (...words: string[]) => {
    const { code, stderr } = await run(process.execPath, [bin, 'test-server', ...words], '.')
    expect(code).toBe(1)
    return stderr
  }
  expect(await refused('--ttl', 'soon')).toBe('kubesim: --ttl takes a duration such as 10m, not "soon"\n')
  expect(await refused('--most', 'x')).toBe('kubesim: --most takes a whole number from 0 to 10000, not "x"\n')
  const child = spawn(process.execPath, [bin, 'test-server', '--port', '0', '-o', 'json', '--with-stdin'])
  const said = await new Promise<string>(resolve => child.stdout.once('data', chunk => resolve(String(chunk))))
  const { port } = new URL(JSON.parse(said).url)
  expect(await refused('--port', port)).toMatch(/^kubesim: a port cannot be had .*choose another with --port/)
  child.stdin.end()
})

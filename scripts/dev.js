// npm run dev: a cluster that is built and started again whenever a source file changes. Words after `--` go to it.

import { spawn } from 'node:child_process'
import { watch } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from './install.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const rooms = ['src', 'apiserver', 'controllers', 'scheduler', 'kubelet-sim', 'dashboard']

ensureInstalled()

let child
let again
const start = () => {
  child = spawn(process.execPath, [`${root}scripts/start.js`, ...process.argv.slice(2)], { stdio: 'inherit' })
}
const restart = () => {
  process.stderr.write('kubesim: a file changed, starting again ...\n')
  if (child.exitCode !== null) return start()
  child.once('exit', start)
  child.kill('SIGTERM')
}
for (const room of rooms) {
  watch(`${root}${room}`, { recursive: true }, () => {
    clearTimeout(again)
    again = setTimeout(restart, 150)
  })
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    child.once('exit', code => process.exit(code ?? 0))
    child.kill(signal)
  })
}
start()

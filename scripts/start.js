// npm start: installs and builds what is missing, then runs `kubesim start --foreground` in this very process, so that
// signals reach it and its exit code is the cluster's.

import { ensureInstalled } from './install.js'

ensureInstalled()
const { build } = await import('./build.js')
await build()
const { main } = await import('../dist/kubesim.js')
await main(['start', '--foreground', ...process.argv.slice(2)])

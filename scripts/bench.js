// npm run bench: installs and builds what is missing, then runs bench/main.ts with the words given (`-- --help` lists them).

import { ensureInstalled } from './install.js'

ensureInstalled()
const { build, runScript } = await import('./build.js')
await build()
await runScript('bench/main.ts', process.argv.slice(2))

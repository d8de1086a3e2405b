#!/usr/bin/env node
// The command `kubesim`, as installed: hands over to the bundle.

import { existsSync } from 'node:fs'

const bundle = new URL('../dist/kubesim.js', import.meta.url)
if (!existsSync(bundle)) {
  // A fresh clone, linked but never built.
  const { ensureInstalled } = await import('../scripts/install.js')
  ensureInstalled()
  const { build } = await import('../scripts/build.js')
  await build()
}
const { main } = await import(bundle.href)
await main(process.argv.slice(2))

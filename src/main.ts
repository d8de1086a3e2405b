// The bundle's entry: bin/kubesim.js and scripts/start.js call `main`.

export { main } from './cli/index.ts'

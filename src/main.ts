// The bundle's entry: bin/kubesim.js and scripts/start.js call `main`; library users find everything in index.ts.

export { main } from './cli/index.ts'

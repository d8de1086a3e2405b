// The operator against a real cluster, or a simulated one: whichever $KUBECONFIG names.

import { homedir } from 'node:os'
import { join } from 'node:path'
import { createHttpClient, createManager, readKubeconfig, realEnv } from 'kubesim'
import { websiteOperator } from './operator.ts'

const access = readKubeconfig(process.env.KUBECONFIG ?? join(homedir(), '.kube', 'config'))
const { client, close } = createHttpClient(access, 'website-operator')
const manager = createManager(realEnv(), client, [websiteOperator()])
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await manager.close()
    close()
    process.exit(0)
  })
}
await manager.start()
console.log(`website-operator works at ${access.server}`)

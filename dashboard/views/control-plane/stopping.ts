// Stops a station or a node's kubelet with a Fault, as kubectl would, and starts it by deleting the Faults that hold it.

import type { KubeletState, Station } from '../../../src/own/control-plane.ts'
import { send } from '../../api/requests.ts'
import { did } from '../../page/did.ts'

const faults = '/apis/kubesim.dev/v1alpha1/faults'

export async function turnStation({ name, isRunning, stoppedBy }: Station): Promise<void> {
  if (isRunning) await stop(name, { component: { name, effect: 'Stopped' } })
  else await start(stoppedBy)
}

export async function turnNode({ name, isRunning, stoppedBy }: KubeletState): Promise<void> {
  if (isRunning) await stop(name, { nodes: { names: [name], effect: 'Dead' } })
  else await start(stoppedBy)
}

async function stop(name: string, spec: object): Promise<void> {
  const fault = {
    apiVersion: 'kubesim.dev/v1alpha1',
    kind: 'Fault',
    metadata: { name: `stop-${name}` },
    spec,
  }
  const command = `kubectl create -f - <<< '${JSON.stringify(fault)}'`
  await tried(command, `${name} stands still until the Fault is deleted`, () =>
    send(faults, { method: 'POST', body: fault }),
  )
}

async function start(held: readonly string[]): Promise<void> {
  for (const name of held) {
    const command = `kubectl delete fault ${name}`
    await tried(command, 'it works again', () => send(`${faults}/${encodeURIComponent(name)}`, { method: 'DELETE' }))
  }
}

async function tried(command: string, outcome: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act()
    did(command, outcome)
  } catch (error) {
    did(command, (error as Error).message, true)
  }
}

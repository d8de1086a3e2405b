// port-forward as a kubelet and its runtime answer it: one connection into a pod's own network, bytes both ways. Loaded by
// node-server.ts when somebody first asks. Words: containerd internal/cri/server/sandbox_portforward_linux.go,
// k8s.io/cri-streaming pkg/streaming/portforward/httpstream.go.

import type { Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { ForwardedStreams } from '../src/client/node-client.ts'
import type { Clock } from '../src/env/clock.ts'
import { SystemError } from './machine/system-error.ts'
import { dialFault } from './network/dial-fault.ts'
import type { Duplex } from './network/duplex.ts'

export interface ForwardingNeeds {
  readonly clock: Clock
  /** The pod as it is now; undefined: the kubelet does not know it. */
  readonly current: Frozen<Pod> | undefined
  /** Rejects with a SystemError. */
  connectToPod(pod: Frozen<Pod>, port: number): Promise<Duplex>
}

/** When the client has said all, the pod has so long to answer. */
const farewell = 1000

export async function forward(
  { clock, current, connectToPod }: ForwardingNeeds,
  port: number,
  streams: ForwardedStreams,
): Promise<void> {
  if (current === undefined) throw new Error('pod does not exist')
  const sandbox = sandboxOf(current)
  const refuse = (why: string): Error => new Error(`error forwarding port ${port} to pod ${sandbox}, uid : ${why}`)
  let there: Duplex
  try {
    there = await connectToPod(current, port)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw refuse(notConnected(current, sandbox, port, error))
  }
  const leave = (): void => there.close()
  streams.signal.addEventListener('abort', leave, { once: true })
  if (streams.signal.aborted) leave()
  let cancel = (): void => {}
  void outward(streams, there).then(hasEnded => {
    if (hasEnded) cancel = clock.after(farewell, leave)
  })
  try {
    await inward(streams, there)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw refuse(
      `failed to execute portforward for ${JSON.stringify(sandbox)} port ${port}: ${error.message.toLowerCase()}`,
    )
  } finally {
    cancel()
    streams.signal.removeEventListener('abort', leave)
    streams.toPod.abandon()
    streams.fromPod.end()
    there.close()
  }
}

async function inward({ fromPod }: ForwardedStreams, there: Duplex): Promise<void> {
  while (!fromPod.isAbandoned) {
    const bytes = await there.read()
    if (bytes === undefined) return
    fromPod.write(bytes)
    if (!fromPod.hasRoom) await fromPod.room()
  }
}

/** Whether the client's side has ended, and not the pod's. */
async function outward({ toPod }: ForwardedStreams, there: Duplex): Promise<boolean> {
  try {
    for await (const chunk of toPod) await there.write(chunk)
    there.end()
    return true
  } catch (error) {
    // What became of it the other direction says.
    if (!(error instanceof SystemError)) throw error
    return false
  }
}

function notConnected({ metadata, spec }: Frozen<Pod>, sandbox: string, port: number, fault: SystemError): string {
  const network = spec.hostNetwork ? 'host' : `/var/run/netns/cni-${metadata.uid}`
  const [four, six] = ['127.0.0.1', '::1'].map(host => dialFault(fault, { host, port }))
  const dialled = `IPv4: ${four?.replace('tcp', 'tcp4')} IPv6 ${six?.replace('tcp', 'tcp6')} `
  const inside = `failed to connect to localhost:${port} inside namespace ${JSON.stringify(sandbox)}, ${dialled}`
  return `failed to execute portforward in network namespace ${JSON.stringify(network)}: ${inside}`
}

/** As long as a real one's name. */
function sandboxOf({ metadata }: Frozen<Pod>): string {
  return (metadata.uid ?? '').replaceAll('-', '').repeat(2)
}

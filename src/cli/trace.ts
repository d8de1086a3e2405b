// kubesim trace: the way a request takes from a pod to a URL: whose table translated it, by which rule, to which endpoint,
// which policy refused it.

import { Command } from 'commander'
import type { TraceReport } from '../../kubelet-sim/network/trace-request.ts'
import { withCluster } from './connect.ts'
import { paint, print, table } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'

export function traceCommand(): Command {
  return outputOption(dataDirOption(new Command('trace')))
    .description('show the way of a request from a pod to a URL, hop by hop')
    .argument('<pod>', 'who asks')
    .argument('<url>', 'http://web.default.svc:80/, or db:5432 to connect only')
    .option('-n, --namespace <namespace>', 'where the pod is', 'default')
    .option('--timeout <duration>', 'how long it waits', '5s')
    .action(
      async (
        pod: string,
        url: string,
        options: { dataDir?: string; output: string; namespace: string; timeout: string },
      ) => {
        const { namespace, timeout } = options
        const query = new URLSearchParams({ namespace, pod: pod.replace(/^pods?\//, ''), url, timeout })
        const report = await withCluster(options.dataDir, (_, __, get) =>
          get<TraceReport>(`/kubesim/v1alpha1/trace?${query}`),
        )
        if (report.fault !== undefined) process.exitCode = 1
        print(options.output, report, () => traceText(report))
      },
    )
}

export function traceText({ from, url, packets, status, fault, milliseconds }: TraceReport): string {
  const rows = packets.flatMap(({ to, protocol, hops, end }) => [
    ...hops.map(({ at, kind, what }) => [`${to}/${protocol}`, at, kind, what]),
    ...(hops.some(({ kind }) => kind === 'end') ? [] : [[`${to}/${protocol}`, '', 'end', end]]),
  ])
  const outcome =
    fault === undefined ? paint('green', status === undefined ? 'connected' : `status ${status}`) : paint('red', fault)
  return `${from} to ${url}: ${outcome}, ${milliseconds} ms\n\n${table(['PACKET', 'AT', 'KIND', 'WHAT'], rows)}`
}

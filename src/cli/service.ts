// kubesim service NAME: where a NodePort or LoadBalancer Service answers; opened in a browser, or printed with --url.

import { Command } from 'commander'
import { reachableUrls } from '../../kubelet-sim/network/reachable.ts'
import { isNotFound } from '../api/errors.ts'
import { RealClock } from '../env/clock.ts'
import { EndpointSlices } from '../kinds/endpointslice.ts'
import { Services } from '../kinds/service.ts'
import { openInBrowser } from './browser.ts'
import { withCluster } from './connect.ts'
import { print, progress, table, UserError } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'

interface Options {
  dataDir?: string
  namespace: string
  url?: boolean
  wait: string
  output: string
}

export function serviceCommand(): Command {
  return outputOption(dataDirOption(new Command('service')))
    .description('open a Service in the browser, or print where it answers')
    .argument('[name]', 'the Service; without it: list all and where they answer')
    .option('-n, --namespace <namespace>', "the Service's namespace", 'default')
    .option('--url', 'print the URL instead of opening it')
    .option('--wait <seconds>', 'how long to wait for a ready pod behind it', '30')
    .action(async (name: string | undefined, options: Options) => {
      if (name === undefined) return listServices(options)
      const urls = await withCluster(options.dataDir, async (client, record) => {
        await waitForEndpoints(client, name, options)
        const service = await client.of(Services).get({ name, namespace: options.namespace })
        return reachableUrls(service, record.nodeAddress)
      })
      if (urls.length === 0) {
        throw new UserError(
          `service ${options.namespace}/${name} has no node port and no load balancer: only pods can reach it (kubectl port-forward, or type NodePort)`,
        )
      }
      print(options.output, urls, () => `${urls.join('\n')}\n`)
      if (!options.url && options.output === 'text') openInBrowser(urls[0]!)
    })
}

async function listServices(options: Options): Promise<void> {
  const rows = await withCluster(options.dataDir, async (client, record) =>
    (await client.of(Services).list()).items.map(service => ({
      namespace: service.metadata.namespace ?? '',
      name: service.metadata.name,
      urls: reachableUrls(service, record.nodeAddress),
    })),
  )
  print(options.output, rows, () =>
    table(
      ['NAMESPACE', 'NAME', 'URL'],
      rows.map(({ namespace, name, urls }) => [namespace, name, urls.join(' ') || 'only inside the cluster']),
    ),
  )
}

async function waitForEndpoints(
  client: import('../client/client.ts').Client,
  name: string,
  options: Options,
): Promise<void> {
  const { namespace } = options
  const seconds = Number(options.wait)
  if (!Number.isFinite(seconds) || seconds < 0)
    throw new UserError(`--wait takes a number of seconds, not "${options.wait}"`)
  try {
    const service = await client.of(Services).get({ name, namespace })
    if (service.spec.selector === undefined) return
  } catch (error) {
    if (isNotFound(error)) throw new UserError(`there is no service "${name}" in namespace "${namespace}"`)
    throw error
  }
  const clock = new RealClock()
  const until = clock.now() + seconds * 1000
  let said = false
  for (;;) {
    const slices = await client
      .of(EndpointSlices)
      .list({ namespace, labelSelector: `kubernetes.io/service-name=${name}` })
    if (slices.items.some(slice => (slice.endpoints ?? []).some(endpoint => endpoint.conditions?.ready))) return
    if (clock.now() >= until)
      throw new UserError(`service ${namespace}/${name} has no ready pod behind it: kubectl get pods`)
    if (!said) progress(`waiting for a ready pod behind ${namespace}/${name} ...`)
    said = true
    await clock.sleep(100)
  }
}

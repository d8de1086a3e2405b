// The Service by which pods reach the cluster's name server, as kubeadm makes it (cmd/kubeadm/app/phases/addons/dns), and the
// slice of its endpoints: addresses on the node that is not simulated, behind which network.ts answers itself. So it has no
// selector, and needs no pods.

import type { EndpointSlice, Service } from '../../generated/types.ts'
import { isAlreadyExists, isNotFound } from '../../src/api/errors.ts'
import type { KubeObject, NewObject } from '../../src/api/meta.ts'
import type { Client } from '../../src/client/client.ts'
import { EndpointSlices, Services } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { clusterDnsAddress } from './resolver.ts'

export const dnsPodAddresses: readonly string[] = ['10.244.0.3', '10.244.0.4']

const metadata = { name: 'kube-dns', namespace: 'kube-system' }
const labels = { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' }
const ports = [
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, protocol: 'TCP' },
]

/** Where they are not there yet; what a user made of them stays. */
export async function provideDnsService(client: Client): Promise<void> {
  const service: NewObject<Service> = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, labels },
    spec: {
      type: 'ClusterIP',
      clusterIP: clusterDnsAddress,
      clusterIPs: [clusterDnsAddress],
      ports: ports.map(each => ({ ...each, targetPort: 53 })),
    },
  }
  const slice: NewObject<EndpointSlice> = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { ...labels, 'kubernetes.io/service-name': metadata.name } },
    addressType: 'IPv4',
    ports: [...ports],
    endpoints: dnsPodAddresses.map(address => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
    })),
  }
  await unlessThere(client, Services, service)
  await unlessThere(client, EndpointSlices, slice)
}

/** In a cluster without kube-system there is none either. */
async function unlessThere<T extends KubeObject>(client: Client, kind: Kind<T>, object: NewObject<T>): Promise<void> {
  try {
    // Looked for first: of a Service that is there already it is the address that is found to be taken.
    await client.of(kind).get(metadata)
    return
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  try {
    await client.of(kind).create(object)
  } catch (error) {
    if (!isAlreadyExists(error) && !isNotFound(error)) throw error
  }
}

// The least valid object of each kind, overridden by what a test is about.

import type { Deployment, Pod, PodSpec, ReplicaSet, Service } from '../../generated/types.ts'
import type { NewObject } from '../../src/api/meta.ts'

export function pod(
  name: string,
  spec: Partial<PodSpec> = {},
  labels: Record<string, string> = { app: name },
): NewObject<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels },
    spec: { containers: [{ name: 'main', image: 'nginx' }], ...spec },
  }
}

export function deployment(
  name: string,
  spec: Partial<Omit<Deployment['spec'], 'selector' | 'template'>> & { image?: string; pod?: Partial<PodSpec> } = {},
): NewObject<Deployment> {
  const { image = 'nginx', pod: podSpec, ...rest } = spec
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'main', image, ports: [{ containerPort: 80 }] }], ...podSpec },
      },
      ...rest,
    },
  } as NewObject<Deployment>
}

export function replicaSet(name: string, replicas: number): NewObject<ReplicaSet> {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } },
    },
  } as NewObject<ReplicaSet>
}

export function service(name: string, app: string, spec: Partial<Service['spec']> = {}): NewObject<Service> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { selector: { app }, ports: [{ port: 80 }], ...spec },
  } as NewObject<Service>
}

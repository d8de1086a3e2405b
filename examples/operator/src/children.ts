// What a Website is made of: a page in a ConfigMap, a Deployment that serves it, and a Service. Pure.

import { type Frozen, ownerReference } from 'kubesim'
import { type Website, Websites } from './website.ts'

export function pageOf(website: Frozen<Website>) {
  return {
    apiVersion: 'v1' as const,
    kind: 'ConfigMap' as const,
    metadata: owned(website),
    data: { 'index.html': website.spec.page },
  }
}

export function deploymentOf(website: Frozen<Website>) {
  const labels = { website: website.metadata.name }
  return {
    apiVersion: 'apps/v1' as const,
    kind: 'Deployment' as const,
    metadata: owned(website),
    spec: {
      replicas: website.spec.replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: 'server',
              image: 'nginx',
              ports: [{ containerPort: 80, protocol: 'TCP' }],
              volumeMounts: [{ name: 'page', mountPath: '/usr/share/nginx/html' }],
            },
          ],
          volumes: [{ name: 'page', configMap: { name: website.metadata.name } }],
        },
      },
    },
  }
}

export function serviceOf(website: Frozen<Website>) {
  return {
    apiVersion: 'v1' as const,
    kind: 'Service' as const,
    metadata: owned(website),
    spec: { selector: { website: website.metadata.name }, ports: [{ port: 80, protocol: 'TCP' }] },
  }
}

function owned(website: Frozen<Website>) {
  const { name, namespace } = website.metadata
  return { name, namespace: namespace!, ownerReferences: [ownerReference(website, Websites)] }
}

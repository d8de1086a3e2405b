// What a Website is: as crd.yaml has it, in types.

import { type Condition, defineKind, type KubeObject } from 'kubesim'

export interface Website extends KubeObject {
  apiVersion: 'example.com/v1'
  kind: 'Website'
  spec: {
    /** Served at `/`. */
    page: string
    replicas: number
  }
  status?: {
    /** The generation of which the rest of the status speaks. */
    observedGeneration?: number
    readyReplicas?: number
    conditions?: Condition[]
  }
}

export const Websites = defineKind<Website>({
  group: 'example.com',
  version: 'v1',
  kind: 'Website',
  plural: 'websites',
  singular: 'website',
  namespaced: true,
  subresources: ['status'],
  columns: [],
})

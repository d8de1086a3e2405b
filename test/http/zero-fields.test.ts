// What is not there when it is read again, because Go's encoder leaves it out: empty texts, lists and maps, 0 and false of
// fields marked omitempty that are no pointers (k8s.io/api's types.go; encoding/json). And what stays though it is zero.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Door, openDoor } from './door.ts'

describe('fields that are zero', () => {
  let door: Door
  beforeAll(async () => {
    door = await openDoor()
  })
  afterAll(() => door.close())

  async function sent(path: string, object: object, method = 'POST'): Promise<any> {
    const { json } = await door.ask(path, { method, body: JSON.stringify(object) })
    expect(json.status === 'Failure' ? json.message : undefined).toBeUndefined()
    return json
  }

  const pod = (name: string, spec: object, metadata: object = {}) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: { containers: [{ name: 'main', image: 'nginx', ...(spec as any).container }], ...spec, container: undefined },
  })

  test('are left out of a pod: maps, lists, texts, false and 0', async () => {
    const { metadata, spec } = await sent(
      '/api/v1/namespaces/default/pods',
      pod(
        'zeros',
        {
          container: { command: [], workingDir: '', tty: false, ports: [{ containerPort: 80, hostPort: 0, name: '' }] },
          hostNetwork: false,
          nodeName: '',
          nodeSelector: {},
          imagePullSecrets: [],
          initContainers: [],
        },
        { labels: {}, annotations: {}, finalizers: [], ownerReferences: [], generateName: '' },
      ),
    )
    for (const name of ['labels', 'annotations', 'finalizers', 'ownerReferences', 'generateName']) {
      expect(metadata).not.toHaveProperty(name)
    }
    for (const name of ['hostNetwork', 'nodeName', 'nodeSelector', 'imagePullSecrets', 'initContainers']) {
      expect(spec).not.toHaveProperty(name)
    }
    for (const name of ['command', 'workingDir', 'tty']) expect(spec.containers[0]).not.toHaveProperty(name)
    expect(spec.containers[0].ports).toEqual([{ containerPort: 80, protocol: 'TCP' }])
  })

  test('stay where Go has a pointer, a struct, or no omitempty', async () => {
    const { spec } = await sent(
      '/api/v1/namespaces/default/pods',
      pod('pointers', {
        container: { resources: {}, securityContext: { runAsUser: 0, privileged: false } },
        enableServiceLinks: false,
        securityContext: {},
        terminationGracePeriodSeconds: 0,
      }),
    )
    expect(spec).toMatchObject({ enableServiceLinks: false, securityContext: {}, terminationGracePeriodSeconds: 0 })
    expect(spec.containers[0]).toMatchObject({ resources: {}, securityContext: { runAsUser: 0, privileged: false } })
    const selector = { matchLabels: { app: 'none' } }
    const template = { metadata: { labels: { app: 'none' } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } }
    const set = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'none' } }
    const made = await sent('/apis/apps/v1/namespaces/default/replicasets', {
      ...set,
      spec: { replicas: 0, minReadySeconds: 0, selector, template },
      status: { replicas: 7 },
    })
    expect(made.spec.replicas).toBe(0)
    expect(made.spec).not.toHaveProperty('minReadySeconds')
    expect(made.status).toEqual({ replicas: 0 })
  })

  test('keys of maps are data: an empty text there stays', async () => {
    const { data } = await sent('/api/v1/namespaces/default/configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'texts' },
      data: { empty: '' },
    })
    expect(data).toEqual({ empty: '' })
  })

  test('a patch that empties a map takes the field away', async () => {
    await sent('/api/v1/namespaces/default/configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'emptied', labels: { one: '1' } },
      data: { one: '1' },
    })
    for (const type of ['application/merge-patch+json', 'application/strategic-merge-patch+json']) {
      const { json } = await door.ask('/api/v1/namespaces/default/configmaps/emptied', {
        method: 'PATCH',
        type,
        body: JSON.stringify({ metadata: { labels: { one: null } }, data: { one: null } }),
      })
      expect(json.metadata).not.toHaveProperty('labels')
      expect(json).not.toHaveProperty('data')
    }
  })

  test('an update that only spells zeros out changes nothing', async () => {
    const made = await sent('/api/v1/namespaces/default/pods', pod('spelt', {}))
    const again = await sent(
      '/api/v1/namespaces/default/pods/spelt',
      { ...made, metadata: { ...made.metadata, labels: {} }, spec: { ...made.spec, hostPID: false, hostname: '' } },
      'PUT',
    )
    expect(again.metadata.resourceVersion).toBe(made.metadata.resourceVersion)
  })
})

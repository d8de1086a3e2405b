// What kubectl sends and would rather be told in protobuf: its `create` commands, `expose`, and what `describe` reads.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { type Server, startServer } from '../support/server.ts'

describe.skipIf(noKubectl)(`kubectl create${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
  let server: Server
  let kubectl: Server['kubectl']
  const read = async (kind: string, name: string) => JSON.parse(await kubectl('get', kind, name, '-o', 'json'))

  beforeAll(async () => {
    server = await startServer({ words: ['--delays', '0.1'] })
    kubectl = server.kubectl
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())

  test.each([
    ['deployment web --image=nginx --replicas=0 --port=80', 'deployment.apps/web', { spec: { replicas: 0 } }],
    ['configmap config --from-literal=a=b --from-literal=c=', 'configmap/config', { data: { a: 'b', c: '' } }],
    ['secret generic secret --from-literal=p=q', 'secret/secret', { type: 'Opaque', data: { p: 'cQ==' } }],
    [
      'service clusterip inside --tcp=80:8080',
      'service/inside',
      { spec: { type: 'ClusterIP', ports: [{ name: '80-8080', port: 80, targetPort: 8080, protocol: 'TCP' }] } },
    ],
    [
      'service nodeport outside --tcp=80:http --node-port=30123',
      'service/outside',
      { spec: { type: 'NodePort', ports: [{ targetPort: 'http', nodePort: 30123 }] } },
    ],
    [
      'service externalname away --external-name=example.com',
      'service/away',
      { spec: { type: 'ExternalName', externalName: 'example.com' } },
    ],
    ['namespace place', 'namespace/place', { status: { phase: 'Active' } }],
    ['serviceaccount robot', 'serviceaccount/robot', {}],
    [
      'ingress way --rule=foo.com/bar*=inside:80,tls=secret --class=nginx',
      'ingress.networking.k8s.io/way',
      {
        spec: {
          ingressClassName: 'nginx',
          tls: [{ hosts: ['foo.com'], secretName: 'secret' }],
          rules: [{ host: 'foo.com', http: { paths: [{ path: '/bar', pathType: 'Prefix' }] } }],
        },
      },
    ],
  ])('%s', async (words, told, object) => {
    expect(await kubectl('create', ...words.split(' '))).toBe(`${told} created\n`)
    const [kind = '', name = ''] = told.split('/')
    expect(await read(kind, name)).toMatchObject({ metadata: { name }, ...object })
  })

  test('a deployment is exposed, runs and is described', async () => {
    expect(await kubectl('expose', 'deployment', 'web', '--port=80')).toBe('service/web exposed\n')
    await kubectl('scale', 'deployment/web', '--replicas=1')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    const pod = await kubectl('describe', 'pod', '-l', 'app=web')
    expect(pod).toMatch(/^Status: +Running$/m)
    expect(pod).toMatch(/^Controlled By: +ReplicaSet\/web-/m)
    expect(pod).toMatch(/^ +Restart Count: +0$/m)
    expect(pod).toContain('Container created')
    expect(await kubectl('describe', 'deployment', 'web')).toMatch(/^Replicas: +1 desired \| 1 updated \| 1 total/m)
    expect(await kubectl('describe', 'service', 'web')).toMatch(/^Endpoints: +10\.244\.\d+\.\d+:80$/m)
  })

  test('what is refused is told in the same words as over JSON', async () => {
    const again = await kubectl.run(['create', 'configmap', 'config'])
    expect([again.code, again.stderr]).toEqual([
      1,
      'error: failed to create configmap: configmaps "config" already exists\n',
    ])
    const named = await kubectl.run(['create', 'configmap', 'Not_A_Name'])
    expect(named.stderr).toContain('ConfigMap "Not_A_Name" is invalid: metadata.name: Invalid value: "Not_A_Name"')
    expect((await kubectl.run(['create', 'configmap', 'a', '-n', 'nowhere'])).stderr).toContain(
      'namespaces "nowhere" not found',
    )
  })
})

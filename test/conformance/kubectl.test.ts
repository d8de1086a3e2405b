// Upstream's conformance items about kubectl, by their names, with the real one (test/e2e/kubectl/kubectl.go).

import { type ChildProcess, spawn } from 'node:child_process'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledTool } from '../../src/cli/bundled-tools.ts'
import { noKubectl } from '../support/kubectl.ts'
import { type Server, startServer } from '../support/server.ts'

const controller = (name: string, replicas: number) => `
apiVersion: v1
kind: ReplicationController
metadata: {name: ${name}, labels: {app: ${name}, role: primary}}
spec:
  replicas: ${replicas}
  selector: {app: ${name}, role: primary}
  template:
    metadata: {labels: {app: ${name}, role: primary}}
    spec:
      containers:
      - {name: ${name}, image: registry.k8s.io/e2e-test-images/agnhost:2.53, ports: [{name: server, containerPort: 6379}]}
`

const deployment = (image: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: httpd-deployment, labels: {app: httpd}}
spec:
  replicas: 1
  selector: {matchLabels: {app: httpd}}
  template:
    metadata: {labels: {app: httpd}}
    spec: {containers: [{name: httpd, image: ${image}, ports: [{containerPort: 80}]}]}
`

describe.skipIf(noKubectl)(`kubectl${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
  let server: Server
  const kubectl = (...words: string[]) => server.kubectl(...words)
  const given = (stdin: string, ...words: string[]) => server.kubectl.run(words, { stdin })
  const apply = async (manifest: string) => {
    expect(await given(manifest, 'apply', '-f', '-')).toMatchObject({ code: 0, stderr: '' })
  }
  const podsRunning = async (app: string, count: number) => {
    for (;;) {
      await kubectl('wait', 'pods', '-l', `app=${app}`, '--for=jsonpath={.status.phase}=Running', '--timeout=30s')
      const names = await kubectl('get', 'pods', '-l', `app=${app}`, '-o', 'name')
      if (names.split('\n').filter(Boolean).length === count) return names.split('\n').filter(Boolean)
    }
  }
  const scaled = (name: string, count: number) =>
    kubectl('wait', `rc/${name}`, `--for=jsonpath={.status.replicas}=${count}`, '--timeout=30s')

  beforeAll(async () => {
    server = await startServer({ words: ['--memory'] })
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())

  test('[sig-cli] Kubectl client Kubectl api-versions should check if v1 is in available api versions', async () => {
    expect((await kubectl('api-versions')).split('\n')).toContain('v1')
  })

  test('[sig-cli] Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is included in cluster-info', async () => {
    expect(await kubectl('cluster-info')).toContain(`Kubernetes control plane is running at ${server.url}`)
  })

  test('[sig-cli] Kubectl client Kubectl version should check is all data is printed', async () => {
    const said = JSON.parse(await kubectl('version', '--output=json')) as Record<string, Record<string, string>>
    for (const side of ['clientVersion', 'serverVersion']) {
      const parts = [
        'major',
        'minor',
        'gitVersion',
        'gitCommit',
        'gitTreeState',
        'buildDate',
        'goVersion',
        'compiler',
        'platform',
      ]
      for (const part of parts) expect(said[side], side).toHaveProperty(part)
    }
  })

  test('[sig-cli] Kubectl client Update Demo should create and stop a replication controller', async () => {
    await apply(controller('update-demo', 2))
    await podsRunning('update-demo', 2)
    await kubectl('delete', '--grace-period=0', '--force', 'rc/update-demo')
    expect(await kubectl('get', 'rc,svc', '-l', 'app=update-demo', '--no-headers')).toBe('')
    await kubectl('wait', 'pods', '-l', 'app=update-demo', '--for=delete', '--timeout=60s')
  })

  test('[sig-cli] Kubectl client Update Demo should scale a replication controller', async () => {
    await apply(controller('scale-demo', 2))
    await podsRunning('scale-demo', 2)
    for (const count of [1, 2]) {
      await kubectl('scale', 'rc', 'scale-demo', `--replicas=${count}`, '--timeout=5m')
      await scaled('scale-demo', count)
      expect(await kubectl('get', 'rc', 'scale-demo', '-o', 'jsonpath={.spec.replicas}')).toBe(String(count))
    }
  })

  test('[sig-cli] Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments', async () => {
    await apply(deployment('httpd:2.4'))
    const { code, stdout } = await given(deployment('busybox:1.36'), 'diff', '-f', '-')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^-\s+- image: httpd:2\.4$/m)
    expect(stdout).toMatch(/^\+\s+- image: busybox:1\.36$/m)
    expect(await given(deployment('httpd:2.4'), 'diff', '-f', '-')).toMatchObject({ code: 0, stdout: '' })
  })

  test('[sig-cli] Kubectl client Kubectl server-side dry-run should check if kubectl can dry-run update Pods', async () => {
    await kubectl('run', 'e2e-test-httpd-pod', '--image=httpd:2.4', '--labels=run=e2e-test-httpd-pod')
    const image = { spec: { containers: [{ name: 'e2e-test-httpd-pod', image: 'busybox:1.36' }] } }
    const patched = await kubectl(
      'patch',
      'pod',
      'e2e-test-httpd-pod',
      '-p',
      JSON.stringify(image),
      '--dry-run=server',
      '-o',
      'json',
    )
    expect((JSON.parse(patched) as { spec: { containers: object[] } }).spec.containers).toMatchObject([
      { image: 'busybox:1.36' },
    ])
    const there = await kubectl('get', 'pod', 'e2e-test-httpd-pod', '-o', 'jsonpath={.spec.containers[0].image}')
    expect(there).toBe('httpd:2.4')
  })

  test("[sig-cli] Kubectl client Kubectl replace should update a single-container pod's image", async () => {
    await kubectl('run', 'replaced', '--image=httpd:2.4', '--labels=run=replaced')
    await kubectl('wait', 'pod/replaced', '--for=condition=Ready', '--timeout=30s')
    const body = (await kubectl('get', 'pod', 'replaced', '-o', 'json')).replaceAll('httpd:2.4', 'busybox:1.36')
    expect(await given(body, 'replace', '-f', '-')).toMatchObject({ code: 0 })
    expect(await kubectl('get', 'pod', 'replaced', '-o', 'jsonpath={.spec.containers[0].image}')).toBe('busybox:1.36')
  })

  test('[sig-cli] Kubectl client Kubectl run pod should create a pod from an image when restart is Never', async () => {
    await kubectl('run', 'never', '--restart=Never', '--image=httpd:2.4')
    const spec = '{.spec.containers[*].image} {.spec.restartPolicy}'
    expect(await kubectl('get', 'pod', 'never', '-o', `jsonpath=${spec}`)).toBe('httpd:2.4 Never')
  })

  test('[sig-cli] Kubectl client Kubectl label should update the label on a resource', async () => {
    await kubectl('run', 'labelled', '--image=pause', '--labels=name=labelled')
    await kubectl('label', 'pods', 'labelled', 'testing-label=testing-label-value')
    const listed = () => kubectl('get', 'pod', 'labelled', '-L', 'testing-label', '--no-headers')
    expect(await listed()).toContain('testing-label-value')
    expect(await kubectl('get', 'pods', '-l', 'testing-label=testing-label-value', '-o', 'name')).toBe('pod/labelled\n')
    await kubectl('label', 'pods', 'labelled', 'testing-label-')
    expect(await listed()).not.toContain('testing-label-value')
  })

  describe('of a replication controller', () => {
    let pods: string[]
    beforeAll(async () => {
      await apply(controller('agnhost-primary', 2))
      pods = await podsRunning('agnhost-primary', 2)
    })

    test('[sig-cli] Kubectl client Kubectl describe should check if kubectl describe prints relevant information for rc and pods', async () => {
      await kubectl('expose', 'rc', 'agnhost-primary', '--name=described', '--port=6379')
      const says = async (what: string[], ...patterns: RegExp[]) => {
        const said = await kubectl('describe', ...what)
        for (const pattern of patterns) expect(said).toMatch(pattern)
      }
      const about = [/Name:\s+agnhost-primary/, /Namespace:\s+default/, /Labels:\s+app=agnhost-primary/, /role=primary/]
      await says(
        [pods[0]!],
        ...about,
        /Image:\s+registry\.k8s\.io\/e2e-test-images\/agnhost/,
        /State:\s+Running/,
        /IP:/,
        /Controlled By:\s+ReplicationController\/agnhost-primary/,
      )
      await says(
        ['rc', 'agnhost-primary'],
        ...about,
        /Selector:\s+app=agnhost-primary,role=primary/,
        /Annotations:/,
        /Replicas:\s+2 current \/ 2 desired/,
        /Pods Status:\s+2 Running \/ 0 Waiting \/ 0 Succeeded \/ 0 Failed/,
        /Pod Template:/,
        /Image:/,
        /Events:/,
      )
      await says(
        ['service', 'described'],
        /Name:\s+described/,
        /Selector:\s+app=agnhost-primary,role=primary/,
        /Type:\s+ClusterIP/,
        /IP:/,
        /Port:\s+<unset>\s+6379\/TCP/,
        /Endpoints:/,
        /Session Affinity:\s+None/,
      )
      const [node] = (await kubectl('get', 'nodes', '-o', 'name')).split('\n')
      await says(
        [node!],
        /Name:/,
        /Labels:/,
        /Annotations:/,
        /CreationTimestamp/,
        /Conditions:/,
        /Type/,
        /Addresses:/,
        /Capacity/,
        /Version/,
        /Pods/,
      )
      await says(['namespace', 'default'], /Name:\s+default/, /Labels:/, /Annotations:/, /Status:\s+Active/)
    })

    test('[sig-cli] Kubectl client Kubectl expose should create services for rc', async () => {
      const ports = async (name: string) => {
        const said = await kubectl(
          'get',
          'service',
          name,
          '-o',
          'jsonpath={.spec.ports[0].port} {.spec.ports[0].targetPort}',
        )
        await kubectl('wait', `endpoints/${name}`, '--for=jsonpath={.subsets[0].addresses[1].ip}', '--timeout=30s')
        const target = await kubectl('get', 'endpoints', name, '-o', 'jsonpath={.subsets[0].ports[0].port}')
        return `${said} → ${target}`
      }
      await kubectl('expose', 'rc', 'agnhost-primary', '--name=rm2', '--port=1234', '--target-port=6379')
      expect(await ports('rm2')).toBe('1234 6379 → 6379')
      await kubectl('expose', 'service', 'rm2', '--name=rm3', '--port=2345', '--target-port=6379')
      expect(await ports('rm3')).toBe('2345 6379 → 6379')
    })

    test('[sig-cli] Kubectl client Kubectl patch should add annotations for pods in rc', async () => {
      const patch = JSON.stringify({ metadata: { annotations: { x: 'y' } } })
      for (const pod of pods) {
        await kubectl('patch', pod, '-p', patch)
        expect(await kubectl('get', pod, '-o', 'jsonpath={.metadata.annotations.x}')).toBe('y')
      }
    })
  })

  describe('proxy', () => {
    async function proxy(...words: string[]): Promise<{ child: ChildProcess; said: string }> {
      const child = spawn(await bundledTool('kubectl'), ['--kubeconfig', server.kubeconfig, 'proxy', ...words])
      const said = await new Promise<string>((resolve, reject) => {
        child.stdout.once('data', chunk => resolve(String(chunk)))
        child.once('exit', code => reject(new Error(`kubectl proxy ended with ${code}`)))
      })
      return { child, said }
    }
    const versions = (where: object) =>
      new Promise<string[]>((resolve, reject) => {
        request({ path: '/api/', ...where }, response => {
          let text = ''
          response.on('data', chunk => {
            text += chunk
          })
          response.on('end', () => resolve((JSON.parse(text) as { versions: string[] }).versions))
        })
          .on('error', reject)
          .end()
      })

    test('[sig-cli] Kubectl client Proxy server should support proxy with --port 0', async () => {
      const { child, said } = await proxy('--port=0', '--disable-filter')
      const port = /127\.0\.0\.1:(\d+)/.exec(said)?.[1]
      expect(await versions({ host: '127.0.0.1', port })).toEqual(['v1'])
      child.kill()
    })

    test('[sig-cli] Kubectl client Proxy server should support --unix-socket=/path', async () => {
      const socketPath = join(server.home, 'proxy.sock')
      const { child } = await proxy(`--unix-socket=${socketPath}`)
      expect(await versions({ socketPath })).toEqual(['v1'])
      child.kill()
    })
  })
})

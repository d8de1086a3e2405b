// The real kubectl with workloads: rollouts that are watched, undone and restarted, nodes that are drained past a disruption
// budget, an autoscaler that has no metrics.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Kubectl, noKubectl } from '../support/kubectl.ts'
import { kubesim, type Server, startServer } from '../support/server.ts'

const template = (app: string) => `
    metadata: { labels: { app: ${app} } }
    spec: { containers: [{ name: main, image: nginx, ports: [{ containerPort: 80 }] }] }`

const statefulSet = `
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db }
spec:
  serviceName: db
  replicas: 2
  selector: { matchLabels: { app: db } }
  template: ${template('db')}
  volumeClaimTemplates:
  - metadata: { name: data }
    spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
`
const daemonSet = `
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent }
spec:
  selector: { matchLabels: { app: agent } }
  template: ${template('agent')}
`

describe.skipIf(noKubectl !== undefined)('kubectl with workloads', { timeout: 120_000 }, () => {
  let server: Server
  let kubectl: Kubectl
  beforeAll(async () => {
    server = await startServer({ words: ['--memory', '--delays', '0.2'] })
    kubectl = server.kubectl
  }, 60_000)
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
  })

  const create = async (manifest: string) => {
    const ran = await kubectl.run(['apply', '-f', '-'], { stdin: manifest })
    // Nobody is told any more that nothing comes of it.
    expect(ran).toMatchObject({ code: 0, stderr: '' })
  }
  const images = (app: string) =>
    kubectl('get', 'pods', '-l', `app=${app}`, '-o', 'jsonpath={.items[*].spec.containers[0].image}')

  test.each([
    ['statefulset/db', statefulSet, 'partitioned roll out complete: 2 new pods have been updated...', 2],
    ['daemonset/agent', daemonSet, 'daemon set "agent" successfully rolled out', 3],
  ])('%s is rolled out, forward and back', async (workload, manifest, done, count) => {
    const app = workload.split('/')[1]!
    await create(manifest)
    expect(await kubectl('rollout', 'status', workload)).toContain(done)
    await kubectl('set', 'image', workload, 'main=nginx:1.27')
    expect(await kubectl('rollout', 'status', workload)).toContain(done)
    expect(await images(app)).toBe(Array(count).fill('nginx:1.27').join(' '))
    expect(await kubectl('rollout', 'history', workload)).toMatch(/REVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+<none>/)
    expect(await kubectl('rollout', 'history', workload, '--revision=1')).toMatch(/Image:\s+nginx\n/)
    expect(await kubectl('rollout', 'undo', workload)).toContain('rolled back')
    expect(await kubectl('rollout', 'status', workload)).toContain(done)
    expect(await images(app)).toBe(Array(count).fill('nginx').join(' '))
    expect(await kubectl('rollout', 'history', workload)).toMatch(/\n2\s+<none>\n3\s+<none>/)
    expect(await kubectl('rollout', 'restart', workload)).toContain('restarted')
    expect(await kubectl('rollout', 'status', workload)).toContain(done)
  })

  test('get and describe show them', async () => {
    expect(await kubectl('get', 'statefulset', 'db')).toMatch(/NAME\s+READY\s+AGE\ndb\s+2\/2/)
    expect(await kubectl('get', 'daemonset', 'agent')).toMatch(/agent\s+3\s+3\s+3\s+3\s+3\s+<none>/)
    expect(await kubectl('get', 'pvc')).toMatch(/data-db-0\s+Bound[\s\S]*data-db-1\s+Bound/)
    expect(await kubectl('describe', 'statefulset', 'db')).toContain(
      'create Claim data-db-0 Pod db-0 in StatefulSet db success',
    )
    expect(await kubectl('get', 'controllerrevisions')).toMatch(/db-\w+\s+statefulset.apps\/db\s+\d/)
  })

  test('drain waits for what a disruption budget allows', async () => {
    await kubectl('create', 'deployment', 'web', '--image=nginx', '--replicas=3')
    await kubectl('rollout', 'status', 'deployment/web')
    await kubectl('create', 'poddisruptionbudget', 'web', '--selector=app=web', '--min-available=3')
    const node = (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].spec.nodeName}')).trim()
    const strict = await kubectl.run(['drain', node, '--timeout=2s'])
    expect(strict.stderr).toContain('cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)')
    const refused = await kubectl.run(['drain', node, '--ignore-daemonsets', '--timeout=2s'])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(
      "(will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget.",
    )
    expect(await kubectl('get', 'poddisruptionbudget', 'web')).toMatch(/web\s+3\s+N\/A\s+0/)
    await kubectl('patch', 'poddisruptionbudget', 'web', '--type=merge', '-p', '{"spec":{"minAvailable":1}}')
    expect(await kubectl('drain', node, '--ignore-daemonsets', '--timeout=60s')).toContain(`node/${node} drained`)
    expect(await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.nodeName}')).not.toContain(
      node,
    )
    await kubectl('uncordon', node)
  })

  test('an autoscaler of pods that request nothing says so', async () => {
    await kubectl('autoscale', 'deployment', 'web', '--min=2', '--max=5', '--cpu=50%')
    await kubectl('wait', '--for=condition=AbleToScale', 'hpa/web', '--timeout=60s')
    // Of pods that were begun a moment ago, nobody asks what they use.
    const { code } = await kubesim(server.home, 'clock', 'advance', '6m', '--data-dir', server.dataDir)
    expect(code).toBe(0)
    expect(await kubectl('describe', 'hpa', 'web')).toContain('missing request for cpu in container nginx of Pod web')
    expect(await kubectl('get', 'hpa', 'web')).toMatch(/web\s+Deployment\/web\s+cpu: <unknown>\/50%\s+2\s+5\s+3/)
  })
})

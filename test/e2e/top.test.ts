// kubectl top and an autoscaler by the usage of pods: the built command, a real server, the real kubectl.

import { expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { kubesim, startServer } from '../support/server.ts'

const pod = (name: string, cpu: string, memory: string) => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: ${name} }, annotations: { kubesim.dev/cpu: '${cpu}', kubesim.dev/memory: '${memory}' } }
spec: { nodeName: node-1, containers: [{ name: web, image: nginx }, { name: log, image: nginx }] }
---`

test.skipIf(noKubectl)(
  'kubectl top pods and nodes, and an autoscaler that follows a curve',
  { timeout: 60_000 },
  async () => {
    await using server = await startServer({ words: ['--memory', '--nodes', '2', '--delays', '0'] })
    const { kubectl, dataDir, home } = server
    const advance = (time: string) => kubesim(home, 'clock', 'advance', time, '--data-dir', dataDir)
    await kubesim(home, 'clock', 'pause', '--data-dir', dataDir)
    expect((await kubectl.run(['top', 'pods'])).stderr).toContain('No resources found in default namespace.')
    const manifests = pod('big', '300m', '256Mi') + pod('small', 'web=20m, log=5m', '16Mi')
    expect((await kubectl.run(['apply', '-f', '-'], { stdin: manifests })).stderr).toBe('')
    const early = await kubectl.run(['top', 'pods'])
    expect([early.code, early.stderr]).toEqual([1, 'error: metrics not available yet\n'])
    await advance('30s')
    expect(await kubectl('top', 'pods', '--sort-by=cpu')).toMatch(
      /^NAME +CPU.*\nbig +600m +512Mi +\nsmall +25m +32Mi +\n$/,
    )
    expect(await kubectl('top', 'pods', '--containers', '-l', 'app=small', '--sum')).toMatch(
      /small +log +5m +16Mi +\nsmall +web +20m +16Mi +\n +_+ +_+ +\n +25m +32Mi/,
    )
    expect(await kubectl('top', 'nodes')).toMatch(/node-1 +667m +8% +924Mi +5% +\nnode-2 +42m +0% +380Mi +2% +\n/)
    const nope = await kubectl.run(['top', 'pod', 'nope'])
    expect(nope.stderr).toBe('Error from server (NotFound): podmetrics.metrics.k8s.io "default/nope" not found\n')
    expect(await kubectl('get', 'apiservice', 'v1beta1.metrics.k8s.io')).toMatch(/Local +True/)

    await kubectl('create', 'deployment', 'app', '--image=nginx')
    await kubectl('set', 'resources', 'deployment', 'app', '--requests=cpu=100m')
    const body = { spec: { template: { metadata: { annotations: { 'kubesim.dev/cpu': '10m..200m over 5m' } } } } }
    await kubectl('patch', 'deployment', 'app', '-p', JSON.stringify(body))
    await kubectl('autoscale', 'deployment', 'app', '--min=1', '--max=4', '--cpu=50%')
    await advance('8m')
    expect(await kubectl('get', 'hpa', 'app')).toMatch(/cpu: \d+%\/50% +1 +4 +4/)
    expect(await kubectl('get', 'deployment', 'app')).toContain('4/4')
  },
)

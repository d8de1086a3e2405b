// Upstream's conformance items about programs that run in pods, what they leave and how they are asked, by their names
// (test/e2e/common/node/{runtime,container_probe}.go).

import { expect, test } from 'vitest'
import type { Container, PodSpec } from '../../generated/types.ts'
import { testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'
import { podOf, restarts, restartsAfter } from './in-pods.ts'

// ---- termination messages

async function lastWords(script: string, more: Partial<Container>, spec: Partial<PodSpec> = {}) {
  await using cluster = await testCluster({ nodes: 1 })
  const main = { name: 'main', image: 'busybox:1.36', command: ['/bin/sh', '-c'], args: [script], ...more }
  await cluster.apply(pod('ends', { restartPolicy: 'Never', containers: [main], ...spec }))
  await cluster.until(() => ['Succeeded', 'Failed'].includes(podOf(cluster, 'ends').status.phase ?? ''), '2m')
  return podOf(cluster, 'ends').status.containerStatuses?.[0]?.state?.terminated
}

test('[sig-node] Container Runtime blackbox test on terminated container should report termination message if TerminationMessagePath is set as non-root user and at a non-default path [NodeConformance]', async () => {
  const ended = await lastWords('/bin/echo -n DONE > /dev/termination-custom-log', {
    terminationMessagePath: '/dev/termination-custom-log',
    securityContext: { runAsUser: 1000 },
  })
  expect(ended).toMatchObject({ exitCode: 0, message: 'DONE' })
})

test('[sig-node] Container Runtime blackbox test on terminated container should report termination message from log output if TerminationMessagePolicy FallbackToLogsOnError is set [NodeConformance]', async () => {
  const terminationMessagePolicy = 'FallbackToLogsOnError'
  const ended = await lastWords('/bin/echo -n DONE; /bin/false', { terminationMessagePolicy })
  expect(ended).toMatchObject({ exitCode: 1, message: 'DONE' })
})

test('[sig-node] Container Runtime blackbox test on terminated container should report termination message as empty when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set [NodeConformance]', async () => {
  const terminationMessagePolicy = 'FallbackToLogsOnError'
  const ended = await lastWords('/bin/echo -n DONE; /bin/true', { terminationMessagePolicy })
  expect([ended?.exitCode, ended?.message]).toEqual([0, undefined])
})

test('[sig-node] Container Runtime blackbox test on terminated container should report termination message from file when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set [NodeConformance]', async () => {
  const terminationMessagePolicy = 'FallbackToLogsOnError'
  const script = '/bin/echo -n OK > /dev/termination-log; /bin/echo DONE; /bin/true'
  expect(await lastWords(script, { terminationMessagePolicy })).toMatchObject({ exitCode: 0, message: 'OK' })
})

test('[sig-node] Container Runtime blackbox test when starting a container that exits should run with the expected status [NodeConformance]', async () => {
  const cases = [
    { policy: 'Always', phase: 'Running', restarts: 2 },
    { policy: 'OnFailure', phase: 'Succeeded', restarts: 1 },
    { policy: 'Never', phase: 'Failed', restarts: 0 },
  ]
  for (const { policy, phase, restarts: wanted } of cases) {
    await using cluster = await testCluster({ nodes: 1 })
    // As upstream's: it fails the first time, succeeds the second, and runs on from the third.
    const script = `
f=/restart-count/restartCount
count=$(echo 'hello' >> $f ; wc -l $f | awk '{print $1}')
if [ $count -eq 1 ]; then exit 1; fi
if [ $count -eq 2 ]; then exit 0; fi
while true; do sleep 1; done`
    const main = {
      name: 'main',
      image: 'busybox:1.36',
      command: ['sh', '-c', script],
      volumeMounts: [{ name: 'restart-count', mountPath: '/restart-count' }],
    }
    const volumes = [{ name: 'restart-count', emptyDir: {} }]
    await cluster.apply(pod('exits', { restartPolicy: policy, containers: [main], volumes }))
    await cluster.advance('1m')
    expect([policy, podOf(cluster, 'exits').status.phase, restarts(cluster, 'exits')]).toEqual([policy, phase, wanted])
  }
})

// ---- probes

const shell = (script: string, livenessProbe: object) =>
  pod('probed', {
    containers: [{ name: 'main', image: 'busybox:1.36', command: ['/bin/sh', '-c', script], livenessProbe }],
  })
const delayed = { initialDelaySeconds: 15, failureThreshold: 1 }

test('[sig-node] Probing container should be restarted with a exec "cat /tmp/health" liveness probe [NodeConformance]', async () => {
  const script = 'echo ok >/tmp/health; sleep 10; rm -rf /tmp/health; sleep 600'
  const exec = { command: ['cat', '/tmp/health'] }
  expect(await restartsAfter(shell(script, { exec, ...delayed }), '90s')).toBe(1)
})

test('[sig-node] Probing container should *not* be restarted with a exec "cat /tmp/health" liveness probe [NodeConformance]', async () => {
  const exec = { command: ['cat', '/tmp/health'] }
  expect(await restartsAfter(shell('echo ok >/tmp/health; sleep 600', { exec, ...delayed }), '4m')).toBe(0)
})

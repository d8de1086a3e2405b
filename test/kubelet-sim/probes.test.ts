// Probes as schedules (pkg/kubelet/prober).

import { expect, test } from 'vitest'
import { LivingPod, podOf } from './live.ts'

const quiet = { pull: 0, start: 0 }
const server = (probes: object, more: object = {}) =>
  podOf({ containers: [{ name: 'web', image: 'nginx:1.27', ...probes }] }, more)

test('readiness comes after its initial delay, and then costs nothing', () => {
  const pod = new LivingPod(
    server({ readinessProbe: { httpGet: { path: '/', port: 80 }, initialDelaySeconds: 5, periodSeconds: 10 } }),
    quiet,
  )
  pod.live(3600)
  expect(pod.lines.filter(line => !/: /.test(line))).toEqual([
    '0.0s Running web=running',
    '5.0s Running web=running ready',
  ])
  expect(pod.next).toBeUndefined()
})

test('successThreshold counts', () => {
  const pod = new LivingPod(
    server({ readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 3, successThreshold: 3 } }),
    quiet,
  ).live(60)
  expect(pod.lines.filter(line => line.includes('ready'))).toEqual(['6.0s Running web=running ready'])
})

test('a path that nginx does not have never gets ready, and says why', () => {
  const pod = new LivingPod(server({ readinessProbe: { httpGet: { path: '/healthz', port: 80 } } }), quiet).live(25)
  expect(pod.status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
    status: 'False',
    reason: 'ContainersNotReady',
    message: 'containers with unready status: [web]',
  })
  expect(pod.lines.filter(line => line.includes('Unhealthy'))).toEqual([
    '0.0s   Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404',
    '10.0s   Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404',
    '20.0s   Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404',
  ])
})

test('a port nobody listens on is refused', () => {
  const pod = new LivingPod(server({ readinessProbe: { httpGet: { path: '/', port: 8080 } } }), quiet).live(1)
  expect(pod.lines.at(-1)).toBe(
    '0.0s   Unhealthy: Readiness probe failed: Get "http://10.244.1.2:8080/": dial tcp 10.244.1.2:8080: connect: connection refused',
  )
})

test('liveness: failureThreshold failures, a kill, a restart', () => {
  const pod = new LivingPod(
    server(
      { livenessProbe: { httpGet: { port: 80 }, periodSeconds: 10, failureThreshold: 3 } },
      { annotations: { 'kubesim.dev/unhealthy-after': '30s' } },
    ),
    quiet,
  ).live(62)
  expect(pod.lines.slice(5)).toMatchInlineSnapshot(`
    [
      "30.0s   Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 500",
      "40.0s   Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 500",
      "50.0s Running web=running ready x1",
      "50.0s   Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 500",
      "50.0s   Killing: Container web failed liveness probe, will be restarted",
      "50.0s   Pulled: Container image "nginx:1.27" already present on machine and can be accessed by the pod",
      "50.0s   Created: Container created",
      "50.0s   Started: Container started",
    ]
  `)
})

test('the exec-liveness example of the documentation: the file goes after 30 s', () => {
  const pod = new LivingPod(
    podOf({
      containers: [
        {
          name: 'liveness',
          image: 'registry.k8s.io/busybox:1.27.2',
          args: ['/bin/sh', '-c', 'touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600'],
          livenessProbe: { exec: { command: ['cat', '/tmp/healthy'] }, initialDelaySeconds: 5, periodSeconds: 5 },
        },
      ],
    }),
    quiet,
  ).live(80)
  expect(pod.lines.filter(line => /Unhealthy|Killing|running/.test(line))).toMatchInlineSnapshot(`
    [
      "0.0s Running liveness=running ready",
      "30.0s   Unhealthy: Liveness probe failed: cat: can't open '/tmp/healthy': No such file or directory",
      "35.0s   Unhealthy: Liveness probe failed: cat: can't open '/tmp/healthy': No such file or directory",
      "40.0s   Unhealthy: Liveness probe failed: cat: can't open '/tmp/healthy': No such file or directory",
      "40.0s   Killing: Container liveness failed liveness probe, will be restarted",
      "70.0s Running liveness=running ready x1",
    ]
  `)
})

test('a startup probe holds the others back', () => {
  const pod = new LivingPod(
    server({
      startupProbe: { httpGet: { port: 80 }, initialDelaySeconds: 20, periodSeconds: 10 },
      readinessProbe: { httpGet: { port: 80 }, periodSeconds: 10 },
      livenessProbe: { httpGet: { port: 80 }, periodSeconds: 10 },
    }),
    quiet,
  )
  pod.live(10)
  expect(pod.status.containerStatuses?.[0]).toMatchObject({ started: false, ready: false })
  pod.live(50)
  expect(pod.status.containerStatuses?.[0]).toMatchObject({ started: true, ready: true, restartCount: 0 })
  expect(pod.next).toBeUndefined()
})

test('readiness gates wait for their condition', () => {
  const gated = podOf({
    containers: [{ name: 'web', image: 'nginx:1.27' }],
    readinessGates: [{ conditionType: 'example.com/ok' }],
  } as never)
  const pod = new LivingPod(gated, quiet).live(5)
  expect(pod.status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
    status: 'False',
    reason: 'ReadinessGatesNotReady',
    message: 'corresponding condition of pod readiness gate "example.com/ok" does not exist.',
  })
  pod.change(({ status }) => status.conditions?.push({ type: 'example.com/ok', status: 'True' }))
  pod.live(1)
  expect(pod.status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True')
})

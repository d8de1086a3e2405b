// Golden timelines, one file each in timelines/: what a watcher of a pod sees of a kind of life, from the first write to the
// last, by the seconds since its beginning. Written anew with `npx vitest run test/kubelet-sim/timelines.test.ts -u`.

import { expect, test } from 'vitest'
import type { Pod } from '../../generated/types.ts'
import { LivingPod, podOf } from './live.ts'

const container = (name: string, image: string, more: object = {}) => ({ name, image, ...more })
const shell = (name: string, script: string, more: object = {}) =>
  container(name, 'busybox:1.36', { command: ['sh', '-c', script], ...more })
const spec = (parts: object) => parts as unknown as Pod['spec']

/** What is compared: the pod's containers in a line, then what was seen. */
async function golden(name: string, pod: LivingPod): Promise<void> {
  await expect(`${pod.lines.join('\n')}\n`).toMatchFileSnapshot(`timelines/${name}.txt`)
}

test('a crash loop over an hour', async () => {
  const pod = new LivingPod(podOf(spec({ containers: [shell('app', 'echo bad config; exit 3')] })))
  await golden('crash-loop', pod.live(3600))
})

test('a liveness failure: three misses, SIGTERM, and the back-off in the end', async () => {
  const app = container('app', 'nginx:1.27', {
    ports: [{ containerPort: 80 }],
    livenessProbe: { httpGet: { path: '/healthz', port: 80 }, periodSeconds: 5 },
  })
  const annotations = { 'kubesim.dev/unhealthy-after': '60s', 'kubesim.dev/body': 'ok' }
  await golden('liveness', new LivingPod(podOf(spec({ containers: [app] }), { annotations })).live(400))
})

test('a slow start: the startup probe holds the others back', async () => {
  const app = shell('app', 'sleep 25; touch /tmp/started; sleep 3600', {
    startupProbe: { exec: { command: ['cat', '/tmp/started'] }, periodSeconds: 10, failureThreshold: 30 },
    readinessProbe: { exec: { command: ['cat', '/tmp/started'] }, periodSeconds: 5 },
  })
  await golden('slow-start', new LivingPod(podOf(spec({ containers: [app] }))).live(120))
})

test('a shutdown with sidecars: the main containers first, then sidecars in reverse order', async () => {
  const lifecycle = { preStop: { sleep: { seconds: 3 } } }
  const pod = new LivingPod(
    podOf(
      spec({
        initContainers: [
          container('logger', 'nginx:1.27', { restartPolicy: 'Always' }),
          container('mesh', 'nginx:1.27', { restartPolicy: 'Always' }),
        ],
        containers: [container('web', 'nginx:1.27', { lifecycle }), shell('worker', 'sleep 3600')],
        terminationGracePeriodSeconds: 10,
      }),
    ),
  )
  await golden('sidecar-shutdown', pod.live(10).delete(10).live(60))
  const ends = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])]
  expect(
    ends.map(({ name, state }) => `${name} ${state?.terminated?.exitCode} ${state?.terminated?.finishedAt}`),
  ).toEqual([
    // The worker heeds no SIGTERM and takes the whole grace: the others have their two seconds after it.
    'logger 0 2024-01-01T00:00:20Z',
    'mesh 0 2024-01-01T00:00:20Z',
    'web 0 2024-01-01T00:00:13Z',
    'worker 137 2024-01-01T00:00:20Z',
  ])
})

test('postStart: running is told once the hook is over', async () => {
  const lifecycle = { postStart: { sleep: { seconds: 4 } } }
  await golden(
    'post-start',
    new LivingPod(podOf(spec({ containers: [container('web', 'nginx:1.27', { lifecycle })] }))).live(30),
  )
})

test('postStart fails: the container is stopped, and started again with back-off', async () => {
  const lifecycle = { postStart: { exec: { command: ['sh', '-c', 'sleep 1; exit 7'] } } }
  const pod = new LivingPod(podOf(spec({ containers: [container('web', 'nginx:1.27', { lifecycle })] })))
  await golden('post-start-fails', pod.live(60))
})

test('preStop fails: it is told, and SIGTERM follows at once', async () => {
  const lifecycle = { preStop: { exec: { command: ['false'] } } }
  const pod = new LivingPod(podOf(spec({ containers: [container('web', 'nginx:1.27', { lifecycle })] })))
  await golden('pre-stop-fails', pod.live(10).delete(30).live(60))
})

test('preStop takes longer than the grace: two seconds are left for SIGTERM', async () => {
  const lifecycle = { preStop: { exec: { command: ['sleep', '60'] } } }
  const pod = new LivingPod(
    podOf(spec({ containers: [shell('app', 'sleep 3600', { lifecycle })], terminationGracePeriodSeconds: 5 })),
  )
  await golden('pre-stop-too-long', pod.live(10).delete(5).live(60))
})

test('restartPolicyRules: exit code 42 starts it again in a pod that never restarts, any other ends it (KEP-5307)', async () => {
  const rules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }]
  const again = new LivingPod(
    podOf(
      spec({
        restartPolicy: 'Never',
        containers: [shell('app', 'sleep 5; exit 42', { restartPolicy: 'Never', restartPolicyRules: rules })],
      }),
    ),
  )
  await golden('restart-rules', again.live(60))
  const other = new LivingPod(
    podOf(
      spec({
        restartPolicy: 'Never',
        containers: [shell('app', 'sleep 5; exit 1', { restartPolicy: 'Never', restartPolicyRules: rules })],
      }),
    ),
  ).live(60)
  expect([other.status.phase, other.status.containerStatuses?.[0]?.restartCount]).toEqual(['Failed', 0])
})

test('a container with a policy of its own: Never among those that are always started again', async () => {
  const pod = new LivingPod(
    podOf(
      spec({
        containers: [container('web', 'nginx:1.27'), shell('once', 'sleep 2; exit 1', { restartPolicy: 'Never' })],
      }),
    ),
  )
  await golden('own-restart-policy', pod.live(120))
})

test('an init container with restartPolicy Never fails the pod at once, whatever the pod says', async () => {
  const pod = new LivingPod(
    podOf(
      spec({
        initContainers: [shell('setup', 'exit 1', { restartPolicy: 'Never' })],
        containers: [container('web', 'nginx:1.27')],
      }),
    ),
  )
  await golden('init-never', pod.live(60))
})

test('OOM: memory grows beyond the limit', async () => {
  const limits = { memory: '128Mi' }
  const annotations = { 'kubesim.dev/memory': 'app=64Mi..256Mi over 1m' }
  const pod = new LivingPod(
    podOf(
      spec({ containers: [container('app', 'nginx:1.27', { resources: { limits } }), container('web', 'nginx')] }),
      {
        annotations,
      },
    ),
  )
  await golden('oom', pod.live(120))
  expect(pod.status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' })
})

test('an eviction: told at once, a second of grace, and then the phase', async () => {
  const pod = new LivingPod(podOf(spec({ containers: [container('web', 'nginx:1.27'), shell('app', 'sleep 3600')] })))
  pod.live(30)
  const message = 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 20Mi. '
  const event = { type: 'Warning', reason: 'Evicted', message } as const
  pod.evictions.ask(pod.pod.metadata, {
    grace: 1000,
    reason: 'Evicted',
    message,
    condition: 'TerminationByKubelet',
    event,
  })
  await golden('eviction', pod.live(30))
  expect(pod.status).toMatchObject({ phase: 'Failed', reason: 'Evicted', message })
})

test('activeDeadlineSeconds: SIGTERM, the grace, and only then the phase', async () => {
  const pod = new LivingPod(
    podOf(spec({ restartPolicy: 'Never', activeDeadlineSeconds: 20, containers: [shell('app', 'sleep 99')] })),
  )
  await golden('deadline', pod.live(90))
})

test('FallbackToLogsOnError: the end of the log is the termination message of a container that failed', () => {
  const words = (script: string, policy: string) => {
    const pod = new LivingPod(
      podOf(spec({ restartPolicy: 'Never', containers: [shell('app', script, { terminationMessagePolicy: policy })] })),
    ).live(10)
    return pod.status.containerStatuses?.[0]?.state?.terminated?.message
  }
  expect(words('echo one; echo DONE; exit 1', 'FallbackToLogsOnError')).toBe('one\nDONE\n')
  expect(words('echo DONE', 'FallbackToLogsOnError')).toBeUndefined()
  expect(words('echo DONE; exit 1', 'File')).toBeUndefined()
  const many = Array.from({ length: 100 }, (_, at) => `echo line ${at}`).join('; ')
  const tail = words(`${many}; exit 1`, 'FallbackToLogsOnError')!
  expect(tail.split('\n')[0]).toBe('line 20')
  const long = words(`echo ${'x'.repeat(5000)}; exit 1`, 'FallbackToLogsOnError')!
  expect(long).toHaveLength(2048)
})

// Golden timelines: what a watcher of a pod sees, from the first write to the last.

import { describe, expect, test } from 'vitest'
import { LivingPod, podOf } from './live.ts'

const container = (name: string, image: string, more: object = {}) => ({ name, image, ...more })

describe('lives', () => {
  test('a web server: the pull takes its time, and then two status writes are all', () => {
    const pod = new LivingPod(
      podOf({ containers: [container('web', 'nginx:1.27', { ports: [{ containerPort: 80 }] })] }),
    )
    pod.live(600)
    expect(pod.lines).toMatchInlineSnapshot(`
      [
        "0.0s Pending web=ContainerCreating",
        "0.0s   Pulling: Pulling image "nginx:1.27"",
        "0.8s   Pulled: Successfully pulled image "nginx:1.27" in 789ms (789ms including waiting). Image size: 72319182 bytes.",
        "1.2s Running web=running ready",
        "1.2s   Created: Container created",
        "1.2s   Started: Container started",
      ]
    `)
    expect(pod.writes).toBe(2)
    expect(pod.next).toBeUndefined()
    expect(pod.status).toMatchInlineSnapshot(`
      {
        "conditions": [
          {
            "lastTransitionTime": "2024-01-01T00:00:00Z",
            "observedGeneration": 1,
            "status": "True",
            "type": "PodReadyToStartContainers",
          },
          {
            "lastTransitionTime": "2024-01-01T00:00:00Z",
            "observedGeneration": 1,
            "status": "True",
            "type": "Initialized",
          },
          {
            "lastTransitionTime": "2024-01-01T00:00:01Z",
            "observedGeneration": 1,
            "status": "True",
            "type": "Ready",
          },
          {
            "lastTransitionTime": "2024-01-01T00:00:01Z",
            "observedGeneration": 1,
            "status": "True",
            "type": "ContainersReady",
          },
          {
            "lastTransitionTime": "2024-01-01T00:00:00Z",
            "status": "True",
            "type": "PodScheduled",
          },
        ],
        "containerStatuses": [
          {
            "containerID": "containerd://dda78dd7a3da5eafcfd7c3d9e464f63ee20a3f8fce40a85dc11a0e17b200aa53",
            "image": "docker.io/library/nginx:1.27",
            "imageID": "docker.io/library/nginx@sha256:6e658410817c5695b1463b2922643dc9832177cbcb30e274f6282eef886fe327",
            "lastState": {},
            "name": "web",
            "ready": true,
            "restartCount": 0,
            "started": true,
            "state": {
              "running": {
                "startedAt": "2024-01-01T00:00:01Z",
              },
            },
            "user": {
              "linux": {
                "gid": 0,
                "supplementalGroups": [
                  0,
                ],
                "uid": 0,
              },
            },
          },
        ],
        "hostIP": "127.25.43.11",
        "hostIPs": [
          {
            "ip": "127.25.43.11",
          },
        ],
        "observedGeneration": 1,
        "phase": "Running",
        "podIP": "10.244.1.2",
        "podIPs": [
          {
            "ip": "10.244.1.2",
          },
        ],
        "qosClass": "BestEffort",
        "startTime": "2024-01-01T00:00:00Z",
      }
    `)
  })

  test('without delays one write takes a pod from nothing to ready', () => {
    const pod = new LivingPod(podOf({ containers: [container('web', 'nginx')] }), { pull: 0, start: 0 }).live(0)
    expect(pod.writes).toBe(1)
    expect(pod.lines).toMatchInlineSnapshot(`
      [
        "0.0s Running web=running ready",
        "0.0s   Pulling: Pulling image "nginx"",
        "0.0s   Pulled: Successfully pulled image "nginx" in 0s (0s including waiting). Image size: 72319182 bytes.",
        "0.0s   Created: Container created",
        "0.0s   Started: Container started",
      ]
    `)
  })

  test('a crash loop over an hour: at once, then 10 s doubling to 5 min (kuberuntime_manager.go doBackOff)', () => {
    const pod = new LivingPod(
      podOf({
        containers: [
          container('app', 'busybox', { command: ['sh', '-c', 'echo hi; exit 3'], imagePullPolicy: 'IfNotPresent' }),
        ],
      }),
    )
    pod.live(3600)
    expect(
      pod.lines.filter(line => /BackOff: |Container started/.test(line)).map(line => line.slice(0, 60)),
    ).toMatchInlineSnapshot(`
      [
        "0.9s   Started: Container started",
        "1.3s   Started: Container started",
        "2.3s   BackOff: Back-off restarting failed container app in ",
        "11.7s   Started: Container started",
        "12.7s   BackOff: Back-off restarting failed container app in",
        "32.1s   Started: Container started",
        "33.1s   BackOff: Back-off restarting failed container app in",
        "72.5s   Started: Container started",
        "73.5s   BackOff: Back-off restarting failed container app in",
        "152.9s   Started: Container started",
        "153.9s   BackOff: Back-off restarting failed container app i",
        "313.3s   Started: Container started",
        "314.3s   BackOff: Back-off restarting failed container app i",
        "613.7s   Started: Container started",
        "614.7s   BackOff: Back-off restarting failed container app i",
        "914.1s   Started: Container started",
        "915.1s   BackOff: Back-off restarting failed container app i",
        "1214.5s   Started: Container started",
        "1215.5s   BackOff: Back-off restarting failed container app ",
        "1514.9s   Started: Container started",
        "1515.9s   BackOff: Back-off restarting failed container app ",
        "1815.3s   Started: Container started",
        "1816.3s   BackOff: Back-off restarting failed container app ",
        "2115.7s   Started: Container started",
        "2116.7s   BackOff: Back-off restarting failed container app ",
        "2416.1s   Started: Container started",
        "2417.1s   BackOff: Back-off restarting failed container app ",
        "2716.5s   Started: Container started",
        "2717.5s   BackOff: Back-off restarting failed container app ",
        "3016.9s   Started: Container started",
        "3017.9s   BackOff: Back-off restarting failed container app ",
        "3317.3s   Started: Container started",
        "3318.3s   BackOff: Back-off restarting failed container app ",
      ]
    `)
    expect(pod.status.containerStatuses?.[0]).toMatchObject({
      restartCount: 16,
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
      state: {
        waiting: {
          reason: 'CrashLoopBackOff',
          message: 'back-off 5m0s restarting failed container=app pod=web_default(0a0b)',
        },
      },
    })
    expect(pod.lines.slice(0, 22)).toMatchInlineSnapshot(`
      [
        "0.0s Pending app=ContainerCreating",
        "0.0s   Pulling: Pulling image "busybox"",
        "0.5s   Pulled: Successfully pulled image "busybox" in 509ms (509ms including waiting). Image size: 2222260 bytes.",
        "0.9s Running app=Error(3)",
        "0.9s   Created: Container created",
        "0.9s   Started: Container started",
        "0.9s   Pulled: Container image "busybox" already present on machine and can be accessed by the pod",
        "1.3s Running app=Error(3) x1",
        "1.3s   Created: Container created",
        "1.3s   Started: Container started",
        "2.3s Running app=CrashLoopBackOff x1",
        "2.3s   BackOff: Back-off restarting failed container app in pod web_default(0a0b)",
        "11.3s   Pulled: Container image "busybox" already present on machine and can be accessed by the pod",
        "11.7s Running app=Error(3) x2",
        "11.7s   Created: Container created",
        "11.7s   Started: Container started",
        "12.7s Running app=CrashLoopBackOff x2",
        "12.7s   BackOff: Back-off restarting failed container app in pod web_default(0a0b)",
        "31.7s   Pulled: Container image "busybox" already present on machine and can be accessed by the pod",
        "32.1s Running app=Error(3) x3",
        "32.1s   Created: Container created",
        "32.1s   Started: Container started",
      ]
    `)
  })

  test('ten good minutes make a crash forgotten', () => {
    const pod = new LivingPod(
      podOf({
        containers: [container('app', 'busybox', { command: ['sleep', '700'], imagePullPolicy: 'IfNotPresent' })],
      }),
    )
    pod.live(3600)
    expect(pod.lines.filter(line => line.includes('BackOff'))).toEqual([])
    expect(pod.status.containerStatuses?.[0]?.restartCount).toBe(5)
  })

  test('init containers run one after another, a sidecar goes on', () => {
    const pod = new LivingPod(
      podOf({
        initContainers: [
          container('setup', 'busybox:1.36', { command: ['sleep', '2'] }),
          container('proxy', 'nginx:1.27', { restartPolicy: 'Always' }),
          container('check', 'busybox:1.36', { command: ['sh', '-c', 'sleep 1'] }),
        ],
        containers: [container('web', 'nginx:1.27')],
      } as never),
    )
    pod.live(60)
    expect(pod.lines.filter(line => !/: /.test(line))).toMatchInlineSnapshot(`
      [
        "0.0s Pending setup=PodInitializing, proxy=PodInitializing, check=PodInitializing, web=PodInitializing",
        "0.9s Pending setup=running, proxy=PodInitializing, check=PodInitializing, web=PodInitializing",
        "2.9s Pending setup=Completed(0) ready, proxy=PodInitializing, check=PodInitializing, web=PodInitializing",
        "4.1s Pending setup=Completed(0) ready, proxy=running ready, check=PodInitializing, web=PodInitializing",
        "4.5s Pending setup=Completed(0) ready, proxy=running ready, check=running, web=PodInitializing",
        "5.5s Pending setup=Completed(0) ready, proxy=running ready, check=Completed(0) ready, web=PodInitializing",
        "5.9s Running setup=Completed(0) ready, proxy=running ready, check=Completed(0) ready, web=running ready",
      ]
    `)
    expect(pod.status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True')
  })

  test('an ephemeral container waits for no init container, runs once, and does not make the pod less ready', () => {
    const pod = new LivingPod(
      podOf({
        initContainers: [container('setup', 'busybox:1.36', { command: ['sleep', '60'] })],
        containers: [container('web', 'nginx:1.27')],
      } as never),
      { pull: 0, start: 0 },
    ).live(5)
    const debuggers = [container('debugger', 'busybox:1.36', { command: ['sh', '-c', 'sleep 20; exit 3'] })]
    pod.change(({ spec }) => {
      spec.ephemeralContainers = debuggers as never
    })
    pod.live(5)
    const [first] = pod.status.ephemeralContainerStatuses ?? []
    expect(first).toMatchObject({ name: 'debugger', ready: false, restartCount: 0 })
    expect(first).not.toHaveProperty('started')
    expect(first?.state?.running).toBeDefined()
    expect(pod.status.phase).toBe('Pending')
    pod.live(300)
    expect(pod.status.ephemeralContainerStatuses?.[0]).toMatchObject({
      restartCount: 0,
      state: { terminated: { exitCode: 3 } },
    })
    expect(pod.status.phase).toBe('Running')
    expect(pod.status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True')
  })

  test('a running ephemeral container is stopped with the pod that has done its work, and keeps it from ending till then', () => {
    const pod = new LivingPod(
      podOf({
        restartPolicy: 'Never',
        containers: [container('job', 'busybox:1.36', { command: ['sleep', '5'] })],
        ephemeralContainers: [container('debugger', 'busybox:1.36', { command: ['sleep', '3600'] })],
      } as never),
      { pull: 0, start: 0 },
    ).live(10)
    expect(pod.status.phase).toBe('Running')
    pod.live(60)
    expect(pod.status.phase).toBe('Succeeded')
    expect(pod.status.ephemeralContainerStatuses?.[0]?.state?.terminated?.exitCode).toBe(137)
  })

  test('a failing init container with restartPolicy Never fails the pod', () => {
    const pod = new LivingPod(
      podOf({
        restartPolicy: 'Never',
        initContainers: [container('setup', 'busybox:1.36', { command: ['false'] })],
        containers: [container('web', 'nginx:1.27')],
      } as never),
      { pull: 0, start: 0 },
    ).live(60)
    expect(pod.status.phase).toBe('Failed')
    expect(pod.status.containerStatuses?.[0]?.state?.waiting?.reason).toBe('PodInitializing')
  })

  test('a job-like pod succeeds, and its sidecar is stopped with it', () => {
    const pod = new LivingPod(
      podOf({
        restartPolicy: 'Never',
        initContainers: [container('proxy', 'nginx:1.27', { restartPolicy: 'Always' })],
        containers: [container('job', 'busybox:1.36', { command: ['sh', '-c', 'sleep 5; echo done'] })],
      } as never),
    ).live(60)
    expect(pod.lines.filter(line => !/: /.test(line))).toMatchInlineSnapshot(`
      [
        "0.0s Pending proxy=PodInitializing, job=PodInitializing",
        "1.2s Pending proxy=running ready, job=PodInitializing",
        "2.1s Running proxy=running ready, job=running ready",
        "7.1s Running proxy=running ready, job=Completed(0)",
        "7.3s Succeeded proxy=Completed(0), job=Completed(0)",
      ]
    `)
    expect(
      pod.status.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason ?? ''}`),
    ).toMatchInlineSnapshot(`
      [
        "PodReadyToStartContainers=False ",
        "Initialized=True PodCompleted",
        "Ready=False PodCompleted",
        "ContainersReady=False PodCompleted",
        "PodScheduled=True ",
      ]
    `)
    expect(pod.next).toBeUndefined()
  })

  test('deleting: a server ends soon with its own code, a bare sleep only when its grace is over', () => {
    const server = new LivingPod(podOf({ containers: [container('web', 'nginx:1.27')] })).live(10).delete(30).live(60)
    expect(server.lines.slice(-4)).toMatchInlineSnapshot(`
      [
        "1.2s   Started: Container started",
        "10.0s   Killing: Stopping container web",
        "10.2s Succeeded web=Completed(0)",
        "10.2s removed",
      ]
    `)
    const sleeper = new LivingPod(
      podOf({ containers: [container('app', 'busybox:1.36', { command: ['sleep', '3600'] })] }),
    )
    sleeper.live(10).delete(30).live(60)
    expect(sleeper.lines.slice(-4)).toMatchInlineSnapshot(`
      [
        "0.9s   Started: Container started",
        "10.0s   Killing: Stopping container app",
        "40.0s Failed app=Error(137)",
        "40.0s removed",
      ]
    `)
    expect(sleeper.status.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(137)
  })

  test('a second delete with less grace is heeded', () => {
    const pod = new LivingPod(podOf({ containers: [container('app', 'busybox:1.36', { command: ['sleep', '3600'] })] }))
    pod.live(10).delete(30).live(5).delete(7).live(60)
    expect(pod.lines.at(-1)).toBe('17.0s removed')
  })

  test('a pod deleted before it was seen, or long ended, is removed at once', () => {
    const unseen = new LivingPod(podOf({ containers: [container('web', 'nginx')] })).delete(30).live(1)
    expect(unseen.lines).toEqual(['0.0s removed'])
  })

  test('<your_dockerhub_image> is an InvalidImageName, until it is mended', () => {
    const pod = new LivingPod(podOf({ containers: [container('app', '<your_dockerhub_image>')] })).live(600)
    expect(pod.lines).toMatchInlineSnapshot(`
      [
        "0.0s Pending app=InvalidImageName",
        "0.0s   InspectFailed: Failed to apply default image tag "<your_dockerhub_image>": couldn't parse image name "<your_dockerhub_image>": invalid reference format",
        "0.0s   Failed: Error: InvalidImageName",
      ]
    `)
    expect(pod.next).toBeUndefined()
    pod.change(({ spec }) => {
      spec.containers[0]!.image = 'nginx'
    })
    pod.live(5)
    expect(pod.status.phase).toBe('Running')
  })

  test('an image that is not there: ErrImagePull, then ImagePullBackOff, tried again later and later', () => {
    const pod = new LivingPod(podOf({ containers: [container('web', 'nginx:1.161')] })).live(700)
    expect(pod.lines.slice(0, 9)).toMatchInlineSnapshot(`
      [
        "0.0s Pending web=ContainerCreating",
        "0.0s   Pulling: Pulling image "nginx:1.161"",
        "0.8s Pending web=ErrImagePull",
        "0.8s   Failed: Failed to pull image "nginx:1.161": rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:1.161": failed to resolve reference "docker.io/library/nginx:1.161": docker.io/library/nginx:1.161: not found",
        "0.8s   Failed: Error: ErrImagePull",
        "1.8s Pending web=ImagePullBackOff",
        "1.8s   BackOff: Back-off pulling image "nginx:1.161"",
        "1.8s   Failed: Error: ImagePullBackOff",
        "10.8s   Pulling: Pulling image "nginx:1.161"",
      ]
    `)
    expect(pod.lines.filter(line => line.includes('Pulling')).map(line => line.split(' ')[0])).toMatchInlineSnapshot(`
      [
        "0.0s",
        "10.8s",
        "31.6s",
        "72.4s",
        "153.2s",
        "313.9s",
        "614.7s",
      ]
    `)
  })

  test('imagePullPolicy Never without the image', () => {
    const pod = new LivingPod(
      podOf({ containers: [container('web', 'nginx:1.27', { imagePullPolicy: 'Never' })] }),
    ).live(600)
    expect(pod.lines).toMatchInlineSnapshot(`
      [
        "0.0s Pending web=ErrImageNeverPull",
        "0.0s   ErrImageNeverPull: Container image "nginx:1.27" is not present with pull policy of Never",
        "0.0s   Failed: Error: ErrImageNeverPull",
      ]
    `)
    expect(pod.next).toBeUndefined()
    pod.images.add('nginx:1.27', 1)
    expect(pod.live(5).status.phase).toBe('Running')
  })

  test('activeDeadlineSeconds ends a pod', () => {
    const pod = new LivingPod(
      podOf({
        restartPolicy: 'Never',
        activeDeadlineSeconds: 20,
        containers: [container('app', 'busybox:1.36', { command: ['sleep', '99'] })],
      }),
    ).live(60)
    expect(pod.lines.slice(-3)).toMatchInlineSnapshot(`
      [
        "20.0s   DeadlineExceeded: Pod was active on the node longer than the specified deadline",
        "20.0s   Killing: Stopping container app",
        "50.0s Failed app=Error(137)",
      ]
    `)
    expect(pod.status.reason).toBe('DeadlineExceeded')
  })

  test('kubesim.dev/oom-after: killed for its memory, again and again (the example of docs/stages.md)', () => {
    const annotations = { 'kubesim.dev/oom-after': '15s' }
    const pod = new LivingPod(podOf({ containers: [container('app', 'nginx:1.27')] }, { annotations })).live(20)
    expect(pod.status.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    })
  })

  test('a new image in the spec restarts the container', () => {
    const pod = new LivingPod(podOf({ containers: [container('web', 'nginx:1.26')] })).live(10)
    pod.change(({ spec }) => {
      spec.containers[0]!.image = 'nginx:1.27'
    })
    pod.live(30)
    expect(pod.lines.slice(6)).toMatchInlineSnapshot(`
      [
        "10.0s   Killing: Container web definition changed, will be restarted",
        "10.2s Running web=Completed(0)",
        "10.2s   Pulling: Pulling image "nginx:1.27"",
        "11.0s   Pulled: Successfully pulled image "nginx:1.27" in 789ms (789ms including waiting). Image size: 72319182 bytes.",
        "11.4s Running web=running ready x1",
        "11.4s   Created: Container created",
        "11.4s   Started: Container started",
      ]
    `)
  })

  test('a kubelet that begins anew goes on with what runs', () => {
    const pod = new LivingPod(
      podOf({ containers: [container('web', 'nginx:1.27', { livenessProbe: { httpGet: { port: 80 } } })] }),
    ).live(10)
    const before = pod.writes
    pod.forget().live(600)
    expect(pod.writes).toBe(before)
    expect(pod.next).toBeUndefined()
  })
})

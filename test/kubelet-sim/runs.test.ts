// Containers whose command is really run, by their kubelet.

import { describe, expect, test } from 'vitest'
import type { Pod, PodSpec } from '../../generated/types.ts'
import { simulatedNode } from '../../kubelet-sim/nodes.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { LogOptions } from '../../src/client/node-client.ts'
import { ConfigMaps, Nodes, Pods, Secrets } from '../../src/kinds/index.ts'
import { begin } from './live.ts'
import { virtualRoom } from './room.ts'

type Room = Awaited<ReturnType<typeof virtualRoom>>

const quick = { pullDelay: 0, startDelay: 0, count: 1 }
const shell = (script: string, more: Partial<PodSpec> = {}): Partial<PodSpec> => ({
  containers: [{ name: 'app', image: 'busybox:1.36', command: ['sh', '-c', script] }],
  restartPolicy: 'Never',
  ...more,
})

async function logOf(room: Room, name: string, options: Partial<LogOptions> = {}): Promise<string> {
  let text = ''
  const { signal } = new AbortController()
  for await (const chunk of room.nodes.nodeClient.logs(await room.pod(name), { signal, ...options })) text += chunk
  return text
}

const ended = ({ status }: Frozen<Pod>) => status.containerStatuses?.[0]?.state?.terminated

describe('a command is really run', () => {
  test('although a probe that runs a command is the first to ask', async () => {
    await using room = await virtualRoom(quick)
    const readinessProbe = { exec: { command: ['cat', '/tmp/ready'] }, periodSeconds: 1 }
    const command = ['sh', '-c', 'echo begins; touch /tmp/ready; sleep 100']
    await room.run('app', 'node-1', { containers: [{ name: 'app', image: 'busybox:1.36', command, readinessProbe }] })
    await room.env.clock.advance(5000)
    expect(await logOf(room, 'app')).toBe('begins\n')
    expect((await room.pod('app')).status.containerStatuses![0]!.ready).toBe(true)
  })

  test('what it prints is its log, its exit code ends it', async () => {
    await using room = await virtualRoom(quick)
    await room.run(
      'app',
      'node-1',
      shell('for i in 1 2 3; do echo "$(hostname) $i"; sleep 2; done; echo bad >&2; exit 7'),
    )
    await room.env.clock.advance(3000)
    expect(await logOf(room, 'app')).toBe('app 1\napp 2\n')
    await room.env.clock.advance(10_000)
    expect(await logOf(room, 'app')).toBe('app 1\napp 2\napp 3\nbad\n')
    const pod = await room.pod('app')
    expect(pod.status.phase).toBe('Failed')
    expect(ended(pod)).toMatchObject({ exitCode: 7, reason: 'Error', finishedAt: '2024-01-01T00:00:06Z' })
    expect(room.env.clock.waiting).toBeLessThan(10)
  })

  test('its environment is its own, its references’ and the Services’', async () => {
    await using room = await virtualRoom(quick)
    const metadata = (name: string) => ({ name, namespace: 'default' })
    await room.client
      .of(ConfigMaps)
      .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('cm'), data: { b: 'from map', c: 'see' } })
    await room.client
      .of(Secrets)
      .create({ apiVersion: 'v1', kind: 'Secret', metadata: metadata('s'), data: { key: 'c2VjcmV0' } })
    await room.serve('web-db', {}, [])
    await room.run(
      'app',
      'node-1',
      {
        restartPolicy: 'Never',
        containers: [
          {
            name: 'app',
            image: 'busybox',
            command: [
              'sh',
              '-c',
              'echo "$A|$B|$P_c|$K|$IP|$NAME|$LIM|$WEB_DB_SERVICE_PORT|$KUBERNETES_SERVICE_HOST|$(pwd)"',
            ],
            env: [
              { name: 'A', value: 'one' },
              { name: 'B', value: '$(A) two $(NOPE)' },
              { name: 'K', valueFrom: { secretKeyRef: { name: 's', key: 'key' } } },
              { name: 'IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
              { name: 'NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: "metadata.labels['app']" } } },
              { name: 'LIM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
            ],
            envFrom: [{ prefix: 'P_', configMapRef: { name: 'cm' } }],
            resources: { limits: { memory: '64Mi' } },
            workingDir: '/tmp',
          },
        ],
      },
      { labels: { app: 'x' } },
    )
    await room.env.clock.advance(1000)
    expect(await logOf(room, 'app')).toMatch(
      /^one\|one two \$\(NOPE\)\|see\|secret\|10\.244\.1\.2\|x\|64\|80\|10\.96\.0\.1\|\/tmp\n$/,
    )
  })

  test('a crash loop begins anew each time, with files of its own', async () => {
    await using room = await virtualRoom(quick)
    await room.run('app', 'node-1', shell('ls /tmp; touch /tmp/was; date +%s; exit 1', { restartPolicy: 'Always' }))
    await room.env.clock.advance(15_000)
    const pod = await room.pod('app')
    expect(pod.status.containerStatuses?.[0]).toMatchObject({
      restartCount: 2,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
    })
    expect(await logOf(room, 'app')).toBe(`${begin / 1000 + 10}\n`)
  })

  test('init containers run one after another', async () => {
    await using room = await virtualRoom(quick)
    const init = (name: string, script: string) => ({ name, image: 'busybox', command: ['sh', '-c', script] })
    await room.run(
      'app',
      'node-1',
      shell('echo main', { initContainers: [init('one', 'echo 1; sleep 3'), init('two', 'echo 2')] }),
    )
    await room.env.clock.advance(2000)
    expect((await room.pod('app')).status.containerStatuses?.[0]?.state?.waiting?.reason).toBe('PodInitializing')
    await room.env.clock.advance(2000)
    expect((await room.pod('app')).status.phase).toBe('Succeeded')
    expect(await logOf(room, 'app', { container: 'two' })).toBe('2\n')
  })

  test('a command that is not there cannot be started', async () => {
    await using room = await virtualRoom(quick)
    await room.run('app', 'node-1', {
      restartPolicy: 'Never',
      containers: [{ name: 'app', image: 'busybox', command: ['nosuch'] }],
    })
    await room.env.clock.advance(1000)
    expect(ended(await room.pod('app'))).toMatchObject({
      exitCode: 128,
      reason: 'StartError',
      message: expect.stringContaining('exec: "nosuch": executable file not found in $PATH: unknown'),
    })
  })

  test('its last words are its file’s, or the end of its log', async () => {
    await using room = await virtualRoom(quick)
    await room.run('file', 'node-1', shell('echo -n "all is lost" > /dev/termination-log; exit 1'))
    const spec = shell('echo one; echo two >&2; exit 1')
    const containers = spec.containers!.map(each => ({
      ...each,
      terminationMessagePolicy: 'FallbackToLogsOnError' as const,
    }))
    await room.run('log', 'node-1', { ...spec, containers })
    await room.env.clock.advance(2000)
    expect(ended(await room.pod('file'))?.message).toBe('all is lost')
    expect(ended(await room.pod('log'))?.message).toBe('one\ntwo\n')
  })

  test('a program nobody has written serves on the declared ports; before it others do their work', async () => {
    await using room = await virtualRoom(quick)
    const app = { name: 'app', image: 'myorg/app:1', ports: [{ containerPort: 5000 }] }
    const command = ['sh', '-c', './migrate && echo migrated && exec python app.py']
    await room.run('app', 'node-1', {
      containers: [{ ...app, command }],
      initContainers: [{ ...app, name: 'init', command }],
    })
    await room.env.clock.advance(10_000)
    expect((await room.pod('app')).status.phase).toBe('Running')
    expect(await logOf(room, 'app', { container: 'init' })).toBe('migrated\n')
    await room.run('asks', 'node-1', shell('wget -qO- http://10.244.1.2:5000/'))
    await room.env.clock.advance(5000)
    expect(await logOf(room, 'asks')).toContain('Hello from myorg/app:1')
  })

  test('a shell without input ends at once, with it waits', async () => {
    await using room = await virtualRoom(quick)
    const container = { name: 'app', image: 'busybox', command: ['sh'] }
    await room.run('ends', 'node-1', { restartPolicy: 'Never', containers: [container] })
    await room.run('waits', 'node-1', {
      restartPolicy: 'Never',
      containers: [{ ...container, stdin: true, tty: true }],
    })
    await room.env.clock.advance(5000)
    expect((await room.pod('ends')).status.phase).toBe('Succeeded')
    expect((await room.pod('waits')).status.phase).toBe('Running')
  })

  test('memory: who eats it is OOMKilled, and nobody else', async () => {
    await using room = await virtualRoom(quick)
    await room.run('eats', 'node-1', shell('x=aaaaaaaa; while :; do x=$x$x; done'))
    await room.run('spins', 'node-1', shell('while :; do :; done'))
    await room.run('works', 'node-1', shell('sleep 5; echo done'))
    await room.env.clock.advance(30_000)
    expect(ended(await room.pod('eats'))).toMatchObject({ exitCode: 137, reason: 'OOMKilled' })
    expect(await logOf(room, 'works')).toBe('done\n')
    expect((await room.pod('spins')).status.phase).toBe('Running')
  })
})

describe('told to stop', () => {
  const stop = async (room: Room, seconds: number) => {
    await room.env.clock.advance(2000)
    const deleting = room.client.of(Pods).delete({ name: 'app', namespace: 'default' })
    await deleting
    await room.env.clock.advance(seconds * 1000)
  }
  const codeOf = async (room: Room) => ended(await room.pod('app'))?.exitCode

  test('a shell without a trap is killed when its grace is over', async () => {
    await using room = await virtualRoom(quick)
    await room.run('app', 'node-1', shell('while true; do echo x; sleep 1; done', { terminationGracePeriodSeconds: 5 }))
    await stop(room, 4)
    expect((await room.pod('app')).metadata.deletionTimestamp).toBeDefined()
    await room.env.clock.advance(1500)
    await expect(room.pod('app')).rejects.toMatchObject({ code: 404 })
  })

  test('a trap is run, and its exit ends the pod at once', async () => {
    await using room = await virtualRoom(quick)
    const finalizers = ['example.com/keep']
    const spec = shell('trap "echo bye; exit 3" TERM; while true; do sleep 1; done')
    await room.run('app', 'node-1', spec, { finalizers })
    await stop(room, 2)
    expect(await codeOf(room)).toBe(3)
    expect(await logOf(room, 'app')).toBe('bye\n')
  })
})

test('a kubelet that begins anew runs what ran anew, and writes nothing', async () => {
  await using room = await virtualRoom(quick)
  await room.run('app', 'node-1', shell('echo began; sleep 3600; echo x'))
  await room.env.clock.advance(1000)
  const before = await room.pod('app')
  room.nodes.runs.forget(before.metadata.uid ?? '')
  await room.client.of(Pods).patch(before.metadata, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } })
  await room.env.clock.advance(1000)
  const after = await room.pod('app')
  expect(after.status).toEqual(before.status)
  expect(await logOf(room, 'app')).toBe('began\nbegan\n')
})

test('the same seed, the same history, whatever ran before in this process', async () => {
  const histories: string[] = []
  for (let run = 0; run < 2; run++) {
    await using room = await virtualRoom({ ...quick, count: 3 })
    const script = 'for i in 1 2 3; do echo "$i $RANDOM"; sleep 0.$((RANDOM % 9 + 1)); done; [ $((RANDOM % 2)) = 0 ]'
    const pods = Array.from({ length: 12 }, (_, index) =>
      room.run(`app-${index}`, `node-${(index % 3) + 1}`, shell(script, { restartPolicy: 'OnFailure' })),
    )
    await Promise.all(pods)
    await room.env.clock.advance(60_000)
    const lines: string[] = []
    const { items } = await room.client.of(Pods).list({})
    for (const { metadata, status } of items) {
      lines.push(`${metadata.name} ${metadata.resourceVersion} ${JSON.stringify(status.containerStatuses)}`)
      lines.push(await logOf(room, metadata.name))
    }
    histories.push(lines.join('\n'))
  }
  expect(histories[0]).toBe(histories[1])
})

test('a thousand containers that print the date each second', async () => {
  await using room = await virtualRoom({ ...quick, capacity: { pods: '2000' } })
  const loop = shell('while true; do date; sleep 1; done')
  await Promise.all(Array.from({ length: 1000 }, (_, index) => room.run(`app-${index}`, 'node-1', loop)))
  await room.env.clock.advance(10_000)
  expect((await logOf(room, 'app-0')).trim().split('\n')).toHaveLength(11)
  expect(await logOf(room, 'app-999', { tailLines: 1 })).toBe('Mon Jan  1 00:00:10 UTC 2024\n')
}, 300_000)

describe('after the machines were switched off', () => {
  /** A pod as it was written by a process that is no more. */
  async function rebooted(restartPolicy: 'Always' | 'Never', command = ['sh', '-c', 'echo began; sleep 3600']) {
    const room = await virtualRoom({ ...quick, areRebooted: true, count: 1 })
    await room.env.clock.advance(60_000)
    const made = await room.run('app', 'node-9', {
      restartPolicy,
      containers: [
        { name: 'main', image: 'busybox:1.36', command },
        { name: 'told', image: 'nginx' },
      ],
    })
    const running = (name: string) => ({
      name,
      image: name === 'main' ? 'docker.io/library/busybox:1.36' : 'docker.io/library/nginx:latest',
      imageID: name,
      containerID: `containerd://${name}`,
      lastState: {},
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: '2023-12-31T00:00:00Z' } },
    })
    const status = {
      phase: 'Running',
      startTime: '2023-12-31T00:00:00Z',
      podIP: '10.244.9.2',
      podIPs: [{ ip: '10.244.9.2' }],
      containerStatuses: ['main', 'told'].map(running),
    }
    await room.client.of(Pods).updateStatus({ ...made, status } as never)
    // Its node comes only now, with a kubelet that finds the pod as it is.
    await room.client.of(Nodes).create(simulatedNode('node-9'))
    await room.env.clock.advance(10_000)
    return room
  }
  const stateOf = async (room: Room) =>
    (await room.pod('app')).status.containerStatuses?.map(({ restartCount, state, lastState }) => [
      restartCount,
      Object.keys(state ?? {})[0],
      (lastState?.terminated ?? state?.terminated)?.reason,
      (lastState?.terminated ?? state?.terminated)?.exitCode,
    ])

  test('what ran has ended, unknown how, and begins anew in a new sandbox with all of its pod', async () => {
    await using room = await rebooted('Always')
    expect(await stateOf(room)).toEqual([
      [1, 'running', 'Unknown', 255],
      [1, 'running', 'Unknown', 255],
    ])
    expect(await room.events('app')).toContain('SandboxChanged: Pod sandbox changed, it will be killed and re-created.')
    expect(await logOf(room, 'app', { container: 'main' })).toBe('began\n')
    expect(await logOf(room, 'app', { container: 'main', previous: true })).toBe(
      'unable to retrieve container logs for containerd://main',
    )
    await room.env.clock.advance(600_000)
    expect((await stateOf(room))?.[0]?.[0]).toBe(1)
  })

  test('what is not started again has failed', async () => {
    await using room = await rebooted('Never')
    expect((await room.pod('app')).status.phase).toBe('Failed')
    expect(await room.events('app')).not.toContain(
      'SandboxChanged: Pod sandbox changed, it will be killed and re-created.',
    )
  })

  test('of what is only told nothing has changed', async () => {
    await using room = await rebooted('Always', ['sleep', '30d'])
    expect((await stateOf(room))?.map(([restarts]) => restarts)).toEqual([0, 0])
  })
})

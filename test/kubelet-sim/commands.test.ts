// exec and attach as a kubelet answers them, upon a machine whose programs are the test's own.

import { expect, test } from 'vitest'
import type { Pod } from '../../generated/types.ts'
import { attachTo, type CommandNeeds, execute } from '../../kubelet-sim/commands.ts'
import type { Program } from '../../kubelet-sim/machine/process.ts'
import type { CommandStreams } from '../../src/client/node-client.ts'
import { BytePipe } from '../../src/env/byte-pipe.ts'
import type { VirtualEnv } from '../../src/env/virtual-env.ts'
import { testMachine } from './machine/machine.ts'

/** Prints what it reads until that ends. */
const cat: Program = function* (process) {
  for (let chunk = yield* process.read(); chunk; chunk = yield* process.read()) yield* process.print(chunk)
  return 0
}

const programs: Record<string, Program> = {
  cat,
  sleep: function* (process) {
    yield* process.sleep(Number(process.argv[1]) * 1000)
    yield* process.print('slept\n')
    return 0
  },
  sh: function* (process) {
    yield* process.print(`${process.argv.join(' ')} ${process.env.get('TERM') ?? 'dumb'}\n`)
    yield* process.complain('complaint\n')
    return 3
  },
  yes: function* (process) {
    for (let line = 0; line < 20_000; line++) yield* process.print('y'.repeat(99))
    return 0
  },
  // Leaves a child behind that still holds what is printed to.
  nohup: function* (process) {
    process.spawn({ argv: ['sleep', '5'] })
    yield* process.print('left\n')
    return 0
  },
}

function podOf(spec: object = {}, state: object = { running: {} }): Pod {
  return {
    metadata: { name: 'web', namespace: 'default', uid: 'u' },
    spec: { containers: [{ name: 'app', image: 'busybox', ...spec }] },
    status: { containerStatuses: [{ name: 'app', state, restartCount: 0, ready: true, image: '', imageID: '' }] },
  } as unknown as Pod
}

function room(pod: Pod | undefined = podOf(), first: readonly string[] = ['sleep', '1000']) {
  const made = testMachine({ programs })
  const { spec } = pod
  made.machine.start({
    argv: first,
    stdin: spec.containers[0]!.stdin,
    terminal: spec.containers[0]!.tty ? { columns: 80, rows: 24 } : undefined,
    stdout: { write() {} },
    stderr: { write() {} },
  })
  const needs: CommandNeeds = { current: pod, random: made.env.random, machineOf: async () => made.machine }
  return { ...made, needs }
}

function client(how: { tty?: boolean; stdin?: boolean } = {}) {
  const gone = new AbortController()
  const stdin = new BytePipe()
  const [stdout, stderr] = [new BytePipe(), new BytePipe()]
  const streams: CommandStreams = {
    stdin: how.stdin === false ? undefined : stdin,
    stdout,
    stderr: how.tty ? undefined : stderr,
    tty: how.tty ?? false,
    signal: gone.signal,
  }
  const leave = () => {
    stdin.end()
    stdout.abandon()
    stderr.abandon()
    gone.abort()
  }
  return { streams, stdin, stdout, stderr, leave }
}

async function read(pipe: BytePipe): Promise<string> {
  let text = ''
  for await (const chunk of pipe) text += Buffer.from(chunk)
  return text
}

test('a command prints to whoever asked, and its exit code comes when all is printed', async () => {
  const { needs } = room()
  const { streams, stdout, stderr } = client()
  const execution = await execute(needs, 'app', ['sh', '-c', 'ls'], streams)
  expect(await Promise.all([read(stdout), read(stderr), execution.ended])).toEqual([
    'sh -c ls dumb\n',
    'complaint\n',
    3,
  ])
})

test('input is passed on until its end; without it, it has ended from the first', async () => {
  const { needs } = room()
  const { streams, stdin, stdout } = client()
  const execution = await execute(needs, 'app', ['cat'], streams)
  stdin.write(Buffer.from('one '))
  stdin.write(Buffer.from('two'))
  stdin.end()
  expect([await read(stdout), await execution.ended]).toEqual(['one two', 0])
  const none = client({ stdin: false })
  expect(await (await execute(needs, 'app', ['cat'], none.streams)).ended).toBe(0)
})

test('megabytes go through a small pipe, both ways at once', async () => {
  const { needs } = room()
  const { streams, stdin, stdout } = client()
  const execution = await execute(needs, 'app', ['cat'], streams)
  const block = Buffer.alloc(50_000, 'abcdefghij')
  const writing = (async () => {
    for (let count = 0; count < 100; count++) {
      await stdin.room()
      stdin.write(block)
    }
    stdin.end()
  })()
  const text = await read(stdout)
  await writing
  expect([text.length, text.slice(-10), await execution.ended]).toEqual([5_000_000, 'abcdefghij', 0])
})

/** Who does much is slowed by the cluster's time, which moves until it is done. */
async function inTime<T>({ clock }: Pick<VirtualEnv, 'clock'>, work: Promise<T>): Promise<T> {
  let isDone = false
  const end = () => {
    isDone = true
  }
  work.then(end, end)
  while (!isDone) await clock.advance(10)
  return work
}

test('who prints faster than it is read waits, and nothing is kept beyond the pipe', async () => {
  const { needs, env } = room()
  const { streams, stdout } = client()
  const execution = await execute(needs, 'app', ['yes'], streams)
  await env.activity.idle()
  expect(stdout.size).toBeLessThan(100_000)
  expect((await inTime(env, read(stdout))).length).toBe(1_980_000)
  expect(await execution.ended).toBe(0)
})

test('a client who leaves is a broken pipe to the program', async () => {
  const { needs, env } = room()
  const { streams, leave } = client()
  const execution = await execute(needs, 'app', ['yes'], streams)
  await env.activity.idle()
  leave()
  await env.clock.advance(1000)
  expect(await execution.ended).toBe(141)
})

test('what a child still holds is waited for', async () => {
  const { needs, env } = room()
  const { streams, stdout } = client()
  const execution = await execute(needs, 'app', ['nohup'], streams)
  let hasEnded = false
  void execution.ended.then(() => {
    hasEnded = true
  })
  await env.clock.advance(4000)
  expect(hasEnded).toBe(false)
  await env.clock.advance(2000)
  expect([await read(stdout), await execution.ended]).toEqual(['left\nslept\n', 0])
})

test('on a terminal all is printed to one place, with its line ends; Ctrl-C ends what runs', async () => {
  const { needs, env } = room()
  const one = client({ tty: true })
  const execution = await execute(needs, 'app', ['sh'], one.streams)
  expect([await read(one.stdout), await execution.ended]).toEqual(['sh xterm\r\ncomplaint\r\n', 3])
  const two = client({ tty: true })
  const sleeping = await execute(needs, 'app', ['sleep', '100'], two.streams)
  sleeping.resize({ columns: 100, rows: 30 })
  await env.activity.idle()
  two.stdin.write(Buffer.of(3))
  expect(await sleeping.ended).toBe(130)
})

test('a command that is not there is told in the words of the chain that starts it', async () => {
  const { needs } = room()
  const execution = await execute(needs, 'app', ['nope'], client().streams)
  await expect(execution.ended).rejects.toThrow(
    /^failed to exec in container: failed to start exec "[0-9a-f]{64}": OCI runtime exec failed: exec failed: unable to start container process: exec: "nope": executable file not found in \$PATH: unknown$/,
  )
})

test('a container that does not run, or of a pod that is gone, is refused', async () => {
  const stopped = room(podOf({}, { terminated: {} })).needs
  const { streams } = client()
  await expect(execute(stopped, 'app', ['cat'], streams)).rejects.toThrow('container not found ("app")')
  await expect(attachTo(stopped, 'app', streams)).rejects.toThrow('container app not found in pod web_default')
  await expect(execute({ ...stopped, current: undefined }, 'app', ['cat'], streams)).rejects.toMatchObject({
    code: 404,
    message: 'pod does not exist',
  })
})

test('who attaches sees what is printed from then on, slowly if he likes, and its end', async () => {
  const { needs, env } = room(podOf(), ['yes'])
  const { streams, stdout } = client()
  const execution = await attachTo(needs, 'app', streams)
  await env.activity.idle()
  expect(stdout.size).toBeLessThan(100_000)
  expect((await inTime(env, read(stdout))).length).toBe(1_980_000)
  expect(await execution.ended).toBe(0)
})

test('input of who attaches goes to a container that has stdin; its end only where it is once', async () => {
  for (const stdinOnce of [true, false]) {
    const { needs, env, machine } = room(podOf({ stdin: true, stdinOnce }), ['cat'])
    const { streams, stdin, stdout, leave } = client()
    const execution = await attachTo(needs, 'app', streams)
    stdin.write(Buffer.from('typed'))
    await env.activity.idle()
    expect(Buffer.from(stdout.take()!).toString()).toBe('typed')
    stdin.end()
    await env.activity.idle()
    expect(machine.hasEnded).toBe(stdinOnce)
    leave()
    await execution.ended
  }
})

test('a container without stdin gets none, and who leaves is forgotten', async () => {
  const { needs, env, machine } = room(podOf(), ['yes'])
  const { streams, stdin, leave } = client()
  const execution = await attachTo(needs, 'app', streams)
  expect(stdin.isAbandoned).toBe(true)
  await env.activity.idle()
  leave()
  await execution.ended
  await env.clock.advance(1000)
  expect(machine.hasEnded).toBe(true)
})

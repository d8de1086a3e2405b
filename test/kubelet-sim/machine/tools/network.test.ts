// wget, curl, nslookup, nc, ping in a pod, on the simulated network: what they print and how they end.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { VirtualEnv } from '../../../../src/env/virtual-env.ts'
import { type Room, virtualRoom } from '../../room.ts'

let room: Room<VirtualEnv>
let web: string

beforeAll(async () => {
  room = await virtualRoom({ pullDelay: 0, startDelay: 0 })
  await room.run('web', 'node-1')
  const sleeping = (image: string) => ({ containers: [{ name: 'main', image, command: ['sleep', '1d'] }] })
  await room.run('box', 'node-2', sleeping('busybox:1.36'))
  await room.run('old', 'node-2', sleeping('busybox:1.28'))
  await room.run('tools', 'node-2', sleeping('nicolaka/netshoot'))
  await room.env.clock.advance(5000)
  web = (await room.pod('web')).status.podIP!
  await room.serve('front', {}, ['web'])
})

afterAll(() => room[Symbol.asyncDispose]())

async function run(pod: string, line: string, input?: string) {
  const machines = await room.nodes.runs.machines()
  const machine = await machines.of(await room.pod(pod), 'main')
  let [stdout, stderr] = ['', '']
  const running = machine.start({
    argv: ['sh', '-c', line],
    stdin: true,
    stdout: {
      write: bytes => {
        stdout += Buffer.from(bytes).toString()
      },
    },
    stderr: {
      write: bytes => {
        stderr += Buffer.from(bytes).toString()
      },
    },
  })
  if (input !== undefined) running.input(Buffer.from(input))
  running.inputEnded()
  await room.env.clock.advanceUntil(() => running.exitCode !== undefined, 600_000)
  return { code: running.exitCode, stdout, stderr }
}

describe('wget', () => {
  test('a page to standard output, with busybox words around it', async () => {
    const { code, stdout, stderr } = await run('box', 'wget -O- front')
    expect([code, stdout]).toEqual([0, expect.stringContaining('Welcome to nginx!')])
    expect(stderr).toMatch(
      /^Connecting to front \(10\.96\.7\.1:80\)\nwriting to stdout\n- {20}100% \|\*{32}\| +\d+ {2}0:00:00 ETA\nwritten to stdout\n$/,
    )
  })

  test('quietly to a file, only looking, and what goes wrong', async () => {
    expect(await run('box', 'cd /tmp && wget -q front/index.html && grep -c Welcome index.html')).toMatchObject({
      code: 0,
      stdout: '2\n',
      stderr: '',
    })
    expect(await run('box', 'wget --spider front')).toMatchObject({
      code: 0,
      stderr: 'Connecting to front (10.96.7.1:80)\nremote file exists\n',
    })
    expect(await run('box', 'wget -q nowhere')).toEqual({
      code: 1,
      stdout: '',
      stderr: "wget: bad address 'nowhere'\n",
    })
    expect(await run('box', 'wget -qO- front/missing')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'wget: server returned error: HTTP/1.1 404 Not Found\n',
    })
    expect(await run('box', `wget -qO- ${web}:81`)).toEqual({
      code: 1,
      stdout: '',
      stderr: `wget: can't connect to remote host (${web}): Connection refused\n`,
    })
    expect(await run('box', 'wget -T 3 -qO- 10.244.1.77')).toMatchObject({ code: 1, stdout: '' })
  })
})

describe('curl', () => {
  test('the page, its status, its headers', async () => {
    expect((await run('tools', 'curl -s front')).stdout).toContain('Welcome to nginx!')
    expect(await run('tools', "curl -s -o /dev/null -w '%{http_code}\\n' front")).toEqual({
      code: 0,
      stdout: '200\n',
      stderr: '',
    })
    const { stdout } = await run('tools', 'curl -sI http://front')
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(stdout).toMatch(/\r\nContent-Type: text\/html/)
    expect((await run('tools', 'curl -sv front')).stderr).toContain('> GET / HTTP/1.1\n> Host: front\n')
  })

  test('exit codes 6, 7, 22, 28 and 2, each with its words', async () => {
    expect(await run('tools', 'curl nowhere')).toMatchObject({
      code: 6,
      stderr: 'curl: (6) Could not resolve host: nowhere\n',
    })
    expect(await run('tools', `curl ${web}:81`)).toMatchObject({
      code: 7,
      stderr: expect.stringMatching(
        /^curl: \(7\) Failed to connect to [\d.]+ port 81 after \d+ ms: Couldn't connect to server\n$/,
      ),
    })
    expect(await run('tools', 'curl -sSf front/missing')).toMatchObject({
      code: 22,
      stderr: 'curl: (22) The requested URL returned error: 404\n',
    })
    expect(await run('tools', 'curl --zzz front')).toMatchObject({ code: 2 })
    expect(
      await run('tools', `curl -s --resolve any.example:80:${web} http://any.example/ | grep -c title`),
    ).toMatchObject({ stdout: '1\n' })
  })
})

describe('names', () => {
  test("nslookup of today's busybox asks names with dots as they are", async () => {
    expect(await run('box', 'nslookup front.default.svc.cluster.local')).toEqual({
      code: 0,
      stdout:
        'Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\tfront.default.svc.cluster.local\nAddress: 10.96.7.1\n\n\n',
      stderr: '',
    })
    const { code, stdout } = await run('box', 'nslookup front.default')
    expect(code).toBe(1)
    expect(stdout).toContain("** server can't find front.default: NXDOMAIN\n")
  })

  test('nslookup of busybox:1.28, as the documentation shows it', async () => {
    const { code, stdout } = await run('old', 'nslookup front.default')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^Server: {4}10\.96\.0\.10\nAddress 1: 10\.96\.0\.10.*\n\nName: {6}front\.default\nAddress 1: 10\.96\.7\.1/,
    )
    expect(await run('old', 'nslookup nothing')).toMatchObject({
      code: 1,
      stderr: "nslookup: can't resolve 'nothing'\n",
    })
  })

  test("bind's nslookup and dig", async () => {
    expect((await run('tools', 'nslookup front')).stdout).toBe(
      'Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\nName:\tfront.default.svc.cluster.local\nAddress: 10.96.7.1\n\n',
    )
    expect((await run('tools', 'dig +short front.default.svc.cluster.local')).stdout).toBe('10.96.7.1\n')
    expect((await run('tools', 'dig +notcp +noall +answer +search front A')).stdout).toMatch(
      /^front\.default\.svc\.cluster\.local\.\t\d+\tIN\tA\t10\.96\.7\.1\n$/,
    )
    expect((await run('tools', 'nslookup nothing')).code).toBe(1)
  })
})

describe('connections', () => {
  test('nc tells of open ports and refused ones, and speaks HTTP when it is typed', async () => {
    expect(await run('box', `nc -zv ${web} 80`)).toMatchObject({ code: 0, stderr: `${web} (${web}:80) open\n` })
    expect(await run('box', `nc -zv -w 2 ${web} 81`)).toMatchObject({
      code: 1,
      stderr: `nc: ${web} (${web}:81): Connection refused\n`,
    })
    const { stdout } = await run('box', 'nc front 80', 'GET / HTTP/1.0\r\nHost: front\r\n\r\n')
    expect(stdout).toMatch(/^HTTP\/1\.[01] 200 OK\r\n/)
  })

  test('nc listens for another', async () => {
    const { podIP } = (await room.pod('box')).status
    const line = `nc -l -p 7000 > /tmp/heard & sleep 1; echo hello | nc ${podIP} 7000; wait; cat /tmp/heard`
    expect(await run('box', line)).toMatchObject({ code: 0, stdout: 'hello\n' })
  })

  test('ping counts and sums up', async () => {
    const { code, stdout } = await run('box', `ping -c 2 ${web}`)
    expect(code).toBe(0)
    expect(stdout).toMatch(
      new RegExp(`^PING ${web} \\(${web}\\): 56 data bytes\n64 bytes from ${web}: seq=0 ttl=64 time=`),
    )
    expect(stdout).toContain('2 packets transmitted, 2 packets received, 0% packet loss\nround-trip min/avg/max = ')
    expect(await run('box', 'ping -c 1 -W 1 nowhere')).toMatchObject({
      code: 1,
      stderr: "ping: bad address 'nowhere'\n",
    })
  })

  test('ip, ifconfig and route show the one interface', async () => {
    const { podIP } = (await room.pod('box')).status
    expect((await run('box', 'ip addr')).stdout).toContain(`    inet ${podIP}/24 `)
    expect((await run('box', 'ifconfig eth0')).stdout).toContain(`inet addr:${podIP}  `)
    expect((await run('box', 'ip route')).stdout).toMatch(/^default via 10\.244\.2\.1 dev eth0/)
  })
})

test("/proc and the control group's files tell of the container", async () => {
  const limited = {
    name: 'main',
    image: 'busybox:1.36',
    command: ['sleep', '1d'],
    resources: { limits: { memory: '64Mi', cpu: '500m' } },
  }
  await room.run('limited', 'node-1', {
    containers: [limited],
    securityContext: { sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }] },
  })
  await room.env.clock.advance(5000)
  expect((await run('limited', 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max')).stdout).toBe(
    '67108864\n50000 100000\n',
  )
  expect((await run('limited', "tr '\\0' ' ' < /proc/1/cmdline")).stdout).toBe('sleep 1d ')
  expect((await run('limited', "A=b sh -c \"tr '\\0' '\\n' < /proc/self/environ | grep ^A=\"")).stdout).toBe('A=b\n')
  expect(
    (await run('limited', 'readlink /proc/1/cwd; grep -c processor /proc/cpuinfo; sysctl kernel.shm_rmid_forced'))
      .stdout,
  ).toMatch(/^\/\n\d+\nkernel\.shm_rmid_forced = 1\n$/)
  expect((await run('limited', 'ls /sys/fs')).stdout).toBe('cgroup\n')
})
